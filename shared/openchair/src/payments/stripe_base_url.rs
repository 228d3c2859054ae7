//! The base URL of Stripe's API.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

use crate::https::is_loopback;

/// The base URL of Stripe's API, or of a stand-in for it.
///
/// Plain HTTP is allowed only to this machine: every request carries the secret
/// key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripeBaseUrl(String);

/// An invalid base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StripeBaseUrlError {
    /// Not an absolute URL, or one with a path or query.
    #[error("it must be an address such as https://api.stripe.com, without a path")]
    Invalid,
    /// Plain HTTP to another machine.
    #[error("it must begin with https://, as every request to it carries the secret key")]
    NotEncrypted,
}

impl Default for StripeBaseUrl {
    /// Returns the URL of Stripe's own API.
    fn default() -> Self {
        Self("https://api.stripe.com".to_owned())
    }
}

impl FromStr for StripeBaseUrl {
    type Err = StripeBaseUrlError;

    fn from_str(text: &str) -> Result<Self, StripeBaseUrlError> {
        let uri: Uri = text.parse().map_err(|_| StripeBaseUrlError::Invalid)?;
        let host = uri.host().ok_or(StripeBaseUrlError::Invalid)?;
        if uri.path() != "/" || uri.query().is_some() {
            return Err(StripeBaseUrlError::Invalid);
        }
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => {}
            Some(scheme) if *scheme == Scheme::HTTP && is_loopback(host) => {}
            Some(_) => return Err(StripeBaseUrlError::NotEncrypted),
            None => return Err(StripeBaseUrlError::Invalid),
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// Prints the URL without a slash at the end.
impl fmt::Display for StripeBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_sent_only_encrypted_or_to_this_machine() {
        use StripeBaseUrlError::{Invalid, NotEncrypted};
        let cases = [
            ("https://api.stripe.com", Ok("https://api.stripe.com")),
            ("https://api.stripe.com/", Ok("https://api.stripe.com")),
            ("http://127.0.0.1:12111", Ok("http://127.0.0.1:12111")),
            ("http://localhost:12111/", Ok("http://localhost:12111")),
            ("http://[::1]:12111", Ok("http://[::1]:12111")),
            ("http://api.stripe.com", Err(NotEncrypted)),
            ("http://127.0.0.1.example.com", Err(NotEncrypted)),
            ("http://localhost@example.com", Err(NotEncrypted)),
            ("http://10.0.0.1", Err(NotEncrypted)),
            ("ftp://127.0.0.1", Err(NotEncrypted)),
            ("https://api.stripe.com/v1", Err(Invalid)),
            ("https://api.stripe.com/?key=1", Err(Invalid)),
            ("api.stripe.com", Err(Invalid)),
            ("/v1", Err(Invalid)),
            ("", Err(Invalid)),
        ];
        for (text, expected) in cases {
            let read = text.parse::<StripeBaseUrl>().map(|base| base.to_string());
            assert_eq!(read.as_deref(), expected.as_ref().map(|base| *base), "{text}");
        }
    }
}
