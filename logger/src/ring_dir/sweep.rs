//! Cleanup of ring directories that earlier processes have left, when a logger starts.
//!
//! `stenolog_session::leftover` judges each directory; this module acts on the judgement:
//!
//! ```text
//!   its writer is running, or that is unknown    left alone
//!   half made, by a start that was killed        removed
//!   the dump is sealed                           removed: it has everything
//!   the dump is gone                             removed: the rings are of no use
//!   the dump has all records of the rings        sealed, then removed
//!   records that only the rings have             kept while young; pages of zeros are given back
//! ```
//!
//! - **W1 (own).** Only directories of this user are looked at, only those with a name that a logger
//!   gives, and no link is followed. Files that a logger does not create are not removed.
//! - **W2 (abandoned).** To remove a directory, this process holds the lock of its `meta.steno` and, if it
//!   has no rings, that of the folder, which loggers share while they create a directory.
//! - **W3 (unread).** Records that no dump has are removed only if the dump is gone from its folder, as
//!   seen from the same root, or by the limits of [`keep`].
//! - **W4 (bounded).** A start looks at no more than [`MAX_DIRECTORIES`] directories, and reads each
//!   ring that may be unread once: the file `left` notes that this was done.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

#[cfg(any(target_os = "linux", target_os = "android"))]
use stenolog_session::dir::Access;
use stenolog_session::dir::{Dir, Owners};
use stenolog_session::failpoint::{self, Step};
use stenolog_session::layout::{LEFT_FILE, is_ring_file, session_of};
#[cfg(any(target_os = "linux", target_os = "android"))]
use stenolog_session::layout::{META_FILE, is_temporary_file};
use stenolog_session::leftover::{Doubt, Judge, Verdict, holds_rings};
use stenolog_session::lock;
use stenolog_session::tail::{self, Tail};
use stenolog_session::unread::read_ring;

use super::Removed;
use super::recover::UnreadDir;

/// Limits on how long, and how many, rings of a dead writer are kept if their dump exists and lacks some of
/// their records.
mod keep {
    use std::time::Duration;

    /// The greatest age.
    pub(super) const LONGEST: Duration = Duration::from_secs(14 * 24 * 3600);
    /// The number of directories in a folder: the latest ones, and all those of the last hour.
    pub(super) const DIRECTORIES: usize = 64;
    /// Their part of the folder's file system, again without those of the last hour.
    pub(super) const SHARE_OF_FILE_SYSTEM: u64 = 8;
    /// Younger ones are always kept, regardless of their number and size.
    pub(super) const YOUNG: Duration = Duration::from_secs(3600);
}

/// The greatest number of directories that a start looks at, and of files in a folder that it searches.
const MAX_DIRECTORIES: usize = 512;
const MAX_ENTRIES: usize = 1 << 14;

/// The number of bytes of rings that a start reads, and the length of the longest dump that it seals.
const MAX_RING_BYTES: u64 = 1 << 28;
const MAX_DUMP_BYTES: u64 = 1 << 26;

/// The age up to which a half-made directory is left alone where folders cannot be locked.
const HALF_MADE_FOR: Duration = Duration::from_secs(60);

/// An age that rings cannot have: the clock was set.
const NO_AGE: Duration = Duration::from_secs(365 * 24 * 3600);

/// Cleans up in `folders`. Spares the rings of the session `spared`, and without `may_read` also those
/// that may hold unread records.
pub(crate) fn sweep(folders: &[PathBuf], spared: Option<[u8; 16]>, may_read: bool) -> Vec<Removed> {
    let mut sweep = Sweep {
        all: folders,
        spared,
        may_read,
        left_to_read: MAX_RING_BYTES,
        left_to_look_at: MAX_DIRECTORIES,
        judge: Judge::new(MAX_ENTRIES),
        removed: Vec::new(),
    };
    for (at, folder) in folders.iter().enumerate() {
        if !folders[..at].contains(folder) {
            sweep.folder(folder);
        }
    }
    sweep.removed
}

struct Sweep<'a> {
    all: &'a [PathBuf],
    spared: Option<[u8; 16]>,
    may_read: bool,
    left_to_read: u64,
    left_to_look_at: usize,
    judge: Judge,
    removed: Vec<Removed>,
}

/// A directory without a writer.
struct Left {
    dir: Dir,
    session: [u8; 16],
}

/// A directory with unread rings.
struct Waiting {
    left: Left,
    dump: Option<PathBuf>,
    age: Duration,
    bytes: u64,
}

