//! The payment sandbox: a local stand-in for Stripe.
//!
//! It implements the part of Stripe's API that the functions use, in the version
//! `2026-09-30.endive`: Checkout Sessions in `payment` mode, refunds, and the list of events. Rules, error bodies
//! and headers are Stripe's, so that mistakes show up here and not with a real account.
//! Parameters that the sandbox does not support are refused if they could change the payment.
//!
//! The sandbox sends signed webhooks. [`SandboxOptions`] and [`Fault`] simulate failures of
//! Stripe, of banks and of the delivery of webhooks.
//!
//! | module | contents |
//! |---|---|
//! | `v1_api`, `v1_call` | routes, the rate limit and idempotency |
//! | `api_key` | API keys, their modes and their rights |
//! | `v1_lists`, `v1_list` | the lists of sessions, refunds and events, and their pages |
//! | `create_session` | the parameters of a session |
//! | `checkout_session`, `sandbox_payment`, `sandbox_refund`, `sandbox_dispute`, `sandbox_event` | one object each |
//! | `sandbox_ledger` | the state and all changes of it, some of which are due later |
//! | `ledger_file`, `stored` | keep the state over a restart |
//! | `webhooks`, `webhook_sender` | signs and delivers events |
//! | `payment_page`, `payment_views` | the page on which a person pays |
//! | `test_cards` | Stripe's test card numbers |
//! | `sandbox_options`, `faults` | options, and injected failures |

mod api_error;
mod api_key;
mod checkout_session;
mod create_session;
mod faults;
mod idempotency;
mod ledger_file;
mod ledger_object;
mod params;
mod payment_page;
mod payment_views;
mod rate_limit;
mod sandbox_dispute;
mod sandbox_event;
mod sandbox_ledger;
mod sandbox_options;
mod sandbox_payment;
mod sandbox_refund;
mod stored;
mod test_cards;
mod v1_api;
mod v1_call;
mod v1_list;
mod v1_lists;
mod webhook_sender;
mod webhooks;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

pub use self::api_key::Right;
pub use self::checkout_session::{
    CheckoutSession, LineItem, MethodName, PaymentStatus, SessionStatus, UiMode,
};
pub use self::faults::{Effect, Fault};
use self::idempotency::IdempotencyKeys;
use self::ledger_file::{LedgerFile, StoredState};
use self::rate_limit::TokenBucket;
pub use self::sandbox_dispute::{Dispute, DisputeReason, DisputeStatus};
pub use self::sandbox_event::{EventType, SandboxEvent};
use self::sandbox_ledger::Ledger;
pub use self::sandbox_ledger::Refused;
pub use self::sandbox_options::{Debits, Refunds, SandboxOptions};
pub use self::sandbox_payment::{Payment, PaymentState};
pub use self::sandbox_refund::{Refund, RefundStatus};
use self::test_cards::{Aftermath, Outcome};
use self::webhook_sender::WebhookSender;
pub use self::webhooks::{Deliveries, WEBHOOK_SECRET, WebhookEndpoint, Webhooks, signature};
use self::webhooks::{EventQueue, Undelivered};
use crate::serving;

/// A running sandbox, which sends webhooks.
pub type Serving = serving::Serving<Sandbox>;

/// The interval at which a served sandbox checks its timers.
const TICK: Duration = Duration::from_millis(250);

/// The version of Stripe's API that the sandbox implements.
pub const API_VERSION: &str = "2026-09-30.endive";

/// A payment sandbox. Clones share one state.
#[derive(Clone, Debug)]
pub struct Sandbox {
    options: Arc<SandboxOptions>,
    state: Arc<Mutex<State>>,
    tally: watch::Sender<Deliveries>,
    undelivered: Undelivered,
}

#[derive(Debug)]
struct State {
    /// Whether the ledger may have changed since it was saved.
    is_changed: bool,
    undelivered: Undelivered,
    ledger: Ledger,
    keys: IdempotencyKeys,
    bucket: TokenBucket,
    requests: BTreeMap<String, usize>,
    faults: Vec<Fault>,
}

