//! The errors of `cargo dev serve`.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use salon::salon_file::SalonProblems;
use stand_ins::dynamodb_table::TableError;

use super::cargo_lambda::PINNED_VERSION;
use super::ports::BusyPort;

/// Why `cargo dev serve` stopped. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read the calendar {path}: give a file, or a URL with ://", path = path.display())]
    Calendar { path: PathBuf, source: io::Error },

    #[error("could not listen for signals")]
    Signals(#[source] io::Error),

    #[error("could not run `cargo metadata`")]
    Metadata(#[source] io::Error),
    #[error("`cargo metadata` failed: correct the manifest named above")]
    MetadataFailed,
    #[error("could not parse the output of `cargo metadata`")]
    MetadataUnreadable(#[source] serde_json::Error),
    #[error(
        "the workspace has no functions: a function is a package with a binary in `functions/`"
    )]
    NoFunctions,

    #[error("could not read the salon file {}: choose another with --salon", path.display())]
    Salon {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the salon file {} is invalid:\n{problems}", path.display())]
    SalonInvalid { path: PathBuf, problems: SalonProblems },
    #[error(
        "STRIPE_SECRET_KEY is a live key, which charges real cards: \
         set a test key, unset it to use the payment sandbox, or allow it with --allow-live-key"
    )]
    LiveKey,

    #[error("{}", lines(.0))]
    Ports(Vec<BusyPort>),
    #[error("could not listen on a port")]
    Listener(#[source] io::Error),
    #[error("could not start the payment sandbox")]
    Sandbox(#[source] io::Error),

    #[error("could not prepare the data folder {}", path.display())]
    Data {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "another `cargo dev` uses the data folder {}: stop it first",
        path.display()
    )]
    DataInUse { path: PathBuf },

    #[error(
        "cargo-lambda is not installed, and python3 with pip is not available to install it: \
         install cargo-lambda {PINNED_VERSION} as https://www.cargo-lambda.info/guide/installation.html says"
    )]
    NoInstaller,
    #[error(
        "pip could not install cargo-lambda (its message is above): \
         try again, or install cargo-lambda {PINNED_VERSION} as https://www.cargo-lambda.info/guide/installation.html says"
    )]
    InstallFailed,
    #[error(
        "pip installed cargo-lambda, but {} does not run: \
         install it as https://www.cargo-lambda.info/guide/installation.html says",
        .0.display()
    )]
    InstalledToolUnusable(PathBuf),

    #[error("could not open the database {}: `cargo dev --fresh` creates an empty one", path.display())]
    Database {
        path: PathBuf,
        #[source]
        source: dynoxide::DynoxideError,
    },
    #[error("could not create the table in the embedded DynamoDB: try `cargo dev --fresh`")]
    Table(#[source] TableError),

    #[error("could not start {program}")]
    Spawn {
        program: String,
        #[source]
        source: io::Error,
    },
    #[error("the functions did not build: correct the errors above and run `cargo dev` again")]
    Build,
    #[error(
        "the function `{0}` stopped while starting (its message is above): \
         correct that and run `cargo dev` again"
    )]
    FunctionStopped(String),
    #[error(
        "the function `{function}` did not answer GET {path} within {seconds} s: \
         see its output above, or set AWS_LAMBDA_LOG_LEVEL=debug for more"
    )]
    FunctionSilent { function: String, path: String, seconds: u64 },
    #[error(
        "`cargo lambda watch` stopped ({0}): its message is above, and RUST_LOG=cargo_lambda=info shows more"
    )]
    WatchStopped(ExitStatus),
    #[error("{0} stopped unexpectedly")]
    Stopped(&'static str),
    #[error("could not read the table's stream: `cargo dev --fresh` starts with an empty table")]
    Stream(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("could not set up an HTTP client")]
    Client(#[source] reqwest::Error),
}

fn lines(ports: &[BusyPort]) -> String {
    let lines: Vec<String> = ports.iter().map(ToString::to_string).collect();
    lines.join("\n       ")
}
