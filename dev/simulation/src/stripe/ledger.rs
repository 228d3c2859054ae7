use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use openchair::payments::webhook::SessionChange;
use openchair::payments::{Refund, RefundStatus, Session, SessionStatus, StripeError};
use salon::booking::BookingId;

use super::{Answer, Bug, FAULTS, Fault, rejected};

/// For how long an idempotency key is remembered.
const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);
/// The shortest and the longest life of a session.
const SESSION_LIFE: (SignedDuration, SignedDuration) =
    (SignedDuration::from_mins(30), SignedDuration::from_hours(24));
/// By how much a session outlives what was asked for, where a bug says so.
const TOO_LONG: SignedDuration = SignedDuration::from_mins(15);

/// The books of the model.
#[derive(Debug)]
pub(crate) struct Ledger {
    random: fastrand::Rng,
    now: Timestamp,
    fault_percent: u8,
    bug: Option<Bug>,
    sessions: Vec<CheckoutSession>,
    refunds: Vec<Refund>,
    keys: HashMap<String, Remembered>,
    /// Whether Stripe refuses the deposit of a booking, whatever the reason.
    refusals: HashMap<BookingId, bool>,
    mail: Vec<Mail>,
    sent: Vec<Mail>,
    changes: u64,
}

/// A session.
#[derive(Debug)]
pub(crate) struct CheckoutSession {
    pub(crate) id: String,
    pub(crate) booking: BookingId,
    pub(crate) payment: String,
    pub(crate) amount: i64,
    pub(crate) expires_at: Timestamp,
    pub(crate) stage: Stage,
}

/// Where a session and its money are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It can be paid.
    Open,
    /// It was not paid, and cannot be any more.
    Expired,
    /// The client is through, and the money on its way.
    Pending,
    /// The money has come.
    Paid,
    /// The money will not come.
    Failed,
}

/// What a key was used for.
#[derive(Debug)]
pub(super) struct Remembered {
    pub(super) parameters: String,
    /// The answer that is repeated; a stored failure otherwise.
    pub(super) answer: Option<Answer>,
    at: Timestamp,
}

/// An event on its way.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) number: usize,
    pub(crate) booking: BookingId,
    pub(crate) subject: Subject,
    /// Whether nothing but this event tells of it, so that the simulation does
    /// not lose it for good.
    pub(crate) is_indispensable: bool,
}

/// What an event is about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    Session(SessionChange, Box<Session>),
    Refund,
}

impl Ledger {
    pub(super) fn new(seed: u64, fault_percent: u8, bug: Option<Bug>) -> Self {
        Self {
            random: fastrand::Rng::with_seed(seed),
            now: Timestamp::MIN,
            fault_percent,
            bug,
            sessions: Vec::new(),
            refunds: Vec::new(),
            keys: HashMap::new(),
            refusals: HashMap::new(),
            mail: Vec::new(),
            sent: Vec::new(),
            changes: 0,
        }
    }

    /// Lets nothing go wrong any more.
    pub(crate) fn recover(&mut self) {
        self.fault_percent = 0;
    }

    /// Returns how often something has changed.
    pub(crate) const fn changes(&self) -> u64 {
        self.changes
    }

    pub(crate) fn sessions(&self) -> &[CheckoutSession] {
        &self.sessions
    }

    /// Iterates over the refunds of a payment.
    pub(crate) fn refunds_of(&self, payment: &str) -> impl Iterator<Item = &Refund> {
        self.refunds.iter().filter(move |refund| refund.payment.as_deref() == Some(payment))
    }

    /// Returns how much of a payment has gone back, or is about to.
    pub(crate) fn refunded(&self, payment: &str) -> i64 {
        let is_away = |refund: &&Refund| {
            !matches!(refund.status, RefundStatus::Failed | RefundStatus::Canceled)
        };
        self.refunds_of(payment).filter(is_away).map(|refund| refund.amount).sum()
    }

    /// The events that are on their way.
    pub(crate) fn mail(&mut self) -> &mut Vec<Mail> {
        &mut self.mail
    }

