//! The templates in `templates/`, compiled in. A misspelt name in a template does not
//! compile, and values in HTML are escaped.

use askama::Template;

use super::Notification;
use super::letter::Letter;

/// A mail to the visitor.
pub(super) struct VisitorMail {
    pub(super) subject: String,
    pub(super) text: String,
    pub(super) html: String,
}

/// A mail to the owner, without HTML.
pub(super) struct OwnerMail {
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

/// Returns the mail to the visitor, if there is one.
pub(super) fn visitor(notification: &Notification, letter: &Letter) -> Option<VisitorMail> {
    let (text, html) = match notification {
        Notification::Confirmed | Notification::Moved { .. } => {
            (render!("visitor/confirmed.txt", letter), render!("visitor/confirmed.html", letter))
        }
        Notification::PaidTooLate | Notification::PaidAfterCancelling => {
            (render!("visitor/paid_late.txt", letter), render!("visitor/paid_late.html", letter))
        }
        Notification::Released => {
            (render!("visitor/released.txt", letter), render!("visitor/released.html", letter))
        }
        Notification::Cancelled => {
            (render!("visitor/cancelled.txt", letter), render!("visitor/cancelled.html", letter))
        }
        Notification::Refunded => {
            (render!("visitor/refunded.txt", letter), render!("visitor/refunded.html", letter))
        }
        Notification::RefundFailed => (
            render!("visitor/refund_failed.txt", letter),
            render!("visitor/refund_failed.html", letter),
        ),
        Notification::Reminder => {
            (render!("visitor/reminder.txt", letter), render!("visitor/reminder.html", letter))
        }
        Notification::Contested => return None,
    };
    let (subject, text) = split(&text);
    Some(VisitorMail { subject, text, html })
}

/// Returns the mail to the owner, if there is one. `can_write` tells whether the visitor
/// gets a mail too.
pub(super) fn owner(
    notification: &Notification,
    letter: &Letter,
    can_write: bool,
) -> Option<OwnerMail> {
    let text = match notification {
        Notification::Confirmed | Notification::Moved { .. } => {
            render!("owner/confirmed.txt", letter, can_write: can_write)
        }
        Notification::PaidTooLate | Notification::PaidAfterCancelling => {
            render!("owner/paid_late.txt", letter, can_write: can_write)
        }
        Notification::Cancelled => render!("owner/cancelled.txt", letter, can_write: can_write),
        Notification::Refunded => render!("owner/refunded.txt", letter, can_write: can_write),
        Notification::RefundFailed => {
            render!("owner/refund_failed.txt", letter, can_write: can_write)
        }
        Notification::Contested => render!("owner/contested.txt", letter, can_write: can_write),
        // The owner has not been told of anybody who stands by.
        Notification::Released | Notification::Reminder => return None,
    };
    let (subject, text) = split(&text);
    Some(OwnerMail { subject, text })
}

/// Splits a filled text template into its first line, `Subject: …`, and the rest, in
/// which several empty lines become one.
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
