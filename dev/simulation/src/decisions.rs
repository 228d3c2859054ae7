//! The decisions of a schedule: drawn from its seed, or replayed from a recording.

use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::lock;

/// What a schedule decided: in each step and after them, what each maker decided.
///
/// A step can be removed, and the others still decide as before. A decision that is
/// missing in a list counts as 0: the first choice, or "does not happen".
pub(super) type Recording = Vec<[Vec<usize>; 6]>;

/// A recording that is being made, and perhaps one that is replayed meanwhile.
#[derive(Debug, Default)]
struct Tape {
    recorded: Recording,
    replayed: Option<Recording>,
}

/// Makes decisions. All that are [forked](Self::fork) from one record on the same tape.
#[derive(Clone, Debug)]
pub(super) struct Decisions {
    /// The number of this maker of decisions among those of the schedule.
    maker: usize,
    random: Arc<Mutex<fastrand::Rng>>,
    tape: Arc<Mutex<Tape>>,
}

impl Decisions {
    pub(super) fn new(random: fastrand::Rng, replayed: Option<Recording>) -> Self {
        let tape = Tape { recorded: Recording::new(), replayed };
        Self { maker: 0, random: Arc::new(Mutex::new(random)), tape: Arc::new(Mutex::new(tape)) }
    }

    /// Returns another maker of decisions in the same schedule.
    pub(super) fn fork(&self, maker: usize, random: fastrand::Rng) -> Self {
        Self { maker, random: Arc::new(Mutex::new(random)), tape: Arc::clone(&self.tape) }
    }

    /// Takes what has been decided.
    pub(super) fn take_recording(&self) -> Recording {
        mem::take(&mut lock(&self.tape).recorded)
    }

    /// Decides how many steps there are.
    pub(super) fn step_count(&self, range: Range<usize>) -> usize {
        let drawn = lock(&self.random).usize(range);
        lock(&self.tape).replayed.as_ref().map_or(drawn, |recording| recording.len() - 1)
    }

    /// Assigns the next decisions to a new step.
    pub(super) fn begin_step(&self) {
        lock(&self.tape).recorded.push(Default::default());
    }

    /// Makes a decision that `draw` draws.
    pub(super) fn decide(&self, draw: impl FnOnce(&mut fastrand::Rng) -> usize) -> usize {
        let Tape { recorded, replayed } = &mut *lock(&self.tape);
        let step = recorded.len() - 1;
        let list = &mut recorded[step][self.maker];
        let decision = match replayed {
            Some(steps) => steps[step][self.maker].get(list.len()).copied().unwrap_or(0),
            None => draw(&mut lock(&self.random)),
        };
        list.push(decision);
        decision
    }

    /// Decides for one of `count` things, if there are any.
    pub(super) fn pick(&self, count: usize) -> Option<usize> {
        (count > 0).then(|| self.index(count))
    }

    /// Decides for an index below `limit`.
    pub(super) fn index(&self, limit: usize) -> usize {
        self.decide(|random| random.usize(0..limit)).min(limit - 1)
    }

    /// Decides for a number below `limit`, which is drawn as a byte.
    pub(super) fn byte(&self, limit: u8) -> usize {
        self.decide(|random| random.u8(0..limit).into()).min(usize::from(limit) - 1)
    }

    /// Decides for a number in `range`.
    pub(super) fn between(&self, mut range: Range<u32>) -> i64 {
        let index = self.index(range.len());
        range.nth(index).unwrap_or_default().into()
    }

    /// Decides whether something happens.
    pub(super) fn happens(&self, draw: impl FnOnce(&mut fastrand::Rng) -> bool) -> bool {
        self.decide(|random| draw(random).into()) > 0
    }

    /// Decides whether something happens that is as likely as not.
    pub(super) fn coin(&self) -> bool {
        self.happens(fastrand::Rng::bool)
    }

    /// Decides whether something happens that happens once in `times`.
    pub(super) fn one_in(&self, times: u8) -> bool {
        self.happens(|random| random.u8(0..times) == 0)
    }

    /// Decides for an order.
    pub(super) fn shuffle<T>(&self, items: &mut [T]) {
        for index in 1..items.len() {
            items.swap(index, self.index(index + 1));
        }
    }
}
