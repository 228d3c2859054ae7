//! What the table does for bookings: one transaction a change.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{Store, StoreError};
use salon::booking::{Booking, BookingId, HoldKey, RequestKey};
use salon::day_sheet::DaySheet;
use salon::service::StaffId;

/// The live unpaid holds that count against one key: the item that a
/// transaction reads and writes, so that two cannot both take the last place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldCount {
    /// How often the item has been written; 0 if it is not there.
    pub version: u64,
    /// Until when each hold counts.
    pub holds: HashMap<BookingId, Timestamp>,
}

impl HoldCount {
    /// Returns how many count at `now`.
    #[must_use]
    pub fn live(&self, now: Timestamp) -> usize {
        self.holds.values().filter(|until| now < **until).count()
    }

    /// Returns the item with one more hold, and without those that are over.
    #[must_use]
    pub fn with(&self, booking: &BookingId, until: Timestamp, now: Timestamp) -> Self {
        let live = self.holds.iter().filter(|(_, until)| now < **until);
        let live = live.map(|(id, until)| (id.clone(), *until));
        let holds = live.chain([(booking.clone(), until)]).collect();
        Self { version: self.version + 1, holds }
    }
}

/// What an `Idempotency-Key` was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRequest {
    /// The booking that came of it.
    pub booking_id: BookingId,
    /// The hash of the request, to tell another one under the same key.
    pub fingerprint: String,
    /// Until when the key is good.
    pub until: Timestamp,
}

/// What a request to reserve has to know of others, read in one round trip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precedents {
    /// The counts of the keys that were asked for; those without a hold are
    /// empty.
    pub counts: HashMap<HoldKey, HoldCount>,
    /// What the idempotency key was used for, also if it is not good any more.
    pub request: Option<KeptRequest>,
}

/// A change of a booking, with all that changes with it: written whole or not
/// at all.
#[derive(Clone, Debug)]
pub struct Change<'a> {
    /// The booking as it shall be. Its version is the one that was read, or 0
    /// for a new one; it is kept as one more.
    pub booking: &'a Booking,
    /// The day sheet as it shall be, if it changes. Its version is one more
    /// than the one that was read.
    pub sheet: Option<(&'a StaffId, Date, &'a DaySheet)>,
    /// What happens to the counts of unpaid holds.
    pub counts: CountChange<'a>,
    /// What happens to the idempotency key.
    pub request: RequestChange<'a>,
}

/// What a change does to the counts of unpaid holds.
#[derive(Clone, Copy, Debug)]
pub enum CountChange<'a> {
    /// Nothing.
    None,
    /// The counts as they shall be. Their versions are one more than read.
    Take(&'a [(HoldKey, HoldCount)]),
    /// The booking counts against its keys no more.
    Release,
}

/// What a change does to an idempotency key.
#[derive(Clone, Copy, Debug)]
pub enum RequestChange<'a> {
    /// Nothing.
    None,
    /// Keeps it, unless it is kept and good at `now` already.
    Keep {
        /// The key.
        key: &'a RequestKey,
        /// What is kept.
        request: &'a KeptRequest,
        /// The time.
        now: Timestamp,
    },
    /// Forgets it, so that it can be used again, unless it is another booking's
    /// by now.
    Forget(&'a RequestKey),
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is made, durably.
    Done,
    /// Somebody else has changed one of the items since they were read, or is
    /// changing it now. Nothing was written: read again.
    Conflict,
}

/// Where bookings are kept.
pub trait BookingStore: Store {
    /// Reads a booking, as of now.
    fn booking(
        &self,
        id: &BookingId,
    ) -> impl Future<Output = Result<Option<Booking>, StoreError>> + Send;

    /// Reads what a request to reserve has to know, as of now.
    fn precedents(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> impl Future<Output = Result<Precedents, StoreError>> + Send;

    /// Makes a change, if nothing that it is built on has changed.
    fn write(
        &self,
        change: &Change<'_>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// Notes that Stripe is asked about a booking at `now`, unless that was
    /// noted less than `pause` ago. Tells whether it was noted.
    fn note_question(
        &self,
        id: &BookingId,
        now: Timestamp,
        pause: SignedDuration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Lists bookings that somebody has to look after at `now`, the longest
    /// due first.
    fn due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<BookingId>, StoreError>> + Send;
}

/// A store that several own.
impl<S: BookingStore> BookingStore for Arc<S> {
    fn booking(
        &self,
        id: &BookingId,
    ) -> impl Future<Output = Result<Option<Booking>, StoreError>> + Send {
        S::booking(self, id)
    }

    fn precedents(
        &self,
        counts: &[HoldKey],
        request: Option<&RequestKey>,
    ) -> impl Future<Output = Result<Precedents, StoreError>> + Send {
        S::precedents(self, counts, request)
    }

    fn write(
        &self,
        change: &Change<'_>,
    ) -> impl Future<Output = Result<Written, StoreError>> + Send {
        S::write(self, change)
    }

    fn note_question(
        &self,
        id: &BookingId,
        now: Timestamp,
        pause: SignedDuration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send {
        S::note_question(self, id, now, pause)
    }

    fn due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<BookingId>, StoreError>> + Send {
        S::due(self, now, limit)
    }
}
