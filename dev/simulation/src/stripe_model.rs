//! A model of Stripe, in memory and in simulated time.
//!
//! It does what Stripe documents: sessions live for at least 30 minutes and then
//! expire, an idempotency key repeats its first answer for 24 hours, even a stored
//! 500, and no more is refunded than was paid. Requests fail before and after their
//! effect.

mod stripe_ledger;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use openchair::payments::{
    PaymentIntent, Payments, Refund, RefundRequest, Session, SessionPage, SessionQuery,
    SessionRequest, SessionStatus, StripeError, StripeErrorDetails,
};
use tokio::task::yield_now;

pub(super) use self::stripe_ledger::{
    CheckoutSession, Ledger, PaymentState, Subject, WebhookEvent,
};
use self::stripe_ledger::{StoredAnswer, StoredAnswers};
use super::decisions::Decisions;
use super::lock;
use super::planted_bug::Bug;
use super::request_faults::Fault;
use super::system::Shared;

const FAULTS: [Fault; 6] = [
    Fault::RequestLost,
    Fault::AnswerLost,
    Fault::RateLimited,
    Fault::Unavailable,
    Fault::FailedBefore,
    Fault::FailedAfter,
];

/// The model. Its clones are one account.
#[derive(Clone, Debug)]
pub(super) struct Stripe {
    ledger: Arc<Mutex<Ledger>>,
    shared: Shared,
}

/// For how long an idempotency key is remembered.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

impl Stripe {
    pub(super) fn new(decisions: Decisions, fault_percent: u8, shared: Shared) -> Self {
        let ledger = Ledger::new(decisions, fault_percent, shared.bug);
        Self { ledger: Arc::new(Mutex::new(ledger)), shared }
    }

    /// Returns the ledger as it is now.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        let mut ledger = lock(&self.ledger);
        ledger.advance_to(self.shared.clock.now());
        ledger
    }

    /// Makes a request. Others may make requests before its effect and before its answer
    /// arrives.
    async fn request<T>(
        &self,
        description: impl FnOnce() -> String,
        answer: impl FnOnce(&mut Ledger, Option<Fault>) -> Result<T, StripeError>,
    ) -> Result<T, StripeError> {
        yield_now().await;
        let (fault, answer) = {
            let mut ledger = self.ledger();
            let fault = ledger.faults.next(&FAULTS);
            (fault, answer(&mut ledger, fault))
        };
        self.shared.trace.call(|| {
            let fault = fault.map_or_else(String::new, |fault| format!(" [{fault:?}]"));
            let error =
                answer.as_ref().err().map_or_else(String::new, |error| format!(": {error}"));
            format!("Stripe {}{error}{fault}", description())
        });
        yield_now().await;
        answer
    }

    async fn read<T>(
        &self,
        description: impl FnOnce() -> String,
        read: impl FnOnce(&Ledger) -> Result<T, StripeError>,
    ) -> Result<T, StripeError> {
        let answer = |ledger: &mut Ledger, fault: Option<Fault>| match fault {
            Some(_) => Err(timeout()),
            None => read(ledger),
        };
        self.request(description, answer).await
    }
}

/// Answers a request that changes something, or repeats the answer under its key. A
/// repeat must have the same parameters.
fn answer<T: Clone>(
    ledger: &mut Ledger,
    fault: Option<Fault>,
    key: Option<(String, String)>,
    answers: fn(&mut Ledger) -> &mut StoredAnswers<T>,
    effect: impl FnOnce(&mut Ledger) -> Result<T, StripeError>,
) -> Result<T, StripeError> {
    match fault {
        Some(Fault::RequestLost) => return Err(timeout()),
        Some(Fault::RateLimited) => {
            return Err(StripeError::RateLimited { details: status(429), retry_after: None });
        }
        Some(Fault::Unavailable) => return Err(failed(false)),
        _ => {}
    }
    let now = ledger.now;
    if let Some((key, parameters)) = &key
        && let Some(known) = answers(ledger).get(key).filter(|known| now < known.at + KEY_LIFETIME)
    {
        if known.parameters != *parameters {
            return Err(StripeError::KeyReused(status(400)));
        }
        return known.answer.clone().ok_or_else(|| failed(true));
    }
    let answer = if fault == Some(Fault::FailedBefore) { None } else { Some(effect(ledger)?) };
    let kept = answer.filter(|_| fault != Some(Fault::FailedAfter));
    if let Some((key, parameters)) = key {
        answers(ledger).insert(key, StoredAnswer { parameters, answer: kept.clone(), at: now });
    }
    match fault {
        Some(Fault::AnswerLost) => Err(timeout()),
        _ => kept.ok_or_else(|| failed(false)),
    }
}

