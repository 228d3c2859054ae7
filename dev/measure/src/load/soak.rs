//! A steady load, with the memory and the descriptors of every process watched.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use salon::service::Service;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::EMPTY;
use super::crowd::{free_times, shortest_service};
use super::reply_counts::ReplyCounts;
use super::test_bed::TestBed;
use crate::measure_error::Error;
use crate::process_status::{process_ids, resources};
use crate::results::Results;
use crate::statistics::{float, slope};
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
    seconds: f64,
    resident_bytes: f64,
    descriptors: f64,
}

/// The samples of each process, by function and process id.
type Samples = BTreeMap<(&'static str, u32), Vec<Sample>>;

/// The second half of a process's soak. Growth is the slope of the least-squares line
/// times the duration.
#[derive(Clone, Copy, Debug)]
struct Growth {
    bytes_at_half: f64,
    bytes_at_end: f64,
    bytes: f64,
    descriptors: f64,
}

pub(super) async fn run(bed: &TestBed<'_>, results: &mut Results) -> Result<(), Error> {
    for function in ["availability", EMPTY, "checkout"] {
        bed.wait_for(function).await?;
    }
    let duration = Duration::from_secs(bed.either(600, 20));
    let started = Instant::now();
    eprintln!("soak: {} s", duration.as_secs());
    let load = |function| bed.load(function, CLIENTS, duration, Some(RATE));
    let (availability, empty, checkout, samples) = tokio::join!(
        load("availability"),
        load(EMPTY),
        book(bed, started, duration),
        watch(bed, started, duration),
    );
    let half = duration.as_secs_f64() / 2.0;
    // What the runtime itself keeps of each request, the empty function keeps, too.
    let mut runtime_bytes_per_request = 0.0;
    for (function, counts) in
        [(EMPTY, empty?), ("availability", availability?), ("checkout", checkout)]
    {
        results.add("soak", function, counts.figures());
        let of_function = samples.iter().filter(|((name, _), _)| *name == function);
        let processes: Vec<Growth> =
            of_function.filter_map(|(_, samples)| growth(samples, half)).collect();
        // Judged by the process that grew most. Its requests are an estimate: the processes
        // of a function take turns.
        let Some(worst) = processes.iter().max_by(|one, other| one.bytes.total_cmp(&other.bytes))
        else {
            continue;
        };
        let requests = float(counts.answered()) / 2.0 / float(processes.len());
        if function == EMPTY {
            runtime_bytes_per_request = (worst.bytes / requests).max(0.0);
        }
        let beyond = worst.bytes - runtime_bytes_per_request * requests;
        let descriptors = processes.iter().map(|process| process.descriptors);
        let figures = [
            ("memory halfway, MB", worst.bytes_at_half / 1e6),
            ("at the end, MB", worst.bytes_at_end / 1e6),
            ("growth, bytes per request", worst.bytes / requests),
            ("growth beyond the empty function's, KiB", beyond / 1024.0),
            ("descriptors gained", descriptors.fold(f64::MIN, f64::max)),
        ];
        results.add("soak", function, figures);
    }
    Ok(())
}

/// Lists free times of a service that do not overlap.
async fn separate_times(bed: &TestBed<'_>, service: &Service) -> Vec<Timestamp> {
    let length = SignedDuration::from_mins(i64::from(service.duration_minutes));
    let mut times: Vec<Timestamp> = Vec::new();
    for start in free_times(bed, service).await {
        if times.last().is_none_or(|last| start >= *last + length) {
            times.push(start);
        }
    }
    times
}

/// Books one time after the other.
async fn book(bed: &TestBed<'_>, started: Instant, duration: Duration) -> ReplyCounts {
    let mut replies = Vec::new();
    let Some(service) = shortest_service(&bed.salon.services) else {
        return ReplyCounts::default();
    };
    let times = separate_times(bed, service).await;
    let mut ticks = interval(CHECKOUT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for (number, start) in (FIRST_VISITOR..).zip(times) {
        ticks.tick().await;
        if started.elapsed() >= duration {
            break;
        }
        let request = Visitor(number).book(service.id.as_str(), start, None);
        replies.push(bed.client.send("checkout", &request).await);
    }
    ReplyCounts::of(&replies, started.elapsed())
}

/// Samples every process at equal intervals.
async fn watch(bed: &TestBed<'_>, started: Instant, duration: Duration) -> Samples {
    let functions =
        ["availability", "checkout", EMPTY].map(|name| (name, bed.test.target.program(name)));
    let mut samples = Samples::new();
    for number in 0..=SAMPLES {
        sleep_until(started + duration * number / SAMPLES).await;
        let seconds = started.elapsed().as_secs_f64();
        for (function, program) in &functions {
            for pid in process_ids(program) {
                let Some((resident_bytes, descriptors)) = resources(pid) else { continue };
                let sample = Sample { seconds, resident_bytes, descriptors };
                samples.entry((*function, pid)).or_default().push(sample);
            }
        }
        if number.is_multiple_of(SAMPLES / 4) {
            eprintln!("soak: after {seconds:.0} s");
        }
    }
    samples
}

/// Summarizes the samples of a process from `half` seconds on.
fn growth(samples: &[Sample], half: f64) -> Option<Growth> {
    let samples: Vec<&Sample> = samples.iter().filter(|sample| sample.seconds >= half).collect();
    let growth_of = |value: fn(&Sample) -> f64| {
        let points = samples.iter().map(|sample| (sample.seconds, value(sample)));
        slope(&points.collect::<Vec<_>>()) * half
    };
    Some(Growth {
        bytes_at_half: samples.first()?.resident_bytes,
        bytes_at_end: samples.last()?.resident_bytes,
        bytes: growth_of(|sample| sample.resident_bytes),
        descriptors: growth_of(|sample| sample.descriptors),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_second_half_counts_as_growth() {
        // Fast growth during the warm-up, then 100 bytes per second.
        let samples: Vec<Sample> = (0..=20_u32)
            .map(|second| Sample {
                seconds: f64::from(second),
                resident_bytes: f64::from(match second {
                    0..10 => second * 10_000,
                    _ => 100_000 + second * 100,
                }),
                descriptors: f64::from(9 + second / 10),
            })
            .collect();
        let growth = growth(&samples, 10.0).unwrap();
        assert!((growth.bytes - 1_000.0).abs() < 1e-6, "{growth:?}");
        assert!(growth.descriptors > 0.0, "{growth:?}");
        assert!((growth.bytes_at_half - 101_000.0).abs() < 1e-6, "{growth:?}");
        assert!((growth.bytes_at_end - 102_000.0).abs() < 1e-6, "{growth:?}");
        assert!(super::growth(&samples, 30.0).is_none());
    }
}
