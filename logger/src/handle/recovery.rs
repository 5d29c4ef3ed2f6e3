//! Recovery of an earlier run at the start of a logger.
//!
//! If the logger that wrote the dump at a path was killed, its rings may hold records that the dump lacks.
//! [`finish_earlier`] completes that dump and gives it another name. Only then is the new dump created.
//!
//! ```text
//!   app.steno + rings ──▶ app.1.steno, sealed     then: app.steno of this run
//! ```

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use stenolog_session::failpoint::{self, Step};

use crate::config::UnreadRings;
use crate::drain::storage::create::session_of;
use crate::drain::storage::locked::{Locked, lock_existing};
use crate::drain::storage::metadata::is_ours_alone;
use crate::drain::storage::naming::{Beside, free_name};
use crate::error::{DrainError, StartError};
use crate::event::Listeners;
use crate::ring_dir::{NotRecovered, UnreadDir};

/// What to do with the rings of an earlier run.
#[derive(Debug)]
pub(super) struct EarlierRun {
    pub(super) unread: UnreadRings,
    /// Where they may be.
    pub(super) folders: Vec<PathBuf>,
    pub(super) listeners: Listeners,
}

/// Completes the dump at `path` with what its rings hold, and gives it another name. The rings are removed
/// once the dump is on the disk.
///
/// Returns the session of a dump that needs no recovery and may therefore be replaced. `None` if there is no
/// dump, or if it must be kept because another process may be working on its rings.
pub(super) fn finish_earlier(
    path: &Path,
    earlier: &EarlierRun,
) -> Result<Option<[u8; 16]>, StartError> {
    let dump = lock_existing(path);
    let session = dump.as_ref().and_then(|dump| session_of(&dump.file));
    let (Some(dump), Some(session)) = (dump, session) else { return Ok(None) };
    let Some(rings) = UnreadDir::find(&earlier.folders, &session) else {
        let is_replaceable = !UnreadDir::exists(&earlier.folders, &session);
        return Ok(is_replaceable.then_some(session));
    };
    // Before the dump is renamed: if this is cut short, the next start continues it.
    let completed = match earlier.unread {
        UnreadRings::Recover => complete(&dump.file, path, &rings).map(Some),
        UnreadRings::Keep => Ok(None),
    };
    let to = free_name(path);
    if let Err(source) = std::fs::rename(path, &to) {
        return Err(StartError::KeepEarlier { path: path.to_owned(), to, source });
    }
    failpoint::after(Step::EarlierRenamed);
    let folder = rings.path().to_owned();
    let result = match completed {
        // A copy stays locked until the rings are removed.
        Ok(Some(_copy)) => rings.remove(),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        let path = std::path::absolute(&to).unwrap_or(to);
        let (rings, reason) = (folder, error.to_string());
        earlier.listeners.tell(DrainError::RingsLeft { path, rings, reason });
    }
    Ok(None)
}

/// Appends the records in the rings to the dump, or to a locked copy that replaces it, because a reader may
/// have the dump mapped.
fn complete(file: &File, path: &Path, rings: &UnreadDir) -> Result<Option<Locked>, NotRecovered> {
    let io = |source| NotRecovered::Io { what: "the dump".to_owned(), source };
    let metadata = file.metadata().map_err(io)?;
    if !is_ours_alone(&metadata) {
        return Err(NotRecovered::ForeignDump);
    }
    let beside = Beside::new(path)
        .ok_or_else(|| io(io::Error::other("a copy of it cannot be made: its name is taken")));
    let mut copy = None;
    let make = || {
        let beside = beside.as_ref().map_err(|error| io::Error::other(error.to_string()))?;
        let made = beside.make(0o600)?;
        made.file.set_permissions(metadata.permissions())?;
        let file = made.file.try_clone();
        copy = Some(made);
        file
    };
    if rings.complete(file, make)?
        && let Ok(beside) = beside
    {
        std::fs::rename(&beside.path, path).map_err(io)?;
        beside.keep();
        // Before the rings are removed.
        if let Some(folder) = path.parent() {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
    }
    Ok(copy)
}
