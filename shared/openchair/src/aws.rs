//! The configuration of all AWS clients.

mod connector;
pub(crate) mod signed_client;

use std::env;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
#[cfg(feature = "dynamodb")]
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use self::connector::Connector;
pub use self::signed_client::AwsError;
use crate::https::HttpsClient;
use crate::time_budget::{AWS_ATTEMPT_TIMEOUT, AWS_TIMEOUT};

/// The root certificates of Amazon, which sign the certificates of all AWS
/// endpoints
/// (<https://docs.aws.amazon.com/acm/latest/userguide/acm-concepts.html>).
const AMAZON_ROOTS: &[u8] = include_bytes!("aws/amazon-roots.pem");

/// Returns the configuration from Lambda's environment: `AWS_REGION`,
/// `AWS_ENDPOINT_URL`, and credentials from `AWS_ACCESS_KEY_ID` and its
/// companions, or from the endpoint in `AWS_CONTAINER_CREDENTIALS_FULL_URI`.
///
/// A developer's profiles and sign-ins are not used, because functions run
/// where there are none. Nothing is sent.
#[must_use]
pub fn sdk_config() -> SdkConfig {
    let region = env::var("AWS_REGION").ok().map(Region::new);
    let https = Connector(https_client());
    let provider = ProviderConfig::empty().with_http_client(https.clone());
    let credentials = CredentialsProviderChain::first_try(
        "Environment",
        EnvironmentVariableCredentialsProvider::new(),
    )
    .or_else("Container", EcsCredentialsProvider::builder().configure(&provider).build());
    let mut config = base_config(https)
        .region(region)
        .credentials_provider(SharedCredentialsProvider::new(credentials));
    config.set_endpoint_url(env::var("AWS_ENDPOINT_URL").ok());
    config.build()
}

/// Creates a DynamoDB client, for the endpoint in `AWS_ENDPOINT_URL_DYNAMODB` or
/// else the region's.
#[cfg(feature = "dynamodb")]
#[must_use]
pub fn dynamodb(config: &SdkConfig) -> aws_sdk_dynamodb::Client {
    let mut config = aws_sdk_dynamodb::config::Builder::from(config);
    if let Ok(endpoint) = env::var("AWS_ENDPOINT_URL_DYNAMODB") {
        config.set_endpoint_url(Some(endpoint));
    }
    aws_sdk_dynamodb::Client::from_conf(config.build())
}

/// Creates a client of a DynamoDB on this machine that needs no credentials, for
/// development and tests.
#[cfg(feature = "dynamodb")]
#[must_use]
pub fn dynamodb_at(endpoint: &str) -> aws_sdk_dynamodb::Client {
    let credentials = Credentials::new("local", "local", None, None, "local");
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(credentials)
        .endpoint_url(endpoint)
        .http_client(Connector(https_client()))
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

/// Creates a client that trusts only Amazon's root certificates
/// (docs/decisions/0005-amazon-roots.md).
pub(crate) fn https_client() -> HttpsClient {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(AMAZON_ROOTS) {
        let added = root.map(|root| roots.add(root));
        added.expect("the file is PEM").expect("every root is a certificate");
    }
    HttpsClient::with_roots(roots)
}

fn base_config(https: Connector) -> aws_types::sdk_config::Builder {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .http_client(https)
        .retry_config(RetryConfig::standard())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_attempt_timeout(AWS_ATTEMPT_TIMEOUT)
                .operation_timeout(AWS_TIMEOUT)
                .build(),
        )
}

#[cfg(test)]
pub(crate) mod tests {
    use aws_credential_types::Credentials;

    use super::*;

    /// Returns a configuration for tests.
    pub(crate) fn test_config(credentials: Credentials) -> SdkConfig {
        base_config(Connector(https_client()))
            .region(Region::from_static("us-west-2"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    #[test]
    fn every_root_is_a_certificate() {
        let pem = str::from_utf8(AMAZON_ROOTS).unwrap();
        assert_eq!(pem.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        // Creating a client parses them, and panics if one is invalid.
        let _ = https_client();
    }
}
