use std::ops::Range;

use super::decisions::Recording;
use super::invariants::Violation;
use super::planted_bug::Bug;
use super::schedule::{self, Outcome};

/// How many schedules are run at most: some seconds.
const RUNS: usize = 5_000;

/// A short schedule that breaks the same invariant as a long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shrunk {
    /// How many steps the long schedule has.
    pub original_steps: u64,
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
    let original = schedule::run(seed, bug, false);
    let original_steps = original.steps;
    let invariant = original.violation.as_ref()?.invariant;
    let mut shrinker = Shrinker { seed, bug, invariant, best: original, runs: 0 };
    loop {
        let before = cost(&shrinker.best);
        shrinker.change_parts(
            |recording| recording.len() - 1,
            |recording, part| drop(recording.drain(part)),
        );
        shrinker.change_parts(
            |recording| recording.iter().flatten().flatten().count(),
            |recording, part| {
                let decisions = recording.iter_mut().flatten().flatten();
                decisions.take(part.end).skip(part.start).for_each(|decision| *decision = 0);
            },
        );
        if cost(&shrinker.best) == before || shrinker.runs >= RUNS {
            break;
        }
    }
    let short = schedule::run_as(seed, bug, Some(shrinker.best.recording), true);
    Some(Shrunk { original_steps, steps: short.trace, violation: short.violation? })
}

/// What is made smaller: first the steps that a reader sees, then the lists of
/// decisions, then the decisions that are not the first choice.
fn cost(Outcome { steps, recording, .. }: &Outcome) -> (u64, usize, usize) {
    let decisions = recording.iter().flatten().flatten();
    (*steps, recording.len(), decisions.filter(|decision| **decision != 0).count())
}

struct Shrinker {
    seed: u64,
    bug: Option<Bug>,
    invariant: &'static str,
    best: Outcome,
    runs: usize,
}

impl Shrinker {
    /// Changes parts of the recording: half of it first, then ever smaller ones. Keeps
    /// a change if the schedule breaks the same invariant and costs less.
    fn change_parts(
        &mut self,
        length: fn(&Recording) -> usize,
        change: fn(&mut Recording, Range<usize>),
    ) {
        let mut size = length(&self.best.recording);
        while size > 0 {
            let mut start = 0;
            while start < length(&self.best.recording) && self.runs < RUNS {
                let end = (start + size).min(length(&self.best.recording));
                let mut changed = self.best.recording.clone();
                change(&mut changed, start..end);
                if changed == self.best.recording {
                    start = end;
                    continue;
                }
                self.runs += 1;
                let outcome = schedule::run_as(self.seed, self.bug, Some(changed), false);
                let broken = outcome.violation.as_ref().map(|violation| violation.invariant);
                if broken == Some(self.invariant) && cost(&outcome) < cost(&self.best) {
                    self.best = outcome;
                } else {
                    start = end;
                }
            }
            size /= 2;
        }
    }
}
