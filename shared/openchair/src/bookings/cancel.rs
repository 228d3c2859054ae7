use super::Bookings;
use super::settle::SettleError;
use super::transition::Trigger;
use super::update::too_many_conflicts;
use crate::busy::Origin;
use crate::payments::Payments;
use crate::store::booking_store::BookingStore;
use salon::booking::{Booking, BookingEvent, BookingId, HoldKey, State};

/// A booking could not be cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    #[error("there is no such booking")]
    Unknown,
    /// The manage token belongs to another booking.
    #[error("the token is not the booking's")]
    Forbidden,
    /// The appointment has begun.
    #[error("the appointment has begun")]
    Begun,
    /// The booking cannot be changed now.
    #[error(transparent)]
    Unsettled(#[from] SettleError),
}

/// How many times the booking may change state under a cancellation.
const MAX_ROUNDS: u32 = 3;

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Cancels a booking if the manage token is right. A repeat changes nothing, nor does a
    /// cancellation of a booking that is over.
    ///
    /// The session of a hold is expired first. If the client has just paid, the
    /// paid booking is cancelled, under its own terms. A paid booking then counts like an
    /// unpaid hold for a day, against its client at the network address `address`.
    ///
    /// # Errors
    /// See [`CancelError`].
    pub async fn cancel(
        &self,
        id: &BookingId,
        token: &str,
        address: Option<&HoldKey>,
    ) -> Result<Booking, CancelError> {
        let read = || async { Ok::<_, SettleError>(self.reader.store().booking(id).await?) };
        let mut booking = read().await?.ok_or(CancelError::Unknown)?;
        if !booking.manage_token.matches(token) {
            return Err(CancelError::Forbidden);
        }
        for _ in 0..MAX_ROUNDS {
            match booking.state {
                State::Expired
                | State::Cancelled
                | State::Refunding
                | State::Refunded
                | State::RefundFailed
                | State::Released => {
                    return Ok(booking);
                }
                _ if booking.appointment.start() <= self.now() => return Err(CancelError::Begun),
                State::Processing | State::Confirmed | State::InLine => {
                    booking = self.apply_cancellation(id, address).await?.booking;
                }
                State::Capturing => booking = self.capture(&booking).await?,
                State::Held | State::Standby => match self.expire_session(&booking).await? {
                    Some(event) => {
                        let event = match event {
                            BookingEvent::SessionExpired => BookingEvent::Cancelled,
                            other => other,
                        };
                        let applied =
                            self.apply_if_same_session(&booking, &event, Trigger::Cancellation);
                        booking = applied.await?.booking;
                    }
                    None => booking = read().await?.ok_or(CancelError::Unknown)?,
                },
            }
        }
        if booking.state.is_open() || booking.state == State::Confirmed {
            return Err(SettleError::from(too_many_conflicts()).into());
        }
        Ok(booking)
    }
}
