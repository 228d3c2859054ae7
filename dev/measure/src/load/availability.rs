//! Availability at rising concurrency, beside the function that does nothing.

use std::time::Duration;

use super::results::{AvailabilityResults, AvailabilityStep, Step};
use super::stage::Stage;
use super::{EMPTY, Error};
use crate::bench::statistics::Spread;

/// How many processes the emulator may start of each function, and does start
/// before anything is measured: it goes on starting them while anybody waits, and
/// each start takes more of the machine than thousands of answers. More than these
/// would only share the same cores.
pub(super) const CONTAINERS: u16 = 8;
const CLIENTS: [u32; 7] = [1, 2, 4, 8, 16, 32, 64];
const QUICK_CLIENTS: [u32; 3] = [1, 8, 32];

/// Measures each step, and adds it to `results` when it is done.
///
/// # Errors
/// Fails if the generator does.
pub(super) async fn run(
    stage: &Stage<'_>,
    results: &mut Option<AvailabilityResults>,
) -> Result<(), Error> {
    let rounds = stage.either(5, 3);
    let duration = Duration::from_secs(stage.either(6, 2));
    let clients = stage.either(&CLIENTS[..], &QUICK_CLIENTS[..]);
    let results = results.insert(AvailabilityResults { rounds, steps: Vec::new() });
    for function in Stage::PLAIN {
        stage.warm_by_load(function, CONTAINERS).await?;
    }
    for &clients in clients {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(stage.load("availability", clients, duration, None).await?);
            theirs.push(stage.load(EMPTY, clients, duration, None).await?);
        }
        let step = step(ours, theirs);
        eprintln!(
            "availability, {clients} clients: {:.0} requests/s, p50 {:.2} ms; {:.2} x the empty function",
            step.availability.requests_per_second,
            step.availability.latency.p50_ms,
            step.throughput_ratio,
        );
        results.steps.push(step);
    }
    Ok(())
}

/// Takes the middle of what was measured in turns.
fn step(ours: Vec<Step>, theirs: Vec<Step>) -> AvailabilityStep {
    let ratio = |(one, other): (&Step, &Step)| one.requests_per_second / other.requests_per_second;
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(ratio).collect();
    AvailabilityStep {
        throughput_ratio: Spread::of(&ratios).map_or(0.0, |spread| spread.median),
        availability: middle(ours),
        empty: middle(theirs),
    }
}

/// Returns the step of median throughput. There is an odd number of them.
fn middle(mut steps: Vec<Step>) -> Step {
    steps.sort_by(|one, other| one.requests_per_second.total_cmp(&other.requests_per_second));
    steps.swap_remove(steps.len() / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::results::Latency;

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
    fn the_ratio_is_the_median_of_the_rounds_and_not_of_the_medians() {
        let step = step(steps([900.0, 500.0, 980.0]), steps([1_000.0, 1_000.0, 700.0]));
        assert!((step.availability.requests_per_second - 900.0).abs() < 1e-9);
        assert!((step.empty.requests_per_second - 1_000.0).abs() < 1e-9);
        assert!((step.throughput_ratio - 0.9).abs() < 1e-9, "{}", step.throughput_ratio);
    }
}
