//! `cargo dev simulate`.

use std::process::ExitCode;

use clap::Parser;
use simulation::Options;

/// Searches for an order of events that breaks a booking, a payment or a notification
///
/// Each seed decides one schedule: who requests, pays and cancels what, which requests
/// to the table, Stripe, SES and Google fail, what crashes, and which events come late,
/// twice or never. The same seed always has the same schedule.
///
/// A search uses all cores and prints its progress every 5 seconds. It ends with a line
/// about what was simulated when all seeds have run or Ctrl-C is pressed. If a schedule
/// breaks an invariant, the search ends at once, prints the seed and a short schedule
/// that breaks the same invariant, and exits with 1.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo dev simulate", version, after_help = EXAMPLES)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  cargo dev simulate                               100,000 schedules
  cargo dev simulate --release --seeds 10000000    many more, with an optimized build
  cargo dev simulate --seed 17                     one schedule, step by step
  cargo dev simulate --bug short-hold              a planted bug, found and made short";

#[tokio::main]
async fn main() -> ExitCode {
    match simulation::run(Cli::parse().options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
