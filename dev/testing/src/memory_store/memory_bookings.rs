use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use openchair::store::StoreError;
use openchair::store::booking_store::{
    BookingChange, BookingState, BookingStore, HoldCount, HoldCountChange, RequestKeyChange,
    ReservationContext, StoredRequest, UnsettledBooking, WriteOutcome,
};
use salon::booking::{Booking, BookingId, HoldKey, RequestKey};
use salon::day_sheet::DaySheet;

use super::{Call, Fault, MemoryStore, Outcome, State};

/// The items of bookings.
#[derive(Debug, Default)]
pub(super) struct Bookings {
    pub(super) by_id: HashMap<BookingId, Booking>,
    polls: HashMap<BookingId, Timestamp>,
    pub(super) counts: HashMap<HoldKey, HoldCount>,
    requests: HashMap<RequestKey, StoredRequest>,
    /// Deposits without a booking, by address and hour.
    deposits: HashMap<(HoldKey, Timestamp), u16>,
}

impl MemoryStore {
    /// Returns all bookings.
    pub fn bookings(&self) -> Vec<Booking> {
        self.state().bookings.by_id.values().cloned().collect()
    }

    /// Removes a booking.
    pub fn remove_booking(&self, id: &BookingId) {
        self.state().bookings.by_id.remove(id);
    }

    /// Puts a booking, as it is.
    pub fn put_booking(&self, booking: Booking) {
        self.state().bookings.by_id.insert(booking.id.clone(), booking);
    }
}

impl State {
    /// Returns whether all that a change is built on is still as it was read.
    fn is_current(&self, change: &BookingChange<'_>) -> bool {
        let kept = &self.bookings;
        let version = kept.by_id.get(&change.booking.id).map_or(0, |booking| booking.version);
        let sheet_is = change.sheet.is_none_or(|(staff, date, sheet)| {
            let known = self.sheets.get(&(staff.clone(), date));
            known.map_or(0, DaySheet::version) + 1 == sheet.version()
        });
        let counts_are = match change.hold_counts {
            HoldCountChange::None | HoldCountChange::Release(_) => true,
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
            HoldCountChange::Release(keys) => {
                for key in keys {
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
        self.call(Call::Booking(id), |state| state.bookings.by_id.get(id).cloned()).await
    }

    async fn reservation_context(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> Result<ReservationContext, StoreError> {
        self.call(Call::ReservationContext, |state| {
            let kept = &state.bookings;
            let count =
                |key: &HoldKey| (key.clone(), kept.counts.get(key).cloned().unwrap_or_default());
            ReservationContext {
                hold_counts: counts.iter().map(count).collect(),
                request: request.and_then(|key| kept.requests.get(key).cloned()),
            }
        })
        .await
    }

    async fn write(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        let call = Call::Write(change);
        match self.before(call).await {
            Ok(()) => {}
            Err(Fault::Conflict) => return Ok(WriteOutcome::Conflict),
            Err(Fault::Error(error)) => return Err(error),
        }
        let (previous, written) = {
            let mut state = self.state();
            let previous = state.bookings.by_id.get(&change.booking.id).cloned();
            if state.is_current(change) {
                (previous, WriteOutcome::Written(state.make(change)))
            } else {
                (previous, WriteOutcome::Conflict)
            }
        };
        let outcome = Outcome::Write { previous: previous.as_ref(), written: &written };
        self.after(call, outcome).await?;
        Ok(written)
    }

    async fn record_poll(
        &self,
        id: &BookingId,
        now: Timestamp,
        min_interval: SignedDuration,
    ) -> Result<bool, StoreError> {
        self.call(Call::RecordPoll(id), |state| {
            let polls = &mut state.bookings.polls;
            let is_due = polls.get(id).is_none_or(|last| now.duration_since(*last) >= min_interval);
            if is_due {
                polls.insert(id.clone(), now);
            }
            is_due
        })
        .await
    }

    async fn count_bare_deposit(
        &self,
        address: &HoldKey,
        hour: Timestamp,
        limit: u16,
    ) -> Result<bool, StoreError> {
        self.call(Call::CountBareDeposit, |state| {
            let counted = state.bookings.deposits.entry((address.clone(), hour)).or_default();
            let has_room = *counted < limit;
            *counted += u16::from(has_room);
            has_room
        })
        .await
    }

    async fn unsettled_bookings(&self, limit: usize) -> Result<Vec<UnsettledBooking>, StoreError> {
        self.call(Call::UnsettledBookings, |state| {
            let unsettled = |booking: &Booking| {
                Some(UnsettledBooking { id: booking.id.clone(), check_at: booking.check_at? })
            };
            let mut all: Vec<_> = state.bookings.by_id.values().filter_map(unsettled).collect();
            all.sort_by(|a, b| (a.check_at, &a.id).cmp(&(b.check_at, &b.id)));
            all.truncate(limit);
            all
        })
        .await
    }

    async fn booking_states(&self, ids: &[BookingId]) -> Result<Vec<BookingState>, StoreError> {
        self.call(Call::BookingStates(ids), |state| {
            let state_of = |id: &BookingId| state.bookings.by_id.get(id).map(BookingState::from);
            ids.iter().filter_map(state_of).collect()
        })
        .await
    }
}
