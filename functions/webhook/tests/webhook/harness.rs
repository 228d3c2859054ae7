use std::ops::Deref;

use jiff::Timestamp;
use lambda_http::{Body, Response};
use openchair::busy::NoCalendars;
use openchair::payments::webhook::WebhookSecrets;
use secrecy::SecretString;
use serde_json::Value;
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::{Refunds, SandboxOptions, WEBHOOK_SECRET, signature};
use testing::{HarnessOptions, MemoryStore, SalonHarness};
use webhook::Webhook;

/// The function, in front of a salon that takes delayed payment methods too.
pub(crate) struct Harness {
    salon: SalonHarness,
    webhook: Webhook<MemoryStore, NoCalendars>,
}

impl Deref for Harness {
    type Target = SalonHarness;

    fn deref(&self) -> &SalonHarness {
        &self.salon
    }
}

impl Harness {
    pub(crate) async fn new() -> Self {
        Self::with(WEBHOOK_SECRET, HarnessOptions::default()).await
    }

    pub(crate) async fn with_refunds(refunds: Refunds) -> Self {
        let HarnessOptions { sandbox, .. } = HarnessOptions::default();
        let sandbox = SandboxOptions { refunds, ..sandbox };
        Self::with(WEBHOOK_SECRET, HarnessOptions { sandbox, ..HarnessOptions::default() }).await
    }

    /// Makes a function in front of a salon whose file is changed.
    pub(crate) async fn with_salon(edit: impl FnOnce(String) -> String) -> Self {
        let HarnessOptions { salon_file, .. } = HarnessOptions::default();
        let options = HarnessOptions { salon_file: edit(salon_file), ..HarnessOptions::default() };
        Self::with(WEBHOOK_SECRET, options).await
    }

    pub(crate) async fn with(secrets: &str, options: HarnessOptions) -> Self {
        let salon_file =
            options.salon_file.replace("delayed_methods = false", "delayed_methods = true");
        let salon = SalonHarness::with(HarnessOptions { salon_file, ..options }).await;
        let secrets = WebhookSecrets::new(&SecretString::from(secrets)).expect("secrets");
        let webhook = Webhook::new(salon.bookings(), secrets, salon.clock.clone());
        Self { salon, webhook }
    }

    pub(crate) async fn send(&self, event: &GatewayEvent) -> Response<Body> {
        Box::pin(self.webhook.handle(event.request())).await
    }

    /// Delivers a body, signed now as Stripe would.
    pub(crate) async fn deliver(&self, body: &str) -> Response<Body> {
        self.send(&signed(body, self.clock.now())).await
    }

    /// Delivers every event of the sandbox, the oldest first.
    pub(crate) async fn deliver_all(&self) {
        for event in self.stripe().events() {
            let response = self.deliver(event.body()).await;
            assert_eq!(response.status(), 200, "{:?}: {response:?}", event.kind);
        }
    }

    /// Returns the bodies of all events of the sandbox, the oldest first.
    pub(crate) fn event_bodies(&self) -> Vec<String> {
        self.stripe().events().iter().map(|event| event.body().to_owned()).collect()
    }
}

/// Makes a delivery with a signature made at `at`.
pub(crate) fn signed(body: &str, at: Timestamp) -> GatewayEvent {
    delivery(&signature(WEBHOOK_SECRET, at, body)).body(body)
}

pub(crate) fn delivery(signature: &str) -> GatewayEvent {
    GatewayEvent::new("POST", "/stripe/webhook")
        .header("content-type", "application/json; charset=utf-8")
        .header("stripe-signature", signature)
}

/// Changes an event as Stripe would write it.
pub(crate) fn changed(body: &str, change: impl FnOnce(&mut Value)) -> String {
    let mut event: Value = serde_json::from_str(body).expect("JSON");
    change(&mut event);
    format!("{event:#}")
}
