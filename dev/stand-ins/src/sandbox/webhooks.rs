//! Webhooks: <https://docs.stripe.com/webhooks>.

mod webhook_sender;
mod webhook_signature;

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};

pub(super) use self::webhook_sender::WebhookSender;
pub use self::webhook_signature::signature;
use super::sandbox_event::SandboxEvent;
use super::{Refused, Sandbox};

/// The secret that signs webhooks. It is not a secret.
pub const WEBHOOK_SECRET: &str = "whsec_sandbox";

/// The endpoint of webhooks, and the retries.
#[derive(Clone, Debug)]
pub struct WebhookEndpoint {
    pub url: String,
    /// `whsec_…`
    pub secret: String,
    /// The timeout of one attempt.
    pub timeout: Duration,
    /// The maximum number of attempts. Stripe retries for three days.
    pub attempts: u32,
    /// The pause after the first attempt. It doubles with each attempt.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// The delay of [`Webhooks::Late`].
    pub late_by: Duration,
    /// The time in which [`Webhooks::Shuffled`] collects events.
    pub window: Duration,
}

impl WebhookEndpoint {
    /// Creates an endpoint with the sandbox's secret and about four minutes of retries.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            secret: WEBHOOK_SECRET.to_owned(),
            timeout: Duration::from_secs(10),
            attempts: 10,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_mins(1),
            late_by: Duration::from_secs(20),
            window: Duration::from_secs(2),
        }
    }
}

/// How webhooks are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
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

/// Counts of events by delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
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
}

impl EventQueue {
    pub(super) fn new(
        sender: Option<mpsc::UnboundedSender<SandboxEvent>>,
        tally: watch::Sender<Deliveries>,
    ) -> Self {
        Self { sender, tally }
    }

    pub(super) fn put(&self, event: SandboxEvent) {
        let Some(sender) = &self.sender else {
            return;
        };
        // Counted first: delivery could finish before `send` returns.
        self.tally.send_modify(|tally| tally.waiting += 1);
        if sender.send(event).is_err() {
            self.tally.send_modify(|tally| tally.waiting -= 1);
        }
    }
}

impl Sandbox {
    /// Lists the last 10,000 events, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<SandboxEvent> {
        self.state().ledger.events().cloned().collect()
    }

    /// Changes how future webhooks are delivered.
    pub fn set_webhooks(&self, webhooks: Webhooks) {
        self.state().webhooks = webhooks;
    }

    /// Sends an event's webhook again.
    ///
    /// # Errors
    /// Fails if the event is unknown.
    pub fn resend(&self, event: &str) -> Result<(), Refused> {
        self.state().ledger.resend(event)
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

    pub(super) fn webhooks(&self) -> Webhooks {
        self.state().webhooks
    }
}
