//! The limit on deposits without a booking.

use jiff::{SignedDuration, Timestamp};

use super::Bookings;
use crate::busy::Origin;
use crate::store::StoreError;
use crate::store::booking_store::BookingStore;
use crate::telemetry::metrics::{Metric, count};
use salon::booking::HoldKey;

const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Counts the requests whose network address is unknown.
const UNKNOWN_ADDRESS: &str = "unknown";

impl<S: BookingStore, O: Origin, P> Bookings<S, O, P> {
    /// Counts a deposit without a booking against a network address. Returns when the next
    /// one is accepted, if the address has had as many in this hour as the salon allows.
    ///
    /// # Errors
    /// When the table cannot be reached.
    pub async fn count_bare_deposit(
        &self,
        address: Option<&HoldKey>,
    ) -> Result<Option<Timestamp>, StoreError> {
        let now = self.now();
        let hour = now - SignedDuration::from_secs(now.as_second().rem_euclid(HOUR.as_secs()));
        let unknown = HoldKey(UNKNOWN_ADDRESS.into());
        let address = address.unwrap_or(&unknown);
        let limit = self.salon.max_bare_deposits_per_hour;
        if self.reader.store().count_bare_deposit(address, hour, limit).await? {
            return Ok(None);
        }
        count(Metric::HoldsRefused);
        Ok(Some(hour + HOUR))
    }
}
