//! The results of full runs, in `docs/load-testing`.

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

const FOLDER: &str = "docs/load-testing";

/// Results that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("could not read or write {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} does not contain results of this command", path.display())]
    NotResults { path: PathBuf, source: serde_json::Error },
}

/// Writes the results of a full run, and returns the path of the file.
pub(crate) fn save(root: &Path, name: &str, results: &impl Serialize) -> Result<PathBuf, Error> {
    let path = root.join(FOLDER).join(name);
    let written = std::fs::create_dir_all(root.join(FOLDER))
        .and_then(|()| std::fs::write(&path, to_json(results)));
    written.map(|()| path.clone()).map_err(|source| Error::File { path, source })
}

/// Reads the results of the last full run.
pub(crate) fn load<T: DeserializeOwned>(root: &Path, name: &str) -> Result<T, Error> {
    read(&root.join(FOLDER).join(name))
}

/// Reads results from a file.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let path = path.to_owned();
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(source) => return Err(Error::File { path, source }),
    };
    serde_json::from_slice(&text).map_err(|source| Error::NotResults { path, source })
}

/// Writes results as JSON.
pub(crate) fn to_json(results: &impl Serialize) -> String {
    let json = serde_json::to_string_pretty(results);
    json.expect("numbers and text are always JSON") + "\n"
}
