use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use lambda_http::{Body, Request, RequestExt, Response};

use super::ApiError;
use crate::telemetry;
use crate::telemetry::metrics;

/// A response, and what the log says about it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Answer {
    /// What the client gets.
    pub response: Response<Body>,
    /// Where it came from.
    pub cache: CacheLevel,
}

impl Answer {
    /// Makes an answer that no cache had a part in.
    #[must_use]
    pub const fn uncached(response: Response<Body>) -> Self {
        Self { response, cache: CacheLevel::None }
    }

    /// Makes an answer that came from a level of cache.
    #[must_use]
    pub const fn from_cache(response: Response<Body>, cache: CacheLevel) -> Self {
        Self { response, cache }
    }
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheLevel {
    /// The container had it.
    Container,
    /// It was computed from the table.
    Table,
    /// No cache had a part in it.
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

/// Waits for an answer, logs one line about it, and turns errors and panics
/// into the contract's envelope. The line is at debug level where the answer
/// took no work. Then what was counted meanwhile is written.
pub async fn observe(
    request: &Request,
    route: &'static str,
    answering: impl Future<Output = Result<Answer, ApiError>> + Send,
) -> Response<Body> {
    static WARM: AtomicBool = AtomicBool::new(false);
    let started = Instant::now();
    let cold_start = !WARM.swap(true, Ordering::Relaxed);
    let request_id =
        request.lambda_context_ref().map_or("none", |context| context.request_id.as_str());

    let outcome = AssertUnwindSafe(answering).catch_unwind().await;
    let outcome = outcome.unwrap_or_else(|_| Err(ApiError::internal("a panic, reported above")));
    let answer = outcome.unwrap_or_else(|error| {
        if let Some(cause) = error.cause() {
            tracing::error!(
                request.id = request_id,
                error.code = ?error.code(),
                error.cause = telemetry::chain(cause),
                "The request failed"
            );
        }
        Answer::uncached(error.response(request_id))
    });
    macro_rules! answered {
        ($level:ident) => {
            tracing::$level!(
                request.id = request_id,
                http.route = route,
                http.status = answer.response.status().as_u16(),
                cache.level = answer.cache.as_str(),
                latency_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
                cold_start,
                "Answered"
            )
        };
    }
    // Most requests, and the API's access log has them too: writing the line
    // takes longer than finding the answer.
    if answer.cache == CacheLevel::Container && !cold_start {
        answered!(debug);
    } else {
        answered!(info);
    }
    match answer.cache {
        CacheLevel::Container => {
            metrics::count_hit_in_container();
            metrics::flush_at_times(started);
        }
        CacheLevel::Table => {
            metrics::count_hit_in_table();
            metrics::flush();
        }
        CacheLevel::None => metrics::flush(),
    }
    answer.response
}