impl Payments for Stripe {
    async fn open(&self, request: &SessionRequest) -> Result<Session, StripeError> {
        let form = request.form();
        let key = Some((request.key().to_owned(), form.to_owned()));
        let answer = |ledger: &mut Ledger, fault: Option<Fault>| {
            answer(ledger, fault, key, |it| &mut it.session_answers, |ledger| ledger.open(form))
        };
        self.request(|| "opens a session".to_owned(), answer).await
    }

    async fn session(&self, id: &str) -> Result<Session, StripeError> {
        self.read(|| format!("reads {id}"), |ledger| ledger.session(id)).await
    }

    async fn sessions(&self, query: SessionQuery<'_>) -> Result<SessionPage, StripeError> {
        let description = || format!("lists sessions that are {:?}", query.status);
        let is_unlisted = self.shared.bug == Some(Bug::SessionsUnlisted);
        let list = |ledger: &Ledger| {
            if is_unlisted {
                Ok(SessionPage { sessions: Vec::new(), next: None })
            } else {
                ledger.list(query)
            }
        };
        self.read(description, list).await
    }

    async fn expire(&self, id: &str) -> Result<Session, StripeError> {
        if self.shared.bug == Some(Bug::EarlyRelease) {
            let mut session = self.session(id).await?;
            if session.status == SessionStatus::Open {
                session.status = SessionStatus::Expired;
            }
            return Ok(session);
        }
        // Every call has a key of its own, so no stored failure is repeated.
        let answer = |ledger: &mut Ledger, fault: Option<Fault>| {
            answer(ledger, fault, None, |it| &mut it.session_answers, |ledger| ledger.expire(id))
        };
        self.request(|| format!("expires {id}"), answer).await
    }

    async fn payment(&self, id: &str) -> Result<PaymentIntent, StripeError> {
        self.read(|| format!("reads {id}"), |ledger| ledger.payment(id)).await
    }

    async fn capture(&self, id: &str) -> Result<PaymentIntent, StripeError> {
        self.end_authorisation("captures", id, PaymentState::Paid).await
    }

    async fn cancel_payment(&self, id: &str) -> Result<PaymentIntent, StripeError> {
        self.end_authorisation("cancels", id, PaymentState::Released).await
    }

    async fn refunds(&self, payment: &str) -> Result<Vec<Refund>, StripeError> {
        let is_careless = self.shared.bug == Some(Bug::CarelessRefund);
        let read = |ledger: &Ledger| {
            Ok(ledger.shown_refunds_of(payment).filter(|_| !is_careless).collect())
        };
        self.read(|| format!("reads the refunds of {payment}"), read).await
    }

    /// Lists all refunds: a schedule is shorter than any time that is asked for.
    async fn refunds_since(&self, _: Timestamp) -> Result<Vec<Refund>, StripeError> {
        let is_unlisted = self.shared.bug == Some(Bug::RefundsUnlisted);
        let read = |ledger: &Ledger| Ok(ledger.refunds().filter(|_| !is_unlisted).collect());
        self.read(|| "reads all refunds".to_owned(), read).await
    }

    async fn refund(&self, request: &RefundRequest<'_>) -> Result<Refund, StripeError> {
        let (payment, amount) = (request.payment, request.amount.amount());
        let key = (request.key.to_owned(), format!("{payment} {amount}"));
        let key = Some(key).filter(|_| self.shared.bug != Some(Bug::CarelessRefund));
        let effect = |ledger: &mut Ledger| ledger.refund(payment, request.booking_id, amount);
        let answer = |ledger: &mut Ledger, fault: Option<Fault>| {
            answer(ledger, fault, key, |it| &mut it.refund_answers, effect)
        };
        self.request(|| format!("refunds {amount} of {payment}"), answer).await
    }
}

impl Stripe {
    async fn end_authorisation(
        &self,
        verb: &str,
        id: &str,
        state: PaymentState,
    ) -> Result<PaymentIntent, StripeError> {
        let answer = |ledger: &mut Ledger, fault: Option<Fault>| {
            let effect = |ledger: &mut Ledger| ledger.end_authorisation(id, state);
            answer(ledger, fault, None, |it| &mut it.payment_answers, effect)
        };
        self.request(|| format!("{verb} {id}"), answer).await
    }
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