impl Sandbox {
    /// Serves a new sandbox on `listener` in the background.
    ///
    /// # Errors
    /// Fails if the listener has no address, the HTTP client cannot be built, or the ledger's
    /// file cannot be read.
    pub fn start(mut options: SandboxOptions, listener: TcpListener) -> io::Result<Serving> {
        options.public_url.get_or_insert(serving::url(&listener)?);
        let webhooks = options.webhooks;
        let endpoint = options.webhook.clone();
        let (sender, events) = mpsc::unbounded_channel();
        let path = options.ledger.clone();
        let stored = path.as_deref().map(ledger_file::load).transpose()?.flatten();
        let sandbox = Self::with_listener(options, endpoint.is_some().then_some(sender));
        if let Some(stored) = stored {
            let mut state = sandbox.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.ledger.restore(stored.ledger, &stored.undelivered);
            state.keys = stored.keys;
        }
        let mut file = path.map(|path| LedgerFile::new(sandbox.clone(), path));
        let mut serving = Serving::start(sandbox.clone(), sandbox.router(), listener)?;
        if let Some(endpoint) = endpoint {
            let clock = sandbox.options.clock.clone();
            let sender = WebhookSender::new(
                endpoint,
                clock,
                sandbox.tally.clone(),
                Arc::clone(&sandbox.undelivered),
            );
            let sender = Arc::new(sender.map_err(io::Error::other)?);
            serving.tasks.spawn(async move {
                sender.run(webhooks, events).await;
                Ok(())
            });
        }
        serving.tasks.spawn(async move {
            loop {
                sandbox.pass_time();
                if let Some(file) = &mut file {
                    file.save()?;
                }
                tokio::time::sleep(TICK).await;
            }
        });
        Ok(serving)
    }

    /// Creates an empty sandbox that sends no webhooks. See [`Sandbox::start`] for one that
    /// does.
    #[must_use]
    pub fn new(options: SandboxOptions) -> Self {
        Self::with_listener(options, None)
    }

    /// Creates an empty sandbox that sends its events to `listener`.
    fn with_listener(
        options: SandboxOptions,
        listener: Option<mpsc::UnboundedSender<SandboxEvent>>,
    ) -> Self {
        let now = options.clock.now();
        let tally = watch::Sender::new(Deliveries::default());
        let undelivered = Undelivered::default();
        let queue = EventQueue::new(listener, tally.clone(), Arc::clone(&undelivered));
        let state = State {
            is_changed: false,
            undelivered: Arc::clone(&undelivered),
            ledger: Ledger::new(&options, queue),
            keys: IdempotencyKeys::default(),
            bucket: TokenBucket::new(options.requests_per_second, now),
            requests: BTreeMap::new(),
            faults: Vec::new(),
        };
        Self { options: Arc::new(options), state: Arc::new(Mutex::new(state)), tally, undelivered }
    }

    /// Returns the API under `/v1` and the payment page under `/pay`.
    pub fn router(&self) -> Router {
        v1_api::router(self.clone()).merge(payment_page::router(self.clone()))
    }

    #[must_use]
    pub fn session(&self, id: &str) -> Option<CheckoutSession> {
        self.state().ledger.session(id).cloned()
    }

    /// Lists all sessions, newest first.
    #[must_use]
    pub fn sessions(&self) -> Vec<CheckoutSession> {
        self.pass_time();
        self.state().ledger.sessions().cloned().collect()
    }

    /// Finds the payment of a session.
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

    /// Pays a session by card. Paying twice is the same as once.
    ///
    /// # Errors
    /// Fails if the session is unknown or has expired.
    pub fn pay(&self, session: &str) -> Result<(), Refused> {
        self.state().ledger.pay(session, Aftermath::None)
    }

    /// Pays a session by one of Stripe's test cards. 3-D Secure succeeds.
    fn pay_by_card(&self, session: &str, number: &str) -> Result<(), Refused> {
        match test_cards::outcome_of(number).map_err(Refused::Declined)? {
            Outcome::Pays(aftermath) => self.state().ledger.pay(session, aftermath),
            Outcome::Challenged => self.pay(session),
            Outcome::Declined(why) => Err(Refused::Declined(why)),
        }
    }

    /// Begins a payment that is in progress until [`Sandbox::pay`] or
    /// [`Sandbox::fail_payment`]. Meanwhile Stripe refuses to expire the session.
    ///
    /// # Errors
    /// Fails if the session is unknown or not open.
    pub fn begin_payment(&self, session: &str) -> Result<(), Refused> {
        self.state().ledger.begin_payment(session)
    }

    /// Ends a payment in progress without success.
    ///
    /// # Errors
    /// Fails if the session is unknown.
    pub fn fail_payment(&self, session: &str) -> Result<(), Refused> {
        self.state().ledger.fail_payment(session)
    }

