//! A deterministic simulation of bookings, payments and notifications.
//!
//! A schedule is one run of the deployed code, [`Bookings`](openchair::bookings::Bookings)
//! and [`Notify`](notify::Notify). The table is in memory, the clock is simulated, and
//! Stripe, SES and Google are models. Visitors reserve, pay,
//! cancel and repeat requests; events come twice, late, out of order or never;
//! reconciliations run; requests to the table and the services fail before and after
//! their effect. Before each request any other task may run, and the requesting
//! code may crash. One seed determines all of it, so every failure can be reproduced.
//!
//! The invariants are checked after every step and again when nothing is pending any
//! longer: see `invariants` and `notifications`. A schedule that violates one is
//! shrunk before it is printed: see [`shrink()`]. Planted bugs prove that the
//! simulation finds bugs: see [`Bug`].
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

/// Describes a violated invariant: the seed, a short schedule, and what is wrong at
/// its end.
#[must_use]
pub fn report(seed: u64, bug: Option<Bug>, shrunk: &Shrunk) -> String {
    let Shrunk { original_steps, steps, violation } = shrunk;
    let planted = bug.map_or_else(String::new, |bug| format!(" with the planted bug {bug:?}"));
    format!(
        "Seed {seed} violates an invariant after {original_steps} steps{planted}. \
         These {} steps are enough to reproduce it:\n{}\nexpected: {}\nfound:    {}",
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
