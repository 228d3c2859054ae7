//! A sandbox with a manual clock.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use openchair::clock::Clock;
use serde_json::Value;
use stand_ins::sandbox::{Sandbox, SandboxOptions};
use tower::ServiceExt;

pub(crate) const SESSIONS: &str = "/v1/checkout/sessions";
pub(crate) const REFUNDS: &str = "/v1/refunds";
pub(crate) const PUBLIC_URL: &str = "http://127.0.0.1:9002";

/// A Friday in January 2027, in seconds.
pub(crate) const START: i64 = 1_800_000_000;

pub(crate) struct Bench {
    pub(crate) sandbox: Sandbox,
    clock: Clock,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Bench {
    /// Creates a sandbox without latency and rate limit.
    pub(crate) fn new() -> Self {
        Self::with(Duration::ZERO, 0)
    }

    pub(crate) fn with(latency: Duration, requests_per_second: u32) -> Self {
        Self::choosing(|options| {
            options.latency = latency;
            options.requests_per_second = requests_per_second;
        })
    }

    /// Creates a sandbox without latency and rate limit, with other changed options.
    pub(crate) fn choosing(choose: impl FnOnce(&mut SandboxOptions)) -> Self {
        let clock = Clock::manual(Timestamp::from_second(START).unwrap());
        let mut options = SandboxOptions {
            requests_per_second: 0,
            public_url: Some(PUBLIC_URL.to_owned()),
            clock: clock.clone(),
            ..SandboxOptions::default()
        };
        choose(&mut options);
        Self { sandbox: Sandbox::new(options), clock }
    }

    pub(crate) fn advance(&self, by: SignedDuration) {
        self.clock.advance(by);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.sandbox.router().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(request("GET", path).body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, form: &Form) -> Answer {
        self.send(form_request(path).body(form.body()).unwrap()).await
    }

    pub(crate) async fn post_keyed(&self, path: &str, form: &Form, key: &str) -> Answer {
        let request = form_request(path).header("idempotency-key", key);
        self.send(request.body(form.body()).unwrap()).await
    }

    /// Opens a session and returns its id.
    pub(crate) async fn open(&self, form: &Form) -> String {
        let answer = self.post(SESSIONS, form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// Opens a session, pays it and returns its payment intent.
    pub(crate) async fn paid(&self) -> String {
        let id = self.open(&Form::hosted()).await;
        self.sandbox.pay(&id).unwrap();
        self.sandbox.session(&id).unwrap().payment_intent.unwrap()
    }

    /// Submits the payment page's form, like a browser.
    pub(crate) async fn press(&self, session: &str, action: &str, card: &str) -> Answer {
        let form = Form::of(&[("action", action), ("card", card)]);
        self.post(&format!("/pay/{session}"), &form).await
    }
}

/// Opens a session over HTTP, and returns its id.
pub(crate) async fn create_session(url: &str) -> String {
    let answer = reqwest::Client::new()
        .post(format!("{url}{SESSIONS}"))
        .bearer_auth("sk_test_sandbox")
        .form(&Form::hosted().pairs())
        .send()
        .await
        .unwrap();
    let session: Value = answer.json().await.unwrap();
    session["id"].as_str().unwrap().to_owned()
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("an answer in JSON")
    }

    pub(crate) fn error(&self) -> Value {
        self.json()["error"].clone()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::AUTHORIZATION, "Bearer sk_test_sandbox")
}

pub(crate) fn form_request(path: &str) -> axum::http::request::Builder {
    request("POST", path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

/// Parameters by name, such as `line_items[0][quantity]`.
#[derive(Clone, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(crate) fn of(params: &[(&str, &str)]) -> Self {
        params.iter().fold(Self::default(), |form, (name, value)| form.set(name, value))
    }

    /// Returns valid parameters of a hosted session.
    pub(crate) fn hosted() -> Self {
        Self::of(&[
            ("mode", "payment"),
            ("success_url", "https://salon.example/done?s={CHECKOUT_SESSION_ID}"),
            ("cancel_url", "https://salon.example/book"),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][unit_amount]", "5000"),
            ("line_items[0][price_data][product_data][name]", "Deposit: Glass Skin Facial"),
        ])
    }

    /// Returns valid parameters of an embedded session.
    pub(crate) fn embedded() -> Self {
        Self::hosted()
            .without("success_url")
            .without("cancel_url")
            .set("ui_mode", "embedded_page")
            .set("return_url", "https://salon.example/done?s={CHECKOUT_SESSION_ID}")
    }

    /// Returns valid parameters of a session built with elements.
    pub(crate) fn elements() -> Self {
        Self::embedded().set("ui_mode", "elements")
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    pub(crate) fn pairs(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    pub(crate) fn body(&self) -> Body {
        let pairs: Vec<_> = self
            .0
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        Body::from(pairs.join("&"))
    }
}

fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
