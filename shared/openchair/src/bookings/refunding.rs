//! Sending money back, once.

use super::Bookings;
use super::settle::SettleError;
use super::transition::{Applied, Trigger};
use crate::busy::Origin;
use crate::payments::{Payments, Refund, RefundRequest, RefundStatus, StripeError};
use crate::store::booking_store::BookingStore;
use crate::telemetry::chain;
use salon::booking::{Booking, BookingEvent, BookingId, RefundOutcome, State};
use salon::money::Money;

/// How many times one call compares the refund with Stripe's list. Each round may
/// have to request the refund under a new key.
const MAX_ROUNDS: u32 = 3;

/// How far the refund that a booking needs has come.
#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// The whole amount has been sent back.
    Made,
    /// Some of it is pending at Stripe.
    Pending,
    /// Stripe has failed to make our refund.
    Refused,
    /// This amount, in minor units, has not been requested yet.
    Missing(i64),
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Starts the refund of a booking. If that fails, the next reconcile run
    /// retries it, because the booking records that a refund is due.
    pub(super) async fn start_refund(&self, booking: Booking) -> Booking {
        match self.advance_refund(&booking).await {
            Ok(Some(booking)) => booking,
            Ok(None) => booking,
            Err(error) => {
                tracing::warn!(
                    booking.id = %booking.id, error.cause = chain(&error),
                    "Refund could not be made now, the schedule will retry it"
                );
                booking
            }
        }
    }

    /// Requests the refund of a booking unless it has been requested, and stores
    /// what Stripe says about it. Returns the booking if it changed.
    ///
    /// The payment's refunds are listed first. So a refund whose answer was lost,
    /// or one that was made by hand, is found and not made again. Each attempt has
    /// an idempotency key, under which Stripe refunds once.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn advance_refund(&self, booking: &Booking) -> Result<Option<Booking>, SettleError> {
        let mut changed: Option<Booking> = None;
        for _ in 0..MAX_ROUNDS {
            let booking = changed.as_ref().unwrap_or(booking);
            let (Some(wanted), Some(payment)) = (booking.refund, booking.payment.clone()) else {
                return Ok(changed);
            };
            let refunds = self.payments.refunds(&payment).await.map_err(SettleError::Stripe)?;
            let outcome = match progress_of(&refunds, &booking.id, wanted.amount) {
                Progress::Made => RefundOutcome::Made,
                Progress::Pending => return Ok(changed),
                Progress::Refused => RefundOutcome::Refused,
                Progress::Missing(_) if booking.state == State::Refunded => RefundOutcome::Refused,
                Progress::Missing(_) if booking.state != State::Refunding => return Ok(changed),
                Progress::Missing(amount) => {
                    let request = RefundRequest {
                        booking_id: booking.id.as_str(),
                        attempt: wanted.attempt,
                        payment: &payment,
                        amount: Money::new(amount, wanted.amount.currency()),
                    };
                    match self.payments.refund(&request).await {
                        Ok(refund) => match refund.status {
                            RefundStatus::Succeeded => RefundOutcome::Made,
                            RefundStatus::Pending | RefundStatus::RequiresAction => {
                                return Ok(changed);
                            }
                            RefundStatus::Failed | RefundStatus::Canceled => RefundOutcome::Refused,
                        },
                        // Another request was faster. The list will show its refund.
                        Err(error) if is_already_refunded(&error) => continue,
                        Err(error @ StripeError::Rejected(_)) => {
                            tracing::error!(
                                booking.id = %booking.id, error.cause = chain(&error),
                                "Stripe rejected the refund"
                            );
                            RefundOutcome::Refused
                        }
                        Err(
                            StripeError::Unavailable { replayed: true, .. }
                            | StripeError::KeyReused(_),
                        ) => RefundOutcome::TryAnew { attempt: wanted.attempt },
                        Err(error) => return Err(SettleError::Stripe(error)),
                    }
                }
            };
            let is_over = !matches!(outcome, RefundOutcome::TryAnew { .. });
            let event = BookingEvent::Refund(outcome);
            // Boxed because of the recursion: the event may start another refund.
            let applied = Box::pin(self.apply(&booking.id, &event, Trigger::Refund)).await?;
            let Applied { booking, transition } = applied;
            if transition.is_some() || !is_over {
                changed = Some(booking);
            }
            if is_over {
                break;
            }
        }
        Ok(changed)
    }

    /// Handles a Stripe event about a refund of a booking's payment. Returns
    /// whether the booking exists.
    ///
    /// The event may be old, so Stripe is asked for the current refunds.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn handle_refund_event(&self, id: &BookingId) -> Result<bool, SettleError> {
        let Some(booking) = self.reader.store().booking(id).await? else { return Ok(false) };
        if booking.refund.is_none() {
            tracing::warn!(
                booking.id = %id, booking.state = booking.state.as_str(),
                "Refund was made by hand, the booking stays as it is"
            );
        }
        self.advance_refund(&booking).await?;
        Ok(true)
    }
}

/// Sums up a payment's refunds.
fn progress_of(refunds: &[Refund], booking: &BookingId, wanted: Money) -> Progress {
    let sum = |is: fn(RefundStatus) -> bool| -> i64 {
        refunds.iter().filter(|refund| is(refund.status)).map(|refund| refund.amount).sum()
    };
    let made = sum(|status| status == RefundStatus::Succeeded);
    let pending =
        sum(|status| matches!(status, RefundStatus::Pending | RefundStatus::RequiresAction));
    if made >= wanted.amount() {
        return Progress::Made;
    }
    if made + pending >= wanted.amount() {
        return Progress::Pending;
    }
    let is_ours_refused = refunds.iter().any(|refund| {
        matches!(refund.status, RefundStatus::Failed | RefundStatus::Canceled)
            && refund.booking_id.as_deref() == Some(booking.as_str())
    });
    if is_ours_refused {
        // Stripe has tried and failed. A person has to find another way.
        return Progress::Refused;
    }
    Progress::Missing(wanted.amount() - made - pending)
}

fn is_already_refunded(error: &StripeError) -> bool {
    let code = error.details().and_then(|details| details.code.as_deref());
    code == Some("charge_already_refunded")
}
