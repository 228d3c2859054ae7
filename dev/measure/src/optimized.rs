//! Release builds.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use dev::serve::{self, Workspace, cargo_command};

/// Why there is no release build.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The workspace is not to be had.
    #[error(transparent)]
    Workspace(#[from] serve::Error),
    /// Something does not build.
    #[error("the release build failed: correct the errors above and try again")]
    Build,
    /// A program does not start.
    #[error("could not start {}", program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Builds what cargo's arguments name, optimized.
///
/// # Errors
/// When it does not build.
pub(crate) async fn build(workspace: &Workspace, arguments: &[&str]) -> Result<(), Error> {
    let mut command = cargo_command();
    command.args(["build", "--release"]).args(arguments).current_dir(&workspace.root);
    let spawned = |source| Error::Spawn { program: "cargo".into(), source };
    let status = command.stdin(Stdio::null()).status().await.map_err(spawned)?;
    if status.success() { Ok(()) } else { Err(Error::Build) }
}
