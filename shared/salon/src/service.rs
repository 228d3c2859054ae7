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
