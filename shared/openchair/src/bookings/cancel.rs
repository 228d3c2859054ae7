use super::settle::{Cause, SettleError};
use super::{Bookings, contended};
use crate::busy::Origin;
use crate::payments::Payments;
use crate::store::booking_store::BookingStore;
use salon::booking::{Booking, BookingEvent, BookingId, State};

/// Why a booking was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// There is none with this id.
    #[error("there is no such booking")]
    Unknown,
    /// The token is not the booking's.
    #[error("the token is not the booking's")]
    Forbidden,
    /// It is too late: the appointment has begun.
    #[error("the appointment has begun")]
    Begun,
    /// There is nothing to cancel any more.
    #[error("the booking has expired")]
    Expired,
    /// The booking cannot be changed now.
    #[error(transparent)]
    Unsettled(#[from] SettleError),
}

/// How often an answer of Stripe's may turn a cancellation into another.
const ROUNDS: u32 = 3;

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Cancels a booking, if the token is its own. Twice is the same as once.
    ///
    /// Before the payment, its session is ended first: if that turns out to be
    /// paid, what is cancelled is a paid booking, by the terms that it was made
    /// on.
    ///
    /// # Errors
    /// See [`CancelError`].
    pub async fn cancel(&self, id: &BookingId, token: &str) -> Result<Booking, CancelError> {
        let read = || async { Ok::<_, SettleError>(self.reader.store().booking(id).await?) };
        let mut booking = read().await?.ok_or(CancelError::Unknown)?;
        if !booking.manage_token.matches(token) {
            return Err(CancelError::Forbidden);
        }
        for _ in 0..ROUNDS {
            match booking.state {
                State::Cancelled | State::Refunding | State::Refunded | State::RefundFailed => {
                    return Ok(booking);
                }
                State::Expired => return Err(CancelError::Expired),
                _ if booking.appointment.start() <= self.now() => return Err(CancelError::Begun),
                State::Processing | State::Confirmed => {
                    booking =
                        self.apply(id, &BookingEvent::Cancelled, Cause::Cancel).await?.booking;
                }
                State::Held => match self.close(&booking).await? {
                    Some(event) => {
                        let event = if event == BookingEvent::SessionExpired {
                            BookingEvent::Cancelled
                        } else {
                            event
                        };
                        booking = self.conclude(&booking, &event, Cause::Cancel).await?.booking;
                    }
                    None => booking = read().await?.ok_or(CancelError::Unknown)?,
                },
            }
        }
        match booking.state {
            State::Held | State::Processing | State::Confirmed => {
                Err(SettleError::from(contended()).into())
            }
            _ => Ok(booking),
        }
    }
}
