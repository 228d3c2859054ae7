//! API Gateway's events and responses, in payload format 2.0
//! (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
//!
//! `lambda_http` reads these events too, but panics on some that a client can cause
//! (docs/decisions/0014-a-panic-is-an-answer.md).

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lambda_http::aws_lambda_events::apigw::{
    ApiGatewayV2httpRequestContext, ApiGatewayV2httpResponse,
};
use lambda_http::aws_lambda_events::query_map::QueryMap;
use lambda_http::http::uri::PathAndQuery;
use lambda_http::http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use lambda_http::request::RequestContext;
use lambda_http::{Body, Request, RequestExt, Response};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde_json::error::Category;

use super::{ApiError, ErrorCode};

/// The characters that the query of a URI must not contain unencoded, besides those that are
/// not ASCII (<https://url.spec.whatwg.org/#query-percent-encode-set>).
const IN_QUERY: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'<').add(b'>');
/// The same for the path (<https://url.spec.whatwg.org/#path-percent-encode-set>).
const IN_PATH: &AsciiSet = &IN_QUERY.add(b'?').add(b'^').add(b'`').add(b'{').add(b'}');
/// Most requests have fewer headers.
const HEADERS: usize = 24;

/// Why an event cannot be given to a handler. No variant quotes the event, which contains
/// personal data.
#[derive(Debug, thiserror::Error)]
pub enum GatewayEventError {
    /// It is not an event of API Gateway's, in payload format 2.0.
    #[error("the event is not API Gateway's ({kind:?} error in column {column})")]
    Form { kind: Category, column: usize },
    #[error("the path is not absolute")]
    RelativePath,
    #[error("the path and the query are too long")]
    Length(#[source] lambda_http::http::uri::InvalidUri),
    #[error("a cookie contains a control character")]
    Cookie(#[source] lambda_http::http::header::InvalidHeaderValue),
    #[error("the body is not base64")]
    Body(#[source] base64::DecodeError),
}

impl From<serde_json::Error> for GatewayEventError {
    fn from(error: serde_json::Error) -> Self {
        // Its text may quote the event.
        Self::Form { kind: error.classify(), column: error.column() }
    }
}

impl GatewayEventError {
    /// Makes the error response.
    #[must_use]
    pub fn into_api_error(self) -> ApiError {
        let message = match self {
            Self::Form { .. } => "This request cannot be read.",
            Self::RelativePath => "The path of the address must start with a slash.",
            Self::Length(_) => "The address is too long.",
            Self::Cookie(_) => "The cookies contain a control character.",
            Self::Body(_) => "The request body is not valid base64.",
        };
        ApiError::new(ErrorCode::InvalidParameter, message).caused_by(self)
    }
}

/// The fields of an event that are used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    cookies: Option<Vec<String>>,
    headers: Option<Headers>,
    request_context: ApiGatewayV2httpRequestContext,
    body: Option<String>,
    is_base64_encoded: Option<bool>,
}

/// Reads the request in an event.
///
/// The URI has no host: a client chooses `Host` and `X-Forwarded-Proto`, and no handler needs
/// them. Characters that a URI must not contain are percent-encoded in it; the path and the
/// parameters of [`RequestExt`] are the event's.
///
/// # Errors
/// When the event cannot be read. Nothing in an event makes this panic.
pub fn read_request(event: &str) -> Result<Request, GatewayEventError> {
    let event: Event = serde_json::from_str(event)?;
    let path = event.raw_path.unwrap_or_default();
    let query = event.raw_query_string.unwrap_or_default();
    let mut headers = event.headers.unwrap_or_default().0;
    if let Some(cookies) = event.cookies {
        let cookies = HeaderValue::try_from(cookies.join("; "));
        headers.insert(header::COOKIE, cookies.map_err(GatewayEventError::Cookie)?);
    }
    let body = match event.body {
        None => Body::Empty,
        Some(body) if event.is_base64_encoded.unwrap_or_default() => {
            Body::Binary(BASE64_STANDARD.decode(body).map_err(GatewayEventError::Body)?)
        }
        Some(body) => Body::Text(body),
    };
    let mut request = Request::new(body);
    *request.uri_mut() = uri(&path, &query)?;
    *request.method_mut() = event.request_context.http.method.clone();
    *request.headers_mut() = headers;
    // Its parser never fails.
    let parameters: QueryMap = query.parse().unwrap_or_default();
    Ok(request
        .with_raw_http_path(path)
        .with_query_string_parameters(parameters)
        .with_request_context(RequestContext::ApiGatewayV2(event.request_context)))
}

fn uri(path: &str, query: &str) -> Result<Uri, GatewayEventError> {
    let path = if path.is_empty() { "/" } else { path };
    if !path.starts_with('/') {
        return Err(GatewayEventError::RelativePath);
    }
    let mut target = String::with_capacity(path.len() + 1 + query.len());
    target.extend(utf8_percent_encode(path, IN_PATH));
    if !query.is_empty() {
        target.push('?');
        target.extend(utf8_percent_encode(query, IN_QUERY));
    }
    let target = PathAndQuery::try_from(target).map_err(GatewayEventError::Length)?;
    Ok(Uri::from(target))
}

/// Headers, whose values may be any bytes that HTTP allows (RFC 9110, section 5.5).
#[derive(Default)]
struct Headers(HeaderMap);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

/// Text that is copied only where it contains escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("headers")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<Headers, M::Error> {
        let mut headers = HeaderMap::with_capacity(HEADERS);
        while let Some((Text(name), Text(value))) = fields.next_entry()? {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(M::Error::custom)?;
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(M::Error::custom)?;
            headers.try_append(name, value).map_err(M::Error::custom)?;
        }
        Ok(Headers(headers))
    }
}

/// Converts a response into what API Gateway expects.
///
/// Unlike `lambda_http`, it copies no headers, and leaves bytes that look like text alone.
pub(crate) fn gateway_response(response: Response<Body>) -> ApiGatewayV2httpResponse {
    let (mut parts, body) = response.into_parts();
    let cookies = parts.headers.get_all(header::SET_COOKIE).iter();
    let cookies = cookies.filter_map(|cookie| cookie.to_str().ok().map(str::to_owned)).collect();
    parts.headers.remove(header::SET_COOKIE);
    let mut response = ApiGatewayV2httpResponse::default();
    response.status_code = parts.status.as_u16().into();
    response.headers = parts.headers;
    response.cookies = cookies;
    response.is_base64_encoded = matches!(body, Body::Binary(_));
    response.body = (!matches!(body, Body::Empty)).then_some(body);
    response
}

#[cfg(test)]
mod tests;
