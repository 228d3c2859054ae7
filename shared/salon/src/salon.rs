//! The salon, as its file describes it.

use crate::cancellation_terms::CancellationTerms;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::booking::{Booking, BookingId};
use super::contact::{Contact, MailRules};
use super::customer::Country;
use super::hours::{Closure, WeeklyHours};
use super::money::{Currency, Money};
use super::payment_ui::PaymentUi;
use super::service::{Service, ServiceId, StaffId, StaffMember};

/// A salon and its rules.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Salon {
    pub name: String,
    /// The salon's time zone.
    pub time_zone: TimeZone,
    pub currency: Currency,
    /// How many days after today can be booked.
    pub horizon_days: u16,
    /// The least time between booking an appointment and its start.
    pub notice_minutes: u32,
    /// Appointments start at multiples of this, counted from midnight on the
    /// wall clock.
    pub slot_step_minutes: u16,
    /// The deposit of a service without its own, and of a payment without a
    /// booking.
    pub default_deposit: Money,
    /// Whether a deposit can be paid without reserving a time.
    pub bare_deposits: bool,
    /// How many of them a network address may ask for in an hour.
    pub max_bare_deposits_per_hour: u16,
    pub hours: WeeklyHours,
    pub closures: Vec<Closure>,
    /// In the order of the menu.
    pub services: Vec<Service>,
    /// In order of preference.
    pub staff: Vec<StaffMember>,
    /// How long a calendar reading is used before the calendar is read again.
    pub calendar_fresh_seconds: u32,
    /// How long a calendar reading is used while the calendar cannot be read.
    /// After that, its owner is not free.
    pub calendar_max_stale_minutes: u32,
    /// The page that Stripe returns to.
    pub return_url: String,
    /// The page on which a client views and cancels a booking.
    pub manage_url: Option<String>,
    pub contact: Contact,
    /// `None`: no mail is sent.
    pub mail: Option<MailRules>,
    /// The country of phone numbers without a country code.
    pub country: Country,
    /// For how many minutes an unpaid booking keeps its time.
    pub hold_minutes: u16,
    pub hold_limits: HoldLimits,
    /// How a deposit is paid if the request does not say.
    pub ui: PaymentUi,
    /// Whether to offer payment methods that take days to settle.
    pub delayed_methods: bool,
    pub cancellation: CancellationTerms,
    /// How long after the appointment a booking is deleted.
    pub retention_days: u32,
}

/// How many unpaid holds are allowed at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldLimits {
    /// Per phone number, and per e-mail address, each together with a network address.
    pub per_customer: usize,
    /// Per network address, which many people may share.
    pub per_address: usize,
}

impl Salon {
    #[must_use]
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id.as_str() == id)
    }

    #[must_use]
    pub fn staff_member(&self, id: &str) -> Option<&StaffMember> {
        self.staff.iter().find(|member| member.id.as_str() == id)
    }

    /// Iterates over the staff who are eligible for a request, in order of
    /// preference: those who perform `service`, and only `staff` if that is given.
    pub fn eligible_staff<'s, 'q>(
        &'s self,
        service: Option<&'q ServiceId>,
        staff: Option<&'q StaffId>,
    ) -> impl Iterator<Item = &'s StaffMember> + use<'s, 'q> {
        self.staff.iter().filter(move |member| {
            service.is_none_or(|service| member.performs(service))
                && staff.is_none_or(|staff| *staff == member.id)
        })
    }

    /// Returns a staff member's own hours, or the salon's.
    #[must_use]
    pub fn hours_of<'a>(&'a self, member: &'a StaffMember) -> &'a WeeklyHours {
        member.hours.as_ref().unwrap_or(&self.hours)
    }

    /// Returns when the hold of a booking made at `now` ends.
    #[must_use]
    pub fn hold_until(&self, now: Timestamp) -> Timestamp {
        now + SignedDuration::from_mins(self.hold_minutes.into())
    }

    /// Returns how old a calendar reading may be.
    #[must_use]
    pub fn max_stale(&self) -> SignedDuration {
        SignedDuration::from_mins(self.calendar_max_stale_minutes.into())
    }

    /// Returns the page to which a booking's payment returns, with the booking
    /// id in the query.
    #[must_use]
    pub fn return_url_for(&self, booking: &BookingId) -> String {
        with_booking_id(&self.return_url, booking)
    }

    /// Returns the page on which a booking can be cancelled.
    ///
    /// The manage token is in the fragment. Browsers do not send fragments, so
    /// it appears in no server log and in no `Referer`.
    #[must_use]
    pub fn manage_url_for(&self, booking: &Booking) -> Option<String> {
        let page = with_booking_id(self.manage_url.as_deref()?, &booking.id);
        Some(format!("{page}#token={}", booking.manage_token.expose()))
    }

    /// Returns whether the salon is closed on `date`.
    #[must_use]
    pub fn is_closed_on(&self, date: Date) -> bool {
        self.closures.iter().any(|closure| closure.covers(date))
    }

    /// Returns the dates that can be booked at `now`: today and the
    /// `horizon_days` after it.
    #[must_use]
    pub fn horizon(&self, now: Timestamp) -> DateRange {
        let first = self.time_zone.to_datetime(now).date();
        let last = first.saturating_add(Span::new().days(self.horizon_days));
        DateRange { first, last }
    }
}

/// Adds a booking id to the query of a URL.
fn with_booking_id(url: &str, booking: &BookingId) -> String {
    let (page, fragment) = match url.split_once('#') {
        Some((page, fragment)) => (page, Some(fragment)),
        None => (url, None),
    };
    let separator = if page.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{page}{separator}booking={booking}{fragment}")
}

/// A range of local dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DateRange {
    pub first: Date,
    /// The last date, inclusive.
    pub last: Date,
}

impl DateRange {
    /// Makes the range of one date.
    #[must_use]
    pub const fn single(date: Date) -> Self {
        Self { first: date, last: date }
    }

    /// Makes the range from `first` to `last`, inclusive.
    #[must_use]
    pub const fn new(first: Date, last: Date) -> Self {
        Self { first, last }
    }

    /// Iterates over the dates in order.
    pub fn dates(self) -> impl Iterator<Item = Date> {
        self.first.series(Span::new().days(1)).take_while(move |date| *date <= self.last)
    }

    /// Returns whether `date` is in the range.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }
}

#[cfg(test)]
mod tests;
