//! How the counts that limit unpaid bookings follow a change of a booking.

use std::collections::HashMap;
use std::mem;

use jiff::{SignedDuration, Timestamp};

use super::Bookings;
use super::idempotency_keys::customer_keys;
use crate::busy::Origin;
use crate::store::StoreError;
use crate::store::booking_store::{BookingStore, HoldCount};
use salon::booking::{Booking, HoldKey, State};

/// How long a paid booking counts like a hold after its client has cancelled it. Its payment
/// has cost the salon fees, which a refund does not return.
const CANCELLATION_COUNTS: SignedDuration = SignedDuration::from_hours(24);

/// A change of the hold counts that goes with a change of a booking.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum HoldCountUpdate {
    None,
    /// The new content of the counts.
    Set(Vec<(HoldKey, HoldCount)>),
    /// The keys under which the booking no longer counts.
    Release(Vec<HoldKey>),
}

/// A client who cancels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canceller<'a> {
    /// The hash of their network address, if it is known.
    pub(super) address: Option<&'a HoldKey>,
}

impl<S: BookingStore, O: Origin, P> Bookings<S, O, P> {
    /// Returns how the counts follow a change of a booking, and removes the keys from a
    /// booking that needs them no longer.
    pub(super) async fn follow_hold_counts(
        &self,
        before: &Booking,
        booking: &mut Booking,
        canceller: Option<Canceller<'_>>,
    ) -> Result<HoldCountUpdate, StoreError> {
        if let Some(Canceller { address }) = canceller
            && was_paid_or_authorised(before.state)
        {
            let keys = keys_of_cancellation(booking, address);
            booking.hold_keys.clear();
            return self.count(booking, keys, self.now() + CANCELLATION_COUNTS).await;
        }
        let counted = before.counts_as_hold_until();
        match booking.counts_as_hold_until() {
            Some(until) if counted == Some(until) => Ok(HoldCountUpdate::None),
            Some(until) => self.count(booking, booking.hold_keys.clone(), until).await,
            None => {
                // They are hashes of personal data that can be reversed, and only the counts
                // need them.
                let keys = mem::take(&mut booking.hold_keys);
                let is_counted = counted.is_some() && !keys.is_empty();
                Ok(if is_counted { HoldCountUpdate::Release(keys) } else { HoldCountUpdate::None })
            }
        }
    }

    /// Returns the counts of `keys` with a booking that counts until `until`.
    async fn count(
        &self,
        booking: &Booking,
        mut keys: Vec<HoldKey>,
        until: Timestamp,
    ) -> Result<HoldCountUpdate, StoreError> {
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return Ok(HoldCountUpdate::None);
        }
        let known = self.reader.store().reservation_context(&keys, None).await?.hold_counts;
        let now = self.now();
        let counts =
            known.into_iter().map(|(key, count)| (key, count.with(&booking.id, until, now)));
        Ok(HoldCountUpdate::Set(counts.collect()))
    }
}

/// Returns the keys under which a cancellation at a network address counts.
fn keys_of_cancellation(booking: &Booking, address: Option<&HoldKey>) -> Vec<HoldKey> {
    let keys = booking.hold_keys.iter().cloned();
    keys.chain(customer_keys(&booking.customer, address)).chain(address.cloned()).collect()
}

/// Returns the counts as they are once a client at a network address has given up `booking`
/// for another time. In line, giving up is a cancellation: otherwise a client could authorise
/// and give up in turns, and each turn sends mails.
pub(super) fn counts_after_giving_up(
    counts: &HashMap<HoldKey, HoldCount>,
    booking: &Booking,
    address: Option<&HoldKey>,
    now: Timestamp,
) -> HashMap<HoldKey, HoldCount> {
    let mut counts = counts.clone();
    for count in counts.values_mut() {
        count.holds.remove(&booking.id);
    }
    if was_paid_or_authorised(booking.state) {
        for key in keys_of_cancellation(booking, address) {
            if let Some(count) = counts.get_mut(&key) {
                count.holds.insert(booking.id.clone(), now + CANCELLATION_COUNTS);
            }
        }
    }
    counts
}

/// Returns whether a client has paid, or let the salon reserve the money on their card.
const fn was_paid_or_authorised(state: State) -> bool {
    matches!(state, State::Confirmed | State::Processing | State::InLine)
}
