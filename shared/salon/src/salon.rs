//! The salon: what its file says, read and checked.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use super::booking::{Booking, BookingId, CancellationTerms};
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
    /// Its name.
    pub name: String,
    /// Where its wall clock hangs.
    pub time_zone: TimeZone,
    /// What it charges in.
    pub currency: Currency,
    /// How many days after today can be booked.
    pub horizon_days: u16,
    /// How long before an appointment it must be booked, in minutes.
    pub notice_minutes: u32,
    /// The distance between the times offered, in minutes of the wall clock.
    pub slot_step_minutes: u16,
    /// The deposit where neither service nor request has another.
    pub default_deposit: Money,
    /// Whether a deposit can be paid without reserving a time.
    pub bare_deposits: bool,
    /// When it is open.
    pub hours: WeeklyHours,
    /// When it is not, all the same.
    pub closures: Vec<Closure>,
    /// What it offers, in the order of its menu.
    pub services: Vec<Service>,
    /// Who works there, in the order in which they are preferred.
    pub staff: Vec<StaffMember>,
    /// For how long a reading of the calendars is fresh, in seconds.
    pub calendar_fresh_seconds: u32,
    /// How old a reading of the calendars may get while they cannot be read,
    /// in minutes. After that their owners are not free.
    pub calendar_max_stale_minutes: u32,
    /// Where Stripe's pages return to.
    pub return_url: String,
    /// Where a client looks at a booking and cancels it, if there is such a page.
    pub manage_url: Option<String>,
    /// How clients reach it.
    pub contact: Contact,
    /// What is written by mail, if anything is.
    pub mail: Option<MailRules>,
    /// Where a phone number without a country's code is from.
    pub country: Country,
    /// How many unpaid holds anyone gets.
    pub hold_limits: HoldLimits,
    /// How a deposit is paid where the request does not say.
    pub ui: PaymentUi,
    /// Whether payment methods are offered that take days.
    pub delayed_methods: bool,
    /// What comes back after a cancellation.
    pub cancellation: CancellationTerms,
    /// How many days after the appointment a booking is deleted.
    pub retention_days: u32,
}

/// How many unpaid holds anyone gets at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldLimits {
    /// A phone number, or an e-mail address.
    pub per_customer: usize,
    /// A network address.
    pub per_address: usize,
}

impl Salon {
    /// Finds a service.
    #[must_use]
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.id.as_str() == id)
    }

    /// Finds a staff member.
    #[must_use]
    pub fn staff_member(&self, id: &str) -> Option<&StaffMember> {
        self.staff.iter().find(|member| member.id.as_str() == id)
    }

    /// Iterates over the ids of those who perform `service`, preferred first.
    pub fn staff_for(&self, service: &ServiceId) -> impl Iterator<Item = &StaffId> {
        self.staff.iter().filter(|member| member.performs(service)).map(|member| &member.id)
    }

    /// Returns somebody's hours: their own, or the salon's.
    #[must_use]
    pub fn hours_of<'a>(&'a self, member: &'a StaffMember) -> &'a WeeklyHours {
        member.hours.as_ref().unwrap_or(&self.hours)
    }

    /// Returns how old a reading of the calendars may get.
    #[must_use]
    pub fn max_stale(&self) -> SignedDuration {
        SignedDuration::from_mins(self.calendar_max_stale_minutes.into())
    }

    /// Returns the page that a booking's payment returns to: the salon's, with
    /// the booking's id in the query.
    #[must_use]
    pub fn return_url_for(&self, booking: &BookingId) -> String {
        page_about(&self.return_url, booking)
    }

    /// Returns the page on which a booking can be cancelled, for its owner.
    ///
    /// The right to do so is in the fragment, which browsers send to nobody: it
    /// is in no server's log and in no `Referer`.
    #[must_use]
    pub fn manage_url_for(&self, booking: &Booking) -> Option<String> {
        let page = page_about(self.manage_url.as_deref()?, &booking.id);
        Some(format!("{page}#token={}", booking.manage_token.expose()))
    }

    /// Tells whether the salon is closed all of `date`.
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

/// Adds a booking's id to the query of a page's address.
fn page_about(url: &str, booking: &BookingId) -> String {
    let (page, fragment) = match url.split_once('#') {
        Some((page, fragment)) => (page, Some(fragment)),
        None => (url, None),
    };
    let joint = if page.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{page}{joint}booking={booking}{fragment}")
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

    /// Tells whether `date` is in the range.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }
}
