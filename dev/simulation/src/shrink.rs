//! Makes a schedule that breaks an invariant as short as possible.

use super::decisions::Recording;
use super::invariants::Violation;
use super::planted_bug::Bug;
use super::schedule::{self, Mode, Outcome};

/// How many schedules are run at most: some seconds.
const RUNS: usize = 5_000;

/// A short schedule that breaks the same invariant as a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// How many steps the long schedule has.
    pub original_steps: u64,
    /// The steps of the short one.
    pub steps: Vec<String>,
    pub violation: Violation,
}

/// Runs the schedule of a seed. If it breaks an invariant, returns a short
/// schedule that breaks the same.
///
/// It leaves out steps, and with them visitors, faults and deliveries, and it
/// replaces decisions by the first choice, as long as that helps.
#[must_use]
pub fn shrink(seed: u64, bug: Option<Bug>) -> Option<Shrunk> {
    let original = schedule::run_as(seed, bug, Mode::Record, false);
    let invariant = original.violation.as_ref()?.invariant;
    let mut shrinker =
        Shrinker { seed, bug, invariant, cost: cost(&original), best: original.recording, runs: 0 };
    loop {
        let cost = shrinker.cost;
        shrinker.remove_steps();
        shrinker.simplify_decisions();
        if shrinker.cost == cost || shrinker.runs >= RUNS {
            break;
        }
    }
    let short = schedule::run_as(seed, bug, Mode::Replay(shrinker.best), true);
    let violation = short.violation?;
    Some(Shrunk { original_steps: original.steps, steps: short.trace, violation })
}

/// What is made smaller: first the steps that a reader sees, then the lists of
/// decisions, then the decisions that are not the first choice.
type Cost = (u64, usize, usize);

struct Shrinker {
    seed: u64,
    bug: Option<Bug>,
    invariant: &'static str,
    best: Recording,
    cost: Cost,
    runs: usize,
}

impl Shrinker {
    /// Removes runs of steps: half of them first, then ever fewer.
    fn remove_steps(&mut self) {
        let mut size = self.best.steps.len();
        while size > 0 {
            let mut start = 0;
            while start < self.best.steps.len() {
                let end = (start + size).min(self.best.steps.len());
                let mut shorter = self.best.clone();
                shorter.steps.drain(start..end);
                if !self.accepts(shorter) {
                    start = end;
                }
            }
            size /= 2;
        }
    }

    /// Sets runs of decisions to 0: half of them first, then ever fewer.
    fn simplify_decisions(&mut self) {
        let mut size = self.best.decisions().count();
        while size > 0 {
            let mut start = 0;
            while start < self.best.decisions().count() {
                let mut simpler = self.best.clone();
                for decision in simpler.decisions_mut().skip(start).take(size) {
                    *decision = 0;
                }
                if simpler == self.best || !self.accepts(simpler) {
                    start += size;
                }
            }
            size /= 2;
        }
    }

    /// Tries a recording. Keeps it if it breaks the same invariant and is smaller.
    fn accepts(&mut self, recording: Recording) -> bool {
        if self.runs >= RUNS {
            return false;
        }
        self.runs += 1;
        let outcome = schedule::run_as(self.seed, self.bug, Mode::Replay(recording), false);
        let cost = cost(&outcome);
        let is_same = outcome.violation.is_some_and(|it| it.invariant == self.invariant);
        let is_better = is_same && cost < self.cost;
        if is_better {
            self.best = outcome.recording;
            self.cost = cost;
        }
        is_better
    }
}

fn cost(outcome: &Outcome) -> Cost {
    let Outcome { steps, recording, .. } = outcome;
    let others = recording.decisions().filter(|decision| **decision != 0);
    (*steps, recording.steps.len(), others.count())
}
