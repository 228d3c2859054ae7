//! What happens to payments outside of a booking's normal life.

use std::time::Duration;

use jiff::SignedDuration;
use openchair::payments::{Payments, SessionRequest};
use openchair::store::booking_store::{
    BookingChange, BookingStore, HoldCountChange, RequestKeyChange,
};
use salon::booking::{SecondPayment, SecondRefund, State, WarningKind};
use serde_json::json;
use stand_ins::sandbox::{Effect, Refunds};

use crate::harness::{Harness, changed};
use testing::http_messages::status_and_code;
use testing::{Hold, Tally};
use tokio::time::Instant;

/// Opens another session for a booking, with its own form after `change`. Returns its id.
async fn another_session(
    harness: &Harness,
    hold: &Hold,
    change: impl Fn(&str) -> String,
) -> String {
    let form = harness.booking(&hold.id).await.checkout.form;
    let request = SessionRequest::from_parts("another".to_owned(), change(&form));
    harness.stripe_client().open(&request).await.expect("a session").id
}

async fn confirmed(harness: &Harness) -> Hold {
    let hold = harness.paid_hold("10:00").await;
    harness.deliver_all().await;
    assert_eq!(harness.status(&hold.id).await, "confirmed");
    hold
}

/// Tells of a warning about a booking's payment.
async fn warn(harness: &Harness, hold: &Hold, kind: &str) {
    let payment = harness.stripe().payment(&hold.session).expect("a payment").id;
    let event = json!({
        "id": "evt_warning", "livemode": false, "type": kind,
        "data": {"object": {"id": "du_1", "charge": "ch_1", "payment_intent": payment}},
    });
    assert_eq!(harness.deliver(&event.to_string()).await.status(), 200, "{kind}");
}

#[tokio::test]
async fn a_payment_in_another_session_is_refunded_and_confirms_nothing() {
    for is_first_paid in [true, false] {
        let harness = Harness::new().await;
        let hold = harness.hold("10:00").await;
        let other = another_session(&harness, &hold, str::to_owned).await;
        if is_first_paid {
            harness.stripe().pay(&hold.session).expect("it is open");
        }
        harness.stripe().pay(&other).expect("it is open");
        harness.deliver_all().await;
        harness.deliver_all().await;

        let booking = harness.booking(&hold.id).await;
        assert_eq!(booking.state.as_str(), if is_first_paid { "confirmed" } else { "held" });
        let payment = harness.stripe().payment(&other).expect("it is paid").id;
        let [second] = &booking.incidents.second_payments[..] else {
            panic!("one second payment is expected: {:?}", booking.incidents)
        };
        assert_eq!((&second.payment, second.refund), (&payment, SecondRefund::Made));
        let refunds = harness.stripe().refunds(&payment);
        assert_eq!(refunds.len(), 1);
        assert_eq!(refunds[0].amount.amount(), 5_000);
        assert_eq!(harness.refunds(&hold.id).await, 0, "the booking's own payment stays");
    }
}

#[tokio::test]
async fn the_refund_of_a_second_payment_is_repeated_until_stripe_makes_it() {
    let harness = Harness::new().await;
    let hold = confirmed(&harness).await;
    let other = another_session(&harness, &hold, str::to_owned).await;
    harness.stripe().pay(&other).expect("it is open");
    let body = harness.event_bodies().pop().expect("an event");
    harness.fail_stripe("POST /v1/refunds", Effect::Unavailable, 50);
    let response = harness.deliver(&body).await;
    assert!(response.status().is_server_error(), "Stripe has to send it again: {response:?}");
    let booking = harness.booking(&hold.id).await;
    assert!(booking.incidents.owes_refund() && booking.delete_at().is_none());

    harness.stripe().clear_faults();
    harness.clock.advance(SignedDuration::from_mins(5));
    assert_eq!(harness.deliver(&body).await.status(), 200);
    let payment = harness.stripe().payment(&other).expect("it is paid").id;
    assert_eq!(harness.stripe().refunds(&payment).len(), 1);
    assert!(!harness.booking(&hold.id).await.incidents.owes_refund());
}

