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
//! short before it is shown: see [`shrink`]. That the simulation finds bugs is shown
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
mod webhook_delivery;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use salon::booking::State;
use tokio::time::Instant;

pub use self::invariants::Violation;
pub use self::notifications::NotificationCounts;
pub use self::planted_bug::Bug;
pub use self::schedule::{Outcome, run as run_schedule};
pub use self::search::{Finding, Search, Totals};
pub use self::shrink::{Shrunk, shrink};

/// How often the progress of a search is printed.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// What to simulate.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many schedules to run
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub seeds: u64,

    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub first: u64,

    /// Run the schedule of one seed and print its steps, or a short schedule that
    /// breaks the same invariant
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    pub seed: Option<u64>,

    /// With --seed: print all steps even if an invariant breaks
    #[arg(long, requires = "seed")]
    pub full: bool,

    /// Plant a bug, to see that the simulation finds it
    #[arg(long, value_enum)]
    pub bug: Option<Bug>,
}

/// Why a simulation has failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("seed {seed} breaks an invariant")]
    Violated { seed: u64 },
    #[error("no schedule shows the planted bug ({schedules} were run)")]
    BugNotFound { schedules: u64 },
    #[error("the search failed")]
    Search(#[from] tokio::task::JoinError),
}

/// Searches for a schedule that breaks an invariant until one is found, all have
/// run, or Ctrl-C is pressed. Prints a short schedule that breaks the same.
///
/// # Errors
/// When one is found; with a planted bug, when none is found.
pub async fn run(options: Options) -> Result<(), Error> {
    let Options { seeds, first, seed, full, bug } = options;
    let (seed, schedules) = if seed.is_some() {
        (seed, 1)
    } else {
        let search = Arc::new(Search::new(first..first.saturating_add(seeds), bug));
        let finding = search_until_interrupted(&search).await?;
        (finding.map(|finding| finding.seed), search.totals().schedules)
    };
    let shrunk = seed.and_then(|seed| Some((seed, shrink(seed, bug)?)));
    if let Some(seed) = seed
        && (full || shrunk.is_none())
    {
        println!("The steps of seed {seed}:\n{}", numbered(&run_schedule(seed, bug, true).trace));
    }
    let Some((seed, shrunk)) = shrunk else {
        return match bug {
            Some(_) => Err(Error::BugNotFound { schedules }),
            None => Ok(()),
        };
    };
    println!("{}", report(seed, bug, &shrunk));
    if bug.is_some() { Ok(()) } else { Err(Error::Violated { seed }) }
}

async fn search_until_interrupted(search: &Arc<Search>) -> Result<Option<Finding>, Error> {
    let begun = Instant::now();
    let searching = Arc::clone(search);
    let mut searching = tokio::task::spawn_blocking(move || searching.run());
    let mut progress = tokio::time::interval(PROGRESS_INTERVAL);
    progress.tick().await;
    let finding = loop {
        tokio::select! {
            finding = &mut searching => break finding?,
            _ = progress.tick() => eprintln!("{}", summary(&search.totals(), begun.elapsed())),
            _ = tokio::signal::ctrl_c() => search.stop(),
        }
    };
    println!("{}", summary(&search.totals(), begun.elapsed()));
    Ok(finding)
}

/// Returns a line about what has been searched.
fn summary(totals: &Totals, time: Duration) -> String {
    let states = State::ALL.into_iter().zip(totals.states).filter(|(_, count)| *count > 0);
    let states: Vec<String> = states.map(|(state, count)| format!("{count} {state}")).collect();
    let Totals { schedules, steps, notifications, .. } = totals;
    let NotificationCounts { mails, repeats, events, deleted_events } = notifications;
    format!(
        "{schedules} schedules, {steps} steps in {:.1} s; bookings: {}; {mails} mails ({repeats} \
         repeated), {events} calendar events, {deleted_events} deleted",
        time.as_secs_f64(),
        states.join(", ")
    )
}

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

fn numbered(steps: &[String]) -> String {
    let lines = steps.iter().enumerate().map(|(index, step)| format!("{:4}  {step}", index + 1));
    lines.collect::<Vec<_>>().join("\n")
}
