//! The log line and the metrics of a request.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use lambda_http::{Body, Request, RequestExt, Response};

use super::ApiError;
use crate::telemetry;
use crate::telemetry::metrics;

/// A route's response, and where it came from.
#[derive(Debug)]
#[non_exhaustive]
pub struct RouteResponse {
    pub response: Response<Body>,
    pub cache: CacheLevel,
}

impl RouteResponse {
    /// Makes a response without any cache.
    #[must_use]
    pub const fn uncached(response: Response<Body>) -> Self {
        Self { response, cache: CacheLevel::None }
    }

    /// Makes a response from a cache.
    #[must_use]
    pub const fn from_cache(response: Response<Body>, cache: CacheLevel) -> Self {
        Self { response, cache }
    }
}

/// The cache that a response came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheLevel {
    /// The container's snapshot.
    Container,
    /// The table.
    Table,
    /// No cache.
    None,
}

impl CacheLevel {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Table => "table",
            Self::None => "none",
        }
    }
}

/// Awaits a route's response, turns errors and panics into error responses, logs one line,
/// and writes the metrics.
///
/// The line has the level debug if the response came from the container's cache.
pub async fn observe(
    request: &Request,
    route: &'static str,
    respond: impl Future<Output = Result<RouteResponse, ApiError>> + Send,
) -> Response<Body> {
    static WARM: AtomicBool = AtomicBool::new(false);
    let started = Instant::now();
    let cold_start = !WARM.swap(true, Ordering::Relaxed);
    let request_id =
        request.lambda_context_ref().map_or("none", |context| context.request_id.as_str());

    let outcome = AssertUnwindSafe(respond).catch_unwind().await;
    let outcome =
        outcome.unwrap_or_else(|_| Err(ApiError::internal("a panic, which is logged separately")));
    let routed = outcome.unwrap_or_else(|error| {
        if let Some(cause) = error.cause() {
            tracing::error!(
                request.id = request_id,
                error.code = ?error.code(),
                error.cause = telemetry::chain(cause),
                "Request failed"
            );
        }
        RouteResponse::uncached(error.response(request_id))
    });
    macro_rules! log_request {
        ($level:ident) => {
            tracing::$level!(
                request.id = request_id,
                http.route = route,
                http.status = routed.response.status().as_u16(),
                cache.level = routed.cache.as_str(),
                latency_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
                cold_start,
                "Request answered"
            )
        };
    }
    // Most requests are such hits, and the API's access log has them too. Writing the line
    // takes longer than finding the response.
    if routed.cache == CacheLevel::Container && !cold_start {
        log_request!(debug);
    } else {
        log_request!(info);
    }
    match routed.cache {
        CacheLevel::Container => {
            metrics::count_hit_in_container();
            metrics::flush_occasionally(started);
        }
        CacheLevel::Table => {
            metrics::count_hit_in_table();
            metrics::flush();
        }
        CacheLevel::None => metrics::flush(),
    }
    routed.response
}
