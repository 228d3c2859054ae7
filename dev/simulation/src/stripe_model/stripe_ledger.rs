mod outside_events;
mod session_form;

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use openchair::payments::webhook::SessionChange;
use openchair::payments::{
    PaymentIntent, PaymentIntentStatus, Refund, RefundStatus, Session, SessionPage, SessionQuery,
    SessionStatus, StripeError,
};
use salon::booking::{BookingId, WarningKind};

use self::session_form::SessionForm;
use super::{Bug, Decisions, rejected};
use crate::request_faults::Faults;
use crate::trace::short;

/// The shortest and the longest life of a session.
const SESSION_LIFE: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(30), SignedDuration::from_hours(24));

/// Few, so that lists have several pages.
const SESSIONS_PER_PAGE: usize = 2;

#[derive(Debug)]
pub(crate) struct Ledger {
    decisions: Decisions,
    pub(crate) faults: Faults,
    pub(super) now: Timestamp,
    bug: Option<Bug>,
    pub(crate) sessions: Vec<CheckoutSession>,
    refunds: Vec<Refund>,
    pub(super) session_answers: StoredAnswers<Session>,
    pub(super) refund_answers: StoredAnswers<Refund>,
    pub(super) payment_answers: StoredAnswers<PaymentIntent>,
    /// Whether Stripe refuses to open sessions for a booking.
    refusals: HashMap<BookingId, bool>,
    pub(crate) pending_events: Vec<WebhookEvent>,
    pub(crate) sent_events: Vec<WebhookEvent>,
    /// How many times something has changed.
    pub(crate) changes: u64,
}

#[derive(Debug)]
pub(crate) struct CheckoutSession {
    pub(crate) id: String,
    pub(crate) booking: BookingId,
    pub(crate) payment: String,
    pub(crate) amount: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// Whether the payment is only authorised, and captured by the salon.
    is_manual: bool,
    pub(crate) state: PaymentState,
    /// Whether somebody else has opened it. It names the booking all the same.
    pub(crate) is_elsewhere: bool,
    /// Why the bank may take the payment back, if it may.
    warning: Option<WarningKind>,
    /// Whether the salon's code has accepted the event about that.
    is_warning_known: bool,
}

/// The state of a session and its money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PaymentState {
    /// It can be paid.
    Open,
    /// It was not paid in time.
    Expired,
    /// The client has finished, and the bank has not decided yet.
    Pending,
    Paid,
    Failed,
    /// The card is not charged yet.
    Authorised,
    /// The authorisation was cancelled, by the salon or by the bank.
    Released,
}

/// The answers to earlier requests, by idempotency key.
pub(super) type StoredAnswers<T> = HashMap<String, StoredAnswer<T>>;

#[derive(Debug)]
pub(super) struct StoredAnswer<T> {
    pub(super) parameters: String,
    /// The answer that is repeated. `None` is a stored failure.
    pub(super) answer: Option<T>,
    pub(super) at: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct WebhookEvent {
    number: usize,
    pub(crate) booking: BookingId,
    pub(crate) subject: Subject,
    /// Whether only this event has the news, so that the simulation must not lose
    /// it for good.
    pub(crate) is_only_source: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Session(SessionChange, Box<Session>),
    Refund,
    /// The id of a dispute or a fraud warning, and of its payment.
    Warning(WarningKind, String, String),
}

impl WebhookEvent {
    /// Returns a name for a trace.
    pub(crate) fn description(&self) -> String {
        let (number, id) = (self.number, short(&self.booking));
        match &self.subject {
            Subject::Session(change, _) => format!("event {number} ({change:?}) of booking {id}"),
            Subject::Refund => format!("event {number} (refund) of booking {id}"),
            Subject::Warning(kind, ..) => format!("event {number} ({kind:?}) of booking {id}"),
        }
    }
}

impl Ledger {
    pub(super) fn new(decisions: Decisions, fault_percent: u8, bug: Option<Bug>) -> Self {
        Self {
            faults: Faults::new(decisions.clone(), fault_percent),
            decisions,
            now: Timestamp::MIN,
            bug,
            sessions: Vec::new(),
            refunds: Vec::new(),
            session_answers: HashMap::new(),
            refund_answers: HashMap::new(),
            payment_answers: HashMap::new(),
            refusals: HashMap::new(),
            pending_events: Vec::new(),
            sent_events: Vec::new(),
            changes: 0,
        }
    }

