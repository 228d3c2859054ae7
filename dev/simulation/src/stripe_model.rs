//! A model of Stripe, in memory and in simulated time.
//!
//! It does what Stripe documents: sessions live for at least 30 minutes and then
//! expire, an idempotency key repeats its first answer for 24 hours, even a stored
//! 500, and no more is refunded than was paid. Requests fail before and after their
//! effect.

mod stripe_ledger;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openchair::clock::Clock;
use openchair::payments::{
    Payments, Refund, RefundRequest, Session, SessionRequest, SessionStatus, StripeError,
    StripeErrorDetails,
};
use tokio::task::yield_now;

pub(super) use self::stripe_ledger::{
    CheckoutSession, Ledger, PaymentState, Subject, WebhookEvent,
};
use super::decisions::Decisions;
use super::planted_bug::Bug;
use super::trace::Trace;

/// The model. Its clones are one account.
#[derive(Clone, Debug)]
pub(super) struct Stripe {
    ledger: Arc<Mutex<Ledger>>,
    clock: Clock,
    bug: Option<Bug>,
    trace: Trace,
}

/// How a request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It does not arrive.
    RequestLost,
    /// It has its effect, but the answer does not arrive.
    AnswerLost,
    RateLimited,
    Unavailable,
    /// Stripe fails before the effect, and stores the failure under the key.
    FailedBefore,
    /// Stripe fails after the effect, and stores the failure under the key.
    FailedAfter,
}

const FAULTS: [Fault; 6] = [
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::RateLimited,
    Fault::Unavailable,
    Fault::FailedBefore,
    Fault::FailedAfter,
];

/// The result of a request that changed something.
#[derive(Clone, Debug)]
enum Created {
    Session(Session),
    Refund(Refund),
}

impl Created {
    fn description(&self) -> String {
        match self {
            Self::Session(session) => format!("{} is {:?}", session.id, session.status),
            Self::Refund(refund) => format!("{} is {:?}", refund.id, refund.status),
        }
    }
}

/// An idempotency key, and the parameters that a repeat must have.
struct Key {
    key: String,
    parameters: String,
}

impl Stripe {
    pub(super) fn new(
        decisions: Decisions,
        fault_percent: u8,
        clock: Clock,
        bug: Option<Bug>,
        trace: Trace,
    ) -> Self {
        let ledger = Arc::new(Mutex::new(Ledger::new(decisions, fault_percent, bug)));
        Self { ledger, clock, bug, trace }
    }

    /// Returns the ledger as it is now.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.advance_to(self.clock.now());
        ledger
    }

    /// Makes a request that changes something. Others may make requests before its
    /// effect and before its answer arrives.
    async fn post(
        &self,
        description: impl FnOnce() -> String,
        key: Option<Key>,
        effect: impl FnOnce(&mut Ledger) -> Result<Created, StripeError>,
    ) -> Result<Created, StripeError> {
        yield_now().await;
        let fault = self.ledger().next_fault();
        let answer = self.answer(fault, key, effect);
        self.trace.call(|| {
            let description = description();
            let fault = fault.map_or_else(String::new, |fault| format!(" [{fault:?}]"));
            match &answer {
                Ok(answer) => format!("Stripe {description}: {}{fault}", answer.description()),
                Err(error) => format!("Stripe {description}: {error}{fault}"),
            }
        });
        yield_now().await;
        answer
    }

    fn answer(
        &self,
        fault: Option<Fault>,
        key: Option<Key>,
        effect: impl FnOnce(&mut Ledger) -> Result<Created, StripeError>,
    ) -> Result<Created, StripeError> {
        let mut ledger = self.ledger();
        match fault {
            Some(Fault::RequestLost) => return Err(timeout()),
            Some(Fault::RateLimited) => {
                return Err(StripeError::RateLimited { details: status(429), retry_after: None });
            }
            Some(Fault::Unavailable) => return Err(failed(false)),
            Some(Fault::AnswerLost | Fault::FailedBefore | Fault::FailedAfter) | None => {}
        }
        if let Some(Key { key, parameters }) = &key
            && let Some(known) = ledger.recall(key)
        {
            if known.parameters != *parameters {
                return Err(StripeError::KeyReused(status(400)));
            }
            return known.answer.clone().ok_or_else(|| failed(true));
        }
        let answer =
            if fault == Some(Fault::FailedBefore) { None } else { Some(effect(&mut ledger)?) };
        let kept = answer.clone().filter(|_| fault != Some(Fault::FailedAfter));
        if let Some(Key { key, parameters }) = key {
            ledger.remember(key, parameters, kept.clone());
        }
        match fault {
            Some(Fault::AnswerLost) => Err(timeout()),
            _ => kept.ok_or_else(|| failed(false)),
        }
    }

    /// Makes a request that only reads.
    async fn get<T>(
        &self,
        description: &str,
        read: impl FnOnce(&Ledger) -> Result<T, StripeError>,
    ) -> Result<T, StripeError> {
        yield_now().await;
        let answer = {
            let ledger = self.ledger();
            match ledger.next_fault() {
                Some(_) => Err(timeout()),
                None => read(&ledger),
            }
        };
        self.trace.call(|| match &answer {
            Ok(_) => format!("reads {description} from Stripe"),
            Err(error) => format!("reads {description} from Stripe: {error}"),
        });
        yield_now().await;
        answer
    }
}

