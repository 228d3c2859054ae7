//! The SSM request `GetParameters`.

use std::collections::HashMap;

use aws_config::SdkConfig;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};

use crate::aws::signed_client::{AwsError, AwsService, SignedClient, SignedPost};

const SSM: AwsService = AwsService {
    name: "SSM",
    signed_as: "ssm",
    host: "ssm",
    // Ten parameters of at most 8 KB, and JSON may double a value.
    max_response: 256 * 1024,
};

/// An SSM client.
pub(super) struct Ssm(SignedClient);

impl Ssm {
    /// Creates a client. Nothing is sent yet.
    pub(super) fn new(config: SdkConfig, endpoint: Option<String>) -> Self {
        Self(SignedClient::new(SSM, config, endpoint))
    }

    /// Reads up to ten parameters by name, decrypted. The result omits those that
    /// do not exist
    /// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>).
    pub(super) async fn parameters(
        &self,
        names: &[&str],
    ) -> Result<HashMap<String, String>, AwsError> {
        let request = GetParametersRequest { names, with_decryption: true };
        let body = Bytes::from(serde_json::to_vec(&request).expect("strings are JSON"));
        let post = SignedPost {
            path: "/",
            content_type: "application/x-amz-json-1.1",
            headers: &[(TARGET, HeaderValue::from_static("AmazonSSM.GetParameters"))],
            body,
        };
        self.0.send(&post, parse_parameters, parse_error).await
    }
}

const TARGET: HeaderName = HeaderName::from_static("x-amz-target");

fn parse_parameters(body: &Bytes) -> Option<HashMap<String, String>> {
    let response: GetParametersResponse = serde_json::from_slice(body).ok()?;
    Some(response.parameters.into_iter().map(Parameter::into_pair).collect())
}

/// Returns the error's code and message. The message names the denied identity
/// and permission.
fn parse_error(_: &HeaderMap, body: &Bytes) -> (String, Option<String>) {
    let error: ErrorResponse = serde_json::from_slice(body).unwrap_or_default();
    (error.code, Some(error.message))
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct GetParametersRequest<'a> {
    names: &'a [&'a str],
    with_decryption: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetParametersResponse {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    /// The version or label, if the request named one.
    selector: Option<String>,
    value: String,
}

impl Parameter {
    /// Returns the name as requested, and the value.
    fn into_pair(self) -> (String, String) {
        (self.name + self.selector.as_deref().unwrap_or_default(), self.value)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorResponse {
    #[serde(rename = "__type")]
    code: String,
    #[serde(alias = "Message")]
    message: String,
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;

    use super::*;
    use crate::aws::tests::test_config;
    use testing::misbehaving_server::{MisbehavingServer, answer};

    const FOUND: &str = r#"{"Parameters": [{"Name": "/key", "Value": "sk_test_1"}]}"#;

    fn config() -> SdkConfig {
        test_config(Credentials::new("id", "secret", Some("token".to_owned()), None, "test"))
    }

    async fn read(server: &MisbehavingServer) -> Result<HashMap<String, String>, AwsError> {
        Ssm::new(config(), Some(server.base())).parameters(&["/key"]).await
    }

    #[tokio::test]
    async fn the_request_is_signed_with_all_its_headers() {
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
    async fn only_transient_failures_are_retried() {
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
    async fn the_number_of_attempts_is_limited() {
        let server = MisbehavingServer::start(&[answer(500, &[], "{}")]).await;
        let error = read(&server).await.unwrap_err();
        assert!(matches!(error, AwsError::Refused { .. }), "{error:?}");
        assert_eq!(server.received().len(), 3);
    }

    #[tokio::test]
    async fn an_unreadable_response_is_not_quoted() {
        let odd = r#"{"Parameters": [{"Name": "/key", "Value": ["sk_test_1"]}]}"#;
        let server = MisbehavingServer::start(&[answer(200, &[], odd)]).await;
        let error = read(&server).await.unwrap_err();
        assert!(!format!("{error:?} {error}").contains("sk_test_1"), "{error:?}");
    }

    #[tokio::test]
    async fn an_explicit_endpoint_replaces_that_of_the_region() {
        let cases = [
            (None, None, "https://ssm.us-west-2.amazonaws.com/"),
            (None, Some("http://localhost:1/"), "http://localhost:1/"),
            (Some("http://localhost:2/"), Some("http://localhost:1/"), "http://localhost:2/"),
        ];
        for (own, common, expected) in cases {
            let mut config = config().into_builder();
            config.set_endpoint_url(common.map(str::to_owned));
            let config = config.build();
            let Ssm(client) = Ssm::new(config, own.map(str::to_owned));
            let post = SignedPost {
                path: "/",
                content_type: "application/x-amz-json-1.1",
                headers: &[],
                body: Bytes::new(),
            };
            assert_eq!(*client.request(&post).await.unwrap().uri(), expected);
        }
    }
}