#[tokio::test]
async fn a_payment_of_another_amount_confirms_nothing_and_is_left_to_a_person() {
    let tally = Tally::default();
    let _counting = metrics::set_default_local_recorder(&tally);
    let harness = Harness::new().await;
    let hold = harness.hold("10:00").await;
    let cheap = |form: &str| form.replace("=5000", "=50");
    let other = another_session(&harness, &hold, cheap).await;
    harness.stripe().pay(&other).expect("it is open");
    harness.deliver_all().await;
    harness.deliver_all().await;
    let booking = harness.booking(&hold.id).await;
    assert_eq!(booking.state.as_str(), "held");
    let payment = harness.stripe().payment(&other).expect("it is paid").id;
    assert_eq!(harness.stripe().refunds(&payment).len(), 0);
    let expected = SecondPayment { payment, refund: SecondRefund::Failed };
    assert_eq!(booking.incidents.second_payments, [expected]);
    let expected = [("HoldsPlaced", 1), ("UnexpectedPayments", 1)];
    let expected = expected.map(|(name, count)| (name.to_owned(), count));
    assert_eq!(tally.counts(), expected, "the alarm rings once");
}

/// Makes a booking forget its session, as a crash does.
async fn lose_session(harness: &Harness, hold: &Hold, state: State) {
    let mut booking = harness.booking(&hold.id).await;
    booking.checkout.session = None;
    booking.state = state;
    let change = BookingChange {
        booking: &booking,
        sheet: None,
        hold_counts: HoldCountChange::None,
        request_key: RequestKeyChange::None,
    };
    harness.store.write(&change).await.expect("the table is up");
}

#[tokio::test]
async fn a_payment_of_a_booking_that_is_over_and_has_lost_its_session_is_not_ignored() {
    let harness = Harness::new().await;
    let hold = harness.paid_hold("10:00").await;
    lose_session(&harness, &hold, State::Expired).await;
    harness.deliver_all().await;
    assert_eq!(harness.status(&hold.id).await, "confirmed", "a late payment of a free time");
}

#[tokio::test]
async fn a_booking_that_has_lost_its_session_is_not_paid_in_another() {
    for state in [State::Held, State::Expired] {
        let harness = Harness::new().await;
        let hold = harness.hold("10:00").await;
        let other = another_session(&harness, &hold, str::to_owned).await;
        lose_session(&harness, &hold, state).await;
        harness.stripe().pay(&other).expect("it is open");
        harness.deliver_all().await;
        assert_eq!(harness.status(&hold.id).await, state.as_str());
        let payment = harness.stripe().payment(&other).expect("it is paid").id;
        assert_eq!(harness.stripe().refunds(&payment).len(), 1, "{state}");
    }
}

#[tokio::test]
async fn an_event_of_another_account_or_mode_changes_nothing() {
    let harness = Harness::new().await;
    let hold = harness.paid_hold("10:00").await;
    let body = harness.event_bodies().pop().expect("an event");
    let cases = [
        changed(&body, |event| event["account"] = json!("acct_1")),
        changed(&body, |event| event["data"]["object"]["livemode"] = json!(true)),
    ];
    for body in cases {
        assert_eq!(harness.deliver(&body).await.status(), 200);
        assert_eq!(harness.status(&hold.id).await, "held", "{body}");
    }
}

#[tokio::test]
async fn a_full_refund_in_the_dashboard_cancels_the_booking_before_its_start() {
    let harness = Harness::new().await;
    let hold = confirmed(&harness).await;
    let confirmed = harness.booking(&hold.id).await;
    harness.refund_by_hand(&hold.id, 2_000).await;
    harness.deliver_all().await;
    assert_eq!(harness.booking(&hold.id).await, confirmed, "a part changes nothing");

    harness.refund_by_hand(&hold.id, 3_000).await;
    harness.deliver_all().await;
    harness.deliver_all().await;
    assert_eq!(harness.status(&hold.id).await, "refunded");
    assert_eq!(harness.entries("s1", "2026-11-24").await, [], "the time is free");
    assert_eq!(harness.refunds(&hold.id).await, 2, "we have refunded nothing");
    harness.check_invariants();
}

