use std::sync::Arc;
use std::time::Duration;

use checkout::Checkout;
use jiff::Timestamp;
use lambda_http::{Body, Response};
use openchair::bookings::Bookings;
use openchair::busy::{BusyReader, NoCalendars};
use openchair::clock::Clock;
use openchair::payments::webhook::WebhookSecrets;
use openchair::payments::{RetryPolicy, SecretKey, StripeClient};
use openchair::random::Random;
use openchair::store::MemoryStore;
use openchair::store::booking_store::BookingStore;
use salon::booking::{Booking, BookingId};
use salon::salon_file;
use secrecy::SecretString;
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::{Sandbox, SandboxOptions, Serving, WEBHOOK_SECRET, signature};
use tokio::net::TcpListener;
use webhook::Webhook;

/// A Monday, three hours before the salon opens.
pub(crate) const NOW: &str = "2026-11-23T07:00:00-08:00";

/// The function, the one that makes its bookings, their store and clock, and
/// the sandbox they take for Stripe.
pub(crate) struct Harness {
    pub(crate) store: MemoryStore,
    pub(crate) clock: Clock,
    webhook: Webhook<MemoryStore, NoCalendars>,
    checkout: Checkout<MemoryStore, NoCalendars>,
    stripe: Serving,
}

/// What a test changes about the harness.
pub(crate) struct Setting {
    /// The key with which Stripe is asked.
    pub(crate) key: &'static str,
    /// The webhook's secrets.
    pub(crate) secrets: &'static str,
    pub(crate) sandbox: SandboxOptions,
}

impl Default for Setting {
    fn default() -> Self {
        let sandbox = SandboxOptions { requests_per_second: 0, ..SandboxOptions::default() };
        Self { key: "sk_test_1", secrets: WEBHOOK_SECRET, sandbox }
    }
}

/// A hold, as its client knows it.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) id: String,
    pub(crate) session: String,
    token: String,
}

impl Harness {
    pub(crate) async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub(crate) async fn with(setting: Setting) -> Self {
        let clock = Clock::manual(NOW.parse().expect("an instant"));
        // Delayed methods too, so that there is everything that can happen.
        let file =
            salon_file::COMPILED_IN.replace("delayed_methods = false", "delayed_methods = true");
        let salon = salon_file::parse(&file).unwrap_or_else(|problems| panic!("{problems}"));
        let salon = Arc::new(salon);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let sandbox = SandboxOptions { clock: clock.clone(), ..setting.sandbox };
        let stripe = Sandbox::start(sandbox, listener).expect("the sandbox starts");
        let store = MemoryStore::default();
        let bookings = |seed| {
            let reader = BusyReader::new(store.clone(), NoCalendars, clock.clone());
            let client = client(setting.key, stripe.url());
            Bookings::new(Arc::clone(&salon), reader, client, Random::seeded(seed))
        };
        let secrets = WebhookSecrets::new(&SecretString::from(setting.secrets)).expect("secrets");
        let webhook = Webhook::new(bookings(1), secrets, clock.clone());
        let checkout = Checkout::new(bookings(2), clock.clone());
        Self { store, clock, webhook, checkout, stripe }
    }

    pub(crate) async fn send(&self, event: &GatewayEvent) -> Response<Body> {
        Box::pin(self.webhook.handle(event.request())).await
    }

    /// Delivers a body, signed now as Stripe would.
    pub(crate) async fn deliver(&self, body: &str) -> Response<Body> {
        self.send(&signed(body, self.clock.now())).await
    }

    /// Delivers what has happened at the sandbox, the oldest first.
    pub(crate) async fn deliver_all(&self) {
        for event in self.sandbox().events() {
            let response = self.deliver(event.body()).await;
            assert_eq!(response.status(), 200, "{:?}: {response:?}", event.kind);
        }
    }

    /// Returns the bodies of what has happened at the sandbox, the oldest first.
    pub(crate) fn bodies(&self) -> Vec<String> {
        self.sandbox().events().iter().map(|event| event.body().to_owned()).collect()
    }

    pub(crate) fn sandbox(&self) -> &Sandbox {
        self.stripe.sandbox()
    }

    pub(crate) fn stripe_url(&self) -> &str {
        self.stripe.url()
    }

    /// Reserves half an hour on Tuesday at 10:00, each time for another client.
    pub(crate) async fn hold(&self) -> Held {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NUMBER: AtomicU32 = AtomicU32::new(1000);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let wish = json!({
            "serviceId": "2.02", "date": "2026-11-24", "time": "10:00",
            "clientName": "Ada Lovelace", "clientPhone": format!("+1 206 555 {number}"),
            "clientEmail": format!("someone{number}@example.com"),
        });
        let event = GatewayEvent::new("POST", "/checkout")
            .header("content-type", "application/json")
            .source(&format!("10.0.{}.{}", number / 256, number % 256))
            .body(&wish.to_string());
        let response = Box::pin(self.checkout.handle(event.request())).await;
        assert_eq!(response.status(), 201, "{response:?}");
        let body = json(&response);
        let field = |name: &str| body[name].as_str().expect("text").to_owned();
        Held { id: field("bookingId"), session: field("sessionId"), token: field("manageToken") }
    }

    pub(crate) async fn cancel(&self, held: &Held) {
        let event = GatewayEvent::new("POST", &format!("/bookings/{}/cancel", held.id))
            .header("content-type", "application/json")
            .body(&json!({"manageToken": held.token}).to_string());
        let response = Box::pin(self.checkout.handle(event.request())).await;
        assert_eq!(response.status(), 200, "{response:?}");
    }

    pub(crate) async fn booking(&self, held: &Held) -> Booking {
        let id = BookingId::parse(&held.id).expect("an id");
        self.store.booking(&id).await.expect("readable").expect("a booking")
    }

    pub(crate) async fn status(&self, held: &Held) -> &'static str {
        self.booking(held).await.state.as_str()
    }

    /// Counts the refunds of a booking's payment.
    pub(crate) async fn refunds(&self, held: &Held) -> usize {
        let payment = self.booking(held).await.payment;
        payment.map_or(0, |payment| self.sandbox().refunds(&payment).len())
    }
}

/// Makes a delivery with a signature of `at`.
pub(crate) fn signed(body: &str, at: Timestamp) -> GatewayEvent {
    delivery(&signature(WEBHOOK_SECRET, at, body)).body(body)
}

pub(crate) fn delivery(signature: &str) -> GatewayEvent {
    GatewayEvent::new("POST", "/stripe/webhook")
        .header("content-type", "application/json; charset=utf-8")
        .header("stripe-signature", signature)
}

pub(crate) fn json(response: &Response<Body>) -> Value {
    let Body::Text(text) = response.body() else { panic!("the body is not text: {response:?}") };
    serde_json::from_str(text).expect("JSON")
}

/// Returns the status and the code of an error.
pub(crate) fn refusal(response: &Response<Body>) -> (u16, String) {
    let code = json(response)["error"]["code"].as_str().unwrap_or("none").to_owned();
    (response.status().as_u16(), code)
}

/// Changes an event as Stripe would write it.
pub(crate) fn changed(body: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut event: Value = serde_json::from_str(body).expect("JSON");
    change(&mut event);
    format!("{event:#}")
}

pub(crate) fn client(key: &str, base: &str) -> StripeClient {
    let key = SecretKey::new(SecretString::from(key)).expect("a key");
    let policy = RetryPolicy {
        deadline: Duration::from_millis(500),
        backoff_base: Duration::from_millis(1),
        ..RetryPolicy::default()
    };
    StripeClient::new(&key, base.parse().expect("an address"), policy)
}
