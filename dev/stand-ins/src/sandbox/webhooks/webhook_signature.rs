//! The header `Stripe-Signature`:
//! <https://docs.stripe.com/webhooks#verify-manually>.

use std::fmt::Write as _;

use jiff::Timestamp;
use ring::hmac;

/// The key of the scheme `v0`, which must not be accepted.
const NOT_THE_SECRET: &str = "not the secret";

/// Signs a body that is sent at `at`. As Stripe does in test mode, this adds a signature of the
/// fake scheme `v0`.
#[must_use]
pub fn signature(secret: &str, at: Timestamp, body: &str) -> String {
    let t = at.as_second();
    let signed = format!("{t}.{body}");
    format!("t={t},v1={},v0={}", mac(secret, &signed), mac(NOT_THE_SECRET, &signed))
}

fn mac(key: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let mut hex = String::new();
    for byte in hmac::sign(&key, text.as_bytes()).as_ref() {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_an_hmac_of_time_and_body() {
        let at = Timestamp::from_second(1_492_774_577).unwrap();
        let header = signature("whsec_sandbox", at, "{\n  \"id\": \"evt_1\"\n}");
        // printf '1492774577.{\n  "id": "evt_1"\n}' | openssl dgst -sha256 -hmac whsec_sandbox
        let expected =
            "t=1492774577,v1=ff4f2455d7730174ae061f058f434ea609c0d99a63b8215a6d91ec96cf5e580b,v0=";
        assert!(header.starts_with(expected), "{header}");
    }
}
