//! Control of the sandbox by tests in other processes, under `/_sandbox`.
//!
//! | call | body | effect |
//! |---|---|---|
//! | `POST sessions/{id}/pay` | `{"card":"4242…"}` | pays; 3-D Secure succeeds |
//! | `POST sessions/{id}/debit` | | pays by a bank debit |
//! | `POST sessions/{id}/settle` | `{"arrived":true}` | ends the debit |
//! | `POST refunds` | `{"mode":"failing"}` | sets how future refunds end |
//! | `POST refunds/{id}` | `{"status":"failed"}` | changes a refund's status |
//! | `POST webhooks` | `{"mode":"late"}` | sets how future webhooks are delivered |
//! | `POST events/{id}/resend` | | sends an event's webhook again |
//! | `POST faults` | `{"call":"POST /v1/refunds","effect":"hang_up","times":1}` | injects failures of API calls; `slow` takes `ms` |
//! | `DELETE faults` | | removes all injected failures |
//! | `GET state` | | counts API calls, deliveries and pending faults |
//! | `GET events` | | lists events, oldest first |
//!
//! Bodies are JSON. A body without required fields may be omitted.

use std::time::Duration;

use axum::Router;
use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::{Effect, Fault};
use super::sandbox_options::Refunds;
use super::sandbox_refund::RefundStatus;
use super::test_cards::TEST_CARDS;
use super::webhooks::Webhooks;
use super::{Refused, Sandbox};

pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/_sandbox/sessions/{id}/pay", post(pay))
        .route("/_sandbox/sessions/{id}/debit", post(debit))
        .route("/_sandbox/sessions/{id}/settle", post(settle))
        .route("/_sandbox/refunds", post(set_refunds))
        .route("/_sandbox/refunds/{id}", post(end_refund))
        .route("/_sandbox/webhooks", post(set_webhooks))
        .route("/_sandbox/events", get(events))
        .route("/_sandbox/events/{id}/resend", post(resend))
        .route("/_sandbox/faults", post(inject).delete(clear_faults))
        .route("/_sandbox/state", get(state))
        .with_state(sandbox)
}

#[derive(Deserialize)]
struct Card {
    card: String,
}

#[derive(Deserialize)]
struct Settlement {
    arrived: bool,
}

#[derive(Deserialize)]
struct Mode<T> {
    mode: T,
}

#[derive(Deserialize)]
struct Status {
    status: RefundStatus,
}

#[derive(Deserialize)]
struct FaultRequest {
    call: String,
    effect: EffectName,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    ms: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum EffectName {
    HangUp,
    ErrorBefore,
    ErrorAfter,
    Unavailable,
    RateLimited,
    Refused,
    Slow,
}

fn once() -> u32 {
    1
}

async fn pay(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    card: Option<Json<Card>>,
) -> Response {
    let first = TEST_CARDS[0].number;
    let card = card.as_ref().map_or(first, |Json(card)| card.card.as_str());
    respond(sandbox.pay_by_card(&id, card))
}

async fn debit(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    respond(sandbox.pay_by_debit(&id))
}

async fn settle(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Json(settlement): Json<Settlement>,
) -> Response {
    respond(sandbox.settle(&id, settlement.arrived))
}

async fn set_refunds(
    State(sandbox): State<Sandbox>,
    Json(Mode { mode }): Json<Mode<Refunds>>,
) -> Response {
    sandbox.set_refunds(mode);
    respond(Ok(()))
}

async fn end_refund(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Json(Status { status }): Json<Status>,
) -> Response {
    respond(sandbox.end_refund(&id, status))
}

async fn set_webhooks(
    State(sandbox): State<Sandbox>,
    Json(Mode { mode }): Json<Mode<Webhooks>>,
) -> Response {
    sandbox.set_webhooks(mode);
    respond(Ok(()))
}

async fn resend(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    respond(sandbox.resend(&id))
}

async fn inject(State(sandbox): State<Sandbox>, Json(request): Json<FaultRequest>) -> Response {
    let effect = match request.effect {
        EffectName::HangUp => Effect::HangUp,
        EffectName::ErrorBefore => Effect::ErrorBefore,
        EffectName::ErrorAfter => Effect::ErrorAfter,
        EffectName::Unavailable => Effect::Unavailable,
        EffectName::RateLimited => Effect::RateLimited,
        EffectName::Refused => Effect::Refused,
        EffectName::Slow => Effect::Slow(Duration::from_millis(request.ms)),
    };
    sandbox.inject(Fault { call: request.call, effect, times: request.times });
    respond(Ok(()))
}

async fn clear_faults(State(sandbox): State<Sandbox>) -> Response {
    sandbox.clear_faults();
    respond(Ok(()))
}

async fn state(State(sandbox): State<Sandbox>) -> Response {
    let state = json!({
        "requests": sandbox.requests(),
        "deliveries": sandbox.deliveries(),
        "faults_left": sandbox.faults_left(),
    });
    Json(state).into_response()
}

async fn events(State(sandbox): State<Sandbox>) -> Response {
    let events = sandbox.events();
    let events: Result<Vec<Value>, _> =
        events.iter().map(|event| serde_json::from_str(event.body())).collect();
    match events {
        Ok(events) => Json(json!({"data": events})).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

fn respond(result: Result<(), Refused>) -> Response {
    let Err(refused) = result else {
        return StatusCode::NO_CONTENT.into_response();
    };
    let status = match refused {
        Refused::Unknown => StatusCode::NOT_FOUND,
        Refused::Declined(_) => StatusCode::PAYMENT_REQUIRED,
        Refused::NotOpen(_) | Refused::NoDebit | Refused::NothingToSettle | Refused::Ended(_) => {
            StatusCode::CONFLICT
        }
    };
    (status, Json(json!({"refused": refused.to_string()}))).into_response()
}
