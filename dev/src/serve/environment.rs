//! The environment variables of the functions.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use openchair::store::table;
use stand_ins::sandbox::WEBHOOK_SECRET;

use super::Options;
use super::payment_provider::{PaymentProvider, SANDBOX_KEY};

/// Environment variables to set, or to remove where there is no value.
pub(super) type Environment = BTreeMap<&'static str, Option<OsString>>;

/// Variables that would point a function at a real AWS account.
const AWS_ACCOUNT_VARIABLES: [&str; 4] =
    ["AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"];

/// Returns the environment of `cargo lambda watch`, which the functions inherit.
pub(super) fn of_functions(
    options: &Options,
    payments: PaymentProvider,
    salon: Option<&Path>,
) -> Environment {
    // `debug` shows every request, `info` is the deployed level.
    let log_level = if options.release { "info" } else { "debug" };
    let log_level = std::env::var_os("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|| log_level.into());
    let mut environment = Environment::from([
        ("TABLE_NAME", Some(table::DEFAULT_NAME.into())),
        ("AWS_ENDPOINT_URL_DYNAMODB", Some(options.dynamodb_url().into())),
        ("AWS_ENDPOINT_URL_SESV2", Some(options.mail_url().into())),
        ("AWS_REGION", Some("us-east-1".into())),
        ("AWS_ACCESS_KEY_ID", Some("local".into())),
        ("AWS_SECRET_ACCESS_KEY", Some("local".into())),
        ("AWS_LAMBDA_LOG_FORMAT", Some("Text".into())),
        ("AWS_LAMBDA_LOG_LEVEL", Some(log_level)),
        ("SALON_FILE", salon.map(OsString::from)),
    ]);
    environment.extend(AWS_ACCOUNT_VARIABLES.map(|name| (name, None)));
    match payments {
        PaymentProvider::Sandbox => environment.extend([
            ("STRIPE_SECRET_KEY", Some(SANDBOX_KEY.into())),
            ("STRIPE_API_BASE", Some(options.sandbox_url().into())),
            ("STRIPE_WEBHOOK_SECRET", Some(WEBHOOK_SECRET.into())),
        ]),
        // The developer's own key is inherited, and so is the secret that `stripe listen`
        // prints. Without a secret, all events are refused, and reconcile settles payments.
        PaymentProvider::Stripe { .. } => {
            if std::env::var_os("STRIPE_WEBHOOK_SECRET").is_none() {
                let random_secret = format!("whsec_{:032x}", fastrand::u128(..));
                environment.insert("STRIPE_WEBHOOK_SECRET", Some(random_secret.into()));
            }
        }
    }
    environment
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::serve_options::parse;

    fn value<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
        environment.get(name)?.as_ref()?.to_str()
    }

    fn removes(environment: &Environment, name: &str) -> bool {
        environment.get(name) == Some(&None)
    }

    #[test]
    fn functions_are_sent_to_the_local_dynamodb_and_sandbox() {
        let options = parse(&["--dynamodb-port", "8001", "--sandbox-port", "12112"]).unwrap();
        let environment = of_functions(&options, PaymentProvider::Sandbox, None);
        for (name, expected) in [
            ("TABLE_NAME", "openchair"),
            ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:8001"),
            ("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:8025"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_LAMBDA_LOG_FORMAT", "Text"),
            ("STRIPE_SECRET_KEY", "sk_test_sandbox"),
            ("STRIPE_API_BASE", "http://127.0.0.1:12112"),
            ("STRIPE_WEBHOOK_SECRET", "whsec_sandbox"),
        ] {
            assert_eq!(value(&environment, name), Some(expected), "{name}");
        }
        assert!(removes(&environment, "AWS_PROFILE"));
    }

    #[test]
    fn with_stripe_the_developers_key_is_inherited() {
        let stripe = PaymentProvider::Stripe { live: false };
        let environment = of_functions(&parse(&[]).unwrap(), stripe, None);
        assert_eq!(value(&environment, "STRIPE_SECRET_KEY"), None);
        assert_eq!(value(&environment, "STRIPE_API_BASE"), None);
        let secret =
            value(&environment, "STRIPE_WEBHOOK_SECRET").expect("the function requires a secret");
        assert_ne!(secret, WEBHOOK_SECRET, "the sandbox's secret is public");
    }

    #[test]
    fn the_salon_file_variable_is_set_or_removed() {
        let options = parse(&[]).unwrap();
        let salon = Path::new("/salon/salon.toml");
        let named = of_functions(&options, PaymentProvider::Sandbox, Some(salon));
        assert_eq!(value(&named, "SALON_FILE"), Some("/salon/salon.toml"));
        let unnamed = of_functions(&options, PaymentProvider::Sandbox, None);
        assert!(removes(&unnamed, "SALON_FILE"));
    }
}
