//! Bookings as events in a Google calendar.

use bytes::Bytes;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::Instant;

use super::{ApiCall, GoogleCalendars, within};
use crate::calendars::calendar_error::CalendarError;
use salon::booking::BookingId;
use salon::interval::Interval;

/// An event that shows a booking.
#[derive(Clone, PartialEq, Eq)]
pub struct GoogleEvent {
    /// The booking's id, which is also the event's. Google allows the letters
    /// `a` to `v` and digits, which covers every booking id.
    pub id: BookingId,
    pub time: Interval<Timestamp>,
    pub summary: String,
    pub description: String,
    pub location: Option<String>,
    /// The booking's page.
    pub url: String,
}

/// Writes events into calendars: Google's, or a model of them in a simulation.
pub trait CalendarWriter: Send + Sync {
    /// Creates an event once. An event that its owner has deleted is not
    /// created again
    /// (<https://developers.google.com/workspace/calendar/api/v3/reference/events/insert>).
    ///
    /// The event is `transparent`, so that freeBusy does not report it: the day
    /// sheet keeps the booking's time, even if somebody moves the event.
    fn insert(
        &self,
        calendar_id: &str,
        event: &GoogleEvent,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), CalendarError>> + Send;

    /// Deletes an event. An event that does not exist is not an error.
    fn delete(
        &self,
        calendar_id: &str,
        id: &BookingId,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), CalendarError>> + Send;
}

impl CalendarWriter for GoogleCalendars {
    async fn insert(
        &self,
        calendar_id: &str,
        event: &GoogleEvent,
        deadline: Instant,
    ) -> Result<(), CalendarError> {
        let body = json!({
            "id": event.id,
            "summary": event.summary,
            "description": event.description,
            "location": event.location,
            "start": {"dateTime": event.time.start()},
            "end": {"dateTime": event.time.end()},
            "transparency": "transparent",
            "source": {"title": "Booking", "url": event.url},
        });
        let call = ApiCall {
            method: Method::POST,
            uri: self.base.events(calendar_id),
            body: Bytes::from(body.to_string()),
            accepted_errors: &[StatusCode::CONFLICT],
        };
        within(deadline, self.call(&call, deadline)).await.map(drop)
    }

    async fn delete(
        &self,
        calendar_id: &str,
        id: &BookingId,
        deadline: Instant,
    ) -> Result<(), CalendarError> {
        let call = ApiCall {
            method: Method::DELETE,
            uri: self.base.event(calendar_id, id.as_str()),
            body: Bytes::new(),
            accepted_errors: &[StatusCode::NOT_FOUND, StatusCode::GONE],
        };
        within(deadline, self.call(&call, deadline)).await.map(drop)
    }
}
