//! The templates in `templates/`, compiled in: a name that is misspelt there
//! does not compile, and what is filled into HTML is escaped.

use askama::Template;

use super::News;
use super::letter::Letter;

/// A mail to the visitor.
pub(super) struct Page {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// A mail to the owner, who gets facts.
pub(super) struct Note {
    pub(super) subject: String,
    pub(super) text: String,
}

macro_rules! render {
    ($path:tt, $letter:expr $(, $name:ident: $value:expr)?) => {{
        #[derive(Template)]
        #[template(path = $path)]
        struct Filled<'a> {
            letter: &'a Letter,
            $($name: bool,)?
        }
        let filled = Filled { letter: $letter $(, $name: $value)? };
        filled.render().expect("text is always written to a string")
    }};
}

pub(super) fn visitor(news: &News, letter: &Letter) -> Page {
    let (text, html) = match news {
        News::Confirmed | News::Moved { .. } => {
            (render!("visitor/confirmed.txt", letter), render!("visitor/confirmed.html", letter))
        }
        News::PaidTooLate | News::PaidAfterCancelling => {
            (render!("visitor/paid_late.txt", letter), render!("visitor/paid_late.html", letter))
        }
        News::Cancelled => {
            (render!("visitor/cancelled.txt", letter), render!("visitor/cancelled.html", letter))
        }
        News::Refunded => {
            (render!("visitor/refunded.txt", letter), render!("visitor/refunded.html", letter))
        }
        News::RefundFailed => (
            render!("visitor/refund_failed.txt", letter),
            render!("visitor/refund_failed.html", letter),
        ),
        News::Reminder => {
            (render!("visitor/reminder.txt", letter), render!("visitor/reminder.html", letter))
        }
    };
    let (subject, text) = split(&text);
    Page { subject, text, html }
}

/// Returns what the owner is told, if anything. `can_write` is whether the
/// visitor is written to as well.
pub(super) fn owner(news: &News, letter: &Letter, can_write: bool) -> Option<Note> {
    let text = match news {
        News::Confirmed | News::Moved { .. } => {
            render!("owner/confirmed.txt", letter, can_write: can_write)
        }
        News::PaidTooLate | News::PaidAfterCancelling => {
            render!("owner/paid_late.txt", letter, can_write: can_write)
        }
        News::Cancelled => render!("owner/cancelled.txt", letter, can_write: can_write),
        News::Refunded => render!("owner/refunded.txt", letter, can_write: can_write),
        News::RefundFailed => render!("owner/refund_failed.txt", letter, can_write: can_write),
        News::Reminder => return None,
    };
    let (subject, text) = split(&text);
    Some(Note { subject, text })
}

/// Takes a text template's first line, `Subject: …`, off the rest, in which at
/// most one line in a row stays empty.
fn split(filled: &str) -> (String, String) {
    let (head, body) = filled.trim_start().split_once('\n').unwrap_or((filled, ""));
    let subject = head.strip_prefix("Subject: ").unwrap_or(head).trim();
    let mut text = String::with_capacity(body.len());
    for line in body.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && text.ends_with("\n\n")) {
            text.push_str(line);
            text.push('\n');
        }
    }
    (subject.to_owned(), text)
}
