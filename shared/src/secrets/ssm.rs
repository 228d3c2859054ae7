//! The one request that we make of SSM: `GetParameters`.
//!
//! Signed and sent here, as SSM's generated client would take longer to build
//! than any other crate (docs/decisions/0004-release-profile.md).

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderName, Request, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::aws::{self, ATTEMPT_TIMEOUT, OPERATION_TIMEOUT};
use crate::backoff::Backoff;
use crate::https::{self, BodyError, HttpsClient, OUR_NAME};

/// How often the request is sent at most: a start has ten seconds.
const ATTEMPTS: u32 = 3;

/// Pauses between attempts.
const BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(200), cap: Duration::from_millis(500) };

/// The longest answer that is read, in bytes: ten parameters have 8 KB each at
/// most, and JSON may double a value.
const MAX_BODY: usize = 256 * 1024;

/// SSM gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum SsmError {
    /// Nothing says in which region SSM is.
    #[error("no AWS region is set: AWS_REGION is missing")]
    NoRegion,
    /// There are no credentials to sign with.
    #[error("there are no AWS credentials")]
    NoCredentials(#[source] Box<dyn Error + Send + Sync>),
    /// The endpoint is not an address that a request can be sent to.
    #[error("the request to SSM at {endpoint} cannot be built")]
    Unsendable {
        /// SSM's address.
        endpoint: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No connection, or one that broke before the answer was complete.
    #[error("the connection to SSM failed")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// No complete answer in time.
    #[error("SSM did not answer within {} ms", .after.as_millis())]
    Timeout {
        /// How long the attempt, or all of them, took.
        after: Duration,
    },
    /// SSM refused, or failed.
    #[error("SSM answered with status {status}, {code}: {message}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// SSM's word for it, such as `AccessDeniedException`.
        code: String,
        /// SSM's sentence, which names who was denied what.
        message: String,
    },
    /// An answer that is not what SSM documents. What is wrong with it is not
    /// told, as the answer holds secrets.
    #[error("SSM's answer cannot be read")]
    Unreadable,
}

impl SsmError {
    /// Tells whether the next attempt may not see it.
    fn passes(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Timeout { .. } => true,
            Self::Refused { status, code, .. } => {
                status.is_server_error()
                    || *status == StatusCode::TOO_MANY_REQUESTS
                    || code == "ThrottlingException"
            }
            Self::NoRegion
            | Self::NoCredentials(_)
            | Self::Unsendable { .. }
            | Self::Unreadable => false,
        }
    }
}

/// SSM, as the environment says where it is and who we are.
pub(super) struct Ssm {
    config: SdkConfig,
    endpoint: Option<String>,
    http: HttpsClient,
}

impl Ssm {
    /// Makes a client. Nothing is sent yet.
    ///
    /// `endpoint` is where SSM is, for this service alone; without it the
    /// configuration's endpoint counts, and then the region's.
    pub(super) fn new(config: SdkConfig, endpoint: Option<String>) -> Self {
        Self { config, endpoint, http: aws::https_client() }
    }

    /// Reads up to ten parameters, decrypted, by their names. Those that do
    /// not exist are not in the answer.
    pub(super) async fn parameters(
        &self,
        names: &[&str],
    ) -> Result<HashMap<String, String>, SsmError> {
        let request = self.request(names).await?;
        timeout(OPERATION_TIMEOUT, self.ask(&request))
            .await
            .unwrap_or(Err(SsmError::Timeout { after: OPERATION_TIMEOUT }))
    }

    /// Sends a request until it is answered, or would be refused again.
    async fn ask(
        &self,
        request: &Request<Full<Bytes>>,
    ) -> Result<HashMap<String, String>, SsmError> {
        let mut random = fastrand::Rng::new();
        let mut attempt = 1;
        loop {
            let answered = timeout(ATTEMPT_TIMEOUT, self.send(request.clone())).await;
            let error = match answered.unwrap_or(Err(SsmError::Timeout { after: ATTEMPT_TIMEOUT }))
            {
                Ok(parameters) => return Ok(parameters),
                Err(error) => error,
            };
            if attempt == ATTEMPTS || !error.passes() {
                return Err(error);
            }
            tracing::warn!(
                error = &error as &dyn Error,
                ssm.attempt = attempt,
                "Repeating a request to SSM."
            );
            sleep(BACKOFF.pause(attempt, None, &mut random)).await;
            attempt += 1;
        }
    }

