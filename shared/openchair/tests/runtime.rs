//! What Lambda gets for an event that cannot be read, and for a panic.

use std::sync::Arc;

use jiff::Timestamp;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::tower::ServiceExt as _;
use lambda_http::{Body, Context, Error, LambdaEvent, Request, RequestExt as _, Response};
use openchair::runtime::{event_service, http_service};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use stand_ins::gateway_event::GatewayEvent;

fn lambda_event(json: &str) -> LambdaEvent<Box<RawValue>> {
    let mut context = Context::default();
    context.request_id = String::from("request-1");
    LambdaEvent::new(RawValue::from_string(json.to_owned()).expect("JSON"), context)
}

/// Panics where the path says so.
fn handle(_: Arc<()>, request: Request) -> impl Future<Output = Response<Body>> + Send {
    assert!(request.raw_http_path() != "/panic-in-call", "Ada Lovelace");
    async move {
        tokio::task::yield_now().await;
        assert!(request.raw_http_path() != "/panic", "{}", "Ada Lovelace");
        Response::new(Body::Empty)
    }
}

async fn answer(json: &str) -> (i64, Value) {
    let response: ApiGatewayV2httpResponse =
        http_service(Arc::new(()), handle).oneshot(lambda_event(json)).await.expect("a response");
    let body = response.body.unwrap_or_default();
    (response.status_code, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn a_panic_is_answered_500_and_the_next_event_as_usual() {
    for path in ["/panic", "/panic-in-call"] {
        let (status, body) = answer(&GatewayEvent::new("GET", path).json()).await;
        assert_eq!(status, 500, "{path}");
        assert_eq!(body["error"]["code"], "internal", "{path}");
        let message = body["error"]["message"].as_str().expect("a message");
        assert!(message.contains("request-1") && !message.contains("Ada"), "{message}");
        assert_eq!(answer(&GatewayEvent::new("GET", "/").json()).await.0, 200);
    }
}

#[tokio::test]
async fn an_event_that_is_not_a_request_is_answered_400() {
    for json in ["{}", "null", r#"{"Records":[]}"#, r#"{"requestContext":{"http":{}}}"#] {
        let (status, body) = answer(json).await;
        assert_eq!((status, &body["error"]["code"]), (400, &"invalid_parameter".into()), "{json}");
    }
}

#[derive(Deserialize)]
struct Batch {
    size: u32,
}

async fn handle_event(json: &str) -> Result<u32, Error> {
    let handle = |_: Arc<()>, batch: Batch, _: Timestamp| async move {
        tokio::task::yield_now().await;
        assert!(batch.size > 0, "{}", "Ada Lovelace");
        Ok(batch.size)
    };
    event_service(Arc::new(()), handle).oneshot(lambda_event(json)).await
}

#[tokio::test]
async fn a_panic_and_an_unreadable_event_are_errors_that_quote_nothing() {
    for (json, expected) in [
        (r#"{"size":0}"#, "the handler panicked"),
        (r#"{"size":"Ada Lovelace"}"#, "the event cannot be read (Data error in column 22)"),
        ("[]", "the event cannot be read (Data error in column 2)"),
    ] {
        let error = handle_event(json).await.expect_err(json);
        assert_eq!(error.to_string(), expected, "{json}");
    }
    assert_eq!(handle_event(r#"{"size":2}"#).await.expect("it is handled"), 2);
}
