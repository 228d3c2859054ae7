//! A booking is a reserved time, from the hold to the appointment or the refund.
//!
//! [`Booking::apply`] is the life of a booking: the state that follows from each
//! state and event. Everything else that depends on the state, such as the entry
//! on the day sheet, is derived from it.

mod lifecycle;
mod payment_incidents;
#[cfg(test)]
mod sample;

use crate::cancellation_terms::CancellationTerms;
use std::fmt;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

pub use self::lifecycle::{BookingEvent, PaymentContext, RefundOutcome, Transition};
pub use self::payment_incidents::{
    PaymentIncidents, PaymentWarning, SecondPayment, SecondRefund, WarningKind,
};
#[cfg(test)]
pub(crate) use self::sample::sample;
use super::customer::Customer;
use super::day_sheet::{Entry, PlaceInLine, taken_time};
use super::interval::Interval;
use super::money::Money;
use super::payment_ui::PaymentUi;
use super::service::{ServiceId, StaffId};

/// How long a session can be paid. Stripe's minimum is 30 minutes, and it refuses a
/// request that arrives with exactly that
/// (<https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at>).
pub const TIME_TO_PAY: SignedDuration = SignedDuration::from_mins(35);
/// How long a booking that was never paid is kept.
const UNPAID_RETENTION: SignedDuration = SignedDuration::from_hours(7 * 24);
/// When a hold that no event has settled is first checked at Stripe.
const FIRST_CHECK: SignedDuration = SignedDuration::from_mins(3);

/// How long a delayed payment counts as unpaid at most. Stripe's slowest methods settle in 14
/// business days (<https://docs.stripe.com/payments/sepa-debit>).
const LONGEST_PROCESSING: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Identifies a booking: 128 random bits, in hexadecimal.
///
/// Anyone who knows it can view the booking, but not change it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct BookingId(Box<str>);

impl BookingId {
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}").into())
    }

    /// Parses 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 32 && text.bytes().all(is_hex)).then(|| Self(text.into()))
    }

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

/// A secret that gives the right to cancel a booking. It is never logged.
#[derive(Clone, Debug)]
pub struct ManageToken(SecretString);

impl ManageToken {
    #[must_use]
    pub fn from_bits(bits: u128) -> Self {
        Self(format!("{bits:032x}").into())
    }

    /// Restores a token from the table.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text.into())
    }

    /// Returns the secret.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Compares in constant time.
    #[must_use]
    pub fn matches(&self, presented: &str) -> bool {
        self.expose().as_bytes().ct_eq(presented.as_bytes()).into()
    }
}

impl PartialEq for ManageToken {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.expose())
    }
}

impl Eq for ManageToken {}

/// The state of a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// The time is held while the client pays.
    Held,
    /// The client has paid by a method that takes days to settle.
    Processing,
    /// Paid.
    Confirmed,
    /// Nobody paid in time.
    Expired,
    /// Cancelled without a refund.
    Cancelled,
    /// A refund is on its way.
    Refunding,
    /// The refund succeeded.
    Refunded,
    /// The refund failed: a person has to act.
    RefundFailed,
    /// The client stands by for a time that somebody else holds, and has not authorised
    /// the payment yet.
    Standby,
    /// The payment is authorised. The client gets the time if the hold ends unpaid.
    InLine,
    /// The client has got the time, and the authorised payment is being collected.
    Capturing,
    /// The client stood by and did not get the time. Nothing is charged.
    Released,
}

impl State {
    pub const ALL: [Self; 12] = [
        Self::Held,
        Self::Processing,
        Self::Confirmed,
        Self::Expired,
        Self::Cancelled,
        Self::Refunding,
        Self::Refunded,
        Self::RefundFailed,
        Self::Standby,
        Self::InLine,
        Self::Capturing,
        Self::Released,
    ];

    /// Returns the name in the API.
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
            Self::Standby => "standby",
            Self::InLine => "in_line",
            Self::Capturing => "capturing",
            Self::Released => "released",
        }
    }

    /// Finds a state by its name in the API.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Returns whether the payment is still undecided at Stripe.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Held | Self::Processing | Self::Standby | Self::InLine | Self::Capturing
        )
    }

    /// Returns whether the client has not finished the session in which the booking is
    /// paid or authorised.
    #[must_use]
    pub const fn awaits_client(self) -> bool {
        matches!(self, Self::Held | Self::Standby)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The terms as they were when the booking was made. Later changes of the salon
/// file do not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub price: Money,
    pub deposit: Money,
    pub cancellation: CancellationTerms,
    /// How many days after the appointment the booking is deleted.
    pub retention_days: u32,
}

/// The Stripe Checkout session that collects the deposit, and the request that
/// created it, so that the request can be repeated unchanged. `Debug` shows
/// nothing personal or secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Checkout {
    pub ui: PaymentUi,
    /// The attempt's number, starting at 1. It increases when the parameters change.
    pub attempt: u32,
    pub idempotency_key: String,
    /// The request's parameters, form-encoded, as first sent.
    pub form: String,
    pub expires_at: Timestamp,
    /// Whether the session offers payment methods that take days to settle.
    pub offers_delayed: bool,
    /// `None` until Stripe's response is known.
    pub session: Option<Session>,
}

/// The parts of a Stripe session that a client needs. `Debug` shows only the id.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// `cs_…`
    pub id: String,
    /// For a page with an embedded form.
    pub client_secret: Option<String>,
    /// Stripe's hosted page.
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

/// A refund that is owed for a booking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refund {
    pub amount: Money,
    /// The attempt's number, starting at 1.
    pub attempt: u32,
}

