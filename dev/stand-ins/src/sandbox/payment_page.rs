//! The payment page at a session's `url`. Embedded sessions have one too, because only Stripe
//! serves the code that would embed them.

use axum::extract::{Form, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum::{Router, middleware};
use serde::Deserialize;

use super::test_cards::{self, Outcome};
use super::{DisputeReason, Refused, Sandbox, SessionStatus, payment_views};

pub(super) fn router(sandbox: Sandbox) -> Router {
    Router::new()
        .route("/pay/{id}", get(show).post(submit))
        .route_layer(middleware::map_response(async |page: Response| {
            let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'";
            let headers = [
                (header::CONTENT_SECURITY_POLICY, policy),
                (header::CACHE_CONTROL, "no-store"),
                (header::REFERRER_POLICY, "no-referrer"),
            ];
            (headers, page)
        }))
        .with_state(sandbox)
}

#[derive(Deserialize)]
struct Prefill {
    card: Option<String>,
}

#[derive(Deserialize)]
struct Submitted {
    action: Action,
    #[serde(default)]
    card: String,
    /// In minor units; empty for all that is left.
    #[serde(default)]
    amount: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    Pay,
    Decline,
    Leave,
    Debit,
    /// The payer passes or fails 3-D Secure.
    Authenticate,
    FailAuthentication,
    /// The money of a debit arrives, or the bank refuses.
    Settle,
    Bounce,
    /// The payment is in progress until the payer pays or is declined.
    Begin,
    /// The payer complains to the bank, and the bank decides.
    Dispute,
    WinDispute,
    LoseDispute,
    WarnOfFraud,
    /// The merchant refunds in the Dashboard.
    Refund,
}

impl Action {
    /// Returns whether the page is shown again afterwards, and not the merchant's.
    fn stays(self) -> bool {
        match self {
            Self::Settle
            | Self::Bounce
            | Self::Begin
            | Self::Dispute
            | Self::WinDispute
            | Self::LoseDispute
            | Self::WarnOfFraud
            | Self::Refund => true,
            Self::Pay
            | Self::Decline
            | Self::Leave
            | Self::Debit
            | Self::Authenticate
            | Self::FailAuthentication => false,
        }
    }
}

async fn show(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Query(prefill): Query<Prefill>,
) -> Response {
    let card = prefill.card.unwrap_or_else(|| payment_views::FIRST_CARD.to_owned());
    current(&sandbox, &id, &card, None)
}

async fn submit(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    Form(form): Form<Submitted>,
) -> Response {
    let Some(session) = sandbox.session(&id) else {
        return current(&sandbox, &id, "", None);
    };
    let is_open = session.status == SessionStatus::Open;
    let done = match form.action {
        Action::Pay => match test_cards::outcome_of(&form.card) {
            Ok(Outcome::Challenged) if is_open => {
                return payment_views::challenge(&session, &form.card).into_response();
            }
            Ok(Outcome::Challenged) => Err(Refused::NotOpen(session.status)),
            // After a second click on Pay, the session is paid already.
            Ok(_) => sandbox.pay_by_card(&id, &form.card),
            Err(mistake) => Err(Refused::Declined(mistake)),
        },
        Action::Authenticate => sandbox.pay(&id),
        Action::Decline => {
            let ended = sandbox.fail_payment(&id);
            ended.and(Err(Refused::Declined("Your card was declined.")))
        }
        Action::FailAuthentication => Err(Refused::Declined(
            "Your bank could not confirm that it is you. Try again, or use another card.",
        )),
        Action::Debit => sandbox.pay_by_debit(&id),
        Action::Settle => sandbox.settle(&id, true),
        Action::Bounce => sandbox.settle(&id, false),
        Action::Begin => sandbox.begin_payment(&id),
        Action::Dispute => sandbox.dispute(&id, DisputeReason::Fraudulent),
        Action::WinDispute => sandbox.close_dispute(&id, true),
        Action::LoseDispute => sandbox.close_dispute(&id, false),
        Action::WarnOfFraud => sandbox.warn_of_fraud(&id),
        Action::Refund => match form.amount.trim() {
            "" => sandbox.refund_by_hand(&id, None).map(drop),
            amount => match amount.parse() {
                Ok(amount) => sandbox.refund_by_hand(&id, Some(amount)).map(drop),
                Err(_) => Err(Refused::NotRefundable),
            },
        },
        Action::Leave => {
            return match &session.cancel_url {
                Some(url) => Redirect::to(url).into_response(),
                None => payment_views::left(&session).into_response(),
            };
        }
    };
    match (done, form.action) {
        (Ok(()), action) if action.stays() => Redirect::to(&format!("/pay/{id}")).into_response(),
        (Ok(()), _) => Redirect::to(&session.url_after_payment()).into_response(),
        (Err(Refused::Declined(why)), _) => current(&sandbox, &id, &form.card, Some(why)),
        (Err(_), _) => current(&sandbox, &id, &form.card, None),
    }
}

/// Shows a session in its current state, with the problem of the last attempt to pay.
fn current(sandbox: &Sandbox, id: &str, card: &str, problem: Option<&str>) -> Response {
    let Some(session) = sandbox.session(id) else {
        return (StatusCode::NOT_FOUND, payment_views::unknown()).into_response();
    };
    match session.status {
        SessionStatus::Open => {
            let status = problem.map_or(StatusCode::OK, |_| StatusCode::PAYMENT_REQUIRED);
            let left = session.expires_at.duration_since(sandbox.now());
            (status, payment_views::open(&session, left, card, problem)).into_response()
        }
        SessionStatus::Expired => {
            (StatusCode::GONE, payment_views::expired(&session)).into_response()
        }
        SessionStatus::Complete => {
            payment_views::complete(&session, sandbox.payment(id).as_ref()).into_response()
        }
    }
}
