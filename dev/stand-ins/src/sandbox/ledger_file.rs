//! The file in which a served sandbox keeps its ledger over a restart.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::idempotency::IdempotencyKeys;
use super::sandbox_ledger::StoredLedger;
use super::{Deliveries, Sandbox};

/// The version of the file's format. A file of another version is refused.
const VERSION: u32 = 1;

/// The content of the file.
#[derive(Deserialize, Serialize)]
pub(super) struct StoredState {
    version: u32,
    pub(super) ledger: StoredLedger,
    pub(super) keys: IdempotencyKeys,
    /// The ids of events that are not delivered yet.
    pub(super) undelivered: HashSet<String>,
}

impl StoredState {
    pub(super) fn new(
        ledger: StoredLedger,
        keys: IdempotencyKeys,
        undelivered: HashSet<String>,
    ) -> Self {
        Self { version: VERSION, ledger, keys, undelivered }
    }
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

/// Reads the file; none if there is none yet.
pub(super) fn load(path: &Path) -> io::Result<Option<StoredState>> {
    let unusable = |problem: String| {
        let path = path.display();
        let message = format!("the payment sandbox cannot use its ledger {path}: {problem}");
        io::Error::new(io::ErrorKind::InvalidData, message)
    };
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(error.to_string())),
    };
    let read = |error: serde_json::Error| unusable(error.to_string());
    let Versioned { version } = serde_json::from_slice(&text).map_err(read)?;
    if version != VERSION {
        return Err(unusable(format!("its format {version} is not {VERSION}")));
    }
    serde_json::from_slice(&text).map(Some).map_err(read)
}

/// Saves the ledger of a sandbox after it has changed, and when this is dropped.
pub(super) struct LedgerFile {
    sandbox: Sandbox,
    path: PathBuf,
    /// What had been delivered when it was saved last.
    saved: Deliveries,
}

impl LedgerFile {
    pub(super) fn new(sandbox: Sandbox, path: PathBuf) -> Self {
        Self { sandbox, path, saved: Deliveries::default() }
    }

    /// Saves the ledger if it has changed since the last time.
    pub(super) fn save(&mut self) -> io::Result<()> {
        let deliveries = self.sandbox.deliveries();
        let stored = {
            let mut state = self.sandbox.unchanged_state();
            if !state.is_changed && deliveries == self.saved {
                return Ok(());
            }
            state.is_changed = false;
            serde_json::to_vec(&state.stored())?
        };
        self.saved = deliveries;
        replace(&self.path, &stored)
    }
}

impl Drop for LedgerFile {
    fn drop(&mut self) {
        if let Err(error) = self.save() {
            eprintln!("warning: the payment sandbox could not save its ledger: {error}");
        }
    }
}

/// Replaces a file at once, so that an interruption leaves the old or the new one.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = fs::File::create(&new)?;
    file.write_all(content)?;
    file.sync_data()?;
    fs::rename(new, path)
}
