//! Bookings as events in the staff's own calendars.

use std::error::Error;

use tokio::time::Instant;

use super::CalendarError;
use super::calendar_secrets::{CALENDAR_SECRETS, CalendarSecrets};
use super::google_calendar::{
    CalendarWriter, GoogleBaseUrl, GoogleCalendars, GoogleEvent, GoogleScope,
};
use crate::config::Config;
use crate::https::HttpsClient;
use crate::secrets;
use crate::time_budget::CALENDAR_ENTRY_TIMEOUT;
use salon::Salon;
use salon::booking::{Booking, State};
use salon::invitation;
use salon::staff_calendar::CalendarName;

/// The calendars into which bookings are written: Google's. A feed can only be
/// read.
#[derive(Debug)]
pub struct StaffCalendars<G = GoogleCalendars> {
    google: Option<(G, CalendarSecrets)>,
}

impl StaffCalendars {
    /// Reads where the Google calendars of a configuration's salon are. Without
    /// any, no secret is needed.
    ///
    /// # Errors
    /// When the secrets cannot be read.
    pub async fn load(config: &Config) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let is_google = |name: &CalendarName| matches!(name, CalendarName::Google(_));
        if !config.salon.staff.iter().any(|member| member.calendars.iter().any(is_google)) {
            return Ok(Self { google: None });
        }
        let [document] = secrets::load([CALENDAR_SECRETS]).await?;
        Ok(Self::new(CalendarSecrets::parse(&document)?, config.google_api_base.parse()?))
    }

    /// Writes into the calendars that `secrets` know.
    #[must_use]
    pub fn new(secrets: CalendarSecrets, base: GoogleBaseUrl) -> Self {
        let google = secrets.google().map(|google| {
            let (account, subject) = (google.service_account().clone(), google.subject());
            let (client, subject) = (HttpsClient::new(), subject.map(str::to_owned));
            GoogleCalendars::new(client, account, subject, base, GoogleScope::Events)
        });
        Self { google: google.map(|google| (google, secrets)) }
    }
}

impl<G: CalendarWriter> StaffCalendars<G> {
    /// Writes to `google`, into the calendars that `secrets` know.
    #[must_use]
    pub const fn over(google: G, secrets: CalendarSecrets) -> Self {
        Self { google: Some((google, secrets)) }
    }

    /// Tells whether a booking has a place in one of the calendars.
    #[must_use]
    pub fn has_place(&self, booking: &Booking, salon: &Salon) -> bool {
        self.place(booking, salon).is_some()
    }

    /// Makes a calendar show what a booking is: a confirmed one has an event,
    /// and any other has none. Doing it again changes nothing.
    ///
    /// # Errors
    /// When the calendar does not take it.
    pub async fn show(&self, booking: &Booking, salon: &Salon) -> Result<(), CalendarError> {
        let Some((google, calendar)) = self.place(booking, salon) else { return Ok(()) };
        let deadline = Instant::now() + CALENDAR_ENTRY_TIMEOUT;
        if booking.state != State::Confirmed {
            return google.delete(calendar, &booking.id, deadline).await;
        }
        let words = invitation::CalendarText::for_owner(booking, salon);
        let event = GoogleEvent {
            id: booking.id.clone(),
            time: booking.appointment,
            summary: words.summary,
            description: words.description,
            location: salon.contact.address.clone(),
            url: salon.return_url_for(&booking.id),
        };
        google.insert(calendar, &event, deadline).await
    }

    /// Finds the first Google calendar of whom a booking is with.
    fn place(&self, booking: &Booking, salon: &Salon) -> Option<(&G, &str)> {
        let (google, secrets) = self.google.as_ref()?;
        let member = salon.staff_member(booking.staff.as_str())?;
        let id = member.calendars.iter().find_map(|calendar| match calendar {
            CalendarName::Google(name) => secrets.google_calendar(name),
            CalendarName::Ical(_) => None,
        });
        Some((google, id?))
    }
}
