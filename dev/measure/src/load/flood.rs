//! A flood: an attacker holds every time of the salon and never pays, while visitors book.
//!
//! The visitors' requests and the attacker's come through a CDN, each with an address of its
//! own, so that no limit of unpaid holds refuses any.
//!
//! | module | contents |
//! |---|---|
//! | `attacker` | who places holds |
//! | `visit` | a visitor, who looks, books, pays and waits |

mod attacker;
mod visit;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use openchair::busy::{Busy, BusyReader, NoCalendars};
use openchair::clock::Clock;
use openchair::store::{Consistency, DynamoStore};
use openchair::time_budget::RECONCILE_INTERVAL;
use salon::Salon;
use salon::availability::{Availability, BusyTimes};
use salon::salon_file;
use stand_ins::sandbox::Sandbox;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use self::attacker::Attacker;
use self::visit::{Outcome, Visit, Wait};
use super::audit::audit;
use super::charges::Charges;
use super::crowd::shortest_service;
use super::reply_counts::ReplyCounts;
use super::test_bed::{FunctionClient, TestBed};
use crate::measure_error::{Context as _, Error};
use crate::results::Results;
use crate::statistics::{float, median};
use crate::visitor_events::Visitor;

/// Processes of each function.
pub(super) const CONTAINERS: u16 = 32;
/// The number of the first visitor; the attacker uses lower numbers.
const FIRST_VISITOR: u32 = 100_000;
/// How long the attacker is alone. After half a minute, the salon is full.
const HEAD_START: Duration = Duration::from_secs(35);
/// After this time, a visitor who was beaten does not try another time. Two runs of the
/// schedule follow.
const LAST_TRY: Duration = Duration::from_secs(130);
/// When the scenario ends, whether or not everybody has been served.
const END: Duration = Duration::from_secs(280);
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// The line of the default salon file that the scenario changes.
const HOLD_MINUTES: [&str; 2] = ["hold_minutes = 10 ", "hold_minutes = 1 "];

/// Returns the default salon file, with the shortest holds.
pub(super) fn salon_file() -> String {
    salon_file::COMPILED_IN.replace(HOLD_MINUTES[0], HOLD_MINUTES[1])
}

/// What the attacker and the visitors share.
#[derive(Debug)]
struct Flood {
    client: FunctionClient,
    salon: Salon,
    sandbox: Sandbox,
    store: DynamoStore,
    reader: BusyReader<DynamoStore, NoCalendars>,
    started: Instant,
}

/// How many times the shortest service can start in the horizon.
#[derive(Clone, Copy, Debug)]
struct Sample {
    free: usize,
    /// Those that are free, and those that only unpaid bookings are in the way of.
    unsold: usize,
}

