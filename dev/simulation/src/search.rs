use std::fmt;
use std::num::NonZero;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use salon::booking::State;

use super::invariants::Violation;
use super::lock;
use super::notifications::NotificationCounts;
use super::planted_bug::Bug;
use super::schedule;

/// The interval between two progress lines.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

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
    /// How many clients got a time by standing by.
    pub served: u64,
    pub notifications: NotificationCounts,
}

/// Searches for a schedule that breaks an invariant, on all cores, until one is found
/// all seeds have run, or `stop` is set. Prints its progress.
///
/// Returns the finding with the lowest seed.
#[must_use]
pub fn search(seeds: Range<u64>, bug: Option<Bug>, stop: &AtomicBool) -> (Option<Finding>, Totals) {
    let seeds = Mutex::new(seeds);
    let next = || lock(&seeds).next().filter(|_| !stop.load(Ordering::Relaxed));
    let result = Mutex::new((None::<Finding>, Totals::default()));
    let printed_at = Mutex::new(Instant::now());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZero::get) {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    let outcome = schedule::run(seed, bug, false);
                    let (finding, totals) = &mut *lock(&result);
                    totals.add(&outcome);
                    if let Some(violation) = outcome.violation {
                        *lock(&seeds) = 0..0;
                        if finding.as_ref().is_none_or(|known| seed < known.seed) {
                            *finding = Some(Finding { seed, violation });
                        }
                    }
                    let mut printed_at = lock(&printed_at);
                    if printed_at.elapsed() > PROGRESS_INTERVAL {
                        *printed_at = Instant::now();
                        eprintln!("{totals}");
                    }
                }
            });
        }
    });
    result.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}

impl Totals {
    fn add(&mut self, outcome: &schedule::Outcome) {
        self.schedules += 1;
        self.steps += outcome.steps;
        for (sum, more) in self.states.iter_mut().zip(outcome.states) {
            *sum += more;
        }
        self.served += outcome.served;
        let NotificationCounts { mails, repeats, events, deleted_events } = outcome.notifications;
        self.notifications.mails += mails;
        self.notifications.repeats += repeats;
        self.notifications.events += events;
        self.notifications.deleted_events += deleted_events;
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { schedules, steps, states, served, notifications } = self;
        write!(f, "{schedules} schedules, {steps} steps; bookings:")?;
        for (state, count) in State::ALL.into_iter().zip(states).filter(|(_, count)| **count > 0) {
            write!(f, " {count} {state},")?;
        }
        write!(f, " {served} of the confirmed by standing by,")?;
        let NotificationCounts { mails, repeats, events, deleted_events } = notifications;
        write!(f, " {mails} mails ({repeats} repeated), {events} calendar events, ")?;
        write!(f, "{deleted_events} deleted")
    }
}
