//! Starting a function and running it.

use std::sync::Arc;

use futures_util::FutureExt;
use jiff::Timestamp;
use lambda_http::lambda_runtime::{self, LambdaEvent, service_fn};
use lambda_http::{Body, Error, Request, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::http::RawResponse;
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
    lambda_http::run_concurrent(service_fn(move |request| {
        // Mapped and not wrapped in another async block, which would copy the future.
        handle(Arc::clone(&function), request).map(|response| Ok::<_, Error>(RawResponse(response)))
    }))
    .await
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
    lambda_runtime::run_concurrent(service_fn(move |event: LambdaEvent<E>| {
        let (function, handle) = (Arc::clone(&function), handle.clone());
        async move {
            let deadline = i64::try_from(event.context.deadline)?;
            let deadline = Timestamp::from_millisecond(deadline)?;
            // Boxed: the future of a whole run is large.
            Box::pin(handle(function, event.payload, deadline)).await
        }
    }))
    .await
}

async fn started<F>(start: impl AsyncFnOnce() -> Result<F, Error>) -> Result<Arc<F>, Error> {
    telemetry::init();
    // Boxed: a future that connects to several services is large.
    let function = Box::pin(start()).await;
    let function = function.inspect_err(|error| telemetry::log_start_failure(error.as_ref()))?;
    Ok(Arc::new(function))
}
