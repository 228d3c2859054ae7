//! The payment sandbox: a local stand-in for Stripe.
//!
//! It speaks the part of Stripe's API that the functions use, in the version
//! `2026-09-30.endive`: Checkout Sessions in `payment` mode, and refunds. Rules,
//! error envelopes and headers are Stripe's, so that a mistake shows here and
//! not on the first day with a real account. What Stripe knows and the sandbox
//! does not is refused, never silently dropped, if it could change what is paid.
//!
//! What happens is told to the merchant, in signed webhooks. What goes wrong
//! with Stripe, with banks or on the way can be asked for: [`SandboxOptions`]
//! and [`Fault`] have it all.
//!
//! | room | what it holds |
//! |---|---|
//! | `api` | routes, keys, limits and idempotency: what surrounds a call |
//! | `checkout_session`, `payment`, `refund`, `event` | an object each: its rules and its JSON |
//! | `list` | pages of them |
//! | `ledger`, `agenda` | the state, the only functions that change a payment, and what happens by itself |
//! | `webhooks` | events on their way to the merchant |
//! | `page` | where a person pays |
//! | `cards` | Stripe's test card numbers |
//! | `options`, `faults` | what can be chosen, and what can go wrong |
//! | `control` | what tests in other processes steer it with |
//! | `server` | serving on a socket, and the passing of time |

mod api_error;
mod checkout_session;
mod control_api;
mod faults;
mod idempotency;
mod ids;
mod list;
mod params;
mod payment_methods;
mod payment_page;
mod rate_limit;
mod sandbox_event;
mod sandbox_ledger;
mod sandbox_options;
mod sandbox_payment;
mod sandbox_refund;
mod sandbox_server;
mod test_cards;
mod timers;
mod v1_api;
mod webhooks;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

pub use self::checkout_session::{CheckoutSession, LineItem, PaymentStatus, SessionStatus, UiMode};
use self::faults::Faults;
pub use self::faults::{Effect, Fault};
use self::idempotency::IdempotencyKeys;
use self::rate_limit::TokenBucket;
pub use self::sandbox_event::{EventType, SandboxEvent};
use self::sandbox_ledger::Ledger;
pub use self::sandbox_ledger::Refused;
pub use self::sandbox_options::{Debits, Refunds, SandboxOptions};
pub use self::sandbox_payment::{Payment, PaymentState};
pub use self::sandbox_refund::{Refund, RefundStatus};
pub use self::sandbox_server::Serving;
use self::test_cards::Outcome;
use self::webhooks::EventQueue;
pub use self::webhooks::{Deliveries, WEBHOOK_SECRET, WebhookEndpoint, Webhooks, signature};

/// The version of Stripe's API that the sandbox speaks.
pub const API_VERSION: &str = "2026-09-30.endive";

/// A payment sandbox; its clones share one state.
#[derive(Clone, Debug)]
pub struct Sandbox {
    options: Arc<SandboxOptions>,
    state: Arc<Mutex<State>>,
    tally: watch::Sender<Deliveries>,
}

#[derive(Debug)]
struct State {
    ledger: Ledger,
    keys: IdempotencyKeys,
    bucket: TokenBucket,
    requests: BTreeMap<String, usize>,
    faults: Faults,
    webhooks: Webhooks,
}

impl Sandbox {
    /// Makes an empty sandbox. Only one that [is served](Sandbox::start) sends
    /// webhooks, and lets time pass while nobody asks.
    #[must_use]
    pub fn new(options: SandboxOptions) -> Self {
        Self::telling(options, None)
    }

    /// Makes an empty sandbox that tells `listener` of its events.
    fn telling(
        options: SandboxOptions,
        listener: Option<mpsc::UnboundedSender<SandboxEvent>>,
    ) -> Self {
        let now = options.clock.now();
        let tally = watch::Sender::new(Deliveries::default());
        let state = State {
            ledger: Ledger::new(&options, EventQueue::new(listener, tally.clone())),
            keys: IdempotencyKeys::default(),
            bucket: TokenBucket::new(options.requests_per_second, now),
            requests: BTreeMap::new(),
            faults: Faults::new(options.faults.clone()),
            webhooks: options.webhooks,
        };
        Self { options: Arc::new(options), state: Arc::new(Mutex::new(state)), tally }
    }

