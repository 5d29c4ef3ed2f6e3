//! Creation of a ring directory, so that it is not mistaken for an abandoned one and names its dump.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use stenolog_session::dir::check_size_limit;
use stenolog_session::layout::{DumpLocation, LOCATION_FILE};
use stenolog_session::lock;

use super::unix::new_file;

/// The lock of a folder, shared by those who begin a directory in it: until its `meta.steno` is
/// locked, nothing else tells that the directory has a writer.
#[derive(Debug)]
pub(super) struct Beginning(#[expect(dead_code, reason = "held, not read")] Option<File>);

impl Beginning {
    /// A directory is to be made at `path`.
    pub(super) fn of(path: &Path) -> Self {
        Self(path.parent().and_then(|folder| lock::share_folder(folder)))
    }
}

/// States in a directory which dump it belongs to.
pub(super) fn state(path: &Path, location: &DumpLocation) -> io::Result<()> {
    let bytes = location.encode();
    check_size_limit(bytes.len() as u64)?;
    new_file(&path.join(LOCATION_FILE))?.write_all(&bytes)
}