    /// All events that there have been.
    pub(crate) fn sent(&self) -> &[Mail] {
        &self.sent
    }

    pub(super) fn draw_fault(&mut self) -> Option<Fault> {
        let is_due = self.fault_percent > 0 && self.random.u8(0..100) < self.fault_percent;
        is_due.then(|| FAULTS[self.random.usize(0..FAULTS.len())])
    }

    pub(super) fn recall(&self, key: &str) -> Option<&Remembered> {
        self.keys.get(key).filter(|known| self.now < known.at + KEY_LIFETIME)
    }

    pub(super) fn remember(&mut self, key: String, parameters: String, answer: Option<Answer>) {
        let at = self.now;
        self.keys.insert(key, Remembered { parameters, answer, at });
    }

    /// Ends the sessions whose time is over.
    pub(super) fn grow_older(&mut self, now: Timestamp) {
        self.now = now;
        for index in 0..self.sessions.len() {
            let session = &self.sessions[index];
            if session.stage == Stage::Open && session.expires_at <= now {
                self.step(index, Stage::Expired, SessionChange::Expired);
            }
        }
    }

    /// Opens a session, as a form asks for.
    pub(super) fn open(&mut self, form: &str) -> Result<Session, StripeError> {
        let field = |name: &str| {
            let field = form
                .split('&')
                .find_map(|field| field.split_once('=').filter(|(key, _)| key.ends_with(name)));
            field.map(|(_, value)| value).ok_or_else(|| rejected(Some("parameter_missing")))
        };
        let number = |name: &str| {
            field(name)?.parse::<i64>().map_err(|_| rejected(Some("parameter_invalid_integer")))
        };
        let booking = BookingId::parse(field("client_reference_id")?)
            .ok_or_else(|| rejected(Some("parameter_invalid")))?;
        let asked = Timestamp::from_second(number("expires_at")?)
            .map_err(|_| rejected(Some("parameter_invalid")))?;
        let life = asked.duration_since(self.now);
        if life < SESSION_LIFE.0 || SESSION_LIFE.1 < life {
            return Err(rejected(Some("parameter_invalid")));
        }
        let random = &mut self.random;
        if *self.refusals.entry(booking.clone()).or_insert_with(|| random.u8(0..32) == 0) {
            return Err(rejected(None));
        }
        let expires_at = if self.bug == Some(Bug::ShortHold) { asked + TOO_LONG } else { asked };
        let number_of_session = self.sessions.len() + 1;
        self.sessions.push(CheckoutSession {
            id: format!("cs_{number_of_session}"),
            booking,
            payment: format!("pi_{number_of_session}"),
            amount: number("unit_amount]")?,
            expires_at,
            stage: Stage::Open,
        });
        self.changes += 1;
        Ok(self.tell(&self.sessions[number_of_session - 1]))
    }

    /// Ends an open session.
    pub(super) fn expire(&mut self, id: &str) -> Result<Session, StripeError> {
        let index = self.find(id)?;
        if self.sessions[index].stage != Stage::Open {
            return Err(rejected(None));
        }
        self.step(index, Stage::Expired, SessionChange::Expired);
        Ok(self.tell(&self.sessions[index]))
    }

    /// Returns a session as Stripe tells it.
    pub(super) fn told(&self, id: &str) -> Result<Session, StripeError> {
        Ok(self.tell(&self.sessions[self.find(id)?]))
    }

    /// Pays a session on its page, if it is open: at once, or by a method that
    /// takes days.
    pub(crate) fn pay(&mut self, id: &str, is_delayed: bool) -> bool {
        let Ok(index) = self.find(id) else { return false };
        if self.sessions[index].stage != Stage::Open {
            return false;
        }
        let stage = if is_delayed { Stage::Pending } else { Stage::Paid };
        self.step(index, stage, SessionChange::Completed);
        true
    }

