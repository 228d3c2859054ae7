//! Payments that name a booking and are not in its own session.

use salon::booking::{Booking, SecondRefund};

use super::{SETTLES, Violation, violated};
use crate::stripe_model::{CheckoutSession, Ledger};
use crate::trace::short;

const REFUNDED: &str = "a second payment is refunded, and no other amount is";

/// Checks that the refund of another amount than the deposit is never owed.
pub(super) fn check(session: &CheckoutSession, booking: &Booking) -> Result<(), Violation> {
    let mut seconds = booking.incidents.second_payments.iter();
    let is_owed = seconds.any(|second| {
        second.payment == session.payment && matches!(second.refund, SecondRefund::Owed { .. })
    });
    if is_owed && session.amount != booking.terms.deposit.amount() {
        let details = format!("{} of {} is refunded", session.amount, short(&booking.id));
        return violated(REFUNDED, details);
    }
    Ok(())
}

/// Checks what has become of payments that are not in the booking's own session: the deposit
/// is refunded, and any other amount is left to a person.
pub(super) fn check_end(booking: &Booking, ledger: &Ledger) -> Result<(), Violation> {
    for session in ledger.sessions.iter().filter(|it| it.booking == booking.id && it.is_elsewhere) {
        let refunds = ledger.refunds_of(&session.payment).count();
        let refunded = ledger.refunded(&session.payment);
        let is_right = if session.amount == booking.terms.deposit.amount() {
            refunds > 0
        } else {
            let mut known = booking.incidents.second_payments.iter();
            let is_left = known.any(|second| {
                second.payment == session.payment && second.refund == SecondRefund::Failed
            });
            refunds == 0 && is_left
        };
        if !is_right {
            let details = format!(
                "{refunded} of the {} that were paid in {} for {} is refunded",
                session.amount,
                session.id,
                short(&booking.id)
            );
            return violated(REFUNDED, details);
        }
    }
    if booking.incidents.owes_refund() {
        let details = format!("{} owes the refund of a second payment", short(&booking.id));
        return violated(SETTLES, details);
    }
    Ok(())
}
