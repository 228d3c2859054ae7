//! The table: day sheets, bookings, and the cache of calendars.
//!
//! | item | key | attributes |
//! |---|---|---|
//! | day sheet | `PK=STAFF#id`, `SK=DAY#date` | `version`, `entries`, `expiresAt` |
//! | booking | `PK=BOOKING#id`, `SK=BOOKING` | `version`, `state` and all that belongs to it; while somebody has to look after it, `unsettled` and `checkAt`, by which the index `unsettled` lists it; `expiresAt` |
//! | when Stripe was last asked about it | `PK=BOOKING#id`, `SK=QUESTION` | `askedAt`, in milliseconds, `expiresAt` |
//! | what has been told of it | `PK=BOOKING#id`, `SK=SENT#effect#version` | `claimedUntil` while somebody is about it, `doneAt` afterwards, `expiresAt` |
//! | unpaid holds of a client or an address | `PK=HOLDS#hash`, `SK=HOLDS` | `version`, for each hold `hold#id` (until when it counts), `expiresAt` |
//! | idempotency key | `PK=REQUEST#hash`, `SK=REQUEST` | `bookingId`, `fingerprint`, `until`, `expiresAt` |
//! | calendar cache | `PK=STAFF#id`, `SK=CALENDAR` | `sources`, `windowStart`, `windowEnd`, `readAt`, `freshUntil`, `leaseUntil`, `expiresAt` |
//!
//! Instants are seconds since 1970. `DynamoDB` deletes expired items hours or
//! days late (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>),
//! so whoever reads an item compares its times itself.

pub mod booking_store;
#[cfg(feature = "dynamodb")]
mod dynamodb;
pub mod outbox;
#[cfg(feature = "dynamodb")]
pub mod table;

use std::collections::HashMap;

use jiff::Timestamp;

#[cfg(feature = "dynamodb")]
pub use self::dynamodb::{DynamoStore, Image};
use crate::http::{ApiError, ErrorCode};
use salon::DateRange;
use salon::day_sheet::DaySheet;
use salon::service::StaffId;
use salon::staff_calendar::CalendarReading;

/// How current a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Usually current, at half the cost.
    Eventual,
    /// As of now.
    Strong,
}

/// The day sheets of each person.
pub type Sheets = HashMap<StaffId, Vec<DaySheet>>;

/// The calendar cache items of those who have one.
pub type CachedCalendars = HashMap<StaffId, CachedCalendar>;

/// A calendar cache item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CachedCalendar {
    /// What was last read, if anything was.
    pub reading: Option<CalendarReading>,
    /// Until when somebody has the right to read the calendars.
    pub lease_until: Option<Timestamp>,
}

/// The answer to who wants to read somebody's calendars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// The right is yours until the time that you named.
    Taken,
    /// It is somebody else's, or there is no need: the item as it is now.
    Refused(CachedCalendar),
}

/// Where holds, bookings and what was read of calendars are kept.
pub trait Store: Send + Sync {
    /// Reads the day sheets of `staff` on the dates of `horizon`.
    fn sheets(
        &self,
        staff: &[&StaffId],
        horizon: DateRange,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Sheets, StoreError>> + Send;

    /// Reads the calendar cache items of `staff`.
    fn calendars(
        &self,
        staff: &[&StaffId],
        consistency: Consistency,
    ) -> impl Future<Output = Result<CachedCalendars, StoreError>> + Send;

    /// Takes the right to read somebody's calendars until `until`, unless
    /// somebody has it at `now` or what is cached is still fresh.
    fn take_lease(
        &self,
        staff: &StaffId,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Lease, StoreError>> + Send;

    /// Keeps a reading, and gives the lease back. An older reading than the
    /// one that is kept changes nothing.
    fn put_reading(
        &self,
        staff: &StaffId,
        reading: &CalendarReading,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Moves the end of a lease that was taken until `taken_until`, so that a
    /// calendar that cannot be read is left alone until then.
    fn move_lease(
        &self,
        staff: &StaffId,
        taken_until: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// The store did not give what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is overloaded, or refuses us.
    #[error("the table cannot be asked for {asked}")]
    Unavailable {
        /// What was wanted of it.
        asked: &'static str,
        /// Why it failed.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item is not what this version writes.
    #[error("the item {key} is unreadable: {problem}")]
    Corrupt {
        /// The item's key.
        key: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// A failing table is answered with 503, an unreadable item with 500.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        const RETRY_AFTER_SECONDS: u64 = 2;
        match error {
            StoreError::Unavailable { .. } => {
                let message = "Bookings cannot be read at the moment. Please try again.";
                Self::new(ErrorCode::StoreUnavailable, message)
                    .retry_after(RETRY_AFTER_SECONDS)
                    .caused_by(error)
            }
            StoreError::Corrupt { .. } => Self::internal(error),
        }
    }
}
