//! Names, phone numbers and addresses as visitors type and paste them.

use serde_json::json;
use stand_ins::sandbox::Effect;

use crate::harness::Harness;
use testing::http_messages::{checkout_body, checkout_event, json_body, status_and_code};

#[tokio::test]
async fn a_pasted_phone_number_is_stored_in_e164_with_its_extension() {
    let table = [
        ("\u{202a}+1\u{a0}(206)\u{a0}555\u{2011}0100\u{202c}", None),
        ("２０６－５５５－０１００", None),
        ("tel:+1-206-555-0100;ext=0012", Some("0012")),
        ("206 555 0100 Ext. 12", Some("12")),
        ("(983) 555-0100,12", Some("12")),
    ];
    for (given, extension) in table {
        let harness = Harness::new().await;
        let response = harness.reserve(&checkout_body(json!({"clientPhone": given}))).await;
        assert_eq!(response.status(), 201, "{given:?}: {response:?}");
        let bookings = harness.store.bookings();
        let phone = &bookings[0].customer.phone;
        let number = if given.contains("983") { "+19835550100" } else { "+12065550100" };
        assert_eq!((phone.as_str(), phone.extension()), (number, extension), "{given:?}");
        harness.check_invariants();
    }
}

#[tokio::test]
async fn the_limit_of_unpaid_holds_counts_a_phone_number_whatever_its_extension() {
    let harness = Harness::new().await;
    for (number, (time, status)) in
        [("10:00", 201), ("11:00", 201), ("12:00", 429)].into_iter().enumerate()
    {
        let phone = format!("206 555 0199 x{number}");
        let body = checkout_body(json!({"clientPhone": phone, "time": time}));
        let event = checkout_event(&body).source("192.0.2.7");
        assert_eq!(harness.send(&event).await.status(), status, "{phone}");
    }
}

#[tokio::test]
async fn a_request_with_another_extension_is_another_request() {
    let harness = Harness::new().await;
    let send = |phone: &str| {
        let body = checkout_body(json!({
            "clientPhone": phone, "clientEmail": "ada@example.com", "clientName": "Ada"
        }));
        checkout_event(&body).header("idempotency-key", "a-random-key-of-a-page")
    };
    assert_eq!(harness.send(&send("206 555 0100 x1")).await.status(), 201);
    assert_eq!(harness.send(&send("206 555 0100 ext. 1")).await.status(), 200);
    let other = harness.send(&send("206 555 0100 x2")).await;
    assert_eq!(status_and_code(&other), (409, "idempotency_mismatch".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_used_is_answered_with_what_to_do() {
    let harness = Harness::new().await;
    let long = format!("{}@example.com", "a".repeat(65));
    let characters = "The part before the @ contains quotes, accents or letters that mail to this \
                      address cannot have; check the spelling, or use another e-mail address.";
    let invisible = "The e-mail address contains an invisible character; type it instead of \
                     pasting it.";
    let table = [
        ("clientEmail", "\"ada lovelace\"@example.com", characters),
        ("clientEmail", "josé@example.com", characters),
        ("clientEmail", "ada\u{200b}@example.com", invisible),
        ("clientEmail", "ada@exam\u{ad}ple.com", invisible),
        ("clientEmail", "ada@example.com\u{7f}", invisible),
        (
            "clientEmail",
            &long,
            "The e-mail address is too long; check the spelling, or use a shorter one.",
        ),
        (
            "clientEmail",
            "ada@example",
            "This is not an e-mail address; it is written like name@example.com.",
        ),
        ("clientName", "\u{301}\u{200d}\u{3164}", "The name is empty."),
        (
            "clientName",
            "Ada\u{2028}Lovelace",
            "The name contains a control character; type it instead of pasting it.",
        ),
        (
            "clientPhone",
            "206 555 0100 ext.",
            "This is not a phone number; a number from abroad starts with + and the country code.",
        ),
    ];
    for (field, value, message) in table {
        let response = harness.reserve(&checkout_body(json!({field: value}))).await;
        assert_eq!(
            status_and_code(&response),
            (422, "invalid_field".to_owned()),
            "{field}: {value:?}"
        );
        let error = &json_body(&response)["error"];
        assert_eq!((&error["field"], &error["message"]), (&json!(field), &json!(message)));
    }
    assert_eq!((harness.store.bookings(), harness.sessions_requested()), (vec![], 0));
}

#[tokio::test]
async fn an_international_domain_reaches_stripe_in_punycode() {
    let harness = Harness::new().await;
    let body = checkout_body(json!({"clientEmail": "Ada@Bücher.example"}));
    assert_eq!(harness.reserve(&body).await.status(), 201);
    let email = "Ada@xn--bcher-kva.example";
    assert_eq!(harness.stripe().sessions()[0].customer_email.as_deref(), Some(email));
    assert_eq!(harness.store.bookings()[0].customer.email.as_str(), email);
}

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

#[tokio::test]
async fn a_start_may_have_lower_case_letters() {
    for start in ["2026-11-24t10:00:00-08:00", "2026-11-24t18:00:00z"] {
        let harness = Harness::new().await;
        let body = checkout_body(json!({"date": "absent", "time": "absent", "start": start}));
        let response = harness.reserve(&body).await;
        assert_eq!(json_body(&response)["start"], "2026-11-24T10:00:00-08:00", "{response:?}");
    }
}
