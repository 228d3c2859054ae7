//! Where Google's API is.

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::calendars::calendar_url::{CalendarUrl, CalendarUrlError};

/// The address of Google's API, or of something that stands in for it.
///
/// Plain HTTP is allowed to this machine only: an access token goes with every
/// request.
#[derive(Clone, PartialEq, Eq)]
pub struct GoogleBaseUrl(CalendarUrl);

impl GoogleBaseUrl {
    pub(super) fn free_busy(&self) -> Uri {
        let address = self.0.redirected("/calendar/v3/freeBusy");
        address.expect("the base was checked to be an address").to_uri()
    }

    /// Returns where the events of a calendar are.
    pub(super) fn events(&self, calendar_id: &str) -> Uri {
        self.0.below(&["calendar", "v3", "calendars", calendar_id, "events"]).to_uri()
    }

    /// Returns where one event is.
    pub(super) fn event(&self, calendar_id: &str, id: &str) -> Uri {
        self.0.below(&["calendar", "v3", "calendars", calendar_id, "events", id]).to_uri()
    }
}

impl Default for GoogleBaseUrl {
    /// Returns Google's own address.
    fn default() -> Self {
        let own = CalendarUrl::parse("https://www.googleapis.com");
        Self(own.expect("Google's address is an address"))
    }
}

impl FromStr for GoogleBaseUrl {
    type Err = CalendarUrlError;

    fn from_str(text: &str) -> Result<Self, CalendarUrlError> {
        let address = CalendarUrl::parse(text)?;
        if !address.is_bare() {
            return Err(CalendarUrlError::NotAnAddress);
        }
        Ok(Self(address))
    }
}

/// Shows the address, which is no secret.
impl fmt::Debug for GoogleBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_googles_or_this_machine_and_has_no_path() {
        let own = "https://www.googleapis.com/calendar/v3/freeBusy";
        assert_eq!(GoogleBaseUrl::default().free_busy(), own);
        let local: GoogleBaseUrl = "http://127.0.0.1:9004/".parse().unwrap();
        assert_eq!(local.free_busy(), "http://127.0.0.1:9004/calendar/v3/freeBusy");
        assert_eq!(
            local.event("a/b@group.calendar.google.com", "5eed"),
            "http://127.0.0.1:9004/calendar/v3/calendars/a%2Fb@group.calendar.google.com/events/5eed"
        );
        for wrong in ["http://www.googleapis.com", "https://www.googleapis.com/calendar", ""] {
            assert!(wrong.parse::<GoogleBaseUrl>().is_err(), "{wrong}");
        }
    }
}
