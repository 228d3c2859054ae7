//! What banks, the owner and others do at Stripe by themselves.

use openchair::payments::webhook::SessionChange;
use openchair::payments::{Refund, RefundStatus};
use salon::booking::WarningKind;

use super::{CheckoutSession, Ledger, PaymentState, Subject, WebhookEvent};

impl Ledger {
    /// Lets a bank cancel an authorisation. Returns the payment, if there was one.
    pub(crate) fn cancel_authorisation(&mut self) -> Option<String> {
        let is_authorised = |session: &CheckoutSession| session.state == PaymentState::Authorised;
        let payment = self.sessions.iter().find(|it| is_authorised(it))?.payment.clone();
        self.end_authorisation(&payment, PaymentState::Released).ok()?;
        Some(payment)
    }

    /// Lets a bank decide on a payment or a refund. Returns a description of the
    /// decision, if one was due.
    pub(crate) fn let_bank_decide(&mut self) -> Option<String> {
        let is_pending = |session: &CheckoutSession| session.state == PaymentState::Pending;
        if let Some(index) = self.sessions.iter().position(is_pending) {
            let (state, change) = if self.decisions.one_in(3) {
                (PaymentState::Failed, SessionChange::PaymentFailed)
            } else {
                (PaymentState::Paid, SessionChange::PaymentSucceeded)
            };
            self.change(index, state, change);
            return Some(format!("session {} is now {state:?}", self.sessions[index].id));
        }
        let is_pending = |refund: &Refund| refund.status == RefundStatus::Pending;
        let index = self.refunds.iter().position(is_pending)?;
        let is_refused = self.decisions.one_in(4);
        let status = if is_refused { RefundStatus::Failed } else { RefundStatus::Succeeded };
        self.change_refund(index, status);
        Some(format!("refund {} is now {status:?}", self.refunds[index].id))
    }

    /// Lets the client's bank return a refund that had succeeded. Returns its id.
    pub(crate) fn return_refund(&mut self) -> Option<String> {
        let is_made = |refund: &Refund| refund.status == RefundStatus::Succeeded;
        let index = self.refunds.iter().position(is_made)?;
        self.change_refund(index, RefundStatus::Failed);
        Some(self.refunds[index].id.clone())
    }

    /// Returns whether the salon's code knows that the bank may take a payment back.
    pub(crate) fn is_warning_known(&self, payment: &str) -> bool {
        self.sessions.iter().any(|it| it.payment == payment && it.is_warning_known)
    }

    /// Returns whether the bank may take a payment back.
    pub(crate) fn is_contested(&self, payment: &str) -> bool {
        self.sessions.iter().any(|it| it.payment == payment && it.warning.is_some())
    }

    /// Notes that the salon's code has accepted an event.
    pub(crate) fn accepted(&mut self, event: &WebhookEvent) {
        if let Subject::Warning(_, _, payment) = &event.subject {
            let mut sessions = self.sessions.iter_mut();
            if let Some(session) = sessions.find(|session| session.payment == *payment) {
                session.is_warning_known = true;
            }
        }
    }

    /// Picks a payment that has arrived.
    fn pick_paid(&self, is: impl Fn(&CheckoutSession) -> bool) -> Option<usize> {
        let is_paid = |index: &usize| {
            let session = &self.sessions[*index];
            session.state == PaymentState::Paid && is(session)
        };
        let paid: Vec<_> = (0..self.sessions.len()).filter(is_paid).collect();
        Some(paid[self.decisions.pick(paid.len())?])
    }

    /// Lets the owner refund a payment in the Dashboard, partly or fully. Returns a
    /// description of it.
    pub(crate) fn refund_by_hand(&mut self) -> Option<String> {
        let left = |session: &CheckoutSession| session.amount - self.refunded(&session.payment);
        let index = self.pick_paid(|session| left(session) > 1 && !session.is_elsewhere)?;
        let session = &self.sessions[index];
        let (payment, booking) = (session.payment.clone(), session.booking.to_string());
        let amount = if self.decisions.one_in(3) { left(session) / 2 } else { left(session) };
        let id = format!("re_{}", self.refunds.len() + 1);
        self.refunds.push(Refund {
            id,
            status: RefundStatus::Succeeded,
            amount,
            payment: Some(payment.clone()),
            booking_id: None,
            paid_booking_id: Some(booking),
        });
        self.change_refund(self.refunds.len() - 1, RefundStatus::Succeeded);
        Some(format!("the owner refunds {amount} of {payment}"))
    }

    /// Lets a bank contest a payment. Returns a description of it.
    pub(crate) fn warn(&mut self, kind: WarningKind) -> Option<String> {
        let index = self.pick_paid(|session| session.warning.is_none() && !session.is_elsewhere)?;
        let session = &mut self.sessions[index];
        session.warning = Some(kind);
        let (booking, payment) = (session.booking.clone(), session.payment.clone());
        let subject = Subject::Warning(kind, format!("du_{index}"), payment.clone());
        self.send(booking, subject, true);
        Some(format!("{kind:?} about {payment}"))
    }

    /// Lets somebody pay in a session of their own that names a booking: its deposit, or
    /// another amount. Returns a description of it.
    pub(crate) fn pay_elsewhere(&mut self) -> Option<String> {
        let index = self.decisions.pick(self.sessions.len())?;
        let deposit = self.sessions[index].amount;
        let amount = if self.decisions.coin() { deposit } else { 50 };
        let number = self.sessions.len() + 1;
        let session = &self.sessions[index];
        if session.is_elsewhere {
            return None;
        }
        let (booking, expires_at) = (session.booking.clone(), session.expires_at);
        self.sessions.push(CheckoutSession {
            id: format!("cs_{number}"),
            booking: booking.clone(),
            payment: format!("pi_{number}"),
            amount,
            created_at: self.now,
            expires_at,
            is_manual: false,
            state: PaymentState::Paid,
            is_elsewhere: true,
            warning: None,
            is_warning_known: false,
        });
        let session = Box::new(self.described(&self.sessions[number - 1]));
        self.send(booking, Subject::Session(SessionChange::Completed, session), true);
        Some(format!("{amount} is paid in session cs_{number}, which is not the booking's"))
    }
}
