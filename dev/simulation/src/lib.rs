//! A deterministic simulation of bookings, payments and notifications.
//!
//! A schedule is one run of the deployed code, [`Bookings`](openchair::bookings::Bookings)
//! and [`Notify`](notify::Notify), on a table in memory, with models of Stripe, SES
//! and Google and a clock that only the simulation moves. Visitors reserve, pay,
//! cancel and repeat requests; events come twice, late, out of order or never;
//! reconciliations run; requests to the table and the services fail before and after
//! their effect. At every such request anything else may happen first, and the code
//! that makes it may crash. One seed decides all of it, so a seed that finds
//! something finds it again.
//!
//! The invariants are checked after every step and again when nothing is pending any
//! longer: see `invariants` and `notifications`. A schedule that breaks one is made
//! short before it is shown: see [`shrink()`]. That the simulation finds bugs is shown
//! by planting some: see [`Bug`].
//!
//! What is left out: busy time from calendars, and refunds made by hand.

mod decisions;
mod invariants;
mod notifications;
mod planted_bug;
mod request_faults;
mod schedule;
mod search;
mod shrink;
mod small_salon;
mod stripe_model;
mod system;
mod table_hook;
mod trace;
mod visitor;

use std::sync::{Mutex, MutexGuard, PoisonError};

pub use self::invariants::Violation;
pub use self::notifications::NotificationCounts;
pub use self::planted_bug::Bug;
pub use self::schedule::{Outcome, run as run_schedule};
pub use self::search::{Finding, Totals, search};
pub use self::shrink::{Shrunk, shrink};

/// Returns what there is to say about a broken invariant: the seed, a short
/// schedule, and what is wrong at its end.
#[must_use]
pub fn report(seed: u64, bug: Option<Bug>, shrunk: &Shrunk) -> String {
    let Shrunk { original_steps, steps, violation } = shrunk;
    let planted = bug.map_or_else(String::new, |bug| format!(" with the planted bug {bug:?}"));
    format!(
        "Seed {seed} breaks an invariant after {original_steps} steps{planted}. \
         These {} are enough:\n{}\nexpected: {}\nfound:    {}",
        steps.len(),
        numbered(steps),
        violation.invariant,
        violation.details
    )
}

/// Returns the steps of a schedule as numbered lines.
#[must_use]
pub fn numbered(steps: &[String]) -> String {
    let lines = steps.iter().enumerate().map(|(index, step)| format!("{:4}  {step}", index + 1));
    lines.collect::<Vec<_>>().join("\n")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
