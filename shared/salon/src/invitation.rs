//! Appointments as iCalendar files (RFC 5545), which calendars import.
//!
//! They are published and not requested (RFC 5546, 3.2.1): a client's calendar
//! then offers to keep the appointment, without "accept" and "decline", which
//! nobody here would hear of. Whoever declined would believe to have cancelled.
//! What is cancelled says so by the same UID (4.1.3).

mod content_lines;

use jiff::Timestamp;

use self::content_lines::ContentLines;
use crate::booking::{Booking, State};
use crate::salon::Salon;

/// What a file asks a calendar to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// To keep the appointment.
    Publish,
    /// To take it out.
    Cancel,
}

impl Method {
    /// Returns what a calendar is to do about a booking. One that has never
    /// been paid has no place there.
    #[must_use]
    pub fn of(booking: &Booking) -> Option<Self> {
        match booking.state {
            State::Confirmed => Some(Self::Publish),
            State::Cancelled | State::Refunding | State::Refunded | State::RefundFailed => {
                booking.payment.is_some().then_some(Self::Cancel)
            }
            State::Held | State::Processing | State::Expired => None,
        }
    }

    /// Returns its name: the `method` of the MIME type is the same (RFC 6047, 2.4).
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
    /// What it asks for.
    pub method: Method,
    /// Its text, with lines of at most 75 octets that end in CRLF.
    pub text: String,
}

impl Invitation {
    /// Writes the file for the client, or for whoever has the booking's id:
    /// nothing in it is personal, and the right to cancel is not in it either,
    /// as calendars are shared.
    #[must_use]
    pub fn for_client(booking: &Booking, salon: &Salon) -> Option<Self> {
        let service = salon.service(booking.service.as_str());
        let title = service.map_or("Appointment", |service| &service.title);
        let mut description = Vec::new();
        let member = salon.staff_member(booking.staff.as_str());
        // Where there is only one, it is clear with whom.
        if let Some(member) = member.filter(|_| salon.staff.len() > 1) {
            description.push(format!("With {}", member.name));
        }
        description.extend(salon.contact.phone.as_ref().map(|phone| format!("Phone {phone}")));
        let summary = format!("{title}, {}", salon.name);
        write(booking, salon, &summary, &description.join("\n"))
    }

    /// Writes the file for the salon's own calendars, with who comes.
    #[must_use]
    pub fn for_owner(booking: &Booking, salon: &Salon) -> Option<Self> {
        let words = CalendarText::for_owner(booking, salon);
        write(booking, salon, &words.summary, &words.description)
    }
}

/// What an appointment says in a calendar.
pub struct CalendarText {
    /// The title.
    pub summary: String,
    /// The text.
    pub description: String,
}

impl CalendarText {
    /// Says what is booked, by whom, and how they are reached.
    #[must_use]
    pub fn for_owner(booking: &Booking, salon: &Salon) -> Self {
        let service = salon.service(booking.service.as_str());
        let title = service.map_or(booking.service.as_str(), |service| &service.title);
        let member = salon.staff_member(booking.staff.as_str());
        let member = member.map_or(booking.staff.as_str(), |member| &member.name);
        let customer = &booking.customer;
        let (name, phone, email) =
            (customer.name.as_str(), customer.phone.as_str(), customer.email.as_str());
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
    // When it changed, not when it is written down: the same booking is the same file.
    lines.value("DTSTAMP", &utc(booking.changed_at));
    // Each write of a booking counts, so that what it has become is later than what it was.
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

/// Returns who organizes: an address of the salon's, or its site.
fn organizer(salon: &Salon, host: &str) -> String {
    let writes = salon.mail.as_ref().map(|mail| &mail.from.address);
    match salon.contact.email.as_ref().or(writes) {
        Some(email) => format!("mailto:{}", email.as_str()),
        None => format!("https://{host}"),
    }
}

/// Returns the host of a URL that has been checked.
fn host(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.split(['/', '?', '#', ':']).next().unwrap_or_default()
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

#[cfg(test)]
mod tests;
