//! The decisions of a schedule: drawn from its seed, or replayed from a recording.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is decided independently of the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What visitors do, and which task continues.
    Visitors,
    Stripe,
    Table,
    /// SES and Google.
    Services,
    /// The table, as the function that sends notifications reaches it.
    Markers,
    /// Which delivery of the stream continues.
    Notifications,
}

/// What a schedule decided.
///
/// Each step has its own lists, one for each kind, so that a step can be removed and
/// the others still decide as before. A decision that is missing in a list counts as
/// 0: the first choice, or "does not happen".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Recording {
    pub(super) steps: Vec<Step>,
    /// What is decided after the last step, while everything settles.
    settling: Step,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// The step's number when it was recorded, from 1.
    number: u64,
    lists: [Vec<u64>; 6],
}

impl Recording {
    /// Iterates over the decisions.
    pub(super) fn decisions(&self) -> impl Iterator<Item = &u64> {
        self.steps.iter().chain([&self.settling]).flat_map(|step| &step.lists).flatten()
    }

    pub(super) fn decisions_mut(&mut self) -> impl Iterator<Item = &mut u64> {
        self.lists_mut().flatten()
    }

    fn lists_mut(&mut self) -> impl Iterator<Item = &mut Vec<u64>> {
        self.steps.iter_mut().chain([&mut self.settling]).flat_map(|step| &mut step.lists)
    }
}

/// A recording that is being made, and perhaps one that is replayed meanwhile.
#[derive(Debug, Default)]
struct Tape {
    recorded: Recording,
    replayed: Option<Recording>,
    is_settling: bool,
    /// How many ids have been given in the current step.
    ids: u64,
}

impl Tape {
    fn decide(&mut self, kind: Kind, draw: impl FnOnce() -> u64) -> u64 {
        let step = self.recorded.steps.len();
        let recorded = match self.recorded.steps.last_mut() {
            Some(step) if !self.is_settling => step,
            _ => &mut self.recorded.settling,
        };
        let list = &mut recorded.lists[kind as usize];
        let decision = match &self.replayed {
            None => draw(),
            Some(Recording { steps, settling }) => {
                let replayed = if self.is_settling { settling } else { &steps[step - 1] };
                replayed.lists[kind as usize].get(list.len()).copied().unwrap_or(0)
            }
        };
        list.push(decision);
        decision
    }
}

/// Makes one kind of decisions.
#[derive(Clone, Debug)]
pub(super) struct Decisions {
    kind: Kind,
    random: Arc<Mutex<fastrand::Rng>>,
    /// Shared by all decisions of a schedule. A search needs none.
    tape: Option<Arc<Mutex<Tape>>>,
}

impl Decisions {
    /// Draws decisions and does not record them.
    pub(super) fn drawn(random: fastrand::Rng) -> Self {
        Self { kind: Kind::Visitors, random: Arc::new(Mutex::new(random)), tape: None }
    }

    /// Draws decisions and records them.
    pub(super) fn recorded(random: fastrand::Rng) -> Self {
        Self { tape: Some(Arc::default()), ..Self::drawn(random) }
    }

    /// Repeats the decisions of a recording.
    pub(super) fn replayed(random: fastrand::Rng, recording: Recording) -> Self {
        let tape = Tape { replayed: Some(recording), ..Tape::default() };
        Self { tape: Some(Arc::new(Mutex::new(tape))), ..Self::drawn(random) }
    }

    /// Returns decisions of another kind in the same schedule.
    pub(super) fn of(&self, kind: Kind, random: fastrand::Rng) -> Self {
        Self { kind, tape: self.tape.clone(), ..Self::drawn(random) }
    }

    /// Returns what has been decided, of all kinds, without what counts as 0 anyway.
    pub(super) fn recording(&self) -> Recording {
        let Some(tape) = &self.tape else { return Recording::default() };
        let mut recording = lock(tape).recorded.clone();
        for list in recording.lists_mut() {
            let used = list.iter().rposition(|decision| *decision != 0).map_or(0, |last| last + 1);
            list.truncate(used);
        }
        recording
    }

