//! How often a checkout waits for the table: twice before Stripe, once after.

use std::sync::{Arc, Mutex};

use checkout::Checkout;
use jiff::{SignedDuration, Timestamp};
use openchair::bookings::Bookings;
use openchair::busy::{BusyReader, NoCalendars};
use openchair::random::Random;
use openchair::store::booking_store::{
    BookingChange, BookingStore, ReservationContext, WriteOutcome,
};
use openchair::store::{
    CachedCalendars, Consistency, Lease, MemoryStore, Sheets, Store, StoreError,
};
use salon::DateRange;
use salon::booking::{Booking, BookingId, HoldKey, RequestKey};
use salon::service::StaffId;
use salon::staff_calendar::CalendarReading;
use serde_json::json;

use crate::harness::{Harness, checkout, wish};

/// Notes which calls are made, and which of them at the same time.
#[derive(Clone, Default)]
struct Noting {
    store: MemoryStore,
    /// Each round trip: the calls that were on their way together.
    trips: Arc<Mutex<Vec<Vec<&'static str>>>>,
    on_their_way: Arc<Mutex<usize>>,
}

impl Noting {
    async fn note<T>(&self, call: &'static str, answer: impl Future<Output = T> + Send) -> T {
        {
            let mut on_their_way = self.on_their_way.lock().expect("no panic");
            let mut trips = self.trips.lock().expect("no panic");
            match trips.last_mut() {
                Some(trip) if *on_their_way > 0 => trip.push(call),
                _ => trips.push(vec![call]),
            }
            *on_their_way += 1;
        }
        let answer = answer.await;
        *self.on_their_way.lock().expect("no panic") -= 1;
        answer
    }
}

impl Store for Noting {
    async fn sheets(
        &self,
        staff: &[&StaffId],
        horizon: DateRange,
        consistency: Consistency,
    ) -> Result<Sheets, StoreError> {
        self.note("sheets", self.store.sheets(staff, horizon, consistency)).await
    }

    async fn calendars(
        &self,
        staff: &[&StaffId],
        consistency: Consistency,
    ) -> Result<CachedCalendars, StoreError> {
        self.note("calendars", self.store.calendars(staff, consistency)).await
    }

    async fn take_lease(
        &self,
        staff: &StaffId,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Lease, StoreError> {
        self.note("lease", self.store.take_lease(staff, now, until)).await
    }

    async fn put_reading(
        &self,
        staff: &StaffId,
        reading: &CalendarReading,
    ) -> Result<(), StoreError> {
        self.note("reading", self.store.put_reading(staff, reading)).await
    }

    async fn move_lease(
        &self,
        staff: &StaffId,
        taken_until: Timestamp,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.note("lease", self.store.move_lease(staff, taken_until, until)).await
    }
}

impl BookingStore for Noting {
    async fn booking(&self, id: &BookingId) -> Result<Option<Booking>, StoreError> {
        self.note("booking", self.store.booking(id)).await
    }

    async fn reservation_context(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> Result<ReservationContext, StoreError> {
        self.note("reservation_context", self.store.reservation_context(counts, request)).await
    }

    async fn write(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        self.note("write", self.store.write(change)).await
    }

    async fn record_poll(
        &self,
        id: &BookingId,
        now: Timestamp,
        pause: SignedDuration,
    ) -> Result<bool, StoreError> {
        self.note("question", self.store.record_poll(id, now, pause)).await
    }

    async fn bookings_to_check(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<BookingId>, StoreError> {
        self.note("due", self.store.bookings_to_check(now, limit)).await
    }
}

#[tokio::test]
async fn a_checkout_waits_twice_for_the_table_before_stripe_and_once_after() {
    let harness = Harness::new().await;
    let store = Noting::default();
    let reader = BusyReader::new(store.clone(), NoCalendars, harness.clock.clone());
    let salon = Arc::new(harness.salon.clone());
    let bookings = Bookings::new(salon, reader, harness.stripe(), Random::seeded(7));
    let function = Checkout::new(bookings, harness.clock.clone());
    let event = checkout(&wish(json!({}))).header("idempotency-key", "a-random-key-of-a-page");
    assert_eq!(function.handle(event.request()).await.status(), 201);
    let trips = std::mem::take(&mut *store.trips.lock().expect("no panic"));
    assert_eq!(trips, [vec!["sheets", "reservation_context"], vec!["write"], vec!["write"]]);
    assert_eq!(harness.sessions_asked_for(), 1);

    assert_eq!(function.handle(event.request()).await.status(), 200);
    let trips = std::mem::take(&mut *store.trips.lock().expect("no panic"));
    assert_eq!(
        trips,
        [vec!["sheets", "reservation_context"], vec!["booking"]],
        "and a repeat twice"
    );
}
