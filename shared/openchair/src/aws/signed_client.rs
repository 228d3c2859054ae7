//! Requests that no SDK client makes: signed and sent here, as a generated
//! client takes longer to build than any other crate
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
use tokio::time::{sleep, timeout};

use super::https_client;
use crate::backoff::Backoff;
use crate::https::{self, BodyError, HttpsClient, OUR_NAME};
use crate::time_budget::{AWS_ATTEMPT_TIMEOUT, AWS_TIMEOUT};

/// How often a request is sent at most.
const ATTEMPTS: u32 = 3;

/// Pauses between attempts.
const BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(200), cap: Duration::from_millis(500) };

/// A service of AWS's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AwsService {
    /// What it is called in messages.
    pub(crate) name: &'static str,
    /// What requests are signed for.
    pub(crate) signed_as: &'static str,
    /// The first label of its host.
    pub(crate) host: &'static str,
    /// The longest answer that is read, in bytes.
    pub(crate) max_answer: usize,
}

/// An AWS service gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// Nothing says in which region it is.
    #[error("no AWS region is set: AWS_REGION is missing")]
    NoRegion,
    /// There are no credentials to sign with.
    #[error("there are no AWS credentials")]
    NoCredentials(#[source] Box<dyn Error + Send + Sync>),
    /// The endpoint is not an address that a request can be sent to.
    #[error("the request to {service} at {endpoint} cannot be built")]
    Unsendable {
        /// The service.
        service: &'static str,
        /// Its address.
        endpoint: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No connection, or one that broke before the answer was complete.
    #[error("the connection to {service} failed")]
    Unreachable {
        /// The service.
        service: &'static str,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// No complete answer in time.
    #[error("{service} did not answer within {} ms", .after.as_millis())]
    Timeout {
        /// The service.
        service: &'static str,
        /// How long the attempt, or all of them, took.
        after: Duration,
    },
    /// The service refused, or failed.
    #[error(
        "{service} answered with status {status}, {code}{}",
        .message.as_deref().map(|message| format!(": {message}")).unwrap_or_default()
    )]
    Refused {
        /// The service.
        service: &'static str,
        /// The HTTP status.
        status: StatusCode,
        /// Its word for it, such as `AccessDeniedException`.
        code: String,
        /// Its sentence, where that tells nothing personal.
        message: Option<String>,
    },
    /// An answer that is not what the service documents. What is wrong with it
    /// is not told, as it may hold secrets.
    #[error("{service}'s answer cannot be read")]
    Unreadable {
        /// The service.
        service: &'static str,
    },
}

impl AwsError {
    /// Tells whether the next attempt may not see it.
    fn passes(&self) -> bool {
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

/// A POST to a service.
pub(crate) struct SignedPost<'a> {
    pub(crate) path: &'a str,
    pub(crate) content_type: &'static str,
    pub(crate) headers: &'a [(HeaderName, HeaderValue)],
    pub(crate) body: Bytes,
}

/// A client of one service, as the environment says where it is and who we are.
#[derive(Clone)]
pub(crate) struct SignedClient {
    service: AwsService,
    config: SdkConfig,
    endpoint: Option<String>,
    http: HttpsClient,
}

impl SignedClient {
    /// Makes a client. Nothing is sent yet.
    ///
    /// `endpoint` is where the service is, for this one alone; without it the
    /// configuration's endpoint counts, and then the region's.
    pub(crate) fn new(service: AwsService, config: SdkConfig, endpoint: Option<String>) -> Self {
        Self { service, config, endpoint, http: https_client() }
    }

    /// Sends a request until it is answered, or would be refused again.
    /// `refusal` reads an error's code and message out of its answer, and
    /// `read` an answer that is none.
    pub(crate) async fn ask<T>(
        &self,
        post: &SignedPost<'_>,
        read: impl Fn(&Bytes) -> Option<T>,
        refusal: impl Fn(&HeaderMap, &Bytes) -> (String, Option<String>),
    ) -> Result<T, AwsError> {
        let service = self.service.name;
        let request = self.request(post).await?;
        let asking = async {
            let mut random = fastrand::Rng::new();
            let mut attempt = 1;
            loop {
                let answered = timeout(AWS_ATTEMPT_TIMEOUT, self.send(request.clone())).await;
                let late = AwsError::Timeout { service, after: AWS_ATTEMPT_TIMEOUT };
                let error = match answered.unwrap_or(Err(late)) {
                    Ok((status, _, body)) if status.is_success() => {
                        return read(&body).ok_or(AwsError::Unreadable { service });
                    }
                    Ok((status, headers, body)) => {
                        let (code, message) = refusal(&headers, &body);
                        AwsError::Refused { service, status, code, message }
                    }
                    Err(error) => error,
                };
                if attempt == ATTEMPTS || !error.passes() {
                    return Err(error);
                }
                tracing::warn!(
                    error = &error as &dyn Error,
                    aws.service = service,
                    aws.attempt = attempt,
                    "Repeating a request to AWS."
                );
                sleep(BACKOFF.pause(attempt, None, &mut random)).await;
                attempt += 1;
            }
        };
        let late = AwsError::Timeout { service, after: AWS_TIMEOUT };
        timeout(AWS_TIMEOUT, asking).await.unwrap_or(Err(late))
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
            None => Cow::Owned(regional(host, region)),
        };
        let address = format!("{}{}", endpoint.trim_end_matches('/'), post.path);
        let unsendable = |source: Box<dyn Error + Send + Sync>| AwsError::Unsendable {
            service,
            endpoint: endpoint.clone().into_owned(),
            source,
        };

        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| AwsError::NoCredentials("nobody has any".into()))?;
        let credentials = provider.provide_credentials().await;
        let identity = credentials.map_err(|error| AwsError::NoCredentials(error.into()))?.into();

        let mut request = Request::post(address)
            .header(CONTENT_TYPE, post.content_type)
            .header(USER_AGENT, OUR_NAME)
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
            .expect("all parameters are there")
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
    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), AwsError> {
        let service = self.service.name;
        let response = self.http.send(request).await;
        let response =
            response.map_err(|error| AwsError::Unreachable { service, source: error.into() })?;
        let (head, body) = response.into_parts();
        let body =
            https::read_body(body, self.service.max_answer).await.map_err(|error| match error {
                BodyError::TooLong => AwsError::Unreadable { service },
                BodyError::Broken(source) => AwsError::Unreachable { service, source },
            })?;
        Ok((head.status, head.headers, body))
    }
}

/// Returns where a service is in a region.
fn regional(host: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://{host}.{region}.{suffix}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn china_has_its_own_hosts() {
        assert_eq!(regional("ssm", "us-west-2"), "https://ssm.us-west-2.amazonaws.com/");
        assert_eq!(regional("ssm", "cn-north-1"), "https://ssm.cn-north-1.amazonaws.com.cn/");
    }
}
