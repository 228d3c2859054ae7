//! Events: what a booking is in its owner's calendar.

use bytes::Bytes;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::{Call, GoogleCalendars};
use crate::calendars::calendar_error::CalendarError;
use salon::booking::BookingId;
use salon::interval::Interval;

/// An event that stands for a booking.
#[derive(Clone, PartialEq, Eq)]
pub struct GoogleEvent {
    /// The booking, whose id is the event's. Google allows letters to `v` and
    /// digits, and so all of a booking's.
    pub id: BookingId,
    /// When it is.
    pub time: Interval<Timestamp>,
    /// What is shown of it.
    pub summary: String,
    /// What is told of it.
    pub description: String,
    /// Where it is.
    pub location: Option<String>,
    /// Where more is told.
    pub url: String,
}

/// Where bookings stand as events: in Google's calendars, or in a model of them
/// in a simulation.
pub trait CalendarWriter: Send + Sync {
    /// Makes an event, once: one that was made before, and deleted since by its
    /// owner, stays so
    /// (<https://developers.google.com/workspace/calendar/api/v3/reference/events/insert>).
    ///
    /// It is `transparent`, so that it is in no answer of freeBusy's: the day
    /// sheet keeps the booking's time, whatever becomes of the event.
    fn insert(
        &self,
        calendar_id: &str,
        event: &GoogleEvent,
        deadline: Instant,
    ) -> impl Future<Output = Result<(), CalendarError>> + Send;

    /// Deletes an event, also one that was never made or is deleted already.
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
        let call = Call {
            method: Method::POST,
            uri: self.base.events(calendar_id),
            body: Bytes::from(body.to_string()),
            also_fine: &[StatusCode::CONFLICT],
        };
        self.change(&call, deadline).await
    }

    async fn delete(
        &self,
        calendar_id: &str,
        id: &BookingId,
        deadline: Instant,
    ) -> Result<(), CalendarError> {
        let call = Call {
            method: Method::DELETE,
            uri: self.base.event(calendar_id, id.as_str()),
            body: Bytes::new(),
            also_fine: &[StatusCode::NOT_FOUND, StatusCode::GONE],
        };
        self.change(&call, deadline).await
    }
}

impl GoogleCalendars {
    async fn change(&self, call: &Call, deadline: Instant) -> Result<(), CalendarError> {
        let begun = Instant::now();
        let late = |_| Err(CalendarError::Timeout { after: begun.elapsed() });
        timeout_at(deadline, self.ask(call, deadline)).await.unwrap_or_else(late).map(drop)
    }
}
