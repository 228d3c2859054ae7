//! The line of a day sheet: clients who stand by for a time that somebody else holds.

use jiff::civil::Date;

use super::Bookings;
use super::settle::SettleError;
use super::transition::Trigger;
use crate::busy::Origin;
use crate::payments::{PaymentIntent, PaymentIntentStatus, Payments, StripeError};
use crate::store::booking_store::BookingStore;
use crate::telemetry::chain;
use salon::booking::{Booking, BookingEvent, State};
use salon::day_sheet::NextInLine;
use salon::service::StaffId;

/// How many steps one call makes. The next call makes more.
const MAX_STEPS: usize = 20;

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Serves the line of a day sheet as far as possible now. A hold that has ended is
    /// settled first, because it may have been paid.
    ///
    /// # Errors
    /// See [`SettleError`]. The schedule continues.
    pub(super) async fn serve_line(&self, staff: &StaffId, date: Date) -> Result<(), SettleError> {
        for _ in 0..MAX_STEPS {
            let sheet = self.sheet(staff, date).await?;
            let (id, event) = match sheet.next_in_line(self.now()) {
                NextInLine::Wait => break,
                NextInLine::Settle(hold) => {
                    // Boxed because of the recursion: settling a booking serves the line.
                    Box::pin(self.settle(&hold, Trigger::Line)).await?;
                    continue;
                }
                NextInLine::TimeTaken(id) => (id, BookingEvent::TimeTaken),
                NextInLine::TimeFree(id) => (id, BookingEvent::TimeFree),
            };
            Box::pin(self.apply(&id, &event, Trigger::Line)).await?;
        }
        Ok(())
    }

    /// Collects the payment of a client who has got the time, or gives up that of one who
    /// has not. If that fails, the next reconcile run retries it.
    pub(super) async fn start_capture_or_release(&self, booking: Booking) -> Booking {
        let finished = match booking.state {
            State::Capturing => self.capture(&booking).await,
            _ => self.release(&booking).await,
        };
        match finished {
            Ok(booking) => booking,
            Err(error) => {
                tracing::warn!(
                    booking.id = %booking.id, error.cause = chain(&error),
                    "Authorised payment could not be finished now, the schedule will retry it"
                );
                booking
            }
        }
    }

    /// Serves the line after a change that may let somebody have the time.
    pub(super) async fn serve_line_after(&self, booking: &Booking) {
        if let Err(error) = self.serve_line(&booking.staff, booking.date).await {
            tracing::warn!(
                booking.id = %booking.id, error.cause = chain(&error),
                "Line could not be served now, the schedule will retry it"
            );
        }
    }

    /// Collects the payment of a client who has got the time.
    pub(super) async fn capture(&self, booking: &Booking) -> Result<Booking, SettleError> {
        let Some(id) = &booking.payment else { return Ok(booking.clone()) };
        let event = match self.finish(id, self.payments.capture(id).await).await? {
            PaymentIntentStatus::Succeeded => BookingEvent::Paid(id.clone()),
            PaymentIntentStatus::Canceled => BookingEvent::CaptureFailed,
            status => return Err(unfinished(id, status)),
        };
        Ok(Box::pin(self.apply(&booking.id, &event, Trigger::Line)).await?.booking)
    }

    /// Gives up the payment of a client who has not got the time. If somebody has collected
    /// it by hand, it is refunded.
    pub(super) async fn release(&self, booking: &Booking) -> Result<Booking, SettleError> {
        let Some(id) = &booking.payment else { return Ok(booking.clone()) };
        let event = match self.finish(id, self.payments.cancel_payment(id).await).await? {
            PaymentIntentStatus::Canceled => BookingEvent::AuthorisationCancelled,
            PaymentIntentStatus::Succeeded => BookingEvent::Paid(id.clone()),
            status => return Err(unfinished(id, status)),
        };
        Ok(Box::pin(self.apply(&booking.id, &event, Trigger::Line)).await?.booking)
    }

    /// Returns the status of a payment after a request to change it. A rejection means that
    /// it had been changed before.
    async fn finish(
        &self,
        id: &str,
        changed: Result<PaymentIntent, StripeError>,
    ) -> Result<PaymentIntentStatus, SettleError> {
        let payment = match changed {
            Err(StripeError::Rejected(_)) => self.payments.payment(id).await,
            changed => changed,
        };
        payment.map(|payment| payment.status).map_err(SettleError::Stripe)
    }
}

fn unfinished(id: &str, status: PaymentIntentStatus) -> SettleError {
    let reason = format!("payment {id} is {status:?} after a request that finishes it");
    SettleError::Stripe(StripeError::Unreadable { reason })
}
