//! A steady load, with memory and descriptors of every process watched.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::results::{ProcessSample, ProcessTimeline, SoakResults, Step};
use super::stage::Stage;
use super::tally::Tally;
use super::visitors::Visitor;
use super::{EMPTY, Error, containers};

/// How many processes the emulator may start of a function.
pub(super) const CONTAINERS: u16 = 2;
/// Requests a second to availability, and as many to the empty function.
const RATE: u32 = 100;
/// Connections that they come by.
const CLIENTS: u32 = 2;
/// How often somebody books.
const CHECKOUT_EVERY: Duration = Duration::from_secs(2);
/// How often all processes are looked at, at least this many times.
const LOOKS: u32 = 100;
/// How often it is told how far the soak is.
const PROGRESS: Duration = Duration::from_secs(30);
/// The first number of the visitors.
const FIRST: u32 = 110_000;

/// Keeps the load up, and watches.
///
/// # Errors
/// Fails if the generator does.
pub(super) async fn run(stage: &Stage<'_>) -> Result<SoakResults, Error> {
    let duration = Duration::from_secs(stage.either(600, 20));
    let times = free_times(stage).await;
    let begun = Instant::now();
    let load = |function| stage.load(function, CLIENTS, duration, Some(RATE));
    let (ours, theirs, booked, timelines) = tokio::join!(
        load("availability"),
        load(EMPTY),
        book(stage, times, begun, duration),
        watch(stage, begun, duration),
    );
    let load: BTreeMap<String, Step> = [("availability", ours?), (EMPTY, theirs?), booked]
        .map(|(function, step)| (function.to_owned(), step))
        .into();
    let processes = timelines
        .iter()
        .map(|((function, pid), samples)| {
            let turns = timelines.keys().filter(|(other, _)| other == function).count() as u64;
            let requests = load.get(*function).map_or(0, |step| step.requests) / 2 / turns;
            timeline(function, *pid, samples.clone(), duration, requests)
        })
        .collect();
    Ok(SoakResults { duration_seconds: duration.as_secs_f64(), load, processes })
}

/// Lists free times of the shortest service that do not overlap.
async fn free_times(stage: &Stage<'_>) -> Vec<Timestamp> {
    let Some(service) = super::crowd::shortest(&stage.salon.services) else { return Vec::new() };
    let target = format!("/availability?service={}&days=43", service.id.as_str());
    let page = stage.visitors.ask("availability", &Visitor(FIRST).look(&target)).await;
    let taken = SignedDuration::from_mins(i64::from(service.duration_minutes));
    let mut free_from = Timestamp::MIN;
    let mut times = Vec::new();
    for start in super::crowd::starts(&page.body) {
        if start >= free_from {
            free_from = start + taken;
            times.push(start);
        }
    }
    times
}

/// Books one time after the other.
async fn book(
    stage: &Stage<'_>,
    times: Vec<Timestamp>,
    begun: Instant,
    duration: Duration,
) -> (&'static str, Step) {
    let mut tally = Tally::default();
    let service = super::crowd::shortest(&stage.salon.services).map(|service| service.id.as_str());
    let mut ticks = interval(CHECKOUT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for (number, start) in (FIRST..).zip(times) {
        ticks.tick().await;
        if begun.elapsed() >= duration {
            break;
        }
        let request = Visitor(number).reserve(service.unwrap_or_default(), start, None);
        tally.add(&stage.visitors.ask("checkout", &request).await);
    }
    let containers = containers::counted(&stage.program("checkout"));
    ("checkout", tally.step(1, containers, begun.elapsed()))
}

type Timelines = BTreeMap<(&'static str, u32), Vec<ProcessSample>>;

/// Looks at every process again and again.
async fn watch(stage: &Stage<'_>, begun: Instant, duration: Duration) -> Timelines {
    let functions = ["availability", "checkout", EMPTY].map(|name| (name, stage.program(name)));
    let mut timelines = Timelines::new();
    let mut told = begun;
    for look in 0..=LOOKS {
        sleep_until(begun + duration * look / LOOKS).await;
        let at_seconds = begun.elapsed().as_secs_f64();
        for (function, program) in &functions {
            for pid in containers::of(program) {
                let Some((resident_bytes, descriptors)) = containers::look(pid) else { continue };
                let sample = ProcessSample { at_seconds, resident_bytes, descriptors };
                timelines.entry((*function, pid)).or_default().push(sample);
            }
        }
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            eprintln!("soak: {at_seconds:.0} of {} s", duration.as_secs());
        }
    }
    timelines
}

#[expect(clippy::cast_precision_loss, reason = "a process has less than 2^52 bytes and requests")]
fn timeline(
    function: &str,
    pid: u32,
    samples: Vec<ProcessSample>,
    duration: Duration,
    requests_in_second_half: u64,
) -> ProcessTimeline {
    let half = duration.as_secs_f64() / 2.0;
    let second_half: Vec<_> = samples.iter().filter(|sample| sample.at_seconds >= half).collect();
    let slope_of = |value: fn(&ProcessSample) -> f64| {
        let points: Vec<(f64, f64)> =
            second_half.iter().map(|sample| (sample.at_seconds, value(sample))).collect();
        slope(&points)
    };
    let growth_bytes_per_second = slope_of(|sample| sample.resident_bytes as f64);
    ProcessTimeline {
        function: function.to_owned(),
        pid,
        requests_in_second_half,
        growth_bytes_per_second,
        growth_bytes_per_request: match requests_in_second_half {
            0 => 0.0,
            requests => growth_bytes_per_second * half / requests as f64,
        },
        descriptors_per_minute: slope_of(|sample| f64::from(sample.descriptors)) * 60.0,
        samples,
    }
}

/// The slope of the straight line that has the least squared distance from points;
/// 0 if they do not make one.
#[expect(clippy::cast_precision_loss, reason = "some hundred points")]
fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let across: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    let along: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    if along > 0.0 { across / along } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_that_of_the_least_squares() {
        for (points, expected) in [
            (&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)][..], 2.0),
            (&[(0.0, 4.0), (5.0, 4.0)], 0.0),
            (&[(0.0, 0.0), (1.0, 1.0), (2.0, 0.0), (3.0, 1.0)], 0.2),
            (&[(1.0, 9.0)], 0.0),
            (&[(1.0, 9.0), (1.0, 3.0)], 0.0),
            (&[], 0.0),
        ] {
            assert!((slope(points) - expected).abs() < 1e-9, "{points:?}: {}", slope(points));
        }
    }

    #[test]
    fn growth_is_that_of_the_second_half() {
        let sample = |at: u32, resident_bytes| ProcessSample {
            at_seconds: f64::from(at),
            resident_bytes,
            descriptors: 9 + at / 10,
        };
        // Fast while it warms up, then 100 bytes a second.
        let samples: Vec<_> = (0..=20)
            .map(|at| {
                sample(
                    at,
                    if at < 10 { u64::from(at) * 10_000 } else { 100_000 + u64::from(at) * 100 },
                )
            })
            .collect();
        let timeline = timeline("availability", 7, samples, Duration::from_secs(20), 500);
        assert!((timeline.growth_bytes_per_second - 100.0).abs() < 1e-6);
        assert!((timeline.growth_bytes_per_request - 2.0).abs() < 1e-6);
        assert!(timeline.descriptors_per_minute > 0.0);
    }
}
