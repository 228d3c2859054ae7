//! Availability and checkout at rising concurrency.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::reply_counts::ReplyCounts;
use super::test_bed::TestBed;
use super::{EMPTY, STRIPE_LATENCY_MS};
use crate::measure_error::Error;
use crate::results::Results;
use crate::statistics::{float, median};

/// Processes of each plain function. All of them are started before the measurement, as
/// each start takes more CPU than thousands of answers. More of them would only share the
/// same cores.
pub(super) const CONTAINERS: u16 = 8;

/// Measures the availability ladder: oha on availability and on the empty function, in turns.
pub(super) async fn availability(bed: &TestBed<'_>, results: &mut Results) -> Result<(), Error> {
    let scenario = "availability by connections";
    let duration = Duration::from_secs(bed.either(6, 2));
    for function in ["availability", EMPTY] {
        bed.warm_up(function, CONTAINERS).await?;
    }
    for &clients in bed.either(&[1, 2, 4, 8, 16, 32, 64][..], &[1, 8, 32]) {
        let (mut availability, mut empty) = (Vec::new(), Vec::new());
        for _ in 0..bed.either(5, 3) {
            availability.push(bed.load("availability", clients, duration, None).await?);
            empty.push(bed.load(EMPTY, clients, duration, None).await?);
        }
        let of = |rounds: &[ReplyCounts], figure: fn(&ReplyCounts) -> f64| {
            median(rounds.iter().map(figure))
        };
        let rate = of(&availability, ReplyCounts::per_second);
        // The machine may be slow during a whole round, so a ratio is that of one round.
        let rounds = availability.iter().zip(&empty);
        let ratio = median(rounds.map(|(one, other)| one.per_second() / other.per_second()));
        eprintln!("availability, {clients} connections: {ratio:.2} ×");
        let clients = clients.to_string();
        results.add_ratio(scenario, &clients, "requests/s", rate, ratio);
        let figures = [
            ("p50, ms", of(&availability, |counts| counts.p50_ms)),
            ("empty", of(&empty, |counts| counts.p50_ms)),
            ("p99, ms", of(&availability, |counts| counts.p99_ms)),
            ("empty, p99", of(&empty, |counts| counts.p99_ms)),
            ("answers other than 200", of(&availability, |counts| float(counts.other_than(200)))),
        ];
        results.add(scenario, &clients, figures);
    }
    Ok(())
}

/// Returns the numbers of clients of the checkout ladder.
pub(super) const fn checkout_clients(is_quick: bool) -> &'static [u16] {
    if is_quick { &[1, 8, 32] } else { &[1, 2, 4, 8, 16, 32, 64, 100] }
}

/// Measures a step of the checkout ladder: each client waits for its session, and then
/// books another time.
///
/// The clients start one after the other within Stripe's latency. That is always the same,
/// so clients who started together would stay together and compete for the cores.
pub(super) async fn checkout(
    bed: &TestBed<'_>,
    clients: u16,
    results: &mut Results,
) -> Result<(), Error> {
    bed.warm_checkout(clients).await?;
    let duration = Duration::from_secs(bed.either(15, 4));
    let clients = u32::from(clients);
    let started = Instant::now();
    let mut running = JoinSet::new();
    for number in 0..clients {
        let (client, slots) = (bed.client.clone(), Arc::clone(&bed.slots));
        let delay = Duration::from_millis(STRIPE_LATENCY_MS) * number / clients;
        running.spawn(async move {
            sleep_until(started + delay).await;
            let mut replies = Vec::new();
            while started.elapsed() < duration
                && let Some(slot) = slots.next()
            {
                replies.push(client.send("checkout", &slot.book()).await);
            }
            replies
        });
    }
    let replies = running.join_all().await;
    let counts = ReplyCounts::of(replies.iter().flatten(), started.elapsed());
    eprintln!("checkout, {clients} clients: p50 {:.1} ms", counts.p50_ms);
    let without = (clients as usize).saturating_sub(bed.containers("checkout"));
    let other = counts.other_than(201);
    let figures = [("clients without a container", without), ("answers other than 201", other)];
    let scenario = "checkout by clients";
    results.add(scenario, &clients.to_string(), counts.figures());
    results.add(scenario, &clients.to_string(), figures.map(|(name, count)| (name, float(count))));
    Ok(())
}
