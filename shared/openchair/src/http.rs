//! HTTP: JSON responses, caching headers, error responses, and the request log line.

pub mod api_gateway;
pub mod caching;
pub mod client_address;
mod error_response;
mod observe;

pub use self::error_response::{ApiError, ErrorCode};
pub use self::observe::{CacheLevel, RouteResponse, observe};

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};

/// Makes a response from a JSON body.
#[must_use]
pub fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Makes a response from a JSON body that no cache may keep.
#[must_use]
pub fn json_uncacheable(status: StatusCode, body: String) -> Response<Body> {
    let mut response = json(status, body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