    /// Iterates over all refunds, as Stripe shows them.
    pub(super) fn refunds(&self) -> impl Iterator<Item = Refund> {
        let is_grown = self.bug == Some(Bug::PartRefundGrown);
        self.refunds.iter().cloned().map(move |refund| {
            let amount =
                if is_grown && refund.booking_id.is_none() { 10_000 } else { refund.amount };
            Refund { amount, ..refund }
        })
    }

    /// Iterates over the refunds of a payment, as Stripe shows them.
    pub(super) fn shown_refunds_of(&self, payment: &str) -> impl Iterator<Item = Refund> {
        self.refunds().filter(move |refund| refund.payment.as_deref() == Some(payment))
    }

    /// Iterates over the refunds of a payment.
    pub(crate) fn refunds_of(&self, payment: &str) -> impl Iterator<Item = &Refund> {
        self.refunds.iter().filter(move |refund| refund.payment.as_deref() == Some(payment))
    }

    /// Returns how much of a payment has been refunded, or is about to be.
    pub(crate) fn refunded(&self, payment: &str) -> i64 {
        let counts = |refund: &&Refund| {
            !matches!(refund.status, RefundStatus::Failed | RefundStatus::Canceled)
        };
        self.refunds_of(payment).filter(counts).map(|refund| refund.amount).sum()
    }

    /// Returns how much of a payment the salon's code has refunded, or is about to.
    pub(crate) fn refunded_by_us(&self, payment: &str) -> i64 {
        let counts = |refund: &&Refund| {
            refund.booking_id.is_some()
                && !matches!(refund.status, RefundStatus::Failed | RefundStatus::Canceled)
        };
        self.refunds_of(payment).filter(counts).map(|refund| refund.amount).sum()
    }

    /// Returns how much of a payment was refunded in the Dashboard, and not returned.
    pub(crate) fn refunded_by_others(&self, payment: &str) -> i64 {
        self.refunded(payment) - self.refunded_by_us(payment)
    }

    /// Sets the time, and expires the sessions whose time is over.
    pub(super) fn advance_to(&mut self, now: Timestamp) {
        self.now = now;
        for index in 0..self.sessions.len() {
            let session = &self.sessions[index];
            if session.state == PaymentState::Open && session.expires_at <= now {
                self.change(index, PaymentState::Expired, SessionChange::Expired);
            }
        }
    }

    /// Opens the session that a form describes.
    pub(super) fn open(&mut self, form: &str) -> Result<Session, StripeError> {
        let form = SessionForm::read(form).ok_or_else(|| rejected(Some("parameter_invalid")));
        let SessionForm { booking, expires_at: asked, amount, is_manual } = form?;
        let life = asked.duration_since(self.now);
        if life < SESSION_LIFE.0 || SESSION_LIFE.1 < life {
            return Err(rejected(Some("parameter_invalid")));
        }
        let decisions = &self.decisions;
        if *self.refusals.entry(booking.clone()).or_insert_with(|| decisions.one_in(32)) {
            return Err(rejected(None));
        }
        let number_of_session = self.sessions.len() + 1;
        self.sessions.push(CheckoutSession {
            id: format!("cs_{number_of_session}"),
            booking,
            payment: format!("pi_{number_of_session}"),
            amount,
            created_at: self.now,
            expires_at: asked,
            is_manual,
            state: PaymentState::Open,
            is_elsewhere: false,
            warning: None,
            is_warning_known: false,
        });
        self.changes += 1;
        Ok(self.described(&self.sessions[number_of_session - 1]))
    }

    pub(super) fn expire(&mut self, id: &str) -> Result<Session, StripeError> {
        let index = self.find_open(id)?;
        self.change(index, PaymentState::Expired, SessionChange::Expired);
        Ok(self.described(&self.sessions[index]))
    }

