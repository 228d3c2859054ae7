//! HTTP: JSON answers, caching headers, and the one mapping of errors.

pub mod caching;
mod error;
mod observe;

pub use self::error::{ApiError, Code};
pub use self::observe::{Answer, CacheLevel, observe};

use std::future::ready;
use std::pin::Pin;

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, IntoResponse, Response};

/// A response that leaves as it is.
///
/// Of a plain `Response`, `lambda_http` copies the headers, reads the content type,
/// and makes text again of bytes that it takes for text.
#[derive(Debug)]
pub struct AsIs(pub Response<Body>);

impl IntoResponse for AsIs {
    fn into_response(self) -> Pin<Box<dyn Future<Output = Response<Body>> + Send>> {
        Box::pin(ready(self.0))
    }
}

/// Makes a JSON response from a body that is JSON already.
#[must_use]
pub fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Makes a JSON response that belongs to one client and to no cache.
#[must_use]
pub fn json_uncacheable(status: StatusCode, body: String) -> Response<Body> {
    let mut response = json(status, body);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
