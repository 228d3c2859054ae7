//! Signed requests to AWS services without an SDK client. A generated client
//! takes longer to build than any other crate
//! (docs/decisions/0004-release-profile.md).

use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::Full;

use super::https_client;
use crate::https::{self, BodyError, HttpsClient, USER_AGENT_NAME};
use crate::retry::{FailedAttempt, Failure, RetryPolicy, millis};
use crate::telemetry::chain;
use crate::time_budget::{AWS_ATTEMPT_TIMEOUT, AWS_TIMEOUT};

const AWS_RETRIES: RetryPolicy = RetryPolicy {
    deadline: AWS_TIMEOUT,
    attempt_timeout: AWS_ATTEMPT_TIMEOUT,
    attempts: 3,
    backoff_base: Duration::from_millis(200),
    backoff_cap: Duration::from_millis(500),
};

/// An AWS service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AwsService {
    /// The name in messages.
    pub(crate) name: &'static str,
    /// The service name in signatures.
    pub(crate) signed_as: &'static str,
    /// The first label of the host name.
    pub(crate) host: &'static str,
    /// The longest response that is read, in bytes.
    pub(crate) max_response: usize,
}

/// A request to an AWS service that failed.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    #[error("no AWS region is set: AWS_REGION is missing")]
    NoRegion,
    #[error("there are no AWS credentials")]
    NoCredentials(#[source] Box<dyn Error + Send + Sync>),
    /// The endpoint is not a valid URL.
    #[error("the request to {service} at {endpoint} cannot be built")]
    Unsendable {
        service: &'static str,
        endpoint: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No connection, or one that broke before the response was complete.
    #[error("the connection to {service} failed")]
    Unreachable {
        service: &'static str,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No complete response in time.
    #[error("{service} did not answer within {} ms", .after.as_millis())]
    Timeout {
        service: &'static str,
        /// The time that the last attempt took.
        after: Duration,
    },
    /// The service refused the request, or failed.
    #[error(
        "{service} answered with status {status}, {code}{}",
        .message.as_deref().map(|message| format!(": {message}")).unwrap_or_default()
    )]
    Refused {
        service: &'static str,
        status: StatusCode,
        /// The service's error code, such as `AccessDeniedException`.
        code: String,
        /// The service's message, unless it may contain personal data.
        message: Option<String>,
    },
    /// A response that the service does not document. It is not quoted, because
    /// it may contain secrets.
    #[error("the response of {service} cannot be read")]
    Unreadable { service: &'static str },
}

impl AwsError {
    /// Returns whether the same request may succeed later.
    fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Timeout { .. } => true,
            Self::Refused { status, code, .. } => {
                status.is_server_error()
                    || *status == StatusCode::TOO_MANY_REQUESTS
                    || code == "ThrottlingException"
            }
            Self::NoRegion
            | Self::NoCredentials(_)
            | Self::Unsendable { .. }
            | Self::Unreadable { .. } => false,
        }
    }
}

impl From<AwsError> for Failure<AwsError> {
    fn from(error: AwsError) -> Self {
        if error.is_transient() { Self::transient(error) } else { Self::permanent(error) }
    }
}

/// A POST request to a service.
pub(crate) struct SignedPost<'a> {
    pub(crate) path: &'a str,
    pub(crate) content_type: &'static str,
    pub(crate) headers: &'a [(HeaderName, HeaderValue)],
    pub(crate) body: Bytes,
}

/// A client of one AWS service. Clones share the connections.
#[derive(Clone)]
pub(crate) struct SignedClient {
    service: AwsService,
    config: SdkConfig,
    endpoint: Option<String>,
    http: HttpsClient,
}

impl SignedClient {
    /// Creates a client. Nothing is sent yet.
    ///
    /// `endpoint` is for this service alone. It takes precedence over the
    /// configuration's endpoint, and that over the region's.
    pub(crate) fn new(service: AwsService, config: SdkConfig, endpoint: Option<String>) -> Self {
        Self { service, config, endpoint, http: https_client() }
    }

