//! The pages that show the mails.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders as _};
use maud::html;

use super::{Mailbox, Received};
use crate::page::page;

pub(super) fn router(mailbox: Mailbox) -> Router {
    Router::new()
        .route("/", get(list))
        .route("/mails/{number}", get(show))
        .route("/mails/{number}/html", get(html_part))
        .route("/mails/{number}/raw", get(raw))
        .route("/mails/{number}/appointment.ics", get(calendar))
        .with_state(mailbox)
}

async fn list(State(mailbox): State<Mailbox>) -> Html<String> {
    let received = mailbox.received();
    let body = html! {
        main {
            h1 { "Mailbox" }
            p.soft { "These mails would have been sent. Nothing leaves this machine." }
            @if received.is_empty() {
                p { "No mail yet: book a time and pay for it." }
            }
            ol.mails {
                @for (index, mail) in received.iter().enumerate().rev() {
                    li {
                        a href=(format!("/mails/{}", index + 1)) {
                            strong { (mail.subject) }
                            span.soft { "to " (mail.to) }
                        }
                    }
                }
            }
        }
    };
    page("Mailbox", "mailbox", &body)
}

async fn show(State(mailbox): State<Mailbox>, Path(number): Path<usize>) -> Response {
    let Some(mail) = find(&mailbox, number) else { return missing() };
    let Some(parsed) = MessageParser::new().parse(&mail.bytes) else { return missing() };
    let at = |part: &str| format!("/mails/{number}/{part}");
    let text = parsed.body_text(0).unwrap_or_default();
    let body = html! {
        main {
            p { a href="/" { "All mails" } }
            h1 { (mail.subject) }
            p.soft { "To " (mail.to) }
            p {
                a href=(at("raw")) { "Source" }
                @if calendar_of(&parsed).is_some() {
                    " · " a href=(at("appointment.ics")) { "appointment.ics" }
                }
            }
            @if parsed.html_bodies().any(MessagePart::is_text_html) {
                // The sandbox blocks scripts, forms and same-origin access.
                iframe src=(at("html")) title="The mail" sandbox="allow-popups" {}
                details { summary { "Text" } pre { (text) } }
            } @else {
                pre { (text) }
            }
        }
    };
    page(&mail.subject, "mailbox", &body).into_response()
}

async fn html_part(State(mailbox): State<Mailbox>, Path(number): Path<usize>) -> Response {
    part(&mailbox, number, "text/html; charset=utf-8", |mail| {
        mail.body_html(0).map(std::borrow::Cow::into_owned)
    })
}

async fn calendar(State(mailbox): State<Mailbox>, Path(number): Path<usize>) -> Response {
    part(&mailbox, number, "text/calendar; charset=utf-8", |mail| {
        calendar_of(mail).map(str::to_owned)
    })
}

async fn raw(State(mailbox): State<Mailbox>, Path(number): Path<usize>) -> Response {
    let Some(mail) = find(&mailbox, number) else { return missing() };
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], mail.bytes).into_response()
}

fn part(
    mailbox: &Mailbox,
    number: usize,
    content_type: &'static str,
    read: impl FnOnce(&Message<'_>) -> Option<String>,
) -> Response {
    let Some(mail) = find(mailbox, number) else { return missing() };
    let parsed = MessageParser::new().parse(&mail.bytes);
    match parsed.as_ref().and_then(read) {
        Some(part) => ([(header::CONTENT_TYPE, content_type)], part).into_response(),
        None => missing(),
    }
}

fn find(mailbox: &Mailbox, number: usize) -> Option<Received> {
    mailbox.received().into_iter().nth(number.checked_sub(1)?)
}

fn missing() -> Response {
    let body = html! { main { p { "There is no such mail." } } };
    (StatusCode::NOT_FOUND, page("Mailbox", "mailbox", &body)).into_response()
}

fn calendar_of<'m>(mail: &'m Message<'_>) -> Option<&'m str> {
    let is_calendar = |part: &&MessagePart<'_>| {
        part.content_type().is_some_and(|kind| kind.subtype() == Some("calendar"))
    };
    mail.attachments().find(is_calendar)?.text_contents()
}
