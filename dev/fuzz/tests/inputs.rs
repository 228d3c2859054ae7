//! What the functions do with input that anyone can send: never a panic, always a response.

use std::future::ready;
use std::sync::Arc;

use availability::Availability;
use checkout::Checkout;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::tower::{Service, ServiceExt as _};
use lambda_http::{Body, Context, Error, LambdaEvent, Request, RequestExt as _, Response};
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use openchair::http::api_gateway::read_request;
use openchair::payments::webhook::WebhookSecrets;
use openchair::runtime::http_service;
use proptest::prelude::*;
use proptest::sample::select;
use salon::salon_file;
use secrecy::SecretString;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::{WEBHOOK_SECRET, signature};
use testing::http_messages::{checkout_body, checkout_event, post_json};
use testing::salon_harness::NOW;
use testing::{MemoryStore, SalonHarness};
use tokio::runtime::Runtime;

use fuzz::json::mutated_json;
use fuzz::search;
use fuzz::text::mutated;

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn webhook(salon: &SalonHarness) -> webhook::Webhook<MemoryStore, NoCalendars> {
    let secrets = WebhookSecrets::new(&SecretString::from(WEBHOOK_SECRET)).expect("secrets");
    webhook::Webhook::new(salon.bookings(), secrets, salon.clock.clone())
}

/// Makes an event as a browser's request causes it.
fn browser(event: &GatewayEvent) -> Value {
    let event = event
        .clone()
        .header("host", "api.execute-api.us-east-1.amazonaws.com")
        .header("x-forwarded-proto", "https")
        .header("accept", "*/*")
        .header("if-none-match", "\"0123456789abcdef\"")
        .header("idempotency-key", "0123456789abcdef");
    let mut event: Value = serde_json::from_str(&event.json()).expect("JSON");
    event["cookies"] = json!(["a=1", "b=2"]);
    event["queryStringParameters"] = json!({"date": "2026-11-24"});
    event
}

/// Uses everything of a request that a handler can use.
fn echo(request: &Request) -> Response<Body> {
    let seen = format!(
        "{} {} {:?} {:?} {:?} {:?} {:?}",
        request.uri(),
        request.raw_http_path(),
        request.query_string_parameters(),
        request.path_parameters(),
        request.request_context(),
        request.headers(),
        request.body(),
    );
    Response::new(Body::Text(seen.len().to_string()))
}

