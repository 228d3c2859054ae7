//! Sending money back, once.

use super::Bookings;
use super::settle::SettleError;
use super::transition::{Applied, Trigger};
use crate::busy::Origin;
use crate::payments::{Payments, Refund, RefundRequest, RefundStatus, StripeError};
use crate::store::booking_store::BookingStore;
use crate::telemetry::chain;
use crate::telemetry::metrics::{Metric, count};
use salon::booking::{Booking, BookingEvent, BookingId, RefundOutcome, SecondRefund, State};
use salon::money::Money;

/// How many times one call compares the refund with Stripe's list. Each round may
/// have to request the refund under a new key.
const MAX_ROUNDS: u32 = 3;

/// How far the refund that a booking needs has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// The whole amount has been sent back.
    Made,
    /// Some of it is pending at Stripe.
    Pending,
    /// Stripe has failed to make our refund.
    Refused,
    /// This amount, in minor units, has not been requested yet.
    Missing(i64),
}

/// A refund that has to exist at Stripe.
struct OwedRefund<'a> {
    /// The idempotency key of the attempt.
    key: String,
    /// The payment: `pi_…`.
    payment: &'a str,
    amount: Money,
    /// The attempt's number, starting at 1.
    attempt: u32,
    /// Whether it may be requested.
    may_be_made: bool,
    /// Whether Stripe has said before that it is made.
    was_made: bool,
}

/// The end of one comparison with Stripe's list.
enum Round {
    /// The refund has this outcome.
    Over(RefundOutcome),
    /// The list has to be read again.
    Repeat,
    /// Stripe has not decided, or nothing is to be done.
    Wait,
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
            let (Some(refund), Some(payment)) = (booking.refund, booking.payment.clone()) else {
                return Ok(changed);
            };
            let owed = OwedRefund {
                key: format!("refund-{}-{}", booking.id, refund.attempt),
                payment: &payment,
                amount: refund.amount,
                attempt: refund.attempt,
                may_be_made: booking.state == State::Refunding,
                was_made: booking.state == State::Refunded,
            };
            let outcome = match self.make_refund(booking, &owed).await? {
                Round::Over(outcome) => outcome,
                Round::Repeat => continue,
                Round::Wait => return Ok(changed),
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

    /// Refunds the second payments of a booking, as far as that has not been done.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub(super) async fn refund_second_payments(
        &self,
        booking: &Booking,
    ) -> Result<(), SettleError> {
        for second in &booking.incidents.second_payments {
            let mut refund = second.refund;
            for _ in 0..MAX_ROUNDS {
                let attempt = match refund {
                    SecondRefund::Owed { attempt } => attempt,
                    SecondRefund::Made | SecondRefund::Failed => 1,
                };
                let owed = OwedRefund {
                    key: format!("refund-{}-{}-{attempt}", booking.id, second.payment),
                    payment: &second.payment,
                    amount: booking.terms.deposit,
                    attempt,
                    may_be_made: matches!(refund, SecondRefund::Owed { .. }),
                    was_made: refund == SecondRefund::Made,
                };
                let outcome = match self.make_refund(booking, &owed).await? {
                    Round::Over(outcome) => outcome,
                    Round::Repeat => continue,
                    Round::Wait => break,
                };
                let event = BookingEvent::SecondRefund(second.payment.clone(), outcome);
                let applied = Box::pin(self.apply(&booking.id, &event, Trigger::Refund)).await?;
                match outcome {
                    RefundOutcome::Made => break,
                    RefundOutcome::Refused => {
                        if applied.transition.is_some() {
                            count(Metric::RefundsFailed);
                        }
                        break;
                    }
                    RefundOutcome::TryAnew { attempt } => {
                        refund = SecondRefund::Owed { attempt: attempt + 1 };
                    }
                }
            }
        }
        Ok(())
    }

    /// Compares an owed refund with Stripe's list, and requests what is missing.
    async fn make_refund(
        &self,
        booking: &Booking,
        owed: &OwedRefund<'_>,
    ) -> Result<Round, SettleError> {
        let refunds = self.payments.refunds(owed.payment).await.map_err(SettleError::Stripe)?;
        let amount = match progress_of(&refunds, &booking.id, owed.amount) {
            Progress::Made => return Ok(Round::Over(RefundOutcome::Made)),
            Progress::Pending => return Ok(Round::Wait),
            Progress::Refused => return Ok(Round::Over(RefundOutcome::Refused)),
            Progress::Missing(_) if owed.was_made => {
                return Ok(Round::Over(RefundOutcome::Refused));
            }
            Progress::Missing(_) if !owed.may_be_made => return Ok(Round::Wait),
            Progress::Missing(amount) => Money::new(amount, owed.amount.currency()),
        };
        if booking.incidents.is_contested(owed.payment) {
            tracing::error!(
                booking.id = %booking.id, stripe.payment = owed.payment,
                "Refund not made, because the bank may take the payment back"
            );
            return Ok(Round::Over(RefundOutcome::Refused));
        }
        let OwedRefund { key, payment, attempt, .. } = owed;
        let request = RefundRequest { booking_id: booking.id.as_str(), key, payment, amount };
        Ok(match self.payments.refund(&request).await {
            Ok(refund) => match refund.status {
                RefundStatus::Succeeded => Round::Over(RefundOutcome::Made),
                RefundStatus::Pending | RefundStatus::RequiresAction => Round::Wait,
                RefundStatus::Failed | RefundStatus::Canceled => {
                    Round::Over(RefundOutcome::Refused)
                }
            },
            // Another request was faster. The list will show its refund.
            Err(error) if is_already_refunded(&error) => Round::Repeat,
            Err(error @ StripeError::Rejected(_)) => {
                tracing::error!(
                    booking.id = %booking.id, error.cause = chain(&error),
                    "Stripe rejected the refund"
                );
                Round::Over(RefundOutcome::Refused)
            }
            Err(StripeError::Unavailable { replayed: true, .. } | StripeError::KeyReused(_)) => {
                Round::Over(RefundOutcome::TryAnew { attempt: *attempt })
            }
            Err(error) => return Err(SettleError::Stripe(error)),
        })
    }

    /// Handles a Stripe event about a refund of a booking's payment. Returns
    /// whether the booking exists.
    ///
    /// The event may be old, so Stripe is asked for the current refunds. A full refund that
    /// was made in Stripe's Dashboard cancels a confirmed booking.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn handle_refund_event(&self, id: &BookingId) -> Result<bool, SettleError> {
        let Some(booking) = self.reader.store().booking(id).await? else { return Ok(false) };
        self.refund_second_payments(&booking).await?;
        if booking.refund.is_some() {
            self.advance_refund(&booking).await?;
        } else if booking.state == State::Confirmed
            && let Some(payment) = &booking.payment
        {
            let refunds = self.payments.refunds(payment).await.map_err(SettleError::Stripe)?;
            if is_refunded(&refunds, &booking) {
                self.apply(id, &BookingEvent::RefundedByHand, Trigger::Dashboard).await?;
            } else {
                tracing::info!(booking.id = %id, "Part of the payment was refunded by hand");
            }
        }
        Ok(true)
    }
}

/// Returns whether the whole deposit has been refunded, or will be.
pub(super) fn is_refunded(refunds: &[Refund], booking: &Booking) -> bool {
    let progress = progress_of(refunds, &booking.id, booking.terms.deposit);
    matches!(progress, Progress::Made | Progress::Pending)
}

/// Sums up a payment's refunds.
pub(super) fn progress_of(refunds: &[Refund], booking: &BookingId, wanted: Money) -> Progress {
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

#[cfg(test)]
mod tests;
