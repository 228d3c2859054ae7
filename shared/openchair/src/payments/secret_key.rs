//! The key to the Stripe account.

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A key with which Stripe lets us act for the salon.
///
/// Checked to look like a secret (`sk_…`) or restricted (`rk_…`) key; whether
/// Stripe accepts it shows in the first request. It is never printed.
#[derive(Clone, Debug)]
pub struct SecretKey(SecretString);

/// A key that Stripe would not accept. The key itself is not in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretKeyError {
    /// A publishable key, or no key of Stripe's at all.
    #[error(
        "the Stripe secret key must begin with sk_ or rk_ (a key that begins with pk_ is for browsers)"
    )]
    NotASecretKey,
    /// A character that no key has, such as a space or a quotation mark.
    #[error("the Stripe secret key has a character other than letters, digits and _")]
    StrangeCharacter,
}

impl SecretKey {
    /// Checks a key's form.
    ///
    /// # Errors
    /// When it cannot be a secret key of Stripe's.
    pub fn new(key: SecretString) -> Result<Self, SecretKeyError> {
        let text = key.expose_secret();
        if !(text.starts_with("sk_") || text.starts_with("rk_")) {
            return Err(SecretKeyError::NotASecretKey);
        }
        let usual = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !text.bytes().all(usual) {
            return Err(SecretKeyError::StrangeCharacter);
        }
        Ok(Self(key))
    }

    /// Tells whether the key moves real money
    /// (<https://docs.stripe.com/keys#test-live-modes>).
    #[must_use]
    pub fn is_live(&self) -> bool {
        let text = self.0.expose_secret();
        text.starts_with("sk_live_") || text.starts_with("rk_live_")
    }

    /// Returns the value of the `Authorization` header, marked as sensitive.
    pub(super) fn authorization(&self) -> HeaderValue {
        let bearer = format!("Bearer {}", self.0.expose_secret());
        let mut value =
            HeaderValue::try_from(bearer).expect("letters, digits and _ may stand in a header");
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_secret_or_restricted_key_is_taken() {
        use SecretKeyError::{NotASecretKey, StrangeCharacter};
        let cases = [
            ("sk_test_4eC39HqLyjWDarjtT1zdp7dc", None),
            ("rk_live_4eC39HqLyjWDarjtT1zdp7dc", None),
            ("pk_test_4eC39HqLyjWDarjtT1zdp7dc", Some(NotASecretKey)),
            ("whsec_4eC39HqLyjWDarjtT1zdp7dc", Some(NotASecretKey)),
            ("\"sk_test_4eC39Hq\"", Some(NotASecretKey)),
            ("sk_test_4eC39Hq\n", Some(StrangeCharacter)),
            ("sk_test_4eC3 9Hq", Some(StrangeCharacter)),
            ("", Some(NotASecretKey)),
        ];
        for (text, expected) in cases {
            let key = SecretKey::new(SecretString::from(text));
            assert_eq!(key.err(), expected, "{text}");
        }
    }

    #[test]
    fn a_key_says_whether_the_money_is_real() {
        let cases = [
            ("sk_live_1", true),
            ("rk_live_1", true),
            ("sk_test_1", false),
            ("rk_test_1", false),
            ("sk_sandbox_live_1", false),
        ];
        for (text, expected) in cases {
            let key = SecretKey::new(SecretString::from(text)).unwrap();
            assert_eq!(key.is_live(), expected, "{text}");
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let key = SecretKey::new(SecretString::from("sk_test_hidden")).unwrap();
        let shown = format!("{key:?} {:?}", key.authorization());
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
