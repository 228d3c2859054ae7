//! The programs that are measured: their release build, and their sizes.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::Error;
use dev::serve::{Workspace, cargo_command};

const PROGRAMS: [&str; 5] = ["availability", "checkout", "empty", "probes", "webhook"];

#[derive(Clone, Copy, Debug)]
pub(super) struct ProgramSize {
    pub(super) binary_bytes: u64,
    pub(super) zip_bytes: u64,
}

/// Builds the programs, and returns their folder.
pub(super) async fn build(workspace: &Workspace) -> Result<PathBuf, Error> {
    let release = workspace.target.join("release");
    if !release.join("probes").exists() {
        eprintln!("building the functions for release: the first time, this takes some minutes");
    }
    let mut command = cargo_command();
    command.args(["build", "--release", "--features", "probes/program"]);
    command.args(PROGRAMS.into_iter().flat_map(|program| ["--bin", program]));
    command.current_dir(&workspace.root).stdin(Stdio::null());
    let spawned = |source| Error::Spawn { program: "cargo".into(), source };
    let status = command.status().await.map_err(spawned)?;
    if status.success() { Ok(release) } else { Err(Error::Build) }
}

/// Measures a program, and the same program deflated.
pub(super) fn size_of(program: &Path) -> Result<ProgramSize, Error> {
    let failed = |source| Error::File { path: program.to_owned(), source };
    let mut file = std::fs::File::open(program).map_err(failed)?;
    let mut encoder = DeflateEncoder::new(ByteCounter(0), Compression::default());
    let binary_bytes = io::copy(&mut file, &mut encoder).map_err(failed)?;
    let ByteCounter(zip_bytes) = encoder.finish().map_err(failed)?;
    Ok(ProgramSize { binary_bytes, zip_bytes })
}

struct ByteCounter(u64);

impl io::Write for ByteCounter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
