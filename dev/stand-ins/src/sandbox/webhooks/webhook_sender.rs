//! Carrying events to an endpoint, again and again if need be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use openchair::clock::Clock;
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::redirect;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Deliveries, SandboxEvent, WebhookEndpoint, Webhooks, signature};
use crate::sandbox::Sandbox;

/// How many webhooks are sent at the same time, at most.
const AT_ONCE: usize = 32;

/// Delivers events to one endpoint.
#[derive(Debug)]
pub(in crate::sandbox) struct WebhookSender {
    endpoint: WebhookEndpoint,
    client: reqwest::Client,
    clock: Clock,
    tally: watch::Sender<Deliveries>,
    places: Semaphore,
    /// Whether somebody has been told that the endpoint does not answer.
    complained: AtomicBool,
}

impl WebhookSender {
    /// Makes a sender.
    ///
    /// # Errors
    /// If there is no HTTP client to be had.
    pub(in crate::sandbox) fn new(
        endpoint: WebhookEndpoint,
        clock: Clock,
        tally: watch::Sender<Deliveries>,
    ) -> reqwest::Result<Self> {
        // To Stripe, a redirect is a failure. A proxy has no business here.
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(endpoint.timeout)
            .build()?;
        let places = Semaphore::new(AT_ONCE);
        Ok(Self { endpoint, client, clock, tally, places, complained: AtomicBool::new(false) })
    }

    /// Delivers what comes, until nothing more can come.
    pub(in crate::sandbox) async fn run(
        self: Arc<Self>,
        sandbox: Sandbox,
        mut events: mpsc::UnboundedReceiver<SandboxEvent>,
    ) {
        let mut under_way = JoinSet::new();
        while let Some(event) = events.recv().await {
            while under_way.try_join_next().is_some() {}
            let sender = Arc::clone(&self);
            match sandbox.webhooks() {
                Webhooks::On => {
                    under_way.spawn(async move { sender.deliver(&event).await });
                }
                Webhooks::Lost => self.tally.send_modify(|tally| {
                    tally.waiting -= 1;
                    tally.lost += 1;
                }),
                Webhooks::Double => {
                    under_way.spawn(async move {
                        let (one, other) =
                            tokio::join!(sender.insist(&event), sender.insist(&event));
                        sender.note(one && other);
                    });
                }
                Webhooks::Late => {
                    under_way.spawn(async move {
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
                    under_way.spawn(sender.deliver_reversed(batch));
                }
            }
        }
        while under_way.join_next().await.is_some() {}
    }

    /// Delivers one event after the other, the last one first. What fails does
    /// not hold up the others.
    async fn deliver_reversed(self: Arc<Self>, batch: Vec<SandboxEvent>) {
        let mut failed = JoinSet::new();
        for event in batch.into_iter().rev() {
            if self.attempt(&event).await {
                self.note(true);
            } else {
                let sender = Arc::clone(&self);
                failed.spawn(async move { sender.deliver(&event).await });
            }
        }
        while failed.join_next().await.is_some() {}
    }

    async fn deliver(&self, event: &SandboxEvent) {
        let delivered = self.insist(event).await;
        self.note(delivered);
    }

    /// Sends an event until it is taken, or for too often.
    async fn insist(&self, event: &SandboxEvent) -> bool {
        let mut pause = self.endpoint.first_pause;
        for attempt in 1..=self.endpoint.attempts {
            if self.attempt(event).await {
                return true;
            }
            if attempt < self.endpoint.attempts {
                sleep(pause).await;
                pause = pause.saturating_mul(2).min(self.endpoint.longest_pause);
            }
        }
        false
    }

    async fn attempt(&self, event: &SandboxEvent) -> bool {
        // Nobody closes the semaphore.
        let _place = self.places.acquire().await;
        // Every attempt is signed anew: an old signature would be refused.
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
            Ok(answer) => format!("it answers {}", answer.status()),
            Err(error) if error.is_timeout() => "it does not answer in time".to_owned(),
            Err(_) => "it cannot be reached".to_owned(),
        };
        self.tally.send_modify(|tally| tally.failed_attempts += 1);
        if !self.complained.swap(true, Ordering::Relaxed) {
            let url = &self.endpoint.url;
            eprintln!(
                "note: webhooks do not get through to {url}: {problem}. They are sent again for some minutes; this is said once."
            );
        }
        false
    }

    fn note(&self, delivered: bool) {
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
