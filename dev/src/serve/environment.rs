//! The environment variables of the functions.

use std::ffi::OsString;
use std::path::Path;

use openchair::store::table;

use super::Options;
use super::payment_provider::{PaymentProvider, SANDBOX_KEY};
use stand_ins::sandbox::WEBHOOK_SECRET;

/// Variables that would point a function at a real AWS account.
const AWS_ACCOUNT_VARIABLES: [&str; 4] =
    ["AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"];

/// Prefixes of the variables that cargo sets for the program it runs.
///
/// A cargo that inherits them would rebuild packages whose build scripts watch them.
const CARGO_PACKAGE_PREFIXES: [&str; 5] =
    ["CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_MANIFEST_", "CARGO_PKG_", "OUT_DIR"];

/// Environment variables to set and to remove in a child process.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    pub(super) set: Vec<(&'static str, OsString)>,
    pub(super) remove: Vec<String>,
}

impl Environment {
    /// Returns the environment in which cargo builds as it does in the developer's shell.
    pub(crate) fn of_cargo() -> Self {
        Self {
            set: Vec::new(),
            remove: std::env::vars_os()
                .filter_map(|(name, _)| name.into_string().ok())
                .filter(|name| is_package_variable(name))
                .collect(),
        }
    }

    pub(crate) fn apply(&self, command: &mut tokio::process::Command) {
        for name in &self.remove {
            command.env_remove(name);
        }
        for (name, value) in &self.set {
            command.env(name, value);
        }
    }
}

/// Returns the environment of `cargo lambda watch`, which the functions inherit.
pub(super) fn of_functions(
    options: &Options,
    payments: PaymentProvider,
    salon: Option<&Path>,
) -> Environment {
    let mut environment = Environment::of_cargo();
    environment.remove.extend(AWS_ACCOUNT_VARIABLES.map(str::to_owned));
    environment.set = vec![
        ("TABLE_NAME", table::DEFAULT_NAME.into()),
        ("AWS_ENDPOINT_URL_DYNAMODB", options.dynamodb_url().into()),
        ("AWS_ENDPOINT_URL_SESV2", options.mail_url().into()),
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_ACCESS_KEY_ID", "local".into()),
        ("AWS_SECRET_ACCESS_KEY", "local".into()),
        ("AWS_LAMBDA_LOG_FORMAT", "Text".into()),
        (
            "AWS_LAMBDA_LOG_LEVEL",
            std::env::var_os("AWS_LAMBDA_LOG_LEVEL").unwrap_or_else(|| log_level(options)),
        ),
    ];
    match salon {
        Some(path) => environment.set.push(("SALON_FILE", path.into())),
        None => environment.remove.push("SALON_FILE".to_owned()),
    }
    match payments {
        PaymentProvider::Sandbox => environment.set.extend([
            ("STRIPE_SECRET_KEY", SANDBOX_KEY.into()),
            ("STRIPE_API_BASE", options.sandbox_url().into()),
            ("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET.into()),
        ]),
        // The developer's own key is inherited, and so is the secret that `stripe listen`
        // prints. Without a secret, all events are refused, and reconcile settles payments.
        PaymentProvider::Stripe { .. } => {
            if std::env::var_os("STRIPE_WEBHOOK_SECRET").is_none() {
                let random_secret = format!("whsec_{:032x}", fastrand::u128(..));
                environment.set.push(("STRIPE_WEBHOOK_SECRET", random_secret.into()));
            }
        }
    }
    environment
}

/// Returns the log level: `debug` shows every request, `info` is the deployed level.
fn log_level(options: &Options) -> OsString {
    if options.release { "info" } else { "debug" }.into()
}

fn is_package_variable(name: &str) -> bool {
    CARGO_PACKAGE_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::serve_options::parse;

    fn value<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
        let (_, value) = environment.set.iter().find(|(key, _)| *key == name)?;
        value.to_str()
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
        assert!(environment.remove.iter().any(|name| name == "AWS_PROFILE"));
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
        assert!(unnamed.remove.iter().any(|name| name == "SALON_FILE"));
    }

    #[test]
    fn variables_of_this_package_are_not_passed_on() {
        for name in ["CARGO_PKG_NAME", "CARGO_MANIFEST_DIR", "OUT_DIR"] {
            assert!(is_package_variable(name), "{name} should be removed");
        }
        for name in ["CARGO_TARGET_DIR", "CARGO_HOME", "CARGO_BUILD_JOBS", "PATH"] {
            assert!(!is_package_variable(name), "{name} should be kept");
        }
    }
}
