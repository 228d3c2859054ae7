//! Bringing a booking up to date with Stripe.

use jiff::SignedDuration;

use super::stripe_status::{deposit_of, event_of};
use super::transition::{Applied, Trigger};
use super::{Bookings, vanished};
use crate::busy::Origin;
use crate::http::ApiError;
use crate::payments::webhook::SessionChange;
use crate::payments::{Payments, Session, StripeError};
use crate::store::StoreError;
use crate::store::booking_store::BookingStore;
use crate::telemetry::chain;
use crate::telemetry::metrics::{Metric, count};
use salon::booking::{Booking, BookingEvent, BookingId, PaymentWarning, State, WarningKind};

/// The minimum interval between two requests to Stripe for a booking that
/// visitors view.
const MIN_POLL_INTERVAL: SignedDuration = SignedDuration::from_secs(3);

/// A booking could not be brought up to date. All of these errors are temporary.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The table cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stripe cannot be reached, or its answer cannot be used.
    #[error("Stripe cannot be asked")]
    Stripe(#[source] StripeError),
    /// A payment came late, and it is unknown whether the time is still free.
    #[error("the calendar of every eligible person is unreadable")]
    CalendarUnknown,
}

impl From<SettleError> for ApiError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Store(error) => error.into(),
            SettleError::Stripe(error) => error.into(),
            SettleError::CalendarUnknown => Self::calendar_unavailable().caused_by(error),
        }
    }
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Reads a booking for a visitor. If it is open, Stripe is asked first, at
    /// most once in 3 s, so that a late event delays nobody.
    ///
    /// # Errors
    /// When the table cannot be read. If only Stripe cannot be reached, the booking
    /// is returned as stored.
    pub async fn view(&self, id: &BookingId) -> Result<Option<Booking>, StoreError> {
        let Some(booking) = self.reader.store().booking(id).await? else { return Ok(None) };
        if !booking.state.is_open()
            || !self.reader.store().record_poll(id, self.now(), MIN_POLL_INTERVAL).await?
        {
            return Ok(Some(booking));
        }
        match self.settle(id, Trigger::View).await {
            Ok(booking) => Ok(booking),
            Err(error) => {
                tracing::warn!(
                    booking.id = %id, error.cause = chain(&error),
                    "Stripe could not be reached; showing the stored booking"
                );
                Ok(Some(booking))
            }
        }
    }

    /// Brings a booking up to date with Stripe. Returns the updated booking.
    ///
    /// An unpaid hold ends here once its session has expired, or once it has ended and
    /// somebody else wants the time: its session is then expired at Stripe.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn settle(
        &self,
        id: &BookingId,
        trigger: Trigger,
    ) -> Result<Option<Booking>, SettleError> {
        let Some(booking) = self.reader.store().booking(id).await? else { return Ok(None) };
        if !booking.state.is_open() {
            return Ok(Some(booking));
        }
        let now = self.now();
        match booking.state {
            State::InLine => {
                self.serve_line(&booking.staff, booking.date).await?;
                return Ok(self.reader.store().booking(id).await?);
            }
            State::Capturing => return self.capture(&booking).await.map(Some),
            _ => {}
        }
        let is_wanted = matches!(trigger, Trigger::NewHold | Trigger::Line)
            && booking.state == State::Held
            && booking.hold_until <= now;
        let event = if is_wanted || booking.checkout.expires_at <= now {
            self.expire_session(&booking).await?
        } else {
            self.refresh_from_stripe(&booking).await?
        };
        match event {
            Some(event) => {
                Ok(Some(self.apply_if_same_session(&booking, &event, trigger).await?.booking))
            }
            None => Ok(self.reader.store().booking(id).await?),
        }
    }

    /// Applies a Stripe event about the session of a booking. Returns whether the
    /// booking exists.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn handle_session_event(
        &self,
        id: &BookingId,
        change: SessionChange,
        session: &Session,
    ) -> Result<bool, SettleError> {
        let change = self.apply_session_change(id, change, session, Trigger::Webhook).await?;
        Ok(change.is_some())
    }

    /// Applies what Stripe says about a session to the booking that the session names.
    /// Returns whether the booking has changed; none if it does not exist.
    pub(super) async fn apply_session_change(
        &self,
        id: &BookingId,
        change: SessionChange,
        session: &Session,
        trigger: Trigger,
    ) -> Result<Option<bool>, SettleError> {
        let store = self.reader.store();
        let Some(read) = store.booking(id).await? else { return Ok(None) };
        let version = read.version;
        let booking = if read.checkout.session.is_none() && read.state.is_open() {
            // A crash has lost the session's id. Stripe says which session is the booking's.
            if let Some(event) = self.refresh_from_stripe(&read).await? {
                self.apply_if_same_session(&read, &event, trigger).await?;
            }
            store.booking(id).await?.ok_or_else(|| vanished(id))?
        } else {
            read
        };
        let is_other = match &booking.checkout.session {
            Some(known) => known.id != session.id,
            // The booking is over. If it is paid all the same, the money must not be lost.
            None if session.paid => {
                self.lost_session_id(&booking).await? != Some(session.id.clone())
            }
            None => false,
        };
        if is_other {
            return self.handle_other_session(&booking, session, trigger).await.map(Some);
        }
        let event = match change {
            SessionChange::Completed | SessionChange::PaymentSucceeded => {
                event_of(&booking, session).inspect_err(|_| count(Metric::UnexpectedPayments))?
            }
            SessionChange::PaymentFailed => Some(BookingEvent::PaymentFailed),
            SessionChange::Expired => Some(BookingEvent::SessionExpired),
        };
        let booking = match event {
            Some(event) => self.apply_if_same_session(&booking, &event, trigger).await?.booking,
            None => booking,
        };
        Ok(Some(booking.version != version))
    }

    /// Handles a session that is not the booking's but names it. A payment of the deposit is
    /// refunded, because the booking is not paid by it. Any other amount is left to a person.
    /// Either is stored, so that it is reported once. Returns whether the booking has changed.
    async fn handle_other_session(
        &self,
        booking: &Booking,
        session: &Session,
        trigger: Trigger,
    ) -> Result<bool, SettleError> {
        if !session.paid {
            return Ok(false);
        }
        // Without a payment, no money has moved.
        let Some(payment) = session.payment.clone() else { return Ok(false) };
        let deposit = deposit_of(booking, session);
        let event = match &deposit {
            Ok(_) => BookingEvent::PaidElsewhere(payment),
            Err(_) => BookingEvent::OtherAmountPaid(payment),
        };
        let Applied { booking, transition } = self.apply(&booking.id, &event, trigger).await?;
        if transition.is_some() {
            count(Metric::UnexpectedPayments);
            match &deposit {
                Ok(payment) => tracing::error!(
                    booking.id = %booking.id, stripe.session = session.id, stripe.payment = payment,
                    "A booking was paid in another session than its own, the payment is refunded"
                ),
                Err(error) => tracing::error!(
                    booking.id = %booking.id, stripe.session = session.id,
                    stripe.payment = session.payment, error.cause = chain(error),
                    "A payment names a booking and is not its deposit, a person has to decide"
                ),
            }
        }
        if deposit.is_ok() {
            // After an error, Stripe sends the event again, or lists the session again.
            self.refund_second_payments(&booking).await?;
        }
        Ok(transition.is_some())
    }

    /// Keeps a dispute or an early fraud warning on its booking. Returns the id of the
    /// booking, if the payment is for one.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn handle_warning(
        &self,
        kind: WarningKind,
        id: &str,
        payment: &str,
    ) -> Result<Option<BookingId>, SettleError> {
        let named = match self.payments.payment(payment).await {
            Ok(payment) => payment.booking_id,
            Err(error) if error.is_missing() => None,
            Err(error) => return Err(SettleError::Stripe(error)),
        };
        let Some(booking_id) = named.as_deref().and_then(BookingId::parse) else {
            return Ok(None);
        };
        if self.reader.store().booking(&booking_id).await?.is_none() {
            return Ok(None);
        }
        let (warning, payment) = (id.to_owned(), payment.to_owned());
        let event =
            BookingEvent::Warned(PaymentWarning { kind, id: warning, payment, at: self.now() });
        self.apply(&booking_id, &event, Trigger::Webhook).await?;
        tracing::error!(
            booking.id = %booking_id, stripe.warning = id, stripe.warning_kind = kind.as_str(),
            "The bank may take a payment back"
        );
        Ok(Some(booking_id))
    }
}
