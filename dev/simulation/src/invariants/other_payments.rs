//! Payments that name a booking and are not in its own session.

use salon::booking::Booking;

use super::{SETTLES, Violation, violated};
use crate::stripe_model::Ledger;
use crate::trace::short;

/// Checks what has become of payments that are not in the booking's own session: the deposit
/// is refunded, and any other amount is left alone.
pub(super) fn check_end(booking: &Booking, ledger: &Ledger) -> Result<(), Violation> {
    for session in ledger.sessions.iter().filter(|it| it.booking == booking.id && it.is_elsewhere) {
        let refunds = ledger.refunds_of(&session.payment).count();
        let refunded = ledger.refunded(&session.payment);
        let is_right = if session.amount == booking.terms.deposit.amount() {
            refunds > 0
        } else {
            let mut known = booking.incidents.second_payments.iter();
            refunds == 0 && known.all(|second| second.payment != session.payment)
        };
        if !is_right {
            let details = format!(
                "{refunded} of the {} that were paid in {} for {} is refunded",
                session.amount,
                session.id,
                short(&booking.id)
            );
            return violated("a second payment is refunded, and no other amount is", details);
        }
    }
    if booking.incidents.owes_refund() {
        let details = format!("{} owes the refund of a second payment", short(&booking.id));
        return violated(SETTLES, details);
    }
    Ok(())
}
