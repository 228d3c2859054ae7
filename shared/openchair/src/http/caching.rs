//! Caching headers (RFC 9110 and RFC 9111).

use std::hash::{DefaultHasher, Hasher};

use lambda_http::http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};

/// A body that is served more than once, with its `ETag`.
///
/// The function sends it in base64, which API Gateway decodes
/// (docs/decisions/0011-cached-bodies-travel-in-base64.md).
#[derive(Debug)]
pub struct CacheableBody {
    json: Vec<u8>,
    etag: HeaderValue,
}

impl CacheableBody {
    /// Takes a JSON body, and computes its strong `ETag`.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "hexadecimal digits are a valid header")]
    pub fn new(json: String) -> Self {
        // Tags only have to differ between the bodies of one deployment, and forging one
        // gains nothing.
        let mut hasher = DefaultHasher::new();
        hasher.write(json.as_bytes());
        let etag = format!("\"{:016x}\"", hasher.finish());
        let etag = HeaderValue::try_from(etag).expect("hexadecimal digits are visible ASCII");
        Self { json: json.into_bytes(), etag }
    }

    /// Makes the response to a request: the body, or `304 Not Modified` if the client
    /// already has it. `age_seconds` is the body's age.
    #[must_use]
    pub fn response(
        &self,
        request: &HeaderMap,
        cache_control: &'static str,
        age_seconds: u64,
    ) -> Response<Body> {
        let mut response = if self.is_known_to(request) {
            let mut response = Response::new(Body::Empty);
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            super::json(StatusCode::OK, self.json.clone())
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
        headers.insert(header::AGE, HeaderValue::from(age_seconds));
        headers.insert(header::ETAG, self.etag.clone());
        response
    }

    /// Returns whether `If-None-Match` names this body, by the weak comparison that
    /// RFC 9110, section 13.1.2, requires.
    fn is_known_to(&self, request: &HeaderMap) -> bool {
        let etag = self.etag.as_bytes();
        let mut tags = request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(<[u8]>::trim_ascii);
        tags.any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag)
    }
}

/// Returns whether the client requests a fresh response with `Cache-Control: no-cache`
/// (RFC 9111, section 5.2.1.4).
#[must_use]
pub fn wants_current(request: &HeaderMap) -> bool {
    let values = request.get_all(header::CACHE_CONTROL).iter();
    let mut directives = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    directives.any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-cache"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a header"))])
    }

    #[test]
    fn a_client_that_has_the_body_gets_304() {
        let body = CacheableBody::new("{}".to_owned());
        let etag = body.etag.to_str().expect("ASCII").to_owned();
        let table = [
            (etag.clone(), StatusCode::NOT_MODIFIED),
            (format!("W/{etag}"), StatusCode::NOT_MODIFIED),
            (format!("\"other\", {etag}"), StatusCode::NOT_MODIFIED),
            ("*".to_owned(), StatusCode::NOT_MODIFIED),
            ("\"other\"".to_owned(), StatusCode::OK),
            (etag.trim_matches('"').to_owned(), StatusCode::OK),
            (String::new(), StatusCode::OK),
        ];
        for (sent, expected) in table {
            let response = body.response(&with(header::IF_NONE_MATCH, &sent), "public", 0);
            assert_eq!(response.status(), expected, "If-None-Match: {sent}");
            assert_eq!(response.headers()[header::ETAG], etag.as_str());
        }
    }

    #[test]
    fn no_cache_is_found_among_other_directives() {
        let table = [
            ("no-cache", true),
            ("max-age=0, No-Cache", true),
            ("max-age=0", false),
            ("no-cache-please", false),
        ];
        for (sent, expected) in table {
            assert_eq!(wants_current(&with(header::CACHE_CONTROL, sent)), expected, "{sent}");
        }
    }
}
