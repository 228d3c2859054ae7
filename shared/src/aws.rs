//! What all AWS clients have in common.

#[cfg(feature = "secrets")]
pub(crate) mod signed;

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, SdkConfig};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
#[cfg(feature = "secrets")]
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

#[cfg(feature = "secrets")]
pub use self::signed::AwsError;
#[cfg(feature = "secrets")]
use crate::https::HttpsClient;

/// Time to open a TCP connection. AWS is in the same region.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Time for one attempt. The services that we use answer in milliseconds.
pub(crate) const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// Time for an operation with its retries, well below API Gateway's 30 s.
pub(crate) const OPERATION_TIMEOUT: Duration = Duration::from_secs(8);

/// Amazon's own authorities, which sign for every AWS endpoint
/// (<https://docs.aws.amazon.com/acm/latest/userguide/acm-concepts.html>).
const AMAZON_ROOTS: &[u8] = include_bytes!("aws/amazon-roots.pem");

/// Loads region, credentials and endpoints as every AWS tool does, for clients
/// that speak TLS with ring.
///
/// Reads the environment; in Lambda it sends nothing.
pub async fn sdk_config() -> SdkConfig {
    config_loader().load().await
}

/// Trusts Amazon's authorities and no other.
///
/// The client's default is to read all of the machine's certificates, at every
/// start: several milliseconds, most of a start.
fn amazon_roots() -> TlsContext {
    let roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
    let context = TlsContext::builder().with_trust_store(roots).build();
    context.expect("a trust store is all that a context needs")
}

/// Makes a client for requests that no SDK client makes, with the same trust.
#[cfg(feature = "secrets")]
pub(crate) fn https_client() -> HttpsClient {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_slice_iter(AMAZON_ROOTS) {
        let added = root.map(|root| roots.add(root));
        added.expect("the file is PEM").expect("every root is a certificate");
    }
    HttpsClient::trusting(roots)
}

pub(crate) fn config_loader() -> ConfigLoader {
    let https = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(amazon_roots())
        .build_https();
    aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(https)
        .retry_config(RetryConfig::standard())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                .operation_timeout(OPERATION_TIMEOUT)
                .build(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_root_is_a_certificate() {
        let pem = str::from_utf8(AMAZON_ROOTS).unwrap();
        assert_eq!(pem.matches("-----BEGIN CERTIFICATE-----").count(), 5);
        // Building a client reads them, and panics on one that is unreadable.
        let _ = config_loader();
        #[cfg(feature = "secrets")]
        let _ = https_client();
    }
}
