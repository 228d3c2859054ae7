//! Reading and writing bookings. Each change is one transaction.

use std::collections::HashMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{Store, StoreError};
use salon::booking::{
    Booking, BookingId, HoldKey, PaymentIncidents, RequestKey, SecondRefund, State,
};
use salon::day_sheet::DaySheet;
use salon::service::StaffId;

/// The unpaid holds that count against the limit of one key.
///
/// A transaction that adds a hold compares the version, so two requests cannot
/// both use the last allowed hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldCount {
    /// How many times the item has been written; 0 if it does not exist.
    pub version: u64,
    /// When each hold stops counting.
    pub holds: HashMap<BookingId, Timestamp>,
}

impl HoldCount {
    /// Returns whether the hold of a booking counts at `now`.
    #[must_use]
    pub fn is_live(&self, booking: &BookingId, now: Timestamp) -> bool {
        self.holds.get(booking).is_some_and(|until| now < *until)
    }

    /// Returns when there is room for another hold; none if there is room at `now`.
    #[must_use]
    pub fn full_until(&self, limit: usize, now: Timestamp) -> Option<Timestamp> {
        let mut ends: Vec<_> = self.holds.values().copied().filter(|at| now < *at).collect();
        ends.sort_unstable();
        ends.get(ends.len().checked_sub(limit)?).copied()
    }

    /// Returns the next version of the item, with one more hold and without
    /// those that have ended.
    #[must_use]
    pub fn with(&self, booking: &BookingId, until: Timestamp, now: Timestamp) -> Self {
        let live = self.holds.iter().filter(|(_, until)| now < **until);
        let live = live.map(|(id, until)| (id.clone(), *until));
        let holds = live.chain([(booking.clone(), until)]).collect();
        Self { version: self.version + 1, holds }
    }
}

/// The request that an `Idempotency-Key` was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRequest {
    /// The booking that the request created.
    pub booking_id: BookingId,
    /// A hash of the request. It differs for another request under the same key.
    pub fingerprint: String,
    /// When the key may be used for another request.
    pub until: Timestamp,
}

/// A booking that is not settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsettledBooking {
    pub id: BookingId,
    /// When to check it at Stripe.
    pub check_at: Timestamp,
}

/// The state of a booking and of its payments, without the rest of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookingState {
    pub id: BookingId,
    pub state: State,
    pub hold_until: Timestamp,
    /// Stripe's id of the payment: `pi_…`.
    pub payment: Option<String>,
    pub incidents: PaymentIncidents,
}

impl BookingState {
    /// Returns whether a payment is a second one whose refund is no longer owed.
    #[must_use]
    pub fn is_settled_second(&self, payment: &str) -> bool {
        self.incidents.second_payments.iter().any(|second| {
            second.payment == payment && !matches!(second.refund, SecondRefund::Owed { .. })
        })
    }
}

impl From<&Booking> for BookingState {
    fn from(booking: &Booking) -> Self {
        Self {
            id: booking.id.clone(),
            state: booking.state,
            hold_until: booking.hold_until,
            payment: booking.payment.clone(),
            incidents: booking.incidents.clone(),
        }
    }
}

/// What a reservation depends on besides the time itself. It is read in one
/// round trip.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReservationContext {
    /// The counts of all requested keys. A key without holds has an empty one.
    pub hold_counts: HashMap<HoldKey, HoldCount>,
    /// The request stored under the idempotency key, even if it has expired.
    pub request: Option<StoredRequest>,
}

/// A change of a booking and of the items that belong to it, written
/// atomically.
#[derive(Clone, Debug)]
pub struct BookingChange<'a> {
    /// The new content of the booking, with the version that was read (0 for a
    /// new booking). The store increments the version.
    pub booking: &'a Booking,
    /// The new day sheet, if it changes. Its version is the one that was read,
    /// plus one, as [`DaySheet::with`] makes it.
    pub sheet: Option<(&'a StaffId, Date, &'a DaySheet)>,
    /// The change of the unpaid-hold counts.
    pub hold_counts: HoldCountChange<'a>,
    /// The change of the idempotency key.
    pub request_key: RequestKeyChange<'a>,
}

