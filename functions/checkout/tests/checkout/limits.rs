//! Bookings that count like unpaid holds, although they are not held any longer.

use std::sync::atomic::{AtomicBool, Ordering};

use jiff::SignedDuration;
use lambda_http::{Body, Response};
use salon::booking::{Booking, State};
use serde_json::{Value, json};
use stand_ins::gateway_event::GatewayEvent;

use crate::harness::{CDN_SECRET, Harness};
use testing::http_messages::{
    checkout_body, checkout_event, json_body, status_and_code, text_field,
};
use testing::{Call, Tally};

const HOME: &str = "192.0.2.7";
const AWAY: &str = "192.0.2.8";

/// Requests a time as one client, from a network address.
async fn request(harness: &Harness, time: &str, source: &str) -> Response<Body> {
    harness.send(&checkout_event(&body(time, &json!({}))).source(source)).await
}

/// Requests a time as the same client at home, with further fields.
async fn request_with(harness: &Harness, time: &str, more: &Value) -> Response<Body> {
    harness.send(&checkout_event(&body(time, more)).source(HOME)).await
}

fn body(time: &str, more: &Value) -> Value {
    let mut fields = json!({
        "time": time, "date": "2026-11-27",
        "clientPhone": "+1 206 555 0100", "clientEmail": "ada@example.com",
    });
    for (name, value) in more.as_object().expect("fields") {
        fields[name] = value.clone();
    }
    checkout_body(fields)
}

async fn hold(harness: &Harness, time: &str) -> Value {
    let response = request(harness, time, HOME).await;
    assert_eq!(response.status(), 201, "{response:?}");
    json_body(&response)
}

/// Looks at a booking, which asks Stripe about its payment.
async fn view(harness: &Harness, body: &Value) -> Value {
    harness.clock.advance(SignedDuration::from_secs(5));
    let id = text_field(body, "bookingId");
    json_body(&harness.get(&format!("/bookings/{id}")).await)["status"].clone()
}

#[tokio::test]
async fn a_payment_that_takes_days_counts_until_it_has_arrived_or_failed() {
    let delayed = |file: String| file.replace("delayed_methods = false", "delayed_methods = true");
    for has_arrived in [true, false] {
        let harness = Harness::with_salon(delayed).await;
        let mut held = Vec::new();
        for time in ["10:00", "11:00"] {
            let body = hold(&harness, time).await;
            let session = text_field(&body, "sessionId");
            harness.stripe().pay_by_debit(&session).expect("the session is open");
            assert_eq!(view(&harness, &body).await, "processing");
            held.push((body, session));
        }
        harness.clock.advance(SignedDuration::from_hours(12));
        let response = request(&harness, "12:00", HOME).await;
        assert_eq!(status_and_code(&response), (429, "too_many_holds".to_owned()));
        assert_eq!(request(&harness, "12:00", AWAY).await.status(), 201, "another address");

        let (body, session) = &held[0];
        harness.stripe().settle(session, has_arrived).expect("it is on its way");
        assert_eq!(view(&harness, body).await, if has_arrived { "confirmed" } else { "expired" });
        assert_eq!(request(&harness, "13:00", HOME).await.status(), 201);
        let settled = harness.booking(&text_field(body, "bookingId")).await;
        assert_eq!(settled.hold_keys, [], "a settled booking keeps no hashes of its client");
        harness.check_invariants();
    }
}

