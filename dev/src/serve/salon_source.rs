//! Chooses the salon file.

use std::path::{Path, PathBuf};

use salon::Salon;
use salon::salon_file;

use super::Error;
use super::serve_error::could_not;

/// Returns the salon file: the given one, or else the repository's.
///
/// `None` means the salon that is compiled into the functions.
pub(super) fn choose(named: Option<&Path>, root: &Path) -> Result<Option<PathBuf>, Error> {
    let own = root.join("salon.toml");
    let path = match named {
        Some(path) => path.to_owned(),
        None if own.exists() => own,
        None => return Ok(None),
    };
    read_salon(&path)?;
    let absolute = std::path::absolute(&path).map_err(could_not("find the salon file"))?;
    Ok(Some(absolute))
}

/// Loads the salon that [`choose`] returns.
pub(super) fn load(named: Option<&Path>, root: &Path) -> Result<Salon, Error> {
    match choose(named, root)? {
        Some(path) => read_salon(&path),
        None => salon_file::parse(salon_file::COMPILED_IN)
            .map_err(|problems| Error::SalonInvalid { path: "compiled in".into(), problems }),
    }
}

fn read_salon(path: &Path) -> Result<Salon, Error> {
    let doing = format!("read the salon file {}: choose another with --salon", path.display());
    let text = std::fs::read_to_string(path).map_err(could_not(doing))?;
    salon_file::parse(&text)
        .map_err(|problems| Error::SalonInvalid { path: path.to_owned(), problems })
}
