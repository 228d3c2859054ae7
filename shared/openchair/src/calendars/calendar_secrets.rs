//! The calendars' secrets: one JSON document.
//!
//! ```json
//! {
//!   "feeds": {"owner": "https://calendar.example/secret.ics"},
//!   "google": {
//!     "serviceAccount": {"type": "service_account", "…": "the key file"},
//!     "subject": "owner@salon.example",
//!     "calendars": {"owner": "id@group.calendar.google.com"}
//!   }
//! }
//! ```
//!
//! The salon file names entries of `feeds` and of `google.calendars`; what
//! stands behind a name is nobody's business but this module's. `subject` is
//! optional: whom the service account acts for, with domain-wide delegation.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::calendars::google_calendar::ServiceAccount;
use crate::calendars::ical_feed::Feed;
use crate::calendars::secret_json::{
    self, JsonValue, ValidationErrors, Validator, inside, is_name,
};

#[cfg(test)]
mod tests;

/// The variable that holds the document, or with `_PARAMETER` behind it the
/// name of the SSM parameter that does: see [`crate::secrets::load`].
pub const CALENDAR_SECRETS: &str = "CALENDAR_SECRETS";

/// Where the calendars are, and the key to Google's.
#[derive(Clone, Debug, Default)]
pub struct CalendarSecrets {
    feeds: BTreeMap<String, Feed>,
    google: Option<GoogleSecrets>,
}

/// What Google Calendar is asked with.
#[derive(Clone)]
pub struct GoogleSecrets {
    service_account: ServiceAccount,
    subject: Option<String>,
    calendars: BTreeMap<String, String>,
}

impl CalendarSecrets {
    /// Reads the document. Keys that it does not know are mistakes too: a
    /// misspelt one would leave a calendar out.
    ///
    /// # Errors
    /// All mistakes, each with its place and without what is there.
    pub fn parse(json: &SecretString) -> Result<Self, ValidationErrors> {
        secret_json::read(json, CALENDAR_SECRETS, |checker, place, node| {
            let entries = checker.object(place, node)?;
            checker.only(place, entries, &["feeds", "google"]);
            let mut secrets = Self::default();
            if let Some(node) = secret_json::find(entries, "feeds") {
                secrets.feeds = named(checker, "feeds", node, |checker, place, text| {
                    let feed = Feed::new(text);
                    feed.map_err(|error| checker.report(place, error.to_string())).ok()
                });
            }
            if let Some(node) = secret_json::find(entries, "google") {
                secrets.google = google(checker, "google", node);
            }
            Some(secrets)
        })
    }

    /// Finds a feed by its name.
    #[must_use]
    pub fn feed(&self, name: &str) -> Option<&Feed> {
        self.feeds.get(name)
    }

    /// Finds the id of a Google calendar by its name.
    #[must_use]
    pub fn google_calendar(&self, name: &str) -> Option<&str> {
        self.google.as_ref()?.calendars.get(name).map(String::as_str)
    }

    /// Returns what Google Calendar is asked with.
    #[must_use]
    pub fn google(&self) -> Option<&GoogleSecrets> {
        self.google.as_ref()
    }
}

impl GoogleSecrets {
    /// Returns the account that asks.
    #[must_use]
    pub fn service_account(&self) -> &ServiceAccount {
        &self.service_account
    }

    /// Returns whom the account acts for.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }
}

/// Shows the calendars' names, and neither ids nor people.
impl fmt::Debug for GoogleSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleSecrets")
            .field("calendars", &self.calendars.keys())
            .finish_non_exhaustive()
    }
}

fn google(checker: &mut Validator, place: &str, node: &JsonValue) -> Option<GoogleSecrets> {
    let entries = checker.object(place, node)?;
    checker.only(place, entries, &["serviceAccount", "subject", "calendars"]);
    let calendars = secret_json::find(entries, "calendars").map(|node| {
        let plain = |_: &mut Validator, _: &str, id: &SecretString| {
            Some(id.expose_secret().trim().to_owned())
        };
        named(checker, &inside(place, "calendars"), node, plain)
    });
    let subject = secret_json::find(entries, "subject")
        .and_then(|node| checker.text(&inside(place, "subject"), node))
        .map(|subject| subject.expose_secret().trim().to_owned());
    let account_place = inside(place, "serviceAccount");
    let Some(account) = secret_json::find(entries, "serviceAccount") else {
        checker.report(&account_place, "is missing");
        return None;
    };
    let service_account = ServiceAccount::check(checker, &account_place, account)?;
    Some(GoogleSecrets { service_account, subject, calendars: calendars.unwrap_or_default() })
}

/// Reads an object whose keys are names that somebody chose.
fn named<T>(
    checker: &mut Validator,
    place: &str,
    node: &JsonValue,
    mut value: impl FnMut(&mut Validator, &str, &SecretString) -> Option<T>,
) -> BTreeMap<String, T> {
    let mut values = BTreeMap::new();
    for (name, node) in checker.object(place, node).unwrap_or_default() {
        let place = inside(place, name);
        if !is_name(name) {
            checker.report(&place, "a name has letters, digits, _ and -, and at most 40 of them");
        }
        if let Some(read) = checker.text(&place, node).and_then(|text| value(checker, &place, text))
        {
            values.insert(name.clone(), read);
        }
    }
    values
}
