//! The life of a booking: state × event → state.
//!
//! Events arrive late, twice and out of order. An event that does not fit the
//! state is not an error: it changes nothing.

use jiff::{SignedDuration, Timestamp};

use super::super::money::Money;
use super::super::service::StaffId;
use super::{Booking, PaymentWarning, Refund, SecondRefund, State};

/// How long after it a delayed payment is checked at Stripe, if no event arrives.
const DELAYED_CHECK: SignedDuration = SignedDuration::from_hours(1);

/// The refund of a second payment of the deposit, before its first attempt.
const OWED: SecondRefund = SecondRefund::Owed { attempt: 1 };

/// Something that happened to a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookingEvent {
    /// The deposit is paid, by the Stripe payment with this id (`pi_…`).
    Paid(String),
    /// The client used a payment method that takes days to settle.
    PaymentPending,
    /// A delayed payment failed.
    PaymentFailed,
    /// The session can no longer be paid, or provably never existed.
    SessionExpired,
    /// The client cancelled, and the session can no longer be paid.
    Cancelled,
    /// The client stands by, and the Stripe payment with this id (`pi_…`) is authorised.
    Authorised(String),
    /// The client is the first in line, and the time is free.
    TimeFree,
    /// Somebody else has got the time.
    TimeTaken,
    /// The authorised payment can no longer be collected.
    CaptureFailed,
    /// The payment is no longer authorised.
    AuthorisationCancelled,
    Refund(RefundOutcome),
    /// The deposit was paid in another session than the booking's, by this payment (`pi_…`).
    PaidElsewhere(String),
    /// Another amount than the deposit was paid in another session, by this payment (`pi_…`).
    OtherAmountPaid(String),
    /// The outcome of the refund of a second payment (`pi_…`).
    SecondRefund(String, RefundOutcome),
    /// The payment was refunded in full in Stripe's Dashboard.
    RefundedByHand,
    /// The bank may take a payment back.
    Warned(PaymentWarning),
}

/// The outcome of a refund at Stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundOutcome {
    Made,
    /// Stripe refused it, or the bank returned the money.
    Refused,
    /// Stripe will only replay the error of this attempt: a next one must be made.
    TryAnew {
        attempt: u32,
    },
}

/// What has to be known about the salon to judge a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentContext {
    /// Whether the staff member's calendar is busy at that time.
    pub has_conflict: bool,
    /// A staff member who is free, if the booking has lost its time. It is the
    /// named one if the client named one.
    pub free: Option<StaffId>,
}

/// A change of state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    pub from: State,
    pub to: State,
}

impl Booking {
    /// Returns whether the outcome of an event depends on the [`PaymentContext`].
    #[must_use]
    pub fn needs_payment_context(&self, event: &BookingEvent) -> bool {
        match event {
            BookingEvent::Paid(_) => matches!(
                self.state,
                State::Held | State::Processing | State::Expired | State::Capturing
            ),
            BookingEvent::TimeFree => self.state == State::InLine,
            _ => false,
        }
    }

