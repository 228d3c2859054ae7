//! What happened in a schedule, step by step.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use openchair::clock::Clock;
use salon::booking::BookingId;

/// Counts the steps of a schedule, and describes them if somebody wants to read
/// them. Its clones share one list.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    clock: Clock,
    steps: Arc<AtomicU64>,
    lines: Option<Arc<Mutex<Lines>>>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: Vec<String>,
    caller: Option<Caller>,
}

/// Who calls the table, Stripe, SES or Google.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caller {
    Task(usize),
    Delivery(usize),
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(number) => write!(f, "task {number}"),
            Self::Delivery(number) => write!(f, "delivery {number}"),
        }
    }
}

impl Trace {
    pub(super) fn new(clock: Clock, is_wanted: bool) -> Self {
        Self { clock, steps: Arc::default(), lines: is_wanted.then(Arc::default) }
    }

    /// Sets who makes the next calls.
    pub(super) fn set_caller(&self, caller: Caller) {
        if let Some(mut lines) = self.locked() {
            lines.caller = Some(caller);
        }
    }

    /// Adds a step.
    pub(super) fn step(&self, line: impl FnOnce() -> String) {
        self.steps.fetch_add(1, Ordering::Relaxed);
        if let Some(mut lines) = self.locked() {
            let time = self.clock.now().strftime("%a %H:%M:%S");
            lines.lines.push(format!("{time}  {}", line()));
        }
    }

    /// Adds a call as a step.
    pub(super) fn call(&self, line: impl FnOnce() -> String) {
        let caller = self.locked().and_then(|lines| lines.caller);
        self.step(|| match caller {
            Some(caller) => format!("  {caller}: {}", line()),
            None => line(),
        });
    }

    /// Returns how many steps there have been.
    pub(super) fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Returns the steps so far, one a line.
    pub(super) fn lines(&self) -> Vec<String> {
        self.locked().map_or_else(Vec::new, |lines| lines.lines.clone())
    }

    fn locked(&self) -> Option<MutexGuard<'_, Lines>> {
        let lines = self.lines.as_ref()?;
        Some(lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns the first characters of an id, which identify it within a schedule.
pub(super) fn short(id: &BookingId) -> &str {
    &id.as_str()[..4]
}