#[test]
fn every_event_is_answered() {
    let runtime = runtime();
    let salon = runtime.block_on(SalonHarness::new());
    let reader = BusyReader::new(salon.store.clone(), NoCalendars, salon.clock.clone());
    let parsed = salon_file::parse(salon_file::COMPILED_IN).expect("the sample salon");
    let availability = Arc::new(Availability::new(parsed, reader));
    let checkout = Arc::new(Checkout::new(salon.bookings(), salon.clock.clone()));
    let webhook = Arc::new(webhook(&salon));

    let availability =
        http_service(
            availability,
            |function, request| async move { function.handle(request).await },
        );
    let checkout = http_service(checkout, |function, request| async move {
        Box::pin(function.handle(request)).await
    });
    let webhook = http_service(webhook, |function, request| async move {
        Box::pin(function.handle(request)).await
    });
    let echo = http_service(Arc::new(()), |_, request| ready(echo(&request)));

    let id = "0".repeat(32);
    let bases = [
        GatewayEvent::new("GET", "/availability?service=2.02&date=2026-11-24&staff=s1"),
        GatewayEvent::new("GET", "/availability?from=2026-11-24&to=2026-11-30"),
        GatewayEvent::new("GET", "/services"),
        GatewayEvent::new("GET", &format!("/bookings/{id}")),
        GatewayEvent::new("GET", &format!("/bookings/{id}/calendar.ics")),
        post_json(&format!("/bookings/{id}/cancel"), r#"{"manageToken":"1"}"#),
        checkout_event(&checkout_body(json!({}))),
        GatewayEvent::new("POST", "/checkout").bytes(br#"{"serviceId":"2.02"}"#),
        GatewayEvent::new("POST", "/stripe/webhook")
            .header("stripe-signature", "t=1,v1=00")
            .body("{}"),
    ];
    let inputs = select(bases.iter().map(browser).collect::<Vec<_>>()).prop_flat_map(mutated_json);
    search(&inputs, |text| {
        // Lambda takes no invocation that is not JSON.
        let Ok(event) = RawValue::from_string(text) else { return Ok(()) };
        let seen = runtime.block_on(status_of(echo.clone(), &event));
        prop_assert!(matches!(seen, 200 | 400), "a function that only looks at it answers {seen}");
        for status in [
            runtime.block_on(status_of(availability.clone(), &event)),
            runtime.block_on(status_of(checkout.clone(), &event)),
            runtime.block_on(status_of(webhook.clone(), &event)),
        ] {
            prop_assert!((200..500).contains(&status), "{status}");
        }
        Ok(())
    });
}

async fn status_of(
    service: impl Service<
        LambdaEvent<Box<RawValue>>,
        Response = ApiGatewayV2httpResponse,
        Error = Error,
    >,
    event: &RawValue,
) -> i64 {
    let event = LambdaEvent::new(event.to_owned(), Context::default());
    service.oneshot(event).await.expect("a response").status_code
}

#[test]
fn every_checkout_is_answered() {
    let runtime = runtime();
    let salon = runtime.block_on(SalonHarness::new());
    let checkout = Checkout::new(salon.bookings(), salon.clock.clone());
    let bases = [
        checkout_body(json!({})),
        checkout_body(json!({
            "date": "absent", "time": "absent", "start": "2026-11-24T11:00:00-08:00",
            "staffId": "s1", "ui": "embedded"
        })),
        checkout_body(
            json!({"date": "2026-12-01", "time": "1:30 PM", "clientPhone": "2065550100"}),
        ),
    ];
    let inputs = select(bases.to_vec()).prop_flat_map(mutated_json);
    search(&inputs, |body| {
        let request = post_json("/checkout", &body).request();
        let response = runtime.block_on(Box::pin(checkout.handle(request)));
        let status = response.status();
        prop_assert!(!status.is_server_error(), "{status}: {:?}", response.body());
        Ok(())
    });
}

#[test]
fn every_stripe_event_is_answered() {
    let runtime = runtime();
    let salon = runtime.block_on(SalonHarness::new());
    runtime.block_on(async {
        salon.paid_hold("10:00").await;
        let refunded = salon.paid_hold("11:00").await;
        let payment = salon.bookings().view(&refunded.id).await.expect("the table is up");
        assert!(payment.is_some(), "it is confirmed");
        salon.cancel(&refunded.id).await;
    });
    let events = salon.stripe().events();
    assert!(events.iter().any(|event| event.body().contains("refund.created")), "{events:?}");
    let bases = events.iter().map(|event| serde_json::from_str(event.body()).expect("JSON"));
    let bases: Vec<Value> = bases.collect();
    let webhook = webhook(&salon);
    let inputs = select(bases).prop_flat_map(mutated_json);
    search(&inputs, |body| {
        let signature = signature(WEBHOOK_SECRET, salon.clock.now(), &body);
        let event = GatewayEvent::new("POST", "/stripe/webhook")
            .header("stripe-signature", &signature)
            .body(&body);
        let status = runtime.block_on(Box::pin(webhook.handle(event.request()))).status();
        // A signed event that cannot be applied is answered 500, so that Stripe sends it again.
        prop_assert!(!status.is_client_error(), "{status}");
        Ok(())
    });
}

#[test]
fn every_signature_header_is_answered() {
    let runtime = runtime();
    let salon = runtime.block_on(SalonHarness::new());
    let webhook = webhook(&salon);
    let inputs = mutated(signature(WEBHOOK_SECRET, salon.clock.now(), "{}"));
    search(&inputs, |header| {
        let event = GatewayEvent::new("POST", "/stripe/webhook")
            .header("stripe-signature", &header)
            .body("{ }");
        let Ok(request) = read_request(&event.json()) else { return Ok(()) };
        let status = runtime.block_on(Box::pin(webhook.handle(request))).status();
        prop_assert_eq!(status, 400);
        Ok(())
    });
}

#[test]
fn every_salon_file_is_refused_or_served() {
    let runtime = runtime();
    let inputs = mutated(salon_file::COMPILED_IN.to_owned());
    search(&inputs, |text| {
        let Ok(salon) = salon_file::parse(&text) else { return Ok(()) };
        let service = salon.services.first().map(|service| service.id.to_string());
        let clock = Clock::manual(NOW.parse().expect("an instant"));
        let reader = BusyReader::new(MemoryStore::default(), NoCalendars, clock);
        let function = Availability::new(salon, reader);
        let targets = [
            "/services".to_owned(),
            "/availability".to_owned(),
            format!("/availability?service={}", service.unwrap_or_default()),
        ];
        for target in targets {
            let request = GatewayEvent::new("GET", &target).request();
            let response = runtime.block_on(function.handle(request));
            let status = response.status();
            prop_assert!(!status.is_server_error(), "{target}: {status}");
        }
        Ok(())
    });
}