impl Sweep<'_> {
    fn folder(&mut self, folder: &Path) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        let named = |entry: io::Result<fs::DirEntry>| {
            let name = entry.ok()?.file_name();
            Some((folder.join(&name), session_of(name.to_str()?)?))
        };
        let mut found: Vec<_> = entries.take(MAX_ENTRIES).filter_map(named).collect();
        // If there are too many, each start looks at others.
        if found.len() > self.left_to_look_at {
            let salt = RandomState::new().hash_one(0) as usize;
            let first = salt % found.len();
            found.rotate_left(first);
        }
        let mut waiting = Vec::new();
        for (path, session) in found {
            if self.left_to_look_at == 0 {
                break;
            }
            if Some(session) == self.spared {
                continue;
            }
            self.left_to_look_at -= 1;
            let Some(left) = Left::open(&path, session) else { continue };
            waiting.extend(self.settle(left, folder));
        }
        self.discard(folder, waiting);
    }

    /// Removes a directory that is not needed; returns one that waits for a reader.
    fn settle(&mut self, left: Left, folder: &Path) -> Option<Waiting> {
        let session = left.session;
        let (dump, why) = match self.judge.judge(&left.dir, &left.session) {
            Verdict::NoRings { has_meta } => {
                if left.remove_half_made(folder, has_meta) && has_meta {
                    self.note(left.dir.path(), None, "there is no ring among them");
                }
                return None;
            }
            Verdict::Sealed { dump } => {
                let _ = tail::remove(&dump, &session);
                (Some(dump), "the dump is sealed and has all of them")
            }
            Verdict::Gone { dump } => {
                let _ = tail::remove(&dump, &session);
                (None, "their dump is gone")
            }
            Verdict::Unsealed { .. } if !self.may_read => return None,
            Verdict::Unsealed { dump } => {
                if self.hold_nothing(&left) && left.seal(&dump, self.all) {
                    self.note(left.dir.path(), Some(dump), "the dump has all that they held");
                    return None;
                }
                return left.wait(Some(dump));
            }
            Verdict::Unknown(Doubt::NoLocation | Doubt::NotVisible { .. } | Doubt::Dump { .. }) => {
                return left.wait(None);
            }
            _ => return None,
        };
        if left.remove() {
            self.note(left.dir.path(), dump, why);
        }
        None
    }

    fn note(&mut self, rings: &Path, dump: Option<PathBuf>, why: &'static str) {
        let rings = rings.to_owned();
        self.removed.push(Removed { rings, dump, were_unread: false, why });
    }

    /// Removes the directories that exceed the limits (W3).
    fn discard(&mut self, folder: &Path, mut waiting: Vec<Waiting>) {
        let share = rustix::fs::statvfs(folder).map_or(u64::MAX, |system| {
            system.f_blocks.saturating_mul(system.f_frsize) / keep::SHARE_OF_FILE_SYSTEM
        });
        waiting.sort_by_key(|waiting| waiting.age);
        let (mut count, mut bytes) = (0, 0);
        for Waiting { left, dump, age, bytes: its } in waiting {
            count += 1;
            bytes += its;
            let why = if age >= keep::LONGEST {
                "they were not read for two weeks"
            } else if age < keep::YOUNG {
                continue;
            } else if count > keep::DIRECTORIES {
                "there are more than 64 later ones in the folder"
            } else if bytes > share {
                "they and later ones take more than an eighth of the file system"
            } else {
                continue;
            };
            let rings = left.dir.path().to_owned();
            if left.remove() {
                self.removed.push(Removed { rings, dump, were_unread: true, why });
            }
        }
    }

    /// Whether all rings are known to have no record that was not freed.
    fn hold_nothing(&mut self, left: &Left) -> bool {
        // An earlier start saw that they have records.
        if left.open_file(LEFT_FILE).is_ok() {
            return false;
        }
        let Some(names) = left.names(is_ring_file) else { return false };
        names.iter().all(|name| {
            let Ok(file) = left.open_file(name) else { return false };
            let ring = read_ring(&file, &mut self.left_to_read);
            ring.is_ok_and(|ring| ring.damage().is_none() && ring.records().next().is_none())
        })
    }
}

impl Left {
    fn open(path: &Path, session: [u8; 16]) -> Option<Self> {
        let dir = Dir::open(path).ok()?;
        Owners::this_user().trust(dir.owner()).then_some(Self { dir, session })
    }

    fn open_file(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.dir.open_file(name, &Owners::this_user()).map_err(io::Error::other)
    }

    fn names(&self, wanted: impl Fn(&str) -> bool) -> Option<Vec<OsString>> {
        Some(self.dir.names(MAX_ENTRIES, wanted).ok()?.names)
    }

    /// How many bytes of the dump are whole frames.
    fn written(&self) -> Option<u64> {
        Some(self.dir.progress(&Owners::this_user()).ok()??.written)
    }

    /// Removes the directory if its lock can be had (W2). `false` if it is still there.
    fn remove(&self) -> bool {
        let rings = UnreadDir::open(self.dir.path(), self.session);
        rings.is_some_and(|rings| rings.is_locked() && rings.remove().is_ok())
    }

    /// Removes what a start has left that was killed before it had a ring (W2). `false` if it is still there.
    fn remove_half_made(&self, folder: &Path, has_meta: bool) -> bool {
        let age = self.dir.modified().ok().and_then(|modified| modified.elapsed().ok());
        // `meta.steno` is there for a moment before it is locked.
        let lock = lock::lock_folder(folder);
        if lock.is_none() && age.is_none_or(|age| age < HALF_MADE_FOR) {
            return false;
        }
        let rings = UnreadDir::open(self.dir.path(), self.session);
        // A logger may have continued, and been killed, before this process got the lock.
        let is_empty = || holds_rings(&self.dir).is_ok_and(|holds| !holds);
        rings.is_some_and(|rings| {
            (rings.is_locked() || !has_meta) && is_empty() && rings.remove().is_ok()
        })
    }

