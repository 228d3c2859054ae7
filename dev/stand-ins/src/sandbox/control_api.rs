//! What tests in other processes steer a sandbox with, under `/_sandbox`.
//!
//! | call | body | what it does |
//! |---|---|---|
//! | `POST sessions/{id}/pay` | `{"card":"4242…"}` | pays; 3-D Secure is passed |
//! | `POST sessions/{id}/debit` | | pays by a bank debit |
//! | `POST sessions/{id}/settle` | `{"arrived":true}` | ends the debit |
//! | `POST refunds` | `{"mode":"failing"}` | says what becomes of refunds to come |
//! | `POST refunds/{id}` | `{"status":"failed"}` | gives a refund another status |
//! | `POST webhooks` | `{"mode":"late"}` | says what happens to webhooks to come |
//! | `POST events/{id}/resend` | | sends the webhook of an event once more |
//! | `POST faults` | `{"call":"POST /v1/refunds","effect":"hang_up","times":1}` | lets API calls go wrong; `slow` takes `ms` |
//! | `DELETE faults` | | lets them go well again |
//! | `GET state` | | counts API calls, deliveries and faults to come |
//! | `GET events` | | lists the events that arose, oldest first |
//!
//! Bodies are JSON, and may be left out where a field is optional.

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
struct Wanted {
    call: String,
    effect: Word,
    #[serde(default = "once")]
    times: u32,
    #[serde(default)]
    ms: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
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
    answer(sandbox.pay_by_card(&id, card))
}

async fn debit(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    answer(sandbox.pay_by_debit(&id))
}

async fn settle(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Json(settlement): Json<Settlement>,
) -> Response {
    answer(sandbox.settle(&id, settlement.arrived))
}

async fn set_refunds(
    State(sandbox): State<Sandbox>,
    Json(Mode { mode }): Json<Mode<Refunds>>,
) -> Response {
    sandbox.set_refunds(mode);
    answer(Ok(()))
}

async fn end_refund(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Json(Status { status }): Json<Status>,
) -> Response {
    answer(sandbox.end_refund(&id, status))
}

async fn set_webhooks(
    State(sandbox): State<Sandbox>,
    Json(Mode { mode }): Json<Mode<Webhooks>>,
) -> Response {
    sandbox.set_webhooks(mode);
    answer(Ok(()))
}

async fn resend(State(sandbox): State<Sandbox>, Path(id): Path<String>) -> Response {
    answer(sandbox.resend(&id))
}

async fn inject(State(sandbox): State<Sandbox>, Json(wanted): Json<Wanted>) -> Response {
    let effect = match wanted.effect {
        Word::HangUp => Effect::HangUp,
        Word::ErrorBefore => Effect::ErrorBefore,
        Word::ErrorAfter => Effect::ErrorAfter,
        Word::Unavailable => Effect::Unavailable,
        Word::RateLimited => Effect::RateLimited,
        Word::Refused => Effect::Refused,
        Word::Slow => Effect::Slow(Duration::from_millis(wanted.ms)),
    };
    sandbox.inject(Fault { call: wanted.call, effect, times: wanted.times });
    answer(Ok(()))
}

async fn clear_faults(State(sandbox): State<Sandbox>) -> Response {
    sandbox.clear_faults();
    answer(Ok(()))
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

fn answer(done: Result<(), Refused>) -> Response {
    let Err(refused) = done else {
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
