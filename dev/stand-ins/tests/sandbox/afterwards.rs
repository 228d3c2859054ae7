//! What happens around and after a payment: payments in progress, disputes, and refunds that
//! are refused or made by hand.

use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::{Value, json};
use stand_ins::sandbox::{
    DisputeReason, DisputeStatus, PaymentStatus, Refunds, Refused, SessionStatus,
};

use crate::harness::{Bench, Form, REFUNDS, SESSIONS, START};

/// Returns the events after the first `skipped`, as their types and objects.
fn events_after(bench: &Bench, skipped: usize) -> Vec<(String, Value)> {
    let events = bench.sandbox.events();
    let event = |body: &str| {
        let event: Value = serde_json::from_str(body).unwrap();
        (event["type"].as_str().unwrap().to_owned(), event["data"]["object"].clone())
    };
    events.iter().skip(skipped).map(|it| event(it.body())).collect()
}

async fn expire(bench: &Bench, id: &str) -> crate::harness::Answer {
    bench.post(&format!("{SESSIONS}/{id}/expire"), &Form::default()).await
}

/// Opens and pays a session. Returns its id and its payment's.
async fn paid_session(bench: &Bench) -> (String, String) {
    let id = bench.open(&Form::hosted()).await;
    bench.sandbox.pay(&id).unwrap();
    let payment = bench.sandbox.payment(&id).unwrap().id;
    (id, payment)
}

#[tokio::test]
async fn a_session_cannot_be_expired_while_it_is_being_paid() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    bench.sandbox.begin_payment(&id).unwrap();
    let refused = expire(&bench, &id).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.error()["type"], "invalid_request_error");
    let read = bench.get(&format!("{SESSIONS}/{id}")).await.json();
    assert_eq!(read["status"], "open", "nothing else shows it");
    bench.advance(SignedDuration::from_hours(25));
    bench.sandbox.pay(&id).unwrap();
    let session = bench.sandbox.session(&id).unwrap();
    assert_eq!(session.payment_status, PaymentStatus::Paid, "it began in time");
}

#[tokio::test]
async fn a_payment_in_progress_that_fails_leaves_the_session_as_it_would_be() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    bench.sandbox.begin_payment(&id).unwrap();
    bench.sandbox.fail_payment(&id).unwrap();
    assert_eq!(bench.sandbox.session(&id).unwrap().status, SessionStatus::Open);
    assert_eq!(expire(&bench, &id).await.status, StatusCode::OK);

    let late = bench.open(&Form::hosted()).await;
    bench.sandbox.begin_payment(&late).unwrap();
    bench.advance(SignedDuration::from_hours(25));
    assert_eq!(bench.sandbox.session(&late).unwrap().status, SessionStatus::Open);
    bench.sandbox.fail_payment(&late).unwrap();
    assert_eq!(bench.sandbox.session(&late).unwrap().status, SessionStatus::Expired);
    assert_eq!(bench.sandbox.begin_payment(&late), Err(Refused::NotOpen(SessionStatus::Expired)));
}

#[tokio::test]
async fn a_payer_begins_to_pay_on_the_page() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    let begun = bench.press(&id, "begin", "").await;
    assert_eq!(begun.header("location"), Some(&*format!("/pay/{id}")));
    assert!(bench.get(&format!("/pay/{id}")).await.text.contains("The payment is in progress"));
    assert_eq!(expire(&bench, &id).await.status, StatusCode::BAD_REQUEST);
    bench.press(&id, "decline", "").await;
    assert_eq!(expire(&bench, &id).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_disputed_charge_cannot_be_refunded_unless_the_merchant_wins() {
    for (is_won, status, is_refundable) in [(true, "won", true), (false, "lost", false)] {
        let bench = Bench::new();
        let (id, payment) = paid_session(&bench).await;
        bench.sandbox.dispute(&id, DisputeReason::Fraudulent).unwrap();
        let [(word, dispute)] = &events_after(&bench, 1)[..] else { panic!("one event") };
        assert_eq!(word, "charge.dispute.created");
        assert!(dispute["id"].as_str().unwrap().starts_with("du_"));
        let charge = bench.sandbox.payment(&id).unwrap().charge;
        for (field, value) in [
            ("object", json!("dispute")),
            ("amount", json!(5_000)),
            ("charge", json!(charge)),
            ("created", json!(START)),
            ("metadata", json!({})),
            ("payment_intent", json!(payment)),
            ("reason", json!("fraudulent")),
            ("status", json!("needs_response")),
        ] {
            assert_eq!(dispute[field], value, "{field}");
        }
        let refund = async || bench.post(REFUNDS, &Form::of(&[("payment_intent", &payment)])).await;
        let refused = refund().await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.error()["code"], "charge_disputed");
        let twice = bench.sandbox.dispute(&id, DisputeReason::Fraudulent);
        assert_eq!(twice, Err(Refused::Disputed));

        bench.sandbox.close_dispute(&id, is_won).unwrap();
        let (word, closed) = events_after(&bench, 2).remove(0);
        assert_eq!((&*word, &closed["id"]), ("charge.dispute.closed", &dispute["id"]));
        assert_eq!(closed["status"], status);
        assert_eq!(bench.sandbox.close_dispute(&id, true), Err(Refused::NoDispute));
        assert_eq!(refund().await.status.is_success(), is_refundable, "{status}");
    }
}

