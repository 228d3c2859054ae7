//! Visitors: each with an address, a name and a key of its own.
//!
//! `cargo lambda watch` makes every request one of 127.0.0.1, whatever a header
//! says, and so would all visitors share one address's limit of unpaid holds. So
//! their events go where Lambda itself would put them, to the function's
//! invocations, written as API Gateway writes them.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use salon::service::StaffId;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Error;
use stand_ins::gateway_event::GatewayEvent;

/// How long an answer may take. A function gives up earlier.
const PATIENCE: Duration = Duration::from_secs(35);
/// The first address of those that are set aside for load tests (RFC 2544).
const FIRST_ADDRESS: u32 = u32::from_be_bytes([198, 18, 0, 0]);
/// The first number of many that can be in the United States.
const FIRST_PHONE: u64 = 12_132_000_000;

/// The way to the functions.
#[derive(Clone, Debug)]
pub(super) struct Visitors {
    client: reqwest::Client,
    api_url: String,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Visitor(pub(super) u32);

/// What a visitor was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// The status; `None` if no answer came.
    pub(super) status: Option<u16>,
    /// The contract's code of an error, or what kept the answer from coming.
    pub(super) code: Option<String>,
    /// When to come again, in seconds.
    pub(super) retry_after: Option<u64>,
    /// How long it took.
    pub(super) latency: Duration,
    /// The body.
    pub(super) body: Value,
}

/// What a function returns to API Gateway.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Returned {
    status_code: u16,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    multi_value_headers: Map<String, Value>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl Returned {
    /// Returns the body that a client would see, if it is JSON.
    fn json(&self) -> Option<Value> {
        let body = self.body.as_deref()?;
        if self.is_base64_encoded {
            serde_json::from_slice(&BASE64_STANDARD.decode(body).ok()?).ok()
        } else {
            serde_json::from_str(body).ok()
        }
    }
}

impl Visitors {
    /// Opens the way to the functions behind an address.
    pub(super) fn new(api_url: &str) -> Result<Self, Error> {
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build();
        let client = client.map_err(Error::Client)?;
        Ok(Self { client, api_url: api_url.to_owned() })
    }

    /// Sends an event to a function, and waits for the answer.
    pub(super) async fn ask(&self, function: &str, event: &GatewayEvent) -> Answer {
        let url = format!("{}/2015-03-31/functions/{function}/invocations", self.api_url);
        let body = event.json();
        let begun = Instant::now();
        let sent = self.client.post(url).body(body).send().await;
        let read = match sent {
            Ok(response) => {
                let status = response.status().as_u16();
                response.bytes().await.map(|bytes| (status, bytes))
            }
            Err(error) => Err(error),
        };
        let latency = begun.elapsed();
        match read {
            Ok((status, bytes)) => Answer { latency, ..Answer::read(status, &bytes) },
            Err(error) => {
                let why = if error.is_timeout() { "timeout" } else { "no_connection" };
                Answer { code: Some(why.to_owned()), latency, ..Answer::default() }
            }
        }
    }
}

impl Visitor {
    /// Asks for a page's times.
    pub(super) fn look(self, target: &str) -> GatewayEvent {
        GatewayEvent::new("GET", target).source(&self.address())
    }

    /// Asks for a time. The same visitor repeats the same key.
    pub(super) fn reserve(
        self,
        service: &str,
        start: Timestamp,
        staff: Option<&StaffId>,
    ) -> GatewayEvent {
        let body = json!({
            "serviceId": service,
            "start": start.to_string(),
            "staffId": staff.map(StaffId::as_str),
            "clientName": format!("Visitor {}", self.0),
            "clientPhone": format!("+{}", FIRST_PHONE + u64::from(self.0)),
            "clientEmail": format!("visitor{}@example.com", self.0),
        });
        GatewayEvent::new("POST", "/checkout")
            .header("content-type", "application/json")
            .header("idempotency-key", &format!("load-{:08}-{}", self.0, start.as_second()))
            .body(&body.to_string())
            .source(&self.address())
    }

    fn address(self) -> String {
        Ipv4Addr::from_bits(FIRST_ADDRESS + self.0).to_string()
    }
}

