//! Containers, snapshots and leases, one request after the other.

use super::times::{
    ENVIRONMENT, KEPT, READING_UNITS, REFUSED_LEASE_UNITS, Times, Units, snapshot_units, units,
};
use super::visit::{Asked, Function};

/// For how many seconds a snapshot answers: `LIFETIME` in
/// `functions/availability/src/snapshot.rs`.
pub(super) const SNAPSHOT: f64 = 60.0;
/// For how many seconds what was read of a calendar is fresh, at least and at
/// most: `freshness` in `shared/src/busy.rs`.
pub(super) const FRESH: [f64; 2] = [50.0, 60.0];
/// For how many seconds a snapshot is good while somebody else reads a calendar:
/// `SOON` in `shared/src/busy.rs`.
const SOON: f64 = 5.0;

/// When the containers are gone that only the first moment of a window needed: all
/// that comes while the first one starts has to start one too.
pub(super) const SETTLED: f64 = KEPT + 10.0;

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) requests: [f64; Asked::ALL.len()],
    /// Cold starts of each function.
    pub(super) cold: [f64; 3],
    /// Milliseconds that are billed, of each function.
    pub(super) billed_ms: [f64; 3],
    /// Seconds in which a container was at work, of each function.
    pub(super) busy: [f64; 3],
    /// Answers about times that the container had.
    pub(super) hits: f64,
    /// Answers about times that waited for a snapshot, or for the container.
    pub(super) misses: f64,
    pub(super) snapshots: f64,
    /// How often somebody's calendar item was looked at.
    pub(super) calendars_looked_at: f64,
    pub(super) calendars_read: f64,
    pub(super) read_units: f64,
    pub(super) write_units: f64,
}

/// What was seen of a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) counts: Counts,
    /// The most containers that each function had.
    pub(super) containers: [u32; 3],
}

/// Whose calendars there are, and how one request at a time gets to read them.
struct Calendars {
    /// For each person: until when the reading is fresh, and from when it is there.
    people: Vec<(f64, f64)>,
    random: fastrand::Rng,
}

struct Container {
    free_at: f64,
    /// When its snapshot ends.
    good_until: f64,
}

#[derive(Default)]
struct Pool {
    containers: Vec<Container>,
    most: u32,
}

/// Answers requests, each of them in a container of its own: the first that is
/// free. It counts what comes at `from` or later.
pub(super) fn run(
    requests: impl Iterator<Item = (f64, Asked)>,
    times: &Times,
    people: u32,
    from: f64,
    seed: u64,
) -> Seen {
    let mut pools: [Pool; 3] = Default::default();
    let mut calendars = Calendars::new(people, seed);
    let mut counts = Counts::default();
    let mut before = counts;
    let mut is_counted = false;
    for (now, asked) in requests {
        if !is_counted && now >= from {
            (is_counted, before) = (true, counts);
            for pool in &mut pools {
                pool.most = pool.kept(now);
            }
        }
        answer(now, asked, times, &mut pools, &mut calendars, &mut counts);
    }
    let counts = counts.plus(&before, -1.0);
    Seen { counts, containers: pools.map(|pool| pool.most) }
}

fn answer(
    now: f64,
    asked: Asked,
    times: &Times,
    pools: &mut [Pool; 3],
    calendars: &mut Calendars,
    counts: &mut Counts,
) {
    let function = asked.function();
    let (container, is_cold) = pools[function.index()].take(now);
    let mut lasts = times.answer(asked);
    let mut init = 0.0;
    counts.requests[asked as usize] += 1.0;
    counts.count(units(asked, calendars.len()));
    if is_cold {
        init = times.init(function);
        counts.cold[function.index()] += 1.0;
    }
    match asked {
        Asked::OpenTime | Asked::Starts | Asked::Menu if is_cold => {
            let (good_until, took) = calendars.snapshot(now + ENVIRONMENT + init, counts);
            init += took;
            container.good_until = good_until;
        }
        Asked::OpenTime | Asked::Starts if container.good_until <= now => {
            let (good_until, took) = calendars.snapshot(now, counts);
            lasts += times.snapshot() + took;
            container.good_until = good_until;
            counts.misses += 1.0;
        }
        Asked::OpenTime | Asked::Starts => counts.hits += 1.0,
        Asked::Checkout => lasts += calendars.look(now, counts).1,
        Asked::Menu | Asked::Look | Asked::Cancel | Asked::Event => {}
    }
    if is_cold && matches!(asked, Asked::OpenTime | Asked::Starts) {
        // It has found a snapshot, but it has waited for that.
        counts.misses += 1.0;
    }
    counts.billed_ms[function.index()] += ((init + lasts) * 1000.0).ceil();
    counts.busy[function.index()] += init + lasts;
    container.free_at = now + lasts + init + if is_cold { ENVIRONMENT } else { 0.0 };
}

