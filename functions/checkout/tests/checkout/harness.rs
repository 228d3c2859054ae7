use std::ops::Deref;
use std::time::Duration;

use checkout::Checkout;
use lambda_http::{Body, Response};
use openchair::busy::NoCalendars;
use openchair::http::client_address::ClientAddresses;
use salon::booking::{Booking, BookingId};
use salon::salon_file;
use secrecy::SecretString;
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::SandboxOptions;
use testing::http_messages::{checkout_event, post_json};
use testing::{HarnessOptions, MemoryStore, SalonHarness};

/// What the CDN sends beside a client's address.
pub(crate) const CDN_SECRET: &str = "a-secret-of-the-cdn-0123456789";

/// The function, in front of a salon.
pub(crate) struct Harness {
    salon: SalonHarness,
    function: Checkout<MemoryStore, NoCalendars>,
}

impl Deref for Harness {
    type Target = SalonHarness;

    fn deref(&self) -> &SalonHarness {
        &self.salon
    }
}

impl Harness {
    pub(crate) async fn new() -> Self {
        Self::with(HarnessOptions::default()).await
    }

    /// Makes a function that waits for Stripe no longer than a test of Stripe's failures can.
    pub(crate) async fn with_stripe(sandbox: SandboxOptions) -> Self {
        let stripe_deadline = Duration::from_millis(500);
        Self::with(HarnessOptions { sandbox, stripe_deadline, ..HarnessOptions::default() }).await
    }

    pub(crate) async fn with_salon(edit: impl FnOnce(String) -> String) -> Self {
        let salon_file = edit(salon_file::COMPILED_IN.to_owned());
        Self::with(HarnessOptions { salon_file, ..HarnessOptions::default() }).await
    }

    async fn with(options: HarnessOptions) -> Self {
        let salon = SalonHarness::with(options).await;
        let addresses = ClientAddresses::new(Some(SecretString::from(CDN_SECRET)));
        let function = Checkout::new(salon.bookings(), salon.clock.clone())
            .with_addresses(addresses.expect("a usable secret"));
        Self { salon, function }
    }

    pub(crate) async fn send(&self, event: &GatewayEvent) -> Response<Body> {
        self.function.handle(event.request()).await
    }

    pub(crate) async fn get(&self, target: &str) -> Response<Body> {
        self.send(&GatewayEvent::new("GET", target)).await
    }

    pub(crate) async fn cancel(&self, id: &str, token: &str) -> Response<Body> {
        let body = json!({"manageToken": token}).to_string();
        self.send(&post_json(&format!("/bookings/{id}/cancel"), &body)).await
    }

    /// Cancels from a network address.
    pub(crate) async fn cancel_from(&self, source: &str, id: &str, token: &str) -> Response<Body> {
        let body = json!({"manageToken": token}).to_string();
        self.send(&post_json(&format!("/bookings/{id}/cancel"), &body).source(source)).await
    }

    pub(crate) async fn reserve(&self, body: &Value) -> Response<Body> {
        self.send(&checkout_event(body)).await
    }

    pub(crate) fn sessions_requested(&self) -> usize {
        self.stripe().requests().get("POST /v1/checkout/sessions").copied().unwrap_or(0)
    }

    pub(crate) async fn booking(&self, id: &str) -> Booking {
        self.salon.booking(&BookingId::parse(id).expect("an id")).await
    }
}
