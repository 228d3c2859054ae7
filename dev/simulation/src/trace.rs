use std::mem;
use std::sync::{Arc, Mutex};

use openchair::clock::Clock;
use salon::booking::BookingId;

use super::lock;

/// Counts the steps of a schedule, and describes them if somebody wants to read
/// them. Its clones share one list.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    clock: Clock,
    has_lines: bool,
    steps: Arc<Mutex<Steps>>,
}

#[derive(Debug, Default)]
struct Steps {
    count: u64,
    lines: Vec<String>,
    /// Who calls the table, Stripe, SES or Google: a kind and a number.
    caller: (&'static str, usize),
}

impl Trace {
    pub(super) fn new(clock: Clock, has_lines: bool) -> Self {
        Self { clock, has_lines, steps: Arc::default() }
    }

    pub(super) fn set_caller(&self, kind: &'static str, number: usize) {
        lock(&self.steps).caller = (kind, number);
    }

    /// Adds a step.
    pub(super) fn step(&self, line: impl FnOnce() -> String) {
        self.add(|_| line());
    }

    /// Adds a call as a step.
    pub(super) fn call(&self, line: impl FnOnce() -> String) {
        self.add(|(kind, number)| format!("  {kind} {number}: {}", line()));
    }

    fn add(&self, line: impl FnOnce((&str, usize)) -> String) {
        let mut steps = lock(&self.steps);
        steps.count += 1;
        if self.has_lines {
            let time = self.clock.now().strftime("%a %H:%M:%S");
            let line = format!("{time}  {}", line(steps.caller));
            steps.lines.push(line);
        }
    }

    /// Takes the number of steps and their lines.
    pub(super) fn take(&self) -> (u64, Vec<String>) {
        let Steps { count, lines, .. } = mem::take(&mut *lock(&self.steps));
        (count, lines)
    }
}

/// Returns the first characters of an id, which identify it within a schedule.
pub(super) fn short(id: &BookingId) -> &str {
    &id.as_str()[..4]
}
