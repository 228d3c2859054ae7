//! Secrets, loaded once when a function starts.
//!
//! In a deployment, a secret is in an SSM parameter and the environment names
//! the parameter. Reading the function's configuration does not reveal the
//! secret. On a developer's machine the environment contains the secret.

use std::collections::{BTreeSet, HashMap};

use secrecy::SecretString;

use self::ssm::Ssm;
use crate::aws::{self, AwsError};

mod ssm;

/// A required secret is missing.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The environment contains neither the secret nor the name of a parameter.
    #[error(
        "{variable} is not set. Set it, or set {variable}_PARAMETER to the name of an SSM parameter that holds it."
    )]
    NotSet { variable: &'static str },
    /// The secret, or the name of its parameter, is empty.
    #[error("{place} is empty. {variable} or {variable}_PARAMETER must provide a value.")]
    Empty { variable: &'static str, place: String },
    /// The parameter does not exist.
    #[error("{variable}_PARAMETER names the SSM parameter {parameter}, which does not exist.")]
    NoSuchParameter { variable: &'static str, parameter: String },
    /// SSM failed, or denied the request.
    #[error(
        "SSM did not return the parameters {parameters}. The function needs ssm:GetParameters on them, and kms:Decrypt where they are encrypted with your own key."
    )]
    Ssm {
        parameters: String,
        #[source]
        source: AwsError,
    },
}

