//! Sends events to an endpoint, with retries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use openchair::clock::Clock;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::redirect;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::TICK;
use super::sandbox_event::SandboxEvent;
use super::webhooks::{Deliveries, Undelivered, WebhookEndpoint, Webhooks, lock, signature};

/// The maximum number of concurrent requests.
const MAX_CONCURRENT: usize = 32;

#[derive(Debug)]
pub(super) struct WebhookSender {
    endpoint: WebhookEndpoint,
    client: reqwest::Client,
    clock: Clock,
    tally: watch::Sender<Deliveries>,
    undelivered: Undelivered,
    permits: Semaphore,
    /// Whether the first failure has been printed.
    has_warned: AtomicBool,
}

impl WebhookSender {
    pub(super) fn new(
        endpoint: WebhookEndpoint,
        clock: Clock,
        tally: watch::Sender<Deliveries>,
        undelivered: Undelivered,
    ) -> reqwest::Result<Self> {
        // Stripe treats a redirect as a failure. A proxy would not reach this machine.
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(endpoint.timeout)
            .build()?;
        let permits = Semaphore::new(MAX_CONCURRENT);
        let has_warned = AtomicBool::new(false);
        Ok(Self { endpoint, client, clock, tally, undelivered, permits, has_warned })
    }

    /// Sends events until the channel closes.
    pub(super) async fn run(
        self: Arc<Self>,
        webhooks: Webhooks,
        mut events: mpsc::UnboundedReceiver<SandboxEvent>,
    ) {
        let mut deliveries = JoinSet::new();
        while let Some(event) = events.recv().await {
            while deliveries.try_join_next().is_some() {}
            let sender = Arc::clone(&self);
            match webhooks {
                Webhooks::On => {
                    deliveries.spawn(async move { sender.deliver(&event).await });
                }
                Webhooks::Lost => {
                    lock(&self.undelivered).remove(&event.id);
                    self.tally.send_modify(|tally| {
                        tally.waiting -= 1;
                        tally.lost += 1;
                    });
                }
                Webhooks::Double => {
                    deliveries.spawn(async move {
                        let (one, other) = tokio::join!(
                            sender.send_with_retries(&event),
                            sender.send_with_retries(&event)
                        );
                        sender.count(&event, one && other);
                    });
                }
                Webhooks::Late => {
                    deliveries.spawn(async move {
                        sleep(sender.endpoint.late_by).await;
                        sender.deliver(&event).await;
                    });
                }
                Webhooks::Shuffled => {
                    let mut batch = vec![event];
                    let end = Instant::now() + self.endpoint.window;
                    while let Ok(Some(event)) = timeout_at(end, events.recv()).await {
                        batch.push(event);
                    }
                    deliveries.spawn(sender.deliver_reversed(batch));
                }
            }
        }
        while deliveries.join_next().await.is_some() {}
    }

    /// Delivers events one after the other, the last one first. A failed one is retried in the
    /// background.
    async fn deliver_reversed(self: Arc<Self>, batch: Vec<SandboxEvent>) {
        let mut failed = JoinSet::new();
        for event in batch.into_iter().rev() {
            if self.attempt(&event).await {
                self.count(&event, true);
            } else {
                let sender = Arc::clone(&self);
                failed.spawn(async move { sender.deliver(&event).await });
            }
        }
        while failed.join_next().await.is_some() {}
    }

    async fn deliver(&self, event: &SandboxEvent) {
        let delivered = self.send_with_retries(event).await;
        self.count(event, delivered);
    }

    /// Sends an event until it is accepted or the time for retries is over.
    async fn send_with_retries(&self, event: &SandboxEvent) -> bool {
        let WebhookEndpoint { retry_for, first_pause, longest_pause, .. } = self.endpoint;
        let last = event.created + retry_for;
        let mut pause = first_pause;
        while !self.attempt(event).await {
            let next = self.clock.now() + pause;
            if last < next {
                eprintln!(
                    "warning: gave up the webhook {} ({}), which {} has not accepted for {retry_for:#}",
                    event.id,
                    event.kind.word(),
                    self.endpoint.url,
                );
                return false;
            }
            self.wait_until(next).await;
            pause = (pause * 2).min(longest_pause);
        }
        true
    }

    /// Waits on the sandbox's clock, which a test may move.
    async fn wait_until(&self, at: Timestamp) {
        while let Ok(left) = Duration::try_from(at.duration_since(self.clock.now()))
            && !left.is_zero()
        {
            sleep(left.min(TICK)).await;
        }
    }

    async fn attempt(&self, event: &SandboxEvent) -> bool {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        // Every attempt has a new signature: the endpoint would refuse an old one.
        let signature = signature(&self.endpoint.secret, self.clock.now(), event.body());
        let sent = self
            .client
            .post(&self.endpoint.url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .header(USER_AGENT, "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
            .header("stripe-signature", signature)
            .body(event.body().to_owned())
            .send()
            .await;
        let problem = match sent {
            Ok(answer) if answer.status().is_success() => return true,
            Ok(answer) => format!("it responds with {}", answer.status()),
            Err(error) if error.is_timeout() => "it does not respond in time".to_owned(),
            Err(_) => "it cannot be reached".to_owned(),
        };
        self.tally.send_modify(|tally| tally.failed_attempts += 1);
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            let url = &self.endpoint.url;
            eprintln!(
                "warning: cannot deliver webhooks to {url}: {problem}. They are retried for {:#}. This warning is shown once.",
                self.endpoint.retry_for
            );
        }
        false
    }

    fn count(&self, event: &SandboxEvent, delivered: bool) {
        lock(&self.undelivered).remove(&event.id);
        self.tally.send_modify(|tally| {
            tally.waiting -= 1;
            if delivered {
                tally.delivered += 1;
            } else {
                tally.given_up += 1;
            }
        });
    }
}
