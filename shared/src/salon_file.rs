//! The salon file: `salon.toml`, read into a [`Salon`].
//!
//! Everything is checked here, once, and every mistake of a file is reported
//! at the same time, each with its line, its key and what is allowed.

mod reader;

use std::collections::HashSet;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use lambda_http::http::Uri;
use toml::de::DeTable;

pub use self::reader::Problem;
use self::reader::{Field, Reader, Table, nearest};
use crate::domain::clock_time::{ClockRange, ClockTime};
use crate::domain::hours::{Closure, WeeklyHours};
use crate::domain::interval::IntervalSet;
use crate::domain::money::{Currency, Money};
use crate::domain::salon::Salon;
use crate::domain::service::{Service, ServiceId, StaffId, StaffMember};

/// The salon file that is compiled in, for a deployment without `SALON_FILE`.
pub const COMPILED_IN: &str = include_str!("../../salon.toml");

/// What is wrong with a salon file.
#[derive(Debug, PartialEq, Eq)]
pub struct SalonProblems(Vec<Problem>);

impl SalonProblems {
    /// Returns the problems, top to bottom.
    #[must_use]
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }
}

/// A problem a line.
impl fmt::Display for SalonProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for SalonProblems {}

const WEEKDAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Reads and checks the text of a salon file.
///
/// # Errors
/// All problems of the file, in the order of its lines.
pub fn parse(text: &str) -> Result<Salon, SalonProblems> {
    let reader = Reader::new(text);
    let (document, syntax) = DeTable::parse_recoverable(text);
    for error in &syntax {
        reader.report(&error.span().unwrap_or(0..0), "", error.message());
    }
    // What is read out of a broken document would be reported twice.
    let salon = if syntax.is_empty() { read_salon(&reader, document.get_ref()) } else { None };
    let problems = reader.into_problems();
    match salon {
        Some(salon) if problems.is_empty() => Ok(salon),
        _ => Err(SalonProblems(problems)),
    }
}

/// Reads everything before giving up on anything, so that all problems are seen.
fn read_salon(reader: &Reader<'_>, document: &DeTable<'_>) -> Option<Salon> {
    const KEYS: [&str; 10] = [
        "name",
        "time_zone",
        "currency",
        "booking",
        "deposit",
        "hours",
        "closures",
        "services",
        "staff",
        "site",
    ];
    let file = Table::open(reader, String::new(), 0..0, document, &KEYS);

    let name =
        file.required("name", "the salon's name").and_then(|field| field.text().map(str::to_owned));
    let time_zone = file
        .required("time_zone", "an IANA time zone such as \"America/Los_Angeles\"")
        .and_then(|f| time_zone(&f));
    let currency =
        file.required("currency", "an ISO 4217 code such as \"usd\"").and_then(|f| currency(&f));
    let booking = file
        .optional("booking")
        .and_then(|f| f.table(&["horizon_days", "notice_minutes", "slot_step_minutes"]));
    let horizon_days =
        optional_or(booking.as_ref(), "horizon_days", 42, |f| f.integer(1..=365, "days"));
    let notice_minutes = optional_or(booking.as_ref(), "notice_minutes", 120, |f| {
        f.integer(0..=60 * 24 * 30, "minutes")
    });
    let slot_step_minutes =
        optional_or(booking.as_ref(), "slot_step_minutes", 15, |f| f.integer(5..=240, "minutes"));
    let deposit = file
        .required("deposit", "[deposit] with the default deposit")
        .and_then(|f| f.table(&["default", "bare"]));
    let default_deposit = deposit
        .as_ref()
        .and_then(|t| t.required("default", "the deposit of a service that names none"));
    let default_deposit = default_deposit.and_then(|f| {
        let amount = money(&f, currency?)?;
        chargeable(&f, amount).then_some(amount)
    });
    let bare_deposits = optional_or(deposit.as_ref(), "bare", true, boolean);
    let hours = file
        .required("hours", "[hours] with the opening hours of each weekday")
        .and_then(|f| weekly_hours(&f, None));
    let closures: Vec<Closure> = file
        .optional("closures")
        .iter()
        .flat_map(|f| f.list("[[closures]]"))
        .filter_map(|f| closure(&f))
        .collect();
    let prices = currency.zip(default_deposit);
    let services = list_of(&file, "services", "[[services]], the menu", |f| service(f, prices));
    unique(&services, |service| service.id.as_str());
    let staff = list_of(&file, "staff", "[[staff]], who works there", |f| {
        staff_member(f, hours.as_ref(), &services)
    });
    unique(&staff, |member| member.id.as_str());
    let return_url =
        file.required("site", "[site] with the site's address").and_then(|f| return_url(&f));

    let (services, places): (Vec<_>, Vec<_>) = services.into_iter().unzip();
    let staff: Vec<_> = staff.into_iter().map(|(member, _)| member).collect();
    if let Some(hours) = &hours {
        for (service, place) in services.iter().zip(&places) {
            check_is_possible(service, place, &staff, hours);
        }
    }
    Some(Salon {
        name: name?,
        time_zone: time_zone?,
        currency: currency?,
        horizon_days: horizon_days?,
        notice_minutes: notice_minutes?,
        slot_step_minutes: slot_step_minutes?,
        default_deposit: default_deposit?,
        bare_deposits: bare_deposits?,
        hours: hours?,
        closures,
        services,
        staff,
        return_url: return_url?,
    })
}

