use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{MemoryStore, State};
use crate::store::StoreError;
use crate::store::booking_store::{
    BookingChange, BookingStore, HoldCount, HoldCountChange, RequestKeyChange, ReservationContext,
    StoredRequest, WriteOutcome,
};
use salon::booking::{Booking, BookingId, HoldKey, RequestKey};
use salon::day_sheet::DaySheet;

/// The items of bookings.
#[derive(Debug, Default)]
pub(super) struct Bookings {
    pub(super) by_id: HashMap<BookingId, Booking>,
    questions: HashMap<BookingId, Timestamp>,
    pub(super) counts: HashMap<HoldKey, HoldCount>,
    requests: HashMap<RequestKey, StoredRequest>,
}

impl MemoryStore {
    /// Returns all bookings.
    pub fn bookings(&self) -> Vec<Booking> {
        self.state().bookings.by_id.values().cloned().collect()
    }

    /// Puts a booking, as it is.
    pub fn put_booking(&self, booking: Booking) {
        self.state().bookings.by_id.insert(booking.id.clone(), booking);
    }
}

impl State {
    /// Tells whether all that a change is built on is still as it was read.
    fn is_current(&self, change: &BookingChange<'_>) -> bool {
        let kept = &self.bookings;
        let version = kept.by_id.get(&change.booking.id).map_or(0, |booking| booking.version);
        let sheet_is = change.sheet.is_none_or(|(staff, date, sheet)| {
            let known = self.sheets.get(&(staff.clone(), date));
            known.map_or(0, DaySheet::version) + 1 == sheet.version()
        });
        let counts_are = match change.hold_counts {
            HoldCountChange::None | HoldCountChange::Release => true,
            HoldCountChange::Set(counts) => counts.iter().all(|(key, count)| {
                kept.counts.get(key).map_or(0, |known| known.version) + 1 == count.version
            }),
        };
        let request_is = match change.request_key {
            RequestKeyChange::None => true,
            RequestKeyChange::Delete(key) => {
                let known = kept.requests.get(key);
                known.is_none_or(|known| known.booking_id == change.booking.id)
            }
            RequestKeyChange::Store { key, now, .. } => {
                kept.requests.get(key).is_none_or(|known| known.until <= now)
            }
        };
        version == change.booking.version && sheet_is && counts_are && request_is
    }

    /// Makes a change. Returns the booking as it is stored.
    fn make(&mut self, change: &BookingChange<'_>) -> Booking {
        let mut booking = change.booking.clone();
        booking.version += 1;
        if let Some((staff, date, sheet)) = change.sheet {
            self.sheets.insert((staff.clone(), date), sheet.clone());
        }
        let kept = &mut self.bookings;
        match change.hold_counts {
            HoldCountChange::None => {}
            HoldCountChange::Set(counts) => kept.counts.extend(counts.iter().cloned()),
            HoldCountChange::Release => {
                for key in &booking.hold_keys {
                    let count = kept.counts.entry(key.clone()).or_default();
                    count.version += 1;
                    count.holds.remove(&booking.id);
                }
            }
        }
        match change.request_key {
            RequestKeyChange::None => {}
            RequestKeyChange::Store { key, request, .. } => {
                kept.requests.insert(key.clone(), request.clone());
            }
            RequestKeyChange::Delete(key) => {
                kept.requests.remove(key);
            }
        }
        kept.by_id.insert(booking.id.clone(), booking.clone());
        booking
    }
}

impl BookingStore for MemoryStore {
    async fn booking(&self, id: &BookingId) -> Result<Option<Booking>, StoreError> {
        let state = self.ask("a booking").await?;
        Ok(state.bookings.by_id.get(id).cloned())
    }

    async fn reservation_context(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> Result<ReservationContext, StoreError> {
        let state = self.ask("unpaid holds").await?;
        let kept = &state.bookings;
        let count =
            |key: &HoldKey| (key.clone(), kept.counts.get(key).cloned().unwrap_or_default());
        Ok(ReservationContext {
            hold_counts: counts.iter().map(count).collect(),
            request: request.and_then(|key| kept.requests.get(key).cloned()),
        })
    }

    async fn write(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        let mut state = self.ask("a booking's change").await?;
        if !state.is_current(change) {
            return Ok(WriteOutcome::Conflict);
        }
        Ok(WriteOutcome::Written(state.make(change)))
    }

    async fn record_poll(
        &self,
        id: &BookingId,
        now: Timestamp,
        pause: SignedDuration,
    ) -> Result<bool, StoreError> {
        let mut state = self.ask("noting a question").await?;
        let questions = &mut state.bookings.questions;
        let is_due = questions.get(id).is_none_or(|last| now.duration_since(*last) >= pause);
        if is_due {
            questions.insert(id.clone(), now);
        }
        Ok(is_due)
    }

    async fn bookings_to_check(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<BookingId>, StoreError> {
        let state = self.ask("what is due").await?;
        let is_due = |booking: &&Booking| booking.check_at.is_some_and(|at| at <= now);
        let mut due: Vec<_> = state.bookings.by_id.values().filter(is_due).collect();
        due.sort_by_key(|booking| (booking.check_at, booking.id.clone()));
        Ok(due.into_iter().take(limit).map(|booking| booking.id.clone()).collect())
    }
}
