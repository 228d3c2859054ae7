//! Reading what Stripe answers.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::https::{self, BodyError};
use crate::payments::retry::Failure;
use crate::payments::stripe_error::{StripeError, StripeErrorDetails};

/// The longest answer that is read, in bytes. A session has a few kilobytes.
const MAX_BODY: usize = 1024 * 1024;

/// Reads an answer to its end.
pub(super) async fn read(response: Response<Incoming>) -> Result<Bytes, Failure> {
    let (head, body) = response.into_parts();
    let body = match https::read_body(body, MAX_BODY).await {
        Ok(body) => Ok(body),
        Err(BodyError::TooLong) => Err(TooLong),
        Err(BodyError::Broken(error)) => {
            return Err(Failure::passing(StripeError::Unreachable(error)));
        }
    };
    judge(head.status, &head.headers, body)
}

/// Reads an object, as far as it is ours.
///
/// The error quotes what stands in the place of a field that is read, and none
/// of those is personal.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, StripeError> {
    serde_json::from_slice(body)
        .map_err(|error| StripeError::Unreadable { reason: error.to_string() })
}

#[derive(Clone, Copy, Debug)]
struct TooLong;

/// Tells an answer from a failure, and a failure that passes from one that
/// stays.
///
/// `Stripe-Should-Retry` decides where it is present. Elsewhere a 409 (the
/// same idempotency key is in use), a 424, a 429 and a 5xx pass
/// (<https://docs.stripe.com/error-low-level>). A 5xx with
/// `Idempotent-Replayed` stays: Stripe answers from its memory, and would go
/// on doing so (<https://docs.stripe.com/api/idempotent_requests>).
///
/// Another 4xx is a refusal where it has the form of Stripe's errors. Anything
/// else, such as the page of a firewall, says nothing of an earlier attempt.
fn judge(
    status: StatusCode,
    headers: &HeaderMap,
    body: Result<Bytes, TooLong>,
) -> Result<Bytes, Failure> {
    if status.is_success() {
        return body.map_err(|TooLong| {
            Failure::lasting(StripeError::Unreadable {
                reason: format!("it has more than {MAX_BODY} bytes"),
            })
        });
    }
    // An error page of something between us and Stripe is not JSON: the
    // status must do.
    let body = body.unwrap_or_default();
    let ErrorBody { error } = serde_json::from_slice(&body).unwrap_or_default();
    let answer = StripeErrorDetails {
        status: status.as_u16(),
        kind: error.kind,
        code: error.code,
        param: error.param,
        request_id: text(headers, "request-id").map(Box::from),
    };
    let retry_after = https::retry_after(headers);
    let should_retry = match text(headers, "stripe-should-retry") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => None,
    };
    let (error, passing) = match (status.as_u16(), answer.kind.as_deref()) {
        (401 | 403, _) => (StripeError::Unauthorized(answer), false),
        (429, _) => (StripeError::RateLimited { answer, retry_after }, true),
        (409 | 424 | 500..=599, _) => {
            let replayed = text(headers, "idempotent-replayed") == Some("true");
            (StripeError::Unavailable { answer, retry_after, replayed }, !replayed)
        }
        (400..=499, _) if should_retry == Some(true) => {
            (StripeError::Unavailable { answer, retry_after, replayed: false }, true)
        }
        (400..=499, Some("idempotency_error")) => (StripeError::KeyReused(answer), false),
        (400..=499, Some(_)) => (StripeError::Rejected(answer), false),
        (status, _) => {
            let reason = format!("status {status} without an error of Stripe's");
            (StripeError::Unreadable { reason }, false)
        }
    };
    Err(Failure { error, passing: should_retry.unwrap_or(passing), retry_after })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[derive(Default, Deserialize)]
struct ErrorBody {
    error: ErrorFields,
}

