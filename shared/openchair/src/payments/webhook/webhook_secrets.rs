//! The secrets with which Stripe signs webhook events.

use hmac::{Hmac, KeyInit};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// The secrets with which Stripe may sign events: one, or two during a rotation.
///
/// "Roll secret" in the Dashboard creates a new secret, and can keep the old one
/// valid for up to 24 hours (<https://docs.stripe.com/webhooks#roll-endpoint-secrets>).
#[derive(Clone, Debug)]
pub struct WebhookSecrets(Vec<SecretString>);

/// Invalid webhook secrets. The message does not contain them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookSecretsError {
    /// None, or more than two.
    #[error("the webhook's secret must be one or two secrets, separated by a comma or a space")]
    NotOneOrTwo,
    /// Such as an API key.
    #[error("each of the webhook's secrets must begin with whsec_")]
    NotAWebhookSecret,
}

impl WebhookSecrets {
    /// Parses one or two secrets, separated by a comma or whitespace.
    ///
    /// # Errors
    /// If there are none or more than two, or one is not a webhook secret.
    pub fn new(text: &SecretString) -> Result<Self, WebhookSecretsError> {
        let words = text.expose_secret().split(|c: char| c == ',' || c.is_whitespace());
        let secrets: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        if !(1..=2).contains(&secrets.len()) {
            return Err(WebhookSecretsError::NotOneOrTwo);
        }
        if secrets.iter().any(|secret| secret.strip_prefix("whsec_").is_none_or(str::is_empty)) {
            return Err(WebhookSecretsError::NotAWebhookSecret);
        }
        Ok(Self(secrets.into_iter().map(SecretString::from).collect()))
    }

    /// Returns an HMAC for each secret. The key is the whole secret, including
    /// `whsec_`.
    pub(super) fn hmacs(&self) -> impl Iterator<Item = Hmac<Sha256>> {
        self.0.iter().map(|secret| {
            Hmac::new_from_slice(secret.expose_secret().as_bytes())
                .expect("an HMAC accepts keys of any length")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_or_two_secrets_are_accepted() {
        use WebhookSecretsError::{NotAWebhookSecret, NotOneOrTwo};
        let cases = [
            ("whsec_1", Ok(1)),
            (" whsec_1\n", Ok(1)),
            ("whsec_1,whsec_2", Ok(2)),
            ("whsec_1, whsec_2", Ok(2)),
            ("whsec_1\nwhsec_2\n", Ok(2)),
            ("", Err(NotOneOrTwo)),
            (" ,", Err(NotOneOrTwo)),
            ("whsec_1 whsec_2 whsec_3", Err(NotOneOrTwo)),
            ("whsec_", Err(NotAWebhookSecret)),
            ("sk_test_1", Err(NotAWebhookSecret)),
            ("whsec_1;whsec_2,we_1", Err(NotAWebhookSecret)),
        ];
        for (text, expected) in cases {
            let read = WebhookSecrets::new(&SecretString::from(text));
            assert_eq!(read.map(|secrets| secrets.hmacs().count()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secrets = WebhookSecrets::new(&SecretString::from("whsec_hidden")).unwrap();
        assert!(!format!("{secrets:?}").contains("hidden"));
    }
}
