//! Runs an API call: parses its parameters, applies latency and faults, and handles the
//! idempotency key of a `POST`.

use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::api_error::{ApiError, SHOULD_RETRY};
use super::idempotency::{Fingerprint, SavedResponse};
use super::params::{self, Fields, Params};
use super::sandbox_event::Cause;
use super::sandbox_ledger::Ledger;
use super::v1_api::RequestId;
use super::{Effect, Sandbox};

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");

const MAX_BODY_BYTES: usize = 1024 * 1024;
const MAX_KEY_CHARS: usize = 255;
const INJECTED: &str = "This failure was injected.";
const FORM: &str = "application/x-www-form-urlencoded";

/// Runs a `GET`.
pub(super) async fn read<W>(sandbox: Sandbox, request: Request, work: W) -> Response
where
    W: FnOnce(&mut Ledger, &Params<'_>) -> Result<Value, ApiError>,
{
    let effect = effect_on(&request);
    let parsed = params::parse(request.uri().query().unwrap_or_default());
    delay(&sandbox, effect).await;
    let result = parsed.and_then(|fields| {
        run_with_fault(effect, || {
            work(&mut sandbox.unchanged_state().ledger, &Params::new(&fields))
        })
    });
    result.map(axum::Json).into_response()
}

/// Runs a `POST`. As at Stripe, it continues if the client disconnects.
pub(super) async fn write<W>(sandbox: Sandbox, request: Request, work: W) -> Response
where
    W: FnOnce(&mut Ledger, &Params<'_>) -> Result<Value, ApiError> + Send + 'static,
{
    let call = match Call::receive(request).await {
        Ok(call) => call,
        Err(error) => return error.into_response(),
    };
    let done = tokio::spawn(async move { call.run(&sandbox, work).await }).await;
    done.unwrap_or_else(|_| ApiError::internal("This is a bug in the sandbox.").into_response())
}

struct Call {
    effect: Option<Effect>,
    request_id: String,
    fingerprint: Fingerprint,
    idempotency_key: Option<String>,
}

impl Call {
    async fn receive(request: Request) -> Result<Self, ApiError> {
        let effect = effect_on(&request);
        let (head, body) = request.into_parts();
        let body = to_bytes(body, MAX_BODY_BYTES)
            .await
            .map_err(|_| ApiError::malformed("The body is too large or incomplete."))?;
        let content_type = head.headers.get(header::CONTENT_TYPE);
        let idempotency_key = head.headers.get(IDEMPOTENCY_KEY).map(check_key).transpose()?;
        let request_id = head.extensions.get::<RequestId>();
        Ok(Self {
            effect,
            request_id: request_id.map(|id| id.0.clone()).unwrap_or_default(),
            fingerprint: Fingerprint {
                path: head.uri.path().to_owned(),
                params: form(content_type, &body)?,
            },
            idempotency_key,
        })
    }

    async fn run<W>(self, sandbox: &Sandbox, work: W) -> Response
    where
        W: FnOnce(&mut Ledger, &Params<'_>) -> Result<Value, ApiError>,
    {
        if let Some(key) = &self.idempotency_key {
            let now = sandbox.now();
            let claimed = sandbox.state().keys.claim(key, self.fingerprint.clone(), now);
            match claimed {
                Ok(None) => {}
                Ok(Some(saved)) => return saved_response(&saved, true),
                Err(error) => return error.into_response(),
            }
        }
        delay(sandbox, self.effect).await;

        let mut state = sandbox.state();
        state.ledger.set_cause(Cause {
            request: Some(self.request_id.clone()),
            idempotency_key: self.idempotency_key.clone(),
        });
        let params = Params::new(&self.fingerprint.params);
        let result = run_with_fault(self.effect, || work(&mut state.ledger, &params));
        let Some(key) = self.idempotency_key else {
            return result.map(axum::Json).into_response();
        };
        let (status, body) = match result {
            Ok(object) => (StatusCode::OK, object),
            Err(error) if error.before_execution => {
                state.keys.release(&key);
                return error.into_response();
            }
            Err(error) => (error.status, error.to_json()),
        };
        let saved = SavedResponse { status, body, request_id: self.request_id };
        state.keys.save(&key, saved.clone());
        saved_response(&saved, false)
    }
}

/// Returns the fault that `admit` chose for a call.
fn effect_on(request: &Request) -> Option<Effect> {
    request.extensions().get().copied()
}

async fn delay(sandbox: &Sandbox, effect: Option<Effect>) {
    let extra = match effect {
        Some(Effect::Slow(extra)) => extra,
        _ => Duration::ZERO,
    };
    tokio::time::sleep(sandbox.options.latency + extra).await;
}

/// Runs a call, or fails it as the injected fault demands.
fn run_with_fault<W>(effect: Option<Effect>, work: W) -> Result<Value, ApiError>
where
    W: FnOnce() -> Result<Value, ApiError>,
{
    match effect {
        Some(Effect::ErrorBefore) => Err(ApiError::internal(INJECTED)),
        Some(Effect::ErrorAfter) => work().and(Err(ApiError::internal(INJECTED))),
        Some(Effect::Refused) => Err(ApiError::refused(INJECTED)),
        Some(Effect::RefusedParameter(param)) => Err(ApiError::refused(INJECTED).of(param)),
        // `admit` handles the others.
        Some(Effect::HangUp | Effect::Unavailable | Effect::RateLimited | Effect::Slow(_))
        | None => work(),
    }
}

/// Builds the response to a request with an idempotency key.
fn saved_response(saved: &SavedResponse, replayed: bool) -> Response {
    let mut response = (saved.status, axum::Json(&saved.body)).into_response();
    let headers = response.headers_mut();
    if let Ok(original) = HeaderValue::try_from(&saved.request_id) {
        headers.insert(ORIGINAL_REQUEST, original);
    }
    headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    if replayed {
        headers.insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

fn check_key(key: &HeaderValue) -> Result<String, ApiError> {
    let key = key.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > MAX_KEY_CHARS {
        let message = format!("An idempotency key has 1 to {MAX_KEY_CHARS} printable characters.");
        return Err(ApiError::malformed(message));
    }
    Ok(key.to_owned())
}

fn form(content_type: Option<&HeaderValue>, body: &Bytes) -> Result<Fields, ApiError> {
    let is_form = content_type
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.split(';').next().is_some_and(|kind| kind.trim() == FORM));
    if !body.is_empty() && !is_form {
        return Err(ApiError::malformed(format!("Send parameters as {FORM}.")));
    }
    let text = str::from_utf8(body).map_err(|_| ApiError::malformed("The body is not UTF-8."))?;
    params::parse(text)
}