    /// Applies an event at `now`.
    ///
    /// Returns `None` if the event changes nothing. An incident of a payment may change the
    /// booking and not its state: the transition is then from that state to itself.
    pub fn apply(
        &mut self,
        event: BookingEvent,
        payment_context: &PaymentContext,
        now: Timestamp,
    ) -> Option<Transition> {
        let from = self.state;
        if let Some(is_news) = self.record_incident(&event, now) {
            return is_news.then_some(Transition { from, to: from });
        }
        let to = match (from, event) {
            (State::Held | State::Processing | State::Capturing, BookingEvent::Paid(payment)) => {
                self.payment = Some(payment);
                self.has_conflict = payment_context.has_conflict;
                State::Confirmed
            }
            (State::Held, BookingEvent::PaymentPending) => State::Processing,
            (State::Held | State::Processing, BookingEvent::PaymentFailed)
            | (State::Held | State::Standby, BookingEvent::SessionExpired) => State::Expired,
            (State::Held | State::Processing | State::Standby, BookingEvent::Cancelled) => {
                State::Cancelled
            }

            // The payment of a cancelled booking will not arrive after all.
            (State::Cancelled, BookingEvent::PaymentFailed) if self.awaits_payment() => {
                State::Cancelled
            }

            // Late: the time may have been taken since.
            (State::Expired, BookingEvent::Paid(payment)) => {
                self.payment = Some(payment);
                match &payment_context.free {
                    Some(staff) => {
                        self.staff = staff.clone();
                        State::Confirmed
                    }
                    None => self.refund(self.terms.deposit),
                }
            }
            (State::Cancelled, BookingEvent::Paid(payment)) if self.payment.is_none() => {
                self.payment = Some(payment);
                self.refund(self.terms.deposit)
            }
            (State::Standby, BookingEvent::Authorised(payment)) => {
                self.payment = Some(payment);
                self.in_line_since = Some(now);
                State::InLine
            }
            // The bank has cancelled the authorisation before we knew of it.
            (State::Standby, BookingEvent::PaymentFailed) => State::Released,
            // Late: the client has left.
            (State::Expired | State::Cancelled, BookingEvent::Authorised(payment))
                if self.is_standby && self.payment.is_none() =>
            {
                self.payment = Some(payment);
                State::Released
            }
            // A calendar event that appeared meanwhile: nothing is charged yet.
            (State::InLine, BookingEvent::TimeFree) if payment_context.has_conflict => {
                State::Released
            }
            (State::InLine, BookingEvent::TimeFree) => State::Capturing,
            (State::InLine, BookingEvent::TimeTaken | BookingEvent::Cancelled)
            | (State::Capturing, BookingEvent::CaptureFailed)
            | (State::Released, BookingEvent::AuthorisationCancelled)
                if from != State::Released || self.check_at.is_some() =>
            {
                State::Released
            }
            // Somebody has collected it in Stripe's Dashboard.
            (State::Standby | State::InLine | State::Released, BookingEvent::Paid(payment)) => {
                self.payment = Some(payment);
                self.refund(self.terms.deposit)
            }
            (State::Confirmed, BookingEvent::Cancelled) => {
                let Self { terms, appointment, .. } = &*self;
                let back = terms.cancellation.refund(terms.deposit, appointment.start(), now);
                let is_kept = back.amount() == 0 || self.is_contested();
                if is_kept { State::Cancelled } else { self.refund(back) }
            }
            // Whether the refund has arrived is seen like that of our own refunds.
            (State::Confirmed, BookingEvent::RefundedByHand) => self.refund(self.terms.deposit),

            (State::Refunding | State::RefundFailed, BookingEvent::Refund(RefundOutcome::Made)) => {
                State::Refunded
            }
            (State::Refunding | State::Refunded, BookingEvent::Refund(RefundOutcome::Refused)) => {
                State::RefundFailed
            }
            (State::Refunding, BookingEvent::Refund(RefundOutcome::TryAnew { attempt })) => {
                // Two concurrent callers must not both start a next attempt.
                let refund = self.refund.as_mut().filter(|refund| refund.attempt == attempt)?;
                refund.attempt += 1;
                State::Refunding
            }
            _ => return None,
        };
        self.state = to;
        self.changed_at = now;
        self.check_at = match to {
            State::Refunding | State::InLine | State::Capturing => Some(now),
            State::Released if from != State::Released && self.payment.is_some() => Some(now),
            State::Processing => Some(now + DELAYED_CHECK),
            State::Cancelled if from == State::Processing => Some(now + DELAYED_CHECK),
            _ => None,
        };
        Some(Transition { from, to })
    }

    /// Records an event that concerns a payment and not the state. Returns whether it is
    /// news, or nothing if the event may change the state.
    fn record_incident(&mut self, event: &BookingEvent, now: Timestamp) -> Option<bool> {
        match event {
            BookingEvent::Paid(payment)
                if self.payment.as_ref().is_some_and(|known| known != payment) =>
            {
                Some(self.incidents.add_second_payment(payment, OWED))
            }
            BookingEvent::PaidElsewhere(payment) => {
                let is_own = self.payment.as_ref() == Some(payment);
                Some(!is_own && self.incidents.add_second_payment(payment, OWED))
            }
            // Nobody knows what it is for, so a person decides.
            BookingEvent::OtherAmountPaid(payment) => {
                let is_own = self.payment.as_ref() == Some(payment);
                Some(!is_own && self.incidents.add_second_payment(payment, SecondRefund::Failed))
            }
            BookingEvent::SecondRefund(payment, outcome) => {
                Some(self.incidents.end_second_refund(payment, *outcome))
            }
            BookingEvent::Warned(warning) => Some(self.incidents.add_warning(warning)),
            BookingEvent::RefundedByHand => {
                if self.state != State::Confirmed {
                    return Some(false);
                }
                let known = self.incidents.refunded_by_hand.replace(self.terms.deposit);
                // Before the appointment, the refund cancels the booking.
                (now >= self.appointment.start()).then_some(known.is_none())
            }
            _ => None,
        }
    }

    /// Returns whether the bank may take the booking's payment back, because of a dispute or
    /// an early fraud warning.
    #[must_use]
    pub fn is_contested(&self) -> bool {
        self.payment.as_ref().is_some_and(|payment| self.incidents.is_contested(payment))
    }

    fn refund(&mut self, amount: Money) -> State {
        self.refund = Some(Refund { amount, attempt: 1 });
        State::Refunding
    }
}
