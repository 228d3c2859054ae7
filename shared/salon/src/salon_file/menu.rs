//! Reading prices, services, and who performs them.

use super::hours_section::{WEEKDAYS, weekly_hours};
use super::optional_or;
use super::reader::{Field, nearest};
use crate::clock_time::ClockTime;
use crate::hours::WeeklyHours;
use crate::money::{Currency, Money};
use crate::service::{Service, ServiceId, StaffId, StaffMember};
use crate::staff_calendar::CalendarName;

const ID_RULE: &str = "1 to 40 letters, digits, dots, hyphens or underscores";

pub(super) fn currency(field: &Field<'_, '_>) -> Option<Currency> {
    let allowed: Vec<&str> = Currency::codes().collect();
    field.expect(Currency::from_code(field.text()?), &format!("one of {}", allowed.join(", ")))
}

pub(super) fn money(field: &Field<'_, '_>, currency: Currency) -> Option<Money> {
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

pub(super) fn chargeable(field: &Field<'_, '_>, amount: Money) -> bool {
    let minimum = amount.currency().minimum_charge();
    let enough = amount.amount() >= minimum.amount();
    if !enough {
        field.report(format!("is {amount}, but the least that Stripe charges is {minimum}"));
    }
    enough
}

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

pub(super) fn service(field: &Field<'_, '_>, prices: Option<(Currency, Money)>) -> Option<Service> {
    const KEYS: [&str; 7] =
        ["id", "category", "title", "duration_minutes", "buffer_minutes", "price", "deposit"];
    let table = field.table(&KEYS)?;
    let id = table
        .required("id", "a short unique id such as \"1.01\"")
        .and_then(|f| f.expect(ServiceId::new(f.text()?), ID_RULE));
    let category = table
        .required("category", "its heading on the menu")
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
            table.report(format!("costs {price}, which is less than the default deposit of {default_deposit}; add a `deposit` to it"));
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

pub(super) fn staff_member(
    field: &Field<'_, '_>,
    salon_hours: Option<&WeeklyHours>,
    services: &[(Service, Field<'_, '_>)],
) -> Option<StaffMember> {
    let table = field.table(&["id", "name", "hours", "services", "calendars"])?;
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
    let calendars = table.optional("calendars");
    let listed = calendars.iter().flat_map(|f| f.list("calendars"));
    let calendars: Vec<Option<CalendarName>> = listed.map(|f| calendar(&f)).collect();
    Some(StaffMember {
        id: id?,
        name: name?,
        hours: hours?,
        services: performed,
        calendars: calendars.into_iter().collect::<Option<_>>()?,
    })
}

/// Reads `{ ical = "name" }` or `{ google = "name" }`.
fn calendar(field: &Field<'_, '_>) -> Option<CalendarName> {
    let table = field.table(&["ical", "google"])?;
    let name = |field: &Field<'_, '_>| {
        let name = field.text().filter(|name| StaffId::new(name).is_some());
        field.expect(name.map(str::to_owned), ID_RULE)
    };
    match (table.optional("ical"), table.optional("google")) {
        (Some(ical), None) => name(&ical).map(CalendarName::Ical),
        (None, Some(google)) => name(&google).map(CalendarName::Google),
        _ => {
            table.report("must be either { ical = \"name\" } or { google = \"name\" }");
            None
        }
    }
}

/// Reports a service that nobody performs, or that takes longer than anybody who
/// performs it works without a break.
pub(super) fn check_is_possible(
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
            .report(format!("no staff member performs \"{}\"; add it to the `services` of one", service.id)),
        Some(longest) if longest < service.duration_minutes => place.report(format!(
            "takes {} minutes, but nobody who performs it works longer than {longest} minutes without a break",
            service.duration_minutes
        )),
        Some(_) => {}
    }
}

/// Reports a service whose last appointment of a day ends so late that its buffer
/// would pass 24:00. The day sheet of the next day would not show the buffer, so the
/// next appointment could start in it.
pub(super) fn check_ends_by_midnight(
    service: &Service,
    place: &Field<'_, '_>,
    staff: &[StaffMember],
    salon_hours: &WeeklyHours,
    step: u16,
) {
    let performing = || staff.iter().filter(|member| member.performs(&service.id));
    let salon = performing().any(|member| member.hours.is_none());
    let salon = salon.then(|| ("[hours]".to_owned(), salon_hours));
    let own = performing().filter_map(|member| {
        Some((format!("the hours of \"{}\"", member.id), member.hours.as_ref()?))
    });
    for (whose, hours) in salon.into_iter().chain(own) {
        let last_ends = hours.last_ends(service.duration_minutes, step);
        let last_ends = WEEKDAYS.into_iter().zip(last_ends);
        let late: Vec<(&str, ClockTime)> = last_ends
            .filter_map(|(weekday, end)| Some((weekday, end?)))
            .filter(|(_, end)| service.minutes_after_midnight(*end) > 0)
            .collect();
        let Some(latest) = late.iter().map(|(_, end)| *end).max() else { continue };
        let weekdays: Vec<&str> = late.iter().map(|(weekday, _)| *weekday).collect();
        let buffer = service.buffer_minutes;
        place.report(format!(
            "can end at {latest} on {} under {whose}, and its buffer of {buffer} minutes would then \
             pass 24:00; set `buffer_minutes` to {} at most, or end these hours \
             {buffer} minutes before 24:00",
            weekdays.join(", "),
            buffer - service.minutes_after_midnight(latest),
        ));
    }
}
