//! `events.insert` and `events.delete`.

use std::collections::BTreeMap;

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use axum::{Json, Router};
use jiff::Timestamp;
use salon::interval::{Interval, IntervalSet};
use serde::{Deserialize, Serialize};

use super::FakeGoogle;
use super::assertion::Scope;
use super::free_busy_api::{api_error, check_request};

pub(super) fn router() -> Router<FakeGoogle> {
    Router::new()
        .route("/calendar/v3/calendars/{calendar}/events", post(insert))
        .route("/calendar/v3/calendars/{calendar}/events/{id}", delete(remove))
}

/// The used fields of a calendar event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct GoogleEvent {
    pub id: String,
    #[serde(default)]
    pub summary: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub location: Option<String>,
    pub start: EventTime,
    pub end: EventTime,
    /// `transparent` if the event does not block time.
    #[serde(default)]
    pub transparency: Option<String>,
    /// `cancelled` once it is deleted.
    #[serde(default)]
    pub status: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EventTime {
    pub date_time: Timestamp,
}

impl GoogleEvent {
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.status.as_deref() == Some("cancelled")
    }
}

#[derive(Debug, Default)]
pub(super) struct Events(BTreeMap<String, BTreeMap<String, GoogleEvent>>);

impl Events {
    pub(super) fn of(&self, calendar: &str) -> Vec<GoogleEvent> {
        self.0.get(calendar).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Returns the busy time of a calendar's events.
    pub(super) fn busy(&self, calendar: &str) -> IntervalSet<Timestamp> {
        let blocks_time = |event: &GoogleEvent| {
            !event.is_deleted() && event.transparency.as_deref() != Some("transparent")
        };
        let events = self.of(calendar).into_iter().filter(blocks_time);
        events
            .filter_map(|event| Interval::new(event.start.date_time, event.end.date_time))
            .collect()
    }
}

async fn insert(
    State(google): State<FakeGoogle>,
    Path(calendar): Path<String>,
    headers: HeaderMap,
    event: Result<Json<GoogleEvent>, JsonRejection>,
) -> Response {
    if let Some(error) = check_request(&google, &headers, Scope::Events).await {
        return error;
    }
    let is_id = |id: &str| {
        let is_base32hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'v').contains(&byte);
        (5..=1024).contains(&id.len()) && id.bytes().all(is_base32hex)
    };
    let Some(event) = event.ok().map(|Json(event)| event).filter(|event| is_id(&event.id)) else {
        return api_error(StatusCode::BAD_REQUEST, "invalid", "The body is not an event.");
    };
    let mut state = google.state();
    if !state.calendars.contains_key(&calendar) {
        return api_error(StatusCode::NOT_FOUND, "notFound", "There is no such calendar.");
    }
    let events = state.events.0.entry(calendar).or_default();
    // The id of a deleted event stays reserved.
    if events.contains_key(&event.id) {
        return api_error(StatusCode::CONFLICT, "duplicate", "The id exists already.");
    }
    events.insert(event.id.clone(), event.clone());
    Json(event).into_response()
}

async fn remove(
    State(google): State<FakeGoogle>,
    Path((calendar, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if let Some(error) = check_request(&google, &headers, Scope::Events).await {
        return error;
    }
    let mut state = google.state();
    match state.events.0.get_mut(&calendar).and_then(|events| events.get_mut(&id)) {
        None => api_error(StatusCode::NOT_FOUND, "notFound", "There is no such event."),
        Some(event) if event.is_deleted() => {
            api_error(StatusCode::GONE, "deleted", "The event has been deleted.")
        }
        Some(event) => {
            event.status = Some("cancelled".to_owned());
            StatusCode::NO_CONTENT.into_response()
        }
    }
}