#[tokio::test]
async fn at_most_two_payments_of_a_day_sheet_can_take_days() {
    let delayed = |file: String| file.replace("delayed_methods = false", "delayed_methods = true");
    let harness = Harness::with_salon(delayed).await;
    let held = async |time: &str, day: &str| {
        let body = checkout_body(json!({"time": time, "date": day}));
        let body = json_body(&harness.reserve(&body).await);
        let booking = harness.booking(&text_field(&body, "bookingId")).await;
        let is_by_card_only = booking.checkout.form.contains("allowed_payment_method_types");
        assert_eq!(is_by_card_only, !booking.checkout.offers_delayed, "{body}");
        (body, booking.checkout.offers_delayed)
    };
    let (first, offers_delayed) = held("10:00", "2026-11-27").await;
    assert!(offers_delayed);
    let (second, offers_delayed) = held("11:00", "2026-11-27").await;
    assert!(offers_delayed);
    let (third, offers_delayed) = held("12:00", "2026-11-27").await;
    assert!(!offers_delayed, "two sessions of that day offer such methods");
    assert!(held("12:00", "2026-11-28").await.1, "another day");

    // One becomes `processing`, and the hold of the other ends.
    harness.stripe().pay_by_debit(&text_field(&first, "sessionId")).expect("it is open");
    assert_eq!(view(&harness, &first).await, "processing");
    harness.clock.advance(SignedDuration::from_mins(15));
    assert!(!held("13:00", "2026-11-27").await.1, "the second may have been paid");
    harness.stripe().pay(&text_field(&third, "sessionId")).expect("it is open");
    let session = text_field(&second, "sessionId");
    harness.stripe().pay_by_debit(&session).expect("it is open");
    assert_eq!(view(&harness, &second).await, "processing");
    assert_eq!(view(&harness, &third).await, "confirmed");
    assert!(!held("14:00", "2026-11-27").await.1);

    // Once one has arrived, there is room again.
    harness.stripe().settle(&session, true).expect("it is on its way");
    assert_eq!(view(&harness, &second).await, "confirmed");
    assert!(held("15:00", "2026-11-27").await.1);
    harness.check_invariants();
}

#[tokio::test]
async fn a_paid_booking_that_its_client_cancels_counts_for_a_day() {
    let harness = Harness::new().await;
    for time in ["10:00", "11:00"] {
        let body = hold(&harness, time).await;
        harness.stripe().pay(&text_field(&body, "sessionId")).expect("the session is open");
        assert_eq!(view(&harness, &body).await, "confirmed");
        let (id, token) = (text_field(&body, "bookingId"), text_field(&body, "manageToken"));
        for _ in 0..2 {
            let response = harness.cancel_from(HOME, &id, &token).await;
            assert_eq!(response.status(), 200, "{response:?}");
        }
        let cancelled = harness.booking(&id).await;
        assert_eq!((cancelled.state, cancelled.hold_keys), (State::Refunded, vec![]));
    }
    let response = request(&harness, "12:00", HOME).await;
    assert_eq!(status_and_code(&response), (429, "too_many_holds".to_owned()));
    let wait = SignedDuration::from_hours(24) - SignedDuration::from_secs(5);
    assert_eq!(response.headers()["retry-after"], wait.as_secs().to_string().as_str());
    assert_eq!(
        json_body(&response)["error"]["message"],
        "There are too many unpaid or cancelled bookings in your name or from your network. Pay \
         or cancel the unpaid ones, or book again after Tuesday, November 24, 7:01 AM."
    );
    assert_eq!(request(&harness, "12:00", AWAY).await.status(), 201, "another address");

    harness.clock.advance(wait);
    assert_eq!(request(&harness, "13:00", HOME).await.status(), 201);
    harness.check_invariants();
}

#[tokio::test]
async fn a_cancellation_counts_where_the_client_cancels() {
    let harness = Harness::new().await;
    for time in ["10:00", "11:00"] {
        let body = hold(&harness, time).await;
        // Nobody knows of the payment when the client cancels.
        harness.stripe().pay(&text_field(&body, "sessionId")).expect("the session is open");
        let (id, token) = (text_field(&body, "bookingId"), text_field(&body, "manageToken"));
        assert_eq!(harness.cancel_from(AWAY, &id, &token).await.status(), 200);
    }
    assert_eq!(request(&harness, "12:00", AWAY).await.status(), 429);
    assert_eq!(request(&harness, "12:00", HOME).await.status(), 201);
}

