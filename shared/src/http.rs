//! HTTP: JSON answers, caching headers, and the one mapping of errors.

pub mod caching;
mod error;
mod observe;

pub use self::error::{ApiError, Code};
pub use self::observe::{Answer, CacheLevel, observe};

use lambda_http::http::{HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};

/// Makes a JSON response from a body that is JSON already.
#[must_use]
pub fn json(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
