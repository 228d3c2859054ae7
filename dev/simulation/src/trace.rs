//! What happened in a schedule, step by step.

use std::sync::{Arc, Mutex, PoisonError};

use openchair::clock::Clock;

/// Notes what happens, if anybody wants to read it. Its clones write on one.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    clock: Clock,
    lines: Option<Arc<Mutex<Vec<String>>>>,
}

impl Trace {
    pub(super) fn new(clock: Clock, is_wanted: bool) -> Self {
        Self { clock, lines: is_wanted.then(Arc::default) }
    }

    /// Notes a line. It is only made where somebody wants it.
    pub(super) fn note(&self, line: impl FnOnce() -> String) {
        if let Some(lines) = &self.lines {
            let time = self.clock.now().strftime("%d %H:%M:%S");
            let line = format!("{time}  {}", line());
            lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    /// Returns the lines so far.
    pub(super) fn lines(&self) -> Vec<String> {
        let lines = self.lines.as_ref();
        lines.map_or_else(Vec::new, |lines| {
            lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }
}