/// What the number of unpaid holds is limited by: the hash of a client's phone
/// number or e-mail address together with a network address, or of the network address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldKey(pub Box<str>);

/// The hash of an `Idempotency-Key`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestKey(pub Box<str>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    pub id: BookingId,
    pub manage_token: ManageToken,
    pub state: State,
    /// How many times it has been written.
    pub version: u64,
    pub service: ServiceId,
    pub staff: StaffId,
    /// Whether the client chose that staff member.
    pub is_staff_named: bool,
    /// The salon's local date.
    pub date: Date,
    pub appointment: Interval<Timestamp>,
    /// When the staff member is free again: the end of the appointment and its
    /// buffer.
    pub free_from: Timestamp,
    pub customer: Customer,
    pub terms: Terms,
    pub checkout: Checkout,
    /// Stripe's id of the payment: `pi_…`.
    pub payment: Option<String>,
    /// Whether the staff member's calendar was busy at that time when the payment
    /// arrived.
    pub has_conflict: bool,
    pub refund: Option<Refund>,
    pub incidents: PaymentIncidents,
    /// The keys whose limits it counts against. Empty once it no longer counts.
    pub hold_keys: Vec<HoldKey>,
    /// The idempotency key of the request that made it.
    pub request_key: Option<RequestKey>,
    /// When an unpaid booking no longer keeps its time. Its session can be paid for
    /// longer: until somebody else takes the time. For a client who stands by: when the
    /// holds in the way end.
    pub hold_until: Timestamp,
    /// Whether the client stands by, or has stood by: the session only authorises the
    /// payment.
    pub is_standby: bool,
    /// When the payment was authorised, which is the place in line.
    pub in_line_since: Option<Timestamp>,
    pub created_at: Timestamp,
    /// When the state last changed.
    pub changed_at: Timestamp,
    /// When to check it at Stripe if no event arrives before then.
    pub check_at: Option<Timestamp>,
}

impl Booking {
    /// Returns the entry on the day sheet that goes with the booking's state.
    #[must_use]
    pub fn entry(&self) -> Option<Entry> {
        let until = match self.state {
            State::Held => Some(self.hold_until),
            State::Processing | State::Confirmed | State::Capturing => None,
            State::Expired
            | State::Cancelled
            | State::Refunding
            | State::Refunded
            | State::RefundFailed
            | State::Standby
            | State::InLine
            | State::Released => return None,
        };
        let may_be_delayed = match self.state {
            State::Held => self.checkout.offers_delayed,
            state => state == State::Processing,
        };
        let entry = Entry::new(self.id.clone(), self.appointment, self.free_from, until)?;
        Some(Entry { may_be_delayed, ..entry })
    }

    /// Returns the place in the line of its day sheet, if the booking is in line.
    #[must_use]
    pub fn place_in_line(&self) -> Option<PlaceInLine> {
        let since = self.in_line_since.filter(|_| self.state == State::InLine)?;
        Some(PlaceInLine { booking_id: self.id.clone(), since, taken: self.taken() })
    }

    /// Returns the time that is taken: the appointment and its buffer.
    #[must_use]
    pub fn taken(&self) -> Interval<Timestamp> {
        taken_time(self.appointment, self.free_from)
    }

    /// Returns when the booking stops counting as an unpaid hold; none if it does not count.
    #[must_use]
    pub fn counts_as_hold_until(&self) -> Option<Timestamp> {
        match self.state {
            State::Held | State::Standby | State::InLine => Some(self.hold_until),
            State::Processing => {
                Some(self.changed_at.saturating_add(LONGEST_PROCESSING).unwrap_or(Timestamp::MAX))
            }
            State::Confirmed
            | State::Expired
            | State::Cancelled
            | State::Refunding
            | State::Refunded
            | State::RefundFailed
            | State::Capturing
            | State::Released => None,
        }
    }

    /// Returns whether the booking was cancelled while its payment was being
    /// processed. If the payment still arrives, it is refunded.
    #[must_use]
    pub fn awaits_payment(&self) -> bool {
        self.state == State::Cancelled && self.check_at.is_some()
    }

    /// Returns whether the payment of a released booking is still authorised, as far as
    /// we know. The authorisation has to be cancelled.
    #[must_use]
    pub fn authorises(&self) -> bool {
        self.state == State::Released && self.check_at.is_some()
    }

    /// Returns when the booking is deleted. An unsettled booking is kept.
    #[must_use]
    pub fn delete_at(&self) -> Option<Timestamp> {
        if self.incidents.owes_refund() {
            return None;
        }
        let was_paid = self.payment.is_some() || !self.incidents.is_empty();
        let at = match self.state {
            State::Held
            | State::Processing
            | State::Refunding
            | State::Standby
            | State::InLine
            | State::Capturing => return None,
            State::Cancelled if self.awaits_payment() => return None,
            State::Released if self.authorises() => return None,
            State::Released => self.changed_at.saturating_add(UNPAID_RETENTION),
            State::Expired | State::Cancelled if !was_paid => {
                self.changed_at.saturating_add(UNPAID_RETENTION)
            }
            _ => {
                let days = SignedDuration::from_hours(24 * i64::from(self.terms.retention_days));
                self.appointment.end().saturating_add(days)
            }
        };
        Some(at.unwrap_or(Timestamp::MAX))
    }

    /// Returns when a new hold is first checked at Stripe.
    #[must_use]
    pub fn first_check(created_at: Timestamp) -> Timestamp {
        created_at + FIRST_CHECK
    }
}

#[cfg(test)]
mod tests;
