//! Checkout beyond Stripe's limit: visitors come at a fixed rate, whether or not earlier
//! ones have an answer.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use super::STRIPE_LIMIT;
use super::audit::{Promise, audit};
use super::reply_counts::ReplyCounts;
use super::test_bed::TestBed;
use crate::measure_error::Error;
use crate::results::Results;
use crate::statistics::float;

/// Visitors per second, as a multiple of Stripe's limit.
const FACTOR: u32 = 4;
/// How long the sandbox rests between the warm-up and the first visitor.
const PAUSE: Duration = Duration::from_secs(2);

/// Returns how many requests may be in flight, each with a container of its own. The
/// emulator stops for good once more than 100 are waiting.
pub(super) const fn in_flight(is_quick: bool) -> u16 {
    if is_quick { 64 } else { 96 }
}

/// Runs the scenario, and audits the replies.
pub(super) async fn run(
    bed: &TestBed<'_>,
    in_flight: u16,
    results: &mut Results,
) -> Result<(), Error> {
    bed.warm_checkout(in_flight).await?;
    let seconds: u32 = bed.either(60, 15);
    // Holds of the warm-up do not belong to this scenario.
    let before = audit(bed, &[]).await?;
    bed.sandbox.set_requests_per_second(STRIPE_LIMIT);
    sleep(PAUSE).await;

    let visitors = seconds * STRIPE_LIMIT * FACTOR;
    let (started_at, started) = (bed.test.clock.now(), Instant::now());
    let permits = Arc::new(Semaphore::new(in_flight.into()));
    let mut ticks = interval(Duration::from_secs(1) / (STRIPE_LIMIT * FACTOR));
    let mut visits = JoinSet::new();
    let mut turned_away = 0;
    eprintln!("limit: {visitors} visitors");
    for _ in 0..visitors {
        ticks.tick().await;
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            turned_away += 1;
            continue;
        };
        let Some(slot) = bed.slots.next() else { break };
        let client = bed.client.clone();
        visits.spawn(async move {
            let _permit = permit;
            (client.send("checkout", &slot.book()).await, slot.start)
        });
    }
    let duration = started.elapsed();
    let visits = visits.join_all().await;
    bed.sandbox.set_requests_per_second(0);
    let promises: Vec<_> =
        visits.iter().filter_map(|(reply, start)| Promise::of(reply, *start)).collect();
    let mut audit = audit(bed, &promises).await?;
    audit.holds -= before.holds;
    audit.holds_unexplained = audit.holds_unexplained.saturating_sub(before.holds);

    let end = started_at + SignedDuration::from_secs(seconds.into());
    let sessions = bed.sandbox.sessions().into_iter().filter(|session| {
        session.client_reference_id.is_some() && (started_at..end).contains(&session.created)
    });
    let share = float(sessions.count()) / f64::from(STRIPE_LIMIT * seconds) * 100.0;
    let without_next_step = visits.iter().filter(|(reply, _)| !reply.has_next_step()).count();
    let replies = visits.iter().map(|(reply, _)| reply);
    let with_session = replies.clone().filter(|reply| reply.is_session());
    results.add("limit", "all answers", ReplyCounts::of(replies, duration).figures());
    results.add("limit", "with a session", ReplyCounts::of(with_session, duration).figures());
    let figures = [
        ("visitors", visitors.into()),
        ("turned away", turned_away.into()),
        ("in flight at most", in_flight.into()),
        ("sessions, % of Stripe's limit", share),
        ("answers without a next step", float(without_next_step)),
    ];
    results.add("limit: visitors", "checkout", figures);
    results.add("audit", "limit", audit.figures());
    Ok(())
}
