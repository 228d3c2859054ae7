//! The table: in memory, and now and then out of reach.

mod outbox;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

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

use super::bug::Bug;
use super::telling::Told;
use super::trace::Trace;

/// How often a change is written whose day sheet is not compared.
const UNCHECKED_TRIES: u32 = 10;

/// The table of a schedule, as some of its users reach it.
#[derive(Clone, Debug)]
pub(super) struct Table {
    inner: MemoryStore,
    random: Arc<Mutex<fastrand::Rng>>,
    /// How many of a hundred requests go wrong.
    fault_percent: Arc<AtomicU64>,
    changes: Arc<AtomicU64>,
    bug: Option<Bug>,
    /// Where its stream goes.
    told: Told,
    trace: Trace,
}

/// What goes wrong with a request.
enum Fault {
    /// It does not arrive.
    Lost,
    /// It is done, and the answer does not arrive.
    Unanswered,
    /// Another transaction is at work on the same items.
    Conflict,
}

impl Table {
    pub(super) fn new(
        seed: u64,
        fault_percent: u64,
        bug: Option<Bug>,
        told: Told,
        trace: Trace,
    ) -> Self {
        Self {
            inner: MemoryStore::default(),
            random: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
            fault_percent: Arc::new(AtomicU64::new(fault_percent)),
            changes: Arc::default(),
            bug,
            told,
            trace,
        }
    }

    /// Returns the same table, as somebody else reaches it, with luck of their
    /// own.
    pub(super) fn shared(&self, seed: u64, fault_percent: u64) -> Self {
        let (told, trace) = (self.told.clone(), self.trace.clone());
        Self { inner: self.inner.clone(), ..Self::new(seed, fault_percent, self.bug, told, trace) }
    }

    /// Lets nothing go wrong any more.
    pub(super) fn recover(&self) {
        self.fault_percent.store(0, Ordering::Relaxed);
    }

    /// Returns how many changes have been made.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Returns what is in it.
    pub(super) fn contents(&self) -> &MemoryStore {
        &self.inner
    }

    fn fault(&self) -> Option<Fault> {
        let percent = self.fault_percent.load(Ordering::Relaxed);
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        (percent > 0 && random.u64(0..100) < percent).then(|| match random.u8(0..3) {
            0 => Fault::Lost,
            1 => Fault::Unanswered,
            _ => Fault::Conflict,
        })
    }

    /// Waits for the turn of a read, which fails now and then.
    async fn reach(&self, asked: &'static str) -> Result<(), StoreError> {
        match self.fault() {
            Some(Fault::Lost) => {
                tokio::task::yield_now().await;
                Err(self.unavailable(asked))
            }
            _ => Ok(()),
        }
    }

    fn unavailable(&self, asked: &'static str) -> StoreError {
        self.trace.note(|| format!("  table: {asked} failed"));
        StoreError::Unavailable { asked, source: "the simulation says so".into() }
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
                self.told.books().change(&before, change.booking);
            }
        }
        self.trace.note(|| {
            let outcome = if written == WriteOutcome::Conflict { "conflict" } else { "done" };
            let Booking { id, state, version, checkout, .. } = change.booking;
            let session = checkout.session.as_ref().map_or("no session", |session| &session.id);
            format!(
                "  table: {} is {state} (version {version}, attempt {}, {session}): {outcome}",
                short(id),
                checkout.attempt
            )
        });
        Ok(written)
    }

    /// Writes a change as if the day sheet were as it was read.
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

/// Returns enough of an id to tell a schedule's bookings apart.
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
        self.reach("day sheets").await?;
        self.inner.sheets(staff, horizon, consistency).await
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
        self.reach("a booking").await?;
        self.inner.booking(id).await
    }

    async fn reservation_context(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> Result<ReservationContext, StoreError> {
        self.reach("unpaid holds").await?;
        self.inner.reservation_context(counts, request).await
    }

    async fn write(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        const ASKED: &str = "a booking's change";
        match self.fault() {
            None => self.make(change).await,
            Some(Fault::Lost) => Err(self.unavailable(ASKED)),
            Some(Fault::Conflict) => {
                tokio::task::yield_now().await;
                Ok(WriteOutcome::Conflict)
            }
            Some(Fault::Unanswered) => {
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
        self.reach("what is due").await?;
        self.inner.bookings_to_check(now, limit).await
    }
}
