//! The data folder, used by one `cargo dev` at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::Error;
use super::serve_error::could_not;

/// The file that holds the path of the served salon file.
const SALON_RECORD: &str = "salon-served";
const DATABASE: &str = "dynamodb.sqlite";
/// The file with the payment sandbox's sessions and payments.
pub(super) const LEDGER: &str = "stripe-sandbox.json";
/// The folder of the mails.
pub(super) const MAILS: &str = "mail";
/// The file with the last processed sequence number of the table's stream.
pub(super) const STREAM_POSITION: &str = "stream-position";

/// The data folder, locked until this is dropped.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) folder: PathBuf,
    pub(super) database: PathBuf,
    _lock: File,
}

/// Opens the data folder. Creates it if it is missing, and empties it if `fresh`.
pub(super) fn open(folder: &Path, fresh: bool) -> Result<Data, Error> {
    let doing = || could_not(format!("prepare the data folder {}", folder.display()));
    fs::create_dir_all(folder).map_err(doing())?;
    let lock = File::create(folder.join("lock")).map_err(doing())?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::DataInUse(folder.to_owned())),
        Err(TryLockError::Error(source)) => return Err(doing()(source)),
    }
    if fresh {
        empty(folder).map_err(doing())?;
    }
    Ok(Data { folder: folder.to_owned(), database: folder.join(DATABASE), _lock: lock })
}

impl Data {
    /// Records which salon file is served, for other `cargo dev` commands.
    pub(super) fn record_salon(&self, salon: Option<&Path>) -> Result<(), Error> {
        let salon = salon.map_or_else(Default::default, |salon| salon.display().to_string());
        let written = fs::write(self.folder.join(SALON_RECORD), salon);
        written.map_err(could_not("record the salon file in the data folder"))
    }
}

/// Returns the salon file that was last served from a data folder.
pub(super) fn recorded_salon(folder: &Path) -> Option<PathBuf> {
    let path = fs::read_to_string(folder.join(SALON_RECORD)).ok()?;
    Some(PathBuf::from(path)).filter(|path| path.exists())
}

/// Removes the database with `SQLite`'s files beside it, the payment sandbox's ledger, the mails
/// and the stream position.
fn empty(folder: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        if_present(fs::remove_file(folder.join(format!("{DATABASE}{suffix}"))))?;
    }
    if_present(fs::remove_file(folder.join(LEDGER)))?;
    if_present(fs::remove_file(folder.join(STREAM_POSITION)))?;
    if_present(fs::remove_dir_all(folder.join(MAILS)))
}

fn if_present(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A temporary folder, removed on drop.
    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let name = format!("openchair-data-{test}-{}", std::process::id());
            Self(std::env::temp_dir().join(name))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn data_survive_a_restart_and_fresh_removes_them() {
        let folder = Folder::new("fresh");
        let data = open(&folder.0, false).unwrap();
        let log = folder.0.join("dynamodb.sqlite-wal");
        fs::write(&data.database, "kept").unwrap();
        fs::write(&log, "kept").unwrap();
        let ledger = folder.0.join(LEDGER);
        fs::write(&ledger, "kept").unwrap();
        drop(data);

        let data = open(&folder.0, false).unwrap();
        assert!(data.database.exists(), "a restart should keep the data");
        assert!(ledger.exists(), "and the payments that belong to it");
        drop(data);

        let data = open(&folder.0, true).unwrap();
        assert!(!data.database.exists(), "--fresh should remove the data");
        assert!(!log.exists(), "--fresh should remove SQLite's other files");
        assert!(!ledger.exists(), "--fresh should remove the payments");
    }

    #[test]
    fn two_runs_cannot_use_the_same_data_folder() {
        let folder = Folder::new("shared");
        let _first = open(&folder.0, false).unwrap();
        let second = open(&folder.0, true);
        assert!(matches!(second, Err(Error::DataInUse(_))));
    }
}
