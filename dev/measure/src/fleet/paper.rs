//! The same on paper: closed forms that the simulation has to agree with.

use serde::Serialize;

use super::arrivals::{HOURS, peak};
use super::simulation::{FRESH, SNAPSHOT};
use super::times::{KEPT, PEOPLE, Times};
use super::visit::{Asked, Function};

/// More containers than any account has.
const MOST: u32 = 100_000;

/// What formulas say about a number of visits a day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Paper {
    /// The most containers, of each function in the order of [`Function::ALL`].
    pub containers: [u32; 3],
    /// The share of availability's requests that start a container.
    pub cold_share: f64,
    /// The share of the answers about times that the container has, if nobody
    /// asks twice: where visitors are few, they meet the snapshot of their own
    /// first request.
    pub l1_share: f64,
    /// How often calendars are read a day, at most.
    pub calendar_reads_a_day: f64,
}

impl Paper {
    pub(super) fn new(visits_a_day: f64, times: &Times) -> Self {
        let mean = visits_a_day / 86_400.0;
        Self {
            containers: Function::ALL.map(|function| {
                let (rate, lasts) = offered(function, times);
                let steady = containers(rate * mean * peak(), lasts);
                match function {
                    Function::Availability => steady.max(at_once(mean * peak(), times)),
                    Function::Checkout | Function::Webhook => steady,
                }
            }),
            cold_share: cold_share(mean),
            l1_share: l1_share(mean, times),
            calendar_reads_a_day: calendar_reads(mean),
        }
    }
}

/// Returns how many requests a visit makes of a function, and how long one takes
/// on average.
fn offered(function: Function, times: &Times) -> (f64, f64) {
    let of_function = || Asked::ALL.into_iter().filter(|asked| asked.function() == function);
    let rate: f64 = of_function().map(Asked::per_visit).sum();
    let work: f64 = of_function().map(|asked| asked.per_visit() * times.answer(asked)).sum();
    (rate, work / rate)
}

/// Returns Erlang's B: the share of requests, offered so much work, that finds
/// all of so many containers busy.
pub(super) fn erlang_b(containers: u32, offered: f64) -> f64 {
    (1..=containers).map(f64::from).fold(1.0, |blocked, container| {
        let blocked = offered * blocked;
        blocked / (container + blocked)
    })
}

/// Returns how many containers there are: so many that one more is needed less
/// than once in the time for which it would be kept.
pub(super) fn containers(rate: f64, lasts: f64) -> u32 {
    let is_enough = |count: &u32| rate * erlang_b(*count, rate * lasts) * KEPT < 1.0;
    (1..MOST).find(is_enough).unwrap_or(MOST)
}

/// Returns how many containers availability needs at once: two for a page that
/// asks for the open times and the menu, and, as a calendar that is due ends the
/// snapshots of all containers together, one for each request that comes while
/// the first of them takes another.
fn at_once(visits_a_second: f64, times: &Times) -> u32 {
    let rate = visits_a_second * (Asked::OpenTime.per_visit() + Asked::Starts.per_visit());
    let come = rate * (times.answer(Asked::OpenTime) + times.snapshot());
    (2..MOST).find(|count| f64::from(*count) >= come).unwrap_or(MOST)
}

/// Returns the rate of the requests that come to each container, if each goes to
/// the first that is free, until there is next to nothing left.
pub(super) fn rates(rate: f64, lasts: f64) -> impl Iterator<Item = f64> {
    let overflow = move |containers| rate * erlang_b(containers, rate * lasts);
    (1..)
        .map(move |container| overflow(container - 1) - overflow(container))
        .take_while(move |to_one| *to_one > rate * 1e-9)
}

/// Returns how many snapshots a container takes a second: one, and the time
/// until the next request after its end.
pub(super) fn snapshots(rate: f64, lifetime: f64) -> f64 {
    rate / (1.0 + rate * lifetime)
}

/// Returns how long a snapshot lives: a minute, or, as it ends with the first
/// calendar that is due, the share of a calendar's freshness that each person has.
fn lifetime() -> f64 {
    let [least, most] = FRESH;
    SNAPSHOT.min(f64::midpoint(least, most) / f64::from(PEOPLE))
}

/// Where visitors are few: a visit starts a container if there was none in the
/// time for which one is kept, and two if it asks for the menu too.
fn cold_share(mean: f64) -> f64 {
    let share = HOURS.into_iter().map(|hour| hour * (-mean * hour * KEPT).exp()).sum::<f64>();
    let starts = 1.0 + Asked::Menu.per_visit();
    let of_availability = |asked: &Asked| asked.function() == Function::Availability;
    let requests: f64 = Asked::ALL.into_iter().filter(of_availability).map(Asked::per_visit).sum();
    share / 24.0 * starts / requests
}

fn l1_share(mean: f64, times: &Times) -> f64 {
    let about_times = Asked::OpenTime.per_visit() + Asked::Starts.per_visit();
    let misses = HOURS.into_iter().map(|hour| {
        rates(mean * hour * about_times, times.answer(Asked::OpenTime))
            .map(|rate| snapshots(rate, lifetime()))
            .sum::<f64>()
    });
    1.0 - misses.sum::<f64>() / (24.0 * mean * about_times)
}

/// One a freshness period and person while there is traffic, however much.
fn calendar_reads(mean: f64) -> f64 {
    let [least, most] = FRESH;
    let asks = Asked::OpenTime.per_visit() + Asked::Starts.per_visit();
    let reads = HOURS
        .into_iter()
        .map(|hour| 3600.0 * snapshots(mean * hour * asks, f64::midpoint(least, most)));
    f64::from(PEOPLE) * reads.sum::<f64>()
}
