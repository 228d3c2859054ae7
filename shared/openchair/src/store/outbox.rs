//! What has been told of bookings: a marker for each effect.
//!
//! The table's stream is the outbox: it delivers every change of a booking at
//! least once. The markers make of that once, as far as whom we tell lets us
//! (docs/decisions/0009-an-effect-is-claimed-then-carried-out-then-marked.md).

use jiff::Timestamp;

use super::StoreError;
use salon::booking::BookingId;

/// Something that is done because a booking is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Effect {
    /// What is done: `mail-visitor`.
    pub name: &'static str,
    /// The version of the booking that it is done for; 0 for what is done
    /// once in a booking's life.
    pub version: u64,
}

/// The answer to who wants to carry out an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is yours until the time that you named.
    Taken,
    /// It is yours, and somebody had it before who was not heard of again:
    /// whether it was carried out is not known.
    TakenAgain,
    /// It is somebody else's for now.
    Refused,
    /// It has been carried out.
    Done,
}

/// Where the markers are kept.
pub trait Outbox: Send + Sync {
    /// Takes the right to carry out an effect until `until`, unless somebody
    /// has it at `now` or it has been carried out.
    fn claim(
        &self,
        id: &BookingId,
        effect: Effect,
        now: Timestamp,
        until: Timestamp,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Notes that an effect has been carried out.
    fn mark_done(
        &self,
        id: &BookingId,
        effect: Effect,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives a right back that was taken until `until`, as the effect has
    /// certainly not been carried out.
    fn release_claim(
        &self,
        id: &BookingId,
        effect: Effect,
        until: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
