//! Mails: from a booking and the salon to bytes.
//!
//! Nothing here reads the clock or draws random numbers. The same notification about the
//! same booking, at the same time, is the same mail byte for byte, and at any time it has
//! the same id. So it can be written again after a crash and sent once. SES replaces the
//! id and the date
//! (<https://docs.aws.amazon.com/ses/latest/dg/header-fields.html>), so the sender keeps
//! a marker and cannot look the id up in a mailbox.

mod letter;
mod message;
mod notification;
mod templates;

use std::fmt;

use jiff::Timestamp;
use salon::Salon;
use salon::booking::Booking;
use salon::contact::{MailRules, Mailbox};
use salon::customer::Email;
use salon::invitation::Invitation;
use salon::staff_calendar::CalendarName;

use self::letter::{Letter, one_line};
pub use self::notification::Notification;

/// The person who gets a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// The person who booked.
    Visitor,
    /// The salon's owner.
    Owner,
}

impl Recipient {
    /// Returns the name that is part of a mail's id.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Owner => "owner",
        }
    }
}

/// An address of a header, in ASCII, with an optional display name.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub name: Option<String>,
    pub address: String,
}

/// A mail. `Debug` shows neither personal data nor the manage token.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    pub recipient: Recipient,
    /// The `Message-ID`, without angle brackets: booking, notification, recipient.
    pub id: String,
    pub from: Address,
    pub to: Address,
    pub reply_to: Address,
    pub date: Timestamp,
    pub subject: String,
    pub text: String,
    /// The same text, for clients that show HTML.
    pub html: Option<String>,
    /// The calendar file, if the appointment changes.
    pub invitation: Option<Invitation>,
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Mail {
    /// Writes the mail as it is sent: RFC 5322 and MIME, in ASCII.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        message::write(self)
    }
}

/// Writes the mails of a notification about a booking.
///
/// A salon without `[mail]` writes none. A visitor whose address Amazon SES does not
/// accept gets no mail; the owner's mail then says to call.
#[must_use]
pub fn write(
    notification: &Notification,
    booking: &Booking,
    salon: &Salon,
    now: Timestamp,
) -> Vec<Mail> {
    let Some(rules) = &salon.mail else { return Vec::new() };
    let letter = Letter::new(notification, booking, salon, now);
    let customer = &booking.customer;
    let visitor = is_deliverable(&customer.email).then(|| Address {
        name: Some(one_line(customer.name.as_str())),
        ..plain(&customer.email)
    });
    let owner = plain(&rules.owner);
    let office = salon.contact.email.as_ref().map_or_else(|| owner.clone(), plain);

    let mut mails = Vec::new();
    if let Some(visitor) = &visitor
        && let Some(page) = templates::visitor(notification, &letter)
    {
        mails.push(Mail {
            recipient: Recipient::Visitor,
            id: id(booking, notification, Recipient::Visitor, rules),
            from: sender(&rules.from),
            to: visitor.clone(),
            reply_to: office,
            date: now,
            subject: page.subject,
            text: page.text,
            html: Some(page.html),
            invitation: notification
                .changes_calendars()
                .then(|| Invitation::for_client(booking, salon))
                .flatten(),
        });
    }
    if let Some(page) = templates::owner(notification, &letter, visitor.is_some()) {
        let invitation = (notification.changes_calendars() && has_only_feeds(booking, salon))
            .then(|| Invitation::for_owner(booking, salon));
        mails.push(Mail {
            recipient: Recipient::Owner,
            id: id(booking, notification, Recipient::Owner, rules),
            from: sender(&rules.from),
            reply_to: visitor.unwrap_or_else(|| owner.clone()),
            to: owner,
            date: now,
            subject: page.subject,
            text: page.text,
            html: None,
            invitation: invitation.flatten(),
        });
    }
    mails
}

fn id(
    booking: &Booking,
    notification: &Notification,
    recipient: Recipient,
    rules: &MailRules,
) -> String {
    let domain = rules.from.address.as_str().rsplit('@').next().unwrap_or_default();
    format!("{}.{}.{}@{domain}", booking.id, notification.as_str(), recipient.as_str())
}

fn sender(from: &Mailbox) -> Address {
    Address { name: Some(one_line(&from.name)), address: from.address.as_str().to_owned() }
}

fn plain(email: &Email) -> Address {
    Address { name: None, address: email.as_str().to_owned() }
}

/// Returns whether the staff member's calendars are all feeds, which are read-only: the
/// owner has to add the appointment.
fn has_only_feeds(booking: &Booking, salon: &Salon) -> bool {
    let member = salon.staff_member(booking.staff.as_str());
    let calendars = member.map_or(&[][..], |member| &member.calendars);
    let is_feed = |calendar: &CalendarName| matches!(calendar, CalendarName::Ical(_));
    !calendars.is_empty() && calendars.iter().all(is_feed)
}

/// Returns whether SES accepts an address: only ASCII before the `@`, and an international
/// domain as Punycode
/// (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html>). Bookings of
/// earlier versions have addresses that are not checked for this.
fn is_deliverable(email: &Email) -> bool {
    email.as_str().is_ascii()
}
