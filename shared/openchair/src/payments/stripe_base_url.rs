//! Where Stripe's API is.

use std::fmt;
use std::str::FromStr;

use http::Uri;
use http::uri::Scheme;

use crate::https::is_this_machine;

/// The address of Stripe's API, or of something that stands in for it.
///
/// Plain HTTP is allowed to this machine only: the secret key goes with every
/// request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StripeBaseUrl(String);

/// An address that cannot be Stripe's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StripeBaseUrlError {
    /// Not an absolute address, or one with a path or query.
    #[error("it must be an address such as https://api.stripe.com, without a path")]
    NotAnAddress,
    /// Plain HTTP to another machine.
    #[error("it must begin with https://, as every request to it carries the secret key")]
    NotEncrypted,
}

impl Default for StripeBaseUrl {
    /// Returns Stripe's own address.
    fn default() -> Self {
        Self("https://api.stripe.com".to_owned())
    }
}

impl FromStr for StripeBaseUrl {
    type Err = StripeBaseUrlError;

    fn from_str(text: &str) -> Result<Self, StripeBaseUrlError> {
        let uri: Uri = text.parse().map_err(|_| StripeBaseUrlError::NotAnAddress)?;
        let host = uri.host().ok_or(StripeBaseUrlError::NotAnAddress)?;
        if uri.path() != "/" || uri.query().is_some() {
            return Err(StripeBaseUrlError::NotAnAddress);
        }
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => {}
            Some(scheme) if *scheme == Scheme::HTTP && is_this_machine(host) => {}
            Some(_) => return Err(StripeBaseUrlError::NotEncrypted),
            None => return Err(StripeBaseUrlError::NotAnAddress),
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// Shows the address without a slash at the end.
impl fmt::Display for StripeBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_travels_encrypted_or_not_at_all() {
        use StripeBaseUrlError::{NotAnAddress, NotEncrypted};
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
            ("https://api.stripe.com/v1", Err(NotAnAddress)),
            ("https://api.stripe.com/?key=1", Err(NotAnAddress)),
            ("api.stripe.com", Err(NotAnAddress)),
            ("/v1", Err(NotAnAddress)),
            ("", Err(NotAnAddress)),
        ];
        for (text, expected) in cases {
            let read = text.parse::<StripeBaseUrl>().map(|base| base.to_string());
            assert_eq!(read.as_deref(), expected.as_ref().map(|base| *base), "{text}");
        }
    }
}
