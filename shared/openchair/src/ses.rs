//! Amazon SES: mail, as it was written.

use std::fmt;

use aws_config::SdkConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use crate::aws::signed_client::{AwsError, AwsService, SignedClient, SignedPost};

const SES: AwsService =
    AwsService { name: "SES", signed_as: "ses", host: "email", max_answer: 64 * 1024 };

/// What became of a mail that reached SES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// SES has taken it, and delivers it from now on.
    Accepted,
    /// SES will never take it: its address, or what is in it, will not do.
    Rejected {
        /// SES's word for it, such as `MessageRejected`.
        code: String,
    },
}

/// Who sends mails: SES, or a model of it in a simulation.
pub trait Mailer: Send + Sync {
    /// Sends a whole mail to one address.
    ///
    /// There is no idempotency key: a mail whose answer was lost may be on its
    /// way (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>).
    fn send(
        &self,
        to: &str,
        mail: &[u8],
    ) -> impl Future<Output = Result<SendOutcome, AwsError>> + Send;
}

/// SES in one region. Clones share the connections.
#[derive(Clone)]
pub struct Ses {
    client: SignedClient,
    configuration_set: Option<String>,
}

impl Ses {
    /// Makes a client. Nothing is sent yet.
    ///
    /// `endpoint` is where SES is; without it the region's counts. A
    /// `configuration_set` says what SES does about bounces and complaints.
    #[must_use]
    pub fn new(
        config: SdkConfig,
        endpoint: Option<String>,
        configuration_set: Option<String>,
    ) -> Self {
        Self { client: SignedClient::new(SES, config, endpoint), configuration_set }
    }

    /// Makes a client as the environment says: `AWS_ENDPOINT_URL_SESV2`, if
    /// SES is somewhere else, and `SES_CONFIGURATION_SET`, if there is one.
    #[must_use]
    pub fn from_env(config: SdkConfig) -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::new(config, set("AWS_ENDPOINT_URL_SESV2"), set("SES_CONFIGURATION_SET"))
    }
}

impl Mailer for Ses {
    /// Sends a mail. What may pass is tried again a few times.
    ///
    /// # Errors
    /// When SES cannot be reached, has too much to do, or takes no mail of
    /// ours at all. No error has an address in it.
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
        let read = |body: &Bytes| {
            serde_json::from_slice::<SendEmailResponse>(body).ok().map(|_| SendOutcome::Accepted)
        };
        match self.client.ask(&post, read, refusal).await {
            Err(AwsError::Refused { code, .. })
                if matches!(code.as_str(), "MessageRejected" | "BadRequestException") =>
            {
                Ok(SendOutcome::Rejected { code })
            }
            other => other,
        }
    }
}

/// Shows that there is one.
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

/// Reads SES's word for an error. Its sentence may name addresses, and is left
/// where it is.
fn refusal(headers: &HeaderMap, body: &Bytes) -> (String, Option<String>) {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Named {
        #[serde(rename = "__type")]
        code: String,
    }
    let in_header = headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let in_body = || serde_json::from_slice::<Named>(body).unwrap_or_default().code;
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

    const TAKEN: &str = r#"{"MessageId": "0100"}"#;

    async fn send(server: &MisbehavingServer) -> Result<SendOutcome, AwsError> {
        let config = test_config(Credentials::new("id", "secret", None, None, "test"));
        let ses = Ses::new(config, Some(server.base()), Some("salon".to_owned()));
        ses.send("ada@example.com", b"Subject: x\r\n\r\nhi").await
    }

    #[tokio::test]
    async fn a_mail_is_sent_as_it_was_written_and_signed() {
        let server = MisbehavingServer::start(&[answer(200, &[], TAKEN)]).await;
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
    async fn a_rejected_mail_is_told_from_a_service_that_takes_none() {
        let naming = r#"{"message": "Email address is not verified: ada@example.com"}"#;
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
            let refusal = answer(status, &[("x-amzn-errortype", code)], naming);
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
