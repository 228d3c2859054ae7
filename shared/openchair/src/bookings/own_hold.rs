//! What a client already holds: found again, or given up for another time.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Bookings;
use super::booking_request::{BookingRequest, ReserveError};
use super::cancel::CancelError;
use super::hold_counts::Canceller;
use super::transition::Trigger;
use crate::busy::{Busy, Origin};
use crate::payments::Payments;
use crate::store::StoreError;
use crate::store::booking_store::{BookingStore, HoldCount};
use salon::booking::{Booking, BookingEvent, BookingId, HoldKey, State};

/// An unpaid booking that a request gives up for the new one.
#[derive(Clone, Debug)]
pub struct Replaces<'a> {
    pub id: BookingId,
    pub manage_token: &'a str,
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Finds the unpaid booking that the same person has made from the same network address
    /// for the same time.
    pub(super) async fn find_own_hold(
        &self,
        request: &BookingRequest<'_>,
        counts: &HashMap<HoldKey, HoldCount>,
        customer_keys: &[HoldKey],
        now: Timestamp,
    ) -> Result<Option<Booking>, StoreError> {
        let Some(of_address) = request.address.as_ref().and_then(|key| counts.get(key)) else {
            return Ok(None);
        };
        let is_theirs = |id: &BookingId| {
            let mut counts = customer_keys.iter().map(|key| counts.get(key));
            counts.all(|count| count.is_some_and(|count| count.is_live(id, now)))
        };
        let own = of_address.holds.keys().filter(|id| of_address.is_live(id, now) && is_theirs(id));
        for id in own {
            let booking = self.reader.store().booking(id).await?;
            if let Some(booking) = booking.filter(|booking| request.is_for(booking)) {
                return Ok(Some(booking));
            }
        }
        Ok(None)
    }

    /// Reads the booking that a request replaces, if it still has to be given up.
    ///
    /// # Errors
    /// If the token is not its own, or if it is paid.
    pub(super) async fn replaced(
        &self,
        request: &BookingRequest<'_>,
    ) -> Result<Option<Booking>, ReserveError> {
        let Some(replaces) = &request.replaces else { return Ok(None) };
        let booking = self.reader.store().booking(&replaces.id).await?;
        let booking = booking.ok_or(ReserveError::Replaces(CancelError::Unknown))?;
        if !booking.manage_token.matches(replaces.manage_token) {
            return Err(ReserveError::Replaces(CancelError::Forbidden));
        }
        match booking.state {
            State::Held | State::Standby | State::InLine => Ok(Some(booking)),
            State::Processing | State::Capturing | State::Confirmed => {
                Err(ReserveError::ReplacedIsPaid)
            }
            State::Expired
            | State::Cancelled
            | State::Refunding
            | State::Refunded
            | State::RefundFailed
            | State::Released => Ok(None),
        }
    }

    /// Gives up an unpaid booking. If it turns out to be paid, it is confirmed. One that is in
    /// line is cancelled by its client, at the network address `address`.
    pub(super) async fn give_up(
        &self,
        booking: &Booking,
        address: Option<&HoldKey>,
    ) -> Result<(), ReserveError> {
        if booking.state == State::InLine {
            // It may have got the time meanwhile, and is then paid.
            let is_in_line = |read: &Booking| read.state == State::InLine;
            let canceller = Some(Canceller { address });
            let (event, trigger) = (&BookingEvent::Cancelled, Trigger::Replacement);
            self.apply_for(&booking.id, is_in_line, event, trigger, canceller).await?;
            return Ok(());
        }
        let event = match self.expire_session(booking).await? {
            Some(BookingEvent::SessionExpired) => BookingEvent::Cancelled,
            Some(event) => event,
            None => return Ok(()),
        };
        self.apply_if_same_session(booking, &event, Trigger::Replacement).await?;
        Ok(())
    }
}

/// Takes a booking off the day sheets, as if it had been given up.
pub(super) fn without(busy: &mut Busy, booking: &Booking) {
    let of_person = busy.sheets.get_mut(&booking.staff).into_iter().flatten();
    for sheet in of_person {
        *sheet = sheet.without(&booking.id);
    }
}
