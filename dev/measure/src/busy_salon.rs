//! A salon so large that its times never run out.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use jiff::{SignedDuration, Timestamp};
use salon::service::StaffId;
use stand_ins::gateway_event::GatewayEvent;

use crate::visitor_events::Visitor;

const STAFF: u32 = 64;
const HORIZON_DAYS: u32 = 42;
/// Bookable days from tomorrow on: one less than the horizon, as a day may end during a run.
const DAYS: u32 = HORIZON_DAYS - 1;
/// The length of the service, and the distance between a day's times.
const MINUTES: u32 = 15;
const TIMES_PER_DAY: u32 = 24 * 60 / MINUTES;
/// The salon's only service.
const SERVICE: &str = "load";

pub(crate) fn salon_file() -> String {
    let mut text = format!(
        r#"name = "Busy"
country = "US"
time_zone = "UTC"
currency = "usd"
[booking]
horizon_days = {HORIZON_DAYS}
notice_minutes = 0
slot_step_minutes = {MINUTES}
max_holds_per_customer = 100
max_holds_per_address = 100
[deposit]
default = 50
bare = true
max_bare_per_hour = 10000
[site]
allowed_origins = ["https://salon.example"]
return_url = "https://salon.example/booking"
[[services]]
id = "{SERVICE}"
category = "All"
title = "Fringe trim"
duration_minutes = {MINUTES}
price = 100
[hours]
"#
    );
    for day in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] {
        let _ = writeln!(text, r#"{day} = ["00:00-24:00"]"#);
    }
    for person in 1..=STAFF {
        let _ = write!(text, "[[staff]]\nid = \"s{person}\"\nname = \"Person {person}\"\n");
    }
    text
}

/// A visitor, and a time that no other visitor is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot {
    pub(crate) visitor: Visitor,
    pub(crate) staff: StaffId,
    pub(crate) start: Timestamp,
}

impl Slot {
    pub(crate) fn book(&self) -> GatewayEvent {
        self.visitor.book(SERVICE, self.start, Some(&self.staff))
    }
}

/// All times of the salon: first everyone's first time of each day, then the second, so
/// that visitors who come together rarely share a day sheet.
#[derive(Debug)]
pub(crate) struct Slots {
    tomorrow: Timestamp,
    taken: AtomicU32,
}

impl Slots {
    /// Starts with the day after `now`.
    pub(crate) fn after(now: Timestamp) -> Self {
        const DAY: i64 = 24 * 60 * 60;
        let tomorrow = (now.as_second().div_euclid(DAY) + 1) * DAY;
        Self { tomorrow: Timestamp::from_second(tomorrow).unwrap_or(now), taken: 0.into() }
    }

    /// Returns a slot that nobody was given before, or `None` when all are taken.
    pub(crate) fn next(&self) -> Option<Slot> {
        let number = self.taken.fetch_add(1, Ordering::Relaxed);
        let (person, round) = (number % STAFF, number / STAFF);
        let (day, time) = (round % DAYS, round / DAYS);
        if time >= TIMES_PER_DAY {
            return None;
        }
        let minutes = i64::from(day * 24 * 60 + time * MINUTES);
        let start = self.tomorrow + SignedDuration::from_mins(minutes);
        let staff = StaffId::new(&format!("s{}", person + 1))?;
        Some(Slot { visitor: Visitor(number), staff, start })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T23:59:59Z".parse().unwrap()
    }

    fn all_slots() -> impl Iterator<Item = Slot> {
        let slots = Slots::after(now());
        std::iter::from_fn(move || slots.next())
    }

    #[test]
    fn every_time_is_given_once_and_within_the_horizon() {
        let salon =
            salon::salon_file::parse(&salon_file()).unwrap_or_else(|error| panic!("{error}"));
        let horizon = salon.horizon(now());
        let all: Vec<Slot> = all_slots().collect();
        assert_eq!(all.len(), 64 * 41 * 96);
        let distinct: HashSet<_> = all.iter().map(|slot| (&slot.staff, slot.start)).collect();
        assert_eq!(distinct.len(), all.len());
        for slot in &all {
            let date = salon.time_zone.to_datetime(slot.start).date();
            assert!(horizon.contains(date) && slot.start > now(), "{slot:?}");
        }
    }

    #[test]
    fn visitors_who_come_together_share_no_day_sheet() {
        let sheets: HashSet<_> = all_slots()
            .take(2_000)
            .map(|slot| (slot.staff, slot.start.as_second() / (24 * 60 * 60)))
            .collect();
        assert_eq!(sheets.len(), 2_000);
    }
}