/// Reads a key that may be left out. `None` is a value that cannot be used.
fn optional_or<T>(
    table: Option<&Table<'_, '_>>,
    key: &str,
    default: T,
    read: impl Fn(&Field<'_, '_>) -> Option<T>,
) -> Option<T> {
    table.and_then(|table| table.optional(key)).map_or(Some(default), |field| read(&field))
}

/// Reads a list that must not be empty, and keeps each item's place.
fn list_of<'r, 't, T>(
    file: &Table<'r, 't>,
    key: &str,
    meaning: &str,
    read: impl Fn(&Field<'r, 't>) -> Option<T>,
) -> Vec<(T, Field<'r, 't>)> {
    let Some(field) = file.required(key, meaning) else { return Vec::new() };
    let items = field.list(meaning);
    if items.is_empty() {
        field.report("is empty");
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
            field.report(format!("has the id \"{}\" a second time", id(item)));
        }
    }
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

fn currency(field: &Field<'_, '_>) -> Option<Currency> {
    let allowed: Vec<&str> = Currency::codes().collect();
    field.expect(Currency::from_code(field.text()?), &format!("one of {}", allowed.join(", ")))
}

fn money(field: &Field<'_, '_>, currency: Currency) -> Option<Money> {
    let whole = field.as_integer().filter(|units| (0..=1_000_000).contains(units));
    let amount = whole.and_then(|units| Money::from_major(units, currency));
    let amount = amount.or_else(|| Money::parse_major(field.as_text()?, currency));
    let amount = amount.filter(|amount| (1..=100_000_000).contains(&amount.amount()));
    field.expect(
        amount,
        &format!(
            "an amount in {}: a whole number such as 50, or text such as \"49.50\"",
            currency.code()
        ),
    )
}

fn chargeable(field: &Field<'_, '_>, amount: Money) -> bool {
    let minimum = amount.currency().minimum_charge();
    let enough = amount.amount() >= minimum.amount();
    if !enough {
        field.report(format!("is {amount}, and Stripe charges no less than {minimum}"));
    }
    enough
}

/// Reads a week, each day of which lies within `limits` if there are any.
fn weekly_hours(field: &Field<'_, '_>, limits: Option<&WeeklyHours>) -> Option<WeeklyHours> {
    let table = field.table(&WEEKDAYS)?;
    let days = WEEKDAYS.map(|weekday| {
        table.optional(weekday).map_or(Some(IntervalSet::empty()), |day| day_hours(&day))
    });
    let [Some(mon), Some(tue), Some(wed), Some(thu), Some(fri), Some(sat), Some(sun)] = days else {
        return None;
    };
    let hours = WeeklyHours::new([mon, tue, wed, thu, fri, sat, sun]);
    if hours.longest() == 0 {
        field.report("has no opening on any weekday");
        return None;
    }
    let outside = limits.and_then(|limits| {
        WEEKDAYS.into_iter().zip(hours.outside(limits)).find(|(_, outside)| !outside.is_empty())
    });
    if let Some((weekday, _)) = outside {
        field.report(format!("has hours on {weekday} outside the salon's opening hours"));
        return None;
    }
    Some(hours)
}

