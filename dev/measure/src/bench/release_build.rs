//! The programs that are measured: their release build, and their sizes.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use dev::serve::{Workspace, cargo_command};
use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::TARGETS;
use crate::measure_error::{Context as _, Error};
use crate::statistics::float;

/// Builds the programs, and returns their folder.
pub(super) async fn build(workspace: &Workspace) -> Result<PathBuf, Error> {
    let release = workspace.target.join("release");
    if !release.join("empty").exists() {
        eprintln!("building the functions for release: the first time, this takes some minutes");
    }
    let mut command = cargo_command();
    command.args(["build", "--release"]);
    command.args(TARGETS.into_iter().flat_map(|program| ["--bin", program]));
    command.current_dir(&workspace.root).stdin(Stdio::null());
    let status = command.status().await.context("could not start cargo")?;
    let failed = "the release build failed: correct the errors above and try again";
    status.success().then_some(release).ok_or_else(|| Error::new(failed))
}

/// Measures a program, and the same program deflated, as it is uploaded: in MB.
pub(super) fn sizes(program: &Path) -> Result<(f64, f64), Error> {
    let read = || {
        let bytes = std::fs::read(program)?;
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        io::Write::write_all(&mut encoder, &bytes)?;
        let zip = encoder.finish()?;
        Ok::<_, io::Error>((float(bytes.len()) / 1e6, float(zip.len()) / 1e6))
    };
    read().with_context(|| format!("could not read {}", program.display()))
}
