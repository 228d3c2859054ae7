//! What a payment finds at the salon: whether the time is still free.

use std::collections::HashMap;

use futures_util::try_join;

use super::Bookings;
use super::settle::SettleError;
use crate::busy::{Busy, Origin};
use crate::payments::Payments;
use crate::store::Consistency;
use crate::store::booking_store::BookingStore;
use salon::DateRange;
use salon::booking::{Booking, PaymentContext, State};
use salon::day_sheet::DaySheet;
use salon::service::{StaffId, StaffMember};

/// What a payment finds at the salon, and the day sheets that show it.
#[derive(Default)]
pub(super) struct PaymentFindings {
    pub(super) context: PaymentContext,
    /// The day sheets of the booking's date.
    pub(super) sheets: HashMap<StaffId, DaySheet>,
}

impl<S: BookingStore, O: Origin, P: Payments> Bookings<S, O, P> {
    /// Looks up what a payment finds at the salon. The notice period no longer
    /// counts; other bookings and calendars do.
    ///
    /// # Errors
    /// When the booking has lost its time and it is unknown whether anyone is
    /// free, or when the table cannot be read.
    pub(super) async fn payment_findings(
        &self,
        booking: &Booking,
    ) -> Result<PaymentFindings, SettleError> {
        let has_lost_time = booking.state == State::Expired;
        // Whoever the client has named is never replaced.
        let is_replaceable = has_lost_time && !booking.is_staff_named;
        let is_candidate = |member: &&StaffMember| {
            member.id == booking.staff || (is_replaceable && member.performs(&booking.service))
        };
        let candidates: Vec<&StaffMember> = self.salon.staff.iter().filter(is_candidate).collect();
        let day = DateRange::single(booking.date);
        let busy = self.reader.read_days(&self.salon, &candidates, day, Consistency::Strong);
        // The hold is on this sheet even if its owner no longer works here.
        let own_sheet = self.sheet(&booking.staff, booking.date);
        let (Busy { sheets, calendars, .. }, own_sheet) = try_join!(busy, own_sheet)?;
        let mut sheets: HashMap<StaffId, DaySheet> = sheets
            .into_iter()
            .map(|(id, sheets)| (id, sheets.into_iter().next().unwrap_or_default()))
            .collect();
        sheets.insert(booking.staff.clone(), own_sheet);

        let time = booking.taken();
        let own_calendar = calendars.get(&booking.staff);
        let has_conflict = own_calendar.is_some_and(|calendar| calendar.overlaps(&time));
        let mut free: Option<&StaffId> = None;
        let mut is_anyone_unknown = false;
        if has_lost_time {
            for StaffMember { id, .. } in candidates {
                let has_room = sheets.get(id).is_some_and(|sheet| {
                    !sheet.is_taken_by_another(time, &booking.id) && !sheet.is_wanted(time)
                });
                if !has_room {
                    continue;
                }
                match calendars.get(id) {
                    None => is_anyone_unknown = true,
                    Some(calendar) if calendar.overlaps(&time) => {}
                    // Prefers the person whom the client expects.
                    Some(_) if free.is_none() || *id == booking.staff => free = Some(id),
                    Some(_) => {}
                }
            }
        }
        if free.is_none() && is_anyone_unknown {
            return Err(SettleError::CalendarUnknown);
        }
        let context = PaymentContext { has_conflict, free: free.cloned() };
        Ok(PaymentFindings { context, sheets })
    }
}