    /// Decides how many steps there are.
    pub(super) fn step_count(&self, range: Range<usize>) -> usize {
        let drawn = lock(&self.random).usize(range);
        let tape = self.tape.as_deref().map(lock);
        let replayed = tape.as_ref().and_then(|tape| tape.replayed.as_ref());
        replayed.map_or(drawn, |recording| recording.steps.len())
    }

    /// Assigns the next decisions to a new step.
    pub(super) fn begin_step(&self) {
        if let Some(tape) = &self.tape {
            let mut tape = lock(tape);
            let index = tape.recorded.steps.len();
            let replayed = tape.replayed.as_ref().map(|recording| recording.steps[index].number);
            let number = replayed.unwrap_or(index as u64 + 1);
            tape.recorded.steps.push(Step { number, ..Step::default() });
            tape.ids = 0;
        }
    }

    /// Assigns the next decisions to the time after the last step.
    pub(super) fn begin_settling(&self) {
        if let Some(tape) = &self.tape {
            let mut tape = lock(tape);
            tape.is_settling = true;
            tape.ids = 0;
        }
    }

    /// Returns an id for something that begins in this step. It stays the same when
    /// other steps are removed. Without a recording nobody needs one, and it is 0.
    pub(super) fn new_id(&self) -> u64 {
        let Some(tape) = &self.tape else { return 0 };
        let mut tape = lock(tape);
        tape.ids += 1;
        let step = tape.recorded.steps.last().filter(|_| !tape.is_settling);
        (step.map_or(u64::from(u32::MAX), |step| step.number) << 16) + tape.ids
    }

    /// Decides for one of several things and returns its index. There is none if the
    /// thing does not exist in a shortened schedule.
    pub(super) fn pick(&self, ids: impl ExactSizeIterator<Item = u64> + Clone) -> Option<usize> {
        let count = ids.len();
        self.pick_by(ids, |random| random.usize(0..count))
    }

    /// Decides for one of several things, by an index that is drawn otherwise.
    pub(super) fn pick_by(
        &self,
        mut ids: impl Iterator<Item = u64> + Clone,
        draw: impl FnOnce(&mut fastrand::Rng) -> usize,
    ) -> Option<usize> {
        let Some(tape) = &self.tape else { return Some(draw(&mut lock(&self.random))) };
        let drawn = || ids.clone().nth(draw(&mut lock(&self.random))).unwrap_or(0);
        match lock(tape).decide(self.kind, drawn) {
            0 => ids.next().map(|_| 0),
            picked => ids.position(|id| id == picked),
        }
    }

    /// Draws numbers that nobody needs, so that the next decisions are the same as
    /// with them.
    pub(super) fn skip<T>(&self, draw: impl FnOnce(&mut fastrand::Rng) -> T) {
        draw(&mut lock(&self.random));
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

    /// Decides for an index below `limit`.
    pub(super) fn index(&self, limit: usize) -> usize {
        let number = self.decide(|random| random.u64(0..limit as u64));
        usize::try_from(number).unwrap_or(usize::MAX).min(limit - 1)
    }

    /// Decides for a byte below `limit`.
    pub(super) fn byte(&self, limit: u8) -> u8 {
        let number = self.decide(|random| random.u8(0..limit).into());
        u8::try_from(number).unwrap_or(u8::MAX).min(limit - 1)
    }

    /// Decides for a number in `range`.
    pub(super) fn between(&self, range: Range<i64>) -> i64 {
        let above = self.decide(|random| random.u64(0..range.start.abs_diff(range.end)));
        range.start.saturating_add_unsigned(above).min(range.end - 1)
    }

    /// Decides for an order.
    pub(super) fn shuffle<T>(&self, items: &mut [T]) {
        for index in 1..items.len() {
            items.swap(index, self.index(index + 1));
        }
    }

    fn decide(&self, draw: impl FnOnce(&mut fastrand::Rng) -> u64) -> u64 {
        let drawn = || draw(&mut lock(&self.random));
        match &self.tape {
            Some(tape) => lock(tape).decide(self.kind, drawn),
            None => drawn(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
