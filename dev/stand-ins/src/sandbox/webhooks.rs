//! Webhooks: <https://docs.stripe.com/webhooks>.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ValueEnum;
use jiff::{SignedDuration, Timestamp};
use ring::hmac;
use tokio::sync::{mpsc, watch};

use super::Sandbox;
use super::sandbox_event::SandboxEvent;

/// The secret that signs webhooks. It is not a secret.
pub const WEBHOOK_SECRET: &str = "whsec_sandbox";

/// The key of the scheme `v0`, which must not be accepted.
const NOT_THE_SECRET: &str = "not the secret";

/// The endpoint of webhooks, and the retries.
#[derive(Clone, Debug)]
pub struct WebhookEndpoint {
    pub url: String,
    /// `whsec_…`
    pub secret: String,
    pub timeout: Duration,
    /// How long after its creation an event is retried, on the sandbox's clock.
    pub retry_for: SignedDuration,
    /// The pause after the first attempt, on the sandbox's clock. It doubles with each attempt.
    pub first_pause: SignedDuration,
    pub longest_pause: SignedDuration,
    /// The delay of [`Webhooks::Late`].
    pub late_by: Duration,
    /// The time in which [`Webhooks::Shuffled`] collects events.
    pub window: Duration,
}

impl WebhookEndpoint {
    /// Creates an endpoint with the sandbox's secret, and with Stripe's three days of retries.
    /// The first ones come sooner than Stripe's, for an endpoint that is just being built.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            secret: WEBHOOK_SECRET.to_owned(),
            timeout: Duration::from_secs(10),
            retry_for: SignedDuration::from_hours(72),
            first_pause: SignedDuration::from_secs(1),
            longest_pause: SignedDuration::from_hours(8),
            late_by: Duration::from_secs(20),
            window: Duration::from_secs(2),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Webhooks {
    /// Normally
    On,
    /// Not at all
    Lost,
    /// Twice at the same time
    Double,
    /// 20 seconds late
    Late,
    /// In reverse order, collected over 2 seconds
    Shuffled,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deliveries {
    /// Events that are being sent or will be retried.
    pub waiting: usize,
    pub delivered: usize,
    pub failed_attempts: usize,
    /// Events without further attempts.
    pub given_up: usize,
    /// Events dropped by [`Webhooks::Lost`].
    pub lost: usize,
}

/// Passes events from the ledger to the sender.
#[derive(Debug)]
pub(super) struct EventQueue {
    /// `None` without an endpoint.
    sender: Option<mpsc::UnboundedSender<SandboxEvent>>,
    tally: watch::Sender<Deliveries>,
    undelivered: Undelivered,
}

/// The ids of the events that are being sent or will be retried.
pub(super) type Undelivered = Arc<Mutex<HashSet<String>>>;

impl EventQueue {
    pub(super) fn new(
        sender: Option<mpsc::UnboundedSender<SandboxEvent>>,
        tally: watch::Sender<Deliveries>,
        undelivered: Undelivered,
    ) -> Self {
        Self { sender, tally, undelivered }
    }

    pub(super) fn put(&self, event: SandboxEvent) {
        let Some(sender) = &self.sender else {
            return;
        };
        // Counted first: delivery could finish before `send` returns.
        self.tally.send_modify(|tally| tally.waiting += 1);
        lock(&self.undelivered).insert(event.id.clone());
        if sender.send(event).is_err() {
            self.tally.send_modify(|tally| tally.waiting -= 1);
        }
    }
}

/// Locks the set of undelivered events, which every change leaves complete.
pub(super) fn lock(undelivered: &Undelivered) -> MutexGuard<'_, HashSet<String>> {
    undelivered.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sandbox {
    /// Lists the last 10,000 events, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<SandboxEvent> {
        self.state().ledger.events().cloned().collect()
    }

    #[must_use]
    pub fn deliveries(&self) -> Deliveries {
        *self.tally.borrow()
    }

    /// Waits until no event is being sent or will be retried.
    pub async fn until_delivered(&self) {
        let mut tally = self.tally.subscribe();
        // This sandbox holds a sender, so the channel is open.
        let _ = tally.wait_for(|tally| tally.waiting == 0).await;
    }
}

/// Returns the header `Stripe-Signature` of a body that is sent at `at`
/// (<https://docs.stripe.com/webhooks#verify-manually>). As Stripe does in test mode, this adds a
/// signature of the fake scheme `v0`.
#[must_use]
pub fn signature(secret: &str, at: Timestamp, body: &str) -> String {
    let t = at.as_second();
    let signed = format!("{t}.{body}");
    format!("t={t},v1={},v0={}", mac(secret, &signed), mac(NOT_THE_SECRET, &signed))
}

fn mac(key: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let bytes = hmac::sign(&key, text.as_bytes());
    bytes.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_an_hmac_of_time_and_body() {
        let at = Timestamp::from_second(1_492_774_577).unwrap();
        let header = signature("whsec_sandbox", at, "{\n  \"id\": \"evt_1\"\n}");
        // printf '1492774577.{\n  "id": "evt_1"\n}' | openssl dgst -sha256 -hmac whsec_sandbox
        let expected =
            "t=1492774577,v1=ff4f2455d7730174ae061f058f434ea609c0d99a63b8215a6d91ec96cf5e580b,v0=";
        assert!(header.starts_with(expected), "{header}");
    }
}
