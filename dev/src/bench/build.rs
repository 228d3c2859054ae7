//! The release build: what is measured, and this program itself, which serves
//! what is measured and must not be what is waited for.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use tokio::process::Command;

use super::Error;
use crate::serve::{Environment, Workspace, cargo};

/// The programs that are run.
const PROGRAMS: [&str; 6] =
    ["allocations", "availability", "checkout", "empty", "webhook", "without-snapshots"];

/// How large a program is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) binary_bytes: u64,
    pub(super) zip_bytes: u64,
}

/// Builds everything as it is deployed, and says so if that takes a while.
///
/// In a debug build this does not return: the release build of this program
/// takes its place.
///
/// # Errors
/// When something does not build.
pub(super) async fn build(workspace: &Workspace) -> Result<PathBuf, Error> {
    let release = workspace.target.join("release");
    if !release.join("empty").exists() {
        eprintln!("building everything as it is deployed: a few minutes the first time");
    }
    let is_this_debug = cfg!(debug_assertions);
    let mut command = Command::new(cargo());
    command.args(["build", "--release"]).current_dir(&workspace.root);
    for program in PROGRAMS.into_iter().chain(is_this_debug.then_some("dev")) {
        command.args(["--bin", program]);
    }
    Environment::of_cargo().apply(&mut command);
    let spawned = |source| Error::Spawn { program: "cargo".into(), source };
    let status = command.stdin(Stdio::null()).status().await.map_err(spawned)?;
    if !status.success() {
        return Err(Error::Build);
    }
    if is_this_debug {
        return Err(take_place(&release.join("dev")));
    }
    Ok(release)
}

/// Runs another program in this process; returns only if that fails.
pub(crate) fn take_place(program: &Path) -> Error {
    let mut command = std::process::Command::new(program);
    command.args(std::env::args_os().skip(1));
    Error::Spawn { program: program.to_owned(), source: command.exec() }
}

/// Measures a program, and what is left of it in a zip file.
///
/// # Errors
/// When it cannot be read.
pub(super) fn size_of(program: &Path) -> Result<Size, Error> {
    let failed = |source| Error::Log { path: program.to_owned(), source };
    let mut file = std::fs::File::open(program).map_err(failed)?;
    let mut packed = DeflateEncoder::new(Counter(0), Compression::default());
    let binary_bytes = io::copy(&mut file, &mut packed).map_err(failed)?;
    let Counter(zip_bytes) = packed.finish().map_err(failed)?;
    Ok(Size { binary_bytes, zip_bytes })
}

/// Counts what is written.
struct Counter(u64);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