/// Runs the scenario, and checks what the visitors were charged.
pub(super) async fn run(bed: &TestBed<'_>, results: &mut Results) -> Result<(), Error> {
    for function in ["availability", "checkout", "webhook"] {
        bed.wait_for(function).await?;
    }
    let flood = Arc::new(Flood {
        client: bed.client.clone(),
        salon: bed.salon.clone(),
        sandbox: bed.sandbox.clone(),
        store: bed.store.clone(),
        reader: BusyReader::new(bed.store.clone(), NoCalendars, Clock::machine()),
        started: Instant::now(),
    });
    let visitors: u32 = bed.either(50, 10);
    eprintln!("flood: {visitors} visitors, after {} s", HEAD_START.as_secs());
    let mut attacker = Attacker::default();
    let (mut samples, mut runs) = (Vec::new(), Vec::new());
    let visits = tokio::select! {
        visits = flood.visits(visitors) => visits,
        Err(error) = attacker.run(&flood) => return Err(error),
        Err(error) = flood.sample(&mut samples) => return Err(error),
        Err(error) = flood.run_schedule(&mut runs) => return Err(error),
    };
    let duration = flood.started.elapsed();

    results.add("flood", "attacker", ReplyCounts::of(&attacker.replies, duration).figures());
    let pages = || visits.iter().flat_map(|visit| &visit.pages);
    let checkouts = || visits.iter().flat_map(|visit| &visit.checkouts);
    let time = duration.saturating_sub(HEAD_START);
    results.add("flood", "page", ReplyCounts::of(pages(), time).figures());
    results.add("flood", "checkout", ReplyCounts::of(checkouts(), time).figures());

    let shares: Vec<f64> = samples.iter().map(Sample::held_percent).collect();
    let figures = [
        ("times held unpaid, %, median", median(shares.iter().copied())),
        ("times held unpaid, %, least", shares.iter().copied().fold(f64::NAN, f64::min)),
        (
            "times free for visitors, at most",
            samples.iter().map(|it| float(it.free)).fold(0.0, f64::max),
        ),
        ("runs of the schedule", float(runs.len())),
        ("longest run, s", runs.iter().copied().fold(0.0, f64::max)),
    ];
    results.add("flood: salon", "flood", figures);

    let requests = checkouts().filter(|reply| reply.is_session()).count();
    let blocked = checkouts().filter(|reply| reply.body["status"] == "standby").count();
    let count = |outcome| visits.iter().filter(|visit| visit.outcome == outcome).count();
    let failures = pages().chain(checkouts()).filter(|reply| reply.is_failure()).count();
    let figures = [
        ("visitors", float(visits.len())),
        ("unsold times asked for", float(requests)),
        ("held unpaid at that moment, %", float(blocked) / float(requests) * 100.0),
        ("booked", float(count(Outcome::Booked))),
        ("beaten by a payment", float(count(Outcome::Beaten))),
        ("neither", float(count(Outcome::NotServed))),
        ("failures", float(failures)),
    ];
    results.add("flood: visitors", "flood", figures);
    for (subject, looks) in [("looks at the booking", true), ("closes the page", false)] {
        let all = visits.iter().filter(|visit| visit.looks == looks).flat_map(|it| &it.waits);
        let seconds: Vec<f64> = all.map(Wait::seconds).collect();
        let longest = seconds.iter().copied().fold(f64::NAN, f64::max);
        let figures = [
            ("decided", float(seconds.len())),
            ("median, s", median(seconds)),
            ("longest, s", longest),
        ];
        results.add("flood: time in line", subject, figures);
    }
    results.add("charges", "flood", Charges::settled(bed).await?.figures());
    let overlaps = audit(bed, &[]).await?.overlaps;
    results.add("audit", "flood", [("overlaps", float(overlaps))]);
    Ok(())
}

impl Flood {
    /// Lets the visitors come one after the other, and waits until all have left.
    async fn visits(self: &Arc<Self>, visitors: u32) -> Vec<Visit> {
        let mut running = JoinSet::new();
        for number in 0..visitors {
            sleep_until(self.started + HEAD_START + visit::INTERVAL * number).await;
            let flood = Arc::clone(self);
            running.spawn(async move { flood.visit(Visitor(FIRST_VISITOR + number)).await });
        }
        running.join_all().await
    }

    /// Counts the times that are free and those that are held.
    async fn sample(&self, samples: &mut Vec<Sample>) -> Result<Infallible, Error> {
        sleep(HEAD_START).await;
        let service = shortest_service(&self.salon.services)
            .ok_or_else(|| Error::new("the salon has no service"))?;
        loop {
            let busy = self.busy().await?;
            let starts = |times: &BusyTimes| {
                let horizon = self.salon.horizon(busy.now);
                let availability = Availability::new(&self.salon, times, busy.now);
                let days = availability.starts(service, None, (horizon.first, horizon.last));
                days.map(|day| day.starts.len()).sum()
            };
            samples.push(Sample {
                free: starts(&busy.times()),
                unsold: starts(&busy.standby_times()),
            });
            sleep(SAMPLE_INTERVAL).await;
        }
    }

    /// Runs `reconcile` on the deployed schedule, and adds the seconds that each run takes.
    async fn run_schedule(&self, runs: &mut Vec<f64>) -> Result<Infallible, Error> {
        loop {
            sleep(RECONCILE_INTERVAL).await;
            let started = Instant::now();
            self.client.run_schedule("reconcile").await?;
            runs.push(started.elapsed().as_secs_f64());
        }
    }

    async fn busy(&self) -> Result<Busy, Error> {
        let busy = self.reader.read(&self.salon, Consistency::Strong).await;
        busy.context("could not read the day sheets")
    }
}

impl Sample {
    fn held_percent(&self) -> f64 {
        float(self.unsold.saturating_sub(self.free)) / float(self.unsold) * 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_of_the_salon_file_ends_after_a_minute() {
        let salon = salon_file::parse(&salon_file()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(salon.hold_minutes, 1);
    }

    #[test]
    fn what_is_neither_free_nor_sold_is_held() {
        for (free, unsold, expected) in [(0, 40, 100.0), (10, 40, 75.0), (40, 40, 0.0)] {
            let found = Sample { free, unsold }.held_percent();
            assert!((found - expected).abs() < 1e-9, "{free} of {unsold}: {found}");
        }
    }
}
