//! Whether an event is Stripe's.

use hmac::Mac;
use jiff::Timestamp;

use crate::payments::webhook::WebhookSecrets;

/// How far an event's time may be from ours, in seconds, as in Stripe's own
/// libraries.
///
/// They take an event from the future. Stripe signs each delivery anew, so
/// none needs to be; one that is could be replayed until its time has passed.
const TOLERANCE_SECONDS: u64 = 300;

/// An event that is not shown to be Stripe's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not the header that Stripe sends.
    #[error("the Stripe-Signature header cannot be read")]
    Malformed,
    /// No signature of the scheme `v1`.
    #[error("the Stripe-Signature header has no v1 signature")]
    NoSignature,
    /// Signed at another time, or our clock is wrong.
    #[error("the event was signed more than 5 minutes before or after now")]
    WrongTime,
    /// Signed with another secret, or changed on its way.
    #[error("no signature is that of the event with our secret")]
    Mismatch,
}

/// Checks that Stripe has signed an event's body, within 5 minutes of `now`.
///
/// The header is `t=TIME,v1=SIGNATURE`, with a signature for each secret that
/// is in force. Other schemes are passed over: `v0` is not for the live mode.
/// (<https://docs.stripe.com/webhooks#verify-manually>)
///
/// # Errors
/// When the header, its time or its signatures are not right.
pub fn verify(
    signature_header: &str,
    body: &[u8],
    secrets: &WebhookSecrets,
    now: Timestamp,
) -> Result<(), SignatureError> {
    let mut time = None;
    let mut signatures = Vec::new();
    for item in signature_header.split(',') {
        let (scheme, value) = item.trim().split_once('=').ok_or(SignatureError::Malformed)?;
        match scheme {
            "t" if time.is_none() => time = Some(value),
            "t" => return Err(SignatureError::Malformed),
            // One that is not hexadecimal matches nothing.
            "v1" => signatures.push(hex::decode(value).unwrap_or_default()),
            _ => {}
        }
    }
    let time = time.ok_or(SignatureError::Malformed)?;
    let signed_at: i64 = time.parse().map_err(|_| SignatureError::Malformed)?;
    if signatures.is_empty() {
        return Err(SignatureError::NoSignature);
    }
    let genuine = secrets.codes().any(|code| {
        let code = code.chain_update(time).chain_update(".").chain_update(body);
        // `verify_slice` takes the same time whatever it is given.
        signatures.iter().any(|signature| code.clone().verify_slice(signature).is_ok())
    });
    if !genuine {
        return Err(SignatureError::Mismatch);
    }
    if signed_at.abs_diff(now.as_second()) > TOLERANCE_SECONDS {
        return Err(SignatureError::WrongTime);
    }
    Ok(())
}
