//! Recovery of an earlier run at the start of a logger.
//!
//! If the logger that wrote the dump at a path was killed, its rings may hold records that the dump lacks.
//! [`finish_earlier`] completes that dump and gives it another name. Only then is the new dump created.
//!
//! ```text
//!   app.steno + rings ──▶ app.1.steno, sealed     then: app.steno of this run
//!   app.steno + tail  ──▶ app.1.steno             the rings are gone: what the tail has is appended
//! ```

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use stenolog_session::dir::{Dir, DirError, Owners};
use stenolog_session::failpoint::{self, Step};
use stenolog_session::layout::{folder_of, tail_file, tail_session_of};
use stenolog_session::leftover::Judge;
use stenolog_session::tail::{self, Tail};
use stenolog_session::unread::{TailPut, put_tail};

use crate::config::UnreadRings;
use crate::drain::storage::create::session_of;
use crate::drain::storage::locked::{Locked, lock_existing};
use crate::drain::storage::metadata::is_ours_alone;
use crate::drain::storage::naming::{Beside, free_name};
use crate::error::{DrainError, StartError};
use crate::event::Listeners;
use crate::ring_dir::{NotRecovered, UnreadDir};

/// The most tails that a start looks at, and the most files in a folder whose dumps it searches.
const MAX_TAILS: usize = 64;
const MAX_SEARCHED: usize = 1 << 14;

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
    let tail = Tail::read(path, &session, &Owners::this_user());
    let Some(rings) = UnreadDir::find(&earlier.folders, &session) else {
        if UnreadDir::exists(&earlier.folders, &session) {
            return Ok(None);
        }
        return match tail {
            Some(tail) => finish_by_tail(path, &dump.file, &tail, earlier),
            None => {
                let _ = tail::remove_if_empty(path, &session);
                Ok(Some(session))
            }
        };
    };
    // Before the dump is renamed: if this is cut short, the next start continues it.
    let completed = match earlier.unread {
        UnreadRings::Recover => {
            let with = |make: &mut dyn FnMut() -> io::Result<File>| {
                rings.complete(&dump.file, tail.as_ref(), make)
            };
            complete(&dump.file, path, with).map(Some)
        }
        UnreadRings::Keep => Ok(None),
    };
    if matches!(completed, Ok(Some(_))) {
        // Before the rename: a later start would not look for it.
        remove_tail(path, &session);
    }
    let to = rename(path)?;
    let folder = rings.path().to_owned();
    let result = match completed {
        // A copy stays locked until the rings are removed.
        Ok(Some(_copy)) => rings.remove(),
        Ok(None) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        tell_left(to, folder, &error, earlier);
    }
    Ok(None)
}

/// As [`finish_earlier`], for a dump whose rings are gone: with the records that its tail has.
fn finish_by_tail(
    path: &Path,
    dump: &File,
    tail: &Tail,
    earlier: &EarlierRun,
) -> Result<Option<[u8; 16]>, StartError> {
    let session = tail.session();
    let put = match earlier.unread {
        UnreadRings::Recover => {
            let mut is_kept = true;
            let with = |make: &mut dyn FnMut() -> io::Result<File>| {
                let put = put_tail(dump, tail, make)?;
                is_kept = match put {
                    TailPut::Sealed => false,
                    // A start that was cut short may have put them there.
                    TailPut::Nothing => tail.rings().next().is_some(),
                    TailPut::Appended | TailPut::Copied => true,
                };
                Ok(matches!(put, TailPut::Copied))
            };
            complete(dump, path, with).map(|_copy| is_kept)
        }
        // `steno` reads it beside the dump, whatever its name is then.
        UnreadRings::Keep => Ok(true),
    };
    if matches!(put, Ok(false)) {
        remove_tail(path, &session);
        return Ok(Some(session));
    }
    let to = rename(path)?;
    // After the rename: until then it tells the next start that the dump is to be kept.
    if put.is_ok() && earlier.unread == UnreadRings::Recover {
        remove_tail(path, &session);
    }
    if let Err(error) = put {
        let tail = folder_of(&to).join(tail_file(&session));
        tell_left(to, tail, &error, earlier);
    }
    Ok(None)
}

/// Removes a tail whose records the dump has. If that fails, readers still find nothing new in it.
fn remove_tail(path: &Path, session: &[u8; 16]) {
    let _ = tail::remove(path, session);
    failpoint::after(Step::EarlierTailRemoved);
}

/// Gives a dump another name, and returns it.
fn rename(path: &Path) -> Result<PathBuf, StartError> {
    let to = free_name(path);
    if let Err(source) = std::fs::rename(path, &to) {
        return Err(StartError::KeepEarlier { path: path.to_owned(), to, source });
    }
    failpoint::after(Step::EarlierRenamed);
    Ok(to)
}

/// Tells that records of an earlier run were left where they are.
fn tell_left(dump: PathBuf, rings: PathBuf, error: &NotRecovered, earlier: &EarlierRun) {
    let path = std::path::absolute(&dump).unwrap_or(dump);
    let reason = error.to_string();
    earlier.listeners.tell(DrainError::RingsLeft { path, rings, reason });
}

/// Removes tails in the folder of a dump that no dump there needs any more, except that of the session
/// `spared`.
pub(super) fn remove_tails(path: &Path, spared: Option<[u8; 16]>) {
    let folder = folder_of(path);
    let Ok(dir) = folder.canonicalize().map_err(DirError::from).and_then(|path| Dir::open(&path))
    else {
        return;
    };
    let Ok(found) = dir.names(MAX_TAILS, |name| tail_session_of(name).is_some()) else { return };
    let mut judge = Judge::new(MAX_SEARCHED);
    for name in found.names {
        let Some(session) = name.to_str().and_then(tail_session_of) else { continue };
        let is_ours = || dir.open_file(&name, &Owners::this_user()).is_ok();
        if Some(session) != spared && is_ours() && judge.may_tail_go(&folder, &session) {
            let _ = tail::remove(path, &session);
        }
    }
}

/// Completes the dump `with` a function that appends to it, or to a locked copy that replaces it, because a
/// reader may have the dump mapped. The function returns whether it needed the copy.
fn complete(
    file: &File,
    path: &Path,
    with: impl FnOnce(&mut dyn FnMut() -> io::Result<File>) -> Result<bool, NotRecovered>,
) -> Result<Option<Locked>, NotRecovered> {
    let io = |source| NotRecovered::Io { what: "the dump".to_owned(), source };
    let metadata = file.metadata().map_err(io)?;
    if !is_ours_alone(&metadata) {
        return Err(NotRecovered::ForeignDump);
    }
    let beside = Beside::new(path)
        .ok_or_else(|| io(io::Error::other("a copy of it cannot be made: its name is taken")));
    let mut copy = None;
    let mut make = || {
        let beside = beside.as_ref().map_err(|error| io::Error::other(error.to_string()))?;
        let made = beside.make(0o600)?;
        made.file.set_permissions(metadata.permissions())?;
        let file = made.file.try_clone();
        copy = Some(made);
        file
    };
    if with(&mut make)?
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
