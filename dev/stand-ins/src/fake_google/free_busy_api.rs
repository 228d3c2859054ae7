//! Access tokens and `freeBusy.query`.

use std::collections::BTreeMap;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Json, Router};
use jiff::{SignedDuration, Timestamp};
use salon::interval::{Interval, IntervalSet};
use serde::Deserialize;
use serde_json::{Value, json};

use super::assertion::{self, AssertionError, Scope};
use super::{CalendarFault, FakeGoogle, Fault, events_api};

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const MAX_CALENDARS: usize = 50;
const TOKEN_LIFE: SignedDuration = SignedDuration::from_secs(3_599);
/// Google documents that there is a limit, but not its value.
const MAX_SPAN: SignedDuration = SignedDuration::from_hours(90 * 24);

pub(super) fn router(google: FakeGoogle) -> Router {
    events_api::router()
        .route("/token", post(token))
        .route("/calendar/v3/freeBusy", post(free_busy))
        .route_layer(middleware::from_fn_with_state(google.clone(), count))
        .with_state(google)
}

async fn count(
    State(google): State<FakeGoogle>,
    path: MatchedPath,
    request: Request,
    next: Next,
) -> Response {
    let route = format!("{} {}", request.method(), path.as_str());
    *google.state().requests.entry(route).or_default() += 1;
    next.run(request).await
}

#[derive(Deserialize)]
struct Grant {
    grant_type: String,
    assertion: String,
}

/// Issues an access token for a signed assertion.
async fn token(
    State(google): State<FakeGoogle>,
    headers: HeaderMap,
    Form(grant): Form<Grant>,
) -> Response {
    if grant.grant_type != GRANT_TYPE {
        let description = "See grant_type.";
        return token_error(AssertionError { code: "unsupported_grant_type", description });
    }
    let now = google.now();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let token_uri = format!("http://{}/token", host.unwrap_or_default());
    let subject = google.options.subject.as_deref();
    let scope = match assertion::check(&grant.assertion, &token_uri, subject, now) {
        Ok(scope) => scope,
        Err(error) => return token_error(error),
    };
    let mut state = google.state();
    state.issued += 1;
    let token = format!("fake-token-{}", state.issued);
    state.tokens.insert(token.clone(), (now + TOKEN_LIFE, scope));
    Json(json!({
        "access_token": token,
        "expires_in": TOKEN_LIFE.as_secs(),
        "token_type": "Bearer",
    }))
    .into_response()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FreeBusyQuery {
    time_min: Timestamp,
    time_max: Timestamp,
    #[serde(default)]
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
}

async fn free_busy(
    State(google): State<FakeGoogle>,
    headers: HeaderMap,
    query: Result<Json<FreeBusyQuery>, axum::extract::rejection::JsonRejection>,
) -> Response {
    if let Some(error) = check_request(&google, &headers, Scope::FreeBusy).await {
        return error;
    }
    let Ok(Json(query)) = query else {
        return api_error(
            StatusCode::BAD_REQUEST,
            "badRequest",
            "The body is not a freeBusy query.",
        );
    };
    let Some(window) = Interval::new(query.time_min, query.time_max) else {
        return api_error(StatusCode::BAD_REQUEST, "timeRangeEmpty", "See timeMin and timeMax.");
    };
    if window.end().duration_since(window.start()) > MAX_SPAN {
        return api_error(StatusCode::BAD_REQUEST, "timeRangeTooLong", "See timeMin and timeMax.");
    }
    let calendars = google.free_busy(window, &query.items);
    let body = json!({
        "kind": "calendar#freeBusy",
        "timeMin": window.start(),
        "timeMax": window.end(),
        "calendars": calendars,
    });
    Json(body).into_response()
}

impl FakeGoogle {
    fn free_busy(&self, window: Interval<Timestamp>, items: &[Item]) -> BTreeMap<String, Value> {
        let state = self.state();
        let mut calendars = BTreeMap::new();
        for (index, Item { id }) in items.iter().enumerate() {
            let calendar = match (state.calendar_faults.get(id), state.calendars.get(id)) {
                (Some(CalendarFault::Missing), _) => continue,
                (Some(CalendarFault::InternalError), _) => calendar_error("internalError"),
                (Some(CalendarFault::NotFound), _) | (None, None) => calendar_error("notFound"),
                (None, Some(_)) if index >= MAX_CALENDARS => {
                    calendar_error("tooManyCalendarsRequested")
                }
                (None, Some(busy)) => busy_times(&busy.union(&state.events.busy(id)), window),
            };
            calendars.insert(id.clone(), calendar);
        }
        calendars
    }
}

/// Returns an error response if the token lacks the scope, or if a fault is pending.
pub(super) async fn check_request(
    google: &FakeGoogle,
    headers: &HeaderMap,
    scope: Scope,
) -> Option<Response> {
    match scope_of(google, headers) {
        None => {
            return Some(api_error(StatusCode::UNAUTHORIZED, "authError", "Invalid credentials."));
        }
        Some(other) if other != scope => {
            let message = "The token is for another scope.";
            return Some(api_error(StatusCode::FORBIDDEN, "insufficientPermissions", message));
        }
        Some(_) => {}
    }
    let fault = google.state().faults.pop_front();
    let (status, reason) = match fault? {
        Fault::Slow(pause) => {
            tokio::time::sleep(pause).await;
            return None;
        }
        Fault::RateLimitExceeded => (StatusCode::FORBIDDEN, "rateLimitExceeded"),
        Fault::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, "rateLimitExceeded"),
        Fault::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "backendError"),
        Fault::Forbidden => (StatusCode::FORBIDDEN, "requiredAccessLevel"),
    };
    Some(api_error(status, reason, "Try again."))
}

/// Returns the scope of a request's token, if the token is valid.
fn scope_of(google: &FakeGoogle, headers: &HeaderMap) -> Option<Scope> {
    let token = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
    let (until, scope) = *google.state().tokens.get(token)?;
    (google.now() < until).then_some(scope)
}

fn busy_times(busy: &IntervalSet<Timestamp>, window: Interval<Timestamp>) -> Value {
    let inside = busy.overlapping(&window).filter_map(|busy| busy.intersection(&window));
    let periods: Vec<_> =
        inside.map(|busy| json!({"start": busy.start(), "end": busy.end()})).collect();
    json!({"busy": periods})
}

fn calendar_error(reason: &str) -> Value {
    json!({"errors": [{"domain": "global", "reason": reason}], "busy": []})
}

/// Builds an error response of the Calendar API
/// (<https://developers.google.com/workspace/calendar/api/guides/errors>).
pub(super) fn api_error(status: StatusCode, reason: &str, message: &str) -> Response {
    let error = json!({"error": {
        "code": status.as_u16(),
        "message": message,
        "errors": [{"domain": "global", "reason": reason, "message": message}],
    }});
    (status, Json(error)).into_response()
}

/// Builds an error response of the token endpoint
/// (<https://www.rfc-editor.org/rfc/rfc6749#section-5.2>).
fn token_error(AssertionError { code, description }: AssertionError) -> Response {
    let status = match code {
        "unauthorized_client" => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    (status, Json(json!({"error": code, "error_description": description}))).into_response()
}
