use std::future::ready;

use futures_util::future::BoxFuture;
use openchair::store::StoreError;
use openchair::store::booking_store::{BookingChange, WriteOutcome};
use openchair::store::outbox::{Claim, Effect};
use salon::booking::{Booking, BookingId};
use salon::service::StaffId;

/// A call of a store.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    Sheets,
    Readings,
    TakeLease(&'a StaffId),
    PutReading(&'a StaffId),
    MoveLease(&'a StaffId),
    Booking(&'a BookingId),
    ReservationContext,
    Write(&'a BookingChange<'a>),
    RecordPoll(&'a BookingId),
    CountBareDeposit,
    UnsettledBookings,
    BookingStates(&'a [BookingId]),
    Claim(&'a BookingId, Effect),
    MarkDone(&'a BookingId, Effect),
    ReleaseClaim(&'a BookingId, Effect),
}

/// The result of a call that has had its effect.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    Write {
        /// The booking before the call.
        previous: Option<&'a Booking>,
        written: &'a WriteOutcome,
    },
    Claim(Claim),
    /// Every other call.
    Done,
}

/// A call that must not have its effect.
#[derive(Debug)]
pub enum Fault {
    /// The call fails.
    Error(StoreError),
    /// A write reports a conflict. Every other call fails.
    Conflict,
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Error(error)
    }
}

/// Runs at every call of a [`MemoryStore`](super::MemoryStore), and may observe, delay or fail it.
///
/// Nothing else runs between the end of [`before`](Self::before), the effect and the beginning
/// of [`after`](Self::after).
pub trait Hook: Send + Sync {
    /// Runs before the effect, in place of the pause in which others run.
    ///
    /// # Errors
    /// An error is the result of the call, which then has no effect.
    fn before<'a>(&'a self, _: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async {
            let_others_run().await;
            Ok(())
        })
    }

    /// Runs after the effect.
    ///
    /// # Errors
    /// An error is the result of the call, as when an answer gets lost.
    fn after<'a>(&'a self, _: Call<'a>, _: Outcome<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ready(Ok(())))
    }
}

/// A function is a hook that runs before the effect.
impl<F: Fn(Call<'_>) -> Result<(), Fault> + Send + Sync> Hook for F {
    fn before<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            let_others_run().await;
            self(call)
        })
    }
}

/// Lets others run, as a store behind a network does.
pub(super) async fn let_others_run() {
    tokio::task::yield_now().await;
}

impl Call<'_> {
    /// Returns what the call asks for, as a [`StoreError`] names it.
    pub const fn asked(self) -> &'static str {
        match self {
            Self::Sheets => "day sheets",
            Self::Readings => "calendars",
            Self::TakeLease(_) => "a lease",
            Self::PutReading(_) => "keeping a reading",
            Self::MoveLease(_) => "moving a lease",
            Self::Booking(_) => "a booking",
            Self::ReservationContext => "unpaid holds",
            Self::Write(_) => "a booking's change",
            Self::RecordPoll(_) => "noting a question",
            Self::CountBareDeposit => "counting a deposit",
            Self::UnsettledBookings => "unsettled bookings",
            Self::BookingStates(_) => "the states of bookings",
            Self::Claim(..) => "a claim",
            Self::MarkDone(..) => "marking an effect",
            Self::ReleaseClaim(..) => "giving a claim back",
        }
    }

    /// Returns the error of a call that could not reach the table.
    pub fn unavailable(self) -> StoreError {
        StoreError::Unavailable { asked: self.asked(), source: "the test says so".into() }
    }
}
