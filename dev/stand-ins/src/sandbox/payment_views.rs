//! The HTML of the payment page. The template escapes all text of merchants and payers.

use axum::response::Html;
use jiff::SignedDuration;
use maud::{Markup, html};
use salon::money::Money;

use super::checkout_session::CARD;
use super::test_cards::TEST_CARDS;
use super::{CheckoutSession, DisputeStatus, Payment, PaymentState};
use crate::page;

/// The initial card number, which pays.
pub(super) const FIRST_CARD: &str = "4242 4242 4242 4242";

/// Shows a session that can be paid.
pub(super) fn open(
    session: &CheckoutSession,
    left: SignedDuration,
    card: &str,
    problem: Option<&str>,
) -> Html<String> {
    let total = session.total;
    let takes_cards = session.payment_method_types.contains(&CARD);
    page(
        &format!("Pay {total}"),
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
                @if let Some(message) = &session.submit_message {
                    p { (message) }
                }
                @if session.debit().is_some() {
                    button name="action" value="debit" { "Pay by bank debit" }
                    p.soft { "The session completes at once, and the money arrives later. Return to this page to decide how the debit ends." }
                }
                @if session.is_being_paid {
                    p role="status" { "The payment is in progress: the merchant cannot expire the session now. Pay or decline to end it." }
                }
                div.row {
                    @if takes_cards {
                        @if !session.is_being_paid {
                            button name="action" value="begin" { "Begin to pay" }
                        }
                        button name="action" value="decline" { "Decline" }
                    }
                    button name="action" value="leave" { "Leave" }
                }
            }
            @if takes_cards {
                (test_cards(session))
            }
            p.soft { "This session expires in " (in_words(left)) "." }
        },
    )
}

/// Asks the payer for 3-D Secure.
pub(super) fn challenge(session: &CheckoutSession, card: &str) -> Html<String> {
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
            p.soft { "This simulates 3-D Secure. No bank is involved." }
        },
    )
}

pub(super) fn complete(session: &CheckoutSession, payment: Option<&Payment>) -> Html<String> {
    let state = payment.map_or(PaymentState::Succeeded, |payment| payment.state);
    let (title, text) = match state {
        PaymentState::Succeeded => ("Paid", "The payment succeeded."),
        PaymentState::Processing => ("On its way", "The bank debit is pending. How does it end?"),
        PaymentState::Authorised => {
            ("Authorised", "Your card is not charged yet. The merchant decides.")
        }
        PaymentState::Cancelled => ("Not charged", "The merchant has given up the payment."),
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
            p { a href=(session.url_after_payment()) { "Back to the merchant" } }
            @if let Some(payment) = payment.filter(|_| state == PaymentState::Succeeded) {
                (afterwards(session, payment))
            }
        },
    )
}

/// Offers what may happen after a payment.
fn afterwards(session: &CheckoutSession, payment: &Payment) -> Markup {
    let status = payment.dispute.as_ref().map(|dispute| dispute.status);
    html! {
        h2 { "Afterwards" }
        form method="post" action={"/pay/" (session.id)} {
            label for="amount" { "Refund by hand, as in the Dashboard" }
            input #amount name="amount" type="text" inputmode="numeric" autocomplete="off"
                placeholder="all, or an amount in cents";
            button name="action" value="refund" { "Refund" }
            @if payment.refunded > 0 {
                p { (Money::new(payment.refunded, payment.amount.currency())) " refunded." }
            }
            @match status {
                None => {
                    div.row {
                        button name="action" value="dispute" { "The payer disputes it" }
                        button name="action" value="warn_of_fraud" { "The bank warns of fraud" }
                    }
                }
                Some(DisputeStatus::NeedsResponse) => {
                    p { "The payment is disputed." }
                    div.row {
                        button name="action" value="win_dispute" { "The merchant wins" }
                        button name="action" value="lose_dispute" { "The payer wins" }
                    }
                }
                Some(DisputeStatus::Won) => p { "The merchant has won the dispute." }
                Some(DisputeStatus::Lost) => p { "The payer has won the dispute." }
            }
        }
    }
}

pub(super) fn expired(session: &CheckoutSession) -> Html<String> {
    page(
        "Expired",
        &html! {
            (summary(session))
            h2 role="status" { "This session has expired" }
            p { "It can no longer be paid, and nothing was charged. Start again at the merchant." }
            @if let Some(url) = &session.cancel_url {
                p { a href=(url) { "Back to the merchant" } }
            }
        },
    )
}

/// Shown to a payer who left a session without a cancel URL.
pub(super) fn left(session: &CheckoutSession) -> Html<String> {
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
pub(super) fn unknown() -> Html<String> {
    page(
        "Unknown session",
        &html! {
            h1 { "Unknown session" }
            p { "There is no such session. `cargo dev --fresh` makes the sandbox forget all sessions." }
        },
    )
}

fn page(title: &str, content: &Markup) -> Html<String> {
    let body = html! {
        header { strong { "Payment sandbox" } ". No money moves. Never type a real card number." }
        main { (content) }
    };
    page::page(&format!("{title} · Payment sandbox"), "payment", &body)
}

fn summary(session: &CheckoutSession) -> Markup {
    html! {
        h1 { (session.total) }
        ul {
            @for item in &session.line_items {
                li {
                    span {
                        (item.name)
                        @if item.quantity > 1 { " × " (item.quantity) }
                        @if let Some(description) = &item.description { small { (description) } }
                    }
                    (Money::new(item.unit_amount * item.quantity, session.total.currency()))
                }
            }
        }
    }
}

fn test_cards(session: &CheckoutSession) -> Markup {
    html! {
        h2 { "Test cards" }
        ul {
            @for (number, title, _) in TEST_CARDS {
                li { a href={"/pay/" (session.id) "?card=" (number)} { (number) } span { (title) } }
            }
        }
    }
}

fn in_words(left: SignedDuration) -> String {
    match left.as_mins() {
        0 => "less than a minute".to_owned(),
        1 => "1 minute".to_owned(),
        minutes @ 2..120 => format!("{minutes} minutes"),
        minutes => format!("{} hours", minutes / 60),
    }
}
