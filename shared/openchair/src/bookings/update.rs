//! Retries a read–change–write when another writer wins: the optimistic loop.
//!
//! Only this module knows how many times a write is retried, how long the pauses
//! are, and which error ends the retries.

use std::time::Duration;

use super::Bookings;
use super::hold_counts::HoldCountUpdate;
use crate::backoff::Backoff;
use crate::busy::Origin;
use crate::store::booking_store::{
    BookingChange, BookingStore, HoldCountChange, RequestKeyChange, WriteOutcome,
};
use crate::store::{Store, StoreError};
use salon::booking::{Booking, BookingId};
use salon::day_sheet::DaySheet;

/// How many times a write is tried while other writers change the same items.
/// Every conflict means that another writer succeeded, and a day has room for fewer
/// bookings than this.
const MAX_ATTEMPTS: u32 = 40;
/// The pauses between the attempts.
const BACKOFF: Backoff =
    Backoff { base: Duration::from_millis(10), cap: Duration::from_millis(150) };

/// The end of one attempt.
pub(super) enum Attempt<T> {
    /// The change is written, or none is needed.
    Done(T),
    /// Another writer was faster.
    Conflict,
    /// The attempt itself has changed items that it depends on, so it is repeated at
    /// once.
    ReadAgain,
}

/// What is to be done with a booking after it was read.
pub(super) enum Decision<T> {
    /// Nothing is written.
    Keep(Booking, T),
    /// Writes the update.
    Write(BookingUpdate, T),
    /// Another item, such as the day sheet, has changed since the booking was read.
    Conflict,
}

/// The new content of a booking, and what changes with it.
pub(super) struct BookingUpdate {
    pub(super) booking: Booking,
    /// The new day sheet of its staff member and date, if it changes.
    pub(super) sheet: Option<DaySheet>,
    pub(super) hold_counts: HoldCountUpdate,
    /// Whether its idempotency key may be used again.
    pub(super) frees_request_key: bool,
}

impl BookingUpdate {
    /// Changes the booking alone.
    pub(super) const fn only(booking: Booking) -> Self {
        Self { booking, sheet: None, hold_counts: HoldCountUpdate::None, frees_request_key: false }
    }

    fn change(&self) -> BookingChange<'_> {
        let Self { booking, sheet, hold_counts, .. } = self;
        let hold_counts = match hold_counts {
            HoldCountUpdate::None => HoldCountChange::None,
            HoldCountUpdate::Set(counts) => HoldCountChange::Set(counts),
            HoldCountUpdate::Release(keys) => HoldCountChange::Release(keys),
        };
        let request_key = match &booking.request_key {
            Some(key) if self.frees_request_key => RequestKeyChange::Delete(key),
            _ => RequestKeyChange::None,
        };
        let sheet = sheet.as_ref().map(|sheet| (&booking.staff, booking.date, sheet));
        BookingChange { booking, sheet, hold_counts, request_key }
    }
}

impl<S: BookingStore, O: Origin, P> Bookings<S, O, P> {
    /// Calls `decide` with the booking and writes its decision. After a conflict, it
    /// reads the booking again and repeats. The first call gets `known`, if the
    /// booking has been read before.
    ///
    /// Returns the booking as it is stored afterwards, or nothing if it does not
    /// exist.
    pub(super) async fn update<T, E, Deciding>(
        &self,
        id: &BookingId,
        known: Option<&Booking>,
        decide: impl Fn(Booking) -> Deciding,
    ) -> Result<Option<(Booking, T)>, E>
    where
        E: From<StoreError>,
        Deciding: Future<Output = Result<Decision<T>, E>>,
    {
        let decide = &decide;
        self.retry_conflicts(|attempt| async move {
            let read = match known {
                Some(booking) if attempt == 1 => Some(booking.clone()),
                _ => self.reader.store().booking(id).await?,
            };
            let Some(booking) = read else { return Ok(Attempt::Done(None)) };
            let (update, value) = match decide(booking).await? {
                Decision::Keep(booking, value) => return Ok(Attempt::Done(Some((booking, value)))),
                Decision::Conflict => return Ok(Attempt::Conflict),
                Decision::Write(update, value) => (update, value),
            };
            Ok(match self.reader.store().write(&update.change()).await? {
                WriteOutcome::Written(booking) => Attempt::Done(Some((booking, value))),
                WriteOutcome::Conflict => Attempt::Conflict,
            })
        })
        .await
    }
}

impl<S: Store, O: Origin, P> Bookings<S, O, P> {
    /// Calls `attempt` with its number until it is done, with pauses after
    /// conflicts.
    ///
    /// # Errors
    /// When `attempt` fails, or when every attempt loses to another writer.
    pub(super) async fn retry_conflicts<T, E, Attempting>(
        &self,
        attempt: impl Fn(u32) -> Attempting,
    ) -> Result<T, E>
    where
        E: From<StoreError>,
        Attempting: Future<Output = Result<Attempt<T>, E>>,
    {
        for number in 1..=MAX_ATTEMPTS {
            match attempt(number).await? {
                Attempt::Done(value) => return Ok(value),
                Attempt::Conflict => self.back_off(number).await,
                Attempt::ReadAgain => {}
            }
        }
        Err(too_many_conflicts().into())
    }

    async fn back_off(&self, attempt: u32) {
        let mut random = fastrand::Rng::with_seed(self.random.seed());
        self.reader.clock().pause(BACKOFF.pause(attempt, None, &mut random)).await;
    }
}

/// The error for a change that lost every race.
pub(super) fn too_many_conflicts() -> StoreError {
    StoreError::Unavailable {
        asked: "a booking's change",
        source: "other requests kept changing the same items".into(),
    }
}

#[cfg(test)]
mod tests;
