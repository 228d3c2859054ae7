//! Stripe: a model of what bookings ask of it, in memory and in virtual time.
//!
//! It keeps what Stripe documents: sessions live 30 minutes or more and expire
//! by themselves, an idempotency key repeats its first answer for 24 hours, a
//! stored 500 too, and no more goes back than was paid. What can go wrong does:
//! answers are lost before and after their effect.

mod ledger;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openchair::clock::Clock;
use openchair::payments::{
    Payments, Refund, RefundRequest, Session, SessionRequest, SessionStatus, StripeError,
    StripeErrorDetails,
};
use tokio::task::yield_now;

pub(super) use self::ledger::{CheckoutSession, Ledger, Mail, Stage, Subject};
use super::bug::Bug;
use super::trace::Trace;

/// The model. Its clones are one account.
#[derive(Clone, Debug)]
pub(super) struct Stripe {
    ledger: Arc<Mutex<Ledger>>,
    clock: Clock,
    bug: Option<Bug>,
    trace: Trace,
}

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It does not arrive.
    Lost,
    /// It has its effect, and the answer does not arrive.
    Unanswered,
    /// There are too many of them.
    RateLimited,
    /// Stripe is down.
    Down,
    /// Stripe fails, without an effect, and remembers that.
    FailedBefore,
    /// Stripe fails, after the effect, and remembers that.
    FailedAfter,
}

const FAULTS: [Fault; 6] = [
    Fault::Lost,
    Fault::Unanswered,
    Fault::RateLimited,
    Fault::Down,
    Fault::FailedBefore,
    Fault::FailedAfter,
];

/// An answer that a key can repeat.
#[derive(Clone, Debug)]
enum Answer {
    Session(Session),
    Refund(Refund),
}

/// An idempotency key, and what makes two requests the same.
struct Key {
    key: String,
    parameters: String,
}

impl Stripe {
    pub(super) fn new(
        seed: u64,
        fault_percent: u8,
        clock: Clock,
        bug: Option<Bug>,
        trace: Trace,
    ) -> Self {
        let ledger = Arc::new(Mutex::new(Ledger::new(seed, fault_percent, bug)));
        Self { ledger, clock, bug, trace }
    }

    /// Returns the books, as they are now.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.grow_older(self.clock.now());
        ledger
    }

    /// Carries out a request that changes something. Its effect and the arrival
    /// of its answer are apart: others may come in between.
    async fn post(
        &self,
        what: String,
        key: Option<Key>,
        act: impl FnOnce(&mut Ledger) -> Result<Answer, StripeError>,
    ) -> Result<Answer, StripeError> {
        yield_now().await;
        let answer = self.answer(key, act);
        self.trace.note(|| match &answer {
            Ok(answer) => format!("  Stripe: {what}: {answer:?}"),
            Err(error) => format!("  Stripe: {what}: {error:?}"),
        });
        yield_now().await;
        answer
    }

    fn answer(
        &self,
        key: Option<Key>,
        act: impl FnOnce(&mut Ledger) -> Result<Answer, StripeError>,
    ) -> Result<Answer, StripeError> {
        let mut ledger = self.ledger();
        let fault = ledger.draw_fault();
        match fault {
            Some(Fault::Lost) => return Err(timeout()),
            Some(Fault::RateLimited) => {
                return Err(StripeError::RateLimited { details: status(429), retry_after: None });
            }
            Some(Fault::Down) => return Err(failed(false)),
            Some(Fault::Unanswered | Fault::FailedBefore | Fault::FailedAfter) | None => {}
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
            if fault == Some(Fault::FailedBefore) { None } else { Some(act(&mut ledger)?) };
        let kept = answer.clone().filter(|_| fault != Some(Fault::FailedAfter));
        if let Some(Key { key, parameters }) = key {
            ledger.remember(key, parameters, kept.clone());
        }
        match fault {
            Some(Fault::Unanswered) => Err(timeout()),
            _ => kept.ok_or_else(|| failed(false)),
        }
    }

    /// Carries out a request that only reads.
    async fn get<T>(
        &self,
        read: impl FnOnce(&Ledger) -> Result<T, StripeError>,
    ) -> Result<T, StripeError> {
        yield_now().await;
        let answer = {
            let mut ledger = self.ledger();
            match ledger.draw_fault() {
                Some(_) => Err(timeout()),
                None => read(&ledger),
            }
        };
        yield_now().await;
        answer
    }
}

impl Payments for Stripe {
    async fn open(&self, request: &SessionRequest) -> Result<Session, StripeError> {
        let key = Key { key: request.key().to_owned(), parameters: request.form().to_owned() };
        let answer = self.post(request.key().to_owned(), Some(key), |ledger| {
            ledger.open(request.form()).map(Answer::Session)
        });
        session(answer.await?)
    }

    async fn session(&self, id: &str) -> Result<Session, StripeError> {
        self.get(|ledger| ledger.told(id)).await
    }

    async fn expire(&self, id: &str) -> Result<Session, StripeError> {
        if self.bug == Some(Bug::EarlyRelease) {
            let told = self.get(|ledger| ledger.told(id)).await?;
            return Ok(match told.status {
                SessionStatus::Open => Session { status: SessionStatus::Expired, ..told },
                SessionStatus::Complete | SessionStatus::Expired => told,
            });
        }
        let key = Key { key: format!("expire-{id}"), parameters: String::new() };
        let answer = self.post(format!("expire {id}"), Some(key), |ledger| {
            ledger.expire(id).map(Answer::Session)
        });
        session(answer.await?)
    }

    async fn refunds(&self, payment: &str) -> Result<Vec<Refund>, StripeError> {
        let refunds = self.get(|ledger| Ok(ledger.refunds_of(payment).cloned().collect())).await?;
        Ok(if self.bug == Some(Bug::CarelessRefund) { Vec::new() } else { refunds })
    }

    async fn refund(&self, request: &RefundRequest<'_>) -> Result<Refund, StripeError> {
        let amount = request.amount.amount();
        let parameters = format!("{} {amount}", request.payment);
        let key = Key { key: request.key(), parameters };
        let key = Some(key).filter(|_| self.bug != Some(Bug::CarelessRefund));
        let answer = self.post(request.key(), key, |ledger| {
            let refund = ledger.refund(request.payment, request.booking_id, amount);
            refund.map(Answer::Refund)
        });
        match answer.await? {
            Answer::Refund(refund) => Ok(refund),
            Answer::Session(_) => Err(mixed_up()),
        }
    }
}

fn session(answer: Answer) -> Result<Session, StripeError> {
    match answer {
        Answer::Session(session) => Ok(session),
        Answer::Refund(_) => Err(mixed_up()),
    }
}

/// Each key is made for one kind of request.
fn mixed_up() -> StripeError {
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
