//! Commands that are other programs: built when they are asked for, then run in the
//! place of this one.
//!
//! `cargo dev` itself does not link them, so serving does not wait for their build.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::serve::{self, Workspace, cargo_command};

/// A program of the workspace and how it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    /// The name of the package and of its binary.
    pub name: &'static str,
    /// The cargo profile.
    pub profile: Profile,
}

/// How a program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// As for tests: built quickly, with our own crates optimized a little.
    Test,
    /// As deployed: a build of some minutes.
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

/// A program that could not be run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The workspace cannot be read.
    #[error(transparent)]
    Workspace(#[from] serve::Error),
    /// It does not compile.
    #[error("{name} does not build: correct the errors above and try again")]
    Build {
        /// The program.
        name: &'static str,
    },
    /// It cannot be started.
    #[error("could not start {program}")]
    Start {
        /// The file.
        program: String,
        /// Why.
        source: io::Error,
    },
}

/// Builds a program and replaces this one with it. Returns only after a failure.
///
/// # Errors
/// When the program does not build or does not start.
pub async fn run(program: Program, arguments: &[OsString]) -> Result<(), Error> {
    let workspace = Workspace::load().await?;
    let file = workspace.target.join(program.profile.folder()).join(program.name);
    if !file.exists() {
        eprintln!("building {}: this takes some minutes the first time", program.name);
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
