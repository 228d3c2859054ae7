//! The errors of `cargo dev serve`.

use std::io;
use std::path::PathBuf;

use salon::salon_file::SalonProblems;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why `cargo dev serve` stopped. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not listen for signals")]
    Signals(#[source] io::Error),
    #[error("could not {doing}")]
    Failed { doing: String, source: Cause },
    /// Something that the developer corrects.
    #[error("{0}")]
    Problem(String),
    #[error("the salon file {} is invalid:\n{problems}", path.display())]
    SalonInvalid { path: PathBuf, problems: SalonProblems },
    #[error(
        "STRIPE_SECRET_KEY is a live key, which charges real cards: \
         set a test key, unset it to use the payment sandbox, or allow it with --allow-live-key"
    )]
    LiveKey,
    #[error("another `cargo dev` uses the data folder {}: stop it first", .0.display())]
    DataInUse(PathBuf),
    #[error("{0} stopped unexpectedly")]
    Stopped(&'static str),
}

/// Returns a conversion of errors for `map_err`. `doing` completes "could not …".
pub(crate) fn could_not<E: Into<Cause>>(doing: impl Into<String>) -> impl FnOnce(E) -> Error {
    let doing = doing.into();
    |source| Error::Failed { doing, source: source.into() }
}