    /// Builds the signed request
    /// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>).
    async fn request(&self, names: &[&str]) -> Result<Request<Full<Bytes>>, SsmError> {
        let region = self.config.region().ok_or(SsmError::NoRegion)?.as_ref();
        let endpoint = match self.endpoint.as_deref().or(self.config.endpoint_url()) {
            Some(endpoint) => Cow::Borrowed(endpoint),
            None => Cow::Owned(endpoint(region)),
        };
        let unsendable = |source: Box<dyn Error + Send + Sync>| SsmError::Unsendable {
            endpoint: endpoint.clone().into_owned(),
            source,
        };

        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| SsmError::NoCredentials("nobody has any".into()))?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|error| SsmError::NoCredentials(error.into()))?.into();

        let question = Question { names, with_decryption: true };
        let body = Bytes::from(serde_json::to_vec(&question).expect("strings are JSON"));
        let mut request = Request::post(endpoint.as_ref())
            .header(CONTENT_TYPE, "application/x-amz-json-1.1")
            .header(USER_AGENT, OUR_NAME)
            .header(TARGET, "AmazonSSM.GetParameters")
            .body(Full::from(body.clone()))
            .map_err(|error| unsendable(error.into()))?;

        let time = self.config.time_source().unwrap_or_default().now();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name("ssm")
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .expect("all parameters are there")
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signature = SignableRequest::new("POST", uri, headers, SignableBody::Bytes(&body))
            .and_then(|signable| sign(signable, &params))
            .map_err(|error| unsendable(error.into()))?;
        signature.into_parts().0.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// Sends a request once.
    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<HashMap<String, String>, SsmError> {
        let response = self.http.send(request).await;
        let response = response.map_err(|error| SsmError::Unreachable(error.into()))?;
        let (head, body) = response.into_parts();
        let body = https::read_body(body, MAX_BODY).await.map_err(|error| match error {
            BodyError::TooLong => SsmError::Unreadable,
            BodyError::Broken(error) => SsmError::Unreachable(error),
        })?;
        if head.status.is_success() {
            let answer: Answer = serde_json::from_slice(&body).map_err(|_| SsmError::Unreadable)?;
            return Ok(answer.parameters.into_iter().map(Parameter::into_pair).collect());
        }
        let refusal: Refusal = serde_json::from_slice(&body).unwrap_or_default();
        Err(SsmError::Refused { status: head.status, code: refusal.code, message: refusal.message })
    }
}

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

/// Returns where SSM is in a region.
fn endpoint(region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://ssm.{region}.{suffix}/")
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Question<'a> {
    names: &'a [&'a str],
    with_decryption: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    /// The version or label, where the name asked for one.
    selector: Option<String>,
    value: String,
}

impl Parameter {
    /// Returns the name as it was asked for, and the value.
    fn into_pair(self) -> (String, String) {
        (self.name + self.selector.as_deref().unwrap_or_default(), self.value)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    #[serde(rename = "__type")]
    code: String,
    #[serde(alias = "Message")]
    message: String,
}

#[cfg(test)]
mod tests {
    use aws_config::Region;
    use aws_credential_types::Credentials;

    use super::*;
    use crate::misbehaving_server::{MisbehavingServer, answer};

    const FOUND: &str = r#"{"Parameters": [{"Name": "/key", "Value": "sk_test_1"}]}"#;

    async fn config() -> SdkConfig {
        let credentials = Credentials::new("id", "secret", Some("token".to_owned()), None, "test");
        aws::config_loader()
            .region(Region::new("us-west-2"))
            .credentials_provider(credentials)
            .load()
            .await
    }

    async fn read(server: &MisbehavingServer) -> Result<HashMap<String, String>, SsmError> {
        Ssm::new(config().await, Some(server.base())).parameters(&["/key"]).await
    }

    #[tokio::test]
    async fn the_request_is_signed_with_all_that_it_says() {
        let server = MisbehavingServer::start(&[answer(200, &[], FOUND)]).await;
        assert_eq!(read(&server).await.unwrap()["/key"], "sk_test_1");
        let request = &server.received()[0];
        assert_eq!(request.line(), "POST / HTTP/1.1");
        assert_eq!(request.header("x-amz-security-token"), Some("token"));
        let authorization = request.header("authorization").unwrap();
        for part in [
            "AWS4-HMAC-SHA256 Credential=id/",
            "/us-west-2/ssm/aws4_request",
            "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target",
        ] {
            assert!(authorization.contains(part), "{authorization}");
        }
    }

    #[tokio::test]
    async fn what_may_pass_is_asked_again_and_what_will_not_is_not() {
        let throttled = r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#;
        let denied = r#"{"__type": "AccessDeniedException", "Message": "no"}"#;
        let cases = [
            (answer(400, &[], throttled), 2),
            (answer(503, &[], "<html>"), 2),
            (answer(400, &[], denied), 1),
            (answer(200, &[], r#"{"Parameters": 3}"#), 1),
        ];
        for (first, requests) in cases {
            let server = MisbehavingServer::start(&[first.clone(), answer(200, &[], FOUND)]).await;
            let found = read(&server).await;
            assert_eq!(server.received().len(), requests, "{first:?}");
            assert_eq!(found.is_ok(), requests > 1, "{first:?}");
        }
    }

    #[tokio::test]
    async fn attempts_end() {
        let server = MisbehavingServer::start(&[answer(500, &[], "{}")]).await;
        let error = read(&server).await.unwrap_err();
        assert!(matches!(error, SsmError::Refused { .. }), "{error:?}");
        assert_eq!(server.received().len(), 3);
    }

    #[tokio::test]
    async fn an_answer_that_cannot_be_read_is_not_quoted() {
        let odd = r#"{"Parameters": [{"Name": "/key", "Value": ["sk_test_1"]}]}"#;
        let server = MisbehavingServer::start(&[answer(200, &[], odd)]).await;
        let error = read(&server).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("sk_test_1"), "{error:?}");
    }

    #[tokio::test]
    async fn ssm_is_in_the_region_unless_an_endpoint_is_given() {
        let cases = [
            (None, None, "https://ssm.us-west-2.amazonaws.com/"),
            (None, Some("http://localhost:1/"), "http://localhost:1/"),
            (Some("http://localhost:2/"), Some("http://localhost:1/"), "http://localhost:2/"),
        ];
        for (own, common, expected) in cases {
            let mut config = config().await.into_builder();
            config.set_endpoint_url(common.map(str::to_owned));
            let config = config.build();
            let ssm = Ssm::new(config, own.map(str::to_owned));
            assert_eq!(*ssm.request(&["/key"]).await.unwrap().uri(), expected);
        }
        assert_eq!(endpoint("cn-north-1"), "https://ssm.cn-north-1.amazonaws.com.cn/");
    }
}
