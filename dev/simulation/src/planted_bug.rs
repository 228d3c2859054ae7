//! Bugs that can be planted, to show that the simulation finds them.
//!
//! They are planted in what the simulation owns: the table, Stripe, the calendars,
//! and the delivery of events and of the table's stream. The deployed code has no
//! switch for them.

use clap::ValueEnum;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bug {
    /// Refunds are made without an idempotency key and without a look at earlier ones
    CarelessRefund,
    /// A session that is complete but unpaid counts as paid
    UnpaidConfirmed,
    /// A hold is released although its session is still open
    EarlyRelease,
    /// A payment that was not captured counts as captured
    CaptureLost,
    /// An authorisation that was not cancelled counts as cancelled
    AuthorisationKept,
    /// A client who stands by is in line before the payment is authorised
    LineJumped,
    /// A day sheet loses its line when it is written
    LineLost,
    /// A booking loses its second payments and warnings when it is written
    IncidentsLost,
    /// A booking gets the terms of today's salon file when it is written
    TermsReplaced,
    /// Stripe's lists of sessions are taken for empty
    SessionsUnlisted,
    /// Stripe's list of all refunds is taken for empty
    RefundsUnlisted,
    /// A part that was refunded by hand counts as the whole payment
    PartRefundGrown,
    /// Any amount that was paid counts as the deposit
    AmountUnchecked,
    /// A day sheet is written although it has changed since it was read
    UncheckedVersion,
    /// Events are handled as if they came once and in order
    OrderAssumed,
    /// A notification that was sent is not marked as done
    UnmarkedEffect,
    /// Two deliveries may claim the same notification
    UnclaimedEffect,
    /// A calendar event that was deleted stays in its calendar
    DeletedEventStays,
    /// Stream records that failed are not delivered again
    FailuresForgotten,
}
