//! The options of a sandbox.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;
use openchair::clock::Clock;
use serde::{Deserialize, Serialize};

use super::api_key::Right;
use super::webhooks::{WebhookEndpoint, Webhooks};

#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// The delay of every accepted API call.
    pub latency: Duration,
    /// The limit of API calls per second and the size of a burst; 0 for no limit. Stripe's
    /// test mode allows 25.
    pub requests_per_second: u32,
    /// The rights of restricted keys (`rk_test_…`). `None` is every right.
    pub restricted_key_rights: Option<BTreeSet<Right>>,
    /// The URL of the sandbox for browsers, without a trailing slash. The default is the address
    /// that [`Sandbox::start`](super::Sandbox::start) listens on.
    pub public_url: Option<String>,
    /// The endpoint that receives events. `None` sends no webhooks.
    pub webhook: Option<WebhookEndpoint>,
    pub webhooks: Webhooks,
    pub refunds: Refunds,
    pub debits: Debits,
    pub clock: Clock,
    /// The file that keeps sessions, payments and events over a restart of a served sandbox.
    /// `None` keeps them in memory.
    pub ledger: Option<PathBuf>,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            requests_per_second: 25,
            restricted_key_rights: None,
            public_url: None,
            webhook: None,
            webhooks: Webhooks::On,
            refunds: Refunds::Ok,
            debits: Debits::ByHand,
            clock: Clock::machine(),
            ledger: None,
        }
    }
}

/// How refunds end. Two of Stripe's test cards override this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
pub enum Refunds {
    /// They succeed at once; refunds of debits succeed after the bank's time
    Ok,
    /// They are pending, and succeed after the bank's time
    Pending,
    /// They succeed, and fail after the bank's time
    Failing,
    /// Stripe refuses them, as the account has not enough money
    Refused,
}

/// How bank debits end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Debits {
    /// A person decides on the payment page
    ByHand,
    /// The money arrives after the bank's time
    Arrive,
    /// The bank refuses after its time
    Bounce,
}
