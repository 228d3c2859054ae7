//! Invokes functions with the events of visitors.
//!
//! `cargo lambda watch` sets the address of every HTTP request to 127.0.0.1, so all
//! visitors would share one address's limit of unpaid holds. Therefore their events go
//! to the function's invocations, as API Gateway writes them.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::Error;
use stand_ins::gateway_event::GatewayEvent;

/// Functions give up earlier.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(35);

#[derive(Clone, Debug)]
pub(super) struct FunctionClient {
    client: reqwest::Client,
    api_url: String,
}

/// The reply to a visitor.
#[derive(Clone, Debug, Default)]
pub(super) struct Reply {
    /// `None` if no reply came.
    pub(super) status: Option<u16>,
    /// The error's code from the API contract, or the reason why no reply came.
    pub(super) code: Option<String>,
    /// The `Retry-After` header, in seconds.
    pub(super) retry_after: Option<u64>,
    pub(super) latency: Duration,
    pub(super) body: Value,
}

/// What a function returns to API Gateway.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionOutput {
    status_code: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    multi_value_headers: Map<String, Value>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl FunctionOutput {
    /// Returns the body, if it is JSON.
    fn json(&self) -> Option<Value> {
        let body = self.body.as_deref()?;
        if self.is_base64_encoded {
            serde_json::from_slice(&BASE64_STANDARD.decode(body).ok()?).ok()
        } else {
            serde_json::from_str(body).ok()
        }
    }
}

impl FunctionClient {
    pub(super) fn new(api_url: &str) -> Result<Self, Error> {
        let client = reqwest::Client::builder().no_proxy().timeout(RESPONSE_TIMEOUT).build();
        let client = client.map_err(Error::Client)?;
        Ok(Self { client, api_url: api_url.to_owned() })
    }

    /// Sends an event to a function, and waits for the reply.
    pub(super) async fn send(&self, function: &str, event: &GatewayEvent) -> Reply {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.api_url);
        let request = self.client.post(url).body(event.json());
        let sent = Instant::now();
        let received = async {
            let response = request.send().await?;
            let status = response.status().as_u16();
            Ok::<_, reqwest::Error>((status, response.bytes().await?))
        };
        let received = received.await;
        let latency = sent.elapsed();
        match received {
            Ok((status, bytes)) => Reply { latency, ..Reply::read(status, &bytes) },
            Err(error) => {
                let code = if error.is_timeout() { "timeout" } else { "no_connection" };
                Reply { code: Some(code.to_owned()), latency, ..Reply::default() }
            }
        }
    }
}

impl Reply {
    /// Reads the output of an invocation, which has a status of its own.
    fn read(invocation_status: u16, bytes: &[u8]) -> Self {
        let Ok(output) = serde_json::from_slice::<FunctionOutput>(bytes) else {
            let code = Some("function_failed".to_owned());
            return Self { status: Some(invocation_status.max(500)), code, ..Self::default() };
        };
        let body = output.json().unwrap_or_default();
        let code = body.pointer("/error/code").and_then(Value::as_str).map(str::to_owned);
        let header = output.headers.get("retry-after");
        let header = header.or_else(|| output.multi_value_headers.get("retry-after")?.get(0));
        let retry_after = header.and_then(Value::as_str).and_then(|seconds| seconds.parse().ok());
        Self { status: Some(output.status_code), code, retry_after, body, ..Self::default() }
    }

    /// Whether it contains a hold with a session.
    pub(super) fn is_session(&self) -> bool {
        matches!(self.status, Some(200 | 201))
    }

    /// Whether Stripe was busy, so that there is a hold without a session.
    pub(super) fn is_busy(&self) -> bool {
        self.status == Some(503) && self.code.as_deref() == Some("stripe_busy")
    }

    /// Whether the visitor knows what to do next: pay, or come back at a stated time.
    pub(super) fn has_next_step(&self) -> bool {
        self.is_session() || matches!(self.status, Some(429 | 503)) && self.retry_after.is_some()
    }

    /// Whether it is a failure that is not Stripe's.
    pub(super) fn is_failure(&self) -> bool {
        self.status.is_none_or(|status| status >= 500) && !self.is_busy()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16, headers: &Value, body: &Value) -> Reply {
        let text = json!({ "statusCode": status, "headers": headers, "body": body.to_string() });
        Reply::read(200, text.to_string().as_bytes())
    }

    #[test]
    fn replies_are_classified_by_status_code_and_header() {
        let busy = json!({"error": {"code": "stripe_busy"}});
        let store = json!({"error": {"code": "store_unavailable"}});
        let taken = json!({"error": {"code": "slot_taken"}});
        let later = json!({"retry-after": "1"});
        let cases = [
            // (reply, [session, busy, next step, failure])
            (reply(201, &json!({}), &json!({"bookingId": "b"})), [true, false, true, false]),
            (reply(503, &later, &busy), [false, true, true, false]),
            (reply(503, &json!({}), &busy), [false, true, false, false]),
            (reply(503, &later, &store), [false, false, true, true]),
            (reply(409, &json!({}), &taken), [false, false, false, false]),
            (reply(500, &json!({}), &Value::Null), [false, false, false, true]),
            (Reply::read(200, b"{\"errorType\":\"panic\"}"), [false, false, false, true]),
            (Reply::default(), [false, false, false, true]),
        ];
        for (reply, expected) in cases {
            let found =
                [reply.is_session(), reply.is_busy(), reply.has_next_step(), reply.is_failure()];
            assert_eq!(found, expected, "{reply:?}");
        }
    }

    #[test]
    fn retry_after_is_also_read_from_multi_value_headers() {
        let text = br#"{"statusCode":429,"multiValueHeaders":{"retry-after":["7"]},"body":""}"#;
        assert_eq!(Reply::read(200, text).retry_after, Some(7));
    }

    #[test]
    fn a_base64_body_is_decoded() {
        let text = br#"{"statusCode":200,"isBase64Encoded":true,"body":"eyJkYXlzIjpbXX0="}"#;
        assert_eq!(Reply::read(200, text).body, json!({"days": []}));
    }
}
