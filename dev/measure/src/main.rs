//! `cargo dev bench` and `cargo dev load`.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use measure::{bench, load};

#[derive(Debug, Parser)]
#[command(name = "measure", bin_name = "cargo dev", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measures a start and a request of each function, beside an empty function
    Bench(bench::Options),
    /// Puts the functions under load and judges the results
    ///
    /// A full run takes about 25 minutes, 10 of them for the soak, and is saved in
    /// docs/load-testing/load.json. `--quick` takes less than 3 minutes. The first time,
    /// building the functions and the load generator takes some minutes more.
    Load(load::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Bench(options) => bench::run(options).await.map_err(Box::<dyn Error>::from),
        Command::Load(options) => load::run(options).await.map_err(Box::<dyn Error>::from),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}
