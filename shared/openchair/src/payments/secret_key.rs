//! The secret key of the Stripe account.

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// A secret (`sk_…`) or restricted (`rk_…`) key for Stripe's API. Never printed.
///
/// Only its format is checked. Whether Stripe accepts it shows with the first
/// request.
#[derive(Clone, Debug)]
pub struct SecretKey(SecretString);

/// A key with an invalid format. The message does not contain the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretKeyError {
    /// A publishable key, or not a Stripe key.
    #[error(
        "the Stripe secret key must begin with sk_ or rk_ (a key that begins with pk_ is for browsers)"
    )]
    NotASecretKey,
    /// A character that occurs in no key, such as a space or a quotation mark.
    #[error("the Stripe secret key has a character other than letters, digits and _")]
    InvalidCharacter,
}

impl SecretKey {
    /// Checks the format of a key.
    ///
    /// # Errors
    /// If it cannot be a secret or restricted key.
    pub fn new(key: SecretString) -> Result<Self, SecretKeyError> {
        let text = key.expose_secret();
        if !(text.starts_with("sk_") || text.starts_with("rk_")) {
            return Err(SecretKeyError::NotASecretKey);
        }
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if !text.bytes().all(is_allowed) {
            return Err(SecretKeyError::InvalidCharacter);
        }
        Ok(Self(key))
    }

    /// Returns whether the key moves real money
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
            HeaderValue::try_from(bearer).expect("letters, digits and _ are valid in a header");
        value.set_sensitive(true);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_secret_or_restricted_key_is_accepted() {
        use SecretKeyError::{InvalidCharacter, NotASecretKey};
        let cases = [
            ("sk_test_4eC39HqLyjWDarjtT1zdp7dc", None),
            ("rk_live_4eC39HqLyjWDarjtT1zdp7dc", None),
            ("pk_test_4eC39HqLyjWDarjtT1zdp7dc", Some(NotASecretKey)),
            ("whsec_4eC39HqLyjWDarjtT1zdp7dc", Some(NotASecretKey)),
            ("\"sk_test_4eC39Hq\"", Some(NotASecretKey)),
            ("sk_test_4eC39Hq\n", Some(InvalidCharacter)),
            ("sk_test_4eC3 9Hq", Some(InvalidCharacter)),
            ("", Some(NotASecretKey)),
        ];
        for (text, expected) in cases {
            let key = SecretKey::new(SecretString::from(text));
            assert_eq!(key.err(), expected, "{text}");
        }
    }

    #[test]
    fn a_live_key_moves_real_money() {
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
    fn a_key_is_never_printed() {
        let key = SecretKey::new(SecretString::from("sk_test_hidden")).unwrap();
        let shown = format!("{key:?} {:?}", key.authorization());
        assert!(!shown.contains("hidden"), "{shown}");
    }
}
