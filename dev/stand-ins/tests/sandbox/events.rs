//! Events: their types, order and times.

use jiff::SignedDuration;
use serde_json::{Value, json};
use stand_ins::sandbox::{Debits, EventType, RefundStatus, Refunds};

use crate::harness::{Bench, Form, REFUNDS, SESSIONS, START};

fn words(bench: &Bench) -> Vec<&'static str> {
    bench.sandbox.events().iter().map(|event| event.kind.word()).collect()
}

fn last(bench: &Bench) -> Value {
    let events = bench.sandbox.events();
    serde_json::from_str(events.last().expect("an event").body()).unwrap()
}

#[tokio::test]
async fn paying_by_card_emits_a_completed_and_paid_session() {
    let bench = Bench::new();
    let form = Form::hosted().set("metadata[booking]", "b_17");
    let id = bench.open(&form).await;
    assert_eq!(words(&bench), [""; 0], "an open session is no event");
    bench.sandbox.pay(&id).unwrap();
    bench.sandbox.pay(&id).unwrap();
    assert_eq!(words(&bench), ["checkout.session.completed"], "twice is the same as once");

    let event = last(&bench);
    let expected = json!({
        "object": "event",
        "api_version": "2026-09-30.endive",
        "created": START,
        "livemode": false,
        "pending_webhooks": 1,
        "request": {"id": null, "idempotency_key": null},
        "type": "checkout.session.completed",
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(&event[field], value, "{field}");
    }
    assert!(event["id"].as_str().unwrap().starts_with("evt_"));
    let read = bench.get(&format!("{SESSIONS}/{id}")).await.json();
    assert_eq!(event["data"]["object"], read, "the event has the session as the API gives it");
    assert_eq!(read["payment_status"], "paid");
    assert_eq!(read["metadata"]["booking"], "b_17");
}

#[tokio::test]
async fn a_debit_completes_unpaid_and_then_succeeds_or_fails() {
    for (arrived, word, status) in [
        (true, "checkout.session.async_payment_succeeded", "paid"),
        (false, "checkout.session.async_payment_failed", "unpaid"),
    ] {
        let bench = Bench::new();
        let id = bench.open(&Form::hosted()).await;
        bench.sandbox.pay_by_debit(&id).unwrap();
        let completed = last(&bench);
        assert_eq!(completed["type"], "checkout.session.completed");
        assert_eq!(completed["data"]["object"]["payment_status"], "unpaid");
        bench.sandbox.settle(&id, arrived).unwrap();
        let settled = last(&bench);
        assert_eq!(settled["type"], word);
        assert_eq!(settled["data"]["object"]["payment_status"], status);
        assert_eq!(settled["data"]["object"]["status"], "complete");
    }
}

#[tokio::test]
async fn debits_can_end_automatically() {
    for (debits, kind) in [
        (Debits::Arrive, EventType::SessionAsyncPaymentSucceeded),
        (Debits::Bounce, EventType::SessionAsyncPaymentFailed),
    ] {
        let bench = Bench::choosing(|options| options.debits = debits);
        let id = bench.open(&Form::hosted()).await;
        bench.sandbox.pay_by_debit(&id).unwrap();
        bench.advance(SignedDuration::from_secs(9));
        assert_eq!(bench.sandbox.events().len(), 1);
        bench.advance(SignedDuration::from_secs(1));
        assert_eq!(bench.sandbox.events().last().unwrap().kind, kind);
    }
}

#[tokio::test]
async fn an_open_session_expires_automatically() {
    let bench = Bench::new();
    let late = Form::hosted().set("expires_at", &(START + 3_600).to_string());
    let early = Form::hosted().set("expires_at", &(START + 1_800).to_string());
    let ids = [bench.open(&late).await, bench.open(&early).await];
    let paid = bench.open(&early).await;
    bench.sandbox.pay(&paid).unwrap();
    bench.advance(SignedDuration::from_hours(2));

    let events = bench.sandbox.events();
    let expired: Vec<_> = events[1..]
        .iter()
        .map(|event| (event.kind, event.object.as_str(), event.created.as_second()))
        .collect();
    assert_eq!(
        expired,
        [
            (EventType::SessionExpired, ids[1].as_str(), START + 1_800),
            (EventType::SessionExpired, ids[0].as_str(), START + 3_600),
        ],
        "each once, at its time, and none that was paid"
    );
}

#[tokio::test]
async fn the_event_of_an_expiry_names_its_request() {
    let bench = Bench::new();
    let id = bench.open(&Form::hosted()).await;
    let path = format!("{SESSIONS}/{id}/expire");
    let answer = bench.post_keyed(&path, &Form::default(), "expire-17").await;
    let event = last(&bench);
    assert_eq!(event["type"], "checkout.session.expired");
    assert_eq!(event["request"]["id"].as_str(), answer.header("request-id"));
    assert_eq!(event["request"]["idempotency_key"], "expire-17");
    bench.post_keyed(&path, &Form::default(), "expire-17").await;
    assert_eq!(words(&bench).len(), 1, "a replay is no event");
}

#[tokio::test]
async fn a_refund_emits_events_of_the_refund_and_the_charge() {
    let bench = Bench::new();
    let payment = bench.paid().await;
    let form = Form::of(&[("payment_intent", &payment), ("amount", "2000")]);
    let refund = bench.post(REFUNDS, &form).await.json();
    assert_eq!(words(&bench)[1..], ["refund.created", "charge.refunded"]);
    let charge = last(&bench)["data"].clone();
    assert_eq!(charge["object"]["id"], refund["charge"]);
    assert_eq!(charge["object"]["payment_intent"], *payment);
    assert_eq!(charge["object"]["amount_refunded"], 2_000);
    assert_eq!(charge["object"]["refunded"], false);
    assert_eq!(charge["previous_attributes"]["amount_refunded"], 0);
}

#[tokio::test]
async fn a_pending_refund_succeeds_after_the_banks_time() {
    let bench = Bench::choosing(|options| options.refunds = Refunds::Pending);
    let payment = bench.paid().await;
    let refund = bench.post(REFUNDS, &Form::of(&[("payment_intent", &payment)])).await.json();
    assert_eq!(refund["status"], "pending");
    assert_eq!(refund["pending_reason"], "processing");
    bench.advance(SignedDuration::from_secs(10));
    let updated = last(&bench);
    assert_eq!(updated["type"], "refund.updated");
    assert_eq!(updated["data"]["object"]["status"], "succeeded");
    assert_eq!(updated["data"]["previous_attributes"], json!({"status": "pending"}));
}

#[tokio::test]
async fn a_refund_fails_after_it_succeeded_and_can_be_made_again() {
    let bench = Bench::choosing(|options| options.refunds = Refunds::Failing);
    let payment = bench.paid().await;
    let form = Form::of(&[("payment_intent", &payment)]);
    let refund = bench.post(REFUNDS, &form).await.json();
    assert_eq!(refund["status"], "succeeded");
    bench.advance(SignedDuration::from_secs(10));
    assert_eq!(words(&bench)[3..], ["refund.updated", "refund.failed"]);
    let failed = last(&bench)["data"]["object"].clone();
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["failure_reason"], "expired_or_canceled_card");

    bench.sandbox.set_refunds(Refunds::Ok);
    let again = bench.post(REFUNDS, &form).await.json();
    assert_eq!(again["amount"], 5_000, "the money is back with the merchant");
}

#[tokio::test]
async fn two_test_cards_override_how_refunds_end() {
    let bench = Bench::new();
    for (card, at_once, later) in [
        ("4000 0000 0000 7726", RefundStatus::Pending, RefundStatus::Succeeded),
        ("4000 0000 0000 5126", RefundStatus::Succeeded, RefundStatus::Failed),
    ] {
        let id = bench.open(&Form::hosted()).await;
        bench.press(&id, "pay", card).await;
        let payment = bench.sandbox.payment(&id).unwrap().id;
        bench.post(REFUNDS, &Form::of(&[("payment_intent", &payment)])).await;
        assert_eq!(bench.sandbox.refunds(&payment)[0].status, at_once, "{card}");
        bench.advance(SignedDuration::from_secs(10));
        assert_eq!(bench.sandbox.refunds(&payment)[0].status, later, "{card}");
    }
}
