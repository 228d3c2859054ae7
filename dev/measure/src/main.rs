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
    /// Measures a start and a request of each function, beside one that does nothing
    Bench(bench::Options),
    /// Puts the functions under load and judges how they hold up
    ///
    /// All of it takes about 25 minutes, 10 of them for the soak; `--quick` takes less
    /// than 3. The first time, building the functions and the load generator takes
    /// some minutes more. A full run is kept in docs/load-testing/load.json.
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
