//! The secrets of the calendars: one JSON document.
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
//! The salon file refers to `feeds` and `google.calendars` by name. Only this
//! module knows the addresses and ids behind the names. `subject` is optional:
//! the person for whom the service account acts, with domain-wide delegation.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::calendars::google_calendar::ServiceAccount;
use crate::calendars::ical_feed::Feed;
use crate::calendars::secret_json::{
    self, JsonValue, ValidationErrors, Validator, find, is_name, join,
};

#[cfg(test)]
mod tests;

/// The environment variable that contains the document.
/// `CALENDAR_SECRETS_PARAMETER` may name an SSM parameter instead: see
/// [`crate::secrets::load`].
pub const CALENDAR_SECRETS: &str = "CALENDAR_SECRETS";

/// The addresses and ids of the calendars, and the key for Google's.
#[derive(Clone, Debug, Default)]
pub struct CalendarSecrets {
    feeds: BTreeMap<String, Feed>,
    google: Option<GoogleSecrets>,
}

/// The access to Google Calendar.
#[derive(Clone)]
pub struct GoogleSecrets {
    service_account: ServiceAccount,
    subject: Option<String>,
    calendars: BTreeMap<String, String>,
}

impl CalendarSecrets {
    /// Parses the document. An unknown key is an error: a misspelled one would
    /// omit a calendar.
    ///
    /// # Errors
    /// All errors at once, each with the path of the field and without its
    /// value.
    pub fn parse(json: &SecretString) -> Result<Self, ValidationErrors> {
        secret_json::parse(json, CALENDAR_SECRETS, |validator, path, value| {
            let fields = validator.object(path, value)?;
            validator.known_keys(path, fields, &["feeds", "google"]);
            let mut secrets = Self::default();
            if let Some(value) = find(fields, "feeds") {
                secrets.feeds = parse_names(validator, "feeds", value, |validator, path, text| {
                    let feed = Feed::new(text);
                    feed.map_err(|error| validator.report(path, error.to_string())).ok()
                });
            }
            if let Some(value) = find(fields, "google") {
                secrets.google = parse_google(validator, "google", value);
            }
            Some(secrets)
        })
    }

    /// Finds a feed by its name in the salon file.
    #[must_use]
    pub fn feed(&self, name: &str) -> Option<&Feed> {
        self.feeds.get(name)
    }

    /// Finds the id of a Google calendar by its name in the salon file.
    #[must_use]
    pub fn google_calendar(&self, name: &str) -> Option<&str> {
        self.google.as_ref()?.calendars.get(name).map(String::as_str)
    }

    #[must_use]
    pub fn google(&self) -> Option<&GoogleSecrets> {
        self.google.as_ref()
    }
}

impl GoogleSecrets {
    #[must_use]
    pub fn service_account(&self) -> &ServiceAccount {
        &self.service_account
    }

    /// Returns the person for whom the account acts.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }
}

/// Prints the names of the calendars, and no ids or persons.
impl fmt::Debug for GoogleSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleSecrets")
            .field("calendars", &self.calendars.keys())
            .finish_non_exhaustive()
    }
}

fn parse_google(validator: &mut Validator, path: &str, value: &JsonValue) -> Option<GoogleSecrets> {
    let fields = validator.object(path, value)?;
    validator.known_keys(path, fields, &["serviceAccount", "subject", "calendars"]);
    let calendars = find(fields, "calendars").map(|value| {
        let trimmed = |_: &mut Validator, _: &str, id: &SecretString| {
            Some(id.expose_secret().trim().to_owned())
        };
        parse_names(validator, &join(path, "calendars"), value, trimmed)
    });
    let subject = find(fields, "subject")
        .and_then(|value| validator.text(&join(path, "subject"), value))
        .map(|subject| subject.expose_secret().trim().to_owned());
    let account_path = join(path, "serviceAccount");
    let Some(account) = find(fields, "serviceAccount") else {
        validator.report(&account_path, "is missing");
        return None;
    };
    let service_account = ServiceAccount::validate(validator, &account_path, account)?;
    Some(GoogleSecrets { service_account, subject, calendars: calendars.unwrap_or_default() })
}

/// Parses an object whose keys are calendar names.
fn parse_names<T>(
    validator: &mut Validator,
    path: &str,
    value: &JsonValue,
    mut parse: impl FnMut(&mut Validator, &str, &SecretString) -> Option<T>,
) -> BTreeMap<String, T> {
    let mut values = BTreeMap::new();
    for (name, value) in validator.object(path, value).unwrap_or_default() {
        let path = join(path, name);
        if !is_name(name) {
            validator.report(&path, "a name has at most 40 letters, digits, _ and -");
        }
        let text = validator.text(&path, value);
        if let Some(parsed) = text.and_then(|text| parse(validator, &path, text)) {
            values.insert(name.clone(), parsed);
        }
    }
    values
}
