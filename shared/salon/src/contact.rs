//! How the salon is reached, and how it writes.

use super::customer::Email;
use super::reminder::Reminders;

/// How clients reach the salon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    /// Where it is, in one line.
    pub address: Option<String>,
    /// Its phone number, as it is written for people.
    pub phone: Option<String>,
    /// Where clients write to.
    pub email: Option<Email>,
}

/// An address that mail comes from, and whose it says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The name that is shown.
    pub name: String,
    /// The address.
    pub address: Email,
}

/// What is written by mail. A salon without it writes none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailRules {
    /// Who writes.
    pub from: Mailbox,
    /// Where the owner is told of bookings.
    pub owner: Email,
    /// When clients are reminded, if they are.
    pub reminders: Option<Reminders>,
}