    /// Returns a session as Stripe's API describes it.
    pub(super) fn session(&self, id: &str) -> Result<Session, StripeError> {
        Ok(self.described(&self.sessions[self.find(id)?]))
    }

    /// Lists a page of sessions, newest first.
    pub(super) fn list(&self, query: SessionQuery<'_>) -> Result<SessionPage, StripeError> {
        let first = query.after.map(|id| self.find(id)).transpose()?.unwrap_or(self.sessions.len());
        let mut sessions: Vec<_> = self.sessions[..first]
            .iter()
            .rev()
            .filter(|session| query.created_since <= session.created_at)
            .map(|session| self.described(session))
            .filter(|session| session.status == query.status)
            .collect();
        let has_more = SESSIONS_PER_PAGE < sessions.len();
        sessions.truncate(SESSIONS_PER_PAGE);
        let last = sessions.last().filter(|_| has_more);
        Ok(SessionPage { next: last.map(|session| session.id.clone()), sessions })
    }

    /// Returns whether a session can be paid.
    pub(crate) fn is_open(&self, id: Option<&str>) -> bool {
        id.is_some_and(|id| self.find_open(id).is_ok())
    }

    /// Pays a session if it is open: at once, or by a method that takes days.
    /// Returns whether it was open.
    pub(crate) fn pay(&mut self, id: &str, is_delayed: bool) -> bool {
        let Ok(index) = self.find_open(id) else { return false };
        let state = match (self.sessions[index].is_manual, is_delayed) {
            (true, _) => PaymentState::Authorised,
            (false, true) => PaymentState::Pending,
            (false, false) => PaymentState::Paid,
        };
        self.change(index, state, SessionChange::Completed);
        true
    }

    /// Returns a payment as Stripe's API describes it.
    pub(super) fn payment(&self, id: &str) -> Result<PaymentIntent, StripeError> {
        let session = &self.sessions[self.find_payment(id)?];
        let status = match session.state {
            PaymentState::Authorised => PaymentIntentStatus::RequiresCapture,
            PaymentState::Paid => PaymentIntentStatus::Succeeded,
            PaymentState::Released => PaymentIntentStatus::Canceled,
            _ => PaymentIntentStatus::Pending,
        };
        Ok(PaymentIntent { status, booking_id: Some(session.booking.to_string()) })
    }

    /// Captures an authorised payment, or cancels it.
    pub(super) fn end_authorisation(
        &mut self,
        id: &str,
        state: PaymentState,
    ) -> Result<PaymentIntent, StripeError> {
        let index = self.find_payment(id)?;
        if self.sessions[index].state != PaymentState::Authorised {
            return Err(rejected(Some("payment_intent_unexpected_state")));
        }
        let status = match state {
            PaymentState::Paid => PaymentIntentStatus::Succeeded,
            _ => PaymentIntentStatus::Canceled,
        };
        let is_effective = match status {
            PaymentIntentStatus::Succeeded => self.bug != Some(Bug::CaptureLost),
            _ => self.bug != Some(Bug::AuthorisationKept),
        };
        if is_effective {
            self.sessions[index].state = state;
            self.changes += 1;
        }
        let booking_id = Some(self.sessions[index].booking.to_string());
        Ok(PaymentIntent { status, booking_id })
    }

    /// Returns whether a payment is authorised, and not captured or cancelled.
    pub(crate) fn is_authorised(&self, payment: &str) -> bool {
        let mut sessions = self.sessions.iter().filter(|it| it.payment == payment);
        sessions.any(|it| it.state == PaymentState::Authorised)
    }

    fn find_payment(&self, id: &str) -> Result<usize, StripeError> {
        let index = self.sessions.iter().position(|session| session.payment == id);
        index.ok_or_else(|| rejected(Some("resource_missing")))
    }

