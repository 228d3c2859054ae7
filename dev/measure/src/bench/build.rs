//! What is measured: its release build, and its size.

use std::io;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::Error;
use crate::optimized;
use dev::serve::Workspace;

/// The programs that are measured.
const PROGRAMS: [&str; 5] = ["availability", "checkout", "empty", "probes", "webhook"];

/// How large a program is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) binary_bytes: u64,
    pub(super) zip_bytes: u64,
}

/// Builds the programs that are measured, and returns where they are.
///
/// # Errors
/// When something does not build.
pub(super) async fn programs(workspace: &Workspace) -> Result<PathBuf, Error> {
    let release = workspace.target.join("release");
    if !release.join("probes").exists() {
        eprintln!("building the functions as they are deployed: some minutes the first time");
    }
    let mut arguments = vec!["--features", "probes/program"];
    arguments.extend(PROGRAMS.into_iter().flat_map(|program| ["--bin", program]));
    optimized::build(workspace, &arguments).await?;
    Ok(release)
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
