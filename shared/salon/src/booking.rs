//! Bookings: a reserved time, from the hold to the appointment or the refund.
//!
//! [`Booking::apply`] is the life of a booking: what each event makes of it.
//! Everything else that depends on the state, such as the entry on the day
//! sheet, is derived from it, so that it cannot disagree.

mod lifecycle;
mod sample;

use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

pub use self::lifecycle::{BookingEvent, PaymentContext, RefundOutcome, Transition};
pub use self::sample::sample;
use super::customer::Customer;
use super::day_sheet::Entry;
use super::interval::Interval;
use super::money::Money;
use super::payment_ui::PaymentUi;
use super::service::{ServiceId, StaffId};

/// How long a client has to pay. Stripe's minimum is 30 minutes, and what
/// arrives there as exactly that is refused
/// (<https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at>).
pub const TIME_TO_PAY: SignedDuration = SignedDuration::from_mins(35);
/// For how long a hold outlives its session: a payment in its last second is
/// known by then.
pub const HOLD_MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// For how long a booking that was never paid can be looked at.
const UNPAID_IS_KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// After how long a hold that no event has settled is asked about.
const FIRST_CHECK: SignedDuration = SignedDuration::from_mins(3);

/// Identifies a booking: 128 random bits, in hexadecimal.
///
/// Who has it may look at the booking, and not change it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct BookingId(Box<str>);

impl BookingId {
    /// Makes an id of random bits.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}").into())
    }

    /// Reads an id as [`BookingId::from_bits`] writes it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(is_hex)).then(|| Self(text.into()))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BookingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The right to cancel a booking. It is never shown in a log.
#[derive(Clone, Debug)]
pub struct ManageToken(SecretString);

impl ManageToken {
    /// Makes a token of random bits.
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}").into())
    }

    /// Takes a token as it was kept.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// Returns the token, for its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Compares with what somebody presents, in a time that tells nothing.
    #[must_use]
    pub fn is(&self, presented: &str) -> bool {
        self.expose().as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl PartialEq for ManageToken {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.expose())
    }
}

impl Eq for ManageToken {}

/// Where a booking stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The time is kept while the client pays.
    Held,
    /// The client has paid by a method that takes days, and it is not settled.
    Processing,
    /// Paid: the time is the client's.
    Confirmed,
    /// Nobody paid in time.
    Expired,
    /// Cancelled, and nothing comes back.
    Cancelled,
    /// Money is on its way back.
    Refunding,
    /// Money has come back.
    Refunded,
    /// Money could not be sent back: somebody has to act.
    RefundFailed,
}

impl State {
    /// All states.
    pub const ALL: [Self; 8] = [
        Self::Held,
        Self::Processing,
        Self::Confirmed,
        Self::Expired,
        Self::Cancelled,
        Self::Refunding,
        Self::Refunded,
        Self::RefundFailed,
    ];

    /// Returns the contract's name of it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Processing => "processing",
            Self::Confirmed => "confirmed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Refunding => "refunding",
            Self::Refunded => "refunded",
            Self::RefundFailed => "refund_failed",
        }
    }

    /// Finds a state by its name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Tells whether Stripe may still turn it into another.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Processing)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How much of the deposit comes back to who cancels after paying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CancellationTerms {
    /// Until how many hours before the appointment all of it comes back.
    pub full_refund_hours: u32,
    /// How many hundredths of it come back after that, until the appointment.
    pub late_refund_percent: u8,
}

impl CancellationTerms {
    /// Returns until when all of the deposit comes back.
    #[must_use]
    pub fn full_refund_until(self, start: Timestamp) -> Timestamp {
        let notice = SignedDuration::from_hours(self.full_refund_hours.into());
        start.saturating_sub(notice).unwrap_or(Timestamp::MIN)
    }

    /// Returns what comes back of `deposit` after that.
    #[must_use]
    pub fn late_refund(self, deposit: Money) -> Money {
        deposit.percent(self.late_refund_percent)
    }

    /// Returns what comes back of `deposit` to who cancels at `now`.
    #[must_use]
    pub fn refund(self, deposit: Money, start: Timestamp, now: Timestamp) -> Money {
        if now <= self.full_refund_until(start) { deposit } else { self.late_refund(deposit) }
    }
}

/// What was agreed when the booking was made. Later changes of the salon file
/// do not reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The whole price.
    pub price: Money,
    /// What is paid when booking.
    pub deposit: Money,
    /// What comes back after a cancellation.
    pub cancellation: CancellationTerms,
    /// How many days after the appointment the booking is deleted.
    pub retention_days: u32,
}

/// Where the client pays: Stripe's session, and all that it takes to ask for
/// the same one again. Shown without what is personal or secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Checkout {
    /// How the page is shown.
    pub ui: PaymentUi,
    /// How often a session has been asked for with other parameters: 1 at first.
    pub attempt: u32,
    /// The idempotency key of the request.
    pub idempotency_key: String,
    /// The parameters, as they were first sent.
    pub form: String,
    /// Until when it can be paid.
    pub expires_at: Timestamp,
    /// The session, once it is known.
    pub session: Option<Session>,
}