impl Pool {
    /// Returns a container for a request, and whether it is a new one.
    fn take(&mut self, now: f64) -> (&mut Container, bool) {
        let is_warm =
            |container: &Container| container.free_at <= now && now - container.free_at <= KEPT;
        if let Some(warm) = self.containers.iter().position(is_warm) {
            return (&mut self.containers[warm], false);
        }
        let is_gone = |container: &Container| container.free_at <= now;
        let place = self.containers.iter().position(is_gone).unwrap_or_else(|| {
            self.containers.push(Container { free_at: now, good_until: f64::MIN });
            self.containers.len() - 1
        });
        self.containers[place].free_at = now;
        self.most = self.most.max(self.kept(now));
        (&mut self.containers[place], true)
    }

    /// Returns how many containers there are.
    fn kept(&self, now: f64) -> u32 {
        let kept = self.containers.iter().filter(|container| now - container.free_at <= KEPT);
        u32::try_from(kept.count()).unwrap_or(u32::MAX)
    }
}

impl Calendars {
    fn new(people: u32, seed: u64) -> Self {
        let people = (0..people).map(|_| (f64::MIN, f64::MIN)).collect();
        Self { people, random: fastrand::Rng::with_seed(seed) }
    }

    fn len(&self) -> u32 {
        u32::try_from(self.people.len()).unwrap_or(u32::MAX)
    }

    /// Takes a snapshot. Returns when it ends, and how much longer the calendars
    /// made it take.
    fn snapshot(&mut self, now: f64, counts: &mut Counts) -> (f64, f64) {
        counts.snapshots += 1.0;
        counts.count(snapshot_units(self.len()));
        let (good_until, took) = self.look(now, counts);
        (good_until.min(now + SNAPSHOT), took)
    }

    /// Looks at the calendar items, side by side, and reads the calendars that
    /// are due and that nobody else is reading. Returns until when what it found
    /// is good, and how much longer that took.
    fn look(&mut self, now: f64, counts: &mut Counts) -> (f64, f64) {
        let (mut good_until, mut took) = (f64::MAX, 0.0);
        for (fresh_until, there_at) in &mut self.people {
            counts.calendars_looked_at += 1.0;
            if now < *there_at {
                counts.count(REFUSED_LEASE_UNITS);
                good_until = good_until.min(now + SOON);
                continue;
            }
            if now >= *fresh_until {
                counts.calendars_read += 1.0;
                counts.count(READING_UNITS);
                let [least, most] = FRESH;
                *fresh_until = now + least + (most - least) * self.random.f64();
                *there_at = now + Times::reading();
                took = Times::reading();
            }
            good_until = good_until.min(*fresh_until);
        }
        (good_until, took)
    }
}

impl Counts {
    fn count(&mut self, units: Units) {
        self.read_units += units.reads;
        self.write_units += units.writes;
    }

    /// Adds so many times what another has counted.
    pub(super) fn plus(&self, other: &Self, times: f64) -> Self {
        let each = |one: f64, other: f64| one + other * times;
        let three = |one: [f64; 3], other: [f64; 3]| [0, 1, 2].map(|at| each(one[at], other[at]));
        let mut requests = self.requests;
        requests.iter_mut().zip(other.requests).for_each(|(one, other)| *one += other * times);
        Self {
            requests,
            cold: three(self.cold, other.cold),
            billed_ms: three(self.billed_ms, other.billed_ms),
            busy: three(self.busy, other.busy),
            hits: each(self.hits, other.hits),
            misses: each(self.misses, other.misses),
            snapshots: each(self.snapshots, other.snapshots),
            calendars_looked_at: each(self.calendars_looked_at, other.calendars_looked_at),
            calendars_read: each(self.calendars_read, other.calendars_read),
            read_units: each(self.read_units, other.read_units),
            write_units: each(self.write_units, other.write_units),
        }
    }

    /// Returns how many requests a function had.
    pub(super) fn invocations(&self, function: Function) -> f64 {
        let of_function = Asked::ALL.into_iter().filter(|asked| asked.function() == function);
        of_function.map(|asked| self.requests[asked as usize]).sum()
    }
}

#[cfg(test)]
mod tests;
