//! What can be booked, and with whom.

use std::fmt;

use super::hours::WeeklyHours;
use super::money::Money;
use super::staff_calendar::CalendarName;

/// Makes a type for the ids of one kind of thing.
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

            /// Returns the id as text.
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
    /// Its id.
    pub id: ServiceId,
    /// The heading under which a menu lists it.
    pub category: String,
    /// Its name.
    pub title: String,
    /// How long the appointment takes, in minutes.
    pub duration_minutes: u16,
    /// How long the staff member stays busy afterwards, in minutes.
    pub buffer_minutes: u16,
    /// The whole price.
    pub price: Money,
    /// What is paid when booking.
    pub deposit: Money,
}

/// Somebody who performs services.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StaffMember {
    /// Their id.
    pub id: StaffId,
    /// Their name.
    pub name: String,
    /// Their own hours, within the salon's; otherwise the salon's.
    pub hours: Option<WeeklyHours>,
    /// What they perform; otherwise everything.
    pub services: Option<Vec<ServiceId>>,
    /// Their own calendars. What is in any of them is busy.
    pub calendars: Vec<CalendarName>,
}

impl StaffMember {
    /// Tells whether they perform `service`.
    #[must_use]
    pub fn performs(&self, service: &ServiceId) -> bool {
        self.services.as_ref().is_none_or(|performed| performed.contains(service))
    }
}