    /// Returns the API under `/v1`, the payment page under `/pay`, and what
    /// steers the sandbox under `/_sandbox`.
    pub fn router(&self) -> Router {
        let api = v1_api::router(self.clone());
        api.merge(payment_page::router(self.clone())).merge(control_api::router(self.clone()))
    }

    /// Finds a session as it stands now.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<CheckoutSession> {
        self.state().ledger.session(id).cloned()
    }

    /// Lists all sessions as they stand now, newest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<CheckoutSession> {
        self.pass_time();
        self.state().ledger.sessions().cloned().collect()
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

    /// Pays a session by a card that pays. Twice is the same as once.
    ///
    /// # Errors
    /// [`Refused`] if the session is unknown or has expired.
    pub fn pay(&self, session: &str) -> Result<(), Refused> {
        self.state().ledger.pay(session, None)
    }

    /// Pays a session by one of Stripe's test cards, as a payer who passes the
    /// bank's check. Twice is the same as once.
    ///
    /// # Errors
    /// [`Refused`] if the session is unknown or has expired, or the card is declined.
    pub fn pay_by_card(&self, session: &str, number: &str) -> Result<(), Refused> {
        match test_cards::outcome_of(number).map_err(Refused::Declined)? {
            Outcome::Pays | Outcome::Challenged => self.pay(session),
            Outcome::PaysWith(refunds) => self.state().ledger.pay(session, Some(refunds)),
            Outcome::Declined(why) => {
                self.decline(session)?;
                Err(Refused::Declined(why))
            }
        }
    }

    /// Pays a session by a method whose money comes days later: the session is
    /// complete and `unpaid` until [`Sandbox::settle`], or what [`Debits`] says.
    ///
    /// # Errors
    /// [`Refused`] if the session is unknown, has expired or takes no such method.
    pub fn pay_by_debit(&self, session: &str) -> Result<(), Refused> {
        self.state().ledger.pay_by_debit(session)
    }

    /// Ends a debit that is under way: the bank sends the money, or refuses.
    ///
    /// # Errors
    /// [`Refused`] if no debit of this session is under way.
    pub fn settle(&self, session: &str, arrived: bool) -> Result<(), Refused> {
        self.state().ledger.settle(session, arrived)
    }

    /// Declines one attempt to pay; the session stays open.
    ///
    /// # Errors
    /// [`Refused`] if the session is unknown or not open.
    pub fn decline(&self, session: &str) -> Result<(), Refused> {
        self.state().ledger.decline(session)
    }

    /// Expires an open session.
    ///
    /// # Errors
    /// [`Refused`] if the session is unknown or not open.
    pub fn expire(&self, session: &str) -> Result<(), Refused> {
        self.state().ledger.expire(session)
    }

    /// Changes how many API calls a second are allowed; 0 lifts the limit.
    pub fn set_requests_per_second(&self, limit: u32) {
        let now = self.now();
        self.state().bucket = TokenBucket::new(limit, now);
    }

    /// Changes what becomes of refunds to come.
    pub fn set_refunds(&self, refunds: Refunds) {
        self.state().ledger.refund_as(refunds);
    }

    /// Gives a refund another status, as its bank may at any time.
    ///
    /// # Errors
    /// [`Refused`] if the refund is unknown, has failed or was canceled.
    pub fn end_refund(&self, refund: &str, status: RefundStatus) -> Result<(), Refused> {
        self.state().ledger.end_refund(refund, status)
    }

    /// Lets what is due happen. Asking for anything does that too, and one that
    /// [is served](Sandbox::start) does it by itself.
    pub fn pass_time(&self) {
        drop(self.state());
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

    /// Returns the state as of now.
    fn state(&self) -> MutexGuard<'_, State> {
        // No operation leaves the state half-changed, so a panic elsewhere does
        // not make it unusable.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.ledger.pass(self.now());
        state
    }
}
