//! Why `cargo dev` could not go on, each with what to do about it.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use openchair::store::table::TableError;
use salon::salon_file::SalonProblems;

use super::cargo_lambda::PINNED_VERSION;
use super::ports::BusyPort;

/// Why `cargo dev` could not go on. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read the calendar {path}; give a file, or an address with ://", path = path.display())]
    Calendar { path: PathBuf, source: io::Error },

    #[error("could not listen for signals")]
    Signals(#[source] io::Error),

    #[error("could not run `cargo metadata`")]
    Metadata(#[source] io::Error),
    #[error("`cargo metadata` failed: correct the manifest that it names above")]
    MetadataFailed,
    #[error("could not understand the answer of `cargo metadata`")]
    MetadataUnreadable(#[source] serde_json::Error),
    #[error("the workspace has no functions: each is a package with a binary in `functions/`")]
    NoFunctions,

    #[error("could not read the salon file {}: choose another with --salon", path.display())]
    Salon {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("the salon file {} has mistakes:\n{problems}", path.display())]
    SalonInvalid { path: PathBuf, problems: SalonProblems },
    #[error(
        "STRIPE_SECRET_KEY is a live key, and this would charge real cards: \
         set a test key, unset it to use the payment sandbox, or insist with --allow-live-key"
    )]
    LiveKey,

    #[error("{}", lines(.0))]
    Ports(Vec<BusyPort>),
    #[error("could not listen on a port that was free a moment ago")]
    Listener(#[source] io::Error),
    #[error("could not start the payment sandbox")]
    Sandbox(#[source] io::Error),

    #[error("could not prepare the data in {}", path.display())]
    Data {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "another `cargo dev` uses the data in {}: end it first",
        path.display()
    )]
    DataInUse { path: PathBuf },

    #[error(
        "cargo-lambda is missing, and so is python3 with pip, which would install it: \
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

    #[error("could not open the database {}: `cargo dev --fresh` starts an empty one", path.display())]
    Database {
        path: PathBuf,
        #[source]
        source: dynoxide::DynoxideError,
    },
    #[error(
        "the embedded DynamoDB has no usable table: `cargo dev --fresh` starts with an empty one"
    )]
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
        "the function `{0}` stopped while it started (its own message is above): \
         correct that and run `cargo dev` again"
    )]
    FunctionStopped(String),
    #[error(
        "the function `{function}` did not answer GET {path} within {seconds} s: \
         look at its output above, or set AWS_LAMBDA_LOG_LEVEL=debug to see more"
    )]
    FunctionSilent { function: String, path: String, seconds: u64 },
    #[error(
        "`cargo lambda watch` ended by itself ({0}): its message is above, and RUST_LOG=cargo_lambda=info shows more"
    )]
    WatchEnded(ExitStatus),
    #[error("{0} ended by itself")]
    Ended(&'static str),
    #[error("the table's stream cannot be read; --fresh starts with an empty table")]
    Stream(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("could not set up an HTTP client")]
    Client(#[source] reqwest::Error),
}

fn lines(ports: &[BusyPort]) -> String {
    let lines: Vec<String> = ports.iter().map(ToString::to_string).collect();
    lines.join("\n       ")
}