#[tokio::test]
async fn a_payment_that_is_cancelled_on_its_way_counts_for_a_day() {
    let delayed = |file: String| file.replace("delayed_methods = false", "delayed_methods = true");
    let harness = Harness::with_salon(delayed).await;
    for time in ["10:00", "11:00"] {
        let body = hold(&harness, time).await;
        harness.stripe().pay_by_debit(&text_field(&body, "sessionId")).expect("it is open");
        assert_eq!(view(&harness, &body).await, "processing");
        let (id, token) = (text_field(&body, "bookingId"), text_field(&body, "manageToken"));
        assert_eq!(harness.cancel_from(AWAY, &id, &token).await.status(), 200);
        let cancelled = harness.booking(&id).await;
        assert_eq!((cancelled.state, cancelled.hold_keys), (State::Cancelled, vec![]));
    }
    for source in [HOME, AWAY] {
        let response = request(&harness, "12:00", source).await;
        assert_eq!(status_and_code(&response), (429, "too_many_holds".to_owned()), "{source}");
    }
    harness.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(request(&harness, "12:00", HOME).await.status(), 201);
}

/// Stands by for 10:00, which somebody else holds, and authorises the payment.
async fn in_line(harness: &Harness) -> Value {
    let other = checkout_body(json!({"time": "10:00", "date": "2026-11-27"}));
    assert_eq!(harness.reserve(&other).await.status(), 201);
    let body = json_body(&request_with(harness, "10:00", &json!({"standby": true})).await);
    harness.stripe().pay(&text_field(&body, "sessionId")).expect("the session is open");
    assert_eq!(view(harness, &body).await, "in_line");
    body
}

/// Requests a time at home instead of an earlier booking.
async fn replace(harness: &Harness, earlier: &Value, time: &str) -> Response<Body> {
    let replaces =
        json!({"bookingId": earlier["bookingId"], "manageToken": earlier["manageToken"]});
    request_with(harness, time, &json!({"replaces": replaces})).await
}

#[tokio::test]
async fn a_place_in_line_that_is_given_up_for_another_time_counts_for_a_day() {
    let harness = Harness::new().await;
    let first = in_line(&harness).await;
    let second = replace(&harness, &first, "14:00").await;
    assert_eq!(second.status(), 201, "{second:?}");
    let given_up = harness.booking(&text_field(&first, "bookingId")).await;
    assert_eq!((given_up.state, given_up.hold_keys), (State::Released, vec![]));
    let third = request(&harness, "15:00", HOME).await;
    assert_eq!(status_and_code(&third), (429, "too_many_holds".to_owned()));
    let instead = replace(&harness, &json_body(&second), "15:00").await;
    assert_eq!(instead.status(), 201, "giving up what was not authorised is free");

    harness.clock.advance(SignedDuration::from_hours(23));
    assert_eq!(request(&harness, "16:00", HOME).await.status(), 201);
    assert_eq!(request(&harness, "17:00", HOME).await.status(), 429);
    harness.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(request(&harness, "17:00", HOME).await.status(), 201);
}

#[tokio::test]
async fn nobody_loses_their_place_in_line_to_a_limit() {
    let one =
        |file: String| file.replace("max_holds_per_customer = 2", "max_holds_per_customer = 1");
    let harness = Harness::with_salon(one).await;
    let own = in_line(&harness).await;
    let response = replace(&harness, &own, "14:00").await;
    assert_eq!(status_and_code(&response), (429, "too_many_holds".to_owned()));
    let kept = harness.booking(&text_field(&own, "bookingId")).await;
    assert_eq!(kept.state, State::InLine);
}

#[tokio::test]
async fn a_place_in_line_that_has_become_the_time_is_not_given_up() {
    let harness = Harness::new().await;
    let own = in_line(&harness).await;
    let id = text_field(&own, "bookingId");
    let store = harness.store.clone();
    let has_got_it = AtomicBool::new(false);
    harness.store.set_hook(move |call: Call<'_>| {
        if let Call::Write(change) = call
            && change.booking.state == State::Released
            && !has_got_it.swap(true, Ordering::Relaxed)
        {
            let version = change.booking.version + 1;
            let got = Booking { state: State::Confirmed, version, ..change.booking.clone() };
            store.put_booking(got);
        }
        Ok(())
    });
    let response = replace(&harness, &own, "14:00").await;
    assert_eq!(status_and_code(&response), (409, "not_cancellable".to_owned()));
    assert_eq!(harness.booking(&id).await.state, State::Confirmed);
}

