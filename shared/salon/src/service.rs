//! What can be booked, and with whom.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::clock_time::ClockTime;
use super::hours::WeeklyHours;
use super::money::Money;
use super::staff_calendar::CalendarName;

/// Defines an id type.
macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(Box<str>);

        impl $name {
            /// The longest id allowed, in characters.
            pub const MAX_LENGTH: usize = 40;

            /// Makes an id of 1 to 40 ASCII letters, digits, `.`, `_` and `-`.
            #[must_use]
            pub fn new(id: &str) -> Option<Self> {
                let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
                let well_formed = (1..=Self::MAX_LENGTH).contains(&id.len()) && id.bytes().all(allowed);
                well_formed.then(|| Self(id.into()))
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id_type! {
    /// Identifies a service in the salon file, and in requests.
    ServiceId
}

id_type! {
    /// Identifies a staff member in the salon file, in requests and in the table.
    StaffId
}

/// Something that can be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Service {
    pub id: ServiceId,
    /// The menu heading.
    pub category: String,
    pub title: String,
    pub duration_minutes: u16,
    /// How long the staff member stays busy after the appointment.
    pub buffer_minutes: u16,
    pub price: Money,
    /// The part of the price that is paid when booking.
    pub deposit: Money,
}

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaffMember {
    pub id: StaffId,
    pub name: String,
    /// Their own hours, within the salon's. `None`: the salon's hours.
    pub hours: Option<WeeklyHours>,
    /// The services they perform. `None`: all.
    pub services: Option<Vec<ServiceId>>,
    /// Their own calendars. An event in any of them makes them busy.
    pub calendars: Vec<CalendarName>,
}

impl Service {
    /// Returns when an appointment that starts at `start` ends.
    #[must_use]
    pub fn end(&self, start: Timestamp) -> Timestamp {
        start + SignedDuration::from_mins(self.duration_minutes.into())
    }

    /// Returns how many minutes of the buffer lie after 24:00 if the appointment ends
    /// at `end`.
    #[must_use]
    pub fn minutes_after_midnight(&self, end: ClockTime) -> u16 {
        let free_from = end.minutes().saturating_add(self.buffer_minutes);
        free_from.saturating_sub(ClockTime::END_OF_DAY.minutes())
    }

    /// Returns when the staff member is free again after an appointment that
    /// starts at `start`: at its end plus the buffer, which is cut at `day_end`.
    ///
    /// The salon file allows no hours in which a buffer passes 24:00, so there is
    /// something to cut only where the clocks are set forward late in the day.
    #[must_use]
    pub fn free_from(&self, start: Timestamp, day_end: Timestamp) -> Timestamp {
        let end = self.end(start);
        let buffer = SignedDuration::from_mins(self.buffer_minutes.into());
        (end + buffer).min(day_end).max(end)
    }
}

impl StaffMember {
    /// Returns whether they perform `service`.
    #[must_use]
    pub fn performs(&self, service: &ServiceId) -> bool {
        self.services.as_ref().is_none_or(|performed| performed.contains(service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn service(duration_minutes: u16, buffer_minutes: u16) -> Service {
        let usd = Currency::from_code("usd").expect("a currency");
        Service {
            id: ServiceId::new("1.01").expect("an id"),
            category: "Facials".to_owned(),
            title: "Facial".to_owned(),
            duration_minutes,
            buffer_minutes,
            price: Money::new(9_000, usd),
            deposit: Money::new(5_000, usd),
        }
    }

    #[test]
    fn an_id_is_1_to_40_letters_digits_dots_hyphens_or_underscores() {
        let longest = "a".repeat(40);
        for id in ["1", "1.01", "A_b-c.9", &longest] {
            assert_eq!(StaffId::new(id).map(|id| id.to_string()).as_deref(), Some(id));
            assert_eq!(ServiceId::new(id).expect(id).as_str(), id);
        }
        for wrong in ["", " ", "a b", "a/b", "é", "#1", &format!("{longest}a")] {
            assert_eq!(StaffId::new(wrong), None, "{wrong:?}");
            assert_eq!(ServiceId::new(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_buffer_follows_the_appointment_and_is_cut_at_the_end_of_the_day() {
        let at = |minute: i64| Timestamp::from_second(60 * minute).expect("an instant");
        let cases = [
            // start, end of the day, end of the appointment, free again
            (100, 1_000, 160, 175),
            (100, 175, 160, 175),
            (100, 170, 160, 170),
            (100, 160, 160, 160),
            (100, 150, 160, 160),
        ];
        for (start, day_end, end, free_from) in cases {
            let service = service(60, 15);
            assert_eq!(service.end(at(start)), at(end));
            assert_eq!(service.free_from(at(start), at(day_end)), at(free_from), "until {day_end}");
        }
    }

    #[test]
    fn the_part_of_a_buffer_after_midnight_is_counted() {
        let cases = [("23:30", 30, 0), ("23:30", 31, 1), ("24:00", 15, 15), ("10:00", 240, 0)];
        for (end, buffer, after_midnight) in cases {
            let end: ClockTime = end.parse().expect(end);
            let minutes = service(60, buffer).minutes_after_midnight(end);
            assert_eq!(minutes, after_midnight, "{buffer} minutes after {end}");
        }
    }

    #[test]
    fn people_perform_all_services_unless_theirs_are_listed() {
        let id = |text| ServiceId::new(text).expect("an id");
        let mut member = StaffMember {
            id: StaffId::new("s1").expect("an id"),
            name: "Person".to_owned(),
            hours: None,
            services: None,
            calendars: Vec::new(),
        };
        assert!(member.performs(&id("1")) && member.performs(&id("2")));
        member.services = Some(vec![id("1")]);
        assert!(member.performs(&id("1")) && !member.performs(&id("2")));
        member.services = Some(Vec::new());
        assert!(!member.performs(&id("1")));
    }
}
