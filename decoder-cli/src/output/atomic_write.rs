//! A file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::Builder;

/// Lets `write` write a temporary file in the same directory, and renames it when all of it is on the disk.
/// Only its owner can read it.
///
/// # Errors
/// If it cannot be written; [`io::ErrorKind::AlreadyExists`] if the file exists and `replace` is `false`.
pub(crate) fn write_new<R>(
    path: &Path,
    replace: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<R>,
) -> io::Result<R> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut file = Builder::new().prefix(".steno-").tempfile_in(folder)?;
    let mut writer = BufWriter::with_capacity(1 << 18, &mut file);
    let result = write(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    let persisted = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    persisted.map_err(|error| error.error)?;
    if cfg!(unix) {
        // The rename is safe only when the directory is on the disk.
        File::open(folder)?.sync_all()?;
    }
    Ok(result)
}