impl<'a> BookingChange<'a> {
    /// Changes the booking alone.
    #[must_use]
    pub const fn only(booking: &'a Booking) -> Self {
        Self {
            booking,
            sheet: None,
            hold_counts: HoldCountChange::None,
            request_key: RequestKeyChange::None,
        }
    }
}

/// A change of the unpaid-hold counts.
#[derive(Clone, Copy, Debug)]
pub enum HoldCountChange<'a> {
    /// Leaves them as they are.
    None,
    /// Replaces them. Each version is the one that was read, plus one, as
    /// [`HoldCount::with`] makes it.
    Set(&'a [(HoldKey, HoldCount)]),
    /// Removes the booking from the counts of these keys.
    Release(&'a [HoldKey]),
}

/// A change of the request stored under an idempotency key.
#[derive(Clone, Copy, Debug)]
pub enum RequestKeyChange<'a> {
    /// Leaves it as it is.
    None,
    /// Stores a request, unless another one is stored and valid at `now`.
    Store {
        /// The key.
        key: &'a RequestKey,
        /// The request.
        request: &'a StoredRequest,
        /// The current time.
        now: Timestamp,
    },
    /// Deletes the request, unless it now belongs to a different booking.
    Delete(&'a RequestKey),
}

/// The outcome of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "it is matched at once and never stored")]
pub enum WriteOutcome {
    /// The change is durable. This is the booking as stored, with its new
    /// version.
    Written(Booking),
    /// One of the items has changed since it was read, or another transaction
    /// is changing it now. Nothing was written.
    Conflict,
}

/// Stores bookings.
pub trait BookingStore: Store {
    /// Reads a booking. The read is strongly consistent.
    fn booking(
        &self,
        id: &BookingId,
    ) -> impl Future<Output = Result<Option<Booking>, StoreError>> + Send;

    /// Reads what a reservation depends on. The read is strongly consistent.
    fn reservation_context(
        &self,
        hold_keys: &[HoldKey],
        request_key: Option<&RequestKey>,
    ) -> impl Future<Output = Result<ReservationContext, StoreError>> + Send;

    /// Writes a change if none of its items has changed since it was read.
    fn write(
        &self,
        change: &BookingChange<'_>,
    ) -> impl Future<Output = Result<WriteOutcome, StoreError>> + Send;

    /// Records that Stripe is asked about a booking at `now`, unless that was
    /// recorded less than `min_interval` ago. Returns whether it was recorded.
    fn record_poll(
        &self,
        id: &BookingId,
        now: Timestamp,
        min_interval: SignedDuration,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Counts a deposit without a booking, against a network address in the hour that begins
    /// at `hour`, unless `limit` of them are counted. Returns whether it was counted.
    fn count_bare_deposit(
        &self,
        address: &HoldKey,
        hour: Timestamp,
        limit: u16,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Lists at most `limit` bookings that are not settled, the one with the earliest
    /// `check_at` first.
    fn unsettled_bookings(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<UnsettledBooking>, StoreError>> + Send;

    /// Reads only the states of bookings, whose ids must be distinct. The read is
    /// eventually consistent. Missing and unreadable bookings are left out.
    fn booking_states(
        &self,
        ids: &[BookingId],
    ) -> impl Future<Output = Result<Vec<BookingState>, StoreError>> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_count_has_room_once_enough_holds_have_ended() {
        let at = |second| Timestamp::from_second(second).expect("an instant");
        let id = BookingId::from_bits;
        let count = |ends: &[i64]| HoldCount {
            version: 1,
            holds: (1..).zip(ends).map(|(number, end)| (id(number), at(*end))).collect(),
        };
        let cases = [
            (&[][..], None),
            (&[70], None),
            (&[70, 60], Some(60)),
            (&[70, 60, 90], Some(70)),
            (&[70, 50, 60], Some(60)),
            (&[50, 50, 60], None),
        ];
        for (ends, expected) in cases {
            assert_eq!(count(ends).full_until(2, at(50)), expected.map(at), "{ends:?}");
        }
    }
}
