//! The daily comparison of the bookings with Stripe's refunds.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::Bookings;
use super::refunding::{Progress, is_refunded, progress_of};
use super::settle::SettleError;
use crate::busy::Origin;
use crate::payments::{Payments, Refund};
use crate::store::booking_store::BookingStore;
use crate::telemetry::chain;
use crate::telemetry::metrics::{Metric, count};
use salon::booking::{Booking, BookingId, SecondRefund, State};

/// The age up to which refunds are compared. A bank may return
/// a refund within 30 days
/// (<https://docs.stripe.com/refunds#failed-refunds>).
const CHECKED_REFUNDS: SignedDuration = SignedDuration::from_hours(30 * 24);

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Compares the bookings with the refunds of the last 30 days. A refund may have been
    /// made in Stripe's Dashboard, or the bank may have returned it, and the event may be
    /// lost. No booking is begun after `deadline`. Returns the number of bookings that have
    /// changed.
    ///
    /// # Errors
    /// When the refunds cannot be listed. A booking that cannot be settled is logged, and
    /// the next call repeats it.
    pub async fn check_refunds(&self, deadline: Instant) -> Result<usize, SettleError> {
        let since = self.now().saturating_sub(CHECKED_REFUNDS).unwrap_or(Timestamp::MIN);
        let listed = self.payments.refunds_since(since).await;
        // A day passes until the next comparison, so this is no failure to wait out.
        let listed = listed.inspect_err(|_| count(Metric::ReconcileCutShort));
        let listed = listed.map_err(SettleError::Stripe)?;
        let mut by_booking: BTreeMap<BookingId, Vec<Refund>> = BTreeMap::new();
        for refund in listed {
            let id = refund.paid_booking_id.as_deref().or(refund.booking_id.as_deref());
            if let Some(id) = id.and_then(BookingId::parse) {
                by_booking.entry(id).or_default().push(refund);
            }
        }
        let mut changed = 0;
        for (id, refunds) in by_booking {
            if Instant::now() >= deadline {
                count(Metric::ReconcileCutShort);
                tracing::warn!("Comparison of refunds was cut short, the next one begins anew");
                break;
            }
            match self.check_refunds_of(&id, &refunds).await {
                Ok(has_changed) => changed += usize::from(has_changed),
                Err(error) => {
                    count(Metric::ReconcileFailed);
                    tracing::warn!(
                        booking.id = %id, error.cause = chain(&error),
                        "Refunds of a booking could not be checked"
                    );
                }
            }
        }
        Ok(changed)
    }

    /// Brings a booking up to date if it does not agree with its refunds.
    async fn check_refunds_of(
        &self,
        id: &BookingId,
        refunds: &[Refund],
    ) -> Result<bool, SettleError> {
        let store = self.reader.store();
        let Some(booking) = store.booking(id).await? else { return Ok(false) };
        if agrees(&booking, refunds) {
            return Ok(false);
        }
        self.handle_refund_event(id).await?;
        let after = store.booking(id).await?;
        Ok(after.is_some_and(|after| after.version != booking.version))
    }
}

/// Returns whether a booking says of its refunds what Stripe says.
fn agrees(booking: &Booking, refunds: &[Refund]) -> bool {
    let of = |payment: &str| -> Vec<Refund> {
        let is_of = |refund: &&Refund| refund.payment.as_deref() == Some(payment);
        refunds.iter().filter(is_of).cloned().collect()
    };
    let is_made =
        |payment: &str, amount| progress_of(&of(payment), &booking.id, amount) == Progress::Made;
    let seconds = booking.incidents.second_payments.iter().all(|second| match second.refund {
        SecondRefund::Owed { .. } => false,
        SecondRefund::Made => is_made(&second.payment, booking.terms.deposit),
        SecondRefund::Failed => !is_made(&second.payment, booking.terms.deposit),
    });
    let Some(payment) = &booking.payment else { return seconds };
    seconds
        && match (booking.state, booking.refund) {
            (State::Refunding, _) => false,
            (State::Refunded, Some(refund)) => is_made(payment, refund.amount),
            (State::RefundFailed, Some(refund)) => !is_made(payment, refund.amount),
            (State::Confirmed, _) => {
                booking.incidents.refunded_by_hand.is_some() || !is_refunded(&of(payment), booking)
            }
            _ => true,
        }
}

#[cfg(test)]
mod tests {
    use salon::booking::SecondPayment;

    use super::*;
    use crate::payments::RefundStatus;

    #[test]
    fn a_second_payment_agrees_with_stripe_about_its_refund() {
        let cases = [
            (SecondRefund::Owed { attempt: 1 }, false, false),
            (SecondRefund::Owed { attempt: 1 }, true, false),
            (SecondRefund::Made, true, true),
            (SecondRefund::Made, false, false),
            (SecondRefund::Failed, false, true),
            (SecondRefund::Failed, true, false),
        ];
        for (refund, is_made, expected) in cases {
            let payment = Some("pi_1".to_owned());
            let mut booking =
                Booking { state: State::Confirmed, payment, refund: None, ..testing::booking() };
            let payment = "pi_2".to_owned();
            booking.incidents.second_payments = vec![SecondPayment { payment, refund }];
            let made = Refund {
                id: "re_1".to_owned(),
                status: RefundStatus::Succeeded,
                amount: booking.terms.deposit.amount(),
                payment: Some("pi_2".to_owned()),
                booking_id: None,
                paid_booking_id: None,
            };
            let refunds: Vec<Refund> = is_made.then_some(made).into_iter().collect();
            assert_eq!(agrees(&booking, &refunds), expected, "{refund:?}, made: {is_made}");
        }
    }
}
