//! The mailbox: a local stand-in for Amazon SES that stores every mail and delivers none.
//!
//! It accepts `SendEmail` with raw content, as version 2 of SES's API
//! (<https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html>), and shows
//! the mails in a browser.

mod mail_pages;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use mail_parser::MessageParser;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::serving;

pub type Serving = serving::Serving<Mailbox>;

/// A failure of `SendEmail`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailFault {
    /// 503.
    Down,
    /// 429.
    Throttled,
    /// 400, a permanent error.
    Rejected,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub to: String,
    pub subject: String,
    /// The `Message-ID` as sent. SES replaces it.
    pub id: String,
    pub bytes: Vec<u8>,
}

/// A mailbox. Clones share one state.
#[derive(Clone, Debug, Default)]
pub struct Mailbox {
    folder: Option<PathBuf>,
    state: Arc<Mutex<Mails>>,
}

#[derive(Debug, Default)]
struct Mails {
    received: Vec<Received>,
    faults: VecDeque<MailFault>,
    is_down: bool,
}

impl Mailbox {
    /// Opens a mailbox that also stores its mails in a folder, and loads the mails there.
    ///
    /// # Errors
    /// Fails if the folder cannot be created or read.
    pub fn in_folder(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(&folder)?.map(|file| Ok(file?.path())).collect::<io::Result<_>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "eml"));
        files.sort();
        let mut received = Vec::new();
        for file in files {
            received.push(read(std::fs::read(file)?));
        }
        let mails = Mails { received, ..Mails::default() };
        Ok(Self { folder: Some(folder), state: Arc::new(Mutex::new(mails)) })
    }

    /// Serves the mailbox on `listener` in the background.
    ///
    /// # Errors
    /// Fails if the listener has no address.
    pub fn start(self, listener: TcpListener) -> io::Result<Serving> {
        let router = self.router();
        Serving::start(self, router, listener)
    }

    /// Returns SES's endpoint and the pages.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v2/email/outbound-emails", post(send))
            .with_state(self.clone())
            .merge(mail_pages::router(self.clone()))
    }

    /// Returns the mails, oldest first.
    #[must_use]
    pub fn received(&self) -> Vec<Received> {
        self.state().received.clone()
    }

    /// Fails the next mails, one fault per mail.
    pub fn fail_with(&self, faults: impl IntoIterator<Item = MailFault>) {
        self.state().faults.extend(faults);
    }

    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Stores a mail and returns its number, from 1.
    fn store(&self, mail: Received) -> io::Result<usize> {
        let mut state = self.state();
        let number = state.received.len() + 1;
        if let Some(folder) = &self.folder {
            std::fs::write(folder.join(format!("{number:05}.eml")), &mail.bytes)?;
        }
        state.received.push(mail);
        Ok(number)
    }

    fn state(&self) -> MutexGuard<'_, Mails> {
        // Every change is complete, so the state is usable even after a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serving {
    /// Returns the mailbox itself, for access without HTTP.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.stand_in
    }
}

async fn send(
    State(mailbox): State<Mailbox>,
    request: Result<Json<Value>, JsonRejection>,
) -> Response {
    let fault = {
        let mut state = mailbox.state();
        let down = state.is_down.then_some(MailFault::Down);
        down.or_else(|| state.faults.pop_front())
    };
    let refusal = fault.map(|fault| match fault {
        MailFault::Down => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
        MailFault::Throttled => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequestsException"),
        MailFault::Rejected => (StatusCode::BAD_REQUEST, "MessageRejected"),
    });
    if let Some((status, code)) = refusal {
        return error(status, code);
    }
    let bad = || error(StatusCode::BAD_REQUEST, "BadRequestException");
    let Ok(Json(request)) = request else { return bad() };
    let data = request["Content"]["Raw"]["Data"].as_str().unwrap_or_default();
    let to = request["Destination"]["ToAddresses"].as_array().map(Vec::as_slice);
    let Some([Value::String(to)]) = to else { return bad() };
    let Ok(bytes) = BASE64_STANDARD.decode(data) else { return bad() };
    match mailbox.store(Received { to: to.clone(), ..read(bytes) }) {
        Ok(number) => Json(json!({"MessageId": format!("local-{number:05}")})).into_response(),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "InternalFailure"),
    }
}

/// Parses a mail's headers.
fn read(bytes: Vec<u8>) -> Received {
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let mail = MessageParser::new().parse_headers(&bytes).unwrap_or_default();
    let to = owned(mail.to().and_then(|to| to.first()?.address()));
    let (subject, id) = (owned(mail.subject()), owned(mail.message_id()));
    Received { to, subject, id, bytes }
}

fn error(status: StatusCode, code: &'static str) -> Response {
    (status, [("x-amzn-errortype", code)], Json(json!({"message": "The mail was not accepted."})))
        .into_response()
}
