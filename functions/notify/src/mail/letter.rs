//! What templates can say about a booking, in words.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use salon::Salon;
use salon::booking::Booking;
use salon::money::Money;

use super::News;

/// The words about a booking. Each is one line, so that no name begins a line
/// of its own.
pub(super) struct Letter {
    pub(super) salon: String,
    pub(super) address: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
    /// Where the visitor cancels. It has the right to do so in it.
    pub(super) manage_url: Option<String>,

    pub(super) service: String,
    pub(super) staff: String,
    /// Whether it says more to name the staff member than the salon.
    pub(super) has_several_staff: bool,
    /// With whom it was before.
    pub(super) staff_before: Option<String>,
    pub(super) when: String,
    pub(super) minutes: i64,

    pub(super) price: String,
    pub(super) deposit: String,
    /// What is paid at the salon, if anything.
    pub(super) rest: Option<String>,
    /// What goes back, if anything does.
    pub(super) refund: Option<String>,
    /// Until when all of the deposit comes back, if that is still to come.
    pub(super) full_refund_until: Option<String>,
    /// What comes back after that, if anything does.
    pub(super) late_refund: Option<String>,

    pub(super) name: String,
    pub(super) customer_phone: String,
    pub(super) customer_email: String,
    pub(super) has_conflict: bool,
    /// Stripe's id of the payment.
    pub(super) payment: Option<String>,
    /// Whether it came after the visitor had cancelled.
    pub(super) was_cancelled: bool,
}

impl Letter {
    /// Says what there is to say of a booking. What is said of the terms is as of
    /// the booking's last change; in a reminder, which has none, it is as of `now`.
    pub(super) fn new(news: &News, booking: &Booking, salon: &Salon, now: Timestamp) -> Self {
        let zone = &salon.time_zone;
        let staff_name = |id: &str| {
            let member = salon.staff_member(id);
            one_line(member.map_or(id, |member| &member.name))
        };
        let service = salon.service(booking.service.as_str());
        let service = service.map_or(booking.service.as_str(), |service| &service.title);
        let (terms, appointment) = (booking.terms, booking.appointment);
        let length = appointment.end().duration_since(appointment.start());
        let rest = terms.price.amount() - terms.deposit.amount();
        let full_refund_until = terms.cancellation.full_refund_until(appointment.start());
        let late_refund = terms.cancellation.late_refund(terms.deposit);
        let said_at = if *news == News::Reminder { now } else { booking.changed_at };
        let is_some = |amount: &Money| amount.amount() > 0;
        Self {
            salon: one_line(&salon.name),
            address: salon.contact.address.as_deref().map(one_line),
            phone: salon.contact.phone.as_deref().map(one_line),
            email: salon.contact.email.as_ref().map(|email| one_line(email.as_str())),
            manage_url: salon.manage_url_for(booking),
            service: one_line(service),
            staff: staff_name(booking.staff.as_str()),
            has_several_staff: salon.staff.len() > 1,
            staff_before: match news {
                News::Moved { from } => Some(staff_name(from.as_str())),
                _ => None,
            },
            when: in_words(appointment.start(), zone),
            minutes: length.as_mins(),
            price: terms.price.to_string(),
            deposit: terms.deposit.to_string(),
            rest: Some(Money::new(rest, terms.price.currency()))
                .filter(is_some)
                .map(|rest| rest.to_string()),
            refund: booking.refund.map(|refund| refund.amount.to_string()),
            full_refund_until: (full_refund_until > said_at)
                .then(|| in_words(full_refund_until, zone)),
            late_refund: Some(late_refund).filter(is_some).map(|amount| amount.to_string()),
            name: one_line(booking.customer.name.as_str()),
            customer_phone: booking.customer.phone.as_str().to_owned(),
            customer_email: one_line(booking.customer.email.as_str()),
            has_conflict: booking.has_conflict,
            payment: booking.payment.as_deref().map(one_line),
            was_cancelled: *news == News::PaidAfterCancelling,
        }
    }
}

/// Puts text on one line: what ends lines, or steers a display, becomes a space.
pub(super) fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.split(breaks).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Shows a time as people say it at the salon: `Tuesday, 24 November 2026, 10:00`.
fn in_words(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%A, %-d %B %Y, %H:%M").to_string()
}
