//! The table, in memory.

mod memory_bookings;
mod memory_markers;
mod store_hook;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use openchair::store::booking_store::HoldCount;
use openchair::store::{Consistency, Lease, Readings, Sheets, Store, StoreError};
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey};
use salon::day_sheet::DaySheet;
use salon::service::StaffId;
use salon::staff_calendar::CalendarReading;

pub use self::store_hook::{Call, Fault, Hook, Outcome};

/// A store in memory. Its clones share one table.
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    hook: Arc<Mutex<Option<Arc<dyn Hook>>>>,
}

/// All that the table holds of bookings, at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    pub sheets: &'a BTreeMap<(StaffId, Date), DaySheet>,
    pub bookings: &'a HashMap<BookingId, Booking>,
    /// The unpaid holds of each key.
    pub counts: &'a HashMap<HoldKey, HoldCount>,
}

impl Contents<'_> {
    /// Checks that no two entries of a staff member overlap, and that the entries are
    /// those of the bookings.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn check(&self) -> Result<(), String> {
        let mut entries = 0;
        for ((staff, date), sheet) in self.sheets {
            let mut free_from = Timestamp::MIN;
            for entry in sheet.entries() {
                if entry.appointment.start() < free_from {
                    return Err(format!("{staff} is busy until {free_from}, but has {entry:?}"));
                }
                free_from = free_from.max(entry.free_from);
                let booking = self.bookings.get(&entry.booking_id);
                let booking = booking.filter(|it| it.staff == *staff && it.date == *date);
                if booking.and_then(Booking::entry).as_ref() != Some(entry) {
                    return Err(format!("{staff} has an entry unlike its booking: {entry:?}"));
                }
                entries += 1;
            }
        }
        let mut line: Vec<_> =
            self.sheets.values().flat_map(|sheet| sheet.line().iter().cloned()).collect();
        let mut expected: Vec<_> =
            self.bookings.values().filter_map(Booking::place_in_line).collect();
        line.sort_by(|a, b| a.booking_id.cmp(&b.booking_id));
        expected.sort_by(|a, b| a.booking_id.cmp(&b.booking_id));
        if line != expected {
            return Err(format!("in line are {line:?}, but should be {expected:?}"));
        }
        let expected = self.bookings.values().filter(|it| it.entry().is_some()).count();
        if entries == expected {
            return Ok(());
        }
        Err(format!("{expected} bookings take up time, but there are {entries} entries"))
    }
}

#[derive(Debug, Default)]
struct State {
    sheets: BTreeMap<(StaffId, Date), DaySheet>,
    readings: Readings,
    /// When the last lease of each person ends.
    leases: HashMap<StaffId, Timestamp>,
    bookings: memory_bookings::Bookings,
    markers: memory_markers::Markers,
    is_down: bool,
}

impl MemoryStore {
    /// Returns another handle of the same table, whose calls run `hook`.
    #[must_use]
    pub fn with_hook(&self, hook: impl Hook + 'static) -> Self {
        Self { state: Arc::clone(&self.state), hook: Arc::new(Mutex::new(Some(Arc::new(hook)))) }
    }

    /// Runs `hook` at every later call of this handle and its clones, in place of the hook
    /// before it.
    pub fn set_hook(&self, hook: impl Hook + 'static) {
        *self.hook.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(hook));
    }

    /// Makes every later call of every handle fail, or no longer.
    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Replaces a day sheet.
    pub fn put_sheet(&self, staff: StaffId, date: Date, sheet: DaySheet) {
        self.state().sheets.insert((staff, date), sheet);
    }

    /// Calls `look` with the table's contents.
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hook(&self) -> Option<Arc<dyn Hook>> {
        self.hook.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs the hook before the effect of a call.
    async fn before(&self, call: Call<'_>) -> Result<(), Fault> {
        match self.hook() {
            Some(hook) => hook.before(call).await?,
            None => store_hook::let_others_run().await,
        }
        if self.state().is_down { Err(call.unavailable().into()) } else { Ok(()) }
    }

    /// Runs the hook after the effect of a call.
    async fn after(&self, call: Call<'_>, outcome: Outcome<'_>) -> Result<(), StoreError> {
        match self.hook() {
            Some(hook) => hook.after(call, outcome).await,
            None => Ok(()),
        }
    }

    /// Makes a call whose outcome no hook needs to know.
    async fn call<T>(
        &self,
        call: Call<'_>,
        effect: impl FnOnce(&mut State) -> T,
    ) -> Result<T, StoreError> {
        self.call_with_outcome(call, effect, |_| Outcome::Done).await
    }

    async fn call_with_outcome<T>(
        &self,
        call: Call<'_>,
        effect: impl FnOnce(&mut State) -> T,
        outcome: impl FnOnce(&T) -> Outcome<'_>,
    ) -> Result<T, StoreError> {
        self.before(call).await.map_err(|fault| match fault {
            Fault::Error(error) => error,
            Fault::Conflict => call.unavailable(),
        })?;
        let answer = effect(&mut self.state());
        self.after(call, outcome(&answer)).await?;
        Ok(answer)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    async fn sheets(
        &self,
        staff: &[&StaffId],
        horizon: DateRange,
        _: Consistency,
    ) -> Result<Sheets, StoreError> {
        self.call(Call::Sheets, |state| {
            let sheets = |id: &StaffId| {
                let days = (id.clone(), horizon.first)..=(id.clone(), horizon.last);
                state.sheets.range(days).map(|(_, sheet)| sheet.clone()).collect()
            };
            staff.iter().map(|id| ((*id).clone(), sheets(id))).collect()
        })
        .await
    }

    async fn readings(&self, staff: &[&StaffId], _: Consistency) -> Result<Readings, StoreError> {
        self.call(Call::Readings, |state| {
            let reading = |id: &&StaffId| Some(((*id).clone(), state.readings.get(*id)?.clone()));
            staff.iter().filter_map(reading).collect()
        })
        .await
    }

    async fn take_lease(
        &self,
        staff: &StaffId,
        looked_at: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.call(Call::TakeLease(staff), |state| {
            if state.leases.get(staff).is_some_and(|end| looked_at < *end) {
                return Lease::Refused;
            }
            state.leases.insert(staff.clone(), until);
            Lease::Taken
        })
        .await
    }

    async fn put_reading(
        &self,
        staff: &StaffId,
        reading: &CalendarReading,
    ) -> Result<(), StoreError> {
        self.call(Call::PutReading(staff), |state| {
            if state.readings.get(staff).is_none_or(|kept| kept.read_at <= reading.read_at) {
                state.readings.insert(staff.clone(), reading.clone());
            }
        })
        .await
    }

    async fn move_lease(
        &self,
        staff: &StaffId,
        taken_until: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.call(Call::MoveLease(staff), |state| {
            if let Some(end) = state.leases.get_mut(staff)
                && *end == taken_until
            {
                *end = until;
            }
        })
        .await
    }
}
