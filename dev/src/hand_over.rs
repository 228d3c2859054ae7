//! Builds another program of the workspace and replaces this process with it.
//!
//! `cargo dev` does not link these programs, so `serve` does not wait for their build.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::serve::{self, Workspace, cargo_command};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// The name of the package and of its binary.
    pub name: &'static str,
    pub profile: Profile,
}

/// The cargo profile that a program is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Builds quickly, with our own crates optimized slightly.
    Test,
    /// Optimized as deployed. The build takes minutes.
    Release,
}

impl Profile {
    const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Release => "release",
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Test => "debug",
            Self::Release => "release",
        }
    }
}

/// Why a program could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Workspace(#[from] serve::Error),
    #[error("{name} does not build: correct the errors above and try again")]
    Build { name: &'static str },
    #[error("could not start {program}")]
    Start { program: String, source: io::Error },
}

/// Builds a program and replaces this process with it. Returns only on failure.
///
/// # Errors
/// Fails if the program does not build or does not start.
pub async fn run(program: Program, arguments: &[OsString]) -> Result<(), Error> {
    let workspace = Workspace::load().await?;
    let file = workspace.target.join(program.profile.folder()).join(program.name);
    if !file.exists() {
        eprintln!("building {}: the first build takes minutes", program.name);
    }
    build(program, &workspace.root).await?;
    let source = Command::new(&file).args(arguments).exec();
    Err(Error::Start { program: file.display().to_string(), source })
}

async fn build(program: Program, root: &Path) -> Result<(), Error> {
    let mut command = cargo_command();
    command.args(["build", "--quiet", "--profile", program.profile.name()]);
    command.args(["--package", program.name, "--bin", program.name]).current_dir(root);
    let status = command.stdin(Stdio::null()).status().await;
    let status = status.map_err(|source| Error::Start { program: "cargo".to_owned(), source })?;
    if status.success() { Ok(()) } else { Err(Error::Build { name: program.name }) }
}
