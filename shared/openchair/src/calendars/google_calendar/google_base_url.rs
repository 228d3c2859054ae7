//! The base URL of Google's API.

use std::fmt;
use std::str::FromStr;

use http::Uri;

use crate::calendars::calendar_url::{CalendarUrl, CalendarUrlError};

/// The base URL of Google's API, or of a stand-in for it.
///
/// Plain HTTP is allowed only to this machine: every request carries an access
/// token.
#[derive(Clone, PartialEq, Eq)]
pub struct GoogleBaseUrl(CalendarUrl);

impl GoogleBaseUrl {
    pub(super) fn free_busy(&self) -> Uri {
        let url = self.0.redirected("/calendar/v3/freeBusy");
        url.expect("the base is a URL").to_uri()
    }

    pub(super) fn events(&self, calendar_id: &str) -> Uri {
        self.0.join_path(&["calendar", "v3", "calendars", calendar_id, "events"]).to_uri()
    }

    pub(super) fn event(&self, calendar_id: &str, id: &str) -> Uri {
        self.0.join_path(&["calendar", "v3", "calendars", calendar_id, "events", id]).to_uri()
    }
}

impl Default for GoogleBaseUrl {
    /// Returns the URL of Google's own API.
    fn default() -> Self {
        let google = CalendarUrl::parse("https://www.googleapis.com");
        Self(google.expect("Google's URL is valid"))
    }
}

impl FromStr for GoogleBaseUrl {
    type Err = CalendarUrlError;

    fn from_str(text: &str) -> Result<Self, CalendarUrlError> {
        let url = CalendarUrl::parse(text)?;
        if !url.has_only_host() {
            return Err(CalendarUrlError::Invalid);
        }
        Ok(Self(url))
    }
}

/// Prints the URL, which is not a secret.
impl fmt::Debug for GoogleBaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_url_is_encrypted_or_on_this_machine_and_has_no_path() {
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
