//! Amazon SES: sends complete mails.

use std::fmt;

use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::aws::signed_client::{AwsError, AwsService, SignedClient, SignedPost};

const SES: AwsService =
    AwsService { name: "SES", signed_as: "ses", host: "email", max_response: 64 * 1024 };

/// SES's response to a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// SES has accepted the mail for delivery.
    Accepted,
    /// SES will never accept the mail, because of its address or its content.
    Rejected {
        /// SES's error code, such as `MessageRejected`.
        code: String,
    },
}

/// Sends mails: SES, or a model of it in a simulation.
pub trait Mailer: Send + Sync {
    /// Sends a complete mail to one address.
    ///
    /// There is no idempotency key: after a timeout the mail may have been sent
    /// (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>).
    fn send(
        &self,
        to: &str,
        mail: &[u8],
    ) -> impl Future<Output = Result<SendOutcome, AwsError>> + Send;
}

/// An SES client for one region. Clones share the connections.
#[derive(Clone)]
pub struct Ses {
    client: SignedClient,
    configuration_set: Option<String>,
}

impl Ses {
    /// Creates a client. Nothing is sent yet.
    ///
    /// `endpoint` replaces the region's endpoint. The `configuration_set` defines
    /// what SES does about bounces and complaints.
    #[must_use]
    pub fn new(
        config: SdkConfig,
        endpoint: Option<String>,
        configuration_set: Option<String>,
    ) -> Self {
        Self { client: SignedClient::new(SES, config, endpoint), configuration_set }
    }

    /// Creates a client from the environment: `AWS_ENDPOINT_URL_SESV2` (default:
    /// the region's endpoint) and `SES_CONFIGURATION_SET` (default: none).
    #[must_use]
    pub fn from_env(config: SdkConfig) -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::new(config, variable("AWS_ENDPOINT_URL_SESV2"), variable("SES_CONFIGURATION_SET"))
    }
}

impl Mailer for Ses {
    /// Sends a mail. Transient failures are retried.
    ///
    /// # Errors
    /// If SES cannot be reached, limits our requests, or rejects all our mail. No
    /// error contains an address.
    async fn send(&self, to: &str, mail: &[u8]) -> Result<SendOutcome, AwsError> {
        let request = SendEmailRequest {
            destination: Destination { to_addresses: [to] },
            content: Content { raw: Raw { data: STANDARD.encode(mail) } },
            configuration_set_name: self.configuration_set.as_deref(),
        };
        let body = Bytes::from(serde_json::to_vec(&request).expect("strings are JSON"));
        let post = SignedPost {
            path: "/v2/email/outbound-emails",
            content_type: "application/json",
            headers: &[],
            body,
        };
        let parse = |body: &Bytes| {
            serde_json::from_slice::<SendEmailResponse>(body).ok().map(|_| SendOutcome::Accepted)
        };
        match self.client.send(&post, parse, parse_error).await {
            Err(AwsError::Refused { code, .. })
                if matches!(code.as_str(), "MessageRejected" | "BadRequestException") =>
            {
                Ok(SendOutcome::Rejected { code })
            }
            other => other,
        }
    }
}

/// Hides the credentials.
impl fmt::Debug for Ses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ses").finish_non_exhaustive()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmailRequest<'a> {
    destination: Destination<'a>,
    content: Content,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_set_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Destination<'a> {
    to_addresses: [&'a str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Content {
    raw: Raw,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmailResponse {
    #[serde(rename = "MessageId")]
    _message_id: String,
}

/// Returns the error's code. The message is omitted, because it may contain
/// addresses.
fn parse_error(headers: &HeaderMap, body: &Bytes) -> (String, Option<String>) {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct ErrorBody {
        #[serde(rename = "__type")]
        code: String,
    }
    let in_header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let in_body = || serde_json::from_slice::<ErrorBody>(body).unwrap_or_default().code;
    let code = in_header.map_or_else(in_body, str::to_owned);
    // `MessageRejected:http://…`, or `com.amazonaws…#MessageRejected`.
    let code = code.split(':').next().unwrap_or_default();
    (code.rsplit('#').next().unwrap_or_default().to_owned(), None)
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;

    use super::*;
    use crate::aws::tests::test_config;
    use testing::misbehaving_server::{MisbehavingServer, answer};

    const ACCEPTED: &str = r#"{"MessageId": "0100"}"#;

    async fn send(server: &MisbehavingServer) -> Result<SendOutcome, AwsError> {
        let config = test_config(Credentials::new("id", "secret", None, None, "test"));
        let ses = Ses::new(config, Some(server.base()), Some("salon".to_owned()));
        ses.send("ada@example.com", b"Subject: x\r\n\r\nhi").await
    }

    #[tokio::test]
    async fn a_mail_is_sent_unchanged_and_signed() {
        let server = MisbehavingServer::start(&[answer(200, &[], ACCEPTED)]).await;
        assert_eq!(send(&server).await.unwrap(), SendOutcome::Accepted);
        let request = &server.received()[0];
        assert_eq!(request.line(), "POST /v2/email/outbound-emails HTTP/1.1");
        let authorization = request.header("authorization").unwrap();
        assert!(authorization.contains("/us-west-2/ses/aws4_request"), "{authorization}");
        let body: serde_json::Value = serde_json::from_str(&request.body).unwrap();
        let expected = serde_json::json!({
            "Destination": {"ToAddresses": ["ada@example.com"]},
            "Content": {"Raw": {"Data": STANDARD.encode("Subject: x\r\n\r\nhi")}},
            "ConfigurationSetName": "salon",
        });
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn a_rejected_mail_differs_from_a_failing_service() {
        let message = r#"{"message": "Email address is not verified: ada@example.com"}"#;
        let cases = [
            (400, "MessageRejected", 1, true),
            (400, "BadRequestException:http://internal.amazon.com/", 1, true),
            (429, "TooManyRequestsException", 3, false),
            (400, "SendingPausedException", 1, false),
            (400, "MailFromDomainNotVerifiedException", 1, false),
            (403, "AccessDeniedException", 1, false),
            (500, "InternalFailure", 3, false),
        ];
        for (status, code, requests, is_rejected) in cases {
            let refusal = answer(status, &[("x-amzn-errortype", code)], message);
            let server = MisbehavingServer::start(&[refusal]).await;
            let sent = send(&server).await;
            assert_eq!(server.received().len(), requests, "{code}");
            assert_eq!(
                matches!(sent, Ok(SendOutcome::Rejected { .. })),
                is_rejected,
                "{code}: {sent:?}"
            );
            assert!(!format!("{sent:?}").contains("ada@"), "{sent:?}");
        }
    }
}
