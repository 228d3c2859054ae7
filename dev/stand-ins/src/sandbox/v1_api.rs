//! Stripe's API under `/v1`.

use axum::Router;
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;

use super::api_error::ApiError;
use super::params::Params;
use super::sandbox_ledger::{Ledger, Refused};
use super::v1_call::{IDEMPOTENCY_KEY, read, write};
use super::v1_lists::{list_events, list_refunds, list_sessions, with_payment};
use super::{
    API_VERSION, Effect, Sandbox, api_key, create_session, faults, random_id, sandbox_refund,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");

/// The id of one request, as in the header `Request-Id`.
#[derive(Clone, Debug)]
pub(super) struct RequestId(pub(super) String);

pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/v1/checkout/sessions", post(open_session).get(list_sessions))
        .route("/v1/events", get(list_events))
        .route("/v1/checkout/sessions/{id}", get(retrieve_session))
        .route("/v1/checkout/sessions/{id}/expire", post(expire_session))
        .route("/v1/payment_intents/{id}", get(retrieve_payment))
        .route("/v1/payment_intents/{id}/capture", post(capture_payment))
        .route("/v1/payment_intents/{id}/cancel", post(cancel_payment))
        .route("/v1/refunds", post(create_refund).get(list_refunds))
        .route_layer(middleware::from_fn_with_state(sandbox.clone(), admit))
        .method_not_allowed_fallback(no_such_route)
        .fallback(no_such_route)
        .with_state(sandbox)
}

async fn open_session(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let public_url = sandbox.options.public_url.clone().unwrap_or_default();
    write(sandbox, request, move |ledger, params| {
        let session = create_session::create(params, ledger.now(), &public_url)?;
        let id = session.id.clone();
        ledger.open(session);
        session_json(ledger, &id, params)
    })
    .await
}

async fn retrieve_session(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    read(sandbox, request, |ledger, params| {
        params.only("expand")?;
        session_json(ledger, &id, params)
    })
    .await
}

async fn expire_session(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    write(sandbox, request, move |ledger, params| {
        params.only("expand")?;
        if let Err(refused @ (Refused::NotOpen(_) | Refused::PaymentInProgress)) =
            ledger.expire(&id)
        {
            let message = format!("The session cannot be expired: {refused}.");
            return Err(ApiError::refused(message));
        }
        session_json(ledger, &id, params)
    })
    .await
}

async fn retrieve_payment(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    read(sandbox, request, |ledger, params| {
        params.only("")?;
        payment_json(ledger, &id)
    })
    .await
}

async fn capture_payment(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    write(sandbox, request, move |ledger, params| {
        params.only("")?;
        let captured = ledger.capture(&id);
        payment_after(ledger, &id, captured, "captured")
    })
    .await
}

async fn cancel_payment(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    write(sandbox, request, move |ledger, params| {
        params.only("")?;
        let cancelled = ledger.cancel_payment(&id);
        payment_after(ledger, &id, cancelled, "canceled")
    })
    .await
}

/// Returns a payment after a change, or Stripe's error.
fn payment_after(
    ledger: &Ledger,
    id: &str,
    changed: Result<(), Refused>,
    verb: &str,
) -> Result<Value, ApiError> {
    if let Err(refused @ Refused::NotAuthorised(_)) = changed {
        let message = format!("The payment cannot be {verb}: {refused}.");
        return Err(ApiError::refused(message).coded("payment_intent_unexpected_state"));
    }
    payment_json(ledger, id)
}

fn payment_json(ledger: &Ledger, id: &str) -> Result<Value, ApiError> {
    let payment = ledger.payment(id).ok_or_else(|| {
        ApiError::no_such("payment_intent", "intent", id).with_status(StatusCode::NOT_FOUND)
    })?;
    Ok(payment.to_json())
}

async fn create_refund(State(sandbox): State<Sandbox>, request: Request) -> Response {
    write(sandbox, request, |ledger, params| {
        sandbox_refund::create(ledger, params).map(|refund| refund.to_json())
    })
    .await
}

/// Returns a session, with its payment if the request expands it
/// (<https://docs.stripe.com/api/expanding_objects>).
fn session_json(ledger: &Ledger, id: &str, params: &Params<'_>) -> Result<Value, ApiError> {
    let session = ledger.session(id).ok_or_else(|| {
        ApiError::no_such("session", "session", id).with_status(StatusCode::NOT_FOUND)
    })?;
    let mut payment = None;
    for (i, part) in params.texts("expand")?.unwrap_or_default().into_iter().enumerate() {
        if part != "payment_intent" {
            let message = "is not an expansion that the sandbox supports.";
            return Err(params.invalid(&format!("expand[{i}]"), message));
        }
        payment = ledger.payment_of(id);
    }
    Ok(with_payment(session.to_json(), payment))
}

/// Counts a call, checks its API key and the rate limit, injects a fault if one is pending,
/// and adds Stripe's headers to the response.
async fn admit(
    State(sandbox): State<Sandbox>,
    route: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id = random_id("req_", 14);
    let key = idempotency_key(&request).cloned();
    let admitted = {
        let now = sandbox.now();
        let mut state = sandbox.unchanged_state();
        let route = format!("{} {}", request.method(), route.as_str());
        let rights = sandbox.options.restricted_key_rights.as_ref();
        let (headers, path) = (request.headers(), request.uri().path());
        let admitted = api_key::check(headers, request.method(), path, rights);
        let admitted = admitted.and_then(|()| api_key::check_version(headers)).and_then(|()| {
            let admitted = state.bucket.take(now);
            admitted.then_some(()).ok_or_else(ApiError::rate_limited)
        });
        let admitted = admitted.map(|()| faults::take(&mut state.faults, &route));
        *state.requests.entry(route).or_default() += 1;
        admitted
    };
    let mut response = match admitted {
        Ok(Some(Effect::RateLimited)) => ApiError::rate_limited().into_response(),
        Ok(Some(Effect::Unavailable)) => return unavailable(),
        Ok(effect) => {
            let extensions = request.extensions_mut();
            extensions.insert(RequestId(request_id.clone()));
            if let Some(effect) = effect {
                extensions.insert(effect);
            }
            let response = next.run(request).await;
            if effect == Some(Effect::HangUp) {
                hang_up();
            }
            response
        }
        Err(error) => error.into_response(),
    };
    let headers = response.headers_mut();
    if let Ok(request_id) = HeaderValue::try_from(request_id) {
        headers.insert(REQUEST_ID, request_id);
    }
    headers.insert(STRIPE_VERSION, HeaderValue::from_static(API_VERSION));
    if let Some(key) = key {
        headers.insert(IDEMPOTENCY_KEY, key);
    }
    response
}

/// Returns the response of a proxy without a backend.
fn unavailable() -> Response {
    let page = Html("<html><body><h1>503 Service Unavailable</h1></body></html>");
    (StatusCode::SERVICE_UNAVAILABLE, page).into_response()
}

/// Ends the task that serves this connection, which closes the connection.
fn hang_up() -> ! {
    // Unlike `panic!`, this prints nothing.
    std::panic::resume_unwind(Box::new("the sandbox hangs up"))
}

/// Returns the idempotency key of a `POST`.
fn idempotency_key(request: &Request) -> Option<&HeaderValue> {
    let key = request.headers().get(IDEMPOTENCY_KEY);
    key.filter(|_| request.method() == Method::POST)
}

async fn no_such_route(method: Method, uri: Uri) -> ApiError {
    ApiError::malformed(format!("The sandbox does not know {method} {}.", uri.path()))
        .with_status(StatusCode::NOT_FOUND)
}
