//! The state: sessions, payments, refunds and events.
//!
//! All changes, including those by timers, are methods here, and they create the events.

mod stored_ledger;

use std::collections::{BTreeMap, HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(super) use self::stored_ledger::StoredLedger;
use super::checkout_session::{CARD, CheckoutSession, PaymentStatus, SessionStatus};
use super::sandbox_dispute::DisputeReason;
use super::sandbox_event::{Cause, EventType, SandboxEvent};
use super::sandbox_options::{Debits, Refunds, SandboxOptions};
use super::sandbox_payment::{Payment, PaymentState};
use super::sandbox_refund::{Refund, RefundStatus};
use super::test_cards::Aftermath;
use super::webhooks::EventQueue;

/// How many events are kept. Bounds the memory during load tests.
const EVENTS_KEPT: usize = 10_000;
/// How long a bank takes to decide about a debit or a refund.
const BANK_TIME: SignedDuration = SignedDuration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no object with this id")]
    Unknown,
    /// The session is complete or has expired.
    #[error("the session is not open: {0:?}")]
    NotOpen(SessionStatus),
    #[error("the session accepts cards only")]
    NoDebit,
    /// The payment is not in the state that a call needs.
    #[error("the payment is {0:?}")]
    NotAuthorised(PaymentState),
    #[error("no debit is pending")]
    NothingToSettle,
    /// A payer is paying at this moment.
    #[error("a payment is in progress")]
    PaymentInProgress,
    /// The payment has not succeeded.
    #[error("the payment is {0:?}")]
    NotPaid(PaymentState),
    #[error("the payment is disputed already")]
    Disputed,
    #[error("no dispute is open")]
    NoDispute,
    #[error("the payment cannot be refunded, or not by this amount")]
    NotRefundable,
    /// The card was declined with this message for the payer.
    #[error("{0}")]
    Declined(&'static str),
}

#[derive(Clone, Debug, Deserialize, Serialize)]
enum Timer {
    /// A session that is still open expires.
    Expiry {
        session: String,
    },
    /// A bank settles or refuses a debit.
    Debit {
        session: String,
        arrived: bool,
    },
    Refund {
        refund: String,
        status: RefundStatus,
    },
    /// The payer's bank complains about a payment.
    Dispute {
        payment: String,
        reason: DisputeReason,
    },
    FraudWarning {
        payment: String,
    },
}

/// All objects of the sandbox.
#[derive(Debug)]
pub(super) struct Ledger {
    sessions: Vec<CheckoutSession>,
    /// Positions in `sessions`, by id.
    positions: HashMap<String, usize>,
    /// By the `pi_…` id.
    pub(super) payments: HashMap<String, Payment>,
    refunds: Vec<Refund>,
    events: VecDeque<SandboxEvent>,
    /// In order of time and then of insertion.
    timers: BTreeMap<(Timestamp, usize), Timer>,
    timer_count: usize,
    queue: EventQueue,
    refunds_as: Refunds,
    debits: Debits,
    now: Timestamp,
    cause: Cause,
}

impl Ledger {
    pub(super) fn new(options: &SandboxOptions, queue: EventQueue) -> Self {
        Self {
            sessions: Vec::new(),
            positions: HashMap::new(),
            payments: HashMap::new(),
            refunds: Vec::new(),
            events: VecDeque::new(),
            timers: BTreeMap::new(),
            timer_count: 0,
            queue,
            refunds_as: options.refunds,
            debits: options.debits,
            now: options.clock.now(),
            cause: Cause::default(),
        }
    }

    /// Makes all changes that are due until `now`, each at its own time. Returns whether there
    /// were any.
    pub(super) fn advance_to(&mut self, now: Timestamp) -> bool {
        let mut is_changed = false;
        self.cause = Cause::default();
        while let Some(timer) = self.timers.first_entry().filter(|timer| timer.key().0 <= now) {
            is_changed = true;
            let ((at, _), due) = timer.remove_entry();
            self.now = at;
            // A change that no longer applies is skipped.
            let _ = match due {
                // A payment in progress delays the expiry until its end.
                Timer::Expiry { session } => self.expire(&session),
                Timer::Debit { session, arrived } => self.settle(&session, arrived),
                Timer::Refund { refund, status } => self.end_refund(&refund, status),
                Timer::Dispute { payment, reason } => self.dispute(&payment, reason),
                Timer::FraudWarning { payment } => self.warn_of_fraud(&payment),
            };
        }
        self.now = now;
        is_changed
    }

    fn schedule(&mut self, at: Timestamp, due: Timer) {
        self.timer_count += 1;
        self.timers.insert((at, self.timer_count), due);
    }

    /// Sets the cause of the next events, until time advances.
    pub(super) fn set_cause(&mut self, cause: Cause) {
        self.cause = cause;
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// Returns how the refunds of a payment end.
    pub(super) fn refunds_of(&self, payment: &Payment) -> Refunds {
        payment.refunds_as(self.refunds_as)
    }

    pub(super) fn set_refunds(&mut self, refunds: Refunds) {
        self.refunds_as = refunds;
    }

    pub(super) fn open(&mut self, session: CheckoutSession) {
        self.schedule(session.expires_at, Timer::Expiry { session: session.id.clone() });
        self.positions.insert(session.id.clone(), self.sessions.len());
        self.sessions.push(session);
    }

    pub(super) fn session(&self, id: &str) -> Option<&CheckoutSession> {
        self.positions.get(id).map(|position| &self.sessions[*position])
    }

    /// Lists all sessions, newest first.
    pub(super) fn sessions(&self) -> impl Iterator<Item = &CheckoutSession> {
        self.sessions.iter().rev()
    }

    pub(super) fn payment(&self, id: &str) -> Option<&Payment> {
        self.payments.get(id)
    }

    pub(super) fn payment_of(&self, session: &str) -> Option<&Payment> {
        let id = self.session(session)?.payment_intent.as_ref()?;
        self.payments.get(id)
    }

    /// Lists all refunds, newest first.
    pub(super) fn refunds(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.iter().rev()
    }

    /// Lists the kept events, oldest first.
    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &SandboxEvent> {
        self.events.iter()
    }

    /// Begins a payment that is in progress until [`pay`](Self::pay) or
    /// [`fail_payment`](Self::fail_payment). Meanwhile the session cannot be expired.
    pub(super) fn begin_payment(&mut self, id: &str) -> Result<(), Refused> {
        open(self.session_mut(id)?)?.is_being_paid = true;
        Ok(())
    }

    /// Ends a payment in progress without success. The payer may try again, if there is time.
    pub(super) fn fail_payment(&mut self, id: &str) -> Result<(), Refused> {
        let now = self.now;
        let session = self.session_mut(id)?;
        session.is_being_paid = false;
        if session.status == SessionStatus::Open && session.expires_at <= now {
            self.expire(id)?;
        }
        Ok(())
    }

    /// Pays by card, and lets happen what the card is for.
    pub(super) fn pay(&mut self, id: &str, aftermath: Aftermath) -> Result<(), Refused> {
        let now = self.now;
        let session = self.session_mut(id)?;
        if session.payment_status == PaymentStatus::Paid {
            return Ok(());
        }
        let session = open(session)?;
        let state =
            if session.is_manual { PaymentState::Authorised } else { PaymentState::Succeeded };
        let mut payment = Payment::new(session, CARD, state, now);
        let payment_id = payment.id.clone();
        let due = match aftermath {
            Aftermath::None => None,
            Aftermath::Refunds(refunds) => {
                payment.refunds = Some(refunds);
                None
            }
            Aftermath::Dispute(reason) => Some(Timer::Dispute { payment: payment_id, reason }),
            Aftermath::FraudWarning => Some(Timer::FraudWarning { payment: payment_id }),
        };
        if !session.is_manual {
            session.payment_status = PaymentStatus::Paid;
        }
        if let Some(due) = due {
            self.schedule(now + BANK_TIME, due);
        }
        self.complete(id, payment)
    }

    /// Captures an authorised payment.
    pub(super) fn capture(&mut self, id: &str) -> Result<(), Refused> {
        self.end_authorisation(id, PaymentState::Succeeded)?;
        let of_payment =
            |session: &&mut CheckoutSession| session.payment_intent.as_deref() == Some(id);
        if let Some(session) = self.sessions.iter_mut().find(of_payment) {
            session.payment_status = PaymentStatus::Paid;
        }
        Ok(())
    }

    /// Cancels an authorised payment.
    pub(super) fn cancel_payment(&mut self, id: &str) -> Result<(), Refused> {
        self.end_authorisation(id, PaymentState::Cancelled)
    }

    fn end_authorisation(&mut self, id: &str, state: PaymentState) -> Result<(), Refused> {
        let payment = self.payments.get_mut(id).ok_or(Refused::Unknown)?;
        if payment.state != PaymentState::Authorised {
            return Err(Refused::NotAuthorised(payment.state));
        }
        payment.state = state;
        Ok(())
    }

    pub(super) fn pay_by_debit(&mut self, id: &str) -> Result<(), Refused> {
        let now = self.now;
        let session = open(self.session_mut(id)?)?;
        let method = session.debit().ok_or(Refused::NoDebit)?;
        let payment = Payment::new(session, method, PaymentState::Processing, now);
        let arrived = match self.debits {
            Debits::ByHand => None,
            Debits::Arrive => Some(true),
            Debits::Bounce => Some(false),
        };
        if let Some(arrived) = arrived {
            self.schedule(now + BANK_TIME, Timer::Debit { session: id.to_owned(), arrived });
        }
        self.complete(id, payment)
    }

    pub(super) fn settle(&mut self, id: &str, arrived: bool) -> Result<(), Refused> {
        let intent = self.session_mut(id)?.payment_intent.clone();
        let payment = intent.and_then(|intent| self.payments.get_mut(&intent));
        let payment = payment
            .filter(|payment| payment.state == PaymentState::Processing)
            .ok_or(Refused::NothingToSettle)?;
        let kind = if arrived {
            payment.state = PaymentState::Succeeded;
            self.session_mut(id)?.payment_status = PaymentStatus::Paid;
            EventType::SessionAsyncPaymentSucceeded
        } else {
            payment.state = PaymentState::Failed;
            EventType::SessionAsyncPaymentFailed
        };
        let object = self.session_mut(id)?.to_json();
        self.emit(kind, &object, None);
        Ok(())
    }

    pub(super) fn expire(&mut self, id: &str) -> Result<(), Refused> {
        let session = open(self.session_mut(id)?)?;
        if session.is_being_paid {
            return Err(Refused::PaymentInProgress);
        }
        session.status = SessionStatus::Expired;
        let object = session.to_json();
        self.emit(EventType::SessionExpired, &object, None);
        Ok(())
    }

    /// Adds a refund, which [`super::sandbox_refund::create`] has checked.
    pub(super) fn refund(&mut self, mut refund: Refund) -> Refund {
        let Some(payment) = self.payments.get_mut(&refund.payment_intent) else {
            return refund;
        };
        let before = json!({"amount_refunded": payment.refunded, "refunded": false});
        payment.refunded += refund.amount.amount();
        let charge = payment.charge_json();
        let (first, then) = match payment.refunds_as(self.refunds_as) {
            Refunds::Ok => (RefundStatus::Succeeded, None),
            Refunds::Pending => (RefundStatus::Pending, Some(RefundStatus::Succeeded)),
            Refunds::Failing => (RefundStatus::Succeeded, Some(RefundStatus::Failed)),
            // Those that were refused are not in the ledger.
            Refunds::Refused => return refund,
        };
        refund.status = first;
        if let Some(status) = then {
            let due = Timer::Refund { refund: refund.id.clone(), status };
            self.schedule(self.now + BANK_TIME, due);
        }
        self.refunds.push(refund.clone());
        self.emit(EventType::RefundCreated, &refund.to_json(), None);
        self.emit(EventType::ChargeRefunded, &charge, Some(before));
        refund
    }

    /// Ends a refund. The amount of a failed refund can be refunded again.
    fn end_refund(&mut self, id: &str, status: RefundStatus) -> Result<(), Refused> {
        let refund = self.refunds.iter_mut().find(|refund| refund.id == id);
        let refund = refund.ok_or(Refused::Unknown)?;
        let before = json!({"status": refund.status});
        refund.status = status;
        let object = refund.to_json();
        let (payment, amount) = (refund.payment_intent.clone(), refund.amount.amount());
        self.emit(EventType::RefundUpdated, &object, Some(before));
        if status == RefundStatus::Failed {
            if let Some(payment) = self.payments.get_mut(&payment) {
                payment.refunded -= amount;
            }
            self.emit(EventType::RefundFailed, &object, None);
        }
        Ok(())
    }

    /// Completes a session with its payment.
    fn complete(&mut self, id: &str, payment: Payment) -> Result<(), Refused> {
        let session = self.session_mut(id)?;
        session.status = SessionStatus::Complete;
        session.is_being_paid = false;
        session.payment_intent = Some(payment.id.clone());
        let object = session.to_json();
        self.payments.insert(payment.id.clone(), payment);
        self.emit(EventType::SessionCompleted, &object, None);
        Ok(())
    }

    pub(super) fn emit(&mut self, kind: EventType, object: &Value, before: Option<Value>) {
        let event = SandboxEvent::new(kind, self.now, &self.cause, object, before);
        if self.events.len() == EVENTS_KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event.clone());
        self.queue.put(event);
    }

    fn session_mut(&mut self, id: &str) -> Result<&mut CheckoutSession, Refused> {
        let position = self.positions.get(id).ok_or(Refused::Unknown)?;
        Ok(&mut self.sessions[*position])
    }
}

fn open(session: &mut CheckoutSession) -> Result<&mut CheckoutSession, Refused> {
    match session.status {
        SessionStatus::Open => Ok(session),
        status => Err(Refused::NotOpen(status)),
    }
}
