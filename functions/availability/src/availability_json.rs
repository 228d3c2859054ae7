//! The response bodies of `/availability` and `/services`, as JSON.

use std::fmt::Display;

use jiff::civil::Date;
use salon::Salon;
use salon::availability::DayStarts;
use salon::clock_time::ClockTime;
use salon::interval::IntervalSet;
use salon::money::Money;
use salon::service::{Service, ServiceId, StaffId};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Writes `{"2026-11-24": [["10:00","12:30"],["13:15","19:00"]], …}`.
pub(crate) fn open_time(days: impl Iterator<Item = (Date, IntervalSet<ClockTime>)>) -> String {
    /// Serializes the days one by one, without collecting them.
    fn write(
        days: impl Iterator<Item = (Date, IntervalSet<ClockTime>)>,
    ) -> serde_json::Result<Vec<u8>> {
        let mut body = Vec::with_capacity(4096);
        let mut serializer = serde_json::Serializer::new(&mut body);
        let mut map = serializer.serialize_map(None)?;
        for (date, open) in days {
            let ranges = open.iter().map(|range| [Shown(range.start()), Shown(range.end())]);
            map.serialize_entry(&Shown(date), &ranges.collect::<Vec<_>>())?;
        }
        map.end()?;
        Ok(body)
    }
    let body = write(days).expect("dates and times are always JSON");
    String::from_utf8(body).expect("JSON is UTF-8")
}

/// Writes the start times of a service: for each day those that are free, and those for
/// which a visitor can only stand by.
pub(crate) fn starts<'a>(
    salon: &Salon,
    service: &Service,
    days: impl Iterator<Item = (DayStarts<'a>, Vec<salon::availability::Start<'a>>)>,
) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Starts<'a> {
        service: MenuItem<'a>,
        time_zone: &'a str,
        days: Vec<Day<'a>>,
    }

    #[derive(Serialize)]
    struct Day<'a> {
        date: Date,
        starts: Vec<Start<'a>>,
    }

    #[derive(Serialize)]
    #[expect(clippy::struct_field_names, reason = "these are the contract's names")]
    struct Start<'a> {
        start: Shown<jiff::TimestampDisplayWithOffset>,
        staff: Vec<&'a StaffId>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        standby: bool,
    }

    let day = |(day, standby): (DayStarts<'a>, Vec<_>)| {
        let free = day.starts.into_iter().map(|start| (start, false));
        let mut all: Vec<_> = free.chain(standby.into_iter().map(|start| (start, true))).collect();
        all.sort_by_key(|(start, _)| start.at);
        let starts = all.into_iter().map(|(start, standby)| Start {
            start: Shown(start.at.display_with_offset(start.offset)),
            staff: start.staff,
            standby,
        });
        Day { date: day.date, starts: starts.collect() }
    };
    let time_zone = salon.time_zone.iana_name().unwrap_or("UTC");
    let body = Starts { service: MenuItem::new(service), time_zone, days: days.map(day).collect() };
    serde_json::to_string(&body).expect("dates, text and numbers are always JSON")
}

/// Writes the menu, the staff, and the cancellation rules.
pub(crate) fn menu(salon: &Salon) -> String {
    #[derive(Serialize)]
    struct Menu<'a> {
        services: Vec<Listed<'a>>,
        staff: Vec<Person<'a>>,
        cancellation: Cancellation,
    }

    /// The refund of a deposit after a cancellation.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Cancellation {
        full_refund_hours: u32,
        late_refund_percent: u8,
    }

    #[derive(Serialize)]
    struct Listed<'a> {
        category: &'a str,
        #[serde(flatten)]
        item: MenuItem<'a>,
        staff: Vec<&'a StaffId>,
    }

    impl<'a> Listed<'a> {
        fn new(salon: &'a Salon, service: &'a Service) -> Self {
            let staff = salon.eligible_staff(Some(&service.id), None);
            let staff = staff.map(|member| &member.id).collect();
            Self { category: &service.category, item: MenuItem::new(service), staff }
        }
    }

    #[derive(Serialize)]
    struct Person<'a> {
        id: &'a StaffId,
        name: &'a str,
    }

    let person = salon.staff.iter().map(|member| Person { id: &member.id, name: &member.name });
    let menu = Menu {
        services: salon.services.iter().map(|service| Listed::new(salon, service)).collect(),
        staff: person.collect(),
        cancellation: Cancellation {
            full_refund_hours: salon.cancellation.full_refund_hours,
            late_refund_percent: salon.cancellation.late_refund_percent,
        },
    };
    serde_json::to_string(&menu).expect("text and numbers are always JSON")
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MenuItem<'a> {
    id: &'a ServiceId,
    title: &'a str,
    duration_minutes: u16,
    price: Money,
    deposit: Money,
}

impl<'a> MenuItem<'a> {
    fn new(service: &'a Service) -> Self {
        let Service { id, title, duration_minutes, price, deposit, .. } = service;
        Self { id, title, duration_minutes: *duration_minutes, price: *price, deposit: *deposit }
    }
}

/// Serializes a value as it is displayed.
struct Shown<T>(T);

impl<T: Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
