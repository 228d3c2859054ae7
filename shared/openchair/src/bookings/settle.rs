use std::collections::HashMap;

use futures_util::try_join;
use jiff::SignedDuration;

use super::{Bookings, TRIES, contended, gone};
use crate::busy::{Busy, Origin};
use crate::http::ApiError;
use crate::payments::webhook::SessionChange;
use crate::payments::{Payments, Session, SessionStatus, StripeError};
use crate::store::booking_store::{
    BookingChange, BookingStore, HoldCountChange, RequestKeyChange, WriteOutcome,
};
use crate::store::{Consistency, StoreError};
use crate::telemetry::chain;
use crate::telemetry::metrics::{Metric, count};
use salon::DateRange;
use salon::booking::{
    Booking, BookingEvent, BookingId, PaymentContext, RequestKey, State, Transition,
};
use salon::day_sheet::{DaySheet, Entry};
use salon::interval::IntervalSet;
use salon::service::{StaffId, StaffMember};

/// How often Stripe is asked about one booking that somebody looks at.
const PAUSE_BETWEEN_QUESTIONS: SignedDuration = SignedDuration::from_secs(3);

/// What made a booking change, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// An event of Stripe's.
    Webhook,
    /// Somebody looked at it.
    Look,
    /// Its owner cancelled it.
    Cancel,
    /// Somebody wants its time, and it is due.
    NewHold,
    /// Stripe refused its payment.
    Refused,
    /// The schedule.
    Reconcile,
    /// Its refund.
    Refund,
}

impl Cause {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Look => "look",
            Self::Cancel => "cancel",
            Self::NewHold => "new_hold",
            Self::Refused => "refused",
            Self::Reconcile => "reconcile",
            Self::Refund => "refund",
        }
    }
}