    /// Decides one of the things that take a bank days. Tells whether there was
    /// one.
    pub(crate) fn let_bank_decide(&mut self) -> bool {
        let is_pending = |session: &CheckoutSession| session.stage == Stage::Pending;
        if let Some(index) = self.sessions.iter().position(is_pending) {
            if self.random.u8(0..3) == 0 {
                self.step(index, Stage::Failed, SessionChange::PaymentFailed);
            } else {
                self.step(index, Stage::Paid, SessionChange::PaymentSucceeded);
            }
            return true;
        }
        let pending = self.refunds.iter().position(|refund| refund.status == RefundStatus::Pending);
        let Some(index) = pending else { return false };
        let refused = self.random.u8(0..4) == 0;
        let status = if refused { RefundStatus::Failed } else { RefundStatus::Succeeded };
        self.refund_step(index, status, false);
        true
    }

    /// Lets the client's bank return a refund that was made.
    pub(crate) fn return_refund(&mut self) {
        let made = self.refunds.iter().position(|refund| refund.status == RefundStatus::Succeeded);
        if let Some(index) = made {
            self.refund_step(index, RefundStatus::Failed, true);
        }
    }

    /// Pays back a part of a payment.
    pub(super) fn refund(
        &mut self,
        payment: &str,
        booking: &str,
        amount: i64,
    ) -> Result<Refund, StripeError> {
        let paid = self.sessions.iter().find(|session| session.payment == payment);
        let paid = paid.filter(|session| session.stage == Stage::Paid);
        let paid = paid.ok_or_else(|| rejected(Some("payment_intent_unexpected_state")))?;
        let left = paid.amount - self.refunded(payment);
        if left == 0 {
            return Err(rejected(Some("charge_already_refunded")));
        }
        if amount < 1 || left < amount {
            return Err(rejected(None));
        }
        let id = format!("re_{}", self.refunds.len() + 1);
        let is_pending = self.random.u8(0..3) == 0;
        let status = if is_pending { RefundStatus::Pending } else { RefundStatus::Succeeded };
        let (payment, booking_id) = (Some(payment.to_owned()), Some(booking.to_owned()));
        self.refunds.push(Refund { id, status, amount, payment, booking_id });
        self.refund_step(self.refunds.len() - 1, status, false);
        Ok(self.refunds[self.refunds.len() - 1].clone())
    }

    fn find(&self, id: &str) -> Result<usize, StripeError> {
        let index = self.sessions.iter().position(|session| session.id == id);
        index.ok_or_else(|| rejected(Some("resource_missing")))
    }

    fn step(&mut self, index: usize, stage: Stage, change: SessionChange) {
        self.sessions[index].stage = stage;
        let session = &self.sessions[index];
        let subject = Subject::Session(change, Box::new(self.tell(session)));
        self.send(session.booking.clone(), subject, false);
    }

    fn refund_step(&mut self, index: usize, status: RefundStatus, only_told_once: bool) {
        let refund = &mut self.refunds[index];
        refund.status = status;
        let booking = refund.booking_id.as_deref().and_then(BookingId::parse);
        if let Some(booking) = booking {
            self.send(booking, Subject::Refund, only_told_once);
        }
    }

    fn send(&mut self, booking: BookingId, subject: Subject, is_indispensable: bool) {
        let mail = Mail { number: self.sent.len() + 1, booking, subject, is_indispensable };
        self.mail.push(mail.clone());
        self.sent.push(mail);
        self.changes += 1;
    }

    fn tell(&self, session: &CheckoutSession) -> Session {
        let (status, is_paid) = match session.stage {
            Stage::Open => (SessionStatus::Open, false),
            Stage::Expired => (SessionStatus::Expired, false),
            Stage::Pending | Stage::Failed => (SessionStatus::Complete, false),
            Stage::Paid => (SessionStatus::Complete, true),
        };
        let is_complete = status == SessionStatus::Complete;
        Session {
            id: session.id.clone(),
            status,
            paid: is_paid || (is_complete && self.bug == Some(Bug::UnpaidConfirmed)),
            failed: session.stage == Stage::Failed,
            payment: is_complete.then(|| session.payment.clone()),
            amount: Some(session.amount),
            booking_id: Some(session.booking.as_str().to_owned()),
            live: false,
            client_secret: None,
            url: None,
            expires_at: session.expires_at,
        }
    }
}