    /// Lets the payer of a session dispute the payment.
    ///
    /// # Errors
    /// Fails if the session is not paid, or its payment is disputed already.
    pub fn dispute(&self, session: &str, reason: DisputeReason) -> Result<(), Refused> {
        let payment = self.payment(session).ok_or(Refused::Unknown)?.id;
        self.state().ledger.dispute(&payment, reason)
    }

    /// Decides the open dispute on the payment of a session.
    ///
    /// # Errors
    /// Fails if there is none.
    pub fn close_dispute(&self, session: &str, is_won: bool) -> Result<(), Refused> {
        let payment = self.payment(session).ok_or(Refused::Unknown)?.id;
        self.state().ledger.close_dispute(&payment, is_won)
    }

    /// Lets the bank warn that the payment of a session is a fraud.
    ///
    /// # Errors
    /// Fails if the session is not paid.
    pub fn warn_of_fraud(&self, session: &str) -> Result<(), Refused> {
        let payment = self.payment(session).ok_or(Refused::Unknown)?.id;
        self.state().ledger.warn_of_fraud(&payment)
    }

    /// Refunds the payment of a session as a person does in Stripe's Dashboard: without
    /// metadata. `amount` is in minor units; `None` is all that is left.
    ///
    /// # Errors
    /// Fails if the session is not paid, or so much is not left.
    pub fn refund_by_hand(&self, session: &str, amount: Option<i64>) -> Result<Refund, Refused> {
        let payment = self.payment(session).ok_or(Refused::Unknown)?.id;
        sandbox_refund::by_hand(&mut self.state().ledger, &payment, amount)
    }

    /// Pays a session by bank debit: the session is complete and `unpaid` until
    /// [`Sandbox::settle`], or as [`Debits`] says.
    ///
    /// # Errors
    /// Fails if the session is unknown, has expired or accepts cards only.
    pub fn pay_by_debit(&self, session: &str) -> Result<(), Refused> {
        self.state().ledger.pay_by_debit(session)
    }

    /// Ends a pending debit: the money arrives, or the bank refuses.
    ///
    /// # Errors
    /// Fails if the session has no pending debit.
    pub fn settle(&self, session: &str, arrived: bool) -> Result<(), Refused> {
        self.state().ledger.settle(session, arrived)
    }

    /// Cancels the authorised payment of a session, as its bank may do.
    ///
    /// # Errors
    /// If there is none.
    pub fn cancel_payment(&self, session: &str) -> Result<(), Refused> {
        let payment = self.payment(session).ok_or(Refused::Unknown)?.id;
        self.state().ledger.cancel_payment(&payment)
    }

    /// Expires an open session.
    ///
    /// # Errors
    /// Fails if the session is unknown or not open.
    pub fn expire(&self, session: &str) -> Result<(), Refused> {
        self.state().ledger.expire(session)
    }

    /// Changes the limit of API calls per second; 0 for no limit.
    pub fn set_requests_per_second(&self, limit: u32) {
        let now = self.now();
        self.state().bucket = TokenBucket::new(limit, now);
    }

    /// Changes how future refunds end.
    pub fn set_refunds(&self, refunds: Refunds) {
        self.state().ledger.set_refunds(refunds);
    }

    /// Makes all changes that are due. Every other method does this first, and a sandbox that
    /// [is served](Sandbox::start) does it regularly.
    pub fn pass_time(&self) {
        drop(self.unchanged_state());
    }

    /// Counts the API calls by route, such as `POST /v1/refunds`, including refused ones.
    #[must_use]
    pub fn requests(&self) -> BTreeMap<String, usize> {
        self.state().requests.clone()
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// Returns the state after all changes that are due, to change it.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.unchanged_state();
        state.is_changed = true;
        state
    }

    /// Returns the state after all changes that are due, to read it.
    fn unchanged_state(&self) -> MutexGuard<'_, State> {
        // Every change is complete, so the state is usable even after a panic elsewhere.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.is_changed |= state.ledger.advance_to(self.now());
        state
    }
}

impl State {
    /// Returns what is kept over a restart.
    fn stored(&self) -> StoredState {
        let undelivered = webhooks::lock(&self.undelivered).clone();
        StoredState::new(self.ledger.stored(), self.keys.finished(), undelivered)
    }
}

impl Serving {
    /// Returns the sandbox itself, for control without HTTP.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.stand_in
    }
}

/// Returns an identifier like Stripe's: `prefix` with `length` random letters and digits.
fn random_id(prefix: &str, length: usize) -> String {
    let random = std::iter::repeat_with(fastrand::alphanumeric).take(length);
    prefix.chars().chain(random).collect()
}
