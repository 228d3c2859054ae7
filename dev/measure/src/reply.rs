//! What a function replies to API Gateway.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    /// `None` if no reply came.
    pub(crate) status: Option<u16>,
    /// The error's code from the API contract, or the reason why no reply came.
    pub(crate) code: Option<String>,
    /// The `Retry-After` header, in seconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) latency: Duration,
    /// Null where it is not JSON.
    pub(crate) body: Value,
}

impl Reply {
    /// Reads the output of an invocation. Other output is a failure of the function.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let output: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let status = output["statusCode"].as_u64().and_then(|status| status.try_into().ok());
        let Some(status) = status else {
            let code = Some("function_failed".to_owned());
            return Self { status: Some(500), code, ..Self::default() };
        };
        let body = output["body"].as_str().unwrap_or_default();
        let body = if output["isBase64Encoded"] == true {
            BASE64_STANDARD.decode(body).unwrap_or_default()
        } else {
            body.as_bytes().to_vec()
        };
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let header = output["headers"]["retry-after"].as_str();
        let header = header.or_else(|| output["multiValueHeaders"]["retry-after"][0].as_str());
        Self {
            status: Some(status),
            code: body["error"]["code"].as_str().map(str::to_owned),
            retry_after: header.and_then(|seconds| seconds.parse().ok()),
            latency: Duration::ZERO,
            body,
        }
    }

    /// Whether it contains a hold with a session.
    pub(crate) fn is_session(&self) -> bool {
        matches!(self.status, Some(200 | 201))
    }

    /// Whether Stripe was busy, so that there is a hold without a session.
    pub(crate) fn is_busy(&self) -> bool {
        self.status == Some(503) && self.code.as_deref() == Some("stripe_busy")
    }

    /// Whether the visitor knows what to do next: pay, or come back at a stated time.
    pub(crate) fn has_next_step(&self) -> bool {
        self.is_session() || matches!(self.status, Some(429 | 503)) && self.retry_after.is_some()
    }

    /// Whether it is a failure that is not Stripe's.
    pub(crate) fn is_failure(&self) -> bool {
        self.status.is_none_or(|status| status >= 500) && !self.is_busy()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reply(status: u16, headers: &Value, body: &Value) -> Reply {
        let text = json!({ "statusCode": status, "headers": headers, "body": body.to_string() });
        Reply::read(text.to_string().as_bytes())
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
            (Reply::read(b"{\"errorType\":\"panic\"}"), [false, false, false, true]),
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
        assert_eq!(Reply::read(text).retry_after, Some(7));
    }

    #[test]
    fn a_base64_body_is_decoded() {
        let text = br#"{"statusCode":200,"isBase64Encoded":true,"body":"eyJkYXlzIjpbXX0="}"#;
        assert_eq!(Reply::read(text).body, json!({"days": []}));
    }
}
