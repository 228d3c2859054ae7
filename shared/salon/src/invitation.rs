//! Appointments as iCalendar files (RFC 5545), for import into a calendar.
//!
//! They use the method `PUBLISH` (RFC 5546, 3.2.1), so that a calendar offers to
//! add the appointment. With `REQUEST` it would offer "accept" and "decline", and
//! we would not receive the answer: a client who declined would believe that the
//! booking is cancelled. A cancellation has the same UID and `CANCEL` (4.1.3).

mod content_lines;

use jiff::Timestamp;

use self::content_lines::ContentLines;
use crate::booking::{Booking, State};
use crate::salon::Salon;

/// What the file asks a calendar to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Add or update the appointment.
    Publish,
    /// Remove it.
    Cancel,
}

impl Method {
    /// Returns the method for a booking. A booking that was never paid has none.
    #[must_use]
    pub fn of(booking: &Booking) -> Option<Self> {
        match booking.state {
            State::Confirmed => Some(Self::Publish),
            State::Cancelled | State::Refunding | State::Refunded | State::RefundFailed => {
                booking.payment.is_some().then_some(Self::Cancel)
            }
            State::Held
            | State::Processing
            | State::Expired
            | State::Standby
            | State::InLine
            | State::Capturing
            | State::Released => None,
        }
    }

    /// Returns the name, which is also the MIME type's `method` (RFC 6047, 2.4).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publish => "PUBLISH",
            Self::Cancel => "CANCEL",
        }
    }
}

/// An iCalendar file.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    pub method: Method,
    /// Lines of at most 75 octets that end in CRLF.
    pub text: String,
}

impl Invitation {
    /// Makes the file for the client, or `None` for a booking without a
    /// [`Method`].
    ///
    /// Calendars are shared, and anyone with the booking id can get this file, so
    /// it contains nothing personal and no manage token.
    #[must_use]
    pub fn for_client(booking: &Booking, salon: &Salon) -> Option<Self> {
        let service = salon.service(booking.service.as_str());
        let title = service.map_or("Appointment", |service| &service.title);
        let mut description = Vec::new();
        let member = salon.staff_member(booking.staff.as_str());
        // With a single staff member, the name says nothing.
        if let Some(member) = member.filter(|_| salon.staff.len() > 1) {
            description.push(format!("With {}", member.name));
        }
        description.extend(salon.contact.phone.as_ref().map(|phone| format!("Phone {phone}")));
        let summary = format!("{title}, {}", salon.name);
        write(booking, salon, &summary, &description.join("\n"))
    }

    /// Makes the file for the salon's own calendars, with the client's name,
    /// phone number and e-mail address.
    #[must_use]
    pub fn for_owner(booking: &Booking, salon: &Salon) -> Option<Self> {
        let text = CalendarText::for_owner(booking, salon);
        write(booking, salon, &text.summary, &text.description)
    }
}

/// The title and description of an appointment in a calendar.
pub struct CalendarText {
    pub summary: String,
    pub description: String,
}

impl CalendarText {
    /// Names the service, the client and the staff member.
    #[must_use]
    pub fn for_owner(booking: &Booking, salon: &Salon) -> Self {
        let service = salon.service(booking.service.as_str());
        let title = service.map_or(booking.service.as_str(), |service| &service.title);
        let member = salon.staff_member(booking.staff.as_str());
        let member = member.map_or(booking.staff.as_str(), |member| &member.name);
        let customer = &booking.customer;
        let (name, phone, email) =
            (customer.name.as_str(), customer.phone.to_text(), customer.email.as_str());
        Self {
            summary: format!("{title}: {name}"),
            description: format!("{name}\n{phone}\n{email}\nWith {member}"),
        }
    }
}

fn write(booking: &Booking, salon: &Salon, summary: &str, description: &str) -> Option<Invitation> {
    let method = Method::of(booking)?;
    let status = match method {
        Method::Publish => "CONFIRMED",
        Method::Cancel => "CANCELLED",
    };
    let host = host(&salon.return_url);
    let appointment = booking.appointment;
    let mut lines = ContentLines::default();
    lines.value("BEGIN", "VCALENDAR");
    lines.value("VERSION", "2.0");
    lines.value("PRODID", "-//Openchair//Bookings//EN");
    lines.value("CALSCALE", "GREGORIAN");
    lines.value("METHOD", method.as_str());
    lines.value("BEGIN", "VEVENT");
    lines.value("UID", &format!("{}@{host}", booking.id));
    // The time of the last change, not of this file: the same booking gives the same file.
    lines.value("DTSTAMP", &utc(booking.changed_at));
    // The version grows with each write, so a later file replaces an earlier one.
    lines.value("SEQUENCE", &booking.version.min(i32::MAX.unsigned_abs().into()).to_string());
    lines.value("DTSTART", &utc(appointment.start()));
    lines.value("DTEND", &utc(appointment.end()));
    lines.text("SUMMARY", summary);
    if let Some(address) = &salon.contact.address {
        lines.text("LOCATION", address);
    }
    if !description.is_empty() {
        lines.text("DESCRIPTION", description);
    }
    lines.organizer(&salon.name, &organizer(salon, host));
    lines.value("STATUS", status);
    lines.value("TRANSP", "OPAQUE");
    lines.value("END", "VEVENT");
    lines.value("END", "VCALENDAR");
    Some(Invitation { method, text: lines.into_text() })
}

/// Returns the organizer: an e-mail address of the salon, or its site.
fn organizer(salon: &Salon, host: &str) -> String {
    let writes = salon.mail.as_ref().map(|mail| &mail.from.address);
    match salon.contact.email.as_ref().or(writes) {
        Some(email) => format!("mailto:{}", email.as_str()),
        None => format!("https://{host}"),
    }
}

/// Returns the host of a valid URL.
fn host(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.split(['/', '?', '#', ':']).next().unwrap_or_default()
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests;
