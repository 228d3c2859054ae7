//! The table: day sheets, and the cache of calendars.
//!
//! | item | key | attributes |
//! |---|---|---|
//! | day sheet | `PK=STAFF#id`, `SK=DAY#date` | `version`, `entries` |
//! | calendar cache | `PK=STAFF#id`, `SK=CALENDAR` | `busy`, `expiresAt` |
//!
//! Instants are seconds since 1970. DynamoDB deletes expired items hours or
//! days late (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html>),
//! so every read compares the expiry itself.

#[cfg(feature = "dynamodb")]
mod dynamodb;
mod memory;

use jiff::Timestamp;

#[cfg(feature = "dynamodb")]
pub use self::dynamodb::DynamoStore;
pub use self::memory::MemoryStore;
use crate::domain::availability::BusyTimes;
use crate::domain::salon::Horizon;
use crate::domain::service::StaffId;

/// How current a read must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// Usually current, at half the cost.
    Eventual,
    /// As of now.
    Strong,
}

/// Where holds, bookings and calendars' busy times are kept.
pub trait Store: Send + Sync {
    /// Reads when each of `staff` is busy on the dates of `horizon`: the live
    /// entries of their day sheets, and their calendars' cached busy times.
    ///
    /// # Errors
    /// When the store cannot be asked, or holds something unreadable. What is
    /// unknown is never free.
    fn busy_times(
        &self,
        staff: &[&StaffId],
        horizon: Horizon,
        now: Timestamp,
        consistency: Consistency,
    ) -> impl Future<Output = Result<BusyTimes, StoreError>> + Send;
}

/// A store that several own.
impl<S: Store> Store for std::sync::Arc<S> {
    fn busy_times(
        &self,
        staff: &[&StaffId],
        horizon: Horizon,
        now: Timestamp,
        consistency: Consistency,
    ) -> impl Future<Output = Result<BusyTimes, StoreError>> + Send {
        S::busy_times(self, staff, horizon, now, consistency)
    }
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