fn day_hours(field: &Field<'_, '_>) -> Option<IntervalSet<ClockTime>> {
    const EXPECTED: &str = "a range of times such as \"10:00-19:00\", the end after the start";
    let mut ranges: Vec<ClockRange> = Vec::new();
    let mut all_read = true;
    for item in field.list("ranges of times") {
        let ends = item.as_text().and_then(|text| text.split_once('-'));
        let time = |text: &str| text.trim().parse::<ClockTime>().ok();
        let range = ends.and_then(|(start, end)| ClockRange::new(time(start)?, time(end)?));
        let Some(range) = item.expect(range, EXPECTED) else {
            all_read = false;
            continue;
        };
        if ranges.last().is_some_and(|previous| range.start() < previous.end()) {
            item.report(
                "starts before the range in front of it ends; put the ranges of a day in order",
            );
            all_read = false;
        }
        ranges.push(range);
    }
    all_read.then(|| ranges.into_iter().collect())
}

fn closure(field: &Field<'_, '_>) -> Option<Closure> {
    let table = field.table(&["date", "from", "to", "reason"])?;
    let reason = table
        .required("reason", "why the salon is closed")
        .and_then(|f| f.text().map(str::to_owned));
    let [single, from, to] = ["date", "from", "to"].map(|key| table.optional(key));
    let (first, last) = match (&single, &from, &to) {
        (Some(single), None, None) => {
            let date = date(single);
            (date, date)
        }
        (None, Some(from), Some(to)) => (date(from), date(to)),
        _ => {
            table.report("must have either `date`, or `from` and `to`");
            (None, None)
        }
    };
    let closure = Closure { first: first?, last: last?, reason: reason? };
    if closure.last < closure.first {
        table.report(format!("ends on {}, before it starts on {}", closure.last, closure.first));
        return None;
    }
    Some(closure)
}

fn date(field: &Field<'_, '_>) -> Option<Date> {
    let text = field.as_datetime().or_else(|| field.as_text().map(str::to_owned));
    // jiff would also read the date out of a date with a time.
    let date = text.filter(|text| text.len() == 10).and_then(|text| text.parse().ok());
    field.expect(date, "a date such as 2026-12-25")
}

fn service(field: &Field<'_, '_>, prices: Option<(Currency, Money)>) -> Option<Service> {
    const KEYS: [&str; 7] =
        ["id", "category", "title", "duration_minutes", "buffer_minutes", "price", "deposit"];
    let table = field.table(&KEYS)?;
    let id = table
        .required("id", "a short unique id such as \"1.01\"")
        .and_then(|f| f.expect(ServiceId::new(f.text()?), ID_RULE));
    let category = table
        .required("category", "the heading it is listed under")
        .and_then(|f| f.text().map(str::to_owned));
    let title = table.required("title", "its name").and_then(|f| f.text().map(str::to_owned));
    let duration_minutes = table
        .required("duration_minutes", "how long it takes")
        .and_then(|f| f.integer(5..=24 * 60, "minutes"));
    let buffer_minutes =
        optional_or(Some(&table), "buffer_minutes", 0, |f| f.integer(0..=240, "minutes"));
    let price_field = table.required("price", "what it costs");
    let (currency, default_deposit) = prices?;
    let price = price_field.as_ref().and_then(|f| money(f, currency))?;
    let deposit = match table.optional("deposit") {
        Some(field) => {
            let deposit = deposit(&field, price)?;
            let covered = deposit.amount() <= price.amount();
            if !covered {
                field.report(format!("is {deposit}, more than the price of {price}"));
            }
            (chargeable(&field, deposit) && covered).then_some(deposit)?
        }
        None if default_deposit.amount() > price.amount() => {
            table.report(format!("costs {price}, less than the default deposit of {default_deposit}; give it a `deposit`"));
            return None;
        }
        None => default_deposit,
    };
    Some(Service {
        id: id?,
        category: category?,
        title: title?,
        duration_minutes: duration_minutes?,
        buffer_minutes: buffer_minutes?,
        price,
        deposit,
    })
}

