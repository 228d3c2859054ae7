//! A mail as bytes: headers and MIME parts.

use std::borrow::Cow;

use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address as Header;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;
use salon::invitation::Invitation;

use super::{Address, Mail};

pub(super) fn write(mail: &Mail) -> Vec<u8> {
    let mut bytes = Vec::new();
    MessageBuilder::new()
        .from(header(&mail.from))
        .to(header(&mail.to))
        .reply_to(header(&mail.reply_to))
        .subject(literal(&mail.subject))
        .date(mail.date.as_second())
        .message_id(mail.id.as_str())
        // RFC 3834, and Exchange's own header: they suppress automatic replies.
        .header("Auto-Submitted", Raw::new("auto-generated"))
        .header("X-Auto-Response-Suppress", Raw::new("All"))
        .body(body(mail))
        .serialize(&mut bytes);
    bytes
}

fn header(address: &Address) -> Header<'_> {
    Header::new_address(address.name.as_deref().map(literal), address.address.as_str())
}

/// Keeps text from being decoded as an encoded word (RFC 2047), which could contain
/// anything: an invisible character separates the two that start one.
fn literal(text: &str) -> Cow<'_, str> {
    if text.contains("=?") { text.replace("=?", "=\u{2060}?").into() } else { text.into() }
}

fn body(mail: &Mail) -> MimePart<'_> {
    let text = MimePart::new("text/plain", mail.text.as_str());
    let content = match &mail.html {
        Some(html) => {
            let html = MimePart::new("text/html", html.as_str());
            multipart("alternative", mail, vec![text, html])
        }
        None => text,
    };
    match &mail.invitation {
        Some(invitation) => multipart("mixed", mail, vec![content, calendar(invitation)]),
        None => content,
    }
}

/// Joins parts. The boundary contains the booking's id, so that a mail that is written
/// twice is the same. A visitor does not know the id while writing their name, so they
/// cannot end a part.
fn multipart<'a>(kind: &str, mail: &Mail, parts: Vec<MimePart<'a>>) -> MimePart<'a> {
    // At most 70 characters (RFC 2046, 5.1.1).
    let booking = mail.id.split('.').next().unwrap_or_default();
    let boundary = format!("{kind}-{booking}");
    let kind = ContentType::new(format!("multipart/{kind}"));
    MimePart::new(kind.attribute("boundary", boundary), parts)
}

/// The calendar file, as a part of its own. As an alternative, Outlook would show it
/// instead of the text.
fn calendar(invitation: &Invitation) -> MimePart<'_> {
    const NAME: &str = "appointment.ics";
    let kind = ContentType::new("text/calendar")
        .attribute("charset", "utf-8")
        .attribute("method", invitation.method.as_str())
        .attribute("name", NAME);
    MimePart::new(kind, invitation.text.as_str())
        .header("Content-Disposition", ContentType::new("inline").attribute("filename", NAME))
}
