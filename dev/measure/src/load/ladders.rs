//! Availability and checkout at rising concurrency.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::load_results::{AvailabilityStep, Step};
use super::tally::Tally;
use super::test_bed::{SharedSlots, TestBed};
use super::{EMPTY, Error, STRIPE_LATENCY_MS, containers};
use crate::statistics::median;

/// Processes of each plain function. All of them are started before the measurement, as
/// each start takes more CPU than thousands of answers. More of them would only share the
/// same cores.
pub(super) const CONTAINERS: u16 = 8;

/// Returns how many times each step of the availability ladder is measured: an odd number.
pub(super) const fn rounds(is_quick: bool) -> u32 {
    if is_quick { 3 } else { 5 }
}

/// Measures the availability ladder: oha on availability and on the empty function, in turns.
pub(super) async fn availability(
    bed: &TestBed<'_>,
    rounds: u32,
    steps: &mut Vec<AvailabilityStep>,
) -> Result<(), Error> {
    let duration = Duration::from_secs(bed.either(6, 2));
    for function in ["availability", EMPTY] {
        bed.warm_up(function, CONTAINERS).await?;
    }
    for &clients in bed.either(&[1, 2, 4, 8, 16, 32, 64][..], &[1, 8, 32]) {
        let (mut availability, mut empty) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            availability.push(bed.load("availability", clients, duration, None).await?);
            empty.push(bed.load(EMPTY, clients, duration, None).await?);
        }
        let step = median_step(availability, empty);
        eprintln!("availability, {clients} clients: {:.2} x", step.throughput_ratio);
        steps.push(step);
    }
    Ok(())
}

fn median_step(availability: Vec<Step>, empty: Vec<Step>) -> AvailabilityStep {
    let rounds = availability.iter().zip(&empty);
    let ratios = rounds.map(|(one, other)| one.requests_per_second / other.requests_per_second);
    let median_round = |mut steps: Vec<Step>| {
        steps.sort_by(|one, other| one.requests_per_second.total_cmp(&other.requests_per_second));
        steps.swap_remove(steps.len() / 2)
    };
    AvailabilityStep {
        throughput_ratio: median(&ratios.collect::<Vec<_>>()),
        availability: median_round(availability),
        empty: median_round(empty),
    }
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
pub(super) async fn checkout(bed: &TestBed<'_>, slots: &SharedSlots, clients: u16) -> Step {
    let duration = Duration::from_secs(bed.either(15, 4));
    let clients = u32::from(clients);
    let started = Instant::now();
    let mut running = JoinSet::new();
    for number in 0..clients {
        let (client, slots) = (bed.client.clone(), slots.clone());
        let delay = Duration::from_millis(STRIPE_LATENCY_MS) * number / clients;
        running.spawn(async move {
            sleep_until(started + delay).await;
            let mut tally = Tally::default();
            while started.elapsed() < duration
                && let Some(slot) = slots.next()
            {
                tally.add(&client.book(&slot).await);
            }
            tally
        });
    }
    let tally = running.join_all().await.into_iter().fold(Tally::default(), Tally::merge);
    let containers = containers::count(&bed.program("checkout"));
    let step = tally.step(clients, containers, started.elapsed());
    eprintln!("checkout, {clients} clients: p50 {:.1} ms", step.latency.p50_ms);
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::load_results::Latency;

    fn steps(rates: [f64; 3]) -> Vec<Step> {
        let step = |requests_per_second| Step {
            clients: 8,
            containers: 8,
            duration_seconds: 2.0,
            requests: 1,
            requests_per_second,
            latency: Latency::default(),
            answers: Vec::new(),
        };
        rates.map(step).into()
    }

    #[test]
    fn the_ratio_is_the_median_ratio_and_not_the_ratio_of_the_medians() {
        let step = median_step(steps([900.0, 500.0, 980.0]), steps([1_000.0, 1_000.0, 700.0]));
        assert!((step.availability.requests_per_second - 900.0).abs() < 1e-9);
        assert!((step.empty.requests_per_second - 1_000.0).abs() < 1e-9);
        assert!((step.throughput_ratio - 0.9).abs() < 1e-9, "{}", step.throughput_ratio);
    }
}
