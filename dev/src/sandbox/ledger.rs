//! The state: sessions, payments, refunds.
//!
//! Every change of a session goes through one of the methods here, and so does
//! the passing of its time: this is where events arise that a merchant would be
//! told of.

use std::collections::HashMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::domain::money::Money;

use super::checkout_session::{CheckoutSession, PaymentStatus, SessionStatus};
use super::params::Metadata;
use super::refund::Refund;
use super::{ids, payment_methods};

/// What a payer has paid, or is about to.
#[derive(Clone, Debug)]
pub struct Payment {
    /// `pi_…`
    pub id: String,
    /// `ch_…`
    pub charge: String,
    /// How much.
    pub amount: Money,
    /// How much of it went back, in minor units.
    pub refunded: i64,
    /// Whether the money is there.
    pub state: PaymentState,
    /// `card`, or a bank debit.
    pub method: &'static str,
    /// When the payer committed to it.
    pub created: Timestamp,
    /// The session's `payment_intent_data[metadata]`.
    pub metadata: Metadata,
    client_secret: String,
}

/// Whether a payment's money is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentState {
    /// The bank has not decided.
    Processing,
    /// It is.
    Succeeded,
    /// The bank refused.
    Failed,
}

/// Why a session does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is no such session.
    Unknown,
    /// It is not open: this is its status.
    NotOpen(SessionStatus),
    /// It takes cards only.
    NoDebit,
    /// No debit is under way.
    NothingToSettle,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such session"),
            Self::NotOpen(status) => write!(f, "the session is {}, not open", status.word()),
            Self::NoDebit => f.write_str("the session takes cards only"),
            Self::NothingToSettle => f.write_str("no debit is under way"),
        }
    }
}

impl std::error::Error for Refused {}

/// All that the sandbox remembers of money.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    sessions: HashMap<String, CheckoutSession>,
    /// By the `pi_…` id.
    payments: HashMap<String, Payment>,
    refunds: Vec<Refund>,
}

impl Ledger {
    pub(super) fn open(&mut self, session: CheckoutSession) {
        self.sessions.insert(session.id.clone(), session);
    }

    /// Finds a session as it stands at `now`.
    pub(super) fn session(&mut self, id: &str, now: Timestamp) -> Option<&CheckoutSession> {
        self.current(id, now).ok().map(|session| &*session)
    }

    /// Finds a payment by its own id or its charge's.
    pub(super) fn payment(&self, id: &str) -> Option<&Payment> {
        let by_charge = || self.payments.values().find(|payment| payment.charge == id);
        self.payments.get(id).or_else(by_charge)
    }

    pub(super) fn payment_of(&self, session: &str) -> Option<&Payment> {
        let id = self.sessions.get(session)?.payment_intent.as_ref()?;
        self.payments.get(id)
    }

    /// Lists all refunds, newest first.
    pub(super) fn refunds(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.iter().rev()
    }

    pub(super) fn pay(&mut self, id: &str, now: Timestamp) -> Result<(), Refused> {
        let session = self.current(id, now)?;
        if session.payment_status == PaymentStatus::Paid {
            return Ok(());
        }
        let session = open(session)?;
        let payment = commit(session, payment_methods::CARD, PaymentState::Succeeded, now);
        session.payment_status = PaymentStatus::Paid;
        self.payments.insert(payment.id.clone(), payment);
        Ok(())
    }

    pub(super) fn pay_by_debit(&mut self, id: &str, now: Timestamp) -> Result<(), Refused> {
        let session = open(self.current(id, now)?)?;
        let method = payment_methods::delayed(&session.payment_method_types);
        let method = method.ok_or(Refused::NoDebit)?;
        let payment = commit(session, method, PaymentState::Processing, now);
        self.payments.insert(payment.id.clone(), payment);
        Ok(())
    }

    pub(super) fn settle(
        &mut self,
        id: &str,
        arrived: bool,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let intent = self.current(id, now)?.payment_intent.clone();
        let payment = intent.and_then(|intent| self.payments.get_mut(&intent));
        let payment = payment
            .filter(|payment| payment.state == PaymentState::Processing)
            .ok_or(Refused::NothingToSettle)?;
        if arrived {
            payment.state = PaymentState::Succeeded;
            self.current(id, now)?.payment_status = PaymentStatus::Paid;
        } else {
            payment.state = PaymentState::Failed;
        }
        Ok(())
    }

    pub(super) fn decline(&mut self, id: &str, now: Timestamp) -> Result<(), Refused> {
        open(self.current(id, now)?)?.declines += 1;
        Ok(())
    }

    pub(super) fn expire(&mut self, id: &str, now: Timestamp) -> Result<(), Refused> {
        open(self.current(id, now)?)?.status = SessionStatus::Expired;
        Ok(())
    }

    pub(super) fn refund(&mut self, refund: Refund) {
        if let Some(payment) = self.payments.get_mut(&refund.payment_intent) {
            payment.refunded += refund.amount.amount();
        }
        self.refunds.push(refund);
    }

    /// Finds a session and lets its time pass.
    fn current(&mut self, id: &str, now: Timestamp) -> Result<&mut CheckoutSession, Refused> {
        let session = self.sessions.get_mut(id).ok_or(Refused::Unknown)?;
        if session.status == SessionStatus::Open && now >= session.expires_at {
            session.status = SessionStatus::Expired;
        }
        Ok(session)
    }
}

fn open(session: &mut CheckoutSession) -> Result<&mut CheckoutSession, Refused> {
    match session.status {
        SessionStatus::Open => Ok(session),
        status @ (SessionStatus::Complete | SessionStatus::Expired) => {
            Err(Refused::NotOpen(status))
        }
    }
}

/// Completes a session with a payment in `state`.
fn commit(
    session: &mut CheckoutSession,
    method: &'static str,
    state: PaymentState,
    now: Timestamp,
) -> Payment {
    let id = ids::random("pi_", 24);
    session.status = SessionStatus::Complete;
    session.payment_intent = Some(id.clone());
    Payment {
        charge: ids::random("ch_", 24),
        amount: session.total,
        refunded: 0,
        state,
        method,
        created: now,
        metadata: session.payment_metadata.clone(),
        client_secret: ids::random(&format!("{id}_secret_"), 24),
        id,
    }
}

impl Payment {
    /// Returns the `PaymentIntent`, for `expand[]=payment_intent`.
    pub(super) fn to_json(&self) -> Value {
        let (status, received) = match self.state {
            PaymentState::Processing => ("processing", 0),
            PaymentState::Succeeded => ("succeeded", self.amount.amount()),
            PaymentState::Failed => ("requires_payment_method", 0),
        };
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount.amount(),
            "amount_capturable": 0,
            "amount_received": received,
            "canceled_at": null,
            "cancellation_reason": null,
            "capture_method": "automatic_async",
            "client_secret": self.client_secret,
            "confirmation_method": "automatic",
            "created": self.created.as_second(),
            "currency": self.amount.currency().code(),
            "customer": null,
            "description": null,
            "last_payment_error": null,
            "latest_charge": self.charge,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": null,
            "payment_method": null,
            "payment_method_types": [self.method],
            "receipt_email": null,
            "setup_future_usage": null,
            "shipping": null,
            "status": status,
        })
    }
}