/// Loads secrets, each from its variable, or from the SSM parameter that
/// `<variable>_PARAMETER` names.
///
/// The variable takes precedence. All parameters, up to ten, are read in one
/// request. Without parameters nothing is sent to AWS. Whitespace around a
/// secret is removed, because files and consoles often add a line break.
///
/// # Errors
/// If a secret is missing or empty, or if SSM does not return it. No error
/// contains a secret.
pub async fn load<const N: usize>(
    variables: [&'static str; N],
) -> Result<[SecretString; N], SecretsError> {
    let variable = |name: &str| std::env::var(name).ok();
    let ssm = async || Ssm::new(aws::sdk_config(), variable("AWS_ENDPOINT_URL_SSM"));
    load_from(variable, ssm, variables).await
}

/// Loads a secret as [`load`] does. Returns nothing if neither its variable nor that of its
/// parameter is set.
///
/// # Errors
/// If the secret is empty, or if SSM does not return it.
pub async fn load_optional(variable: &'static str) -> Result<Option<SecretString>, SecretsError> {
    optional(load([variable]).await)
}

fn optional(
    loaded: Result<[SecretString; 1], SecretsError>,
) -> Result<Option<SecretString>, SecretsError> {
    match loaded {
        Ok([secret]) => Ok(Some(secret)),
        Err(SecretsError::NotSet { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn load_from<const N: usize>(
    environment: impl Fn(&str) -> Option<String>,
    ssm: impl AsyncFnOnce() -> Ssm,
    variables: [&'static str; N],
) -> Result<[SecretString; N], SecretsError> {
    let mut sources = Vec::with_capacity(N);
    for variable in variables {
        sources.push((variable, Source::find(&environment, variable)?));
    }
    let names: BTreeSet<&str> =
        sources.iter().filter_map(|(_, source)| source.parameter()).collect();
    let parameters = if names.is_empty() {
        HashMap::new()
    } else {
        let names: Vec<&str> = names.into_iter().collect();
        ssm().await.parameters(&names).await.map_err(|source| {
            let parameters = names.join(", ");
            SecretsError::Ssm { parameters, source }
        })?
    };
    let mut secrets = Vec::with_capacity(N);
    for (variable, source) in sources {
        secrets.push(source.secret(variable, &parameters)?);
    }
    Ok(secrets.try_into().expect("one secret for each variable"))
}

/// The place of a secret.
enum Source {
    Variable(String),
    Parameter(String),
}

impl Source {
    fn find(
        environment: impl Fn(&str) -> Option<String>,
        variable: &'static str,
    ) -> Result<Self, SecretsError> {
        if let Some(value) = environment(variable) {
            return Ok(Self::Variable(value));
        }
        let name_variable = format!("{variable}_PARAMETER");
        let name = environment(&name_variable).ok_or(SecretsError::NotSet { variable })?;
        let name = name.trim();
        if name.is_empty() {
            return Err(SecretsError::Empty { variable, place: name_variable });
        }
        Ok(Self::Parameter(name.to_owned()))
    }

    fn parameter(&self) -> Option<&str> {
        match self {
            Self::Variable(_) => None,
            Self::Parameter(name) => Some(name),
        }
    }

    fn secret(
        self,
        variable: &'static str,
        parameters: &HashMap<String, String>,
    ) -> Result<SecretString, SecretsError> {
        let (value, place) = match &self {
            Self::Variable(value) => (value, variable.to_owned()),
            Self::Parameter(name) => {
                let value = parameters.get(name).ok_or_else(|| {
                    let parameter = name.clone();
                    SecretsError::NoSuchParameter { variable, parameter }
                })?;
                (value, format!("The SSM parameter {name}"))
            }
        };
        let value = value.trim();
        if value.is_empty() {
            return Err(SecretsError::Empty { variable, place });
        }
        Ok(SecretString::from(value))
    }
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;
    use secrecy::ExposeSecret;

    use super::*;
    use crate::aws::tests::test_config;
    use testing::misbehaving_server::{MisbehavingServer, answer};

    const KEY: &str = "STRIPE_SECRET_KEY";
    const HOOK: &str = "STRIPE_WEBHOOK_SECRET";

    fn ssm_at(server: &MisbehavingServer) -> Ssm {
        let config = test_config(Credentials::new("id", "secret", None, None, "test"));
        Ssm::new(config, Some(server.base()))
    }

    /// Loads the key and the webhook's secret from an environment and a fake SSM.
    /// Returns them, or the message of the error.
    async fn read(
        environment: &[(&str, &str)],
        server: &MisbehavingServer,
    ) -> Result<[String; 2], String> {
        let environment: HashMap<_, _> = environment.iter().copied().collect();
        let variable = |name: &str| environment.get(name).map(|&value| value.to_owned());
        let secrets = load_from(variable, async || ssm_at(server), [KEY, HOOK]).await;
        secrets
            .map(|secrets| secrets.map(|secret| secret.expose_secret().to_owned()))
            .map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_secret_in_a_variable_needs_no_request() {
        let server = MisbehavingServer::start(&[answer(500, &[], "{}")]).await;
        let environment = [(KEY, "sk_test_1\n"), (HOOK, " whsec_1")];
        let secrets = read(&environment, &server).await;
        assert_eq!(secrets, Ok(["sk_test_1".to_owned(), "whsec_1".to_owned()]));
        assert!(server.received().is_empty());
    }

    #[tokio::test]
    async fn all_parameters_are_read_decrypted_in_one_request() {
        let body = r#"{"Parameters": [
            {"Name": "/salon/hook", "Selector": ":2", "Value": "whsec_1"},
            {"Name": "/salon/key", "Value": "sk_test_1\n"}
        ], "InvalidParameters": []}"#;
        let server = MisbehavingServer::start(&[answer(200, &[], body)]).await;
        let environment = [
            ("STRIPE_SECRET_KEY_PARAMETER", "/salon/key"),
            ("STRIPE_WEBHOOK_SECRET_PARAMETER", "/salon/hook:2"),
        ];
        let secrets = read(&environment, &server).await;
        assert_eq!(secrets, Ok(["sk_test_1".to_owned(), "whsec_1".to_owned()]));

        let [request] = &server.received()[..] else {
            panic!("one request is enough: {:?}", server.received());
        };
        assert_eq!(request.header("x-amz-target"), Some("AmazonSSM.GetParameters"));
        let asked: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        assert_eq!(asked["Names"], serde_json::json!(["/salon/hook:2", "/salon/key"]));
        assert_eq!(asked["WithDecryption"], true);
    }

    #[tokio::test]
    async fn a_missing_or_empty_secret_is_named() {
        let body = r#"{"Parameters": [{"Name": "/blank", "Value": " "}],
            "InvalidParameters": ["/none"]}"#;
        let cases: &[(&[(&str, &str)], &str)] = &[
            (
                &[],
                "STRIPE_SECRET_KEY is not set. Set it, or set STRIPE_SECRET_KEY_PARAMETER to the \
                 name of an SSM parameter that holds it.",
            ),
            (
                &[(KEY, " ")],
                "STRIPE_SECRET_KEY is empty. STRIPE_SECRET_KEY or STRIPE_SECRET_KEY_PARAMETER \
                 must provide a value.",
            ),
            (
                &[("STRIPE_SECRET_KEY_PARAMETER", "")],
                "STRIPE_SECRET_KEY_PARAMETER is empty. STRIPE_SECRET_KEY or \
                 STRIPE_SECRET_KEY_PARAMETER must provide a value.",
            ),
            (
                &[("STRIPE_SECRET_KEY_PARAMETER", "/none")],
                "STRIPE_SECRET_KEY_PARAMETER names the SSM parameter /none, which does not exist.",
            ),
            (
                &[("STRIPE_SECRET_KEY_PARAMETER", "/blank")],
                "The SSM parameter /blank is empty. STRIPE_SECRET_KEY or \
                 STRIPE_SECRET_KEY_PARAMETER must provide a value.",
            ),
        ];
        for (environment, expected) in cases {
            let server = MisbehavingServer::start(&[answer(200, &[], body)]).await;
            let environment = [environment, &[(HOOK, "whsec_1")][..]].concat();
            let message = read(&environment, &server).await.unwrap_err();
            assert_eq!(message, *expected);
        }
    }

    #[tokio::test]
    async fn an_optional_secret_may_be_missing_but_not_empty() {
        /// The environment, and the secret or the beginning of the error.
        type Case<'a> = (&'a [(&'a str, &'a str)], Result<Option<&'a str>, &'a str>);
        let cases: [Case<'_>; 4] = [
            (&[], Ok(None)),
            (&[(KEY, "sk_test_1")], Ok(Some("sk_test_1"))),
            (&[(KEY, " ")], Err("STRIPE_SECRET_KEY is empty")),
            (&[("STRIPE_SECRET_KEY_PARAMETER", "")], Err("STRIPE_SECRET_KEY_PARAMETER is empty")),
        ];
        for (environment, expected) in cases {
            let environment: HashMap<_, _> = environment.iter().copied().collect();
            let variable = |name: &str| environment.get(name).map(|&value| value.to_owned());
            let loaded = load_from(variable, async || unreachable!("no parameter"), [KEY]).await;
            let loaded = optional(loaded).map_err(|error| error.to_string());
            match (loaded, expected) {
                (Ok(loaded), Ok(expected)) => {
                    assert_eq!(loaded.as_ref().map(ExposeSecret::expose_secret), expected);
                }
                (Err(error), Err(expected)) => assert!(error.starts_with(expected), "{error}"),
                (loaded, expected) => panic!("{loaded:?} is not {expected:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_denied_parameter_names_the_missing_permission() {
        let denied = r#"{"__type": "AccessDeniedException", "Message": "no"}"#;
        let server = MisbehavingServer::start(&[answer(400, &[], denied)]).await;
        let environment = [("STRIPE_SECRET_KEY_PARAMETER", "/salon/key"), (HOOK, "whsec_1")];
        let message = read(&environment, &server).await.unwrap_err();
        assert!(message.contains("/salon/key"), "{message}");
        assert!(message.contains("ssm:GetParameters"), "{message}");
    }
}
