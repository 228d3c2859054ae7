//! The Stripe session in which a booking is paid.

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::booking_request::ReserveError;
use super::reconciliation::CHECK_AFTER_SESSION;
use super::settle::SettleError;
use super::transition::Trigger;
use super::update::{BookingUpdate, Decision};
use super::{Bookings, vanished};
use crate::busy::Origin;
use crate::payments::{self, NewSession, Payments, SessionRequest, SessionStatus, StripeError};
use crate::store::booking_store::BookingStore;
use crate::time_budget::STRIPE_SESSION_MARGIN;
use salon::booking::{Booking, BookingEvent, BookingId, Checkout, Session, TIME_TO_PAY};
use salon::money::Money;
use salon::payment_ui::PaymentUi;

/// What the first request for a session depends on.
pub(super) struct CheckoutParameters<'a> {
    pub(super) booking_id: &'a BookingId,
    pub(super) attempt: u32,
    pub(super) ui: PaymentUi,
    pub(super) deposit: Money,
    pub(super) service_title: &'a str,
    pub(super) customer_email: &'a str,
    /// Until when the time is kept; until when it is decided, for a client who stands by.
    pub(super) hold_until: Timestamp,
    pub(super) is_standby: bool,
    /// Whether to offer payment methods that take days to settle.
    pub(super) offers_delayed: bool,
    pub(super) now: Timestamp,
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Makes the request for a session, which is stored before it is sent.
    pub(super) fn checkout(&self, parameters: &CheckoutParameters<'_>) -> Checkout {
        let CheckoutParameters { booking_id, attempt, ui, .. } = *parameters;
        let expires_at = parameters.now + TIME_TO_PAY;
        let until = self.salon.time_zone.to_datetime(parameters.hold_until);
        let until = until.strftime("%-I:%M %p");
        let message = if parameters.is_standby {
            format!(
                "You are standing by. Your card is charged only if this time becomes yours. \
                 That is decided by {until}."
            )
        } else if parameters.now < parameters.hold_until {
            format!("This time is kept for you until {until}.")
        } else {
            "This time is yours if you pay before somebody else takes it.".to_owned()
        };
        let request = SessionRequest::new(&NewSession {
            booking_id: booking_id.as_str(),
            attempt,
            ui,
            amount: parameters.deposit,
            product_name: &format!("Deposit: {}, {}", parameters.service_title, self.salon.name),
            return_url: &self.salon.return_url_for(booking_id),
            customer_email: Some(parameters.customer_email),
            expires_at,
            message: &message,
            delayed_methods: parameters.offers_delayed,
            only_authorises: parameters.is_standby,
        });
        Checkout {
            ui,
            attempt,
            idempotency_key: request.key().to_owned(),
            form: request.form().to_owned(),
            expires_at,
            offers_delayed: parameters.offers_delayed,
            session: None,
        }
    }

    /// Opens the session of a hold, or finds the one that a crash has lost.
    pub(super) async fn open_session(&self, booking: Booking) -> Result<Booking, ReserveError> {
        match self.payments.open(&(&booking.checkout).into()).await {
            Ok(session) => Ok(self.store_session(&booking, &session).await?),
            Err(error @ StripeError::Rejected(_)) => self.reopen_session(booking, error).await,
            Err(error) => Err(ReserveError::Stripe(error)),
        }
    }

    /// Continues after Stripe has rejected the request for a session, which
    /// proves that there is none. If the request came too late, another one is
    /// made with new parameters; otherwise the hold is released.
    ///
    /// A hold whose time to pay is over ends here. Stripe may have forgotten the
    /// key by then, and with it a session that was opened and has expired.
    async fn reopen_session(
        &self,
        booking: Booking,
        rejection: StripeError,
    ) -> Result<Booking, ReserveError> {
        let time_left = booking.checkout.expires_at.duration_since(self.now());
        if !time_left.is_positive() {
            return Ok(self.release_rejected(&booking).await?);
        }
        if time_left >= STRIPE_SESSION_MARGIN {
            self.release_rejected(&booking).await?;
            return Err(ReserveError::Refused(rejection));
        }
        let booking = self.renew_checkout(&booking).await?;
        if !booking.state.awaits_client() || booking.checkout.session.is_some() {
            // Another request has continued.
            return Ok(booking);
        }
        match self.payments.open(&(&booking.checkout).into()).await {
            Ok(session) => Ok(self.store_session(&booking, &session).await?),
            Err(error @ StripeError::Rejected(_)) => {
                self.release_rejected(&booking).await?;
                Err(ReserveError::Refused(error))
            }
            Err(error) => Err(ReserveError::Stripe(error)),
        }
    }

    /// Ends a hold whose session Stripe has rejected.
    async fn release_rejected(&self, booking: &Booking) -> Result<Booking, SettleError> {
        let event = BookingEvent::SessionExpired;
        let applied = self.apply_if_same_session(booking, &event, Trigger::SessionRejected).await?;
        Ok(applied.booking)
    }

    /// Makes a new request for the session of a hold that has none. The hold itself
    /// is not prolonged.
    async fn renew_checkout(&self, rejected: &Booking) -> Result<Booking, SettleError> {
        let attempt = rejected.checkout.attempt;
        let updated = self.update(&rejected.id, None, |mut booking: Booking| async move {
            let is_as_rejected =
                booking.checkout.attempt == attempt && booking.checkout.session.is_none();
            if !booking.state.awaits_client() || !is_as_rejected {
                // Another request has continued.
                return Ok::<_, SettleError>(Decision::Keep(booking, ()));
            }
            let service = self.salon.service(booking.service.as_str());
            booking.checkout = self.checkout(&CheckoutParameters {
                booking_id: &booking.id,
                attempt: attempt + 1,
                ui: booking.checkout.ui,
                deposit: booking.terms.deposit,
                service_title: service.map_or(booking.service.as_str(), |service| &service.title),
                customer_email: booking.customer.email.as_str(),
                hold_until: booking.hold_until,
                is_standby: booking.is_standby,
                offers_delayed: booking.checkout.offers_delayed,
                now: self.now(),
            });
            Ok(Decision::Write(BookingUpdate::only(booking), ()))
        });
        let (booking, ()) = updated.await?.ok_or_else(|| vanished(&rejected.id))?;
        Ok(booking)
    }

    /// Stores the session of a hold, which is known as it was read last.
    ///
    /// If the hold has ended meanwhile, it must not be paid: the session is
    /// expired.
    pub(super) async fn store_session(
        &self,
        known: &Booking,
        session: &payments::Session,
    ) -> Result<Booking, SettleError> {
        let updated = self.update(&known.id, Some(known), |mut booking: Booking| async move {
            if booking.checkout.session.as_ref().is_some_and(|known| known.id == session.id) {
                return Ok(Decision::Keep(booking, ()));
            }
            if !booking.state.awaits_client() {
                if session.status == SessionStatus::Open {
                    match self.payments.expire(&session.id).await {
                        // A rejection means that it is no longer open.
                        Ok(_) | Err(StripeError::Rejected(_)) => {}
                        Err(error) => return Err(SettleError::Stripe(error)),
                    }
                }
                return Ok(Decision::Keep(booking, ()));
            }
            booking.checkout.session = Some(stored(session));
            // Until then, Stripe's list of sessions tells what becomes of it.
            booking.check_at = Some(booking.checkout.expires_at + CHECK_AFTER_SESSION);
            Ok(Decision::Write(BookingUpdate::only(booking), ()))
        });
        let (booking, ()) = updated.await?.ok_or_else(|| vanished(&known.id))?;
        Ok(booking)
    }
}

/// Returns what a booking stores of a session.
fn stored(session: &payments::Session) -> Session {
    let client_secret =
        session.client_secret.as_ref().map(|secret| secret.expose_secret().to_owned());
    Session { id: session.id.clone(), client_secret, url: session.url.clone() }
}
