//! The payment sandbox: a local stand-in for Stripe.
//!
//! It speaks the part of Stripe's API that the functions use, in the version
//! `2026-09-30.endive`: Checkout Sessions in `payment` mode, and refunds. Rules,
//! error envelopes and headers are Stripe's, so that a mistake shows here and
//! not on the first day with a real account. What Stripe knows and the sandbox
//! does not is refused, never silently dropped, if it could change what is paid.
//!
//! | room | what it holds |
//! |---|---|
//! | `api` | routes, keys, limits and idempotency: what surrounds a call |
//! | `checkout_session`, `refund` | an object each: its rules and its JSON |
//! | `ledger` | the state, and the only functions that change a payment |
//! | `page` | where a person pays |
//! | `cards` | Stripe's test card numbers |

mod api;
mod api_error;
mod cards;
mod checkout_session;
mod idempotency;
mod ids;
mod ledger;
mod page;
mod params;
mod payment_methods;
mod rate_limit;
mod refund;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use shared::clock::Clock;

pub use self::checkout_session::{CheckoutSession, LineItem, PaymentStatus, SessionStatus, UiMode};
use self::idempotency::IdempotencyKeys;
use self::ledger::Ledger;
pub use self::ledger::{Payment, PaymentState, Refused};
use self::rate_limit::TokenBucket;
pub use self::refund::Refund;
pub use self::server::Serving;

/// The version of Stripe's API that the sandbox speaks.
pub const API_VERSION: &str = "2026-09-30.endive";

/// What can be chosen about a sandbox.
#[derive(Clone, Debug)]
pub struct SandboxOptions {
    /// How long every admitted API call takes before it has an effect.
    pub latency: Duration,
    /// API calls a second over all endpoints, also the size of a burst; 0 lifts
    /// the limit. Stripe's test mode allows 25.
    pub requests_per_second: u32,
    /// Where browsers reach the sandbox, without a slash at the end. `None`
    /// takes the address that [`Sandbox::start`] listens on.
    pub public_url: Option<String>,
    /// The clock for expiry, idempotency keys and the rate limit.
    pub clock: Clock,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            requests_per_second: 25,
            public_url: None,
            clock: Clock::machine(),
        }
    }
}

/// A payment sandbox; its clones share one state.
#[derive(Clone, Debug)]
pub struct Sandbox {
    options: Arc<SandboxOptions>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    ledger: Ledger,
    keys: IdempotencyKeys,
    bucket: TokenBucket,
    requests: BTreeMap<String, usize>,
}

impl Sandbox {
    /// Makes an empty sandbox.
    #[must_use]
    pub fn new(options: SandboxOptions) -> Self {
        let now = options.clock.now();
        let state = State {
            ledger: Ledger::default(),
            keys: IdempotencyKeys::default(),
            bucket: TokenBucket::new(options.requests_per_second, now),
            requests: BTreeMap::new(),
        };
        Self { options: Arc::new(options), state: Arc::new(Mutex::new(state)) }
    }

    /// Returns the API under `/v1` and the payment page under `/pay`.
    pub fn router(&self) -> Router {
        api::router(self.clone()).merge(page::router(self.clone()))
    }

    /// Finds a session as it stands now.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<CheckoutSession> {
        let now = self.now();
        self.state().ledger.session(id, now).cloned()
    }

    /// Finds the payment that a session led to.
    #[must_use]
    pub fn payment(&self, session: &str) -> Option<Payment> {
        let state = self.state();
        state.ledger.payment_of(session).cloned()
    }

    /// Lists the refunds of a payment, newest first.
    #[must_use]
    pub fn refunds(&self, payment_intent: &str) -> Vec<Refund> {
        let state = self.state();
        let of_payment = |refund: &&Refund| refund.payment_intent == payment_intent;
        state.ledger.refunds().filter(of_payment).cloned().collect()
    }

    /// Pays a session by card. Twice is the same as once.
    ///
    /// # Errors
    /// [`Refused`] if the session is unknown or has expired.
    pub fn pay(&self, session: &str) -> Result<(), Refused> {
        let now = self.now();
        self.state().ledger.pay(session, now)
    }

    /// Pays a session by a method whose money comes days later: the session is
    /// complete and `unpaid` until [`Sandbox::settle`].
    ///
    /// # Errors
    /// [`Refused`] if the session is unknown, has expired or takes no such method.
    pub fn pay_by_debit(&self, session: &str) -> Result<(), Refused> {
        let now = self.now();
        self.state().ledger.pay_by_debit(session, now)
    }

    /// Ends a debit that is under way: the bank sends the money, or refuses.
    ///
    /// # Errors
    /// [`Refused`] if no debit of this session is under way.
    pub fn settle(&self, session: &str, arrived: bool) -> Result<(), Refused> {
        let now = self.now();
        self.state().ledger.settle(session, arrived, now)
    }

    /// Declines one attempt to pay; the session stays open.
    ///
    /// # Errors
    /// [`Refused`] if the session is unknown or not open.
    pub fn decline(&self, session: &str) -> Result<(), Refused> {
        let now = self.now();
        self.state().ledger.decline(session, now)
    }

    /// Expires an open session.
    ///
    /// # Errors
    /// [`Refused`] if the session is unknown or not open.
    pub fn expire(&self, session: &str) -> Result<(), Refused> {
        let now = self.now();
        self.state().ledger.expire(session, now)
    }

    /// Counts the API calls by route, such as `POST /v1/refunds`: also those
    /// that were turned away.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, usize> {
        self.state().requests.clone()
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    fn public_url(&self) -> &str {
        self.options.public_url.as_deref().unwrap_or_default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No operation leaves the state half-changed, so a panic elsewhere does
        // not make it unusable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
