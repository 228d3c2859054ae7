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
        event_of(booking, &session)
    }

    /// Returns the id of the session of a booking that does not know it: the request that
    /// opens it is repeated. None if Stripe says that there is no session.
    pub(super) async fn lost_session_id(
        &self,
        booking: &Booking,
    ) -> Result<Option<String>, SettleError> {
        match self.payments.open(&(&booking.checkout).into()).await {
            Ok(session) => Ok(Some(session.id)),
            Err(StripeError::Rejected(_)) => Ok(None),
            Err(error) => Err(SettleError::Stripe(error)),
        }
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
            Ok(session) => event_of(booking, &session),
            // The session is not open: it may have been paid.
            Err(StripeError::Rejected(rejection)) => {
                let session = self.payments.session(&id).await.map_err(SettleError::Stripe)?;
                match session.status {
                    SessionStatus::Open => {
                        Err(SettleError::Stripe(StripeError::Rejected(rejection)))
                    }
                    SessionStatus::Complete | SessionStatus::Expired => event_of(booking, &session),
                }
            }
            Err(error) => Err(SettleError::Stripe(error)),
        }
    }
}

/// Returns the event that follows from the session of a booking; none while it is open.
///
/// # Errors
/// When the payment is not the booking's deposit, or the session names no payment.
/// Without it, the booking could not be refunded.
pub(super) fn event_of(
    booking: &Booking,
    session: &Session,
) -> Result<Option<BookingEvent>, SettleError> {
    let payment = || deposit_of(booking, session).map_err(SettleError::Stripe);
    let event = match (session.status, session.paid) {
        (SessionStatus::Open, _) => return Ok(None),
        (SessionStatus::Expired, _) => BookingEvent::SessionExpired,
        (SessionStatus::Complete, true) => BookingEvent::Paid(payment()?),
        (SessionStatus::Complete, false) if session.failed => BookingEvent::PaymentFailed,
        (SessionStatus::Complete, false) if booking.is_standby => {
            BookingEvent::Authorised(payment()?)
        }
        (SessionStatus::Complete, false) => BookingEvent::PaymentPending,
    };
    Ok(Some(event))
}

/// Returns the payment of a complete session, if it is the booking's deposit.
pub(super) fn deposit_of(booking: &Booking, session: &Session) -> Result<String, StripeError> {
    let unreadable = |reason| StripeError::Unreadable { reason };
    let Session { id, payment, amount, currency, booking_id, .. } = session;
    let deposit = booking.terms.deposit;
    if booking_id.as_deref() != Some(booking.id.as_str()) {
        return Err(unreadable(format!("session {id} is not about this booking")));
    }
    if *amount != Some(deposit.amount()) || currency.as_deref() != Some(deposit.currency().code()) {
        return Err(unreadable(format!("session {id} is not about the deposit of {deposit}")));
    }
    payment.clone().ok_or_else(|| unreadable(format!("session {id} names no payment")))
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
            currency: Some("usd".to_owned()),
            booking_id: Some(testing::booking().id.to_string()),
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
        let booking = testing::booking();
        for (session, expected) in cases {
            assert_eq!(event_of(&booking, &session).expect("readable"), expected, "{session:?}");
        }
        let standby = Booking { is_standby: true, ..booking };
        let authorised = event_of(&standby, &session(Complete, false, Some("pi_1")));
        let expected = BookingEvent::Authorised("pi_1".to_owned());
        assert_eq!(authorised.expect("readable"), Some(expected));
    }

    #[test]
    fn a_payment_is_believed_only_if_it_is_the_bookings_deposit() {
        let good = || session(SessionStatus::Complete, true, Some("pi_1"));
        let cases = [
            (Session { payment: None, ..good() }, "session cs_test_1 names no payment"),
            (
                Session { amount: Some(50), ..good() },
                "session cs_test_1 is not about the deposit of 50.00 USD",
            ),
            (
                Session { currency: Some("eur".to_owned()), ..good() },
                "session cs_test_1 is not about the deposit of 50.00 USD",
            ),
            (
                Session { booking_id: Some("b1".to_owned()), ..good() },
                "session cs_test_1 is not about this booking",
            ),
        ];
        for (session, expected) in cases {
            let event = event_of(&testing::booking(), &session);
            let Err(SettleError::Stripe(StripeError::Unreadable { reason })) = event else {
                panic!("expected an error, got {event:?}")
            };
            assert_eq!(reason, expected);
        }
    }
}
