//! Why nothing was measured, or a bar was missed.

use dev::serve;

type Cause = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Serve(#[from] serve::Error),
    #[error("{0}")]
    Failed(String),
    #[error("{message}")]
    Caused { message: String, source: Cause },
}

impl Error {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Failed(message.into())
    }
}

/// Says what failed, beside the cause.
pub(crate) trait Context<T>: Sized {
    fn with_context(self, message: impl FnOnce() -> String) -> Result<T, Error>;

    fn context(self, message: &str) -> Result<T, Error> {
        self.with_context(|| message.to_owned())
    }
}

impl<T, E: Into<Cause>> Context<T> for Result<T, E> {
    fn with_context(self, message: impl FnOnce() -> String) -> Result<T, Error> {
        self.map_err(|cause| Error::Caused { message: message(), source: cause.into() })
    }
}
