//! Reading `[contact]` and `[mail]`.

use super::optional_or;
use super::reader::Field;
use crate::contact::{Contact, MailRules, Mailbox};
use crate::customer::{Country, Email, Phone};
use crate::reminder::{QuietHours, Reminders};

pub(super) fn contact(field: &Field<'_, '_>, country: Option<Country>) -> Option<Contact> {
    let table = field.table(&["address", "phone", "email"])?;
    let address =
        optional_or(Some(&table), "address", None, |f| line(f).map(|line| Some(line.to_owned())));
    let phone = optional_or(Some(&table), "phone", None, |f| {
        let text = line(f)?;
        // A missing country is reported separately.
        let is_phone = country.is_none_or(|country| Phone::parse(text, country).is_ok());
        f.expect(is_phone.then(|| text.to_owned()), "a phone number").map(Some)
    });
    let email = optional_or(Some(&table), "email", None, |f| email(f).map(Some));
    Some(Contact { address: address?, phone: phone?, email: email? })
}

/// Reads `[mail]`. The default name of the sender is `salon`.
pub(super) fn mail(field: &Field<'_, '_>, salon: Option<&str>) -> Option<MailRules> {
    let table = field.table(&["from", "owner", "reminder_hours", "quiet_hours"])?;
    let from = table
        .required("from", "the sender, such as \"Salon <bookings@salon.example>\"")
        .and_then(|f| mailbox(&f, salon.unwrap_or_default()));
    let owner =
        table.required("owner", "the address that is notified of bookings").and_then(|f| email(&f));
    let hours =
        optional_or(Some(&table), "reminder_hours", 24, |f| f.integer(0..=168_u16, "hours"));
    let quiet = optional_or(Some(&table), "quiet_hours", None, |f| quiet_hours(f).map(Some));
    let (hours, quiet) = (hours?, quiet?);
    let reminders = (hours > 0).then_some(Reminders { hours, quiet });
    Some(MailRules { from: from?, owner: owner?, reminders })
}

/// Reads `Name <address>`, or only an address.
fn mailbox(field: &Field<'_, '_>, salon: &str) -> Option<Mailbox> {
    const EXPECTED: &str = "an address such as \"Salon <bookings@salon.example>\"";
    let text = line(field)?.trim();
    let (name, address) = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
        Some((name, address)) => (name.trim().trim_matches('"'), address),
        None => ("", text),
    };
    let address = field.expect(sendable(address), EXPECTED)?;
    let name = if name.is_empty() { salon } else { name };
    Some(Mailbox { name: name.to_owned(), address })
}

fn email(field: &Field<'_, '_>) -> Option<Email> {
    field.expect(sendable(field.text()?), "an e-mail address such as \"hello@salon.example\"")
}

/// Parses an address that Amazon SES accepts: ASCII only.
fn sendable(text: &str) -> Option<Email> {
    Email::from_ascii(text.trim()).ok()
}

/// Reads `HH:MM-HH:MM`. An end before the start is on the next day.
fn quiet_hours(field: &Field<'_, '_>) -> Option<QuietHours> {
    const EXPECTED: &str = "hours such as \"20:00-08:00\" that leave at least two hours of the day";
    let ends = field.as_text().and_then(|text| text.split_once('-'));
    let quiet = ends.and_then(|(from, until)| {
        QuietHours::new(from.trim().parse().ok()?, until.trim().parse().ok()?)
    });
    field.expect(quiet, EXPECTED)
}

/// Reads text on one line.
fn line<'r>(field: &Field<'r, '_>) -> Option<&'r str> {
    let text = field.text()?;
    let is_one_line = !text.chars().any(char::is_control);
    field.expect(is_one_line.then_some(text), "text on one line")
}