impl Payments for Stripe {
    async fn open(&self, request: &SessionRequest) -> Result<Session, StripeError> {
        let key = Key { key: request.key().to_owned(), parameters: request.form().to_owned() };
        let answer = self.post(
            || "opens a session".to_owned(),
            Some(key),
            |ledger| ledger.open(request.form()).map(Created::Session),
        );
        session(answer.await?)
    }

    async fn session(&self, id: &str) -> Result<Session, StripeError> {
        self.get(id, |ledger| ledger.session(id)).await
    }

    async fn expire(&self, id: &str) -> Result<Session, StripeError> {
        if self.bug == Some(Bug::EarlyRelease) {
            let session = self.get(id, |ledger| ledger.session(id)).await?;
            return Ok(match session.status {
                SessionStatus::Open => Session { status: SessionStatus::Expired, ..session },
                SessionStatus::Complete | SessionStatus::Expired => session,
            });
        }
        let key = Key { key: format!("expire-{id}"), parameters: String::new() };
        let answer = self.post(
            || format!("expires {id}"),
            Some(key),
            |ledger| ledger.expire(id).map(Created::Session),
        );
        session(answer.await?)
    }

    async fn refunds(&self, payment: &str) -> Result<Vec<Refund>, StripeError> {
        let description = "the refunds";
        let refunds =
            self.get(description, |ledger| Ok(ledger.refunds_of(payment).cloned().collect()));
        let refunds = refunds.await?;
        Ok(if self.bug == Some(Bug::CarelessRefund) { Vec::new() } else { refunds })
    }

    async fn refund(&self, request: &RefundRequest<'_>) -> Result<Refund, StripeError> {
        let amount = request.amount.amount();
        let parameters = format!("{} {amount}", request.payment);
        let key = Key { key: request.key(), parameters };
        let key = Some(key).filter(|_| self.bug != Some(Bug::CarelessRefund));
        let description = || format!("refunds {amount} of {}", request.payment);
        let answer = self.post(description, key, |ledger| {
            let refund = ledger.refund(request.payment, request.booking_id, amount);
            refund.map(Created::Refund)
        });
        match answer.await? {
            Created::Refund(refund) => Ok(refund),
            Created::Session(_) => Err(wrong_kind()),
        }
    }
}

fn session(answer: Created) -> Result<Session, StripeError> {
    match answer {
        Created::Session(session) => Ok(session),
        Created::Refund(_) => Err(wrong_kind()),
    }
}

/// Cannot happen: each key is made for one kind of request.
fn wrong_kind() -> StripeError {
    StripeError::Unreadable { reason: "a key was used for two kinds of requests".to_owned() }
}

fn status(status: u16) -> StripeErrorDetails {
    StripeErrorDetails { status, ..StripeErrorDetails::default() }
}

fn rejected(code: Option<&str>) -> StripeError {
    StripeError::Rejected(StripeErrorDetails { code: code.map(Into::into), ..status(400) })
}

fn timeout() -> StripeError {
    StripeError::Timeout { after: Duration::from_secs(10) }
}

fn failed(replayed: bool) -> StripeError {
    StripeError::Unavailable { details: status(500), retry_after: None, replayed }
}