#[derive(Default, Deserialize)]
struct ErrorFields {
    #[serde(rename = "type")]
    kind: Option<Box<str>>,
    code: Option<Box<str>>,
    param: Option<Box<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_a_passing_or_a_lasting_failure() {
        type Headers = &'static [(&'static str, &'static str)];
        // Status, headers, whether the request may be sent again.
        let cases: &[(u16, Headers, bool)] = &[
            (301, &[], false),
            (400, &[], false),
            (400, &[("stripe-should-retry", "true")], true),
            (401, &[], false),
            (402, &[], false),
            (403, &[], false),
            (404, &[], false),
            (409, &[], true),
            (409, &[("stripe-should-retry", "false")], false),
            (424, &[], true),
            (429, &[], true),
            (429, &[("stripe-should-retry", "false")], false),
            (500, &[], true),
            (500, &[("stripe-should-retry", "false")], false),
            (500, &[("idempotent-replayed", "true")], false),
            (502, &[], true),
            (503, &[("stripe-should-retry", "sometimes")], true),
            (504, &[], true),
            (520, &[], true),
        ];
        for &(status, headers, passing) in cases {
            let headers = headers
                .iter()
                .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            let status = StatusCode::from_u16(status).unwrap();
            let failure = judge(status, &headers, Ok(Bytes::new())).unwrap_err();
            assert_eq!(failure.passing, passing, "{status} {headers:?}");
        }
    }

    #[test]
    fn only_a_refusal_in_stripes_form_proves_that_a_request_had_no_effect() {
        type Headers = &'static [(&'static str, &'static str)];
        const REFUSED: &str = r#"{"error": {"type": "invalid_request_error"}}"#;
        const CARD: &str = r#"{"error": {"type": "card_error", "code": "card_declined"}}"#;
        const KEY_REUSED: &str = r#"{"error": {"type": "idempotency_error"}}"#;
        let cases: &[(u16, Headers, &str, &str)] = &[
            (400, &[], REFUSED, "rejected"),
            (402, &[], CARD, "rejected"),
            (404, &[], REFUSED, "rejected"),
            (400, &[("stripe-should-retry", "false")], REFUSED, "rejected"),
            (400, &[], KEY_REUSED, "key reused"),
            (400, &[("stripe-should-retry", "true")], REFUSED, "unavailable"),
            (409, &[], REFUSED, "unavailable"),
            (409, &[], KEY_REUSED, "unavailable"),
            (500, &[], REFUSED, "unavailable"),
            (500, &[("idempotent-replayed", "true")], REFUSED, "replayed"),
            (500, &[("idempotent-replayed", "false")], REFUSED, "unavailable"),
            (429, &[], REFUSED, "limited"),
            (403, &[], REFUSED, "unauthorized"),
            (404, &[], "<h1>Not Found</h1>", "unreadable"),
            (400, &[], "{}", "unreadable"),
            (400, &[], r#"{"error": {"message": "no type"}}"#, "unreadable"),
            (302, &[], REFUSED, "unreadable"),
        ];
        for &(status, headers, body, expected) in cases {
            let headers = headers
                .iter()
                .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            let status = StatusCode::from_u16(status).unwrap();
            let body = Bytes::from_static(body.as_bytes());
            let failure = judge(status, &headers, Ok(body.clone())).unwrap_err();
            let told = match failure.error {
                StripeError::Rejected(_) => "rejected",
                StripeError::KeyReused(_) => "key reused",
                StripeError::Unavailable { replayed: true, .. } => "replayed",
                StripeError::Unavailable { .. } => "unavailable",
                StripeError::RateLimited { .. } => "limited",
                StripeError::Unauthorized(_) => "unauthorized",
                StripeError::Unreadable { .. } => "unreadable",
                StripeError::Unreachable(_)
                | StripeError::Timeout { .. }
                | StripeError::Unsendable(_) => "not an answer",
            };
            assert_eq!(told, expected, "{status} {headers:?} {body:?}");
        }
    }

    #[test]
    fn an_error_says_which_parameter_is_at_fault_and_not_what_was_in_it() {
        let body = br#"{"error": {
            "type": "invalid_request_error", "code": "email_invalid",
            "param": "customer_email", "message": "Invalid email: ada@example.com"
        }}"#;
        let headers =
            HeaderMap::from_iter([("request-id".parse().unwrap(), "req_1".parse().unwrap())]);
        let failure =
            judge(StatusCode::BAD_REQUEST, &headers, Ok(Bytes::from_static(body))).unwrap_err();
        let shown = failure.error.to_string();
        assert_eq!(
            shown,
            "Stripe refused the request: status 400, type invalid_request_error, \
             code email_invalid, parameter customer_email, request req_1"
        );
        assert!(!format!("{failure:?}").contains("ada@example.com"));
    }

    #[test]
    fn an_error_whose_body_is_too_long_keeps_its_status() {
        let failure = judge(StatusCode::BAD_GATEWAY, &HeaderMap::new(), Err(TooLong)).unwrap_err();
        assert_eq!(failure.error.to_string(), "Stripe failed: status 502");
    }
}
