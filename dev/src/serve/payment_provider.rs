//! Chooses the payment provider: the sandbox or Stripe.

use super::{Error, Options};

/// The sandbox's API key. It is not a secret.
pub const SANDBOX_KEY: &str = "sk_test_sandbox";

/// Where the functions create Checkout Sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum PaymentProvider {
    Sandbox,
    Stripe { live: bool },
}

impl PaymentProvider {
    /// Returns Stripe if `STRIPE_SECRET_KEY` is set, and the sandbox otherwise.
    ///
    /// A live key is an error without `--allow-live-key`.
    pub(super) fn choose(options: &Options) -> Result<Self, Error> {
        let key = std::env::var_os("STRIPE_SECRET_KEY").unwrap_or_default();
        let payments = Self::for_key(&key.to_string_lossy(), options.allow_live_key)?;
        match payments {
            Self::Sandbox => {}
            Self::Stripe { live: false } => {
                println!("STRIPE_SECRET_KEY is set: payments go to Stripe instead of the sandbox");
            }
            Self::Stripe { live: true } => {
                eprintln!("warning: STRIPE_SECRET_KEY is a LIVE key: checkouts charge REAL CARDS");
            }
        }
        Ok(payments)
    }

    fn for_key(key: &str, allow_live: bool) -> Result<Self, Error> {
        let live = key.starts_with("sk_live_") || key.starts_with("rk_live_");
        match (key.trim().is_empty(), live) {
            (true, _) => Ok(Self::Sandbox),
            (false, true) if !allow_live => Err(Error::LiveKey),
            (false, live) => Ok(Self::Stripe { live }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_key_payments_go_to_the_sandbox() {
        assert_eq!(PaymentProvider::for_key("", false).unwrap(), PaymentProvider::Sandbox);
        assert_eq!(PaymentProvider::for_key("  ", false).unwrap(), PaymentProvider::Sandbox);
    }

    #[test]
    fn a_test_key_goes_to_stripe() {
        for key in ["sk_test_1", "rk_test_1"] {
            assert_eq!(
                PaymentProvider::for_key(key, false).unwrap(),
                PaymentProvider::Stripe { live: false }
            );
        }
    }

    #[test]
    fn a_live_key_must_be_allowed() {
        for key in ["sk_live_1", "rk_live_1"] {
            assert!(matches!(PaymentProvider::for_key(key, false), Err(Error::LiveKey)));
            assert_eq!(
                PaymentProvider::for_key(key, true).unwrap(),
                PaymentProvider::Stripe { live: true }
            );
        }
    }
}
