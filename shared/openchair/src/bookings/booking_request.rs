//! What a client requests, and what comes of it.

use jiff::Timestamp;

use super::cancel::CancelError;
use super::own_hold::Replaces;
use super::settle::SettleError;
use crate::payments::StripeError;
use crate::store::StoreError;
use salon::booking::{Booking, HoldKey, RequestKey, State};
use salon::customer::Customer;
use salon::payment_ui::PaymentUi;
use salon::placement::{Alternative, RuleError, SlotRequest};
use salon::service::{Service, StaffId};

/// A request to book a time.
#[derive(Clone, Debug)]
pub struct BookingRequest<'a> {
    pub service: &'a Service,
    pub start: Timestamp,
    /// The requested staff member; anyone if absent.
    pub staff: Option<&'a StaffId>,
    pub customer: Customer,
    pub ui: PaymentUi,
    /// The idempotency key. Without one, the request cannot be retried safely.
    pub key: Option<RequestKey>,
    /// A hash of the request. It detects a different request under the same key.
    pub fingerprint: String,
    /// An unpaid booking that is given up for this one.
    pub replaces: Option<Replaces<'a>>,
    /// Whether the client stands by if only holds are in the way.
    pub is_standby: bool,
    /// The network address of the visitor, hashed.
    pub address: Option<HoldKey>,
}

impl<'a> BookingRequest<'a> {
    pub(super) const fn slot(&self) -> SlotRequest<'a> {
        SlotRequest { service: self.service, start: self.start, staff: self.staff }
    }

    /// Returns whether an unpaid booking is what the request asks for.
    pub(super) fn is_for(&self, booking: &Booking) -> bool {
        let named_staff = booking.is_staff_named.then_some(&booking.staff);
        matches!(booking.state, State::Held | State::Standby | State::InLine)
            && booking.service == self.service.id
            && booking.appointment.start() == self.start
            && named_staff == self.staff
            && booking.customer == self.customer
            && booking.checkout.ui == self.ui
    }
}

/// A hold, with the session in which it is paid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reservation {
    pub booking: Booking,
    /// Whether this request placed the hold. False if an earlier one of the same client
    /// did.
    pub is_new: bool,
    /// Whether the client has shown that the booking is theirs, and may see its manage
    /// token: by the idempotency key, or by making it.
    pub is_owner: bool,
}

/// A time could not be reserved.
#[derive(Debug, thiserror::Error)]
pub enum ReserveError {
    /// The salon's rules exclude the time.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// The client or the network address has too many unpaid holds.
    #[error("there are too many unpaid holds")]
    TooManyHolds {
        /// When enough of these holds have ended, if nothing else changes.
        until: Timestamp,
    },
    /// The idempotency key was used for another request.
    #[error("the idempotency key was used for another request")]
    AnotherRequest,
    /// The booking to be replaced is unknown, or not the client's.
    #[error("the booking cannot be replaced")]
    Replaces(#[source] CancelError),
    /// The booking to be replaced is paid. It stays as it is.
    #[error("the booking to be replaced is paid")]
    ReplacedIsPaid,
    /// Somebody else has the time.
    #[error("the time is taken")]
    Taken {
        /// Other times for the same service, the nearest first.
        alternatives: Vec<Alternative>,
    },
    /// It is unknown whether anyone is free.
    #[error("the calendar of every eligible person is unreadable")]
    CalendarUnknown,
    /// The table cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Stripe cannot be reached now. A hold that was placed is kept, and a repeat of
    /// the request resumes it.
    #[error("Stripe cannot be asked")]
    Stripe(#[source] StripeError),
    /// Stripe rejected the session. The hold is released.
    #[error("Stripe rejected the session")]
    Refused(#[source] StripeError),
}

impl From<SettleError> for ReserveError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Store(error) => Self::Store(error),
            SettleError::Stripe(error) => Self::Stripe(error),
            SettleError::CalendarUnknown => Self::CalendarUnknown,
        }
    }
}
