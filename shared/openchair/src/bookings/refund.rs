use super::Bookings;
use super::settle::{Applied, Cause, SettleError};
use crate::busy::Origin;
use crate::payments::{Payments, Refund, RefundRequest, RefundStatus, StripeError};
use crate::store::booking_store::BookingStore;
use crate::telemetry::chain;
use salon::booking::{Booking, BookingEvent, BookingId, RefundOutcome, State};
use salon::money::Money;

/// How often a refund is taken up in one go.
const ROUNDS: u32 = 3;

/// What a payment's refunds say about the one that a booking wants.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// As much is back as should be.
    Made,
    /// It is on its way.
    Pending,
    /// Ours was refused.
    Refused,
    /// This much is missing, and was never asked for.
    Missing(i64),
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Starts the refund of a booking. If it cannot be finished now, the
    /// schedule will: the booking says that it is wanted.
    pub(super) async fn start_refund(&self, booking: Booking) -> Booking {
        match self.pursue_refund(&booking).await {
            Ok(Some(booking)) => booking,
            Ok(None) => booking,
            Err(error) => {
                tracing::warn!(booking.id = %booking.id, error.cause = chain(&error), "A refund has to be finished later");
                booking
            }
        }
    }

    /// Brings the refund of a booking up to what Stripe says, and asks for it
    /// if nobody has. Returns the booking if it changed.
    ///
    /// The payment's refunds are listed first, so that a refund that was made
    /// and forgotten, or made by hand, is found and not made again. An attempt
    /// has a key, under which Stripe refunds once.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn pursue_refund(&self, booking: &Booking) -> Result<Option<Booking>, SettleError> {
        let mut changed: Option<Booking> = None;
        for _ in 0..ROUNDS {
            let booking = changed.as_ref().unwrap_or(booking);
            let (Some(wanted), Some(payment)) = (booking.refund, booking.payment.clone()) else {
                return Ok(changed);
            };
            let refunds = self.payments.refunds(&payment).await.map_err(SettleError::Stripe)?;
            let outcome = match judge(&refunds, &booking.id, wanted.amount) {
                Verdict::Made => RefundOutcome::Made,
                Verdict::Pending => return Ok(changed),
                Verdict::Refused => RefundOutcome::Refused,
                Verdict::Missing(_) if booking.state == State::Refunded => RefundOutcome::Refused,
                Verdict::Missing(_) if booking.state != State::Refunding => return Ok(changed),
                Verdict::Missing(amount) => {
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
                        // Somebody was faster: the list will say so.
                        Err(error) if is_refunded_already(&error) => continue,
                        Err(error @ StripeError::Rejected(_)) => {
                            tracing::error!(booking.id = %booking.id, error.cause = chain(&error), "Stripe refused a refund");
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
            // Boxed: an event may start a refund, and a refund makes an event.
            let applied = Box::pin(self.apply(&booking.id, &event, Cause::Refund)).await?;
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

    /// Looks after the refund of a booking of which Stripe has an event.
    /// Returns whether there is such a booking.
    ///
    /// What the event says may be old by now, so Stripe is asked.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn on_refund(&self, id: &BookingId) -> Result<bool, SettleError> {
        let Some(booking) = self.reader.store().booking(id).await? else { return Ok(false) };
        if booking.refund.is_none() {
            tracing::warn!(
                booking.id = %id, booking.state = booking.state.as_str(),
                "Money was sent back by hand; the booking stays as it is"
            );
        }
        self.pursue_refund(&booking).await?;
        Ok(true)
    }
}

fn judge(refunds: &[Refund], booking: &BookingId, wanted: Money) -> Verdict {
    let sum = |is: fn(RefundStatus) -> bool| -> i64 {
        refunds.iter().filter(|refund| is(refund.status)).map(|refund| refund.amount).sum()
    };
    let made = sum(|status| status == RefundStatus::Succeeded);
    let pending =
        sum(|status| matches!(status, RefundStatus::Pending | RefundStatus::RequiresAction));
    if made >= wanted.amount() {
        return Verdict::Made;
    }
    if made + pending >= wanted.amount() {
        return Verdict::Pending;
    }
    let is_ours_refused = refunds.iter().any(|refund| {
        matches!(refund.status, RefundStatus::Failed | RefundStatus::Canceled)
            && refund.booking_id.as_deref() == Some(booking.as_str())
    });
    if is_ours_refused {
        // Stripe has tried, and a person has to find another way.
        return Verdict::Refused;
    }
    Verdict::Missing(wanted.amount() - made - pending)
}

fn is_refunded_already(error: &StripeError) -> bool {
    let code = error.details().and_then(|details| details.code.as_deref());
    code == Some("charge_already_refunded")
}
