//! Mails: from a booking and the salon to bytes.
//!
//! Nothing here asks the time or chance: the same news of the same booking, at
//! the same time, is the same mail byte for byte, and at any time it has the same
//! id. So it can be written again after a crash, and sent once. SES puts an id and
//! a date of its own in their places
//! (<https://docs.aws.amazon.com/ses/latest/dg/header-fields.html>), so who sends
//! remembers ours, and cannot look for it in a mailbox.

mod letter;
mod message;
mod news;
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
pub use self::news::News;

/// Whom a mail is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// Who booked.
    Visitor,
    /// Whose salon it is.
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

/// Who is in a header: a name, if there is one, and an address in ASCII.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// The name that is shown.
    pub name: Option<String>,
    /// The address.
    pub address: String,
}

/// A mail. Shown without what is personal, or gives the right to cancel.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Whom it is for.
    pub recipient: Recipient,
    /// Its `Message-ID`, without the angle brackets: booking, news, recipient.
    pub id: String,
    /// Who writes.
    pub from: Address,
    /// Who is written to.
    pub to: Address,
    /// Who gets an answer.
    pub reply_to: Address,
    /// When it is written.
    pub date: Timestamp,
    /// What it is about.
    pub subject: String,
    /// What it says.
    pub text: String,
    /// The same, for clients that show HTML.
    pub html: Option<String>,
    /// What goes into a calendar.
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

/// Writes what is said about a booking: a mail to each who is told.
///
/// A salon without `[mail]` writes none. A visitor is not written to at an
/// address that Amazon SES does not take; the owner is then told to call.
#[must_use]
pub fn write(news: &News, booking: &Booking, salon: &Salon, now: Timestamp) -> Vec<Mail> {
    let Some(rules) = &salon.mail else { return Vec::new() };
    let letter = Letter::new(news, booking, salon, now);
    let customer = &booking.customer;
    let visitor = deliverable(&customer.email)
        .map(|address| Address { name: Some(one_line(customer.name.as_str())), address });
    let owner = plain(&rules.owner);
    let office = salon.contact.email.as_ref().map_or_else(|| owner.clone(), plain);

    let mut mails = Vec::new();
    if let Some(visitor) = &visitor {
        let page = templates::visitor(news, &letter);
        mails.push(Mail {
            recipient: Recipient::Visitor,
            id: id(booking, news, Recipient::Visitor, rules),
            from: sender(&rules.from),
            to: visitor.clone(),
            reply_to: office,
            date: now,
            subject: page.subject,
            text: page.text,
            html: Some(page.html),
            invitation: news
                .is_for_calendars()
                .then(|| Invitation::for_client(booking, salon))
                .flatten(),
        });
    }
    if let Some(page) = templates::owner(news, &letter, visitor.is_some()) {
        let invitation = (news.is_for_calendars() && keeps_a_feed(booking, salon))
            .then(|| Invitation::for_owner(booking, salon));
        mails.push(Mail {
            recipient: Recipient::Owner,
            id: id(booking, news, Recipient::Owner, rules),
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

fn id(booking: &Booking, news: &News, recipient: Recipient, rules: &MailRules) -> String {
    let domain = rules.from.address.as_str().rsplit('@').next().unwrap_or_default();
    format!("{}.{}.{}@{domain}", booking.id, news.as_str(), recipient.as_str())
}

fn sender(from: &Mailbox) -> Address {
    Address { name: Some(one_line(&from.name)), address: from.address.as_str().to_owned() }
}

fn plain(email: &Email) -> Address {
    Address { name: None, address: email.as_str().to_owned() }
}

/// Tells whether the appointment is with somebody whose calendar can only be
/// read: nobody but a person puts an appointment into a feed.
fn keeps_a_feed(booking: &Booking, salon: &Salon) -> bool {
    let member = salon.staff_member(booking.staff.as_str());
    let calendars = member.map_or(&[][..], |member| &member.calendars);
    let is_feed = |calendar: &CalendarName| matches!(calendar, CalendarName::Ical(_));
    !calendars.is_empty() && calendars.iter().all(is_feed)
}

/// Returns an address in ASCII: SES takes a domain in other letters as Punycode,
/// and no other letters before the `@`
/// (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html>).
fn deliverable(email: &Email) -> Option<String> {
    let (local, domain) = email.as_str().rsplit_once('@')?;
    let domain = idna::domain_to_ascii(domain).ok()?;
    local.is_ascii().then(|| format!("{local}@{domain}"))
}
