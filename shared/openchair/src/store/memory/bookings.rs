use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::{MemoryStore, State};
use crate::store::StoreError;
use crate::store::bookings::{
    BookingStore, Change, CountChange, HoldCount, KeptRequest, Precedents, RequestChange, Written,
};
use salon::booking::{Booking, BookingId, HoldKey, RequestKey};
use salon::day_sheet::DaySheet;

/// The items of bookings.
#[derive(Debug, Default)]
pub(super) struct Bookings {
    pub(super) by_id: HashMap<BookingId, Booking>,
    questions: HashMap<BookingId, Timestamp>,
    pub(super) counts: HashMap<HoldKey, HoldCount>,
    requests: HashMap<RequestKey, KeptRequest>,
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
    fn is_current(&self, change: &Change<'_>) -> bool {
        let kept = &self.bookings;
        let version = kept.by_id.get(&change.booking.id).map_or(0, |booking| booking.version);
        let sheet_is = change.sheet.is_none_or(|(staff, date, sheet)| {
            let known = self.sheets.get(&(staff.clone(), date));
            known.map_or(0, DaySheet::version) + 1 == sheet.version()
        });
        let counts_are = match change.counts {
            CountChange::None | CountChange::Release => true,
            CountChange::Take(counts) => counts.iter().all(|(key, count)| {
                kept.counts.get(key).map_or(0, |known| known.version) + 1 == count.version
            }),
        };
        let request_is = match change.request {
            RequestChange::None => true,
            RequestChange::Forget(key) => {
                let known = kept.requests.get(key);
                known.is_none_or(|known| known.booking_id == change.booking.id)
            }
            RequestChange::Keep { key, now, .. } => {
                kept.requests.get(key).is_none_or(|known| known.until <= now)
            }
        };
        version == change.booking.version && sheet_is && counts_are && request_is
    }

    fn make(&mut self, change: &Change<'_>) {
        let mut booking = change.booking.clone();
        booking.version += 1;
        if let Some((staff, date, sheet)) = change.sheet {
            self.sheets.insert((staff.clone(), date), sheet.clone());
        }
        let kept = &mut self.bookings;
        match change.counts {
            CountChange::None => {}
            CountChange::Take(counts) => kept.counts.extend(counts.iter().cloned()),
            CountChange::Release => {
                for key in &booking.hold_keys {
                    let count = kept.counts.entry(key.clone()).or_default();
                    count.version += 1;
                    count.holds.remove(&booking.id);
                }
            }
        }
        match change.request {
            RequestChange::None => {}
            RequestChange::Keep { key, request, .. } => {
                kept.requests.insert(key.clone(), request.clone());
            }
            RequestChange::Forget(key) => {
                kept.requests.remove(key);
            }
        }
        kept.by_id.insert(booking.id.clone(), booking);
    }
}

impl BookingStore for MemoryStore {
    async fn booking(&self, id: &BookingId) -> Result<Option<Booking>, StoreError> {
        let state = self.ask("a booking").await?;
        Ok(state.bookings.by_id.get(id).cloned())
    }

    async fn precedents(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> Result<Precedents, StoreError> {
        let state = self.ask("unpaid holds").await?;
        let kept = &state.bookings;
        let count =
            |key: &HoldKey| (key.clone(), kept.counts.get(key).cloned().unwrap_or_default());
        Ok(Precedents {
            counts: counts.iter().map(count).collect(),
            request: request.and_then(|key| kept.requests.get(key).cloned()),
        })
    }

    async fn write(&self, change: &Change<'_>) -> Result<Written, StoreError> {
        let mut state = self.ask("a booking's change").await?;
        if !state.is_current(change) {
            return Ok(Written::Conflict);
        }
        state.make(change);
        Ok(Written::Done)
    }

    async fn note_question(
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

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<BookingId>, StoreError> {
        let state = self.ask("what is due").await?;
        let is_due = |booking: &&Booking| booking.check_at.is_some_and(|at| at <= now);
        let mut due: Vec<_> = state.bookings.by_id.values().filter(is_due).collect();
        due.sort_by_key(|booking| (booking.check_at, booking.id.clone()));
        Ok(due.into_iter().take(limit).map(|booking| booking.id.clone()).collect())
    }
}
