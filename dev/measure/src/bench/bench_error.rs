//! Why nothing was measured, with what to do about it.

use std::io;
use std::path::PathBuf;

use openchair::store::StoreError;
use stand_ins::dynamodb_table::TableError;

use super::function_process::Program;
use crate::results_file;
use dev::serve;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Serve(#[from] serve::Error),
    #[error("the release build failed: correct the errors above and try again")]
    Build,
    #[error("could not start {}", program.display())]
    Spawn { program: PathBuf, source: io::Error },
    #[error("the Runtime API server failed")]
    RuntimeApi(#[source] io::Error),
    #[error("could not serve {what}")]
    Backend { what: &'static str, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("the embedded DynamoDB has no usable table")]
    Table(#[source] TableError),
    #[error("the table could not be filled")]
    Fill(#[source] StoreError),
    #[error("could not read or write {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Results(#[from] results_file::Error),
    #[error("{function} ended ({how}); its last output:\n{output}")]
    Ended { function: String, how: String, output: String },
    #[error("it neither requested nor answered an event within {seconds} s")]
    Silent { seconds: u64 },
    #[error("it {0}")]
    Protocol(&'static str),
    #[error("it reported an error: {0}")]
    Reported(String),
    #[error("{function} cannot be measured; its output is in {}", log.display())]
    Function { function: String, log: PathBuf, source: Box<Error> },
    #[error("{function} should have answered {expected}, but answered {answer}")]
    UnexpectedResponse { function: String, expected: u16, answer: String },
    #[error("stopped: every process that was started has ended, and nothing is saved")]
    Stopped,
}

impl Error {
    pub(super) fn reported(body: &[u8]) -> Self {
        Self::Reported(String::from_utf8_lossy(body).into_owned())
    }

    /// Names the function, where the error does not name it yet.
    pub(super) fn with_program(self, program: &Program) -> Self {
        match self {
            Self::Silent { .. } | Self::Protocol(_) | Self::Reported(_) => Self::Function {
                function: program.name(),
                log: program.log.clone(),
                source: Box::new(self),
            },
            other => other,
        }
    }
}
