//! The salon file: `salon.toml`, parsed into a [`Salon`].
//!
//! Everything is checked here, once. All problems of a file are reported
//! together, each with its line, its key and what is allowed.

mod contact_section;
mod hours_section;
mod menu;
mod policy_sections;
mod reader;
mod site;

use std::collections::HashSet;
use std::fmt;

use jiff::tz::TimeZone;
use toml::de::DeTable;

use self::contact_section::{contact, mail};
use self::hours_section::{closure, weekly_hours};
use self::menu::{check_ends_by_midnight, check_is_possible, currency, service, staff_member};
use self::policy_sections::{booking_rules, calendar_rules, cancellation, deposit_rules};
pub use self::reader::Problem;
use self::reader::{Field, Reader, Table, nearest};
use self::site::site;
use crate::contact::Contact;
use crate::customer::Country;
use crate::hours::Closure;
use crate::salon::Salon;

/// The salon file that is compiled in. It is used if `SALON_FILE` is not set.
pub const COMPILED_IN: &str = include_str!("../../../salon.toml");

/// The problems of a salon file.
#[derive(Debug, PartialEq, Eq)]
pub struct SalonProblems(Vec<Problem>);

impl SalonProblems {
    /// Returns the problems, ordered by line.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }
}

/// One problem per line.
impl fmt::Display for SalonProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for SalonProblems {}

/// Parses and checks a salon file.
///
/// # Errors
/// All problems of the file, ordered by line.
pub fn parse(text: &str) -> Result<Salon, SalonProblems> {
    let reader = Reader::new(text);
    let (document, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        reader.report(&error.span().unwrap_or(0..0), "", error.message());
    }
    // Keys that a syntax error hides would be reported as missing.
    let salon = if syntax.is_empty() { read_salon(&reader, document.get_ref()) } else { None };
    let problems = reader.into_problems();
    match salon {
        Some(salon) if problems.is_empty() => Ok(salon),
        _ => Err(SalonProblems(problems)),
    }
}

/// Reads the whole file before it gives up, so that all problems are reported.
fn read_salon(reader: &Reader<'_>, document: &DeTable<'_>) -> Option<Salon> {
    const KEYS: [&str; 15] = [
        "name",
        "country",
        "time_zone",
        "currency",
        "booking",
        "deposit",
        "cancellation",
        "hours",
        "closures",
        "calendars",
        "services",
        "staff",
        "site",
        "contact",
        "mail",
    ];
    let file = Table::open(reader, String::new(), 0..0, document, &KEYS);

    let name =
        file.required("name", "the salon's name").and_then(|field| field.text().map(str::to_owned));
    let country = file
        .required(
            "country",
            "two letters such as \"US\", the country of phone numbers without a country code",
        )
        .and_then(|f| country(&f));
    let time_zone = file
        .required("time_zone", "an IANA time zone such as \"America/Los_Angeles\"")
        .and_then(|f| time_zone(&f));
    let currency =
        file.required("currency", "an ISO 4217 code such as \"usd\"").and_then(|f| currency(&f));
    let booking = booking_rules(&file);
    let cancellation = cancellation(&file);
    let deposit = deposit_rules(&file, currency);
    let hours = file
        .required("hours", "[hours] with the opening hours of each weekday")
        .and_then(|f| weekly_hours(&f, None));
    let closures: Vec<Closure> = file
        .optional("closures")
        .iter()
        .flat_map(|f| f.list("[[closures]]"))
        .filter_map(|f| closure(&f))
        .collect();
    let calendars = calendar_rules(&file);
    let prices = currency.zip(deposit.as_ref().map(|deposit| deposit.default));
    let services = list_of(&file, "services", "[[services]], the menu", |f| service(f, prices));
    unique(&services, |service| service.id.as_str());
    let staff = list_of(&file, "staff", "[[staff]], the people who work there", |f| {
        staff_member(f, hours.as_ref(), &services)
    });
    unique(&staff, |member| member.id.as_str());
    let site = file
        .required("site", "[site] with the addresses of the salon's pages")
        .and_then(|f| site(&f));
    let contact = optional_or(Some(&file), "contact", Contact::default(), |f| contact(f, country));
    let mail = optional_or(Some(&file), "mail", None, |f| mail(f, name.as_deref()).map(Some));

    let (services, places): (Vec<_>, Vec<_>) = services.into_iter().unzip();
    let staff: Vec<_> = staff.into_iter().map(|(member, _)| member).collect();
    if let Some(hours) = &hours {
        for (service, place) in services.iter().zip(&places) {
            check_is_possible(service, place, &staff, hours);
            if let Some(booking) = &booking {
                check_ends_by_midnight(service, place, &staff, hours, booking.slot_step_minutes);
            }
        }
    }
    let (booking, deposit, calendars, site) = (booking?, deposit?, calendars?, site?);
    Some(Salon {
        name: name?,
        time_zone: time_zone?,
        currency: currency?,
        horizon_days: booking.horizon_days,
        notice_minutes: booking.notice_minutes,
        slot_step_minutes: booking.slot_step_minutes,
        default_deposit: deposit.default,
        bare_deposits: deposit.bare,
        max_bare_deposits_per_hour: deposit.max_bare_per_hour,
        hours: hours?,
        closures,
        calendar_fresh_seconds: calendars.fresh_seconds,
        calendar_max_stale_minutes: calendars.max_stale_minutes,
        services,
        staff,
        return_url: site.return_url,
        manage_url: site.manage_url,
        contact: contact?,
        mail: mail?,
        country: country?,
        hold_minutes: booking.hold_minutes,
        hold_limits: booking.hold_limits,
        ui: deposit.ui,
        delayed_methods: deposit.delayed_methods,
        cancellation: cancellation?,
        retention_days: booking.retention_days,
    })
}

