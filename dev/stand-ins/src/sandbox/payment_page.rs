//! The payment page at a session's `url`. Embedded sessions have one too, because only Stripe
//! serves the code that would embed them.

mod payment_views;

use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Router, middleware};
use maud::Markup;
use serde::Deserialize;

use super::test_cards::{self, Outcome};
use super::{CheckoutSession, PaymentState, Refused, Sandbox, SessionStatus};

const PAGE_HEADERS: [(HeaderName, HeaderValue); 4] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
];

pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/pay/{id}", get(show).post(submit))
        .route_layer(middleware::map_response(async |mut response: Response| {
            response.headers_mut().extend(PAGE_HEADERS);
            response
        }))
        .with_state(sandbox)
}

#[derive(Deserialize)]
struct Prefill {
    card: Option<String>,
}

#[derive(Deserialize)]
struct Submitted {
    action: Action,
    #[serde(default)]
    card: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Pay,
    Decline,
    Leave,
    Debit,
    /// The payer passes or fails 3-D Secure.
    Authenticate,
    FailAuthentication,
    /// The money of a debit arrives, or the bank refuses.
    Settle,
    Bounce,
}

async fn show(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Query(prefill): Query<Prefill>,
) -> Response {
    let Some(session) = sandbox.session(&id) else {
        return respond(StatusCode::NOT_FOUND, payment_views::unknown());
    };
    let card = prefill.card.unwrap_or_else(|| payment_views::FIRST_CARD.to_owned());
    current(&sandbox, &session, &card, None)
}

async fn submit(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Form(form): Form<Submitted>,
) -> Response {
    let Some(session) = sandbox.session(&id) else {
        return respond(StatusCode::NOT_FOUND, payment_views::unknown());
    };
    let changed = match form.action {
        Action::Pay => match test_cards::outcome_of(&form.card) {
            // After a second click on Pay, the session is paid already.
            Ok(Outcome::Pays | Outcome::PaysWith(_)) => sandbox.pay_by_card(&id, &form.card),
            Ok(Outcome::Challenged) if session.status == SessionStatus::Open => {
                return respond(StatusCode::OK, payment_views::challenge(&session, &form.card));
            }
            Ok(Outcome::Challenged) => Err(Refused::NotOpen(session.status)),
            Ok(Outcome::Declined(why)) => return declined(&sandbox, &id, &form.card, why),
            Err(mistake) => return current(&sandbox, &session, &form.card, Some(mistake)),
        },
        Action::Authenticate => sandbox.pay(&id),
        Action::Decline => return declined(&sandbox, &id, &form.card, "Your card was declined."),
        Action::FailAuthentication => {
            let why = "Your bank could not confirm that it is you. Try again, or use another card.";
            return declined(&sandbox, &id, &form.card, why);
        }
        Action::Debit => sandbox.pay_by_debit(&id),
        Action::Settle => sandbox.settle(&id, true),
        Action::Bounce => sandbox.settle(&id, false),
        Action::Leave => {
            return match session.url_to_leave() {
                Some(url) => Redirect::to(url).into_response(),
                None => respond(StatusCode::OK, payment_views::left(&session)),
            };
        }
    };
    let settles = matches!(form.action, Action::Settle | Action::Bounce);
    let Some(session) = sandbox.session(&id) else {
        return respond(StatusCode::NOT_FOUND, payment_views::unknown());
    };
    match (changed, session.url_after_payment()) {
        (Ok(()), Some(url)) if !settles => Redirect::to(&url).into_response(),
        (Ok(()), _) => Redirect::to(&format!("/pay/{id}")).into_response(),
        (Err(_), _) => current(&sandbox, &session, &form.card, None),
    }
}

/// Declines an attempt and shows the page again.
fn declined(sandbox: &Sandbox, id: &str, card: &str, why: &str) -> Response {
    let why = sandbox.decline(id).is_ok().then_some(why);
    match sandbox.session(id) {
        Some(session) => current(sandbox, &session, card, why),
        None => respond(StatusCode::NOT_FOUND, payment_views::unknown()),
    }
}

/// Shows a session in its current state.
fn current(
    sandbox: &Sandbox,
    session: &CheckoutSession,
    card: &str,
    problem: Option<&str>,
) -> Response {
    match session.status {
        SessionStatus::Open => {
            let status = match problem {
                Some(_) => StatusCode::PAYMENT_REQUIRED,
                None => StatusCode::OK,
            };
            let left = session.expires_at.duration_since(sandbox.now());
            respond(status, payment_views::open(session, left, card, problem))
        }
        SessionStatus::Expired => respond(StatusCode::GONE, payment_views::expired(session)),
        SessionStatus::Complete => {
            let state = sandbox.payment(&session.id).map(|payment| payment.state);
            let state = state.unwrap_or(PaymentState::Succeeded);
            respond(StatusCode::OK, payment_views::complete(session, state))
        }
    }
}

fn respond(status: StatusCode, page: Markup) -> Response {
    (status, Html(page.into_string())).into_response()
}
