use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use salon::booking::State;

use super::invariants::Violation;
use super::notifications::NotificationCounts;
use super::planted_bug::Bug;
use super::schedule::{self, Outcome};

/// How many schedules a thread takes at once.
const BLOCK: u64 = 64;

/// A search for a schedule that breaks an invariant, on all cores.
#[derive(Debug)]
pub struct Search {
    seeds: Range<u64>,
    bug: Option<Bug>,
    next: AtomicU64,
    is_stopped: AtomicBool,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    finding: Option<Finding>,
    totals: Totals,
}

/// A schedule that breaks an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub seed: u64,
    pub violation: Violation,
}

/// What many schedules consisted of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub schedules: u64,
    pub steps: u64,
    /// How many bookings ended in each state, in the order of [`State::ALL`].
    pub states: [u64; State::ALL.len()],
    pub notifications: NotificationCounts,
}

impl Search {
    /// Prepares a search through the schedules of some seeds.
    #[must_use]
    pub fn new(seeds: Range<u64>, bug: Option<Bug>) -> Self {
        let next = AtomicU64::new(seeds.start);
        Self { seeds, bug, next, is_stopped: AtomicBool::new(false), progress: Mutex::default() }
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
        self.progress().finding.clone()
    }

    /// Ends the search soon.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Returns what has been searched so far.
    pub fn totals(&self) -> Totals {
        self.progress().totals
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn search(&self) {
        while !self.is_stopped.load(Ordering::Relaxed) {
            let first = self.next.fetch_add(BLOCK, Ordering::Relaxed);
            if first >= self.seeds.end {
                return;
            }
            let mut totals = Totals::default();
            let mut finding = None;
            for seed in first..(first + BLOCK).min(self.seeds.end) {
                let outcome = schedule::run(seed, self.bug, false);
                totals.add(&outcome);
                if let Some(violation) = outcome.violation {
                    finding = Some(Finding { seed, violation });
                    self.stop();
                    break;
                }
            }
            let mut progress = self.progress();
            progress.totals.join(&totals);
            if let Some(finding) = finding
                && progress.finding.as_ref().is_none_or(|known| finding.seed < known.seed)
            {
                progress.finding = Some(finding);
            }
        }
    }
}

impl Totals {
    fn add(&mut self, outcome: &Outcome) {
        let Outcome { steps, states, notifications, .. } = *outcome;
        self.join(&Self { schedules: 1, steps, states, notifications });
    }

    fn join(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        for (sum, more) in self.states.iter_mut().zip(other.states) {
            *sum += more;
        }
        self.notifications.join(&other.notifications);
    }
}
