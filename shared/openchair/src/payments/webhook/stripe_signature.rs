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
pub fn verify_signature(
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
        // `verify_slice` takes as long for a near miss as for a far one.
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;
    use stripe_webhook::Webhook;

    use super::*;

    const NOW: i64 = 1_795_516_500;
    const SECRET: &str = "whsec_1";
    const BODY: &str = r#"{"id": "evt_1"}"#;

    /// Returns the header that async-stripe makes.
    fn header(body: &str, secret: &str, time: i64) -> String {
        Webhook::generate_test_header(body, secret, Some(time))
    }

    /// Returns the signature alone.
    fn v1(secret: &str) -> String {
        header(BODY, secret, NOW).split_once(",v1=").unwrap().1.to_owned()
    }

    fn check(header: &str, body: &[u8], secrets: &str) -> Result<(), SignatureError> {
        let secrets = WebhookSecrets::new(&SecretString::from(secrets)).unwrap();
        verify_signature(header, body, &secrets, Timestamp::from_second(NOW).unwrap())
    }

    #[test]
    fn what_stripe_signs_is_taken() {
        for body in ["", BODY, "{\"name\": \"Müller & Søn\"}\n", "\u{0}"] {
            assert_eq!(check(&header(body, SECRET, NOW), body.as_bytes(), SECRET), Ok(()));
        }
    }

    #[test]
    fn headers_are_taken_or_refused_for_a_reason() {
        use SignatureError::{Malformed, Mismatch, NoSignature};
        let good = v1(SECRET);
        let other = v1("whsec_2");
        let cases = [
            (format!("t={NOW},v1={good}"), Ok(())),
            (format!("v1={good},t={NOW}"), Ok(())),
            (format!("t={NOW}, v1={good}"), Ok(())),
            (format!("t={NOW},v1={}", good.to_uppercase()), Ok(())),
            (format!("t={NOW},v1={other},v1={good}"), Ok(())),
            (format!("t={NOW},v1={good},v1={other}"), Ok(())),
            (format!("t={NOW},v1=,v1=abc,v1=no_hex,v1={good}"), Ok(())),
            (format!("t={NOW},v0={other},v1={good},v2=x"), Ok(())),
            (format!("t={NOW},v1={other}"), Err(Mismatch)),
            (format!("t={NOW},v1="), Err(Mismatch)),
            (format!("t={NOW},v1={}", &good[..62]), Err(Mismatch)),
            (format!("t={NOW},v1={good}00"), Err(Mismatch)),
            (format!("t={NOW},v1={}", "00".repeat(32)), Err(Mismatch)),
            (format!("t={},v1={good}", NOW + 1), Err(Mismatch)),
            (format!("t=0{NOW},v1={good}"), Err(Mismatch)),
            (format!("t=+{NOW},v1={good}"), Err(Mismatch)),
            (format!("t={NOW},v0={good}"), Err(NoSignature)),
            (format!("t={NOW},V1={good}"), Err(NoSignature)),
            (format!("t={NOW}"), Err(NoSignature)),
            (format!("v1={good}"), Err(Malformed)),
            (format!("t={NOW},t={NOW},v1={good}"), Err(Malformed)),
            (format!("t=,v1={good}"), Err(Malformed)),
            (format!("t=soon,v1={good}"), Err(Malformed)),
            (format!("t=99999999999999999999,v1={good}"), Err(Malformed)),
            (format!("t={NOW},v1={good},"), Err(Malformed)),
            (good, Err(Malformed)),
            (String::new(), Err(Malformed)),
        ];
        for (header, expected) in cases {
            assert_eq!(check(&header, BODY.as_bytes(), SECRET), expected, "{header}");
        }
    }

    #[test]
    fn either_secret_is_good_while_one_replaces_the_other() {
        for secret in ["whsec_1", "whsec_2"] {
            assert_eq!(
                check(&header(BODY, secret, NOW), BODY.as_bytes(), "whsec_1,whsec_2"),
                Ok(())
            );
        }
        let stranger = header(BODY, "whsec_3", NOW);
        let checked = check(&stranger, BODY.as_bytes(), "whsec_1,whsec_2");
        assert_eq!(checked, Err(SignatureError::Mismatch));
    }

    #[test]
    fn an_event_is_good_for_five_minutes_either_way() {
        use SignatureError::WrongTime;
        let cases = [
            (-301, Err(WrongTime)),
            (-300, Ok(())),
            (0, Ok(())),
            (300, Ok(())),
            (301, Err(WrongTime)),
            (-NOW, Err(WrongTime)),
            (i64::MIN + 1, Err(WrongTime)),
            (i64::MAX - NOW, Err(WrongTime)),
        ];
        for (offset, expected) in cases {
            let header = header(BODY, SECRET, NOW + offset);
            assert_eq!(check(&header, BODY.as_bytes(), SECRET), expected, "{offset} s");
        }
    }

    proptest! {
        #[test]
        fn any_changed_byte_is_noticed(
            body in ".{1,200}",
            at in any::<prop::sample::Index>(),
            flip in 1..=u8::MAX,
            of_signature in any::<bool>(),
        ) {
            let mut header = header(&body, SECRET, NOW);
            let mut bytes = body.into_bytes();
            if of_signature {
                let mut signature = hex::decode(header.split_once(",v1=").unwrap().1).unwrap();
                signature[at.index(32)] ^= flip;
                header = format!("t={NOW},v1={}", hex::encode(signature));
            } else {
                let at = at.index(bytes.len());
                bytes[at] ^= flip;
            }
            prop_assert_eq!(check(&header, &bytes, SECRET), Err(SignatureError::Mismatch));
        }
    }
}