#[tokio::test]
async fn an_unpaid_booking_that_is_cancelled_no_longer_counts() {
    let harness = Harness::new().await;
    for _ in 0..4 {
        let body = hold(&harness, "10:00").await;
        let (id, token) = (text_field(&body, "bookingId"), text_field(&body, "manageToken"));
        assert_eq!(harness.cancel_from(HOME, &id, &token).await.status(), 200);
    }
}

#[tokio::test]
async fn a_cancellation_that_cannot_be_counted_is_not_written() {
    let harness = Harness::new().await;
    let body = hold(&harness, "10:00").await;
    harness.stripe().pay(&text_field(&body, "sessionId")).expect("the session is open");
    assert_eq!(view(&harness, &body).await, "confirmed");
    let (id, token) = (text_field(&body, "bookingId"), text_field(&body, "manageToken"));
    harness.store.set_hook(|call: Call<'_>| match call {
        Call::ReservationContext => Err(call.unavailable().into()),
        _ => Ok(()),
    });
    assert_eq!(harness.cancel_from(HOME, &id, &token).await.status(), 503);
    assert_eq!(harness.booking(&id).await.state, State::Confirmed);
}

#[tokio::test]
async fn behind_a_cdn_each_clients_own_address_counts() {
    const CDN: &str = "203.0.113.1";
    let one = |file: String| {
        file.replace("max_holds_per_address = 20", "max_holds_per_address = 1")
            .replace("max_bare_per_hour = 10", "max_bare_per_hour = 1")
    };
    let harness = Harness::with_salon(one).await;
    let from = |event: GatewayEvent, client: &str, secret: &str| {
        event
            .source(CDN)
            .header("x-openchair-client-address", client)
            .header("x-openchair-client-secret", secret)
    };
    let book = |time: &str| checkout_event(&checkout_body(json!({"time": time})));
    let bare = || GatewayEvent::new("POST", "/checkout");
    for (hour, client, secret, (booked, paid)) in [
        (10, HOME, CDN_SECRET, (201, 200)),
        (11, HOME, CDN_SECRET, (429, 429)),
        (12, AWAY, CDN_SECRET, (201, 200)),
        (13, "192.0.2.9", "not-the-secret-0123456789", (201, 200)),
        // The address of the CDN counts, which has a hold by now.
        (14, "192.0.2.10", "not-the-secret-0123456789", (429, 429)),
        (15, "unreadable", CDN_SECRET, (429, 429)),
    ] {
        let response = harness.send(&from(book(&format!("{hour}:00")), client, secret)).await;
        assert_eq!(response.status(), booked, "{hour}: {response:?}");
        let response = harness.send(&from(bare(), client, secret)).await;
        assert_eq!(response.status(), paid, "{hour}: {response:?}");
    }
    harness.check_invariants();
}

#[tokio::test]
async fn every_refusal_by_a_limit_is_counted_once() {
    let tally = Tally::default();
    let _counting = metrics::set_default_local_recorder(&tally);
    let one = |file: String| {
        file.replace("max_holds_per_customer = 2", "max_holds_per_customer = 1")
            .replace("max_bare_per_hour = 10", "max_bare_per_hour = 1")
    };
    let harness = Harness::with_salon(one).await;
    for (time, status) in [("10:00", 201), ("11:00", 429), ("11:00", 429)] {
        assert_eq!(request(&harness, time, HOME).await.status(), status);
    }
    for status in [200, 429] {
        let event = GatewayEvent::new("POST", "/checkout");
        assert_eq!(harness.send(&event).await.status(), status);
    }
    let taken = checkout_body(json!({"time": "10:00", "date": "2026-11-27"}));
    assert_eq!(harness.reserve(&taken).await.status(), 409, "this is no limit");
    let expected = [("HoldsPlaced", 1), ("HoldsRefused", 3)];
    assert_eq!(tally.counts(), expected.map(|(name, count)| (name.to_owned(), count)));
}
