//! The table: in memory, with requests that fail.

mod outbox;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::{SignedDuration, Timestamp};
use openchair::store::booking_store::{
    BookingChange, BookingStore, ReservationContext, WriteOutcome,
};
use openchair::store::{CachedCalendars, Consistency, Lease, Sheets, Store, StoreError};
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey, RequestKey};
use salon::day_sheet::DaySheet;
use salon::service::StaffId;
use salon::staff_calendar::CalendarReading;
use testing::MemoryStore;

use super::decisions::Decisions;
use super::faults::Faults;
use super::notifications::NotificationLog;
use super::planted_bug::Bug;
use super::trace::Trace;

/// How many times a change is written whose day sheet is not compared.
const UNCHECKED_TRIES: u32 = 10;

/// A handle of the table of a schedule. Each handle has its own faults.
#[derive(Clone, Debug)]
pub(super) struct Table {
    inner: MemoryStore,
    faults: Faults,
    changes: Arc<AtomicU64>,
    bug: Option<Bug>,
    /// Receives the table's stream.
    log: NotificationLog,
    trace: Trace,
}

/// How a request fails.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It does not arrive.
    RequestLost,
    /// It has its effect, but the answer does not arrive.
    AnswerLost,
    /// Another transaction is changing the same items.
    Conflict,
}

const FAULTS: [Fault; 3] = [Fault::RequestLost, Fault::AnswerLost, Fault::Conflict];

impl Table {
    pub(super) fn new(
        decisions: Decisions,
        fault_percent: u8,
        bug: Option<Bug>,
        log: NotificationLog,
        trace: Trace,
    ) -> Self {
        let faults = Faults::new(decisions, fault_percent);
        Self { inner: MemoryStore::default(), faults, changes: Arc::default(), bug, log, trace }
    }

    /// Returns another handle of the same table.
    pub(super) fn shared(&self, decisions: Decisions, fault_percent: u8) -> Self {
        let (log, trace) = (self.log.clone(), self.trace.clone());
        Self {
            inner: self.inner.clone(),
            ..Self::new(decisions, fault_percent, self.bug, log, trace)
        }
    }

    /// Lets all later requests succeed.
    pub(super) fn stop_faults(&self) {
        self.faults.stop();
    }

    /// Returns how many changes have been written.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    pub(super) fn contents(&self) -> &MemoryStore {
        &self.inner
    }

    /// Makes a request that only reads.
    async fn read<T>(
        &self,
        asked: &'static str,
        request: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if let Some(Fault::RequestLost) = self.faults.next_of_table(&FAULTS) {
            tokio::task::yield_now().await;
            return Err(self.unavailable(asked));
        }
        let answer = request.await;
        self.trace.call(|| format!("reads {asked}"));
        answer
    }

    fn unavailable(&self, asked: &'static str) -> StoreError {
        self.trace.call(|| format!("the table is asked for {asked} and does not answer"));
        StoreError::Unavailable { asked, source: "injected by the simulation".into() }
    }

    async fn make(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        let before =
            self.inner.inspect(|contents| contents.bookings.get(&change.booking.id).cloned());
        let written = if self.bug == Some(Bug::UncheckedVersion) && change.sheet.is_some() {
            self.make_unchecked(change).await?
        } else {
            self.inner.write(change).await?
        };
        if let WriteOutcome::Written(_) = written {
            self.changes.fetch_add(1, Ordering::Relaxed);
            if let Some(before) = before {
                self.log.entries().add_change(&before, change.booking);
            }
        }
        self.trace.call(|| {
            let Booking { id, state, version, checkout, .. } = change.booking;
            let id = short(id);
            if written == WriteOutcome::Conflict {
                return format!("cannot write {id} ({state}): version {version} is outdated");
            }
            let session = checkout.session.as_ref().map_or("no session", |session| &session.id);
            format!("writes {id}: {state}, version {}, {session}", version + 1)
        });
        Ok(written)
    }

    /// Writes a change as if the day sheet had not changed since it was read.
    async fn make_unchecked(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        let Some((staff, date, sheet)) = change.sheet else {
            return self.inner.write(change).await;
        };
        for _ in 0..UNCHECKED_TRIES {
            let known = self.inner.inspect(|contents| {
                contents.sheets.get(&(staff.clone(), date)).map_or(0, DaySheet::version)
            });
            let sheet = DaySheet::new(known + 1, sheet.entries().cloned().collect());
            let change = BookingChange { sheet: Some((staff, date, &sheet)), ..change.clone() };
            let written = self.inner.write(&change).await?;
            if let WriteOutcome::Written(_) = written {
                return Ok(written);
            }
        }
        Ok(WriteOutcome::Conflict)
    }
}

/// Returns the first characters of an id, which identify it within a schedule.
pub(super) fn short(id: &BookingId) -> &str {
    &id.as_str()[..4]
}

impl Store for Table {
    async fn sheets(
        &self,
        staff: &[&StaffId],
        horizon: DateRange,
        consistency: Consistency,
    ) -> Result<Sheets, StoreError> {
        self.read("day sheets", self.inner.sheets(staff, horizon, consistency)).await
    }

    async fn calendars(
        &self,
        staff: &[&StaffId],
        consistency: Consistency,
    ) -> Result<CachedCalendars, StoreError> {
        self.inner.calendars(staff, consistency).await
    }

    async fn take_lease(
        &self,
        staff: &StaffId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.inner.take_lease(staff, now, until).await
    }

    async fn put_reading(
        &self,
        staff: &StaffId,
        reading: &CalendarReading,
    ) -> Result<(), StoreError> {
        self.inner.put_reading(staff, reading).await
    }

    async fn move_lease(
        &self,
        staff: &StaffId,
        taken_until: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.inner.move_lease(staff, taken_until, until).await
    }
}

impl BookingStore for Table {
    async fn booking(&self, id: &BookingId) -> Result<Option<Booking>, StoreError> {
        self.read("a booking", self.inner.booking(id)).await
    }

    async fn reservation_context(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> Result<ReservationContext, StoreError> {
        self.read("unpaid holds", self.inner.reservation_context(counts, request)).await
    }

    async fn write(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        const ASKED: &str = "a write";
        match self.faults.next_of_table(&FAULTS) {
            None => self.make(change).await,
            Some(Fault::RequestLost) => Err(self.unavailable(ASKED)),
            Some(Fault::Conflict) => {
                tokio::task::yield_now().await;
                let id = short(&change.booking.id);
                self.trace.call(|| format!("cannot write {id}: another transaction is at work"));
                Ok(WriteOutcome::Conflict)
            }
            Some(Fault::AnswerLost) => {
                self.make(change).await?;
                Err(self.unavailable(ASKED))
            }
        }
    }

    async fn record_poll(
        &self,
        id: &BookingId,
        now: Timestamp,
        pause: SignedDuration,
    ) -> Result<bool, StoreError> {
        self.inner.record_poll(id, now, pause).await
    }

    async fn bookings_to_check(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<BookingId>, StoreError> {
        self.read("the bookings to check", self.inner.bookings_to_check(now, limit)).await
    }
}
