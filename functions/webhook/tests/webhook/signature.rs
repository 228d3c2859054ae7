//! Whether a delivery is Stripe's, before anything of it is read.

use jiff::SignedDuration;
use stand_ins::gateway_event::GatewayEvent;
use stand_ins::sandbox::{WEBHOOK_SECRET, signature};

use crate::harness::{Harness, delivery, signed};
use testing::http_messages::status_and_code;
use testing::{HarnessOptions, Hold};

/// Makes a paid hold whose event has not arrived.
async fn paid(harness: &Harness) -> (Hold, String) {
    let held = harness.hold("10:00").await;
    harness.stripe().pay(&held.session).expect("it is open");
    let body = harness.event_bodies().pop().expect("an event");
    (held, body)
}

async fn expect_rejected(harness: &Harness, held: &Hold, event: &GatewayEvent, what: &str) {
    let response = harness.send(event).await;
    assert_eq!(status_and_code(&response), (400, "bad_signature".to_owned()), "{what}");
    assert_eq!(harness.status(&held.id).await, "held", "{what}");
}

#[tokio::test]
async fn a_delivery_without_a_valid_signature_changes_nothing() {
    let harness = Harness::new().await;
    let (held, body) = paid(&harness).await;
    let now = harness.clock.now();
    let good = signature(WEBHOOK_SECRET, now, &body);
    let (_, fake) = good.split_once(",v0=").expect("a fake signature for the test mode");
    let time = now.as_second();
    let compact: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let cases = [
        ("no signature", GatewayEvent::new("POST", "/stripe/webhook").body(&body)),
        ("an empty signature", delivery("").body(&body)),
        ("not a signature", delivery("t=soon,v1=zz").body(&body)),
        ("only the fake scheme", delivery(&format!("t={time},v0={fake}")).body(&body)),
        ("the fake one as a real one", delivery(&format!("t={time},v1={fake}")).body(&body)),
        ("another secret", delivery(&signature("whsec_other", now, &body)).body(&body)),
        ("another time", delivery(&good.replace(&time.to_string(), "1795516500")).body(&body)),
        ("truncated", delivery(&good).body(&body[..body.len() - 1])),
        ("empty", delivery(&good)),
        ("one byte more", delivery(&good).body(&format!("{body} "))),
        ("another booking", delivery(&good).body(&body.replace(held.id.as_str(), &"0".repeat(32)))),
        ("parsed and written again", delivery(&good).body(&compact.to_string())),
        ("in base64 by mistake", delivery(&good).body("eyJpZCI6ImV2dF8xIn0=")),
    ];
    for (what, event) in cases {
        expect_rejected(&harness, &held, &event, what).await;
    }
    assert_eq!(harness.deliver(&body).await.status(), 200);
    assert_eq!(harness.status(&held.id).await, "confirmed", "the same event, signed well");
}

#[tokio::test]
async fn a_signature_is_valid_for_five_minutes_either_way() {
    for (seconds, is_good) in [(-301, false), (301, false), (-300, true), (300, true)] {
        let harness = Harness::new().await;
        let (held, body) = paid(&harness).await;
        let event = signed(&body, harness.clock.now() + SignedDuration::from_secs(seconds));
        if is_good {
            assert_eq!(harness.send(&event).await.status(), 200, "{seconds} s");
            assert_eq!(harness.status(&held.id).await, "confirmed", "{seconds} s");
        } else {
            expect_rejected(&harness, &held, &event, &format!("{seconds} s")).await;
        }
    }
}

#[tokio::test]
async fn an_old_delivery_is_rejected_when_replayed() {
    let harness = Harness::new().await;
    let (held, body) = paid(&harness).await;
    let event = signed(&body, harness.clock.now());
    harness.clock.advance(SignedDuration::from_mins(6));
    expect_rejected(&harness, &held, &event, "replayed").await;
}

#[tokio::test]
async fn a_base64_delivery_is_verified_after_decoding() {
    let harness = Harness::new().await;
    let (held, body) = paid(&harness).await;
    let good = signature(WEBHOOK_SECRET, harness.clock.now(), &body);
    let bytes = body.as_bytes();
    let truncated = delivery(&good).bytes(&bytes[..bytes.len() - 1]);
    expect_rejected(&harness, &held, &truncated, "truncated").await;
    assert_eq!(harness.send(&delivery(&good).bytes(bytes)).await.status(), 200);
    assert_eq!(harness.status(&held.id).await, "confirmed");
}

#[tokio::test]
async fn two_secrets_are_valid_during_a_rotation() {
    let secrets = "whsec_new, whsec_old";
    for (secret, status) in [("whsec_new", 200), ("whsec_old", 200), ("whsec_older", 400)] {
        let harness = Harness::with(secrets, HarnessOptions::default()).await;
        let (_, body) = paid(&harness).await;
        let event = delivery(&signature(secret, harness.clock.now(), &body)).body(&body);
        assert_eq!(harness.send(&event).await.status(), status, "{secret}");
    }
    // Stripe signs with both then.
    let harness = Harness::with("whsec_new", HarnessOptions::default()).await;
    let (held, body) = paid(&harness).await;
    let now = harness.clock.now();
    let v1 = |secret| {
        let header = signature(secret, now, &body);
        header.split(',').nth(1).expect("the scheme v1").to_owned()
    };
    let both = format!("t={},{},{}", now.as_second(), v1("whsec_old"), v1("whsec_new"));
    assert_eq!(harness.send(&delivery(&both).body(&body)).await.status(), 200);
    assert_eq!(harness.status(&held.id).await, "confirmed");
}

#[tokio::test]
async fn a_body_of_more_than_256_kib_is_refused() {
    let harness = Harness::new().await;
    let padded = |size: usize| {
        let start = r#"{"id":"evt_1","livemode":false,"type":"customer.created","data":""#;
        format!("{start}{}\"}}", "x".repeat(size - start.len() - 2))
    };
    assert_eq!(harness.deliver(&padded(256 * 1024)).await.status(), 200);
    let response = harness.deliver(&padded(256 * 1024 + 1)).await;
    assert_eq!(status_and_code(&response), (413, "body_too_large".to_owned()));
}
