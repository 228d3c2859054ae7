//! What runs learn from the lists of sessions, and what that costs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::SignedDuration;
use openchair::bookings::{ReconcileBudget, Trigger};
use openchair::payments::{BareDeposit, Payments, SessionRequest, create_bare_deposit};
use salon::booking::{Booking, BookingId, SecondPayment, SecondRefund, State};
use testing::Call;
use tokio::time::Instant;

use crate::harness::Harness;

const SCHEDULE: SignedDuration = SignedDuration::from_mins(2);
const LIST: &str = "GET /v1/checkout/sessions";

/// Counts the calls to Stripe, since an earlier count.
fn calls_since(harness: &Harness, before: &BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    let counts = harness.stripe().requests().into_iter();
    let since = |(call, count)| {
        let count = count - before.get(&call).copied().unwrap_or_default();
        (call, count)
    };
    counts.map(since).filter(|(_, count)| *count > 0).collect()
}

fn calls<const N: usize>(calls: [(&str, usize); N]) -> BTreeMap<String, usize> {
    calls.into_iter().map(|(call, count)| (call.to_owned(), count)).collect()
}

/// Stores copies of a booking whose sessions are open and unpaid.
async fn copy_unpaid(harness: &Harness, booking: &Booking, copies: u128) {
    let bookings = harness.bookings();
    for number in 0..copies {
        let id = BookingId::from_bits(number);
        let mut copy = Booking { id: id.clone(), ..booking.clone() };
        let own = |text: &str| text.replace(booking.id.as_str(), id.as_str());
        copy.checkout.form = own(&booking.checkout.form);
        copy.checkout.idempotency_key = own(&booking.checkout.idempotency_key);
        copy.checkout.session = None;
        copy.hold_keys.clear();
        harness.store.put_booking(copy);
        // Opens the session, and stores it.
        Box::pin(bookings.settle(&id, Trigger::View)).await.expect("Stripe is up");
    }
}

#[tokio::test]
async fn unpaid_holds_do_not_delay_a_payment_whose_event_was_lost() {
    const UNPAID: usize = 2_000;
    let harness = Harness::new().await;
    let booking = harness.booking(&harness.hold("10:00").await.id).await;
    copy_unpaid(&harness, &booking, 2_000).await;
    harness.clock.advance(SignedDuration::from_mins(5));
    harness.run().await;

    let paid = harness.hold("11:00").await;
    harness.stripe().pay(&paid.session).expect("it is open");
    let before = harness.stripe().requests();
    harness.clock.advance(SCHEDULE);
    let report = harness.run().await;
    assert_eq!(harness.status(&paid.id).await, "confirmed", "within two minutes");
    assert_eq!((report.repaired, report.is_cut_short), (1, false));
    assert_eq!(report.live_holds, Some(UNPAID + 1));
    assert_eq!(calls_since(&harness, &before), calls([(LIST, 2)]));

    // All of them expire at once: still a request for a hundred of them.
    harness.clock.advance(SignedDuration::from_mins(30));
    let before = harness.stripe().requests();
    let mut expired = 0;
    while expired < UNPAID + 1 {
        let report = harness.run().await;
        assert!(report.repaired > 0, "{report:?}");
        expired += report.repaired;
    }
    let of_expiry = calls_since(&harness, &before);
    assert_eq!(of_expiry.keys().collect::<Vec<_>>(), [LIST], "no hold is asked for by itself");
    assert_eq!(harness.run().await.live_holds, Some(0));
}

#[tokio::test]
async fn an_unpaid_hold_costs_no_request_of_its_own() {
    let harness = Harness::new().await;
    let held = harness.hold("10:00").await;
    let before = harness.stripe().requests();
    for _ in 0..17 {
        let report = harness.run().await;
        assert_eq!((report.looked_at, report.is_cut_short), (0, false));
        harness.clock.advance(SCHEDULE);
    }
    assert_eq!(calls_since(&harness, &before), calls([(LIST, 34)]), "two lists in each run");
    assert_eq!(harness.status(&held.id).await, "held");
    harness.clock.advance(SCHEDULE);
    assert_eq!(harness.run().await.repaired, 1);
    assert_eq!(harness.status(&held.id).await, "expired");
    assert_eq!(calls_since(&harness, &before), calls([(LIST, 36)]));
}

#[tokio::test]
async fn a_settled_booking_whose_session_is_listed_costs_no_write_and_no_read_of_its_own() {
    let harness = Harness::new().await;
    for time in ["10:00", "11:00", "12:00"] {
        harness.paid_hold(time).await;
    }
    assert_eq!(harness.run().await.repaired, 3);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&seen);
    harness.store.set_hook(move |call: Call<'_>| {
        writer.lock().expect("no panic").push(call.asked());
        Ok(())
    });
    let report = harness.run().await;
    assert_eq!((report.listed, report.looked_at), (3, 0));
    let seen = seen.lock().expect("no panic").clone();
    assert_eq!(seen, ["unsettled bookings", "the states of bookings"]);
}

