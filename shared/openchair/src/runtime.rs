//! Starting a function and running it.

use std::future::{Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;

use futures_util::FutureExt;
use futures_util::future::{CatchUnwind, Either};
use jiff::Timestamp;
use lambda_http::aws_lambda_events::apigw::ApiGatewayV2httpResponse;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use lambda_http::{Body, Error, Request, RequestExt, Response, Service};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::http::ApiError;
use crate::http::api_gateway::{GatewayEventError, gateway_response, read_request};
use crate::telemetry;

/// Runs a function that answers HTTP requests.
///
/// `start` makes the function once per container, with the log already set up; `handle`
/// answers a request.
///
/// # Errors
/// When `start` fails, which is logged, or Lambda's Runtime API does.
pub async fn run_http<F, R>(
    start: impl AsyncFnOnce() -> Result<F, Error>,
    handle: impl Fn(Arc<F>, Request) -> R + Clone + Send + 'static,
) -> Result<(), Error>
where
    F: Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    let function = started(start).await?;
    lambda_runtime::run_concurrent(http_service(function, handle)).await
}

/// Runs a function that handles events.
///
/// `start` makes the function once per container, with the log already set up; `handle`
/// handles an event before the deadline.
///
/// # Errors
/// When `start` fails, which is logged, or Lambda's Runtime API does.
pub async fn run_events<F, E, T, H>(
    start: impl AsyncFnOnce() -> Result<F, Error>,
    handle: impl Fn(Arc<F>, E, Timestamp) -> H + Clone + Send + 'static,
) -> Result<(), Error>
where
    F: Send + Sync + 'static,
    E: DeserializeOwned + Send + 'static,
    T: Serialize + Send + 'static,
    H: Future<Output = Result<T, Error>> + Send + 'static,
{
    let function = started(start).await?;
    lambda_runtime::run_concurrent(event_service(function, handle)).await
}

async fn started<F>(start: impl AsyncFnOnce() -> Result<F, Error>) -> Result<Arc<F>, Error> {
    telemetry::init();
    // Boxed: a future that connects to several services is large.
    let function = Box::pin(start()).await;
    let function = function.inspect_err(|error| telemetry::log_start_failure(error.as_ref()))?;
    Ok(Arc::new(function))
}

/// Makes the service that [`run_http`] runs. It has a response to every event: 400 to one that
/// cannot be read, and 500 where the handler panics.
pub fn http_service<F, R>(
    function: Arc<F>,
    handle: impl Fn(Arc<F>, Request) -> R + Clone + Send + 'static,
) -> impl Service<
    LambdaEvent<Box<RawValue>>,
    Response = ApiGatewayV2httpResponse,
    Error = Error,
    Future: Send,
> + Clone
+ Send
where
    F: Send + Sync + 'static,
    R: Future<Output = Response<Body>> + Send + 'static,
{
    service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let function = Arc::clone(&function);
        let request_id = event.context.request_id.clone();
        // Mapped and not wrapped in an async block, which would copy the future.
        catch_panic(|| match read_request(event.payload.get()) {
            Ok(request) => {
                Either::Left(handle(function, request.with_lambda_context(event.context)))
            }
            Err(error) => Either::Right(ready(unreadable_request(error, &request_id))),
        })
        .map(move |outcome| {
            let response = outcome.unwrap_or_else(|_| panic_response(&request_id));
            Ok(gateway_response(response))
        })
    })
}

fn unreadable_request(error: GatewayEventError, request_id: &str) -> Response<Body> {
    tracing::warn!(
        request.id = request_id,
        error.cause = telemetry::chain(&error),
        "Request refused, it cannot be read"
    );
    error.into_api_error().response(request_id)
}

fn panic_response(request_id: &str) -> Response<Body> {
    tracing::error!(request.id = request_id, "Request failed, its handler panicked");
    ApiError::internal(Panicked).response(request_id)
}

/// Makes the service that [`run_events`] runs. An event that cannot be read, and a panic of the
/// handler, are errors that Lambda learns of.
pub fn event_service<F, E, T, H>(
    function: Arc<F>,
    handle: impl Fn(Arc<F>, E, Timestamp) -> H + Clone + Send + 'static,
) -> impl Service<LambdaEvent<Box<RawValue>>, Response = T, Error = Error, Future: Send> + Clone + Send
where
    F: Send + Sync + 'static,
    E: DeserializeOwned + Send + 'static,
    T: Serialize + Send + 'static,
    H: Future<Output = Result<T, Error>> + Send + 'static,
{
    service_fn(move |event: LambdaEvent<Box<RawValue>>| {
        let (function, handle) = (Arc::clone(&function), handle.clone());
        // Boxed: the future of a whole run is large.
        Box::pin(async move {
            let handling = catch_panic(|| async move {
                let deadline = i64::try_from(event.context.deadline)?;
                let deadline = Timestamp::from_millisecond(deadline)?;
                let payload = serde_json::from_str(event.payload.get())
                    .map_err(|error| UnreadableEvent::from(&error))?;
                handle(function, payload, deadline).await
            });
            handling.await.map_err(|_| Panicked)?
        })
    })
}

/// An event of another form than the function's. The event, which contains personal data, is
/// not quoted.
#[derive(Debug, thiserror::Error)]
#[error("the event cannot be read ({kind:?} error in column {column})")]
struct UnreadableEvent {
    kind: serde_json::error::Category,
    column: usize,
}

impl From<&serde_json::Error> for UnreadableEvent {
    fn from(error: &serde_json::Error) -> Self {
        Self { kind: error.classify(), column: error.column() }
    }
}

/// The handler panicked, which [`telemetry::init`]'s hook has logged.
#[derive(Debug, thiserror::Error)]
#[error("the handler panicked")]
struct Panicked;

/// The future of a handler, which ends with the panic if there is one.
type Caught<R> =
    Either<CatchUnwind<AssertUnwindSafe<R>>, Ready<thread::Result<<R as Future>::Output>>>;

/// Calls a handler, and catches a panic in the call and in its future.
///
/// The function stays in use after a panic: its state is caches, and their locks ignore that a
/// holder panicked.
fn catch_panic<R: Future>(call: impl FnOnce() -> R) -> Caught<R> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(handling) => Either::Left(AssertUnwindSafe(handling).catch_unwind()),
        Err(panic) => Either::Right(ready(Err(panic))),
    }
}
