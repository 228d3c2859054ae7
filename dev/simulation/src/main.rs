//! `cargo dev simulate`.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use simulation::{Bug, numbered, report, run_schedule, search, shrink};

/// Searches for an order of events that violates an invariant
///
/// The invariants are about bookings, payments and notifications. Each seed determines one
/// schedule: who requests, pays and cancels what, which requests
/// to the table, Stripe, SES and Google fail, what crashes, and which events come late,
/// twice or never. The same seed always has the same schedule.
///
/// A search uses all cores, prints its progress every 5 seconds, and ends with a
/// summary, also after Ctrl-C. If a schedule violates an invariant, the search ends at once,
/// prints the seed and a short schedule that violates the same invariant, and exits with 1.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo dev simulate", version, after_help = EXAMPLES)]
struct Cli {
    /// How many schedules to run
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    seeds: u64,

    /// The first seed
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    first: u64,

    /// Run one seed and print its steps or, if it violates an invariant, a shortened
    /// schedule
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,

    /// Plant a bug, to see that the simulation finds it
    #[arg(long, value_enum)]
    bug: Option<Bug>,
}

const EXAMPLES: &str = "\
Examples:
  cargo dev simulate                               100,000 schedules
  cargo dev simulate --release --seeds 10000000    many more, with an optimized build
  cargo dev simulate --seed 17                     one schedule, step by step
  cargo dev simulate --bug line-lost               a planted bug, found and shrunk";

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

#[tokio::main]
async fn main() -> ExitCode {
    tokio::spawn(async {
        if tokio::signal::ctrl_c().await.is_ok() {
            STOP.store(true, Ordering::Relaxed);
        }
    });
    // The search blocks its thread, so it must not occupy one that handles signals.
    tokio::task::spawn_blocking(run).await.unwrap_or(ExitCode::FAILURE)
}

fn run() -> ExitCode {
    let Cli { seeds, first, seed, bug } = Cli::parse();
    let found = seed.or_else(|| {
        let (finding, totals) = search(first..first.saturating_add(seeds), bug, &STOP);
        println!("{totals}");
        finding.map(|finding| finding.seed)
    });
    let shrunk = found.and_then(|seed| Some((seed, shrink(seed, bug)?)));
    let is_found = shrunk.is_some();
    if let Some((seed, shrunk)) = shrunk {
        println!("{}", report(seed, bug, &shrunk));
    } else if let Some(seed) = seed {
        println!("The steps of seed {seed}:\n{}", numbered(&run_schedule(seed, bug, true).trace));
    }
    match (bug, is_found) {
        (None, false) | (Some(_), true) => return ExitCode::SUCCESS,
        (None, true) => eprintln!("error: a schedule violates an invariant"),
        (Some(_), false) => eprintln!("error: no schedule exposed the planted bug"),
    }
    ExitCode::FAILURE
}
