//! Reading Stripe's responses.

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use hyper::body::Incoming;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::https::{self, BodyError};
use crate::payments::stripe_error::{StripeError, StripeErrorDetails};
use crate::retry::Failure;

/// The longest response that is read, in bytes. A session with its payment has under ten
/// kilobytes, and a page has a hundred of them.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// A failed attempt at a request to Stripe.
pub(super) type StripeFailure = Failure<StripeError>;

/// Reads the body of a response, or the failure that the response reports.
pub(super) async fn read(response: Response<Incoming>) -> Result<Bytes, StripeFailure> {
    let (head, body) = response.into_parts();
    let body = match https::read_body(body, MAX_BODY).await {
        Ok(body) => Ok(body),
        Err(BodyError::TooLong) => Err(TooLong),
        Err(BodyError::Broken(error)) => {
            return Err(Failure::transient(StripeError::Unreachable(error)));
        }
    };
    classify(head.status, &head.headers, body)
}

/// Parses the fields of an object that we use.
///
/// The error may quote the value of such a field. None of them is personal
/// data.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, StripeError> {
    serde_json::from_slice(body)
        .map_err(|error| StripeError::Unreadable { reason: error.to_string() })
}

#[derive(Clone, Copy, Debug)]
struct TooLong;

/// Classifies a response as a success, a transient failure or a permanent one.
///
/// `Stripe-Should-Retry` decides where it is present. Without it, a 409 (the
/// idempotency key is in use), a 424, a 429 and a 5xx are transient
/// (<https://docs.stripe.com/error-low-level>). A 5xx with
/// `Idempotent-Replayed` is permanent: Stripe repeats the stored response of an
/// earlier attempt (<https://docs.stripe.com/api/idempotent_requests>).
///
/// Any other 4xx in the form of Stripe's errors is a rejection. Anything else,
/// such as a firewall's page, says nothing about an earlier attempt.
fn classify(
    status: StatusCode,
    headers: &HeaderMap,
    body: Result<Bytes, TooLong>,
) -> Result<Bytes, StripeFailure> {
    if status.is_success() {
        return body.map_err(|TooLong| {
            Failure::permanent(StripeError::Unreadable {
                reason: format!("it has more than {MAX_BODY} bytes"),
            })
        });
    }
    // The error page of a proxy between us and Stripe is not JSON. The status
    // is enough.
    let body = body.unwrap_or_default();
    let ErrorBody { error } = serde_json::from_slice(&body).unwrap_or_default();
    let details = StripeErrorDetails {
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
    let (error, is_transient) = match (status.as_u16(), details.kind.as_deref()) {
        (401 | 403, _) => (StripeError::Unauthorized(details), false),
        (429, _) => (StripeError::RateLimited { details, retry_after }, true),
        (409 | 424 | 500..=599, _) => {
            let replayed = text(headers, "idempotent-replayed") == Some("true");
            (StripeError::Unavailable { details, retry_after, replayed }, !replayed)
        }
        (400..=499, _) if should_retry == Some(true) => {
            (StripeError::Unavailable { details, retry_after, replayed: false }, true)
        }
        (400..=499, Some("idempotency_error")) => (StripeError::KeyReused(details), false),
        (400..=499, Some(_)) => (StripeError::Rejected(details), false),
        (status, _) => {
            let reason = format!("status {status} without a Stripe error");
            (StripeError::Unreadable { reason }, false)
        }
    };
    Err(Failure { error, is_transient: should_retry.unwrap_or(is_transient), retry_after })
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
    fn every_error_status_is_transient_or_permanent() {
        type Headers = &'static [(&'static str, &'static str)];
        // Status, headers, whether the failure is transient.
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
        for &(status, headers, is_transient) in cases {
            let headers = headers
                .iter()
                .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            let status = StatusCode::from_u16(status).unwrap();
            let failure = classify(status, &headers, Ok(Bytes::new())).unwrap_err();
            assert_eq!(failure.is_transient, is_transient, "{status} {headers:?}");
        }
    }

    #[test]
    fn only_a_rejection_in_stripes_format_proves_that_a_request_had_no_effect() {
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
            let failure = classify(status, &headers, Ok(body.clone())).unwrap_err();
            let actual = match failure.error {
                StripeError::Rejected(_) => "rejected",
                StripeError::KeyReused(_) => "key reused",
                StripeError::Unavailable { replayed: true, .. } => "replayed",
                StripeError::Unavailable { .. } => "unavailable",
                StripeError::RateLimited { .. } => "limited",
                StripeError::Unauthorized(_) => "unauthorized",
                StripeError::Unreadable { .. } => "unreadable",
                StripeError::Unreachable(_)
                | StripeError::Timeout { .. }
                | StripeError::Unsendable(_) => "not a response",
            };
            assert_eq!(actual, expected, "{status} {headers:?} {body:?}");
        }
    }

    #[test]
    fn an_error_names_the_invalid_parameter_and_not_its_value() {
        let body = br#"{"error": {
            "type": "invalid_request_error", "code": "email_invalid",
            "param": "customer_email", "message": "Invalid email: ada@example.com"
        }}"#;
        let headers =
            HeaderMap::from_iter([("request-id".parse().unwrap(), "req_1".parse().unwrap())]);
        let failure =
            classify(StatusCode::BAD_REQUEST, &headers, Ok(Bytes::from_static(body))).unwrap_err();
        let shown = failure.error.to_string();
        assert_eq!(
            shown,
            "Stripe rejected the request: status 400, type invalid_request_error, \
             code email_invalid, parameter customer_email, request req_1"
        );
        assert!(!format!("{failure:?}").contains("ada@example.com"));
    }

    #[test]
    fn an_error_with_a_body_that_is_too_long_keeps_its_status() {
        let failure =
            classify(StatusCode::BAD_GATEWAY, &HeaderMap::new(), Err(TooLong)).unwrap_err();
        assert_eq!(failure.error.to_string(), "Stripe failed: status 502");
    }
}
