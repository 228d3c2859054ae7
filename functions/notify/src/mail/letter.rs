//! The words about a booking that templates use.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use salon::Salon;
use salon::booking::{Booking, WarningKind};
use salon::money::Money;

use super::Notification;

/// The words about a booking. Each is a single line, so that no name can start a new one.
#[expect(clippy::struct_excessive_bools, reason = "each is asked by a template")]
pub(super) struct Letter {
    pub(super) salon: String,
    pub(super) address: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) email: Option<String>,
    /// The page on which the visitor cancels. It contains the manage token.
    pub(super) manage_url: Option<String>,

    pub(super) service: String,
    pub(super) staff: String,
    /// Whether the salon has several people, so that their names matter.
    pub(super) has_several_staff: bool,
    /// The staff member before the change.
    pub(super) staff_before: Option<String>,
    pub(super) when: String,
    pub(super) minutes: i64,

    pub(super) price: String,
    pub(super) deposit: String,
    /// The amount to pay at the salon, unless zero.
    pub(super) rest: Option<String>,
    /// The amount that is refunded, if any.
    pub(super) refund: Option<String>,
    /// The time until which a cancellation refunds the whole deposit, unless it is past.
    pub(super) full_refund_until: Option<String>,
    /// The refund after that, unless zero.
    pub(super) late_refund: Option<String>,

    pub(super) name: String,
    pub(super) customer_phone: String,
    pub(super) customer_email: String,
    pub(super) has_conflict: bool,
    /// Stripe's payment id.
    pub(super) payment: Option<String>,
    /// Whether somebody at the salon has cancelled the booking, by a refund in Stripe's
    /// Dashboard.
    pub(super) is_refunded_by_hand: bool,
    /// Whether the bank may take the booking's payment back.
    pub(super) is_contested: bool,
    /// Whether the last reason for that is a dispute.
    pub(super) is_disputed: bool,
    /// Whether the payment came after the visitor had cancelled.
    pub(super) was_cancelled: bool,
}

impl Letter {
    /// Describes a booking. Its terms are as of the booking's last change, or as of `now`
    /// in a reminder.
    pub(super) fn new(
        notification: &Notification,
        booking: &Booking,
        salon: &Salon,
        now: Timestamp,
    ) -> Self {
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
        let said_at =
            if *notification == Notification::Reminder { now } else { booking.changed_at };
        let warning = booking.incidents.warnings.last();
        let payment = match (notification, warning) {
            (Notification::Contested, Some(warning)) => Some(warning.payment.as_str()),
            _ => booking.payment.as_deref(),
        };
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
            staff_before: match notification {
                Notification::Moved { from } => Some(staff_name(from.as_str())),
                _ => None,
            },
            when: date_and_time(appointment.start(), zone),
            minutes: length.as_mins(),
            price: terms.price.to_string(),
            deposit: terms.deposit.to_string(),
            rest: Some(Money::new(rest, terms.price.currency()))
                .filter(is_some)
                .map(|rest| rest.to_string()),
            refund: booking.refund.map(|refund| refund.amount.to_string()),
            full_refund_until: (full_refund_until > said_at)
                .then(|| date_and_time(full_refund_until, zone)),
            late_refund: Some(late_refund).filter(is_some).map(|amount| amount.to_string()),
            name: one_line(booking.customer.name.as_str()),
            customer_phone: booking.customer.phone.to_text(),
            customer_email: one_line(booking.customer.email.as_str()),
            has_conflict: booking.has_conflict,
            payment: payment.map(one_line),
            is_refunded_by_hand: booking.incidents.refunded_by_hand.is_some(),
            is_contested: booking.is_contested(),
            is_disputed: warning.is_some_and(|warning| warning.kind == WarningKind::Dispute),
            was_cancelled: *notification == Notification::PaidAfterCancelling,
        }
    }
}

/// Puts text on one line: line breaks and control characters become spaces.
pub(super) fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.split(breaks).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Formats a time in the salon's zone: `Tuesday, 24 November 2026, 10:00`.
fn date_and_time(at: Timestamp, zone: &TimeZone) -> String {
    zone.to_datetime(at).strftime("%A, %-d %B %Y, %H:%M").to_string()
}
