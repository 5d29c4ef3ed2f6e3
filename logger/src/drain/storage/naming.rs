//! Names of dump files: numbered ones for those that are kept, and one for a file in the making.

use std::io;
use std::path::{Path, PathBuf};

use stenolog_session::lock::{self as writer_lock, Writer};

use super::locked::{Locked, lock, open_existing, open_new};
use super::metadata::{is_ours_alone, link_count};

/// `app.steno` → `app.1.steno`, with the first free number.
pub(crate) fn free_name(path: &Path) -> PathBuf {
    // A dangling link is not free either.
    let is_free = |path: &PathBuf| path.symlink_metadata().is_err();
    (1..).map(|n| numbered(path, n)).find(is_free).unwrap_or_else(|| path.with_extension("old"))
}

/// `app.steno` → `app.7.steno`.
pub(crate) fn numbered(path: &Path, number: u32) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// A file that is created beside another one to replace it. It is removed unless it does.
pub(crate) struct Beside {
    pub(crate) path: PathBuf,
    is_made: std::cell::Cell<bool>,
}

impl Beside {
    /// A name that readers ignore. It is the same for every holder of the dump's lock, so the next
    /// process removes the file if this one is killed before it is done.
    pub(crate) fn new(dump: &Path) -> Option<Self> {
        let name = dump.file_name()?.to_string_lossy().replace('.', "_");
        let path = dump.with_file_name(format!(".{name}.new"));
        if let Ok(file) = open_existing(&path) {
            let metadata = file.metadata().ok()?;
            // A file with another name loses nothing with this one.
            let is_left = metadata.is_file()
                && (link_count(&metadata) > Some(1)
                    || is_ours_alone(&metadata) && writer_lock::acquire(&file) != Writer::Other);
            if !is_left || std::fs::remove_file(&path).is_err() {
                return None;
            }
        }
        Some(Self { path, is_made: std::cell::Cell::new(false) })
    }

    pub(crate) fn make(&self, mode: u32) -> io::Result<Locked> {
        let file = open_new(&self.path, mode)?;
        self.is_made.set(true);
        lock(file, &self.path).map_err(io::Error::other)
    }

    /// The file has been given its final name.
    pub(crate) fn keep(self) {
        self.is_made.set(false);
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if self.is_made.get() {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
