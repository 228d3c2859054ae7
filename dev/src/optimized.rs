//! Release builds, and going on in that of this program.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::serve::{self, Workspace, cargo_command};

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

/// Puts the release build of this program in the place of one that is not.
///
/// What serves and asks must not be what is waited for. It is built without the
/// functions: those are built as they are deployed, without the features that
/// this program turns on in what they share.
///
/// # Errors
/// When it does not build, or cannot be run.
pub(crate) async fn go_on(workspace: &Workspace) -> Result<(), Error> {
    if !cfg!(debug_assertions) {
        return Ok(());
    }
    let program = workspace.target.join("release/dev");
    if !program.exists() {
        eprintln!("building this program with optimization: some minutes the first time");
    }
    build(workspace, &["--bin", "dev"]).await?;
    let source = Command::new(&program).args(std::env::args_os().skip(1)).exec();
    Err(Error::Spawn { program, source })
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
