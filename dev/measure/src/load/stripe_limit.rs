//! Checkout beyond Stripe's limit: visitors come at a fixed rate, whether or not earlier
//! ones have an answer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use super::audit::{Promise, audit, sessions_by_second};
use super::load_results::LimitResults;
use super::tally::Tally;
use super::test_bed::{SharedSlots, TestBed};
use super::{Error, STRIPE_LATENCY_MS, STRIPE_LIMIT, containers};

/// Visitors per second, as a multiple of Stripe's limit.
const FACTOR: u32 = 4;
/// How long the sandbox rests between the warm-up and the first visitor.
const PAUSE: Duration = Duration::from_secs(2);

/// Returns how many requests may be in flight, each with a container of its own. The
/// emulator stops for good once more than 100 are waiting.
pub(super) const fn in_flight(is_quick: bool) -> u16 {
    if is_quick { 64 } else { 96 }
}

/// Runs the scenario, and audits the answers.
pub(super) async fn run(
    bed: &TestBed<'_>,
    slots: &SharedSlots,
    in_flight: u16,
) -> Result<LimitResults, Error> {
    let seconds: u32 = bed.either(60, 15);
    // Holds of the warm-up do not belong to this scenario.
    let before = audit(bed, &[]).await?;
    bed.sandbox.set_requests_per_second(STRIPE_LIMIT);
    sleep(PAUSE).await;

    let offered_per_second = STRIPE_LIMIT * FACTOR;
    let requests_before = stripe_requests(bed);
    let started_at = bed.clock.now();
    let started = Instant::now();
    let permits = Arc::new(Semaphore::new(in_flight.into()));
    let mut ticks = interval(Duration::from_secs(1) / offered_per_second);
    let mut visits = JoinSet::new();
    let (mut offered, mut turned_away) = (0, 0);
    while offered < u64::from(seconds * offered_per_second) {
        ticks.tick().await;
        offered += 1;
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            turned_away += 1;
            continue;
        };
        let Some(slot) = slots.next() else { break };
        let client = bed.client.clone();
        visits.spawn(async move {
            let _permit = permit;
            (client.book(&slot).await, slot.start)
        });
        if offered.is_multiple_of(u64::from(5 * offered_per_second)) {
            eprintln!("limit: {offered} visitors, {turned_away} of them turned away");
        }
    }
    let duration = started.elapsed();
    let (mut all, mut with_session) = (Tally::default(), Tally::default());
    let mut promises = Vec::new();
    let mut without_next_step = 0;
    for (reply, start) in visits.join_all().await {
        all.add(&reply);
        if reply.is_session() {
            with_session.add(&reply);
        }
        without_next_step += u64::from(!reply.has_next_step());
        promises.extend(Promise::of(&reply, start));
    }
    let stripe_requests = stripe_requests(bed) - requests_before;
    bed.sandbox.set_requests_per_second(0);
    let mut audit = audit(bed, &promises).await?;
    audit.holds -= before.holds;
    audit.holds_unexplained = audit.holds_unexplained.saturating_sub(before.holds);
    let sessions_by_second = sessions_by_second(&bed.sandbox, started_at, seconds as usize);
    let sessions: u64 = sessions_by_second.iter().sum();
    Ok(LimitResults {
        stripe_limit_per_second: STRIPE_LIMIT,
        stripe_latency_ms: STRIPE_LATENCY_MS,
        offered_per_second,
        duration_seconds: duration.as_secs_f64(),
        offered,
        turned_away,
        in_flight_limit: in_flight.into(),
        containers: containers::count(&bed.program("checkout")),
        latency: all.latency(),
        session_latency: with_session.latency(),
        answers: all.answers(),
        answers_without_next_step: without_next_step,
        stripe_requests,
        sessions,
        share_of_limit: share(sessions, seconds),
        sessions_by_second,
        audit,
    })
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand sessions")]
fn share(sessions: u64, seconds: u32) -> f64 {
    sessions as f64 / f64::from(STRIPE_LIMIT * seconds)
}

fn stripe_requests(bed: &TestBed<'_>) -> u64 {
    let requests = bed.sandbox.requests();
    requests.get("POST /v1/checkout/sessions").copied().unwrap_or_default() as u64
}
