//! `/calendars/{id}/busy`: changes busy time by hand.

use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use jiff::Timestamp;
use salon::interval::{Interval, IntervalSet};
use serde::Deserialize;
use serde_json::json;

use super::FakeGoogle;

const EXPECTED: &str =
    r#"send {"start": "2026-11-24T10:00:00-08:00", "end": "2026-11-24T11:00:00-08:00"}"#;

pub(super) fn router(google: FakeGoogle) -> Router {
    Router::new()
        .route("/calendars/{id}/busy", get(show).post(add).delete(clear))
        .with_state(google)
}

#[derive(Deserialize)]
struct Busy {
    start: Timestamp,
    end: Timestamp,
}

async fn show(State(google): State<FakeGoogle>, Path(id): Path<String>) -> Response {
    google.change_busy(&id, |_| {})
}

async fn add(
    State(google): State<FakeGoogle>,
    Path(id): Path<String>,
    busy: Result<Json<Busy>, JsonRejection>,
) -> Response {
    let Some(added) = busy.ok().and_then(|Json(busy)| Interval::new(busy.start, busy.end)) else {
        return (StatusCode::BAD_REQUEST, format!("{EXPECTED}\n")).into_response();
    };
    google.change_busy(&id, |busy| *busy = busy.union(&std::iter::once(added).collect()))
}

async fn clear(State(google): State<FakeGoogle>, Path(id): Path<String>) -> Response {
    google.change_busy(&id, |busy| *busy = IntervalSet::empty())
}

impl FakeGoogle {
    /// Changes an existing calendar and returns its busy time.
    fn change_busy(&self, id: &str, change: impl FnOnce(&mut IntervalSet<Timestamp>)) -> Response {
        let mut state = self.state();
        let Some(busy) = state.calendars.get_mut(id) else {
            let known: Vec<_> = state.calendars.keys().map(String::as_str).collect();
            let message = match known.as_slice() {
                [] => "there are no calendars: start with --calendar google\n".to_owned(),
                known => {
                    format!("there is no calendar {id}; the calendars are {}\n", known.join(", "))
                }
            };
            return (StatusCode::NOT_FOUND, message).into_response();
        };
        change(busy);
        let busy = busy.iter().map(|busy| json!({"start": busy.start(), "end": busy.end()}));
        Json(busy.collect::<Vec<_>>()).into_response()
    }
}
