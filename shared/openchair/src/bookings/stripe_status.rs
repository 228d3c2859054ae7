//! What Stripe says about a booking's session, as an event of the booking.

use super::Bookings;
use super::settle::SettleError;
use crate::busy::Origin;
use crate::payments::{Payments, Session, SessionStatus, StripeError};
use crate::store::booking_store::BookingStore;
use salon::booking::{Booking, BookingEvent};

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Asks Stripe how the payment of a booking stands. Returns the event that
    /// follows from it, if any.
    ///
    /// If the session is not known yet, the request that opens it is repeated,
    /// and the session is stored.
    pub(super) async fn refresh_from_stripe(
        &self,
        booking: &Booking,
    ) -> Result<Option<BookingEvent>, SettleError> {
        let session = match &booking.checkout.session {
            Some(known) => self.payments.session(&known.id).await.map_err(SettleError::Stripe)?,
            None => match self.payments.open(&(&booking.checkout).into()).await {
                Ok(session) => {
                    self.store_session(booking, &session).await?;
                    session
                }
                // The rejection proves that there is no session.
                Err(StripeError::Rejected(_)) => return Ok(Some(BookingEvent::SessionExpired)),
                Err(error) => return Err(SettleError::Stripe(error)),
            },
        };
        event_of(&session)
    }

    /// Expires the session of a booking, so that it can no longer be paid.
    /// Returns what became of it: it may have been paid before.
    pub(super) async fn expire_session(
        &self,
        booking: &Booking,
    ) -> Result<Option<BookingEvent>, SettleError> {
        let id = match &booking.checkout.session {
            Some(session) => session.id.clone(),
            None => match self.payments.open(&(&booking.checkout).into()).await {
                Ok(session) => session.id,
                Err(StripeError::Rejected(_)) => return Ok(Some(BookingEvent::SessionExpired)),
                // Stripe repeats a stored failure, which does not say whether there is
                // a session. If there is one, nobody has its address, and it has expired.
                Err(StripeError::Unavailable { replayed: true, .. })
                    if booking.checkout.expires_at <= self.now() =>
                {
                    return Ok(Some(BookingEvent::SessionExpired));
                }
                Err(error) => return Err(SettleError::Stripe(error)),
            },
        };
        match self.payments.expire(&id).await {
            Ok(session) => event_of(&session),
            // The session is not open: it may have been paid.
            Err(StripeError::Rejected(rejection)) => {
                let session = self.payments.session(&id).await.map_err(SettleError::Stripe)?;
                match session.status {
                    SessionStatus::Open => {
                        Err(SettleError::Stripe(StripeError::Rejected(rejection)))
                    }
                    SessionStatus::Complete | SessionStatus::Expired => event_of(&session),
                }
            }
            Err(error) => Err(SettleError::Stripe(error)),
        }
    }
}

/// Returns the event that follows from a session; none while it is open.
///
/// # Errors
/// When the session is paid but names no payment. Without it, the booking could
/// not be refunded.
pub(super) fn event_of(session: &Session) -> Result<Option<BookingEvent>, SettleError> {
    let event = match (session.status, session.paid) {
        (SessionStatus::Open, _) => return Ok(None),
        (SessionStatus::Expired, _) => BookingEvent::SessionExpired,
        (SessionStatus::Complete, true) => {
            let payment = session.payment.clone().ok_or_else(|| StripeError::Unreadable {
                reason: format!("session {} is paid and names no payment", session.id),
            });
            BookingEvent::Paid(payment.map_err(SettleError::Stripe)?)
        }
        (SessionStatus::Complete, false) if session.failed => BookingEvent::PaymentFailed,
        (SessionStatus::Complete, false) => BookingEvent::PaymentPending,
    };
    Ok(Some(event))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn session(status: SessionStatus, paid: bool, payment: Option<&str>) -> Session {
        Session {
            id: "cs_test_1".to_owned(),
            status,
            paid,
            failed: false,
            payment: payment.map(str::to_owned),
            amount: Some(5_000),
            booking_id: None,
            live: false,
            client_secret: None,
            url: None,
            expires_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_session_becomes_an_event_once_it_is_no_longer_open() {
        use SessionStatus::{Complete, Expired, Open};
        let paid = BookingEvent::Paid("pi_1".to_owned());
        let cases = [
            (session(Open, false, None), None),
            (session(Expired, false, None), Some(BookingEvent::SessionExpired)),
            (session(Complete, true, Some("pi_1")), Some(paid)),
            (session(Complete, false, Some("pi_1")), Some(BookingEvent::PaymentPending)),
            (
                Session { failed: true, ..session(Complete, false, Some("pi_1")) },
                Some(BookingEvent::PaymentFailed),
            ),
        ];
        for (session, expected) in cases {
            assert_eq!(event_of(&session).expect("a payment is named"), expected, "{session:?}");
        }
    }

    #[test]
    fn a_paid_session_without_a_payment_is_an_error() {
        let event = event_of(&session(SessionStatus::Complete, true, None));
        let Err(SettleError::Stripe(StripeError::Unreadable { reason })) = event else {
            panic!("expected an error, got {event:?}")
        };
        assert_eq!(reason, "session cs_test_1 is paid and names no payment");
    }
}
