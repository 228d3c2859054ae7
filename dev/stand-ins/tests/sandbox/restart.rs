//! A served sandbox keeps its ledger over a restart.

use std::fs;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use openchair::clock::Clock;
use serde_json::Value;
use stand_ins::sandbox::{
    PaymentStatus, Refunds, Sandbox, SandboxOptions, Serving, SessionStatus, WebhookEndpoint,
};
use tokio::net::TcpListener;

use crate::harness::{Form, REFUNDS, SESSIONS, START};

/// A folder that is removed at the end of a test.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let name = format!("openchair-ledger-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn ledger(&self) -> PathBuf {
        self.0.join("stripe-sandbox.json")
    }

    async fn start(&self, clock: &Clock) -> std::io::Result<Serving> {
        self.start_with(clock, |_| {}).await
    }

    async fn start_with(
        &self,
        clock: &Clock,
        choose: impl FnOnce(&mut SandboxOptions),
    ) -> std::io::Result<Serving> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut options = SandboxOptions {
            clock: clock.clone(),
            ledger: Some(self.ledger()),
            ..SandboxOptions::default()
        };
        choose(&mut options);
        Sandbox::start(options, listener)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn clock() -> Clock {
    Clock::manual(Timestamp::from_second(START).unwrap())
}

/// Posts a form under a key, and returns the object.
async fn post(serving: &Serving, path: &str, form: &Form, key: &str) -> Value {
    let request = reqwest::Client::new()
        .post(format!("{}{path}", serving.url()))
        .bearer_auth("sk_test_sandbox")
        .header("idempotency-key", key)
        .form(form.pairs());
    request.send().await.unwrap().json().await.unwrap()
}

fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn sessions_payments_refunds_keys_and_timers_survive_a_restart() {
    let folder = Folder::new("survive");
    let clock = clock();
    let first =
        folder.start_with(&clock, |options| options.refunds = Refunds::Pending).await.unwrap();
    let paid = id(&post(&first, SESSIONS, &Form::hosted(), "one").await);
    let open = id(&post(&first, SESSIONS, &Form::hosted(), "two").await);
    first.sandbox().pay(&paid).unwrap();
    let payment = first.sandbox().payment(&paid).unwrap().id;
    let form = Form::of(&[("payment_intent", &payment), ("amount", "2000")]);
    let refund = id(&post(&first, REFUNDS, &form, "three").await);
    let events: Vec<_> = first.sandbox().events().into_iter().map(|event| event.id).collect();
    first.stop().await;

    let second = folder.start(&clock).await.unwrap();
    let sandbox = second.sandbox();
    assert_eq!(sandbox.session(&paid).unwrap().payment_status, PaymentStatus::Paid);
    assert_eq!(sandbox.session(&open).unwrap().status, SessionStatus::Open);
    assert_eq!(sandbox.payment(&paid).unwrap().refunded, 2_000);
    let known: Vec<_> = sandbox.events().into_iter().map(|event| event.id).collect();
    assert_eq!(known, events);
    assert_eq!(id(&post(&second, SESSIONS, &Form::hosted(), "two").await), open, "a replay");
    clock.advance(SignedDuration::from_hours(24));
    assert_eq!(sandbox.session(&open).unwrap().status, SessionStatus::Expired);
    let refunds = sandbox.refunds(&payment);
    assert_eq!(refunds[0].id, refund);
    let words: Vec<_> =
        sandbox.events()[events.len()..].iter().map(|event| event.kind.word()).collect();
    assert_eq!(words, ["refund.updated", "checkout.session.expired"]);
}

#[tokio::test]
async fn events_that_were_not_delivered_are_sent_after_a_restart() {
    let folder = Folder::new("events");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/stripe/webhook", listener.local_addr().unwrap());
    drop(listener);
    let clock = clock();
    let webhook = || Some(WebhookEndpoint::new(url.clone()));
    let first = folder.start_with(&clock, |options| options.webhook = webhook()).await.unwrap();
    let session = id(&post(&first, SESSIONS, &Form::hosted(), "one").await);
    first.sandbox().pay(&session).unwrap();
    first.stop().await;
    let second = folder.start_with(&clock, |options| options.webhook = webhook()).await.unwrap();
    assert_eq!(second.sandbox().deliveries().waiting, 1);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_refused_and_kept() {
    for (name, content, problem) in [
        ("garbage", "garbage", "expected value"),
        ("cut-off", r#"{"version": 1, "ledger": {"#, "EOF"),
        ("incomplete", r#"{"version": 1}"#, "missing field `ledger`"),
        ("newer", r#"{"version": 2}"#, "its format 2 is not 1"),
    ] {
        let folder = Folder::new(name);
        fs::write(folder.ledger(), content).unwrap();
        let Err(error) = folder.start(&clock()).await else { panic!("{name} is refused") };
        let message = error.to_string();
        assert!(message.contains("stripe-sandbox.json"), "{message}");
        assert!(message.contains(problem), "{message}");
        assert_eq!(fs::read_to_string(folder.ledger()).unwrap(), content);
    }
}

#[tokio::test]
async fn a_sandbox_without_a_file_keeps_nothing() {
    let folder = Folder::new("none");
    let first = folder.start_with(&clock(), |options| options.ledger = None).await.unwrap();
    post(&first, SESSIONS, &Form::hosted(), "one").await;
    first.stop().await;
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}