impl Answer {
    /// Reads what a function's invocation returned.
    fn read(invocation: u16, bytes: &[u8]) -> Self {
        let Ok(returned) = serde_json::from_slice::<Returned>(bytes) else {
            let code = Some("function_failed".to_owned());
            return Self { status: Some(invocation.max(500)), code, ..Self::default() };
        };
        let body = returned.json().unwrap_or_default();
        let code = body.pointer("/error/code").and_then(Value::as_str).map(str::to_owned);
        let header = returned.headers.get("retry-after");
        let header = header.or_else(|| returned.multi_value_headers.get("retry-after")?.get(0));
        let retry_after = header.and_then(Value::as_str).and_then(|seconds| seconds.parse().ok());
        Self { status: Some(returned.status_code), code, retry_after, body, ..Self::default() }
    }

    /// Whether it gives a hold with a session.
    pub(super) fn is_session(&self) -> bool {
        matches!(self.status, Some(200 | 201))
    }

    /// Whether it says that Stripe has no time now, and that the hold is kept.
    pub(super) fn is_busy(&self) -> bool {
        self.status == Some(503) && self.code.as_deref() == Some("stripe_busy")
    }

    /// Whether a visitor knows what to do next: pay, or come again at a stated time.
    pub(super) fn has_a_way_on(&self) -> bool {
        self.is_session() || matches!(self.status, Some(429 | 503)) && self.retry_after.is_some()
    }

    /// Whether it is a failure that is not Stripe's.
    pub(super) fn is_failure(&self) -> bool {
        self.status.is_none_or(|status| status >= 500) && !self.is_busy()
    }

    /// Returns the text of one of the body's fields.
    pub(super) fn text(&self, field: &str) -> Option<&str> {
        self.body.get(field)?.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returned(status: u16, headers: &Value, body: &Value) -> Answer {
        let text = json!({ "statusCode": status, "headers": headers, "body": body.to_string() });
        Answer::read(200, text.to_string().as_bytes())
    }

    #[test]
    fn answers_are_told_apart() {
        let busy = json!({"error": {"code": "stripe_busy"}});
        let store = json!({"error": {"code": "store_unavailable"}});
        let taken = json!({"error": {"code": "slot_taken"}});
        let later = json!({"retry-after": "1"});
        let cases = [
            // (answer, session, busy, way on, failure)
            (returned(201, &json!({}), &json!({"bookingId": "b"})), [true, false, true, false]),
            (returned(503, &later, &busy), [false, true, true, false]),
            (returned(503, &json!({}), &busy), [false, true, false, false]),
            (returned(503, &later, &store), [false, false, true, true]),
            (returned(409, &json!({}), &taken), [false, false, false, false]),
            (returned(500, &json!({}), &Value::Null), [false, false, false, true]),
            (Answer::read(200, b"{\"errorType\":\"panic\"}"), [false, false, false, true]),
            (Answer::default(), [false, false, false, true]),
        ];
        for (answer, expected) in cases {
            let found =
                [answer.is_session(), answer.is_busy(), answer.has_a_way_on(), answer.is_failure()];
            assert_eq!(found, expected, "{answer:?}");
        }
    }

    #[test]
    fn a_header_that_may_have_several_values_is_read_too() {
        let text = br#"{"statusCode":429,"multiValueHeaders":{"retry-after":["7"]},"body":""}"#;
        assert_eq!(Answer::read(200, text).retry_after, Some(7));
    }

    #[test]
    fn a_body_in_base64_is_read_as_a_client_would() {
        let text = br#"{"statusCode":200,"isBase64Encoded":true,"body":"eyJkYXlzIjpbXX0="}"#;
        assert_eq!(Answer::read(200, text).body, json!({"days": []}));
    }

    #[test]
    fn every_visitor_has_an_address_a_phone_and_a_key_of_its_own() {
        let start = "2026-11-28T18:00:00Z".parse().unwrap();
        let [one, other] = [1, 70_000].map(|n| Visitor(n).reserve("load", start, None).json());
        for text in ["198.18.0.1\"", "+12132000001\\\"", "load-00000001-", "visitor1@"] {
            assert!(one.contains(text), "{text} in {one}");
            assert!(!other.contains(text), "{text} in {other}");
        }
        assert!(other.contains("198.19.17.112"), "{other}");
    }
}
