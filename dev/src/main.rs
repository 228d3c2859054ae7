//! `cargo dev`: everything that Openchair's developers run.

use std::error::Error;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use dev::{bench, explain, fleet, load, load_testing, mail_preview, serve, simulate};

/// Runs Openchair on this machine. No account is needed.
///
/// Without a command it serves: it builds the functions and runs them behind one
/// address, on an embedded database and a payment sandbox, until Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "dev", bin_name = "cargo dev", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: serve::Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Builds and serves the functions with everything they need (the default)
    Serve(serve::Options),
    /// Measures a start and a request of each function, beside one that does nothing
    Bench(bench::Options),
    /// Prints what takes time away from a day, and the rule that does
    Explain(explain::Options),
    /// Searches for an order of events that breaks a booking or a payment
    Simulate(simulate::Options),
    /// Says what any number of visits takes and costs on AWS, by a model
    Fleet(fleet::Options),
    /// Writes docs/load-testing.md and its plots from what was measured last
    LoadTesting(load_testing::Options),
    /// Puts the functions under load and says how they bear it
    ///
    /// All of it takes about 25 minutes, 10 of them for the soak; `--quick` takes less
    /// than 3. The first time, building the functions and the load generator takes
    /// some minutes more. A full run is kept in docs/load-testing/load.json.
    Load(load::Options),
    /// Writes every mail with sample data to files that can be opened
    MailPreview(mail_preview::Options),
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(options) => serve::run(options).await.map_err(Box::<dyn Error>::from),
        Command::Bench(options) => bench::run(options).await.map_err(Box::<dyn Error>::from),
        Command::Explain(options) => explain::run(options).await.map_err(Box::<dyn Error>::from),
        Command::Simulate(options) => simulate::run(options).await.map_err(Box::<dyn Error>::from),
        Command::Fleet(options) => fleet::run(&options).map_err(Box::<dyn Error>::from),
        Command::LoadTesting(options) => {
            load_testing::run(&options).map_err(Box::<dyn Error>::from)
        }
        Command::Load(options) => load::run(options).await.map_err(Box::<dyn Error>::from),
        Command::MailPreview(options) => {
            mail_preview::run(options).await.map_err(Box::<dyn Error>::from)
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Prints an error and what caused it, one a line.
fn report(error: &dyn Error) {
    eprintln!("error: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprintln!("  because: {cause}");
        source = cause.source();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }

    #[test]
    fn options_without_a_command_are_those_of_serve() {
        let cli = Cli::try_parse_from(["dev", "--api-port", "9100", "--fresh"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.api_port, 9100);
        assert!(cli.serve.fresh);
    }

    #[test]
    fn serve_can_be_named() {
        let cli = Cli::try_parse_from(["dev", "serve", "--stripe-latency-ms", "250"]).unwrap();
        let Some(Command::Serve(options)) = cli.command else {
            panic!("`cargo dev serve` should be a command");
        };
        assert_eq!(options.stripe_latency_ms, 250);
    }
}
