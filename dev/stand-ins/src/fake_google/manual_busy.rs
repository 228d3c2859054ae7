//! The page of all calendars, and `/calendars/{id}/busy`, which changes busy time by hand.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use maud::{Markup, html};
use salon::interval::{Interval, IntervalSet};
use serde::Deserialize;
use serde_json::json;

use super::{FakeGoogle, GoogleEvent};
use crate::page::page;

const EXPECTED: &str =
    r#"send {"start": "2026-11-24T10:00:00-08:00", "end": "2026-11-24T11:00:00-08:00"}"#;

pub(super) fn router(google: FakeGoogle) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/calendars/{id}/busy", post(add).delete(clear))
        .with_state(google)
}

#[derive(Deserialize)]
struct Busy {
    start: Timestamp,
    end: Timestamp,
}

async fn add(
    State(google): State<FakeGoogle>,
    Path(id): Path<String>,
    busy: Result<Json<Busy>, JsonRejection>,
) -> Response {
    let Some(added) = busy.ok().and_then(|Json(busy)| Interval::new(busy.start, busy.end)) else {
        return (StatusCode::BAD_REQUEST, format!("{EXPECTED}\n")).into_response();
    };
    google.change_busy(&id, |busy| busy.union(&std::iter::once(added).collect()))
}

async fn clear(State(google): State<FakeGoogle>, Path(id): Path<String>) -> Response {
    google.change_busy(&id, |_| IntervalSet::empty())
}

impl FakeGoogle {
    /// Changes an existing calendar and returns its busy time.
    fn change_busy(
        &self,
        id: &str,
        change: impl FnOnce(&IntervalSet<Timestamp>) -> IntervalSet<Timestamp>,
    ) -> Response {
        let mut state = self.state();
        let known = state.calendars.keys().cloned().collect::<Vec<_>>().join(", ");
        let Some(busy) = state.calendars.get_mut(id) else {
            let message = format!("there is no calendar {id}; the calendars are: {known}\n");
            return (StatusCode::NOT_FOUND, message).into_response();
        };
        *busy = change(busy);
        let busy = busy.iter().map(|busy| json!({"start": busy.start(), "end": busy.end()}));
        Json(busy.collect::<Vec<_>>()).into_response()
    }
}

async fn show(State(google): State<FakeGoogle>) -> Html<String> {
    let state = google.state();
    let body = html! {
        main {
            h1 { "Fake Google Calendar" }
            @if state.calendars.is_empty() {
                p { "There are no calendars: start with " code { "--calendar google" } "." }
            }
            @for (id, busy) in &state.calendars {
                h2 { "Calendar " (id) }
                @for busy in busy.iter() {
                    article { p { "Busy" } p.soft { (busy.start()) " to " (busy.end()) } }
                }
                @for event in state.events.of(id) { (event_view(&event)) }
            }
        }
    };
    page("Fake Google Calendar", "calendars", &body)
}

fn event_view(event: &GoogleEvent) -> Markup {
    html! {
        article class=[event.is_deleted().then_some("deleted")] {
            p { strong { (event.summary) } }
            p.soft { (event.start.date_time) " to " (event.end.date_time) }
            p { (event.description) }
            @if let Some(location) = &event.location { p.soft { (location) } }
        }
    }
}
