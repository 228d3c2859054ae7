//! A deposit that reserves nothing.

use std::time::Duration;

use jiff::SignedDuration;
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::SandboxOptions;

use crate::harness::Harness;
use testing::http_messages::{json_body, status_and_code};

#[tokio::test]
async fn an_empty_body_gets_a_session_for_the_default_deposit() {
    let harness = Harness::new().await;
    let response = harness.send(&GatewayEvent::new("POST", "/checkout")).await;
    assert_eq!(response.status(), 200, "{response:?}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = json_body(&response);
    let id = body["sessionId"].as_str().expect("an id");
    let secret = body["clientSecret"].as_str().expect("a secret");
    assert!(id.starts_with("cs_test_") && secret.starts_with(id), "{body}");

    let session = harness.stripe().session(id).expect("a session of that id");
    assert_eq!(session.total.to_string(), "50.00 USD");
}

#[tokio::test]
async fn two_requests_get_two_sessions() {
    let harness = Harness::new().await;
    let event = GatewayEvent::new("POST", "/checkout");
    let (first, second) = (harness.send(&event).await, harness.send(&event).await);
    assert_ne!(json_body(&first)["sessionId"], json_body(&second)["sessionId"]);
}

#[tokio::test]
async fn bare_deposits_can_be_switched_off() {
    let harness = Harness::with_salon(|file| file.replace("bare = true", "bare = false")).await;
    let response = harness.send(&GatewayEvent::new("POST", "/checkout")).await;
    assert_eq!(status_and_code(&response), (404, "not_found".to_owned()));
    assert_eq!(harness.sessions_requested(), 0);
}

#[tokio::test]
async fn an_address_gets_ten_deposits_in_an_hour() {
    let harness = Harness::new().await;
    harness.clock.advance(SignedDuration::from_mins(50));
    let event = GatewayEvent::new("POST", "/checkout").source("192.0.2.7");
    for _ in 0..10 {
        assert_eq!(harness.send(&event).await.status(), 200);
    }
    for _ in 0..3 {
        let response = harness.send(&event).await;
        assert_eq!(status_and_code(&response), (429, "too_many_deposits".to_owned()));
        assert_eq!(response.headers()["retry-after"], "600");
        assert_eq!(
            json_body(&response)["error"]["message"],
            "Too many deposits were asked for from your network. Try again after Monday, \
             November 23, 8:00 AM, or book a time."
        );
    }
    assert_eq!(harness.sessions_requested(), 10, "a refused request costs Stripe nothing");
    let other = GatewayEvent::new("POST", "/checkout").source("192.0.2.8");
    assert_eq!(harness.send(&other).await.status(), 200);
    harness.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(harness.send(&event).await.status(), 200, "the next hour has begun");
}

#[tokio::test]
async fn requests_without_a_readable_address_share_a_limit() {
    let harness = Harness::new().await;
    let mut statuses = Vec::new();
    for number in 0..12 {
        let event = GatewayEvent::new("POST", "/checkout").source(&format!("unreadable {number}"));
        statuses.push(harness.send(&event).await.status().as_u16());
    }
    assert_eq!(statuses[9..], [200, 429, 429]);
}

#[tokio::test]
async fn without_the_table_no_deposit_is_asked_for() {
    let harness = Harness::new().await;
    harness.store.set_down(true);
    let response = harness.send(&GatewayEvent::new("POST", "/checkout")).await;
    assert_eq!(status_and_code(&response), (503, "store_unavailable".to_owned()));
    assert_eq!(harness.sessions_requested(), 0);
}

#[tokio::test]
async fn stripes_limit_is_503_with_retry_after() {
    let options = SandboxOptions { requests_per_second: 1, ..SandboxOptions::default() };
    let harness = Harness::with_stripe(options).await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let response = harness.send(&GatewayEvent::new("POST", "/checkout")).await;
        if response.status() == 503 {
            assert_eq!(json_body(&response)["error"]["code"], "stripe_busy");
            let seconds = response.headers()["retry-after"].to_str().expect("ASCII");
            assert!(seconds.parse::<u64>().expect("a number") >= 1);
            assert_eq!(json_body(&response)["error"]["retryAfterSeconds"].to_string(), seconds);
        }
        statuses.push(response.status().as_u16());
    }
    assert!(
        statuses.contains(&503),
        "three requests at one a second must meet the limit: {statuses:?}"
    );
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
}

#[tokio::test]
async fn a_timeout_at_stripe_is_answered_with_503() {
    let options = SandboxOptions { latency: Duration::from_mins(1), ..SandboxOptions::default() };
    let harness = Harness::with_stripe(options).await;
    let response = harness.send(&GatewayEvent::new("POST", "/checkout")).await;
    assert_eq!(status_and_code(&response), (503, "stripe_busy".to_owned()));
}
