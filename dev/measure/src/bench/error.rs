//! Why nothing was measured, each with what to do about it.

use std::io;
use std::path::PathBuf;

use openchair::store::StoreError;
use openchair::store::table::TableError;

use super::life::Program;
use crate::{load_testing, optimized};
use dev::serve;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The workspace or its salon is not to be had.
    #[error(transparent)]
    Serve(#[from] serve::Error),
    /// The programs do not build.
    #[error(transparent)]
    Optimized(#[from] optimized::Error),
    /// A program does not start.
    #[error("could not start {}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The Runtime API server, or its thread, failed.
    #[error("the Runtime API server failed")]
    RuntimeApi(#[source] io::Error),
    /// The table, Stripe or Google could not be served.
    #[error("could not serve {what}")]
    World {
        /// What was to be served.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The table refused its definition.
    #[error("the embedded DynamoDB has no usable table")]
    Table(#[source] TableError),
    /// The table refused what it was filled with.
    #[error("the table could not be filled")]
    Fill(#[source] StoreError),
    /// A file could not be written or read.
    #[error("could not use {}", path.display())]
    Log {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The results could not be kept, or the page about them not be written.
    #[error(transparent)]
    LoadTesting(#[from] load_testing::Error),
    /// A file is not a result.
    #[error("{} is not what `cargo dev bench --json` writes", path.display())]
    NotResults {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A function ended by itself.
    #[error("{function} ended by itself ({how}); it had written:\n{output}")]
    Ended {
        /// Its name.
        function: String,
        /// Its exit status.
        how: String,
        /// Its last lines.
        output: String,
    },
    /// A function neither asks nor answers.
    #[error("it neither asked for an event nor answered one within {seconds} s")]
    Silent {
        /// How long was waited.
        seconds: u64,
    },
    /// A function does not keep to the Runtime API.
    #[error("it {0}")]
    Confused(&'static str),
    /// A function told the Runtime API of an error.
    #[error("it reported an error: {0}")]
    Reported(String),
    /// Which function it was.
    #[error("{function} cannot be measured; its output is in {}", log.display())]
    Function {
        /// Its name.
        function: String,
        /// Where its output is.
        log: PathBuf,
        /// What it did.
        #[source]
        source: Box<Error>,
    },
    /// A function did not answer as it was to.
    #[error("{function} should have answered {expected}, and answered {answer}")]
    Unexpected {
        /// Its name.
        function: String,
        /// The status.
        expected: u16,
        /// The beginning of what it answered.
        answer: String,
    },
    /// The developer ended it.
    #[error("stopped: every process that was started is ended, and nothing is kept")]
    Stopped,
}

impl Error {
    pub(super) fn reported(body: &[u8]) -> Self {
        Self::Reported(String::from_utf8_lossy(body).into_owned())
    }

    /// Says which function it was, where that is not said yet.
    pub(super) fn of(self, program: &Program) -> Self {
        match self {
            Self::Silent { .. } | Self::Confused(_) | Self::Reported(_) => Self::Function {
                function: program.name(),
                log: program.log.clone(),
                source: Box::new(self),
            },
            other => other,
        }
    }
}
