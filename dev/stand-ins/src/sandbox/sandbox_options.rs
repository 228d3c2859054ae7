//! What can be chosen about a sandbox.

use std::time::Duration;

use clap::ValueEnum;
use openchair::clock::Clock;
use serde::Deserialize;

use super::faults::Fault;
use super::webhooks::{WebhookEndpoint, Webhooks};

/// What can be chosen about a sandbox.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// How long every admitted API call takes before it has an effect.
    pub latency: Duration,
    /// API calls a second over all endpoints, also the size of a burst; 0 lifts
    /// the limit. Stripe's test mode allows 25.
    pub requests_per_second: u32,
    /// Where browsers reach the sandbox, without a slash at the end. `None`
    /// takes the address that [`Sandbox::start`](super::Sandbox::start) listens on.
    pub public_url: Option<String>,
    /// Whom [`Sandbox::start`](super::Sandbox::start) tells of events. `None` tells nobody.
    pub webhook: Option<WebhookEndpoint>,
    /// What happens to webhooks on their way.
    pub webhooks: Webhooks,
    /// What becomes of refunds.
    pub refunds: Refunds,
    /// What becomes of bank debits.
    pub debits: Debits,
    /// How long a bank takes: from a debit, or a refund, to what becomes of it.
    pub bank_time: Duration,
    /// What goes wrong with the first API calls.
    pub faults: Vec<Fault>,
    /// The clock for expiry, banks, idempotency keys and the rate limit.
    pub clock: Clock,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            requests_per_second: 25,
            public_url: None,
            webhook: None,
            webhooks: Webhooks::On,
            refunds: Refunds::Ok,
            debits: Debits::ByHand,
            bank_time: Duration::from_secs(10),
            faults: Vec::new(),
            clock: Clock::machine(),
        }
    }
}

/// What becomes of refunds. Two of Stripe's test cards decide it for their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Refunds {
    /// They succeed at once; those of debits after the bank's time
    Ok,
    /// They are pending, and succeed after the bank's time
    Pending,
    /// They succeed, and fail after the bank's time
    Failing,
}

/// What becomes of bank debits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Debits {
    /// Somebody decides, on the payment page
    ByHand,
    /// The money arrives after the bank's time
    Arrive,
    /// The bank refuses after its time
    Bounce,
}