/// Why a booking could not be settled. All of it is cured by another try.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The table cannot be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stripe cannot be asked.
    #[error("Stripe cannot be asked")]
    Stripe(#[source] StripeError),
    /// A payment came late, and nobody knows whether its time is still free.
    #[error("the calendar of who could do it cannot be read")]
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

/// A booking after an event, and the step it took.
#[derive(Clone, Debug)]
pub(super) struct Applied {
    pub(super) booking: Booking,
    pub(super) transition: Option<Transition>,
}

/// What a payment finds at the salon.
#[derive(Default)]
struct Scene {
    payment_context: PaymentContext,
    /// The day sheets that this was judged by.
    sheets: HashMap<StaffId, DaySheet>,
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Reads a booking. If it is open, Stripe is asked first, at most once in
    /// 3 s, so that an event that is late delays nobody.
    ///
    /// # Errors
    /// When the table cannot be asked. If only Stripe cannot, the booking is
    /// shown as it is known.
    pub async fn look(&self, id: &BookingId) -> Result<Option<Booking>, StoreError> {
        let Some(booking) = self.reader.store().booking(id).await? else { return Ok(None) };
        if !booking.state.is_open()
            || !self.reader.store().record_poll(id, self.now(), PAUSE_BETWEEN_QUESTIONS).await?
        {
            return Ok(Some(booking));
        }
        match self.settle(id, Cause::Look).await {
            Ok(booking) => Ok(booking),
            Err(error) => {
                tracing::warn!(booking.id = %id, error.cause = chain(&error), "A booking is shown unsettled");
                Ok(Some(booking))
            }
        }
    }

    /// Brings a booking up to what Stripe says about it now. Returns it as it
    /// is then.
    ///
    /// A hold that is due and was not paid ends here: Stripe has confirmed that
    /// its session can be paid no more.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn settle(
        &self,
        id: &BookingId,
        cause: Cause,
    ) -> Result<Option<Booking>, SettleError> {
        let Some(booking) = self.reader.store().booking(id).await? else { return Ok(None) };
        if !booking.state.is_open() {
            return Ok(Some(booking));
        }
        let is_over = booking.checkout.expires_at <= self.now();
        let event =
            if is_over { self.close(&booking).await? } else { self.learn(&booking).await? };
        match event {
            Some(event) => Ok(Some(self.conclude(&booking, &event, cause).await?.booking)),
            None => Ok(self.reader.store().booking(id).await?),
        }
    }

    /// Applies what an event of Stripe's says about the session of a booking.
    /// Returns whether there is such a booking.
    ///
    /// # Errors
    /// See [`SettleError`].
    pub async fn on_session(
        &self,
        id: &BookingId,
        change: SessionChange,
        session: &Session,
    ) -> Result<bool, SettleError> {
        let event = match change {
            SessionChange::Completed | SessionChange::PaymentSucceeded => told_by(session),
            SessionChange::PaymentFailed => Some(BookingEvent::PaymentFailed),
            SessionChange::Expired => Some(BookingEvent::SessionExpired),
        };
        let Some(booking) = self.reader.store().booking(id).await? else { return Ok(false) };
        if let Some(known) =
            booking.checkout.session.as_ref().filter(|known| known.id != session.id)
        {
            tracing::error!(
                booking.id = %id, stripe.session = session.id, stripe.known_session = known.id,
                "Another session of a booking has an event"
            );
            // Only money counts that is really there.
            if !session.paid {
                return Ok(true);
            }
        }
        if let Some(event) = event {
            // Held against the booking as it is written: it may have another session
            // by then, which says nothing of this one.
            let is_meant = |read: &Booking| {
                let known = read.checkout.session.as_ref();
                let is_first = read.checkout.attempt == 1;
                session.paid || known.map_or(is_first, |known| known.id == session.id)
            };
            self.apply_if(id, is_meant, &event, Cause::Webhook).await?;
        }
        Ok(true)
    }

    /// Asks Stripe how the payment of a booking stands.
    pub(super) async fn learn(
        &self,
        booking: &Booking,
    ) -> Result<Option<BookingEvent>, SettleError> {
        let session = match &booking.checkout.session {
            Some(known) => self.payments.session(&known.id).await.map_err(SettleError::Stripe)?,
            None => match self.payments.open(&(&booking.checkout).into()).await {
                Ok(session) => {
                    self.record(booking, &session).await?;
                    session
                }
                // Proof that there is no session.
                Err(StripeError::Rejected(_)) => return Ok(Some(BookingEvent::SessionExpired)),
                Err(error) => return Err(SettleError::Stripe(error)),
            },
        };
        Ok(told_by(&session))
    }

    /// Makes sure that the session of a booking can be paid no more, unless it
    /// has been.
    pub(super) async fn close(
        &self,
        booking: &Booking,
    ) -> Result<Option<BookingEvent>, SettleError> {
        let known = booking.checkout.session.as_ref();
        let id = match known {
            Some(session) => session.id.clone(),
            None => match self.payments.open(&(&booking.checkout).into()).await {
                Ok(session) => session.id,
                Err(StripeError::Rejected(_)) => return Ok(Some(BookingEvent::SessionExpired)),
                // Stripe remembers a failure, and not what came of it. If it was a
                // session, nobody has its address, and by now it is over.
                Err(StripeError::Unavailable { replayed: true, .. })
                    if booking.checkout.expires_at <= self.now() =>
                {
                    return Ok(Some(BookingEvent::SessionExpired));
                }
                Err(error) => return Err(SettleError::Stripe(error)),
            },
        };
        match self.payments.expire(&id).await {
            Ok(session) => Ok(told_by(&session)),
            // It is not open: it may be paid.
            Err(StripeError::Rejected(refusal)) => {
                let session = self.payments.session(&id).await.map_err(SettleError::Stripe)?;
                match session.status {
                    SessionStatus::Open => Err(SettleError::Stripe(StripeError::Rejected(refusal))),
                    SessionStatus::Complete | SessionStatus::Expired => Ok(told_by(&session)),
                }
            }
            Err(error) => Err(SettleError::Stripe(error)),
        }
    }

    /// Changes a booking as an event says, with its day sheet and its counts;
    /// and starts the refund that the event leads to.
    pub(super) async fn apply(
        &self,
        id: &BookingId,
        event: &BookingEvent,
        cause: Cause,
    ) -> Result<Applied, SettleError> {
        self.apply_if(id, |_| true, event, cause).await
    }

    /// Changes a booking as follows from Stripe's answer to a question about
    /// its page, unless the page is another by now: that one may be open.
    pub(super) async fn conclude(
        &self,
        asked: &Booking,
        event: &BookingEvent,
        cause: Cause,
    ) -> Result<Applied, SettleError> {
        let is_as_asked = |read: &Booking| read.checkout.attempt == asked.checkout.attempt;
        self.apply_if(&asked.id, is_as_asked, event, cause).await
    }

    async fn apply_if(
        &self,
        id: &BookingId,
        is_meant: impl Fn(&Booking) -> bool + Send + Sync,
        event: &BookingEvent,
        cause: Cause,
    ) -> Result<Applied, SettleError> {
        for attempt in 1..=TRIES {
            let Some(before) = self.reader.store().booking(id).await? else {
                return Err(gone(id).into());
            };
            if !is_meant(&before) {
                return Ok(Applied { booking: before, transition: None });
            }
            let scene = if before.needs_payment_context(event) {
                self.scene(&before).await?
            } else {
                Scene::default()
            };
            let mut booking = before.clone();
            let Some(transition) = booking.apply(event.clone(), &scene.payment_context, self.now())
            else {
                warn_of_second_payment(&booking, event);
                return Ok(Applied { booking, transition: None });
            };
            match self.write(&before, &booking, scene, cause).await? {
                WriteOutcome::Written(written) => {
                    booking = written;
                    report(&booking, transition, cause);
                    if booking.state == State::Refunding && transition.from != State::Refunding {
                        booking = self.start_refund(booking).await;
                    }
                    return Ok(Applied { booking, transition: Some(transition) });
                }
                WriteOutcome::Conflict => self.step_back(attempt).await,
            }
        }
        Err(contended().into())
    }

    /// Writes a booking after a step, with all that follows from its state.
    async fn write(
        &self,
        before: &Booking,
        booking: &Booking,
        mut scene: Scene,
        cause: Cause,
    ) -> Result<WriteOutcome, SettleError> {
        let entry = booking.entry();
        let sheet = if before.entry() == entry {
            None
        } else {
            let read = match scene.sheets.remove(&booking.staff) {
                Some(sheet) => sheet,
                None => self.sheet(&booking.staff, booking.date).await?,
            };
            if is_new(before, entry.as_ref())
                && read.is_taken_by_another(booking.taken(), &booking.id)
            {
                // Read again: the time went to somebody else since it was judged.
                return Ok(WriteOutcome::Conflict);
            }
            read.with(&booking.id, entry)
        };
        let counts = if before.counts_as_hold_until().is_some()
            && booking.counts_as_hold_until().is_none()
        {
            HoldCountChange::Release
        } else {
            HoldCountChange::None
        };
        let request = match &booking.request_key {
            // Nothing came of the request, so a repeat may begin anew.
            Some(key)
                if (cause == Cause::Refused
                    || (booking.state == State::Expired && booking.checkout.session.is_none()))
                    && self.is_kept_for(key, &booking.id).await? =>
            {
                RequestKeyChange::Delete(key)
            }
            _ => RequestKeyChange::None,
        };
        let sheet = sheet.as_ref().map(|sheet| (&booking.staff, booking.date, sheet));
        let change = BookingChange { booking, sheet, hold_counts: counts, request_key: request };
        Ok(self.reader.store().write(&change).await?)
    }

    /// Tells whether an idempotency key is still a booking's. One that has run out
    /// may be a later booking's.
    async fn is_kept_for(&self, key: &RequestKey, id: &BookingId) -> Result<bool, SettleError> {
        let kept = self.reader.store().reservation_context(&[], Some(key)).await?.request;
        Ok(kept.is_some_and(|kept| kept.booking_id == *id))
    }

    /// Looks at what a payment finds at the salon. The notice period does not
    /// count any more; bookings and calendars do.
    async fn scene(&self, booking: &Booking) -> Result<Scene, SettleError> {
        let is_able = |member: &&StaffMember| {
            member.id == booking.staff
                || (booking.state == State::Expired
                    && !booking.is_staff_named
                    && member.performs(&booking.service))
        };
        let able: Vec<&StaffMember> = self.salon.staff.iter().filter(is_able).collect();
        let day = DateRange::single(booking.date);
        let busy = self.reader.read_days(&self.salon, &able, day, Consistency::Strong);
        // A sheet for somebody who has left the salon, too: the hold is on it.
        let own = self.sheet(&booking.staff, booking.date);
        let (Busy { sheets, calendars, .. }, own) = try_join!(busy, own)?;

        let time = booking.taken();
        let is_busy = |calendar: &IntervalSet<_>| calendar.overlaps(&time);
        let mut sheets: HashMap<StaffId, DaySheet> = sheets
            .into_iter()
            .map(|(id, sheets)| (id, sheets.into_iter().next().unwrap_or_default()))
            .collect();
        sheets.insert(booking.staff.clone(), own);
        let mut payment_context = PaymentContext {
            has_conflict: calendars.get(&booking.staff).is_some_and(is_busy),
            free: None,
        };
        if booking.state == State::Expired {
            let has_room = |id: &&StaffId| {
                sheets.get(*id).is_some_and(|sheet| !sheet.is_taken_by_another(time, &booking.id))
            };
            let with_room: Vec<&StaffId> =
                able.iter().map(|member| &member.id).filter(has_room).collect();
            let is_free = |id: &&&StaffId| calendars.get(**id).is_some_and(|times| !is_busy(times));
            // Whom the client was told, if that is still possible.
            let same = |id: &&&StaffId| ***id != booking.staff;
            payment_context.free =
                with_room.iter().filter(is_free).min_by_key(same).map(|id| (*id).clone());
            let is_unknown = with_room.iter().any(|id| !calendars.contains_key(*id));
            if payment_context.free.is_none() && is_unknown {
                return Err(SettleError::CalendarUnknown);
            }
        }
        Ok(Scene { payment_context, sheets })
    }
}