    /// Refunds a part of a payment.
    pub(super) fn refund(
        &mut self,
        payment: &str,
        booking: &str,
        amount: i64,
    ) -> Result<Refund, StripeError> {
        let paid = self.sessions.iter().find(|session| session.payment == payment);
        let paid = paid.filter(|session| session.state == PaymentState::Paid);
        let paid = paid.ok_or_else(|| rejected(Some("payment_intent_unexpected_state")))?;
        if paid.warning == Some(WarningKind::Dispute) {
            return Err(rejected(Some("charge_disputed")));
        }
        let left = paid.amount - self.refunded(payment);
        if left == 0 {
            return Err(rejected(Some("charge_already_refunded")));
        }
        if amount < 1 || left < amount {
            return Err(rejected(None));
        }
        let id = format!("re_{}", self.refunds.len() + 1);
        let is_pending = self.decisions.one_in(3);
        let status = if is_pending { RefundStatus::Pending } else { RefundStatus::Succeeded };
        let paid_booking_id = Some(paid.booking.to_string());
        let (payment, booking_id) = (Some(payment.to_owned()), Some(booking.to_owned()));
        self.refunds.push(Refund { id, status, amount, payment, booking_id, paid_booking_id });
        self.change_refund(self.refunds.len() - 1, status);
        Ok(self.refunds[self.refunds.len() - 1].clone())
    }

    /// Returns the amount of a booking's own session.
    fn deposit_of(&self, booking: &BookingId) -> i64 {
        let mut sessions = self.sessions.iter();
        let own = sessions.find(|session| session.booking == *booking && !session.is_elsewhere);
        own.map_or(0, |session| session.amount)
    }

    fn find(&self, id: &str) -> Result<usize, StripeError> {
        let index = self.sessions.iter().position(|session| session.id == id);
        index.ok_or_else(|| rejected(Some("resource_missing")))
    }

    fn find_open(&self, id: &str) -> Result<usize, StripeError> {
        let is_open = |index: &usize| self.sessions[*index].state == PaymentState::Open;
        Some(self.find(id)?).filter(is_open).ok_or_else(|| rejected(None))
    }

    fn change(&mut self, index: usize, state: PaymentState, change: SessionChange) {
        self.sessions[index].state = state;
        let session = &self.sessions[index];
        let subject = Subject::Session(change, Box::new(self.described(session)));
        self.send(session.booking.clone(), subject, false);
    }

    fn change_refund(&mut self, index: usize, status: RefundStatus) {
        let refund = &mut self.refunds[index];
        refund.status = status;
        let booking = refund.paid_booking_id.as_deref().and_then(BookingId::parse);
        if let Some(booking) = booking {
            self.send(booking, Subject::Refund, false);
        }
    }

    fn send(&mut self, booking: BookingId, subject: Subject, is_only_source: bool) {
        let number = self.sent_events.len() + 1;
        let event = WebhookEvent { number, booking, subject, is_only_source };
        self.pending_events.push(event.clone());
        self.sent_events.push(event);
        self.changes += 1;
    }

    fn described(&self, session: &CheckoutSession) -> Session {
        let is_jumped = session.is_manual && self.bug == Some(Bug::LineJumped);
        let (status, is_paid) = match session.state {
            PaymentState::Open if is_jumped => (SessionStatus::Complete, false),
            PaymentState::Open => (SessionStatus::Open, false),
            PaymentState::Expired => (SessionStatus::Expired, false),
            PaymentState::Pending
            | PaymentState::Failed
            | PaymentState::Authorised
            | PaymentState::Released => (SessionStatus::Complete, false),
            PaymentState::Paid => (SessionStatus::Complete, true),
        };
        let is_complete = status == SessionStatus::Complete;
        Session {
            id: session.id.clone(),
            status,
            paid: is_paid || (is_complete && self.bug == Some(Bug::UnpaidConfirmed)),
            failed: matches!(session.state, PaymentState::Failed | PaymentState::Released),
            payment: is_complete.then(|| session.payment.clone()),
            amount: Some(if self.bug == Some(Bug::AmountUnchecked) && session.is_elsewhere {
                self.deposit_of(&session.booking)
            } else {
                session.amount
            }),
            currency: Some("usd".to_owned()),
            booking_id: Some(session.booking.as_str().to_owned()),
            live: false,
            client_secret: None,
            url: None,
            expires_at: session.expires_at,
        }
    }
}
