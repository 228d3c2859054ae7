//! The pages that show the mails.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use mail_parser::{Message, MessageParser, MimeHeaders as _};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Mailbox, Received};

const STYLE: &str = include_str!("mail_pages.css");

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
    page(
        "Mailbox",
        &html! {
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
        },
    )
}

async fn show(State(mailbox): State<Mailbox>, Path(number): Path<usize>) -> Response {
    let Some(mail) = find(&mailbox, number) else { return missing() };
    let Some(parsed) = MessageParser::new().parse(&mail.bytes) else { return missing() };
    let at = |part: &str| format!("/mails/{number}/{part}");
    let from = parsed.from().and_then(|from| from.first()).map(|from| {
        let (name, address) = (from.name().unwrap_or_default(), from.address().unwrap_or_default());
        format!("{name} <{address}>")
    });
    page(
        &mail.subject,
        &html! {
            p { a href="/" { "All mails" } }
            h1 { (mail.subject) }
            dl {
                dt { "From" } dd { (from.unwrap_or_default()) }
                dt { "To" } dd { (mail.to) }
                @if let Some(date) = parsed.date() { dt { "Date" } dd { (date.to_rfc3339()) } }
            }
            p.links {
                a href=(at("raw")) { "Source" }
                @if calendar_of(&parsed).is_some() {
                    a href=(at("appointment.ics")) { "appointment.ics" }
                }
            }
            @if parsed.html_body_count() > 0 && has_html(&parsed) {
                // The sandbox blocks scripts, forms and same-origin access.
                iframe src=(at("html")) title="The mail" sandbox="allow-popups" {}
                details { summary { "Text" } pre { (text(&parsed)) } }
            } @else {
                pre { (text(&parsed)) }
            }
        },
    )
    .into_response()
}

async fn html_part(State(mailbox): State<Mailbox>, Path(number): Path<usize>) -> Response {
    let Some(mail) = find(&mailbox, number) else { return missing() };
    let parsed = MessageParser::new().parse(&mail.bytes);
    match parsed.as_ref().and_then(|parsed| parsed.body_html(0)) {
        Some(html) => Html(html.into_owned()).into_response(),
        None => missing(),
    }
}

async fn raw(State(mailbox): State<Mailbox>, Path(number): Path<usize>) -> Response {
    let Some(mail) = find(&mailbox, number) else { return missing() };
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], mail.bytes).into_response()
}

async fn calendar(State(mailbox): State<Mailbox>, Path(number): Path<usize>) -> Response {
    let Some(mail) = find(&mailbox, number) else { return missing() };
    let parsed = MessageParser::new().parse(&mail.bytes);
    match parsed.as_ref().and_then(calendar_of) {
        Some(file) => {
            let kind = [(header::CONTENT_TYPE, "text/calendar; charset=utf-8")];
            (kind, file.to_owned()).into_response()
        }
        None => missing(),
    }
}

fn find(mailbox: &Mailbox, number: usize) -> Option<Received> {
    mailbox.received().into_iter().nth(number.checked_sub(1)?)
}

fn missing() -> Response {
    (StatusCode::NOT_FOUND, page("Mailbox", &html! { p { "There is no such mail." } }))
        .into_response()
}

fn has_html(mail: &Message<'_>) -> bool {
    mail.html_bodies().any(mail_parser::MessagePart::is_text_html)
}

fn text(mail: &Message<'_>) -> String {
    mail.body_text(0).unwrap_or_default().into_owned()
}

fn calendar_of<'m>(mail: &'m Message<'_>) -> Option<&'m str> {
    let is_calendar = |part: &&mail_parser::MessagePart<'_>| {
        part.content_type().is_some_and(|kind| kind.subtype() == Some("calendar"))
    };
    mail.attachments().find(is_calendar)?.text_contents()
}

fn page(title: &str, body: &Markup) -> Html<String> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    Html(page.into_string())
}
