//! Names, phone numbers and addresses as visitors type and paste them.

use serde_json::json;
use stand_ins::sandbox::Effect;

use crate::harness::Harness;
use testing::http_messages::{checkout_body, checkout_event, json_body, status_and_code};

#[tokio::test]
async fn an_address_that_stripe_refuses_is_the_visitors_to_correct() {
    let harness = Harness::new().await;
    let refuse = |param| {
        let effect = Effect::RefusedParameter(param);
        harness.fail_stripe("POST /v1/checkout/sessions", effect, 1);
    };
    let with_key = |email: &str| {
        let body = checkout_body(json!({"clientEmail": email, "clientPhone": "206 555 0100"}));
        checkout_event(&body).header("idempotency-key", "a-random-key-of-a-page")
    };
    refuse("customer_email");
    let response = harness.send(&with_key("ada@example.com")).await;
    assert_eq!(status_and_code(&response), (422, "invalid_field".to_owned()));
    let error = &json_body(&response)["error"];
    assert_eq!(error["field"], "clientEmail");
    assert_eq!(
        error["message"],
        "The payment service does not accept this e-mail address. Check the spelling, or use \
         another address."
    );
    assert_eq!(harness.entries("s1", "2026-11-24").await, [], "the time is free again");
    harness.check_invariants();

    refuse("line_items[0][quantity]");
    let response = harness.send(&with_key("ada@example.com")).await;
    assert_eq!(status_and_code(&response), (502, "payment_rejected".to_owned()));
    let corrected = harness.send(&with_key("ada.lovelace@example.com")).await;
    assert_eq!(corrected.status(), 201, "the same key serves the corrected request");
    harness.check_invariants();
}
