use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use salon::booking::State;

use super::bug::Bug;
use super::schedule;
use super::telling::Counts;

/// How many schedules a thread takes at once.
const BLOCK: u64 = 64;

/// A look for a schedule that breaks an invariant, by all the processor's
/// cores.
#[derive(Debug)]
pub struct Search {
    seeds: Range<u64>,
    bug: Option<Bug>,
    next: AtomicU64,
    is_stopped: AtomicBool,
    found: Mutex<(Option<Finding>, Tally)>,
}

/// A schedule that breaks an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its seed.
    pub seed: u64,
    /// What is wrong, in a sentence.
    pub violation: String,
}

/// What schedules consisted of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The schedules.
    pub schedules: u64,
    /// Their steps.
    pub steps: u64,
    /// How many bookings ended in each state, in the order of [`State::ALL`].
    pub ends: [u64; State::ALL.len()],
    /// What has been told.
    pub told: Counts,
}

impl Search {
    /// Prepares a search through the schedules of some seeds.
    #[must_use]
    pub fn new(seeds: Range<u64>, bug: Option<Bug>) -> Self {
        let next = AtomicU64::new(seeds.start);
        Self { seeds, bug, next, is_stopped: AtomicBool::new(false), found: Mutex::default() }
    }

    /// Searches until something is found, all is searched, or it is stopped.
    /// Returns the finding with the lowest seed.
    pub fn run(&self) -> Option<Finding> {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.search());
            }
        });
        self.found.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Ends the search soon.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Returns what has been searched so far.
    pub fn tally(&self) -> Tally {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn search(&self) {
        while !self.is_stopped.load(Ordering::Relaxed) {
            let first = self.next.fetch_add(BLOCK, Ordering::Relaxed);
            if first >= self.seeds.end {
                return;
            }
            let mut tally = Tally::default();
            let mut finding = None;
            for seed in first..(first + BLOCK).min(self.seeds.end) {
                let outcome = schedule::run(seed, self.bug, false);
                tally.add(&outcome);
                if let Some(violation) = outcome.violation {
                    finding = Some(Finding { seed, violation });
                    self.stop();
                    break;
                }
            }
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            found.1.join(&tally);
            if let Some(finding) = finding
                && found.0.as_ref().is_none_or(|known| finding.seed < known.seed)
            {
                found.0 = Some(finding);
            }
        }
    }
}

impl Tally {
    fn add(&mut self, outcome: &schedule::Outcome) {
        let schedule::Outcome { steps, ends, told, .. } = *outcome;
        self.join(&Self { schedules: 1, steps, ends, told });
    }

    fn join(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        for (sum, more) in self.ends.iter_mut().zip(other.ends) {
            *sum += more;
        }
        self.told.join(&other.told);
    }
}