#[tokio::test]
async fn a_refund_in_the_dashboard_after_the_start_is_only_recorded() {
    let harness = Harness::new().await;
    let hold = confirmed(&harness).await;
    harness.clock.advance(SignedDuration::from_hours(27));
    harness.refund_by_hand(&hold.id, 5_000).await;
    harness.deliver_all().await;
    let booking = harness.booking(&hold.id).await;
    assert_eq!(booking.state.as_str(), "confirmed");
    assert_eq!(booking.incidents.refunded_by_hand, Some(booking.terms.deposit));
    assert_eq!(harness.entries("s1", "2026-11-24").await.len(), 1);
}

#[tokio::test]
async fn a_contested_payment_is_kept_on_the_booking_and_not_refunded() {
    let cases = [
        ("charge.dispute.created", WarningKind::Dispute),
        ("radar.early_fraud_warning.created", WarningKind::EarlyFraudWarning),
    ];
    for (kind, expected) in cases {
        let harness = Harness::new().await;
        let hold = confirmed(&harness).await;
        warn(&harness, &hold, kind).await;
        warn(&harness, &hold, kind).await;
        let booking = harness.booking(&hold.id).await;
        let kinds: Vec<_> = booking.incidents.warnings.iter().map(|it| it.kind).collect();
        assert_eq!((booking.state.as_str(), kinds), ("confirmed", vec![expected]));
        harness.cancel(&hold.id).await;
        assert_eq!(harness.status(&hold.id).await, "cancelled");
        assert_eq!(harness.refunds(&hold.id).await, 0);
    }
}

#[tokio::test]
async fn a_refund_that_is_owed_stops_at_a_dispute_and_a_person_acts() {
    let harness = Harness::with_refunds(Refunds::Ok).await;
    let hold = confirmed(&harness).await;
    harness.fail_stripe("POST /v1/refunds", Effect::Unavailable, 50);
    harness.cancel(&hold.id).await;
    assert_eq!(harness.status(&hold.id).await, "refunding");
    harness.stripe().clear_faults();
    warn(&harness, &hold, "charge.dispute.created").await;
    let booking = harness.booking(&hold.id).await;
    harness.bookings().advance_refund(&booking).await.expect("Stripe answers again");
    assert_eq!(harness.status(&hold.id).await, "refund_failed");
    assert_eq!(harness.refunds(&hold.id).await, 0);
}

#[tokio::test]
async fn a_dispute_of_another_shop_is_acknowledged() {
    let harness = Harness::new().await;
    for payment in [json!("pi_of_another_shop"), json!(null)] {
        let event = json!({
            "id": "evt_1", "livemode": false, "type": "charge.dispute.created",
            "data": {"object": {"id": "du_1", "payment_intent": payment}},
        });
        assert_eq!(harness.deliver(&event.to_string()).await.status(), 200);
    }
    let hold = harness.paid_hold("10:00").await;
    harness.fail_stripe("*", Effect::Unavailable, 50);
    let payment = harness.stripe().payment(&hold.session).expect("a payment").id;
    let event = json!({
        "id": "evt_1", "livemode": false, "type": "charge.dispute.created",
        "data": {"object": {"id": "du_1", "payment_intent": payment}},
    });
    let response = harness.deliver(&event.to_string()).await;
    assert_eq!(status_and_code(&response).0, 503, "Stripe has to send it again");
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

#[tokio::test]
async fn refunds_whose_events_were_lost_are_found_every_day() {
    let harness = Harness::with_refunds(Refunds::Failing).await;
    let (by_hand, returned) = (confirmed(&harness).await, harness.paid_hold("11:00").await);
    harness.deliver_all().await;
    harness.cancel(&returned.id).await;
    assert_eq!(harness.status(&returned.id).await, "refunded");
    let bookings = harness.bookings();
    assert_eq!(bookings.check_refunds(deadline()).await.expect("Stripe answers"), 0);

    // The bank returns the refund, and the owner refunds the other payment.
    harness.clock.advance(SignedDuration::from_secs(30));
    harness.stripe().set_refunds(Refunds::Ok);
    harness.refund_by_hand(&by_hand.id, 5_000).await;
    assert_eq!(bookings.check_refunds(deadline()).await.expect("Stripe answers"), 2);
    assert_eq!(harness.status(&returned.id).await, "refund_failed");
    assert_eq!(harness.status(&by_hand.id).await, "refunded");
    assert_eq!(
        bookings.check_refunds(deadline()).await.expect("Stripe answers"),
        0,
        "it is settled"
    );
}
