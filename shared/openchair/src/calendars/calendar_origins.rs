//! Busy times from the staff's iCal feeds and Google calendars.

use std::collections::BTreeMap;
use std::error::Error;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::time::Instant;

use super::calendar_secrets::{CALENDAR_SECRETS, CalendarSecrets};
use super::google_calendar::{GoogleBaseUrl, GoogleCalendars, GoogleScope};
use super::ical_feed::{Feed, Fetched, Validators};
use crate::busy::{Origin, OriginError};
use crate::config::Config;
use crate::https::HttpsClient;
use crate::secrets;
use crate::time_budget::CALENDAR_REQUESTS_TIMEOUT;
use ical::{IcalError, TimeRange};
use salon::Salon;
use salon::interval::{Interval, IntervalSet};
use salon::service::StaffMember;
use salon::staff_calendar::{CalendarName, CalendarReading, SourceReading};

/// The name of the source that covers all Google calendars of a person.
const GOOGLE_SOURCE: &str = "google";

/// Reads busy times from the calendars that the salon file names.
#[derive(Debug)]
pub struct Origins {
    client: HttpsClient,
    secrets: CalendarSecrets,
    google: Option<GoogleCalendars>,
    zone: TimeZone,
}

/// The salon file names a calendar that is not in the secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the salon file gives {staff} the calendar {name:?}, which is not in CALENDAR_SECRETS")]
pub struct UnknownCalendar {
    staff: String,
    name: CalendarName,
}

impl Origins {
    /// Loads the calendar secrets. A salon without calendars needs none.
    ///
    /// # Errors
    /// If the secrets cannot be read, or a calendar is not among them.
    pub async fn load(config: &Config) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let secrets = if config.salon.staff.iter().all(|member| member.calendars.is_empty()) {
            CalendarSecrets::default()
        } else {
            let [document] = secrets::load([CALENDAR_SECRETS]).await?;
            CalendarSecrets::parse(&document)?
        };
        Ok(Self::new(&config.salon, secrets, config.google_api_base.parse()?)?)
    }

    /// Checks that the secrets contain every calendar that `salon` names.
    ///
    /// # Errors
    /// If they do not.
    pub fn new(
        salon: &Salon,
        secrets: CalendarSecrets,
        google_base: GoogleBaseUrl,
    ) -> Result<Self, UnknownCalendar> {
        for member in &salon.staff {
            let is_known = |name: &&CalendarName| match name {
                CalendarName::Ical(name) => secrets.feed(name).is_some(),
                CalendarName::Google(name) => secrets.google_calendar(name).is_some(),
            };
            if let Some(name) = member.calendars.iter().find(|name| !is_known(name)) {
                return Err(UnknownCalendar { staff: member.id.to_string(), name: name.clone() });
            }
        }
        let client = HttpsClient::new();
        let google = secrets.google().map(|google| {
            let (account, subject) = (google.service_account().clone(), google.subject());
            let subject = subject.map(str::to_owned);
            GoogleCalendars::new(
                client.clone(),
                account,
                subject,
                google_base,
                GoogleScope::FreeBusy,
            )
        });
        Ok(Self { client, secrets, google, zone: salon.time_zone.clone() })
    }

    /// Reads the Google calendars, if there are any.
    async fn read_google(
        &self,
        ids: &[&str],
        window: Interval<Timestamp>,
        deadline: Instant,
    ) -> Result<Option<(String, SourceReading)>, OriginError> {
        let Some(google) = self.google.as_ref().filter(|_| !ids.is_empty()) else {
            return Ok(None);
        };
        let busy = google.busy_times(ids, window, deadline).await?;
        Ok(Some((GOOGLE_SOURCE.to_owned(), SourceReading { busy, version: None })))
    }

    async fn read_feed(
        &self,
        (name, feed): (String, &Feed),
        window: Interval<Timestamp>,
        known: Option<&CalendarReading>,
        deadline: Instant,
    ) -> Result<(String, SourceReading), OriginError> {
        // A reading of a shorter window says nothing about the rest.
        let known = known.filter(|known| known.window.contains(&window));
        let known = known.and_then(|known| known.sources.get(&name));
        let validators = known.and_then(|known| known.version.as_deref());
        let validators: Option<Validators> =
            validators.and_then(|version| serde_json::from_str(version).ok());
        let reading = match (feed.fetch(&self.client, validators.as_ref(), deadline).await?, known)
        {
            (Fetched::NotModified, Some(known)) => known.clone(),
            (Fetched::NotModified, None) => {
                return Err("the feed is \"not modified\", but no version of it is known".into());
            }
            (Fetched::New { body, validators }, _) => SourceReading {
                busy: self.expand(&body, window)?,
                version: serde_json::to_string(&validators).ok(),
            },
        };
        Ok((name, reading))
    }

    /// Returns the busy time of a feed.
    fn expand(
        &self,
        feed: &[u8],
        window: Interval<Timestamp>,
    ) -> Result<IntervalSet<Timestamp>, IcalError> {
        let range = TimeRange::new(window.start(), window.end());
        let range = range.expect("an interval is never empty");
        let busy = ical::busy_times(feed, range, &self.zone)?;
        Ok(busy.iter().filter_map(|range| Interval::new(range.start(), range.end())).collect())
    }
}

impl Origin for Origins {
    async fn read(
        &self,
        member: &StaffMember,
        window: Interval<Timestamp>,
        known: Option<&CalendarReading>,
    ) -> Result<BTreeMap<String, SourceReading>, OriginError> {
        let deadline = Instant::now() + CALENDAR_REQUESTS_TIMEOUT;
        let mut ids = Vec::new();
        let mut feeds = Vec::new();
        for calendar in &member.calendars {
            match calendar {
                CalendarName::Google(name) => {
                    ids.push(self.secrets.google_calendar(name).ok_or(MISSING_CALENDAR)?);
                }
                CalendarName::Ical(name) => {
                    feeds.push((
                        format!("ical:{name}"),
                        self.secrets.feed(name).ok_or(MISSING_CALENDAR)?,
                    ));
                }
            }
        }
        let feeds = try_join_all(
            feeds.into_iter().map(|feed| self.read_feed(feed, window, known, deadline)),
        );
        let google = self.read_google(&ids, window, deadline);
        let (feeds, google) = futures_util::try_join!(feeds, google)?;
        Ok(feeds.into_iter().chain(google).collect())
    }
}

/// Cannot occur: [`Origins::new`] checks it.
const MISSING_CALENDAR: &str = "a calendar is not among the secrets";
