//! Stripe's API under `/v1`.

mod v1_call;

use axum::Router;
use axum::extract::{MatchedPath, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use self::v1_call::{read, write};
use super::api_error::ApiError;
use super::checkout_session::{self, create};
use super::list::Listed;
use super::params::Params;
use super::sandbox_ledger::{Ledger, Refused};
use super::{API_VERSION, Effect, Sandbox, ids, sandbox_refund};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const RATE_LIMITED_REASON: HeaderName = HeaderName::from_static("stripe-rate-limited-reason");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");

/// The id of one request, as in the header `Request-Id`.
#[derive(Clone, Debug)]
struct RequestId(String);

pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/v1/checkout/sessions", post(create_session).get(list_sessions))
        .route("/v1/checkout/sessions/{id}", get(retrieve_session))
        .route("/v1/checkout/sessions/{id}/expire", post(expire_session))
        .route("/v1/payment_intents/{id}", get(retrieve_payment))
        .route("/v1/refunds", post(create_refund).get(list_refunds))
        .route("/v1/refunds/{id}", get(retrieve_refund))
        .route_layer(middleware::from_fn_with_state(sandbox.clone(), admit))
        .method_not_allowed_fallback(no_such_route)
        .fallback(no_such_route)
        .with_state(sandbox)
}

async fn create_session(State(sandbox): State<Sandbox>, request: Request) -> Response {
    let public_url = sandbox.public_url().to_owned();
    write(sandbox, request, move |ledger, params| {
        let session = create(params, ledger.now(), &public_url)?;
        let expand = Expand::read(params)?;
        let id = session.id.clone();
        ledger.open(session);
        session_json(ledger, &id, expand)
    })
    .await
}

async fn list_sessions(State(sandbox): State<Sandbox>, request: Request) -> Response {
    read(sandbox, request, |ledger, params| checkout_session::list(ledger, params)).await
}

async fn retrieve_session(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    read(sandbox, request, |ledger, params| {
        params.only("expand", "")?;
        session_json(ledger, &id, Expand::read(params)?)
    })
    .await
}

async fn expire_session(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    write(sandbox, request, move |ledger, params| {
        params.only("expand", "")?;
        let expand = Expand::read(params)?;
        if let Err(refused @ Refused::NotOpen(_)) = ledger.expire(&id) {
            let message = format!("The session cannot be expired: {refused}.");
            return Err(ApiError::refused(None, message));
        }
        session_json(ledger, &id, expand)
    })
    .await
}

async fn retrieve_payment(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    read(sandbox, request, |ledger, params| {
        params.only("client_secret", "expand")?;
        let payment = ledger.payment(&id).filter(|payment| payment.id == id);
        let payment =
            payment.ok_or_else(|| ApiError::not_found("payment intent", "intent", &id))?;
        Ok(payment.to_json())
    })
    .await
}

async fn create_refund(State(sandbox): State<Sandbox>, request: Request) -> Response {
    write(sandbox, request, |ledger, params| {
        sandbox_refund::create(ledger, params).map(|refund| refund.to_json())
    })
    .await
}

async fn list_refunds(State(sandbox): State<Sandbox>, request: Request) -> Response {
    read(sandbox, request, |ledger, params| sandbox_refund::list(ledger, params)).await
}

async fn retrieve_refund(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    read(sandbox, request, |ledger, params| {
        params.only("", "expand")?;
        let refund = ledger.refunds().find(|refund| refund.id == id);
        let refund = refund.ok_or_else(|| ApiError::not_found("refund", "id", &id))?;
        Ok(refund.to_json())
    })
    .await
}

/// The expanded parts of a session: <https://docs.stripe.com/api/expanding_objects>.
#[derive(Clone, Copy, Default)]
struct Expand {
    line_items: bool,
    payment_intent: bool,
}

impl Expand {
    fn read(params: &Params<'_>) -> Result<Self, ApiError> {
        let mut expand = Self::default();
        for (i, part) in params.texts("expand")?.unwrap_or_default().iter().enumerate() {
            match *part {
                "line_items" => expand.line_items = true,
                "payment_intent" => expand.payment_intent = true,
                part => {
                    let message = format!("The sandbox cannot expand {part}.");
                    return Err(ApiError::invalid(format!("expand[{i}]"), message));
                }
            }
        }
        Ok(expand)
    }
}

fn session_json(ledger: &Ledger, id: &str, expand: Expand) -> Result<Value, ApiError> {
    let session = ledger.session(id);
    let session = session.ok_or_else(|| ApiError::not_found("Checkout Session", "session", id))?;
    let mut object = session.to_json();
    if expand.line_items {
        object["line_items"] = session.line_items_json();
    }
    if let Some(payment) = ledger.payment_of(id).filter(|_| expand.payment_intent) {
        object["payment_intent"] = payment.to_json();
    }
    Ok(object)
}

/// Counts a call, checks its API key and the rate limit, injects a fault if one is pending,
/// and adds Stripe's headers to the response.
async fn admit(
    State(sandbox): State<Sandbox>,
    route: MatchedPath,
    mut request: Request,
    next: Next,
) -> Response {
    let request_id = ids::random("req_", 14);
    let key = idempotency_key(&request).cloned();
    let admitted = {
        let now = sandbox.now();
        let mut state = sandbox.state();
        let route = format!("{} {}", request.method(), route.as_str());
        let admitted = authenticate(request.headers()).and_then(|()| {
            let admitted = state.bucket.take(now);
            admitted.then_some(()).ok_or_else(ApiError::rate_limited)
        });
        let admitted = admitted.map(|()| state.faults.take(&route));
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
        headers.insert(v1_call::IDEMPOTENCY_KEY, key);
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
    let key = request.headers().get(v1_call::IDEMPOTENCY_KEY);
    key.filter(|_| request.method() == Method::POST)
}

/// Accepts any key that looks like a secret or restricted key, as a bearer token or as the
/// user name of basic authentication.
fn authenticate(headers: &HeaderMap) -> Result<(), ApiError> {
    let header = headers.get(header::AUTHORIZATION);
    let header = header.and_then(|header| header.to_str().ok());
    let Some((scheme, credentials)) = header.and_then(|header| header.split_once(' ')) else {
        let message = "No API key was given. Send it as: Authorization: Bearer sk_test_…";
        return Err(ApiError::unauthorized(message));
    };
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        Some(credentials.trim().to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        user_name(credentials.trim())
    } else {
        None
    };
    let looks_right = |key: &String| {
        let rest = key.strip_prefix("sk_").or_else(|| key.strip_prefix("rk_"));
        rest.is_some_and(|rest| !rest.is_empty())
    };
    if key.as_ref().is_some_and(looks_right) {
        Ok(())
    } else {
        let message = "The API key is not a secret (sk_…) or restricted (rk_…) key.";
        Err(ApiError::unauthorized(message))
    }
}

fn user_name(credentials: &str) -> Option<String> {
    let decoded = BASE64_STANDARD.decode(credentials).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (user, _) = decoded.split_once(':')?;
    Some(user.to_owned())
}

async fn no_such_route(method: Method, uri: Uri) -> Response {
    ApiError::no_such_route(method.as_str(), uri.path()).into_response()
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status(), axum::Json(self.to_json())).into_response();
        let headers = response.headers_mut();
        match self.status() {
            // Stripe names the limit and does not say whether to retry.
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RATE_LIMITED_REASON, HeaderValue::from_static("global-rate"));
            }
            StatusCode::CONFLICT => {
                headers.insert(SHOULD_RETRY, HeaderValue::from_static("true"));
            }
            _ => {}
        }
        response
    }
}
