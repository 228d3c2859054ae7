//! Writes bookings into the staff's own calendars.

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

/// The calendars into which bookings are written. These are Google's: a feed is
/// read-only.
#[derive(Debug)]
pub struct StaffCalendars<G = GoogleCalendars> {
    google: Option<(G, CalendarSecrets)>,
}

impl StaffCalendars {
    /// Loads the calendar secrets. A salon without Google calendars needs none.
    ///
    /// # Errors
    /// If the secrets cannot be read.
    pub async fn load(config: &Config) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let is_google = |name: &CalendarName| matches!(name, CalendarName::Google(_));
        if !config.salon.staff.iter().any(|member| member.calendars.iter().any(is_google)) {
            return Ok(Self { google: None });
        }
        let [document] = secrets::load([CALENDAR_SECRETS]).await?;
        Ok(Self::new(CalendarSecrets::parse(&document)?, config.google_api_base.parse()?))
    }

    /// Writes into the Google calendars that are in `secrets`.
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
    /// Writes with `writer`, into the calendars that are in `secrets`.
    #[must_use]
    pub const fn with_writer(writer: G, secrets: CalendarSecrets) -> Self {
        Self { google: Some((writer, secrets)) }
    }

    /// Returns whether the booking's staff member has a calendar to write into.
    #[must_use]
    pub fn has_calendar_for(&self, booking: &Booking, salon: &Salon) -> bool {
        self.calendar_for(booking, salon).is_some()
    }

    /// Updates the calendar: a confirmed booking has an event, any other has
    /// none. Idempotent.
    ///
    /// # Errors
    /// If the calendar cannot be written.
    pub async fn update_event(
        &self,
        booking: &Booking,
        salon: &Salon,
    ) -> Result<(), CalendarError> {
        let Some((writer, calendar)) = self.calendar_for(booking, salon) else { return Ok(()) };
        let deadline = Instant::now() + CALENDAR_ENTRY_TIMEOUT;
        if booking.state != State::Confirmed {
            return writer.delete(calendar, &booking.id, deadline).await;
        }
        let text = invitation::CalendarText::for_owner(booking, salon);
        let event = GoogleEvent {
            id: booking.id.clone(),
            time: booking.appointment,
            summary: text.summary,
            description: text.description,
            location: salon.contact.address.clone(),
            url: salon.return_url_for(&booking.id),
        };
        writer.insert(calendar, &event, deadline).await
    }

    /// Returns the id of the first Google calendar of the booking's staff member.
    fn calendar_for(&self, booking: &Booking, salon: &Salon) -> Option<(&G, &str)> {
        let (writer, secrets) = self.google.as_ref()?;
        let member = salon.staff_member(booking.staff.as_str())?;
        let id = member.calendars.iter().find_map(|calendar| match calendar {
            CalendarName::Google(name) => secrets.google_calendar(name),
            CalendarName::Ical(_) => None,
        });
        Some((writer, id?))
    }
}
