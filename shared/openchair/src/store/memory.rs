mod bookings;
mod outbox;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;

use super::booking_store::HoldCount;
use super::{CachedCalendar, CachedCalendars, Consistency, Lease, Sheets, Store, StoreError};
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey};
use salon::day_sheet::DaySheet;
use salon::service::StaffId;
use salon::staff_calendar::CalendarReading;

/// A store in memory, for tests and simulations. Its clones share what it holds.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Arc<Mutex<State>>);

/// All that a store in memory holds of bookings, at one moment.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Contents<'a> {
    /// The day sheets.
    pub sheets: &'a BTreeMap<(StaffId, Date), DaySheet>,
    /// The bookings.
    pub bookings: &'a HashMap<BookingId, Booking>,
    /// The unpaid holds of each key.
    pub counts: &'a HashMap<HoldKey, HoldCount>,
}

#[derive(Debug, Default)]
struct State {
    sheets: BTreeMap<(StaffId, Date), DaySheet>,
    calendars: HashMap<StaffId, CachedCalendar>,
    bookings: bookings::Bookings,
    markers: outbox::Markers,
    reads: usize,
    is_down: bool,
}

impl MemoryStore {
    /// Puts a day sheet.
    pub fn put_sheet(&self, staff: StaffId, date: Date, sheet: DaySheet) {
        self.state().sheets.insert((staff, date), sheet);
    }

    /// Makes every call fail, or not.
    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Returns how often day sheets have been asked for.
    pub fn reads(&self) -> usize {
        self.state().reads
    }

    /// Looks at all that it holds of bookings.
    pub fn inspect<T>(&self, look: impl FnOnce(Contents<'_>) -> T) -> T {
        let state = self.state();
        let bookings = &state.bookings;
        look(Contents {
            sheets: &state.sheets,
            bookings: &bookings.by_id,
            counts: &bookings.counts,
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn ask(&self, asked: &'static str) -> Result<MutexGuard<'_, State>, StoreError> {
        // Let others run, as a store behind a network does.
        tokio::task::yield_now().await;
        let state = self.state();
        if state.is_down {
            return Err(StoreError::Unavailable { asked, source: "it is down".into() });
        }
        Ok(state)
    }
}

impl Store for MemoryStore {
    async fn sheets(
        &self,
        staff: &[&StaffId],
        horizon: DateRange,
        _: Consistency,
    ) -> Result<Sheets, StoreError> {
        self.state().reads += 1;
        let state = self.ask("day sheets").await?;
        let sheets = |id: &StaffId| {
            let days = (id.clone(), horizon.first)..=(id.clone(), horizon.last);
            state.sheets.range(days).map(|(_, sheet)| sheet.clone()).collect()
        };
        Ok(staff.iter().map(|id| ((*id).clone(), sheets(id))).collect())
    }

    async fn calendars(
        &self,
        staff: &[&StaffId],
        _: Consistency,
    ) -> Result<CachedCalendars, StoreError> {
        let state = self.ask("calendars").await?;
        let item = |id: &&StaffId| Some(((*id).clone(), state.calendars.get(*id)?.clone()));
        Ok(staff.iter().filter_map(item).collect())
    }

    async fn take_lease(
        &self,
        staff: &StaffId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        let mut state = self.ask("a lease").await?;
        let item = state.calendars.entry(staff.clone()).or_default();
        let is_fresh = item.reading.as_ref().is_some_and(|reading| reading.is_fresh(now));
        if is_fresh || item.lease_until.is_some_and(|lease| now < lease) {
            return Ok(Lease::Refused(item.clone()));
        }
        item.lease_until = Some(until);
        Ok(Lease::Taken)
    }

    async fn put_reading(
        &self,
        staff: &StaffId,
        reading: &CalendarReading,
    ) -> Result<(), StoreError> {
        let mut state = self.ask("keeping a reading").await?;
        let item = state.calendars.entry(staff.clone()).or_default();
        if item.reading.as_ref().is_none_or(|kept| kept.read_at <= reading.read_at) {
            *item = CachedCalendar { reading: Some(reading.clone()), lease_until: None };
        }
        Ok(())
    }

    async fn move_lease(
        &self,
        staff: &StaffId,
        taken_until: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.ask("moving a lease").await?;
        let item = state.calendars.entry(staff.clone()).or_default();
        if item.lease_until == Some(taken_until) {
            item.lease_until = Some(until);
        }
        Ok(())
    }
}