    /// Sends a request, and retries transient failures. `parse` reads the body
    /// of a success, and `parse_error` the code and message of an error.
    pub(crate) async fn send<T>(
        &self,
        post: &SignedPost<'_>,
        parse: impl Fn(&Bytes) -> Option<T>,
        parse_error: impl Fn(&HeaderMap, &Bytes) -> (String, Option<String>),
    ) -> Result<T, AwsError> {
        let service = self.service.name;
        let request = self.request(post).await?;
        let (request, parse, parse_error) = (&request, &parse, &parse_error);
        let attempt = |_| async move {
            let (status, headers, body) = self.send_once(request.clone()).await?;
            if status.is_success() {
                return parse(&body).ok_or(AwsError::Unreadable { service }.into());
            }
            let (code, message) = parse_error(&headers, &body);
            Err(AwsError::Refused { service, status, code, message }.into())
        };
        let timed_out = |after| AwsError::Timeout { service, after };
        let log_failure = |failed: &FailedAttempt<'_, AwsError>| {
            let Some(retry_in) = failed.pause else { return };
            tracing::warn!(
                error.cause = chain(failed.error),
                aws.service = service,
                aws.attempt = failed.number,
                aws.latency_ms = millis(failed.latency),
                aws.pause_ms = millis(retry_in),
                "AWS request failed, retrying"
            );
        };
        AWS_RETRIES.run(attempt, timed_out, log_failure).await
    }

    /// Builds the signed request.
    pub(crate) async fn request(
        &self,
        post: &SignedPost<'_>,
    ) -> Result<Request<Full<Bytes>>, AwsError> {
        let AwsService { name: service, signed_as, host, .. } = self.service;
        let region = self.config.region().ok_or(AwsError::NoRegion)?.as_ref();
        let endpoint = match self.endpoint.as_deref().or(self.config.endpoint_url()) {
            Some(endpoint) => Cow::Borrowed(endpoint),
            None => Cow::Owned(regional_endpoint(host, region)),
        };
        let address = format!("{}{}", endpoint.trim_end_matches('/'), post.path);
        let unsendable = |source: Box<dyn Error + Send + Sync>| AwsError::Unsendable {
            service,
            endpoint: endpoint.clone().into_owned(),
            source,
        };

        let provider = self.config.credentials_provider();
        let provider =
            provider.ok_or_else(|| AwsError::NoCredentials("no provider is configured".into()))?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|error| AwsError::NoCredentials(error.into()))?.into();

        let mut request = Request::post(address)
            .header(CONTENT_TYPE, post.content_type)
            .header(USER_AGENT, USER_AGENT_NAME)
            .body(Full::from(post.body.clone()))
            .map_err(|error| unsendable(error.into()))?;
        request.headers_mut().extend(post.headers.iter().cloned());

        let time = self.config.time_source().unwrap_or_default().now();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(signed_as)
            .time(time)
            .settings(SigningSettings::default())
            .build()
            .expect("all parameters are set")
            .into();
        let uri = request.uri().to_string();
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signature = SignableRequest::new("POST", uri, headers, SignableBody::Bytes(&post.body))
            .and_then(|signable| sign(signable, &params))
            .map_err(|error| unsendable(error.into()))?;
        signature.into_parts().0.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// Sends a request once.
    async fn send_once(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), AwsError> {
        let service = self.service.name;
        let response = self.http.send(request).await;
        let response =
            response.map_err(|error| AwsError::Unreachable { service, source: error.into() })?;
        let (head, body) = response.into_parts();
        let body =
            https::read_body(body, self.service.max_response).await.map_err(
                |error| match error {
                    BodyError::TooLong => AwsError::Unreadable { service },
                    BodyError::Broken(source) => AwsError::Unreachable { service, source },
                },
            )?;
        Ok((head.status, head.headers, body))
    }
}

/// Returns a service's endpoint in a region.
fn regional_endpoint(host: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{host}.{region}.{suffix}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn china_has_its_own_domain() {
        assert_eq!(regional_endpoint("ssm", "us-west-2"), "https://ssm.us-west-2.amazonaws.com/");
        assert_eq!(
            regional_endpoint("ssm", "cn-north-1"),
            "https://ssm.cn-north-1.amazonaws.com.cn/"
        );
    }
}
