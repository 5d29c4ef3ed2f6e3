//! A file that appears whole or not at all.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use tempfile::Builder;

/// Has `write` write beside the file, and gives it its name when all of it is on the disk. It is
/// for its owner only.
///
/// # Errors
/// If it cannot be written. [`io::ErrorKind::AlreadyExists`] if there is one and it is not to be
/// replaced.
pub(crate) fn write_new<R>(
    path: &Path,
    replace: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<R>,
) -> io::Result<R> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // Under a name that nobody else has.
    let mut file = Builder::new().prefix(".steno-").tempfile_in(folder)?;
    let mut writer = BufWriter::with_capacity(1 << 18, &mut file);
    let result = write(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    let persisted = if replace { file.persist(path) } else { file.persist_noclobber(path) };
    persisted.map_err(|error| error.error)?;
    if cfg!(unix) {
        // The name, too.
        File::open(folder)?.sync_all()?;
    }
    Ok(result)
}
