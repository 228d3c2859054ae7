//! docs/load-testing.md: what was measured, and what it means.
//!
//! `cargo dev bench` and `cargo dev load` keep what they have measured in
//! docs/load-testing, and `cargo dev fleet` models what is deployed. This makes
//! the page and its plots of that, and of nothing else, so the same files give
//! the same page: a test holds what is committed against it. The words are in
//! `dev/templates/load-testing.md`; why a bar is not met is in `bars`.

mod bars;
mod document;
pub(crate) mod figures;
mod plot;
mod plots;
mod tables;

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bench::results::Results;
use crate::fleet::{Fleet, Measured};
use crate::load::results::LoadResults;

/// The page.
const PAGE: &str = "docs/load-testing.md";
/// The folder of what was measured, and of the plots.
const FOLDER: &str = "docs/load-testing";
const BENCH: Kept = Kept { name: "bench.json", command: "cargo dev bench" };
const LOAD: Kept = Kept { name: "load.json", command: "cargo dev load" };

/// A file of results.
#[derive(Clone, Copy)]
struct Kept {
    name: &'static str,
    command: &'static str,
}

/// Which workspace's page to write.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Where the workspace is
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    pub root: PathBuf,
}

/// Results that cannot be read, or a page that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file, or the folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what the command writes.
    #[error("{} is not what `{command}` writes: run it again", path.display())]
    Results {
        /// The file.
        path: PathBuf,
        /// The command.
        command: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// Something cannot be written as JSON.
    #[error("the figures cannot be written as JSON")]
    Json(#[source] serde_json::Error),
    /// The page's template fails.
    #[error("the page cannot be written")]
    Page(#[from] askama::Error),
}

/// A file of the page, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where it is in the workspace.
    pub path: PathBuf,
    /// What is in it.
    pub text: String,
}

/// Writes the page, and prints where it is.
///
/// # Errors
/// When what was measured cannot be read, or the page not be written.
pub fn run(options: &Options) -> Result<(), Error> {
    write(&options.root)?;
    println!("{}", options.root.join(PAGE).display());
    Ok(())
}

/// Keeps what a whole `cargo dev bench` has measured, and writes the page.
///
/// # Errors
/// When a file cannot be written.
pub fn keep_bench(root: &Path, results: &Results) -> Result<(), Error> {
    keep(root, BENCH, results)
}

/// Keeps what a whole `cargo dev load` has measured, and writes the page.
///
/// # Errors
/// When a file cannot be written.
pub fn keep_load(root: &Path, results: &LoadResults) -> Result<(), Error> {
    keep(root, LOAD, results)
}

/// Reads what `cargo dev bench` has kept, if it has.
///
/// # Errors
/// When the file is there and cannot be understood.
pub fn kept_bench(root: &Path) -> Result<Option<Results>, Error> {
    kept(root, BENCH)
}

/// Makes the page and its plots of what was measured.
///
/// # Errors
/// When the template fails.
pub fn render(bench: Option<&Results>, load: Option<&LoadResults>) -> Result<Vec<File>, Error> {
    let fleet = Fleet::new(bench.map_or_else(Measured::assumed, Measured::of));
    let page = File { path: PAGE.into(), text: document::document(bench, load, &fleet)? };
    let plots = load.map(plots::of_load).into_iter().flatten().chain(plots::of_fleet(&fleet));
    let plots =
        plots.map(|(name, plot)| File { path: Path::new(FOLDER).join(name), text: plot.svg() });
    Ok(std::iter::once(page).chain(plots).collect())
}

/// Makes the page and its plots of what is kept.
///
/// # Errors
/// When what was measured cannot be read.
pub fn render_kept(root: &Path) -> Result<Vec<File>, Error> {
    render(kept_bench(root)?.as_ref(), kept(root, LOAD)?.as_ref())
}

/// Lists the plots that are there.
///
/// # Errors
/// When the folder cannot be read.
pub fn plots_in(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = root.join(FOLDER);
    let failed = |source| Error::File { path: folder.clone(), source };
    let mut plots = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let path = Path::new(FOLDER).join(name);
        if path.extension().is_some_and(|extension| extension == "svg") {
            plots.push(path);
        }
    }
    Ok(plots)
}

/// Writes the page and its plots, and removes plots that are none any more.
fn write(root: &Path) -> Result<(), Error> {
    let files = render_kept(root)?;
    for file in &files {
        put(&root.join(&file.path), file.text.as_bytes())?;
    }
    for plot in plots_in(root)? {
        if files.iter().all(|file| file.path != plot) {
            let path = root.join(plot);
            std::fs::remove_file(&path).map_err(|source| Error::File { path, source })?;
        }
    }
    Ok(())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(path);
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(path, bytes));
    written.map_err(|source| Error::File { path: path.to_owned(), source })
}

fn keep(root: &Path, file: Kept, results: &impl Serialize) -> Result<(), Error> {
    let mut json = serde_json::to_vec_pretty(results).map_err(Error::Json)?;
    json.push(b'\n');
    put(&root.join(FOLDER).join(file.name), &json)?;
    write(root)
}

fn kept<T: DeserializeOwned>(root: &Path, file: Kept) -> Result<Option<T>, Error> {
    let Kept { name, command } = file;
    let path = root.join(FOLDER).join(name);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::File { path, source }),
    };
    let results = serde_json::from_slice(&text);
    results.map(Some).map_err(|source| Error::Results { path, command, source })
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;
