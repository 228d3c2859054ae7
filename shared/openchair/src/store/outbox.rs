//! The effects of bookings, such as mails, and a marker for each.
//!
//! The table's stream is the outbox: it delivers every change of a booking at
//! least once. The markers turn that into once, as far as the recipient allows
//! (docs/decisions/0009-an-effect-is-claimed-then-carried-out-then-marked.md).

use jiff::Timestamp;

use super::StoreError;
use salon::booking::BookingId;

/// Something that is done because of a booking, such as a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Effect {
    /// The kind of effect: `mail-visitor`.
    pub name: &'static str,
    /// The version of the booking that causes it; 0 for an effect that happens
    /// once in the life of a booking.
    pub version: u64,
}

/// The answer to a claim of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The caller has claimed the effect until the requested time.
    Taken,
    /// The caller has claimed the effect. An earlier claim ran out, so it is
    /// unknown whether the effect was carried out.
    TakenAgain,
    /// Another claim is valid.
    Refused,
    /// The effect has been carried out.
    Done,
}

/// Stores the markers of effects.
pub trait Outbox: Send + Sync {
    /// Claims an effect until `until`, unless another claim is valid at `now` or the
    /// effect has been carried out.
    fn claim(
        &self,
        id: &BookingId,
        effect: Effect,
        now: Timestamp,
        until: Timestamp,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<Claim, StoreError>> + Send;

    /// Marks an effect as carried out.
    fn mark_done(
        &self,
        id: &BookingId,
        effect: Effect,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Releases a claim that was taken until `until`. The effect has certainly not
    /// been carried out.
    fn release_claim(
        &self,
        id: &BookingId,
        effect: Effect,
        until: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}
