use std::cell::Cell;
use std::future::ready;
use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::busy::{BusyReader, NoCalendars};
use crate::clock::Clock;
use crate::random::Random;
use crate::store::booking_store::{BookingState, ReservationContext, UnsettledBooking};
use crate::store::{Consistency, Lease, Readings, Sheets};
use salon::booking::{HoldKey, RequestKey};
use salon::service::StaffId;
use salon::staff_calendar::CalendarReading;
use salon::{DateRange, salon_file};

/// A store of one booking at most. Nothing else of it is used.
#[derive(Clone, Default)]
struct OneBooking(Arc<Mutex<Option<Booking>>>);

impl OneBooking {
    fn get(&self) -> Option<Booking> {
        self.0.lock().expect("no panic").clone()
    }

    /// Changes the booking as another writer does.
    fn change(&self, change: impl FnOnce(&mut Booking)) {
        let mut stored = self.0.lock().expect("no panic");
        let booking = stored.as_mut().expect("a booking");
        change(booking);
        booking.version += 1;
    }
}

impl Store for OneBooking {
    async fn sheets(
        &self,
        _: &[&StaffId],
        _: DateRange,
        _: Consistency,
    ) -> Result<Sheets, StoreError> {
        unreachable!()
    }

    async fn readings(&self, _: &[&StaffId], _: Consistency) -> Result<Readings, StoreError> {
        unreachable!()
    }

    async fn take_lease(
        &self,
        _: &StaffId,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Lease, StoreError> {
        unreachable!()
    }

    async fn put_reading(&self, _: &StaffId, _: &CalendarReading) -> Result<(), StoreError> {
        unreachable!()
    }

    async fn move_lease(&self, _: &StaffId, _: Timestamp, _: Timestamp) -> Result<(), StoreError> {
        unreachable!()
    }
}

impl BookingStore for OneBooking {
    async fn booking(&self, _: &BookingId) -> Result<Option<Booking>, StoreError> {
        Ok(self.get())
    }

    async fn reservation_context(
        &self,
        _: &[HoldKey],
        _: Option<&RequestKey>,
    ) -> Result<ReservationContext, StoreError> {
        unreachable!()
    }

    async fn write(&self, change: &BookingChange<'_>) -> Result<WriteOutcome, StoreError> {
        if self.get().is_none_or(|stored| stored.version != change.booking.version) {
            return Ok(WriteOutcome::Conflict);
        }
        let written = Booking { version: change.booking.version + 1, ..change.booking.clone() };
        *self.0.lock().expect("no panic") = Some(written.clone());
        Ok(WriteOutcome::Written(written))
    }

    async fn record_poll(
        &self,
        _: &BookingId,
        _: Timestamp,
        _: SignedDuration,
    ) -> Result<bool, StoreError> {
        unreachable!()
    }

    async fn count_bare_deposit(
        &self,
        _: &HoldKey,
        _: Timestamp,
        _: u16,
    ) -> Result<bool, StoreError> {
        unreachable!()
    }

    async fn unsettled_bookings(&self, _: usize) -> Result<Vec<UnsettledBooking>, StoreError> {
        unreachable!()
    }

    async fn booking_states(&self, _: &[BookingId]) -> Result<Vec<BookingState>, StoreError> {
        unreachable!()
    }
}

fn bookings(store: &OneBooking) -> Bookings<OneBooking, NoCalendars, ()> {
    let salon = salon_file::parse(salon_file::COMPILED_IN).expect("a salon");
    let reader = BusyReader::new(store.clone(), NoCalendars, Clock::manual(Timestamp::UNIX_EPOCH));
    Bookings::new(Arc::new(salon), reader, (), Random::seeded(7))
}

fn stored(booking: Booking) -> OneBooking {
    OneBooking(Arc::new(Mutex::new(Some(booking))))
}

#[tokio::test]
async fn an_update_that_loses_a_version_race_keeps_both_changes() {
    let before = testing::booking();
    // The first attempt gets the booking from the store, or from the caller.
    for known in [None, Some(&before)] {
        let store = stored(before.clone());
        let attempts = Cell::new(0);
        let updated = bookings(&store)
            .update(&before.id, known, |mut booking: Booking| {
                attempts.update(|attempts| attempts + 1);
                if attempts.get() == 1 {
                    store.change(|stored| stored.has_conflict = !stored.has_conflict);
                }
                booking.check_at = Some(Timestamp::MAX);
                let update = BookingUpdate::only(booking);
                ready(Ok::<_, StoreError>(Decision::Write(update, attempts.get())))
            })
            .await;
        let expected = Booking {
            version: before.version + 2,
            has_conflict: !before.has_conflict,
            check_at: Some(Timestamp::MAX),
            ..before.clone()
        };
        assert_eq!(updated.expect("the store is up"), Some((expected.clone(), 2)));
        assert_eq!(store.get(), Some(expected));
    }
}

#[tokio::test]
async fn an_update_gives_up_after_the_last_attempt() {
    let store = stored(testing::booking());
    let attempts = Cell::new(0);
    let updated = bookings(&store)
        .update(&testing::booking().id, None, |_| {
            attempts.update(|attempts| attempts + 1);
            ready(Ok::<Decision<()>, StoreError>(Decision::Conflict))
        })
        .await;
    assert!(matches!(updated, Err(StoreError::Unavailable { .. })), "{updated:?}");
    assert_eq!(attempts.get(), MAX_ATTEMPTS);
    assert_eq!(store.get(), Some(testing::booking()), "nothing was written");
}

#[tokio::test]
async fn a_booking_that_does_not_exist_is_not_updated() {
    let updated = bookings(&OneBooking::default())
        .update(&testing::booking().id, None, |booking| {
            ready(Ok::<_, StoreError>(Decision::Write(BookingUpdate::only(booking), ())))
        })
        .await;
    assert_eq!(updated.expect("the store is up"), None);
}
