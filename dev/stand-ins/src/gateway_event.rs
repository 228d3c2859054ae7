//! Builds the events that API Gateway sends to a function.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use lambda_http::Request;
use openchair::http::api_gateway::read_request;
use serde_json::{Map, Value, json};

#[derive(Clone, Debug)]
pub struct GatewayEvent {
    method: &'static str,
    path: String,
    query: String,
    headers: Map<String, Value>,
    body: Option<(String, bool)>,
    source: String,
}

impl GatewayEvent {
    /// Creates a request for `target`: a path with an optional query.
    #[must_use]
    pub fn new(method: &'static str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Map::new(),
            body: None,
            source: "192.0.2.1".to_owned(),
        }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub fn body(mut self, text: &str) -> Self {
        self.body = Some((text.to_owned(), false));
        self
    }

    /// Sets a binary body, which the gateway encodes in base64.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.body = Some((BASE64_STANDARD.encode(bytes), true));
        self
    }

    /// Sets the client's IP address.
    #[must_use]
    pub fn source(mut self, address: &str) -> Self {
        address.clone_into(&mut self.source);
        self
    }

    /// Returns the request that the function receives.
    ///
    /// # Panics
    /// Panics if the event cannot be read.
    #[must_use]
    pub fn request(&self) -> Request {
        read_request(&self.json()).expect("the event is well-formed")
    }

    /// Returns the event in payload format 2.0
    /// (<https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).
    #[must_use]
    pub fn json(&self) -> String {
        let (body, is_base64) =
            self.body.clone().map_or((None, false), |(body, encoded)| (Some(body), encoded));
        let event = json!({
            "version": "2.0",
            "routeKey": format!("ANY {}", self.path),
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": self.headers,
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "api",
                "domainName": "api.execute-api.us-east-1.amazonaws.com",
                "domainPrefix": "api",
                "http": {
                    "method": self.method,
                    "path": self.path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": self.source,
                    "userAgent": "test"
                },
                "requestId": "request",
                "routeKey": format!("ANY {}", self.path),
                "stage": "$default",
                "time": "24/Nov/2026:18:00:00 +0000",
                "timeEpoch": 1_795_543_200_000_i64
            },
            "body": body,
            "isBase64Encoded": is_base64
        });
        event.to_string()
    }
}
