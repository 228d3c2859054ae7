//! A salon so large that its times never run out.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use salon::service::StaffId;

/// How many people work there.
const STAFF: u32 = 64;
/// For how many days from tomorrow on times are given out. It is one less than
/// the horizon, as today may end while visitors come.
const DAYS: u32 = 41;
/// How long the service takes; the times of a day follow each other without a gap.
const MINUTES: u32 = 15;
const TIMES_A_DAY: u32 = 24 * 60 / MINUTES;
/// The one service.
pub(super) const SERVICE: &str = "load";

/// Writes the salon file.
pub(super) fn file() -> String {
    let mut text = format!(
        r#"name = "Load test"
country = "US"
time_zone = "UTC"
currency = "usd"
[booking]
horizon_days = 42
notice_minutes = 0
slot_step_minutes = {MINUTES}
max_holds_per_customer = 100
max_holds_per_address = 100
[deposit]
default = 50
[hours]
"#
    );
    for day in ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] {
        let _ = writeln!(text, r#"{day} = ["00:00-24:00"]"#);
    }
    text.push_str(
        r#"[site]
allowed_origins = ["https://salon.example"]
return_url = "https://salon.example/booking"
"#,
    );
    for person in 1..=STAFF {
        let _ = write!(text, "[[staff]]\nid = \"s{person}\"\nname = \"Person {person}\"\n");
    }
    let _ = write!(
        text,
        "[[services]]\nid = \"{SERVICE}\"\ncategory = \"Load\"\ntitle = \"A quarter of an hour\"\n\
         duration_minutes = {MINUTES}\nprice = 100\n"
    );
    text
}

/// A time that nobody else is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) staff: StaffId,
    pub(super) start: Timestamp,
}

/// Gives out times: first everybody's first time of each day, then the second, so
/// that those who come together meet on few day sheets.
#[derive(Debug)]
pub(super) struct Slots {
    tomorrow: Timestamp,
    given: u32,
}

impl Slots {
    /// Gives out times from the day after `now` on.
    pub(super) fn after(now: Timestamp) -> Self {
        const DAY: i64 = 24 * 60 * 60;
        let tomorrow = (now.as_second().div_euclid(DAY) + 1) * DAY;
        Self { tomorrow: Timestamp::from_second(tomorrow).unwrap_or(now), given: 0 }
    }
}

impl Iterator for Slots {
    type Item = Slot;

    fn next(&mut self) -> Option<Slot> {
        let (person, rest) = (self.given % STAFF, self.given / STAFF);
        let (day, time) = (rest % DAYS, rest / DAYS);
        if time >= TIMES_A_DAY {
            return None;
        }
        self.given += 1;
        let minutes = i64::from(day * 24 * 60 + time * MINUTES);
        let start = self.tomorrow + SignedDuration::from_mins(minutes);
        Some(Slot { staff: StaffId::new(&format!("s{}", person + 1))?, start })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn now() -> Timestamp {
        "2026-11-24T23:59:59Z".parse().unwrap()
    }

    #[test]
    fn the_file_is_a_salon() {
        let salon = salon::salon_file::parse(&file()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(salon.staff.len(), 64);
        assert!(salon.service(SERVICE).is_some());
    }

    #[test]
    fn every_time_is_given_once_and_within_the_horizon() {
        let salon = salon::salon_file::parse(&file()).unwrap();
        let horizon = salon.horizon(now());
        let all: Vec<Slot> = Slots::after(now()).collect();
        assert_eq!(all.len(), 64 * 41 * 96);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
        for slot in &all {
            let date = salon.time_zone.to_datetime(slot.start).date();
            assert!(horizon.contains(date) && slot.start > now(), "{slot:?}");
        }
    }

    #[test]
    fn those_who_come_together_meet_on_no_day_sheet() {
        let sheets: HashSet<_> = Slots::after(now())
            .take(2_000)
            .map(|slot| (slot.staff, slot.start.as_second() / (24 * 60 * 60)))
            .collect();
        assert_eq!(sheets.len(), 2_000);
    }
}
