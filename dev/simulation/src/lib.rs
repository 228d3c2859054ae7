//! The simulation of bookings, payments and what is told of them:
//! deterministic, and without pity.
//!
//! A schedule is one run of [`Bookings`](openchair::bookings::Bookings), the code
//! that is deployed, on a table in memory, a model of Stripe and a clock that
//! stands still until it is moved. Several visitors reserve, pay, cancel and
//! ask again; events come, twice, late, out of order or not at all;
//! reconciliations run; the table and Stripe fail before and after they have
//! done what they were asked. Every question to either is a place at which
//! anything else may go on, and at which what asked may crash. One seed decides
//! all of it, so a seed that finds something finds it again.
//!
//! The table's stream goes to the function that tells people of their bookings,
//! which has models of SES and Google to do so: see `telling`.
//!
//! After every step the invariants are checked, and again once nothing is on
//! its way any more: see `invariants`. That this would see mistakes is shown by
//! making some: see [`Bug`].
//!
//! What it leaves out: busy time from calendars, and refunds that somebody makes
//! by hand.

mod bug;
mod delivery;
mod invariants;
mod schedule;
mod search;
mod small_salon;
mod stripe;
mod table;
mod telling;
mod trace;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use salon::booking::State;
use tokio::time::Instant;

pub use self::bug::Bug;
pub use self::schedule::{Outcome, run as run_schedule};
pub use self::search::{Finding, Search, Tally};
pub use self::telling::Counts;

/// How often it is told how far the search is.
const PROGRESS: Duration = Duration::from_secs(5);

/// What to simulate.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many schedules to run
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub seeds: u64,

    /// The seed of the first of them
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    pub first: u64,

    /// Run the schedule of one seed, and print its steps
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    pub seed: Option<u64>,

    /// Make this mistake, to see that it is found
    #[arg(long, value_enum)]
    pub bug: Option<Bug>,
}

/// What a simulation says in the end, if all is not well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A schedule broke an invariant.
    #[error("seed {seed}: {violation}")]
    Violated {
        /// Its seed.
        seed: u64,
        /// What is wrong, in a sentence.
        violation: String,
    },
    /// No schedule showed the mistake that was made.
    #[error("{schedules} schedules do not show the mistake")]
    NotSeen {
        /// How many there were.
        schedules: u64,
    },
    /// The search itself failed.
    #[error("the search failed")]
    Failed(#[from] tokio::task::JoinError),
}

/// Searches for a schedule that breaks an invariant, until one is found, all
/// are done, or Ctrl-C.
///
/// # Errors
/// When one is found; with a mistake to make, when none is.
pub async fn run(options: Options) -> Result<(), Error> {
    let finding = if let Some(seed) = options.seed {
        let violation = run_schedule(seed, options.bug, false).violation;
        violation.map(|violation| Finding { seed, violation })
    } else {
        let seeds = options.first..options.first.saturating_add(options.seeds);
        search_until_interrupted(&Arc::new(Search::new(seeds, options.bug))).await?
    };
    if let Some(seed) = options.seed.or(finding.as_ref().map(|finding| finding.seed)) {
        print_trace(seed, options.bug);
    }
    match (finding, options.bug) {
        (Some(Finding { seed, violation }), None) => Err(Error::Violated { seed, violation }),
        (Some(Finding { seed, violation }), Some(_)) => {
            println!("seen, by seed {seed}: {violation}");
            Ok(())
        }
        (None, None) => Ok(()),
        (None, Some(_)) => {
            let schedules = if options.seed.is_some() { 1 } else { options.seeds };
            Err(Error::NotSeen { schedules })
        }
    }
}

async fn search_until_interrupted(search: &Arc<Search>) -> Result<Option<Finding>, Error> {
    let begun = Instant::now();
    let searching = Arc::clone(search);
    let mut searching = tokio::task::spawn_blocking(move || searching.run());
    let mut progress = tokio::time::interval(PROGRESS);
    progress.tick().await;
    let finding = loop {
        tokio::select! {
            finding = &mut searching => break finding?,
            _ = progress.tick() => eprintln!("{}", told(&search.tally(), begun.elapsed())),
            _ = tokio::signal::ctrl_c() => search.stop(),
        }
    };
    println!("{}", told(&search.tally(), begun.elapsed()));
    Ok(finding)
}

/// Returns a line about what has been searched.
fn told(tally: &Tally, time: Duration) -> String {
    let ends = State::ALL.into_iter().zip(tally.ends).filter(|(_, count)| *count > 0);
    let ends: Vec<String> = ends.map(|(state, count)| format!("{count} {state}")).collect();
    let (schedules, seconds) = (tally.schedules, time.as_secs_f64());
    let Counts { mails, repeats, events, deleted } = tally.told;
    format!(
        "{schedules} schedules, {} steps in {seconds:.1} s; {}; {mails} mails, {repeats} of them \
         again; {events} events, {deleted} deleted",
        tally.steps,
        ends.join(", ")
    )
}

fn print_trace(seed: u64, bug: Option<Bug>) {
    for line in run_schedule(seed, bug, true).trace {
        println!("{line}");
    }
}
