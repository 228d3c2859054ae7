//! The command line of `cargo dev`.

use std::error::Error;
use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use dev::{explain, hand_over, mail_preview, serve};

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
    /// Prints why the times of a day are offered or not, with the rule behind each
    Explain(explain::Options),
    /// Writes every mail with sample data to files that a browser can open
    MailPreview(mail_preview::Options),
    /// Searches for an order of events that breaks an invariant of bookings or payments
    ///
    /// A separate program, built on first use. With `--release` it is optimized: it takes
    /// minutes longer to build and runs several times faster.
    #[command(disable_help_flag = true)]
    Simulate(Arguments),
    /// Measures cold start and request times of each function, next to an empty function
    #[command(disable_help_flag = true)]
    Bench(Arguments),
    /// Runs load tests against the functions and checks the results
    #[command(disable_help_flag = true)]
    Load(Arguments),
}

/// Options that are passed to another program unchanged.
#[derive(Args, Debug)]
struct Arguments {
    /// The command's own options; `--help` lists them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "OPTIONS")]
    arguments: Vec<OsString>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command.unwrap_or(Command::Serve(cli.serve)) {
        Command::Serve(options) => serve::run(options).await,
        Command::Explain(options) => explain::run(options).await,
        Command::MailPreview(options) => mail_preview::run(options).await,
        Command::Simulate(options) => simulate(options).await,
        Command::Bench(options) => measure("bench", options).await,
        Command::Load(options) => measure("load", options).await,
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

async fn simulate(mut options: Arguments) -> Result<(), serve::Error> {
    let given = options.arguments.len();
    options.arguments.retain(|argument| argument != "--release");
    let is_release = options.arguments.len() < given;
    hand_over::run("simulation", is_release, &options.arguments).await
}

/// Runs `measure` in a release build, because it measures the code as deployed.
async fn measure(command: &str, mut options: Arguments) -> Result<(), serve::Error> {
    options.arguments.insert(0, command.into());
    hand_over::run("measure", true, &options.arguments).await
}

/// Prints an error and its causes, one per line.
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
    fn options_without_a_command_go_to_serve() {
        let cli = Cli::try_parse_from(["dev", "--api-port", "9100", "--fresh"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.api_port, 9100);
        assert!(cli.serve.fresh);
    }

    #[test]
    fn serve_can_be_given_explicitly() {
        let cli = Cli::try_parse_from(["dev", "serve", "--stripe-latency-ms", "250"]).unwrap();
        let Some(Command::Serve(options)) = cli.command else {
            panic!("`cargo dev serve` should be a command");
        };
        assert_eq!(options.stripe_latency_ms, 250);
    }

    #[test]
    fn options_of_other_programs_are_passed_on_unchanged() {
        for (name, options) in [("simulate", ["--seeds", "5"]), ("bench", ["--help", "--quick"])] {
            let cli = Cli::try_parse_from([&["dev", name][..], &options[..]].concat()).unwrap();
            let Some(Command::Simulate(handed) | Command::Bench(handed)) = cli.command else {
                panic!("`cargo dev {name}` should be a command");
            };
            assert_eq!(handed.arguments, options);
        }
    }
}