#[tokio::test]
async fn a_payment_of_a_booking_that_is_over_is_found_and_refunded() {
    let harness = Harness::new().await;
    let held = harness.paid_hold("10:00").await;
    let booking = harness.booking(&held.id).await;
    harness.store.put_booking(Booking { state: State::Cancelled, check_at: None, ..booking });
    harness.run().await;
    assert_eq!(harness.status(&held.id).await, "refunded");
    assert_eq!(harness.refunds(&held.id).await, 1);
}

#[tokio::test]
async fn a_second_payment_whose_event_was_lost_is_found_once() {
    for (amount, expected) in [("=5000", SecondRefund::Made), ("=50", SecondRefund::Failed)] {
        for is_own_paid in [true, false] {
            let harness = Harness::new().await;
            let held = harness.hold("10:00").await;
            if is_own_paid {
                harness.stripe().pay(&held.session).expect("it is open");
                harness.run().await;
            }
            let form = harness.booking(&held.id).await.checkout.form.replace("=5000", amount);
            let another = SessionRequest::from_parts("another".to_owned(), form);
            let other = harness.stripe_client().open(&another).await.expect("a session").id;
            harness.stripe().pay(&other).expect("it is open");
            assert_eq!(harness.run().await.repaired, 1);

            let booking = harness.booking(&held.id).await;
            let state = if is_own_paid { State::Confirmed } else { State::Held };
            let payment = harness.stripe().payment(&other).expect("it is paid").id;
            let second = SecondPayment { payment, refund: expected };
            assert_eq!((booking.state, &booking.incidents.second_payments), (state, &vec![second]));
            let before = harness.stripe().requests();
            assert_eq!(harness.run().await.looked_at, 0, "it is known");
            assert_eq!(calls_since(&harness, &before), calls([(LIST, 2)]));
        }
    }
}

#[tokio::test]
async fn sessions_that_are_not_of_a_booking_of_ours_are_ignored() {
    let harness = Harness::new().await;
    let amount = harness.salon.service("2.02").expect("a service").deposit;
    let deposit = BareDeposit {
        amount,
        product_name: "Gift card",
        return_url: "https://salon.example/thanks",
    };
    let other = create_bare_deposit(&harness.stripe_client(), &deposit).await.expect("a session");
    harness.stripe().pay(&other.id).expect("it is open");
    let held = harness.paid_hold("10:00").await;
    let of_another_salon = harness.paid_hold("11:00").await;
    harness.store.remove_booking(&of_another_salon.id);
    let report = harness.run().await;
    assert_eq!((report.listed, report.looked_at, report.repaired), (3, 1, 1));
    assert_eq!(report.failed, 0);
    assert_eq!(harness.status(&held.id).await, "confirmed");
}

#[tokio::test]
async fn a_list_of_several_pages_is_read_to_its_end() {
    let harness = Harness::new().await;
    let first = harness.paid_hold("10:00").await;
    for _ in 0..100 {
        let amount = harness.salon.service("2.02").expect("a service").deposit;
        let return_url = "https://salon.example/thanks";
        let deposit = BareDeposit { amount, product_name: "Gift card", return_url };
        let other = create_bare_deposit(&harness.stripe_client(), &deposit).await;
        harness.stripe().pay(&other.expect("a session").id).expect("it is open");
    }
    assert_eq!(harness.run().await.listed, 101);
    assert_eq!(harness.status(&first.id).await, "confirmed", "it is on the second page");
}

#[tokio::test]
async fn live_holds_are_counted_in_full() {
    let harness = Harness::new().await;
    harness.hold("10:00").await;
    harness.hold("11:00").await;
    harness.paid_hold("12:00").await;
    assert_eq!(harness.run().await.live_holds, Some(2));
    harness.clock.advance(SignedDuration::from_mins(30));
    let report = harness.run().await;
    assert_eq!((report.live_holds, report.repaired), (Some(0), 0), "they no longer keep a time");
}

#[tokio::test]
async fn a_run_without_time_is_cut_short() {
    let harness = Harness::new().await;
    harness.hold("10:00").await;
    let over = ReconcileBudget { bookings: 9, pause: Duration::ZERO, deadline: Instant::now() };
    let report = Box::pin(harness.bookings().reconcile(over)).await.expect("readable");
    assert!(report.is_cut_short, "{report:?}");
    assert_eq!(
        (report.listed, report.live_holds),
        (0, None),
        "no count is better than a wrong one"
    );
}
