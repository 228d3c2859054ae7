//! How to reach the salon, and the mail that it sends.

use super::customer::Email;
use super::reminder::Reminders;

/// How clients reach the salon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// The street address, in one line.
    pub address: Option<String>,
    /// The phone number, as shown to people.
    pub phone: Option<String>,
    pub email: Option<Email>,
}

/// The sender of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub name: String,
    pub address: Email,
}

/// The mail that the salon sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRules {
    pub from: Mailbox,
    /// Where the owner is notified of bookings.
    pub owner: Email,
    /// `None`: clients are not reminded.
    pub reminders: Option<Reminders>,
}
