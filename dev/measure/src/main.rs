//! `cargo dev bench` and `cargo dev load`.

use std::error::Error as _;
use std::iter::successors;
use std::process::ExitCode;

use clap::Parser;
use measure::{bench, load};

#[derive(Debug, Parser)]
#[command(name = "measure", bin_name = "cargo dev", version)]
enum Command {
    /// Measures a start and a request of each function, beside an empty function
    Bench(bench::Options),
    /// Puts the functions under load and judges the results
    ///
    /// A full run takes about 30 minutes, 10 of them for the soak, and is saved in
    /// docs/load-testing/load.json. `--quick` takes less than 6 minutes. The first time,
    /// building the functions and the load generator takes some minutes more.
    Load(load::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Bench(options) => bench::run(options).await,
        Command::Load(options) => load::run(options).await,
    };
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    eprintln!("error: {error}");
    for cause in successors(error.source(), |&cause| cause.source()) {
        eprintln!("  because: {cause}");
    }
    ExitCode::FAILURE
}
