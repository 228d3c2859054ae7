//! The table: day sheets, bookings and readings of calendars.
//!
//! | item | key | attributes |
//! |---|---|---|
//! | day sheet | `PK=STAFF#id`, `SK=DAY#date` | `version`, `entries`, `line` if there is one, `expiresAt` |
//! | booking | `PK=BOOKING#id`, `SK=BOOKING` | `version`, `state` and the other fields; until it is settled, `unsettled` and `checkAt`, by which the index `unsettled` lists it; `expiresAt` |
//! | last question to Stripe about a booking | `PK=BOOKING#id`, `SK=QUESTION` | `askedAt`, in milliseconds, `expiresAt` |
//! | effect marker of a booking | `PK=BOOKING#id`, `SK=SENT#effect#version` | `claimedUntil` while it is claimed, `doneAt` afterwards, `expiresAt` |
//! | unpaid holds of a client or an address | `PK=HOLDS#hash`, `SK=HOLDS` | `version`, for each hold `hold#id` (when it stops counting), `expiresAt` |
//! | idempotency key | `PK=REQUEST#hash`, `SK=REQUEST` | `bookingId`, `fingerprint`, `until`, `expiresAt` |
//! | deposits without a booking, by address and hour | `PK=DEPOSITS#hash`, `SK=HOUR#seconds` | `deposits`, `expiresAt` |
//! | last reading of a person's calendars | `PK=CALENDAR#id`, `SK=READING` | `sources`, `windowStart`, `windowEnd`, `readAt`, `freshUntil`, `expiresAt` |
//! | lease on reading them | `PK=CALENDAR#id`, `SK=LEASE` | `leaseUntil`, `expiresAt` |
//!
//! Policies in `template.yaml` name the prefixes of these partition keys
//! (docs/decisions/0016-calendars-have-a-partition-key-of-their-own.md).
//!
//! Instants are seconds since the Unix epoch. `DynamoDB` deletes expired items
//! hours or days late (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>),
//! so every reader compares the times itself.

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

/// The read consistency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Usually current, and half as expensive.
    Eventual,
    /// Includes all writes that have finished.
    Strong,
}

/// The day sheets of each staff member.
pub type Sheets = HashMap<StaffId, Vec<DaySheet>>;

/// The last readings of the staff members whose calendars have been read.
pub type Readings = HashMap<StaffId, CalendarReading>;

/// The answer to a request for a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lease {
    /// The caller has the lease until the requested time.
    Taken,
    /// Another container has the lease, or has had it since the caller looked for a
    /// reading.
    Refused,
}

/// Stores day sheets and readings of calendars.
pub trait Store: Send + Sync {
    /// Reads the day sheets of `staff` on the dates of `horizon`.
    fn sheets(
        &self,
        staff: &[&StaffId],
        horizon: DateRange,
        consistency: Consistency,
    ) -> impl Future<Output = Result<Sheets, StoreError>> + Send;

    /// Reads the last readings of the calendars of `staff`.
    fn readings(
        &self,
        staff: &[&StaffId],
        consistency: Consistency,
    ) -> impl Future<Output = Result<Readings, StoreError>> + Send;

    /// Takes the lease on reading a person's calendars until `until`. The caller found
    /// no fresh reading when it looked for one at `looked_at`.
    ///
    /// The lease is refused if another one was valid at `looked_at` or was taken since.
    /// Its holder may have stored a fresh reading that the caller has not seen.
    fn take_lease(
        &self,
        staff: &StaffId,
        looked_at: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Lease, StoreError>> + Send;

    /// Stores a reading. A reading older than the stored one changes nothing. The lease
    /// stays until it ends, so that nobody takes it who has not seen the reading.
    fn put_reading(
        &self,
        staff: &StaffId,
        reading: &CalendarReading,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Moves the end of a lease from `taken_until` to `until`, so that a calendar
    /// that cannot be read is not tried again before.
    fn move_lease(
        &self,
        staff: &StaffId,
        taken_until: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// A request to the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The table cannot be reached, is overloaded, or denies access.
    #[error("a request to the table failed: {asked}")]
    Unavailable {
        /// The operation.
        asked: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An item has another form than this version writes.
    #[error("the item {key} is unreadable: {problem}")]
    Corrupt { key: String, problem: String },
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