/// Reads an optional key. Returns `None` if its value is invalid.
fn optional_or<T>(
    table: Option<&Table<'_, '_>>,
    key: &str,
    default: T,
    read: impl Fn(&Field<'_, '_>) -> Option<T>,
) -> Option<T> {
    table.and_then(|table| table.optional(key)).map_or(Some(default), |field| read(&field))
}

/// Reads a non-empty list. Each item is returned with its place in the file.
fn list_of<'r, 't, T>(
    file: &Table<'r, 't>,
    key: &str,
    meaning: &str,
    read: impl Fn(&Field<'r, 't>) -> Option<T>,
) -> Vec<(T, Field<'r, 't>)> {
    let Some(field) = file.required(key, meaning) else { return Vec::new() };
    let items = field.list(meaning);
    if items.is_empty() {
        field.report("is empty; add at least one");
    }
    items.into_iter().filter_map(|item| Some((read(&item)?, item))).collect()
}

fn boolean(field: &Field<'_, '_>) -> Option<bool> {
    field.expect(field.as_bool(), "true or false")
}

fn unique<'a, T>(items: &'a [(T, Field<'_, '_>)], id: impl Fn(&'a T) -> &'a str) {
    let mut seen = HashSet::new();
    for (item, field) in items {
        if !seen.insert(id(item)) {
            field.report(format!(
                "has the id \"{}\", which is already used; give it another",
                id(item)
            ));
        }
    }
}

fn country(field: &Field<'_, '_>) -> Option<Country> {
    let country = Country::from_code(field.text()?);
    field.expect(country, "a two-letter country code such as \"US\"")
}

fn time_zone(field: &Field<'_, '_>) -> Option<TimeZone> {
    let name = field.text()?;
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        let known: Vec<String> =
            jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let hint = nearest(name, known.iter().map(String::as_str));
        let hint = hint.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
        field.report(format!("\"{name}\" is not an IANA time zone{hint}"));
    }
    zone
}

#[cfg(test)]
mod tests;
