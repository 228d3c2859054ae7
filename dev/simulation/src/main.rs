//! `cargo dev simulate`.

use std::process::ExitCode;

use clap::Parser;
use simulation::Options;

/// Searches for an order of events that breaks a booking or a payment.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo dev simulate", version)]
struct Cli {
    #[command(flatten)]
    options: Options,
}

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
