//! Standing by for a time that somebody else holds.

use jiff::SignedDuration;
use salon::booking::State;
use serde_json::{Value, json};
use stand_ins::sandbox::{Effect, PaymentState};

use crate::harness::Harness;
use testing::http_messages::{checkout_body, json_body, status_and_code, text_field};

struct Visitor {
    id: String,
    token: String,
    session: String,
    body: Value,
}

async fn visit(harness: &Harness, changes: Value) -> Visitor {
    let response = harness.reserve(&checkout_body(changes)).await;
    assert_eq!(response.status(), 201, "{response:?}");
    let body = json_body(&response);
    Visitor {
        id: text_field(&body, "bookingId"),
        token: text_field(&body, "manageToken"),
        session: text_field(&body, "sessionId"),
        body,
    }
}

async fn stand_by(harness: &Harness) -> Visitor {
    visit(harness, json!({"standby": true})).await
}

impl Visitor {
    /// Pays, or authorises the payment, and returns from Stripe.
    async fn pay(&self, harness: &Harness) -> String {
        harness.stripe().pay(&self.session).expect("the session is open");
        self.look(harness).await
    }

    /// Looks at the booking's page, some seconds after the last look.
    async fn look(&self, harness: &Harness) -> String {
        harness.clock.advance(SignedDuration::from_secs(4));
        text_field(&json_body(&harness.get(&format!("/bookings/{}", self.id)).await), "status")
    }

    fn payment(&self, harness: &Harness) -> PaymentState {
        harness.stripe().payment(&self.session).expect("a payment").state
    }
}

#[tokio::test]
async fn a_free_time_is_simply_held() {
    let harness = Harness::new().await;
    let visitor = stand_by(&harness).await;
    assert_eq!(visitor.body["status"], "held");
    assert!(visitor.body["holdExpiresAt"].is_string());
}

#[tokio::test]
async fn whoever_stands_by_gets_the_time_when_the_hold_ends_unpaid() {
    let harness = Harness::new().await;
    let holder = visit(&harness, json!({})).await;
    let standby = stand_by(&harness).await;
    assert_eq!(standby.body["status"], "standby");
    assert_eq!(standby.body["decidedBy"], "2026-11-23T07:10:00-08:00");
    assert_eq!(standby.body.get("holdExpiresAt"), None);
    let session = harness.stripe().session(&standby.session).expect("a session");
    let message = session.submit_message.expect("a text");
    assert!(message.contains("decided by 7:10 AM"), "{message}");

    assert_eq!(standby.pay(&harness).await, "in_line");
    assert_eq!(standby.payment(&harness), PaymentState::Authorised);
    // Nobody can be faster any more.
    let other = harness.reserve(&checkout_body(json!({}))).await;
    assert_eq!(status_and_code(&other), (409, "slot_taken".to_owned()));
    harness.check_invariants();

    harness.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(standby.look(&harness).await, "confirmed");
    assert_eq!(standby.payment(&harness), PaymentState::Succeeded);
    assert_eq!(holder.look(&harness).await, "expired");
    assert!(harness.stripe().pay(&holder.session).is_err(), "it can no longer be paid");
    harness.check_invariants();
}

#[tokio::test]
async fn whoever_authorises_after_the_hold_has_ended_learns_at_once_that_the_time_is_theirs() {
    let harness = Harness::new().await;
    visit(&harness, json!({})).await;
    let standby = stand_by(&harness).await;
    harness.clock.advance(SignedDuration::from_mins(11));
    assert_eq!(standby.pay(&harness).await, "confirmed");
    harness.check_invariants();
}

