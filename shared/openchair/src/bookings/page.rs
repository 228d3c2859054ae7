use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::reserve::ReserveError;
use super::settle::{Cause, SettleError};
use super::{Bookings, TRIES, contended, gone};
use crate::busy::Origin;
use crate::payments::{self, NewSession, Payments, SessionRequest, StripeError};
use crate::store::booking_store::{
    BookingChange, BookingStore, HoldCountChange, RequestKeyChange, WriteOutcome,
};
use crate::time_budget::STRIPE_SESSION_MARGIN;
use salon::booking::{
    Booking, BookingEvent, BookingId, Checkout, Session, State, TIME_TO_PAY, Terms,
};
use salon::customer::Customer;
use salon::payment_ui::PaymentUi;

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    #[expect(clippy::too_many_arguments, reason = "a checkout is made of all of these")]
    pub(super) fn checkout(
        &self,
        id: &BookingId,
        customer: &Customer,
        service_title: &str,
        terms: &Terms,
        ui: PaymentUi,
        attempt: u32,
        now: Timestamp,
    ) -> Checkout {
        let expires_at = now + TIME_TO_PAY;
        let request = SessionRequest::new(&NewSession {
            booking_id: id.as_str(),
            attempt,
            ui,
            amount: terms.deposit,
            product_name: &format!("Deposit: {service_title}, {}", self.salon.name),
            return_url: &self.salon.return_url_for(id),
            customer_email: Some(customer.email.as_str()),
            expires_at,
            delayed_methods: self.salon.delayed_methods,
        });
        Checkout {
            ui,
            attempt,
            idempotency_key: request.key().to_owned(),
            form: request.form().to_owned(),
            expires_at,
            session: None,
        }
    }

    /// Opens the session of a hold, or finds the one that was opened before and
    /// lost.
    pub(super) async fn open(&self, booking: Booking) -> Result<Booking, ReserveError> {
        match self.payments.open(&(&booking.checkout).into()).await {
            Ok(session) => Ok(self.record(&booking, &session).await?),
            Err(error @ StripeError::Rejected(_)) => self.open_anew(booking, error).await,
            Err(error) => Err(ReserveError::Stripe(error)),
        }
    }

    /// Goes on after Stripe has refused to open a session, which proves that
    /// there is none: with new parameters if it came too late, or not at all.
    ///
    /// Once the hold is over it ends. Stripe may have forgotten the key by then,
    /// and with it a session that was opened and is over as well.
    async fn open_anew(
        &self,
        booking: Booking,
        refusal: StripeError,
    ) -> Result<Booking, ReserveError> {
        let left = booking.checkout.expires_at.duration_since(self.now());
        if !left.is_positive() {
            let ended =
                self.conclude(&booking, &BookingEvent::SessionExpired, Cause::Refused).await?;
            return Ok(ended.booking);
        }
        if left >= STRIPE_SESSION_MARGIN {
            self.conclude(&booking, &BookingEvent::SessionExpired, Cause::Refused).await?;
            return Err(ReserveError::Refused(refusal));
        }
        let booking = self.extend(&booking).await?;
        if booking.state != State::Held || booking.checkout.session.is_some() {
            // Somebody else has finished it.
            return Ok(booking);
        }
        match self.payments.open(&(&booking.checkout).into()).await {
            Ok(session) => Ok(self.record(&booking, &session).await?),
            Err(error @ StripeError::Rejected(_)) => {
                self.conclude(&booking, &BookingEvent::SessionExpired, Cause::Refused).await?;
                Err(ReserveError::Refused(error))
            }
            Err(error) => Err(ReserveError::Stripe(error)),
        }
    }

    /// Gives a hold without a session the full time to pay once more.
    async fn extend(&self, refused: &Booking) -> Result<Booking, ReserveError> {
        for attempt in 1..=TRIES {
            let read = self.reader.store().booking(&refused.id).await?;
            let mut booking = read.unwrap_or_else(|| refused.clone());
            let is_as_refused = booking.checkout.attempt == refused.checkout.attempt;
            if booking.state != State::Held || !is_as_refused || booking.checkout.session.is_some()
            {
                // Somebody else went on with it.
                return Ok(booking);
            }
            let now = self.now();
            let title = self.salon.service(booking.service.as_str());
            let title = title.map_or(booking.service.as_str(), |service| &service.title).to_owned();
            let (ui, next) = (booking.checkout.ui, booking.checkout.attempt + 1);
            booking.checkout = self.checkout(
                &booking.id,
                &booking.customer,
                &title,
                &booking.terms,
                ui,
                next,
                now,
            );
            let Some(sheet) =
                self.sheet(&booking.staff, booking.date).await?.with(&booking.id, booking.entry())
            else {
                return Ok(booking);
            };
            let change = BookingChange {
                booking: &booking,
                sheet: Some((&booking.staff, booking.date, &sheet)),
                hold_counts: HoldCountChange::None,
                request_key: RequestKeyChange::None,
            };
            match self.reader.store().write(&change).await? {
                WriteOutcome::Written(booking) => return Ok(booking),
                WriteOutcome::Conflict => self.step_back(attempt).await,
            }
        }
        Err(contended().into())
    }

    /// Keeps the session of a hold, as it was read last.
    ///
    /// A hold that ended while its session was being opened must not be paid:
    /// then the session ends too.
    pub(super) async fn record(
        &self,
        known: &Booking,
        session: &payments::Session,
    ) -> Result<Booking, SettleError> {
        let mut booking = known.clone();
        for attempt in 1..=TRIES {
            if booking.checkout.session.as_ref().is_some_and(|known| known.id == session.id) {
                return Ok(booking);
            }
            if booking.state != State::Held {
                if session.status == payments::SessionStatus::Open {
                    match self.payments.expire(&session.id).await {
                        // Refused: it is closed already.
                        Ok(_) | Err(StripeError::Rejected(_)) => {}
                        Err(error) => return Err(SettleError::Stripe(error)),
                    }
                }
                return Ok(booking);
            }
            booking.checkout.session = Some(kept(session));
            let change = BookingChange::only(&booking);
            match self.reader.store().write(&change).await? {
                WriteOutcome::Written(booking) => return Ok(booking),
                WriteOutcome::Conflict => self.step_back(attempt).await,
            }
            let read = self.reader.store().booking(&known.id).await?;
            booking = read.ok_or_else(|| gone(&known.id))?;
        }
        Err(contended().into())
    }
}

fn kept(session: &payments::Session) -> Session {
    let client_secret =
        session.client_secret.as_ref().map(|secret| secret.expose_secret().to_owned());
    Session { id: session.id.clone(), client_secret, url: session.url.clone() }
}
