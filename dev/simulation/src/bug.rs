//! Mistakes that the simulation can be told to make, to show that it would see
//! them.
//!
//! They are made at the edges that the simulation owns, the table, Stripe,
//! the calendars, and the delivery of events and of the table's stream, so that no deployed code has a switch for them.

use clap::ValueEnum;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bug {
    /// Sessions can be paid for longer than their time is held.
    ShortHold,
    /// Refunds are neither listed first nor asked for under a key.
    CarelessRefund,
    /// A session that is complete counts as paid.
    UnpaidConfirmed,
    /// A time is released without its session being ended.
    EarlyRelease,
    /// The version of a day sheet is not compared when it is written.
    UncheckedVersion,
    /// Whoever takes an event takes it for the next one in a booking's life.
    OrderAssumed,
    /// What was told of a booking is not marked.
    UnmarkedEffect,
    /// Whoever wants to tell of a booking may, also while somebody else does.
    UnclaimedEffect,
    /// An event that is deleted stays in its calendar.
    DeletedEventStays,
    /// The records that the function could not tell of do not come again.
    FailuresForgotten,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ShortHold,
        Self::CarelessRefund,
        Self::UnpaidConfirmed,
        Self::EarlyRelease,
        Self::UncheckedVersion,
        Self::OrderAssumed,
        Self::UnmarkedEffect,
        Self::UnclaimedEffect,
        Self::DeletedEventStays,
        Self::FailuresForgotten,
    ];
}
