//! The data folder: one database, used by one `cargo dev` at a time.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::Error;

/// The data, locked until this is dropped.
#[derive(Debug)]
pub(super) struct Data {
    pub(super) folder: PathBuf,
    pub(super) database: PathBuf,
    _lock: File,
}

/// Opens the data folder, creates it if it is missing, and empties it if `fresh`.
///
/// # Errors
///
/// Fails if another `cargo dev` has it open or if it cannot be written.
pub(super) fn open(folder: &Path, fresh: bool) -> Result<Data, Error> {
    let failed = |source| Error::Data { path: folder.to_owned(), source };
    fs::create_dir_all(folder).map_err(failed)?;
    let lock = File::create(folder.join("lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Error::DataInUse { path: folder.to_owned() });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    let database = folder.join("dynamodb.sqlite");
    if fresh {
        empty(&database).map_err(failed)?;
        empty_outbox(folder).map_err(failed)?;
    }
    Ok(Data { folder: folder.to_owned(), database, _lock: lock })
}

impl Data {
    /// Notes which salon file is served, for whoever asks while it is.
    ///
    /// # Errors
    ///
    /// Fails if the note cannot be written.
    pub(super) fn note_salon(&self, salon: Option<&Path>) -> Result<(), Error> {
        let path = self.folder.join(NOTE);
        let salon = salon.map_or_else(Default::default, |salon| salon.display().to_string());
        fs::write(&path, salon).map_err(|source| Error::Data { path, source })
    }
}

/// Returns the salon file that was last served out of a data folder.
pub(super) fn noted_salon(folder: &Path) -> Option<PathBuf> {
    let noted = fs::read_to_string(folder.join(NOTE)).ok()?;
    Some(PathBuf::from(noted)).filter(|path| path.exists())
}

/// The file that names the salon file that is served.
const NOTE: &str = "salon-served";

/// Where the mails are kept, below the data folder.
pub(super) const MAILS: &str = "mail";

/// The file that says how far the table's stream has been read.
pub(super) const STREAM_POSITION: &str = "stream-position";

/// Removes the mails, and how far the stream was read.
fn empty_outbox(folder: &Path) -> io::Result<()> {
    let removed =
        [fs::remove_dir_all(folder.join(MAILS)), fs::remove_file(folder.join(STREAM_POSITION))];
    for removed in removed {
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Removes the database and the files that the engine keeps beside it.
fn empty(database: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        let mut path = database.as_os_str().to_owned();
        path.push(suffix);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test alone, removed at its end.
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
    fn data_outlive_a_restart_and_fresh_empties_them() {
        let folder = Folder::new("fresh");
        let data = open(&folder.0, false).unwrap();
        let log = folder.0.join("dynamodb.sqlite-wal");
        fs::write(&data.database, "kept").unwrap();
        fs::write(&log, "kept").unwrap();
        drop(data);

        let data = open(&folder.0, false).unwrap();
        assert!(data.database.exists(), "a restart keeps the data");
        drop(data);

        let data = open(&folder.0, true).unwrap();
        assert!(!data.database.exists(), "--fresh empties the data");
        assert!(!log.exists(), "--fresh removes what the engine keeps beside them");
    }

    #[test]
    fn two_runs_do_not_share_data() {
        let folder = Folder::new("shared");
        let _first = open(&folder.0, false).unwrap();
        let second = open(&folder.0, true);
        assert!(matches!(second, Err(Error::DataInUse { .. })));
    }
}