    /// Seals a dump that has everything, and removes the directory. `false` if anything is unsure.
    fn seal(&self, dump: &Path, all: &[PathBuf]) -> bool {
        let mut options = File::options();
        options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let Ok(file) = options.open(dump) else { return false };
        let is_ours = file.metadata().is_ok_and(|metadata| {
            metadata.is_file()
                && metadata.nlink() == 1
                && metadata.uid() == rustix::process::geteuid().as_raw()
                && metadata.len() <= MAX_DUMP_BYTES
        });
        // Shared, as readers do: this is not a writer. A logger that starts on that path locks it exclusively.
        if !is_ours || file.try_lock_shared().is_err() {
            return false;
        }
        // A cut write is left for a reader.
        let len = file.metadata().map_or(0, |metadata| metadata.len());
        if self.written().is_none_or(|written| written != len) {
            return false;
        }
        let is_there = matches!(
            Judge::new(MAX_ENTRIES).judge(&self.dir, &self.session),
            Verdict::Unsealed { dump: found } if found == dump
        );
        // A session may have another directory, beside its dump.
        let folders =
            [self.dir.path().parent(), dump.parent()].into_iter().flatten().map(Path::to_owned);
        let folders: Vec<_> = folders.chain(all.iter().cloned()).collect();
        let Some(rings) = UnreadDir::find(&folders, &self.session) else { return false };
        let refuse = || Err(io::ErrorKind::Unsupported.into());
        let tail = Tail::read(dump, &self.session, &Owners::this_user());
        let is_sealed =
            is_there && rings.is_locked() && rings.seal(&file, tail.as_ref(), refuse).is_ok();
        if is_sealed {
            let _ = tail::remove(dump, &self.session);
        }
        is_sealed && rings.remove().is_ok()
    }

    /// Notes that the rings wait for a reader, and frees the memory that they do not need.
    fn wait(self, dump: Option<PathBuf>) -> Option<Waiting> {
        let now = SystemTime::now();
        let since = |file: &File| file.metadata().and_then(|metadata| metadata.modified()).ok();
        let known = self.open_file(LEFT_FILE).ok().and_then(|file| since(&file));
        let age = known.map(|since| now.duration_since(since).unwrap_or_default());
        let age = age.filter(|&age| age < NO_AGE);
        if age.is_none() {
            if let Ok(file) = self.dir.create_file(LEFT_FILE) {
                let _ = file.set_modified(now);
            }
            self.give_back_zeros();
            failpoint::after(Step::LeftNoted);
        }
        let mut bytes = 0;
        for name in self.names(|_| true)? {
            bytes += self
                .open_file(&name)
                .and_then(|file| file.metadata())
                .map_or(0, |metadata| metadata.blocks() * 512);
        }
        Some(Waiting { left: self, dump, age: age.unwrap_or_default(), bytes })
    }

    /// Punches holes where rings are zero, that is, everywhere except at their records. Files read as before.
    fn give_back_zeros(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        for name in self.names(|_| true).unwrap_or_default() {
            let open = || {
                let own = Owners::this_user();
                self.dir.open_file_for(&name, &own, Access::ReadWrite).map_err(io::Error::other)
            };
            let of = name.to_string_lossy();
            if is_ring_file(&of) || is_temporary_file(&of) {
                let _ = open().and_then(|file| give_back(&file));
            } else if of == META_FILE {
                // The space that was reserved for more explanations follows the end.
                let _ = open().and_then(|file| {
                    let len = file.metadata()?.len();
                    let end = len.next_multiple_of(PAGE_BYTES as u64);
                    rustix::fs::fallocate(&file, HOLE, end, MAX_RING_BYTES)?;
                    // File systems on disks keep it until the length is set, even to the same value.
                    file.set_len(len)
                });
            }
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const PAGE_BYTES: usize = 4096;

#[cfg(any(target_os = "linux", target_os = "android"))]
const HOLE: rustix::fs::FallocateFlags =
    rustix::fs::FallocateFlags::PUNCH_HOLE.union(rustix::fs::FallocateFlags::KEEP_SIZE);

/// Punches holes where a file is zero.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn give_back(file: &File) -> io::Result<()> {
    let mut page = [0; PAGE_BYTES];
    let pages = file.metadata()?.len() / PAGE_BYTES as u64;
    // A hole for many pages is as cheap as one for a page.
    let mut zeros_from = None;
    for at in 0..=pages {
        let is_zero = at < pages && {
            std::os::unix::fs::FileExt::read_exact_at(file, &mut page, at * PAGE_BYTES as u64)?;
            page == [0; PAGE_BYTES]
        };
        if is_zero {
            zeros_from.get_or_insert(at);
        } else if let Some(from) = zeros_from.take() {
            let (offset, end) = (from * PAGE_BYTES as u64, at * PAGE_BYTES as u64);
            rustix::fs::fallocate(file, HOLE, offset, end - offset)?;
        }
    }
    Ok(())
}
