//! Webhooks, sent over a socket to an endpoint that records them.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use jiff::{SignedDuration, Timestamp};
use openchair::clock::Clock;
use serde_json::Value;
use stand_ins::sandbox::{
    Sandbox, SandboxOptions, Serving, WEBHOOK_SECRET, WebhookEndpoint, Webhooks, signature,
};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::harness::{START, create_session};

/// An endpoint. It responds with the statuses in `answers`, last first, and then with 200.
#[derive(Clone)]
struct Endpoint {
    received: mpsc::UnboundedSender<(HeaderMap, String)>,
    answers: Arc<Mutex<Vec<StatusCode>>>,
}

async fn receive(State(endpoint): State<Endpoint>, headers: HeaderMap, body: String) -> StatusCode {
    endpoint.received.send((headers, body)).unwrap();
    endpoint.answers.lock().unwrap().pop().unwrap_or(StatusCode::OK)
}

struct Shop {
    serving: Serving,
    clock: Clock,
    received: mpsc::UnboundedReceiver<(HeaderMap, String)>,
}

async fn shop(webhooks: Webhooks, answers: &[StatusCode]) -> Shop {
    let (sender, received) = mpsc::unbounded_channel();
    let endpoint = Endpoint { received: sender, answers: Arc::new(Mutex::new(answers.to_vec())) };
    let router = Router::new().route("/stripe/webhook", post(receive)).with_state(endpoint);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/stripe/webhook", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });

    let clock = Clock::manual(Timestamp::from_second(START).unwrap());
    let options = SandboxOptions {
        webhook: Some(WebhookEndpoint {
            late_by: Duration::from_millis(50),
            window: Duration::from_millis(100),
            ..WebhookEndpoint::new(url)
        }),
        webhooks,
        clock: clock.clone(),
        ..SandboxOptions::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    Shop { serving: Sandbox::start(options, listener).unwrap(), clock, received }
}

impl Shop {
    fn sandbox(&self) -> &Sandbox {
        self.serving.sandbox()
    }

    async fn open(&self) -> String {
        create_session(self.serving.url()).await
    }

    /// Waits until so many attempts have failed.
    async fn until_failed(&self, attempts: usize) {
        let failed = async {
            while self.sandbox().deliveries().failed_attempts < attempts {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(10), failed).await.expect("an attempt within 10 s");
    }

    /// Waits for the next webhook and returns its event.
    async fn next(&mut self) -> Value {
        let received = timeout(Duration::from_secs(10), self.received.recv());
        let (_, body) = received.await.ok().flatten().expect("a webhook within 10 s");
        serde_json::from_str(&body).unwrap()
    }
}

#[tokio::test]
async fn a_webhook_is_signed_over_the_bytes_that_are_sent() {
    let mut shop = shop(Webhooks::On, &[]).await;
    let id = shop.open().await;
    shop.sandbox().pay(&id).unwrap();
    let (headers, body) = shop.received.recv().await.expect("a webhook");
    let now = Timestamp::from_second(START).unwrap();
    assert_eq!(headers["stripe-signature"], signature(WEBHOOK_SECRET, now, &body));
    assert_eq!(headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(body, shop.sandbox().events()[0].body());
    shop.sandbox().until_delivered().await;
    assert_eq!(shop.sandbox().deliveries().delivered, 1);
}

#[tokio::test]
async fn an_idle_session_expires_and_sends_a_webhook() {
    let mut shop = shop(Webhooks::On, &[]).await;
    let id = shop.open().await;
    shop.clock.advance(SignedDuration::from_hours(24));
    let event = shop.next().await;
    assert_eq!(event["type"], "checkout.session.expired");
    assert_eq!(event["data"]["object"]["id"], *id);
}

#[tokio::test]
async fn a_webhook_is_retried_until_it_is_accepted() {
    let no = [StatusCode::NOT_FOUND, StatusCode::FOUND];
    let mut shop = shop(Webhooks::On, &no).await;
    let id = shop.open().await;
    shop.sandbox().pay(&id).unwrap();
    let first = shop.next().await;
    for pause in [1, 2] {
        shop.until_failed(pause).await;
        shop.clock.advance(SignedDuration::from_secs(i64::try_from(pause).unwrap()));
        assert_eq!(shop.next().await, first, "the same event");
    }
    shop.sandbox().until_delivered().await;
    let tally = shop.sandbox().deliveries();
    assert_eq!((tally.delivered, tally.failed_attempts, tally.given_up), (1, 2, 0));
}

#[tokio::test]
async fn a_webhook_is_given_up_after_three_days_of_growing_pauses() {
    let no = [StatusCode::INTERNAL_SERVER_ERROR; 99];
    let shop = shop(Webhooks::On, &no).await;
    let id = shop.open().await;
    shop.sandbox().pay(&id).unwrap();
    let mut waited = SignedDuration::ZERO;
    let mut pause = SignedDuration::from_secs(1);
    let mut attempts = 1;
    loop {
        shop.until_failed(attempts).await;
        if waited + pause > SignedDuration::from_hours(72) {
            break;
        }
        assert_eq!(shop.sandbox().deliveries().waiting, 1, "after {waited:#}");
        shop.clock.advance(pause);
        waited += pause;
        pause = (pause * 2).min(SignedDuration::from_hours(8));
        attempts += 1;
    }
    shop.sandbox().until_delivered().await;
    let tally = shop.sandbox().deliveries();
    assert_eq!((tally.delivered, tally.failed_attempts, tally.given_up), (0, attempts, 1));
    assert!(waited > SignedDuration::from_hours(64), "it took {waited:#}");
}

#[tokio::test]
async fn an_unreachable_endpoint_does_not_stop_the_sandbox() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/stripe/webhook", listener.local_addr().unwrap());
    drop(listener);
    let options = SandboxOptions {
        webhook: Some(WebhookEndpoint {
            retry_for: SignedDuration::ZERO,
            ..WebhookEndpoint::new(url)
        }),
        ..SandboxOptions::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let serving = Sandbox::start(options, listener).unwrap();
    for _ in 0..2 {
        let id = create_session(serving.url()).await;
        serving.sandbox().pay(&id).unwrap();
        serving.sandbox().until_delivered().await;
    }
    assert_eq!(serving.sandbox().deliveries().given_up, 2);
}

#[tokio::test]
async fn webhooks_can_be_lost_doubled_or_late() {
    for (webhooks, times) in [(Webhooks::Lost, 0), (Webhooks::Double, 2), (Webhooks::Late, 1)] {
        let mut shop = shop(webhooks, &[]).await;
        let id = shop.open().await;
        let start = std::time::Instant::now();
        shop.sandbox().pay(&id).unwrap();
        shop.sandbox().until_delivered().await;
        if webhooks == Webhooks::Late {
            assert!(start.elapsed() >= Duration::from_millis(50));
        }
        let mut received = 0;
        while shop.received.try_recv().is_ok() {
            received += 1;
        }
        assert_eq!(received, times, "{webhooks:?}");
    }
}

#[tokio::test]
async fn shuffled_webhooks_arrive_in_reverse_order() {
    let mut shop = shop(Webhooks::Shuffled, &[]).await;
    let id = shop.open().await;
    shop.sandbox().pay_by_debit(&id).unwrap();
    shop.sandbox().settle(&id, true).unwrap();
    assert_eq!(shop.next().await["type"], "checkout.session.async_payment_succeeded");
    assert_eq!(shop.next().await["type"], "checkout.session.completed");
}
