//! The life of a booking: state × event → state.
//!
//! Events come late, twice and out of order, so an event that does not fit is
//! no error: it changes nothing.

use jiff::{SignedDuration, Timestamp};

use super::super::money::Money;
use super::super::service::StaffId;
use super::{Booking, Refund, State};

/// After how long a delayed payment is asked about, if no event tells of it.
const DELAYED_CHECK: SignedDuration = SignedDuration::from_hours(1);

/// Something that happened to a booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BookingEvent {
    /// The deposit is paid, by this payment of Stripe's (`pi_…`).
    Paid(String),
    /// The client has done their part, and the money comes in days or not.
    PaymentPending,
    /// Such a payment did not come.
    PaymentFailed,
    /// The session can be paid no more, or there is proof that it never was.
    SessionExpired,
    /// The client does not want it any more, and no session can be paid.
    Cancelled,
    /// Stripe has said something about the refund.
    Refund(RefundOutcome),
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

/// What the salon looks like at the time of the booking, for a payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaymentContext {
    /// Whether the staff member's calendar has something else then.
    pub has_conflict: bool,
    /// Who could do it, if the booking has lost its time. A client who named
    /// somebody gets nobody else.
    pub free: Option<StaffId>,
}

/// A step in a booking's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state before.
    pub from: State,
    /// The state after.
    pub to: State,
}

impl Booking {
    /// Tells whether an event can only be judged by the [`PaymentContext`].
    #[must_use]
    pub fn needs_payment_context(&self, event: &BookingEvent) -> bool {
        let may_confirm = matches!(self.state, State::Held | State::Processing | State::Expired);
        may_confirm && matches!(event, BookingEvent::Paid(_))
    }

    /// Makes of the booking what an event at `now` makes of it.
    ///
    /// Returns `None`, and changes nothing, if the event changes nothing.
    pub fn apply(
        &mut self,
        event: BookingEvent,
        payment_context: &PaymentContext,
        now: Timestamp,
    ) -> Option<Transition> {
        let from = self.state;
        let to = match (from, event) {
            (State::Held | State::Processing, BookingEvent::Paid(payment)) => {
                self.payment = Some(payment);
                self.has_conflict = payment_context.has_conflict;
                State::Confirmed
            }
            (State::Held, BookingEvent::PaymentPending) => State::Processing,
            (State::Held | State::Processing, BookingEvent::PaymentFailed)
            | (State::Held, BookingEvent::SessionExpired) => State::Expired,
            (State::Held | State::Processing, BookingEvent::Cancelled) => State::Cancelled,

            // The money of a booking that was cancelled will not come after all.
            (State::Cancelled, BookingEvent::PaymentFailed) if self.awaits_payment() => {
                State::Cancelled
            }

            // Late: the time may be somebody else's by now.
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
            (State::Confirmed, BookingEvent::Cancelled) => {
                let Self { terms, appointment, .. } = &*self;
                let back = terms.cancellation.refund(terms.deposit, appointment.start(), now);
                if back.amount() > 0 { self.refund(back) } else { State::Cancelled }
            }

            (State::Refunding | State::RefundFailed, BookingEvent::Refund(RefundOutcome::Made)) => {
                State::Refunded
            }
            (State::Refunding | State::Refunded, BookingEvent::Refund(RefundOutcome::Refused)) => {
                State::RefundFailed
            }
            (State::Refunding, BookingEvent::Refund(RefundOutcome::TryAnew { attempt })) => {
                // Only once: two that found it out must not make an attempt each.
                let refund = self.refund.as_mut().filter(|refund| refund.attempt == attempt)?;
                refund.attempt += 1;
                State::Refunding
            }
            _ => return None,
        };
        self.state = to;
        self.changed_at = now;
        self.check_at = match to {
            State::Refunding => Some(now),
            State::Processing => Some(now + DELAYED_CHECK),
            State::Cancelled if from == State::Processing => Some(now + DELAYED_CHECK),
            _ => None,
        };
        Some(Transition { from, to })
    }

    fn refund(&mut self, amount: Money) -> State {
        self.refund = Some(Refund { amount, attempt: 1 });
        State::Refunding
    }
}
