//! Why a load test could not go on, or is not passed.

use std::path::PathBuf;

use openchair::store::StoreError;

use super::oha::PINNED_VERSION;
use crate::{load_testing, optimized};
use dev::serve;

/// Why a load test could not go on, or is not passed. The text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The functions, or what they need, could not be had or ended.
    #[error(transparent)]
    Serve(#[from] serve::Error),
    /// The release build of this program could not take its place.
    #[error(transparent)]
    Optimized(#[from] optimized::Error),
    /// One of the functions' parts ended in the middle of a scenario.
    #[error("the load test ended early; what the functions printed is in {}", log.display())]
    Stopped {
        /// Where the functions' output is.
        log: PathBuf,
        /// What ended.
        #[source]
        source: Box<serve::Error>,
    },
    /// There is no load generator.
    #[error(
        "cargo could not install oha (its message is above): \
         try again, or install oha {PINNED_VERSION} as https://github.com/hatoo/oha says"
    )]
    NoGenerator,
    /// The load generator did not do its work.
    #[error("oha could not be run, or measured nothing: {0}")]
    Generator(String),
    /// There is no HTTP client to be had.
    #[error("could not set up an HTTP client")]
    Client(#[source] reqwest::Error),
    /// The system does not tell what is to be measured.
    #[error("`cargo dev load` counts and watches processes in /proc, which only Linux has")]
    NoProc,
    /// A function does not answer, or has not as many processes as it should.
    #[error(
        "the function `{function}` has {have} of {wanted} processes after {seconds} s; \
         what it printed is in {}", log.display()
    )]
    TooFewContainers {
        /// The function.
        function: &'static str,
        /// How many processes there should be.
        wanted: usize,
        /// How many there are.
        have: usize,
        /// How long was waited.
        seconds: u64,
        /// Where the functions' output is.
        log: PathBuf,
    },
    /// The salon has no Saturday on which the crowd could come.
    #[error("the salon shows no free time on a Saturday: the crowd has nothing to want")]
    NoSaturday,
    /// The table cannot be read afterwards.
    #[error("could not read the table to see what became of the bookings")]
    Store(#[from] StoreError),
    /// The results cannot be kept, or the page about them not be written.
    #[error(transparent)]
    LoadTesting(#[from] load_testing::Error),
    /// Somebody ended it.
    #[error("interrupted: the scenarios that were not finished are missing above")]
    Interrupted,
    /// Something is slower or worse than it may be.
    #[error("missed: {0}")]
    Missed(String),
}
