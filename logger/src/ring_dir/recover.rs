//! The rings of a killed logger, recovered by the next one on the same path.
//!
//! `stenolog_session::unread` does it; this keeps the locked files from forked children.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use stenolog_session::tail::Tail;
use stenolog_session::unread::{AbandonedRings, NotRecovered};

use crate::process::descriptors::NotInherited;

/// The ring directory of an earlier run, or both, locked.
#[derive(Debug)]
pub(crate) struct UnreadDir {
    // Before the files: their numbers must not be those of others when a child closes them.
    _not_inherited: Vec<NotInherited>,
    rings: AbandonedRings,
}

impl UnreadDir {
    /// Looks for the directories of a session, as [`AbandonedRings::find`].
    pub(crate) fn find(folders: &[PathBuf], session: &[u8; 16]) -> Option<Self> {
        AbandonedRings::find(folders, session).map(Self::new)
    }

    /// Opens one directory, as [`AbandonedRings::open`].
    #[cfg(unix)]
    pub(super) fn open(path: &Path, session: [u8; 16]) -> Option<Self> {
        AbandonedRings::open(path, session).map(Self::new)
    }

    fn new(rings: AbandonedRings) -> Self {
        Self { _not_inherited: rings.locked_files().map(NotInherited::new).collect(), rings }
    }

    /// Whether this user has a directory of the session there, in use or not.
    pub(crate) fn exists(folders: &[PathBuf], session: &[u8; 16]) -> bool {
        AbandonedRings::exist(folders, session)
    }

    pub(crate) fn path(&self) -> &Path {
        self.rings.path()
    }

    /// Whether all directories are locked.
    #[cfg(unix)]
    pub(super) fn is_locked(&self) -> bool {
        self.rings.is_locked()
    }

    /// Completes the dump, as [`AbandonedRings::complete`].
    pub(crate) fn complete(
        &self,
        dump: &File,
        tail: Option<&Tail>,
        make: impl FnOnce() -> io::Result<File>,
    ) -> Result<bool, NotRecovered> {
        self.rings.complete(dump, tail, make)
    }

    /// Completes the dump without syncing it, as [`AbandonedRings::seal`].
    #[cfg(unix)]
    pub(super) fn seal(
        &self,
        dump: &File,
        tail: Option<&Tail>,
        make: impl FnOnce() -> io::Result<File>,
    ) -> Result<Option<File>, NotRecovered> {
        self.rings.seal(dump, tail, make)
    }

    /// Removes the directories, as [`AbandonedRings::remove`], and then unlocks them.
    pub(crate) fn remove(self) -> Result<(), NotRecovered> {
        self.rings.remove()
    }
}