/// Returns what a session says about its booking; nothing while it is open.
fn told_by(session: &Session) -> Option<BookingEvent> {
    match (session.status, session.paid) {
        (SessionStatus::Open, _) => None,
        (SessionStatus::Expired, _) => Some(BookingEvent::SessionExpired),
        (SessionStatus::Complete, true) => {
            // A session without a payment costs nothing, and ours all cost something.
            Some(BookingEvent::Paid(session.payment.clone().unwrap_or_default()))
        }
        (SessionStatus::Complete, false) if session.failed => Some(BookingEvent::PaymentFailed),
        (SessionStatus::Complete, false) => Some(BookingEvent::PaymentPending),
    }
}

/// Tells whether an entry takes time that the booking did not have before.
fn is_new(before: &Booking, entry: Option<&Entry>) -> bool {
    entry.is_some() && before.entry().is_none()
}

fn warn_of_second_payment(booking: &Booking, event: &BookingEvent) {
    if let (BookingEvent::Paid(payment), Some(known)) = (event, &booking.payment)
        && payment != known
    {
        tracing::error!(
            booking.id = %booking.id, stripe.payment = payment, stripe.known_payment = known,
            "A booking was paid a second time: refund this payment by hand"
        );
    }
}

/// Logs and counts a step in the life of a booking.
fn report(booking: &Booking, transition: Transition, cause: Cause) {
    // Only a payment leads out of these.
    if matches!(transition.from, State::Expired | State::Cancelled) {
        count(Metric::LatePayments);
    }
    match transition.to {
        State::Confirmed => count(Metric::BookingsConfirmed),
        State::Refunded => count(Metric::RefundsMade),
        State::RefundFailed => count(Metric::RefundsFailed),
        State::Held | State::Processing | State::Expired | State::Cancelled | State::Refunding => {}
    }
    let (from, to) = (transition.from.as_str(), transition.to.as_str());
    tracing::info!(
        booking.id = %booking.id, booking.from = from, booking.to = to,
        booking.cause = cause.as_str(), booking.has_conflict,
        "A booking changed"
    );
}
