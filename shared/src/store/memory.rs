use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;

use jiff::Timestamp;
use jiff::civil::Date;

use super::{Consistency, Store, StoreError};
use crate::domain::availability::BusyTimes;
use crate::domain::day_sheet::DaySheet;
use crate::domain::interval::IntervalSet;
use crate::domain::salon::Horizon;
use crate::domain::service::StaffId;

/// A store in memory, for tests and simulations.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    sheets: BTreeMap<(StaffId, Date), DaySheet>,
    calendars: HashMap<StaffId, IntervalSet<Timestamp>>,
    reads: usize,
    is_down: bool,
}

impl MemoryStore {
    /// Puts a day sheet.
    pub fn put_sheet(&self, staff: StaffId, date: Date, sheet: DaySheet) {
        self.state().sheets.insert((staff, date), sheet);
    }

    /// Puts a calendar's busy times.
    pub fn put_calendar(&self, staff: StaffId, busy: IntervalSet<Timestamp>) {
        self.state().calendars.insert(staff, busy);
    }

    /// Makes every call fail, or not.
    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Returns how often the busy times have been asked for.
    pub fn reads(&self) -> usize {
        self.state().reads
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    async fn busy_times(
        &self,
        staff: &[&StaffId],
        horizon: Horizon,
        now: Timestamp,
        _: Consistency,
    ) -> Result<BusyTimes, StoreError> {
        // Let others run, as a store behind a network does.
        tokio::task::yield_now().await;
        let mut state = self.state();
        state.reads += 1;
        if state.is_down {
            return Err(StoreError::Unavailable {
                asked: "busy times",
                source: "it is down".into(),
            });
        }
        let busy = |id: &StaffId| {
            let sheets =
                state.sheets.range((id.clone(), horizon.first)..=(id.clone(), horizon.last));
            let entries = sheets.map(|(_, sheet)| sheet.busy(now));
            let calendar = state.calendars.get(id).cloned().unwrap_or_default();
            entries.fold(calendar, |all, sheet| all.union(&sheet))
        };
        Ok(staff.iter().map(|id| ((*id).clone(), busy(id))).collect())
    }
}