#[tokio::test]
async fn an_early_fraud_warning_says_whether_a_refund_still_helps() {
    let bench = Bench::new();
    let (id, payment) = paid_session(&bench).await;
    bench.sandbox.warn_of_fraud(&id).unwrap();
    bench.sandbox.refund_by_hand(&id, None).unwrap();
    bench.sandbox.warn_of_fraud(&id).unwrap();
    let warnings = events_after(&bench, 1);
    let warnings: Vec<_> =
        warnings.iter().filter(|(word, _)| word == "radar.early_fraud_warning.created").collect();
    let actionable: Vec<_> = warnings.iter().map(|(_, it)| it["actionable"].clone()).collect();
    assert_eq!(actionable, [true, false]);
    let warning = &warnings[0].1;
    assert_eq!(warning["object"], "radar.early_fraud_warning");
    assert_eq!(warning["payment_intent"], *payment);
    assert_eq!(warning["charge"], *bench.sandbox.payment(&id).unwrap().charge);
    assert_eq!(warning["fraud_type"], "unauthorized_use_of_card");
}

#[tokio::test]
async fn only_a_payment_that_succeeded_is_disputed_or_refunded_by_hand() {
    let bench = Bench::new();
    let unpaid = bench.open(&Form::hosted()).await;
    let pending = bench.open(&Form::hosted()).await;
    bench.sandbox.pay_by_debit(&pending).unwrap();
    for id in ["cs_test_none", &unpaid, &pending] {
        assert!(bench.sandbox.dispute(id, DisputeReason::Fraudulent).is_err(), "{id}");
        assert!(bench.sandbox.close_dispute(id, true).is_err(), "{id}");
        assert!(bench.sandbox.warn_of_fraud(id).is_err(), "{id}");
        assert!(bench.sandbox.refund_by_hand(id, None).is_err(), "{id}");
    }
    assert_eq!(bench.sandbox.events().len(), 1, "nothing has happened");
}

#[tokio::test]
async fn a_refund_by_hand_has_no_metadata_and_no_request() {
    let bench = Bench::new();
    let (id, payment) = paid_session(&bench).await;
    for wrong in [0, -1, 5_001] {
        assert!(bench.sandbox.refund_by_hand(&id, Some(wrong)).is_err(), "{wrong}");
    }
    for (amount, in_all, is_full) in [(Some(2_000), 2_000, false), (None, 5_000, true)] {
        let before = bench.sandbox.events().len();
        bench.sandbox.refund_by_hand(&id, amount).unwrap();
        let events = events_after(&bench, before);
        let [(created, refund), (refunded, charge)] = &events[..] else { panic!("two events") };
        assert_eq!((&**created, &**refunded), ("refund.created", "charge.refunded"));
        assert_eq!((&refund["metadata"], &refund["payment_intent"]), (&json!({}), &json!(payment)));
        assert_eq!(
            (&charge["amount_refunded"], &charge["refunded"]),
            (&json!(in_all), &json!(is_full))
        );
        let event: Value =
            serde_json::from_str(bench.sandbox.events().last().unwrap().body()).unwrap();
        assert_eq!(event["request"], json!({"id": null, "idempotency_key": null}));
    }
    assert!(bench.sandbox.refund_by_hand(&id, None).is_err(), "nothing is left");
}

#[tokio::test]
async fn refunds_can_be_refused() {
    let bench = Bench::choosing(|options| options.refunds = Refunds::Refused);
    let (id, payment) = paid_session(&bench).await;
    let refused = bench.post(REFUNDS, &Form::of(&[("payment_intent", &payment)])).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert_eq!(refused.error()["code"], "balance_insufficient");
    assert_eq!(bench.sandbox.refund_by_hand(&id, None).unwrap_err(), Refused::NotRefundable);
    assert!(bench.sandbox.refunds(&payment).is_empty());
    assert_eq!(bench.sandbox.events().len(), 1, "a refused refund is no event");
}

#[tokio::test]
async fn three_test_cards_are_disputed_or_warned_of() {
    let bench = Bench::new();
    for (card, word) in [
        ("4000 0000 0000 0259", "charge.dispute.created"),
        ("4000 0000 0000 2685", "charge.dispute.created"),
        ("4000 0000 0000 5423", "radar.early_fraud_warning.created"),
    ] {
        let id = bench.open(&Form::hosted()).await;
        bench.press(&id, "pay", card).await;
        let before = bench.sandbox.events().len();
        bench.advance(SignedDuration::from_secs(10));
        let events = events_after(&bench, before);
        assert_eq!(events.iter().map(|(word, _)| word).collect::<Vec<_>>(), [word], "{card}");
    }
}

#[tokio::test]
async fn the_page_of_a_paid_session_offers_what_may_happen_afterwards() {
    let bench = Bench::new();
    let (id, payment) = paid_session(&bench).await;
    let press = async |action: &str, amount: &str| {
        let form = Form::of(&[("action", action), ("amount", amount)]);
        bench.post(&format!("/pay/{id}"), &form).await
    };
    press("refund", "1500").await;
    press("refund", "much").await;
    assert_eq!(bench.sandbox.refunds(&payment).len(), 1, "an amount that is none is ignored");
    assert!(bench.get(&format!("/pay/{id}")).await.text.contains("15.00 USD refunded"));
    press("warn_of_fraud", "").await;
    press("dispute", "").await;
    assert!(bench.get(&format!("/pay/{id}")).await.text.contains("The payment is disputed"));
    let won = press("win_dispute", "").await;
    assert_eq!(won.header("location"), Some(&*format!("/pay/{id}")));
    let dispute = bench.sandbox.payment(&id).unwrap().dispute.unwrap();
    assert_eq!(dispute.status, DisputeStatus::Won);
    press("refund", "").await;
    assert_eq!(bench.sandbox.payment(&id).unwrap().refunded, 5_000);
}
