//! A steady load, with the memory and the descriptors of every process watched.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::crowd::{shortest_service, starts};
use super::load_results::{ProcessGrowth, SoakResults, Step};
use super::tally::Tally;
use super::test_bed::TestBed;
use super::{EMPTY, Error, containers};
use crate::statistics::slope;
use crate::visitor_events::Visitor;

/// Processes of each function.
pub(super) const CONTAINERS: u16 = 2;
/// Requests per second to availability, and to the empty function.
const RATE: u32 = 100;
const CLIENTS: u32 = 2;
const CHECKOUT_INTERVAL: Duration = Duration::from_secs(2);
/// How many times all processes are sampled.
const SAMPLES: u32 = 100;
/// The number of the first visitor; the other scenarios use lower numbers.
const FIRST_VISITOR: u32 = 110_000;

/// The resources of a process at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    /// Since the start of the soak.
    at_seconds: f64,
    resident_bytes: u64,
    descriptors: u32,
}

/// The samples of each process, by function and process id.
type Samples = BTreeMap<(&'static str, u32), Vec<Sample>>;

pub(super) async fn run(bed: &TestBed<'_>) -> Result<SoakResults, Error> {
    let duration = Duration::from_secs(bed.either(600, 20));
    let times = free_times(bed).await;
    let started = Instant::now();
    eprintln!("soak: {} s", duration.as_secs());
    let load = |function| bed.load(function, CLIENTS, duration, Some(RATE));
    let (availability, empty, checkout, samples) = tokio::join!(
        load("availability"),
        load(EMPTY),
        book(bed, times, started, duration),
        watch(bed, started, duration),
    );
    let load: BTreeMap<String, Step> =
        [("availability", availability?), (EMPTY, empty?), ("checkout", checkout)]
            .map(|(function, step)| (function.to_owned(), step))
            .into();
    let half = duration.as_secs_f64() / 2.0;
    let processes = samples.iter().map(|((function, _), of_process)| {
        let processes = samples.keys().filter(|(other, _)| other == function).count() as u64;
        let requests = load.get(*function).map_or(0, |step| step.requests) / 2 / processes;
        growth(function, of_process, half, requests)
    });
    let processes = processes.collect();
    Ok(SoakResults { duration_seconds: duration.as_secs_f64(), load, processes })
}

/// Lists free times of the shortest service that do not overlap.
async fn free_times(bed: &TestBed<'_>) -> Vec<Timestamp> {
    let Some(service) = shortest_service(&bed.salon.services) else { return Vec::new() };
    let target = format!("/availability?service={}&days=43", service.id.as_str());
    let page = bed.client.send("availability", &Visitor(FIRST_VISITOR).get(&target)).await;
    let length = SignedDuration::from_mins(i64::from(service.duration_minutes));
    let mut free_from = Timestamp::MIN;
    let mut times = Vec::new();
    for start in starts(&page.body) {
        if start >= free_from {
            free_from = start + length;
            times.push(start);
        }
    }
    times
}

/// Books one time after the other.
async fn book(
    bed: &TestBed<'_>,
    times: Vec<Timestamp>,
    started: Instant,
    duration: Duration,
) -> Step {
    let mut tally = Tally::default();
    let service = shortest_service(&bed.salon.services).map(|service| service.id.as_str());
    let mut ticks = interval(CHECKOUT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for (number, start) in (FIRST_VISITOR..).zip(times) {
        ticks.tick().await;
        if started.elapsed() >= duration {
            break;
        }
        let request = Visitor(number).book(service.unwrap_or_default(), start, None);
        tally.add(&bed.client.send("checkout", &request).await);
    }
    tally.step(1, containers::count(&bed.program("checkout")), started.elapsed())
}

/// Samples every process at equal intervals.
async fn watch(bed: &TestBed<'_>, started: Instant, duration: Duration) -> Samples {
    let functions = ["availability", "checkout", EMPTY].map(|name| (name, bed.program(name)));
    let mut samples = Samples::new();
    for number in 0..=SAMPLES {
        sleep_until(started + duration * number / SAMPLES).await;
        let at_seconds = started.elapsed().as_secs_f64();
        for (function, program) in &functions {
            for pid in containers::process_ids(program) {
                let Some((resident_bytes, descriptors)) = containers::resources(pid) else {
                    continue;
                };
                let sample = Sample { at_seconds, resident_bytes, descriptors };
                samples.entry((*function, pid)).or_default().push(sample);
            }
        }
        if number.is_multiple_of(SAMPLES / 4) {
            eprintln!("soak: after {at_seconds:.0} s");
        }
    }
    samples
}

/// Summarizes the samples of a process from `half` seconds on.
#[expect(clippy::cast_precision_loss, reason = "a process has less than 2^52 bytes and requests")]
fn growth(
    function: &str,
    samples: &[Sample],
    half: f64,
    requests_in_second_half: u64,
) -> ProcessGrowth {
    let samples: Vec<Sample> =
        samples.iter().filter(|sample| sample.at_seconds >= half).copied().collect();
    let slope_of = |value: fn(&Sample) -> f64| {
        let points = samples.iter().map(|sample| (sample.at_seconds, value(sample)));
        slope(&points.collect::<Vec<_>>())
    };
    let growth_bytes_per_second = slope_of(|sample| sample.resident_bytes as f64);
    ProcessGrowth {
        function: function.to_owned(),
        requests_in_second_half,
        resident_bytes_at_half: samples.first().map_or(0, |sample| sample.resident_bytes),
        resident_bytes_at_end: samples.last().map_or(0, |sample| sample.resident_bytes),
        growth_bytes_per_second,
        growth_bytes_per_request: match requests_in_second_half {
            0 => 0.0,
            requests => growth_bytes_per_second * half / requests as f64,
        },
        most_descriptors: samples.iter().map(|sample| sample.descriptors).max().unwrap_or(0),
        descriptors_per_minute: slope_of(|sample| f64::from(sample.descriptors)) * 60.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_second_half_counts_as_growth() {
        // Fast growth during the warm-up, then 100 bytes per second.
        let samples: Vec<Sample> = (0..=20_u32)
            .map(|at| Sample {
                at_seconds: f64::from(at),
                resident_bytes: match u64::from(at) {
                    at @ 0..10 => at * 10_000,
                    at => 100_000 + at * 100,
                },
                descriptors: 9 + at / 10,
            })
            .collect();
        let growth = growth("availability", &samples, 10.0, 500);
        assert!((growth.growth_bytes_per_second - 100.0).abs() < 1e-6);
        assert!((growth.growth_bytes_per_request - 2.0).abs() < 1e-6);
        assert!(growth.descriptors_per_minute > 0.0);
        let sizes = (growth.resident_bytes_at_half, growth.resident_bytes_at_end);
        assert_eq!(sizes, (101_000, 102_000));
        assert_eq!(growth.most_descriptors, 11);
    }
}