const ID_RULE: &str = "1 to 40 letters, digits, dots, hyphens and underscores";

/// Reads an amount, or a percentage of the price.
fn deposit(field: &Field<'_, '_>, price: Money) -> Option<Money> {
    let Some(percentage) = field.as_text().and_then(|text| text.strip_suffix('%')) else {
        return money(field, price.currency());
    };
    let percent = percentage.parse().ok().filter(|percent| (1..=100_u8).contains(percent));
    field
        .expect(percent, "an amount, or a percentage from \"1%\" to \"100%\"")
        .map(|percent| price.percent(percent))
}

fn staff_member(
    field: &Field<'_, '_>,
    salon_hours: Option<&WeeklyHours>,
    services: &[(Service, Field<'_, '_>)],
) -> Option<StaffMember> {
    let table = field.table(&["id", "name", "hours", "services"])?;
    let id = table
        .required("id", "a short unique id such as \"s1\"")
        .and_then(|f| f.expect(StaffId::new(f.text()?), ID_RULE));
    let name = table.required("name", "their name").and_then(|f| f.text().map(str::to_owned));
    let hours =
        optional_or(Some(&table), "hours", None, |f| weekly_hours(f, salon_hours).map(Some));
    let performed = table.optional("services").map(|field| {
        let known = || services.iter().map(|(service, _)| &service.id);
        let find = |item: &Field<'_, '_>| {
            let name = item.text()?;
            let found = known().find(|id| id.as_str() == name).cloned();
            let hint = nearest(name, known().map(ServiceId::as_str))
                .map(|near| format!("; did you mean \"{near}\"?"));
            item.expect(found, &format!("the id of a service{}", hint.unwrap_or_default()))
        };
        field.list("service ids").iter().filter_map(find).collect()
    });
    Some(StaffMember { id: id?, name: name?, hours: hours?, services: performed })
}

/// Reports a service that nobody performs, or for which nobody works long enough.
fn check_is_possible(
    service: &Service,
    place: &Field<'_, '_>,
    staff: &[StaffMember],
    salon_hours: &WeeklyHours,
) {
    let performing = staff.iter().filter(|member| member.performs(&service.id));
    let openings = performing.map(|member| member.hours.as_ref().unwrap_or(salon_hours).longest());
    match openings.max() {
        None if staff.is_empty() => {}
        None => place
            .report(format!("nobody performs \"{}\"; add it to somebody's `services`", service.id)),
        Some(longest) if longest < service.duration_minutes => place.report(format!(
            "takes {} minutes, and the longest opening of those who perform it is {longest}",
            service.duration_minutes
        )),
        Some(_) => {}
    }
}

fn return_url(site: &Field<'_, '_>) -> Option<String> {
    let table = site.table(&["allowed_origins", "return_url"])?;
    let origins = table.required("allowed_origins", "the origins of the pages that call the API");
    let origins: Vec<String> =
        origins.iter().flat_map(|f| f.list("origins")).filter_map(|f| origin(&f)).collect();
    let field = table.required("return_url", "the page that Stripe returns to")?;
    let url = field.text()?;
    let known = origins.iter().any(|origin| {
        url.strip_prefix(origin.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    if url.parse::<Uri>().is_err() || !known {
        field.report(format!("must be a page of an allowed origin ({})", origins.join(", ")));
        return None;
    }
    Some(url.to_owned())
}

/// Reads `https://host`, or `http://` for a site on the same machine.
fn origin(field: &Field<'_, '_>) -> Option<String> {
    let text = field.text()?;
    let is_origin = |uri: &Uri| {
        let local = matches!(uri.host(), Some("localhost" | "127.0.0.1"));
        let scheme = uri.scheme_str();
        let secure = scheme == Some("https") || (scheme == Some("http") && local);
        secure && uri.path() == "/" && uri.query().is_none() && !text.ends_with('/')
    };
    let origin = text.parse::<Uri>().ok().filter(is_origin);
    field.expect(origin, "an origin such as \"https://salon.example\", without a path")?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests;
