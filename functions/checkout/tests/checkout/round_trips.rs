//! How many times a checkout waits for the table: twice before Stripe, once after.

use std::mem;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use openchair::store::StoreError;
use serde_json::json;
use testing::{Call, Fault, Hook, Outcome};

use crate::harness::Harness;
use testing::http_messages::{checkout_body, checkout_event};

/// The calls of a store, grouped by the round trips that they share.
#[derive(Clone, Default)]
struct RoundTrips(Arc<Mutex<Calls>>);

#[derive(Default)]
struct Calls {
    trips: Vec<Vec<&'static str>>,
    under_way: usize,
}

impl RoundTrips {
    fn take(&self) -> Vec<Vec<&'static str>> {
        mem::take(&mut self.0.lock().expect("no panic").trips)
    }
}

impl Hook for RoundTrips {
    fn before<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            {
                let mut calls = self.0.lock().expect("no panic");
                if calls.under_way == 0 {
                    calls.trips.push(Vec::new());
                }
                calls.under_way += 1;
                calls.trips.last_mut().expect("a round trip").push(call.asked());
            }
            // A call that is made at the same time begins before this one has its answer.
            tokio::task::yield_now().await;
            Ok(())
        })
    }

    fn after<'a>(&'a self, _: Call<'a>, _: Outcome<'a>) -> BoxFuture<'a, Result<(), StoreError>> {
        self.0.lock().expect("no panic").under_way -= 1;
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn a_checkout_waits_twice_for_the_table_before_stripe_and_once_after() {
    let harness = Harness::new().await;
    let round_trips = RoundTrips::default();
    harness.store.set_hook(round_trips.clone());
    let event = checkout_event(&checkout_body(json!({})))
        .header("idempotency-key", "a-random-key-of-a-page");
    assert_eq!(harness.send(&event).await.status(), 201);
    let reads = vec!["day sheets", "unpaid holds"];
    let write = vec!["a booking's change"];
    assert_eq!(round_trips.take(), [reads.clone(), write.clone(), write]);
    assert_eq!(harness.sessions_requested(), 1);

    assert_eq!(harness.send(&event).await.status(), 200);
    assert_eq!(round_trips.take(), [reads, vec!["a booking"]], "a repeat waits twice");
}