/// Stripe's session, as far as a client needs it. Shown by its id.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Stripe's id: `cs_…`.
    pub id: String,
    /// What a page needs to take the payment itself.
    pub client_secret: Option<String>,
    /// Stripe's own page.
    pub url: Option<String>,
}

impl fmt::Debug for Checkout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut checkout = f.debug_struct("Checkout");
        checkout
            .field("idempotency_key", &self.idempotency_key)
            .field("expires_at", &self.expires_at);
        checkout.field("session", &self.session).finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Money that goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    /// How much.
    pub amount: Money,
    /// How often it has been asked for anew: 1 at first.
    pub attempt: u32,
}

/// What an unpaid hold counts against: a client's phone number or e-mail
/// address, or the address that a request came from, as a hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldKey(pub Box<str>);

/// An `Idempotency-Key`, as a hash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey(pub Box<str>);

/// A booking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Its id.
    pub id: BookingId,
    /// The right to cancel it.
    pub manage_token: ManageToken,
    /// Where it stands.
    pub state: State,
    /// How often it has been written.
    pub version: u64,
    /// What was booked.
    pub service: ServiceId,
    /// With whom.
    pub staff: StaffId,
    /// Whether the client asked for that person.
    pub is_staff_named: bool,
    /// The salon's local date.
    pub date: Date,
    /// When the client is there.
    pub appointment: Interval<Timestamp>,
    /// When the staff member is free again.
    pub free_from: Timestamp,
    /// Who booked.
    pub customer: Customer,
    /// What was agreed.
    pub terms: Terms,
    /// Where it is paid.
    pub checkout: Checkout,
    /// Stripe's id of the payment that was made: `pi_…`.
    pub payment: Option<String>,
    /// Whether the salon's calendar had something else at the time when the
    /// payment came.
    pub has_conflict: bool,
    /// The money that goes back, if any does.
    pub refund: Option<Refund>,
    /// What it counted against while it was held.
    pub hold_keys: Vec<HoldKey>,
    /// The request that made it, if that can be repeated.
    pub request_key: Option<RequestKey>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub changed_at: Timestamp,
    /// When somebody has to look after it, if nothing happens before.
    pub check_at: Option<Timestamp>,
}

impl Booking {
    /// Returns when the hold is due to be settled: some time after it can be
    /// paid no more.
    #[must_use]
    pub fn hold_until(&self) -> Timestamp {
        self.checkout.expires_at + HOLD_MARGIN
    }

    /// Returns the entry on the day sheet that goes with the booking's state.
    #[must_use]
    pub fn entry(&self) -> Option<Entry> {
        let until = match self.state {
            State::Held => Some(self.hold_until()),
            State::Processing | State::Confirmed => None,
            State::Expired
            | State::Cancelled
            | State::Refunding
            | State::Refunded
            | State::RefundFailed => return None,
        };
        Entry::new(self.id.clone(), self.appointment, self.free_from, until)
    }

    /// Returns the time that the booking takes: appointment and buffer.
    #[must_use]
    pub fn taken(&self) -> Interval<Timestamp> {
        Interval::new(self.appointment.start(), self.free_from).unwrap_or(self.appointment)
    }

    /// Returns until when the booking counts as somebody's unpaid hold.
    #[must_use]
    pub fn counts_as_hold_until(&self) -> Option<Timestamp> {
        (self.state == State::Held).then(|| self.hold_until())
    }

    /// Tells whether the booking was cancelled while its money was on its way,
    /// and nobody knows yet whether that will come. It would have to go back.
    #[must_use]
    pub fn awaits_payment(&self) -> bool {
        self.state == State::Cancelled && self.check_at.is_some()
    }

    /// Returns when the booking is deleted. What is not settled stays.
    #[must_use]
    pub fn delete_at(&self) -> Option<Timestamp> {
        let was_paid = self.payment.is_some();
        let at = match self.state {
            State::Held | State::Processing | State::Refunding => return None,
            State::Cancelled if self.awaits_payment() => return None,
            State::Expired | State::Cancelled if !was_paid => {
                self.changed_at.saturating_add(UNPAID_IS_KEPT)
            }
            _ => {
                let days = SignedDuration::from_hours(24 * i64::from(self.terms.retention_days));
                self.appointment.end().saturating_add(days)
            }
        };
        Some(at.unwrap_or(Timestamp::MAX))
    }

    /// Returns when a new hold is asked about for the first time.
    #[must_use]
    pub fn first_check(created_at: Timestamp) -> Timestamp {
        created_at + FIRST_CHECK
    }
}

#[cfg(test)]
mod tests;
