//! Telling the merchant of events: <https://docs.stripe.com/webhooks>.

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

/// The secret that webhooks are signed with. It protects nothing.
pub const WEBHOOK_SECRET: &str = "whsec_sandbox";

/// Where webhooks go, and how hard they try.
#[derive(Clone, Debug)]
pub struct WebhookEndpoint {
    /// The address, complete.
    pub url: String,
    /// `whsec_…`
    pub secret: String,
    /// How long an endpoint may take to answer.
    pub timeout: Duration,
    /// How often an event is sent at most, until it is answered with 2xx.
    /// Stripe goes on for three days.
    pub attempts: u32,
    /// The pause after the first attempt; it doubles with every further one.
    pub first_pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
    /// How long [`Webhooks::Late`] takes.
    pub late_by: Duration,
    /// How long [`Webhooks::Shuffled`] waits for more events to turn around.
    pub window: Duration,
}

impl WebhookEndpoint {
    /// Makes an endpoint with the sandbox's secret, and four minutes of patience.
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

/// What happens to webhooks on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Webhooks {
    /// They arrive
    On,
    /// They do not arrive
    Lost,
    /// They arrive twice, at the same time
    Double,
    /// They arrive 20 seconds late
    Late,
    /// Those of 2 seconds arrive in the reverse order
    Shuffled,
}

/// What became of the events so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Deliveries {
    /// Events that are on their way, or will be sent again.
    pub waiting: usize,
    /// Events that were answered with 2xx.
    pub delivered: usize,
    /// Attempts that were not.
    pub failed_attempts: usize,
    /// Events that will not be sent again.
    pub given_up: usize,
    /// Events that were lost on purpose.
    pub lost: usize,
}

/// Where events leave the ledger.
#[derive(Debug)]
pub(super) struct EventQueue {
    /// `None` if nobody wants to be told.
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
        // Counted first, or it could be delivered before it waits.
        self.tally.send_modify(|tally| tally.waiting += 1);
        if sender.send(event).is_err() {
            self.tally.send_modify(|tally| tally.waiting -= 1);
        }
    }
}

impl Sandbox {
    /// Lists the events that arose, oldest first: the last 10 000.
    #[must_use]
    pub fn events(&self) -> Vec<SandboxEvent> {
        self.state().ledger.events().cloned().collect()
    }

    /// Changes what happens to the webhooks of events to come.
    pub fn set_webhooks(&self, webhooks: Webhooks) {
        self.state().webhooks = webhooks;
    }

    /// Sends the webhook of an event once more.
    ///
    /// # Errors
    /// [`Refused`] if there is no such event.
    pub fn resend(&self, event: &str) -> Result<(), Refused> {
        self.state().ledger.resend(event)
    }

    /// Counts what became of the events so far.
    #[must_use]
    pub fn deliveries(&self) -> Deliveries {
        *self.tally.borrow()
    }

    /// Waits until no event is on its way or will be sent again.
    pub async fn until_delivered(&self) {
        let mut tally = self.tally.subscribe();
        // It ends with its last sender, and this sandbox has one.
        let _ = tally.wait_for(|tally| tally.waiting == 0).await;
    }

    pub(super) fn webhooks(&self) -> Webhooks {
        self.state().webhooks
    }
}