#[tokio::test]
async fn whoever_stands_by_is_not_charged_when_the_hold_is_paid() {
    let harness = Harness::new().await;
    let holder = visit(&harness, json!({})).await;
    let standby = stand_by(&harness).await;
    assert_eq!(standby.pay(&harness).await, "in_line");
    assert_eq!(holder.pay(&harness).await, "confirmed");
    assert_eq!(standby.look(&harness).await, "released");
    assert_eq!(standby.payment(&harness), PaymentState::Cancelled);
    let late = stand_by_refused(&harness).await;
    assert_eq!(late, (409, "slot_taken".to_owned()), "nobody can stand by for a paid time");
    harness.check_invariants();
}

async fn stand_by_refused(harness: &Harness) -> (u16, String) {
    status_and_code(&harness.reserve(&checkout_body(json!({"standby": true}))).await)
}

#[tokio::test]
async fn the_line_is_in_the_order_of_the_authorisations() {
    let harness = Harness::new().await;
    let holder = visit(&harness, json!({})).await;
    let (first, second) = (stand_by(&harness).await, stand_by(&harness).await);
    assert_eq!(second.pay(&harness).await, "in_line");
    assert_eq!(first.pay(&harness).await, "in_line");
    assert_eq!(harness.cancel(&holder.id, &holder.token).await.status(), 200);
    assert_eq!(second.look(&harness).await, "confirmed", "at once, as the holder has cancelled");
    assert_eq!(first.look(&harness).await, "released");
    assert_eq!(first.payment(&harness), PaymentState::Cancelled);
    harness.check_invariants();
}

#[tokio::test]
async fn a_payment_that_cannot_be_captured_gives_way_to_the_next() {
    let harness = Harness::new().await;
    let holder = visit(&harness, json!({})).await;
    let (first, second) = (stand_by(&harness).await, stand_by(&harness).await);
    assert_eq!(first.pay(&harness).await, "in_line");
    assert_eq!(second.pay(&harness).await, "in_line");
    harness.stripe().cancel_payment(&first.session).expect("it is authorised");
    assert_eq!(harness.cancel(&holder.id, &holder.token).await.status(), 200);
    assert_eq!(second.look(&harness).await, "confirmed");
    assert_eq!(first.look(&harness).await, "released");
    harness.check_invariants();
}

#[tokio::test]
async fn a_capture_that_fails_is_retried_and_keeps_the_time() {
    let harness = Harness::new().await;
    let holder = visit(&harness, json!({})).await;
    let standby = stand_by(&harness).await;
    assert_eq!(standby.pay(&harness).await, "in_line");
    harness.fail_stripe("POST /v1/payment_intents/{id}/capture", Effect::ErrorAfter, 1);
    assert_eq!(harness.cancel(&holder.id, &holder.token).await.status(), 200);
    let state = harness.booking(&standby.id).await.state;
    assert!(matches!(state, State::Capturing | State::Confirmed), "{state}");
    assert_eq!(standby.look(&harness).await, "confirmed");
    assert_eq!(standby.payment(&harness), PaymentState::Succeeded);
    harness.check_invariants();
}

#[tokio::test]
async fn leaving_the_line_costs_nothing() {
    let harness = Harness::new().await;
    let _holder = visit(&harness, json!({})).await;
    let (before, after) = (stand_by(&harness).await, stand_by(&harness).await);
    let cancelled = json_body(&harness.cancel(&before.id, &before.token).await);
    assert_eq!(cancelled["status"], "cancelled", "nothing was authorised");
    assert_eq!(after.pay(&harness).await, "in_line");
    for _ in 0..2 {
        let released = json_body(&harness.cancel(&after.id, &after.token).await);
        assert_eq!(released["status"], "released");
    }
    assert_eq!(after.payment(&harness), PaymentState::Cancelled);
    harness.check_invariants();
}

#[tokio::test]
async fn standby_must_be_true_or_false() {
    let harness = Harness::new().await;
    for wrong in [json!("true"), json!(1), json!([])] {
        let response = harness.reserve(&checkout_body(json!({"standby": wrong}))).await;
        assert_eq!(status_and_code(&response), (422, "invalid_field".to_owned()));
        assert_eq!(json_body(&response)["error"]["field"], "standby");
    }
}
