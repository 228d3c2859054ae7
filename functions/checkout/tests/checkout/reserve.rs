//! Reserving: the hold, its session, its repeats and its limits.

use jiff::SignedDuration;
use salon::booking::State;
use serde_json::{Value, json};
use stand_ins::sandbox::{Effect, SandboxOptions};

use crate::harness::Harness;
use testing::http_messages::{
    checkout_body, checkout_event, json_body, status_and_code, text_field,
};

const KEY: &str = "4b0c9e57-1f0e-4a55-8f0e-0d8f6c1d2a11";

#[tokio::test]
async fn a_reserved_time_is_a_hold_with_a_session_to_pay_it() {
    let harness = Harness::new().await;
    let response = harness.reserve(&checkout_body(json!({"ui": "hosted"}))).await;
    assert_eq!(response.status(), 201, "{response:?}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let body = json_body(&response);
    assert_eq!(body["status"], "held");
    assert_eq!(body["start"], "2026-11-24T10:00:00-08:00");
    assert_eq!(body["end"], "2026-11-24T10:30:00-08:00");
    assert_eq!(body["holdExpiresAt"], "2026-11-23T07:10:00-08:00");
    assert_eq!(body["staffId"], "s1");
    assert_eq!(body["deposit"], json!({"amount": 5000, "currency": "usd"}));
    assert_eq!(body["cancellation"]["fullRefundUntil"], "2026-11-23T10:00:00-08:00");
    assert!(body["url"].is_string(), "a hosted page has an address: {body}");

    let id = text_field(&body, "bookingId");
    let session = harness.stripe().session(&text_field(&body, "sessionId")).expect("a session");
    assert_eq!(session.total.to_string(), "50.00 USD");
    assert_eq!(session.expires_at.to_string(), "2026-11-23T15:35:00Z");
    let [entry] = &harness.entries("s1", "2026-11-24").await[..] else { panic!("one entry") };
    assert_eq!(entry.booking_id.as_str(), id);
    assert_eq!(entry.until.expect("a hold").to_string(), "2026-11-23T15:10:00Z");
    harness.check_invariants();
}

#[tokio::test]
async fn every_payment_ui_gets_what_it_needs() {
    for (ui, has_url, has_secret) in
        [("hosted", true, false), ("embedded", false, true), ("elements", false, true)]
    {
        let harness = Harness::new().await;
        let body = json_body(&harness.reserve(&checkout_body(json!({"ui": ui}))).await);
        assert_eq!(
            (body["url"].is_string(), body["clientSecret"].is_string()),
            (has_url, has_secret),
            "{ui}: {body}"
        );
    }
}

#[tokio::test]
async fn a_time_can_be_given_as_12_hours_24_hours_or_an_instant() {
    for when in [
        json!({"time": "13:30"}),
        json!({"time": "1:30 PM"}),
        json!({"date": "absent", "time": "absent", "start": "2026-11-24T13:30:00-08:00"}),
        json!({"date": "absent", "time": "absent", "start": "2026-11-24T21:30:00Z"}),
    ] {
        let harness = Harness::new().await;
        let response = harness.reserve(&checkout_body(when)).await;
        assert_eq!(response.status(), 201, "{response:?}");
        assert_eq!(json_body(&response)["start"], "2026-11-24T13:30:00-08:00");
    }
}

#[tokio::test]
async fn the_same_key_gets_the_same_hold_and_session_back() {
    let harness = Harness::new().await;
    let body = checkout_body(json!({}));
    let event = checkout_event(&body).header("idempotency-key", KEY);
    let first = harness.send(&event).await;
    let again = harness.send(&event).await;
    assert_eq!((first.status().as_u16(), again.status().as_u16()), (201, 200));
    assert_eq!(json_body(&first), json_body(&again));
    assert_eq!(harness.sessions_requested(), 1, "a repeat costs Stripe nothing");

    let other = checkout_body(json!({"time": "12:00"}));
    let other = harness.send(&checkout_event(&other).header("idempotency-key", KEY)).await;
    assert_eq!(status_and_code(&other), (409, "idempotency_mismatch".to_owned()));
    let stranger = harness.send(&checkout_event(&body)).await;
    assert_eq!(
        status_and_code(&stranger),
        (409, "slot_taken".to_owned()),
        "name and phone prove nothing"
    );
    harness.check_invariants();
}

#[tokio::test]
async fn an_idempotency_key_lasts_24_hours() {
    let harness = Harness::new().await;
    let send = async |time: &str| {
        let body = checkout_body(json!({"time": time, "date": "2026-11-27"}));
        harness.send(&checkout_event(&body).header("idempotency-key", KEY)).await
    };
    assert_eq!(send("10:00").await.status(), 201);
    harness.clock.advance(SignedDuration::from_hours(23));
    assert_eq!(send("12:00").await.status(), 409);
    harness.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(send("12:00").await.status(), 201);
}

#[tokio::test]
async fn an_idempotency_key_has_16_to_255_characters() {
    let harness = Harness::new().await;
    for key in ["short", &"x".repeat(256), "fifteen-letters"] {
        let response = harness
            .send(&checkout_event(&checkout_body(json!({}))).header("idempotency-key", key))
            .await;
        assert_eq!(status_and_code(&response), (400, "invalid_parameter".to_owned()), "{key}");
    }
}

#[tokio::test]
async fn a_taken_time_is_answered_with_the_nearest_free_ones() {
    let harness = Harness::new().await;
    assert_eq!(harness.reserve(&checkout_body(json!({"time": "12:00"}))).await.status(), 201);
    let response = harness.reserve(&checkout_body(json!({"time": "12:15"}))).await;
    assert_eq!(status_and_code(&response), (409, "slot_taken".to_owned()));
    let expected = ["12:30", "12:45", "11:30", "13:00", "11:15"]
        .map(|time| format!("2026-11-24T{time}:00-08:00"));
    assert_eq!(json_body(&response)["error"]["alternatives"], json!(expected));
    for start in expected {
        let harness = Harness::new().await;
        harness.reserve(&checkout_body(json!({"time": "12:00"}))).await;
        let body = checkout_body(json!({"date": "absent", "time": "absent", "start": start}));
        assert_eq!(harness.reserve(&body).await.status(), 201, "{start} was offered");
    }
}

#[tokio::test]
async fn anyone_means_whoever_has_the_least_booked_and_a_named_person_is_kept() {
    let two = |file: String| file + "[[staff]]\nid = \"s2\"\nname = \"Second\"\n";
    let harness = Harness::with_salon(two).await;
    let reserve = async |changes: Value| {
        let response = harness.reserve(&checkout_body(changes)).await;
        if response.status() == 201 {
            text_field(&json_body(&response), "staffId")
        } else {
            status_and_code(&response).1
        }
    };
    assert_eq!(reserve(json!({"time": "10:00"})).await, "s1", "the first in the file");
    assert_eq!(reserve(json!({"time": "15:00"})).await, "s2", "who has less booked");
    assert_eq!(reserve(json!({"time": "10:00"})).await, "s2", "who is free");
    assert_eq!(reserve(json!({"time": "10:00"})).await, "slot_taken");
    assert_eq!(reserve(json!({"time": "15:00", "staffId": "s2"})).await, "slot_taken");
    assert_eq!(reserve(json!({"time": "15:00", "staffId": "s1"})).await, "s1");
    harness.check_invariants();
}

#[tokio::test]
async fn a_customer_gets_two_unpaid_holds() {
    let harness = Harness::new().await;
    let request = |changes| checkout_event(&checkout_body(changes)).source("192.0.2.7");
    let phone = request(json!({"clientPhone": "(206) 555-0100"}));
    let spelt = request(json!({"clientPhone": "+1 206 555 0100", "time": "11:00"}));
    let third = request(json!({"clientPhone": "206.555.0100", "time": "12:00"}));
    assert_eq!(harness.send(&phone).await.status(), 201);
    harness.clock.advance(SignedDuration::from_secs(20));
    assert_eq!(harness.send(&spelt).await.status(), 201);
    let response = harness.send(&third).await;
    assert_eq!(status_and_code(&response), (429, "too_many_holds".to_owned()));
    assert_eq!(response.headers()["retry-after"], "580");
    assert_eq!(
        json_body(&response)["error"]["message"],
        "There are too many unpaid or cancelled bookings in your name or from your network. Pay \
         or cancel the unpaid ones, or book again after Monday, November 23, 7:10 AM."
    );

    harness.clock.advance(SignedDuration::from_secs(580));
    assert_eq!(harness.send(&third).await.status(), 201, "the first hold has ended");
    harness.check_invariants();
}

#[tokio::test]
async fn holds_in_somebody_elses_name_do_not_keep_them_from_booking() {
    let harness = Harness::new().await;
    let in_the_name_of = |field: &str, value: &str, time: &str, source| {
        checkout_event(&checkout_body(json!({field: value, "time": time}))).source(source)
    };
    for (field, value, [first, second, third]) in [
        ("clientPhone", "206 555 0100", ["10:00", "10:30", "11:00"]),
        ("clientEmail", "ada@example.com", ["12:30", "13:00", "13:30"]),
    ] {
        for time in [first, second] {
            let event = in_the_name_of(field, value, time, "198.51.100.9");
            assert_eq!(harness.send(&event).await.status(), 201);
        }
        let stranger = in_the_name_of(field, value, third, "198.51.100.9");
        assert_eq!(harness.send(&stranger).await.status(), 429, "{field}");
        let victim = in_the_name_of(field, value, third, "192.0.2.7");
        assert_eq!(harness.send(&victim).await.status(), 201, "{field}");
    }
}

#[tokio::test]
async fn an_address_gets_as_many_unpaid_holds_as_the_salon_file_says() {
    let file =
        |file: String| file.replace("max_holds_per_address = 20", "max_holds_per_address = 6");
    let harness = Harness::with_salon(file).await;
    for hour in 10..16 {
        let event = checkout_event(&checkout_body(json!({"time": format!("{hour}:00")})))
            .source("2001:db8::1");
        assert_eq!(harness.send(&event).await.status(), 201);
    }
    let event = checkout_event(&checkout_body(json!({"time": "16:00"}))).source("2001:db8::2");
    assert_eq!(status_and_code(&harness.send(&event).await), (429, "too_many_holds".to_owned()));
    let event = checkout_event(&checkout_body(json!({"time": "16:00"}))).source("2001:db8:1::1");
    assert_eq!(harness.send(&event).await.status(), 201);
}

#[tokio::test]
async fn an_ended_hold_is_settled_before_its_time_is_sold_again() {
    let harness = Harness::new().await;
    let first = json_body(&harness.reserve(&checkout_body(json!({}))).await);
    let session = text_field(&first, "sessionId");
    harness.clock.advance(SignedDuration::from_mins(11));
    harness.stripe().pay(&session).expect("it is open");
    let response = harness.reserve(&checkout_body(json!({}))).await;
    assert_eq!(
        status_and_code(&response),
        (409, "slot_taken".to_owned()),
        "it was paid late, but before anybody else wanted the time"
    );
    assert_eq!(harness.booking(&text_field(&first, "bookingId")).await.state, State::Confirmed);

    let second = json_body(&harness.reserve(&checkout_body(json!({"time": "12:00"}))).await);
    harness.clock.advance(SignedDuration::from_secs(10 * 60 - 1));
    let early = harness.reserve(&checkout_body(json!({"time": "12:00"}))).await;
    assert_eq!(status_and_code(&early), (409, "slot_taken".to_owned()), "it is still held");
    harness.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(harness.reserve(&checkout_body(json!({"time": "12:00"}))).await.status(), 201);
    assert_eq!(harness.booking(&text_field(&second, "bookingId")).await.state, State::Expired);
    let late = harness.stripe().pay(&text_field(&second, "sessionId"));
    assert!(late.is_err(), "nobody can pay for a time that somebody else has");
    harness.check_invariants();
}

#[tokio::test]
async fn a_rate_limit_at_stripe_keeps_the_hold_and_a_retry_resumes_it() {
    let options = SandboxOptions { requests_per_second: 1, ..SandboxOptions::default() };
    let harness = Harness::with_stripe(options).await;
    assert_eq!(harness.reserve(&checkout_body(json!({}))).await.status(), 201);
    let event =
        checkout_event(&checkout_body(json!({"time": "12:00"}))).header("idempotency-key", KEY);
    let response = harness.send(&event).await;
    assert_eq!(status_and_code(&response), (503, "stripe_busy".to_owned()));
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(harness.entries("s1", "2026-11-24").await.len(), 2, "the hold is kept");
    harness.clock.advance(SignedDuration::from_secs(2));
    let response = harness.send(&event).await;
    assert_eq!(response.status(), 200, "{response:?}");
    assert!(json_body(&response)["sessionId"].is_string());
    harness.check_invariants();
}

#[tokio::test]
async fn a_retry_after_six_minutes_gets_a_second_session() {
    let harness = Harness::new().await;
    harness.fail_stripe("POST /v1/checkout/sessions", Effect::RateLimited, 5);
    let event =
        checkout_event(&checkout_body(json!({"time": "12:00"}))).header("idempotency-key", KEY);
    assert_eq!(harness.send(&event).await.status(), 503);
    harness.stripe().clear_faults();
    // The session that was asked for would now expire within 30 minutes, which
    // Stripe refuses.
    harness.clock.advance(SignedDuration::from_mins(6));
    let response = harness.send(&event).await;
    assert_eq!(response.status(), 200, "{response:?}");
    let body = json_body(&response);
    assert_eq!(body["holdExpiresAt"], "2026-11-23T07:10:00-08:00", "the hold is not prolonged");
    let booking = harness.booking(&text_field(&body, "bookingId")).await;
    assert_eq!(booking.checkout.attempt, 2);
    harness.check_invariants();
}

#[tokio::test]
async fn a_retry_after_the_hold_has_ended_opens_no_session() {
    // Nothing was opened, or what was opened was never heard of.
    for effect in [Effect::RateLimited, Effect::HangUp] {
        let harness = Harness::new().await;
        harness.fail_stripe("POST /v1/checkout/sessions", effect, 5);
        let event =
            checkout_event(&checkout_body(json!({"time": "12:00"}))).header("idempotency-key", KEY);
        assert_eq!(harness.send(&event).await.status(), 503);
        harness.stripe().clear_faults();
        let opened = harness.stripe().sessions().len();
        harness.clock.advance(SignedDuration::from_mins(36));
        let response = harness.send(&event).await;
        assert_eq!(response.status(), 200, "{response:?}");
        let body = json_body(&response);
        assert_eq!(body["status"], "expired", "after {effect:?}");
        assert_eq!(harness.stripe().sessions().len(), opened, "after {effect:?}");
        assert_eq!(harness.entries("s1", "2026-11-24").await, []);
        harness.check_invariants();
    }
}

#[tokio::test]
async fn a_permanent_refusal_by_stripe_releases_the_time() {
    let harness = Harness::new().await;
    harness.fail_stripe("POST /v1/checkout/sessions", Effect::Refused, 1);
    let event = checkout_event(&checkout_body(json!({}))).header("idempotency-key", KEY);
    assert_eq!(status_and_code(&harness.send(&event).await), (502, "payment_rejected".to_owned()));
    assert_eq!(harness.entries("s1", "2026-11-24").await, []);
    harness.check_invariants();
    assert_eq!(harness.send(&event).await.status(), 201, "the repeat starts anew");
    harness.check_invariants();
}

#[tokio::test]
async fn a_retry_finds_the_session_whose_response_was_lost() {
    for effect in [Effect::HangUp, Effect::ErrorAfter, Effect::Unavailable] {
        let harness = Harness::new().await;
        harness.fail_stripe("POST /v1/checkout/sessions", effect, 5);
        let event = checkout_event(&checkout_body(json!({}))).header("idempotency-key", KEY);
        assert_eq!(status_and_code(&harness.send(&event).await), (503, "stripe_busy".to_owned()));
        harness.stripe().clear_faults();
        let response = harness.send(&event).await;
        if effect == Effect::ErrorAfter {
            // Stripe remembers that it failed, for a day.
            assert_eq!(response.status(), 503, "{response:?}");
        } else {
            assert_eq!(response.status(), 200, "{response:?}");
        }
        assert!(
            harness.stripe().sessions().len() <= 1,
            "one session, however often it was asked for"
        );
        harness.check_invariants();
    }
}

#[tokio::test]
async fn anyone_with_its_id_can_read_a_booking() {
    let harness = Harness::new().await;
    let held = json_body(&harness.reserve(&checkout_body(json!({}))).await);
    let id = text_field(&held, "bookingId");
    let path = format!("/bookings/{id}");
    let look = || harness.get(&path);
    let shown = json_body(&look().await);
    assert_eq!(
        shown,
        json!({
            "bookingId": id, "status": "held", "serviceId": "2.02", "staffId": "s1",
            "start": "2026-11-24T10:00:00-08:00", "end": "2026-11-24T10:30:00-08:00",
            "deposit": {"amount": 5000, "currency": "usd"},
            "cancellation": {
                "fullRefundUntil": "2026-11-23T10:00:00-08:00",
                "lateRefund": {"amount": 0, "currency": "usd"},
            },
        }),
        "nothing personal, and no token"
    );

    harness.stripe().pay(&text_field(&held, "sessionId")).expect("it is open");
    assert_eq!(json_body(&look().await)["status"], "held", "Stripe is asked once in three seconds");
    harness.clock.advance(SignedDuration::from_secs(3));
    assert_eq!(json_body(&look().await)["status"], "confirmed", "and then no event is needed");
    harness.check_invariants();
    for unknown in ["/bookings/nope", &format!("/bookings/{}", "0".repeat(32))] {
        assert_eq!(
            status_and_code(&harness.get(unknown).await),
            (404, "unknown_booking".to_owned())
        );
    }
}

#[tokio::test]
async fn a_bank_debit_keeps_the_time_until_it_arrives_or_fails() {
    let slow = |file: String| file.replace("delayed_methods = false", "delayed_methods = true");
    for (arrives, expected) in [(true, "confirmed"), (false, "expired")] {
        let harness = Harness::with_salon(slow).await;
        let held = json_body(&harness.reserve(&checkout_body(json!({"date": "2026-12-22"}))).await);
        let (path, session) = (
            format!("/bookings/{}", text_field(&held, "bookingId")),
            text_field(&held, "sessionId"),
        );
        harness.stripe().pay_by_debit(&session).expect("the salon takes debits");
        assert_eq!(
            json_body(&harness.get(&path).await)["status"],
            "processing",
            "unpaid is not paid"
        );
        harness.clock.advance(SignedDuration::from_hours(72));
        let other = harness.reserve(&checkout_body(json!({"date": "2026-12-22"}))).await;
        assert_eq!(status_and_code(&other), (409, "slot_taken".to_owned()));
        harness.stripe().settle(&session, arrives).expect("a debit is under way");
        assert_eq!(json_body(&harness.get(&path).await)["status"], expected, "no event is needed");
        harness.check_invariants();
    }
}
