//! Why a load test could not be finished, or was not passed, with what to do about it.

use std::path::PathBuf;

use openchair::store::StoreError;

use super::oha::PINNED_VERSION;
use crate::results_file;
use dev::serve;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Serve(#[from] serve::Error),
    #[error("the load test ended early; the output of the functions is in {}", log.display())]
    Ended { log: PathBuf, source: Box<serve::Error> },
    #[error(
        "cargo could not install oha (its message is above): \
         try again, or install oha {PINNED_VERSION} as https://github.com/hatoo/oha says"
    )]
    NoGenerator,
    #[error("oha could not be run, or measured nothing: {0}")]
    Generator(String),
    #[error("could not set up an HTTP client")]
    Client(#[source] reqwest::Error),
    #[error("`cargo dev load` counts and watches processes in /proc, which only Linux has")]
    NoProc,
    #[error(
        "the function `{function}` has {have} of {wanted} processes after {seconds} s; \
         its output is in {}", log.display()
    )]
    TooFewContainers {
        function: &'static str,
        wanted: usize,
        have: usize,
        seconds: u64,
        log: PathBuf,
    },
    #[error("the salon shows no free time on a Saturday, so the crowd cannot book anything")]
    NoSaturday,
    #[error("could not read the table for the audit")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Results(#[from] results_file::Error),
    #[error("interrupted: unfinished scenarios are missing above")]
    Interrupted,
    #[error("missed: {0}")]
    Missed(String),
}
