//! The HTML of the payment page. The template escapes all text of merchants and payers.

use jiff::SignedDuration;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use salon::money::Money;

use crate::sandbox::test_cards::TEST_CARDS;
use crate::sandbox::{CheckoutSession, PaymentState, payment_methods};

const STYLE: &str = include_str!("payment_views.css");

/// The initial card number, which pays.
pub(super) const FIRST_CARD: &str = "4242 4242 4242 4242";

/// Shows a session that can be paid.
pub(super) fn open(
    session: &CheckoutSession,
    left: SignedDuration,
    card: &str,
    problem: Option<&str>,
) -> Markup {
    let total = session.total;
    let takes_cards = session.payment_method_types.contains(&payment_methods::CARD);
    let debit = payment_methods::delayed(&session.payment_method_types);
    let title = format!("Pay {total}");
    page(
        &title,
        &html! {
            (summary(session))
            form method="post" action={"/pay/" (session.id)} {
                @if let Some(problem) = problem {
                    p.problem #problem role="alert" { (problem) }
                }
                @if takes_cards {
                    label for="card" { "Card number" }
                    input #card name="card" type="text" inputmode="numeric" autocomplete="off"
                        spellcheck="false" maxlength="32" value=(card)
                        aria-invalid=[problem.map(|_| "true")]
                        aria-describedby=[problem.map(|_| "problem")];
                    button.main name="action" value="pay" { "Pay " (total) }
                }
                @if debit.is_some() {
                    button name="action" value="debit" { "Pay by bank debit" }
                    p.hint { "The session completes at once, and the money arrives later. Return to this page to decide how the debit ends." }
                }
                div.row {
                    @if takes_cards {
                        button name="action" value="decline" { "Decline" }
                    }
                    button name="action" value="leave" { "Leave" }
                }
            }
            @if takes_cards {
                (test_cards(session))
            }
            p.hint { "This session expires in " (in_words(left)) "." }
        },
    )
}

/// Asks the payer for 3-D Secure.
pub(super) fn challenge(session: &CheckoutSession, card: &str) -> Markup {
    page(
        "Confirm with your bank",
        &html! {
            h1 { "Confirm with your bank" }
            p { "Your bank asks you to confirm the payment of " strong { (session.total) } "." }
            form method="post" action={"/pay/" (session.id)} {
                input type="hidden" name="card" value=(card);
                button.main name="action" value="authenticate" { "Confirm" }
                button name="action" value="fail_authentication" { "Fail the check" }
            }
            p.hint { "This simulates 3-D Secure. No bank is involved." }
        },
    )
}

/// Shows a complete session.
pub(super) fn complete(session: &CheckoutSession, state: PaymentState) -> Markup {
    let (title, text) = match state {
        PaymentState::Succeeded => ("Paid", "The payment succeeded."),
        PaymentState::Processing => ("On its way", "The bank debit is pending. How does it end?"),
        PaymentState::Failed => ("Not paid", "The bank refused the debit. Nothing was paid."),
    };
    page(
        title,
        &html! {
            (summary(session))
            h2 role="status" { (title) }
            p { (text) }
            @if state == PaymentState::Processing {
                form method="post" action={"/pay/" (session.id)} {
                    button.main name="action" value="settle" { "The money arrives" }
                    button name="action" value="bounce" { "The bank refuses" }
                }
            }
            @if let Some(url) = session.url_after_payment() {
                p { a href=(url) { "Back to the merchant" } }
            }
        },
    )
}

/// Shows an expired session.
pub(super) fn expired(session: &CheckoutSession) -> Markup {
    page(
        "Expired",
        &html! {
            (summary(session))
            h2 role="status" { "This session has expired" }
            p { "It can no longer be paid, and nothing was charged. Start again at the merchant." }
            @if let Some(url) = session.url_to_leave() {
                p { a href=(url) { "Back to the merchant" } }
            }
        },
    )
}

/// Shown to a payer who left a session without a cancel URL.
pub(super) fn left(session: &CheckoutSession) -> Markup {
    page(
        "You left",
        &html! {
            h1 { "You left without paying" }
            p { "The merchant set no cancel URL. The session stays open until it expires." }
            p { a href={"/pay/" (session.id)} { "Pay after all" } }
        },
    )
}

/// Shown for an unknown session.
pub(super) fn unknown() -> Markup {
    page(
        "Unknown session",
        &html! {
            h1 { "Unknown session" }
            p { "There is no such session. The sandbox forgets all sessions when it stops." }
        },
    )
}

fn page(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · Payment sandbox" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p { strong { "Payment sandbox" } " No money moves. Never type a real card number." }
                }
                main { (content) }
            }
        }
    }
}

fn summary(session: &CheckoutSession) -> Markup {
    let currency = session.total.currency();
    html! {
        section.summary aria-label="What you pay for" {
            h1 { (session.total) }
            ul {
                @for item in &session.line_items {
                    li {
                        span {
                            (item.name)
                            @if item.quantity > 1 { " × " (item.quantity) }
                            @if let Some(description) = &item.description {
                                small { (description) }
                            }
                        }
                        span.amount { (Money::new(item.unit_amount * item.quantity, currency)) }
                    }
                }
            }
        }
    }
}

fn test_cards(session: &CheckoutSession) -> Markup {
    html! {
        section.cards aria-labelledby="test-cards" {
            h2 #test-cards { "Test cards" }
            ul {
                @for card in TEST_CARDS {
                    li {
                        a href={"/pay/" (session.id) "?card=" (card.number)} { (grouped(card.number)) }
                        span { (card.title) }
                    }
                }
            }
        }
    }
}

/// Formats a card number in groups of four digits.
fn grouped(number: &str) -> String {
    let mut grouped = String::new();
    for (i, digit) in number.chars().enumerate() {
        if i > 0 && i % 4 == 0 {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}

fn in_words(left: SignedDuration) -> String {
    match left.as_mins() {
        0 => "less than a minute".to_owned(),
        1 => "1 minute".to_owned(),
        minutes @ 2..120 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes / 60),
    }
}
