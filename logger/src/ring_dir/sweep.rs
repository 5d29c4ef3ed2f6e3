//! Cleanup of ring directories that earlier processes have left, when a logger starts.
//!
//! ```text
//!   its writer runs, or that cannot be told      left alone
//!   half made, by a start that was killed        removed
//!   the dump is sealed                           removed: it has everything
//!   the dump is gone                             removed: the rings are of no use
//!   the dump has all that the rings held         sealed, then removed
//!   records that only the rings have             kept while young; pages of zeros are given back
//! ```
//!
//! - **W1 (own).** Only directories of this user are looked at, only those with a name that a logger
//!   gives, and no link is followed. Files that a logger does not make are not removed.
//! - **W2 (abandoned).** To remove a directory, this process holds the lock of its `meta.steno` or, if it
//!   has none, that of the folder, which loggers share while they create a directory.
//! - **W3 (unread).** Records that no dump has are removed only if the dump is gone from its folder, as
//!   seen from the same root, or by the limits of `stenolog_format::recovery::keep`.
//! - **W4 (bounded).** A start looks at no more than [`MAX_DIRECTORIES`] directories, and reads each
//!   ring that may be unread once: the file `left` notes that this was done.

mod dumps;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{Mode, OFlags, openat};
use stenolog_format::recovery::{LEFT_FILE, Origin, Progress, keep, session_of};

use self::dumps::{DumpState, Dumps, dump_state, sessions_in};
use super::Removed;
use super::origin::{lock_folder, nearest_device, root};
use super::recover::UnreadDir;
#[cfg(any(target_os = "linux", target_os = "android"))]
use super::unix::RING_IN_MAKING;
use super::unix::{META, PROGRESS, RING};
use crate::fault::{self, Step};
use crate::writer_lock::{self, Hold};

/// How many directories a start looks at, and how many entries of a folder to find them or a dump.
const MAX_DIRECTORIES: usize = 512;
const MAX_ENTRIES: usize = 1 << 14;

/// How many bytes of rings a start reads, and the longest dump that it seals.
const MAX_RING_BYTES: u64 = 1 << 28;
const MAX_DUMP_BYTES: u64 = 1 << 26;

/// How long a half-made directory is left alone where folders cannot be locked.
const HALF_MADE_FOR: Duration = Duration::from_secs(60);

/// No ring waits this long: the clock must have been set.
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
        folders: HashMap::new(),
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
    /// The dumps in folders that were looked through; `None` if not all are known.
    folders: HashMap<PathBuf, Option<Dumps>>,
    removed: Vec<Removed>,
}

/// A directory without a writer.
struct Left {
    path: PathBuf,
    session: [u8; 16],
    directory: File,
}

/// What a directory is to its dump.
enum Verdict {
    /// In use, or unknown.
    Alone,
    HalfMade,
    /// The dump has everything, or is gone, or there are no rings.
    Useless {
        dump: Option<PathBuf>,
        why: &'static str,
    },
    /// The dump, which has all that the rings held but an end.
    Read(PathBuf),
    /// There may be records that no dump has; the dump, if it was found.
    Unread(Option<PathBuf>),
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
        // Not always the same ones, should there be more than one start looks at.
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
            let Some(left) = Left::open(path, session) else { continue };
            match self.judge(&left) {
                Verdict::Alone => {}
                Verdict::HalfMade => left.remove_half_made(folder),
                Verdict::Useless { dump, why } => {
                    if left.remove() {
                        self.note(left, dump, why);
                    }
                }
                Verdict::Read(dump) => {
                    if left.seal(&dump, self.all) {
                        self.note(left, Some(dump), "the dump has all that they held");
                    } else {
                        waiting.extend(left.wait(Some(dump)));
                    }
                }
                Verdict::Unread(dump) => waiting.extend(left.wait(dump)),
            }
        }
        self.discard(folder, waiting);
    }

    fn note(&mut self, left: Left, dump: Option<PathBuf>, why: &'static str) {
        self.removed.push(Removed { rings: left.path, dump, were_unread: false, why });
    }

    /// Removes those of the directories that are beyond the limits (W3).
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
                "nobody has read them for two weeks"
            } else if age < keep::YOUNG {
                continue;
            } else if count > keep::DIRECTORIES {
                "there are more than 64 later ones in the folder"
            } else if bytes > share {
                "they and later ones take more than an eighth of the file system"
            } else {
                continue;
            };
            let rings = left.path.clone();
            if left.remove() {
                self.removed.push(Removed { rings, dump, were_unread: true, why });
            }
        }
    }

    fn judge(&mut self, left: &Left) -> Verdict {
        let meta = match left.open_file(META) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Without its lock nobody can tell whether it is in use, if there is more in it.
                let is_half_made = left.holds_no_rings();
                return if is_half_made { Verdict::HalfMade } else { Verdict::Alone };
            }
            Err(_) => return Verdict::Alone,
        };
        if writer_lock::ask(&meta) != Hold::Ours {
            return Verdict::Alone;
        }
        // Its writer had not come to that, or it was being removed.
        if left.holds_no_rings() {
            return Verdict::Useless { dump: None, why: "there is no ring among them" };
        }
        self.judge_dump(left)
    }

    /// The state of a directory according to its dump.
    fn judge_dump(&mut self, left: &Left) -> Verdict {
        let origin = left.origin();
        let named = origin.as_ref().map(|origin| PathBuf::from(OsStr::from_bytes(&origin.path)));
        let at_path = named.as_deref().map(|path| dump_state(path, &left.session));
        let (state, dump) = match (at_path, named) {
            (Some(state @ (DumpState::Sealed | DumpState::Unsealed)), Some(path)) => (state, path),
            (_, named) => match self.find_dump(left, named.as_deref()) {
                Some(path) => (dump_state(&path, &left.session), path),
                None if origin.is_some_and(|origin| self.is_gone(left, &origin)) => {
                    return Verdict::Useless { dump: None, why: "their dump is gone" };
                }
                None => return Verdict::Unread(None),
            },
        };
        match state {
            DumpState::Sealed => {
                Verdict::Useless { dump: Some(dump), why: "the dump is sealed and has all of them" }
            }
            DumpState::Unsealed if !self.may_read => Verdict::Alone,
            DumpState::Unsealed => {
                if self.hold_nothing(left) {
                    Verdict::Read(dump)
                } else {
                    Verdict::Unread(Some(dump))
                }
            }
            _ => Verdict::Alone,
        }
    }

    /// The file of the session in the folder of its dump, or in that of the directory: it was given
    /// another name.
    fn find_dump(&mut self, left: &Left, named: Option<&Path>) -> Option<PathBuf> {
        let folders = [named.and_then(Path::parent), left.path.parent()];
        let mut unsealed = None;
        for folder in folders.into_iter().flatten() {
            for (session, path) in self.dumps_in(folder).iter().flatten() {
                if *session == left.session {
                    match dump_state(path, session) {
                        DumpState::Sealed => return Some(path.clone()),
                        DumpState::Unsealed => unsealed = Some(path.clone()),
                        _ => {}
                    }
                }
            }
        }
        unsealed
    }

    fn dumps_in(&mut self, folder: &Path) -> &Option<Dumps> {
        self.folders.entry(folder.to_owned()).or_insert_with(|| sessions_in(folder))
    }

    /// Whether a dump that was not found is nowhere (W3): its folder can be seen, from the same root
    /// and on the same file system, and does not have it.
    fn is_gone(&mut self, left: &Left, origin: &Origin) -> bool {
        let path = Path::new(OsStr::from_bytes(&origin.path));
        let is_same = origin.root == root() && nearest_device(path) == Some(origin.device);
        let is_absent =
            || matches!(dump_state(path, &left.session), DumpState::Absent | DumpState::Other);
        let Some(folder) = path.parent() else { return false };
        if !is_same || !is_absent() {
            return false;
        }
        match fs::metadata(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(_) => false,
            // Once more: who looks through a folder may miss a file that is being renamed.
            Ok(_) => sessions_in(folder)
                .is_some_and(|dumps| dumps.iter().all(|(session, _)| *session != left.session)),
        }
    }

    /// Whether no ring has a record that was not freed, as far as is read.
    fn hold_nothing(&mut self, left: &Left) -> bool {
        // It was seen before that they hold something.
        if left.open_file(LEFT_FILE).is_ok() {
            return false;
        }
        let Some(names) = left.names() else { return false };
        names.iter().filter(|name| name.starts_with(RING)).all(|name| {
            let read = || {
                let file = left.open_file(name).ok()?;
                let bytes = file.metadata().ok()?.len();
                self.left_to_read = self.left_to_read.checked_sub(bytes)?;
                let mut image = Vec::new();
                file.take(bytes).read_to_end(&mut image).ok()?;
                stenolog_ringbuf::file::Recovered::from_bytes(&image).ok()
            };
            let mut read = read;
            read().is_some_and(|ring| ring.damage().is_none() && ring.records().next().is_none())
        })
    }
}

impl Left {
    fn open(path: PathBuf, session: [u8; 16]) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = File::from(rustix::fs::open(&path, flags, Mode::empty()).ok()?);
        let owner = directory.metadata().ok()?.uid();
        let is_own = owner == rustix::process::geteuid().as_raw();
        is_own.then_some(Self { path, session, directory })
    }

    fn open_file(&self, name: &str) -> io::Result<File> {
        self.open_for(name, OFlags::RDONLY)
    }

    fn open_for(&self, name: &str, access: OFlags) -> io::Result<File> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.directory, name, flags, Mode::RUSR | Mode::WUSR)?);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn names(&self) -> Option<Vec<String>> {
        let entries = rustix::fs::Dir::read_from(&self.directory).ok()?;
        let name = |entry: rustix::io::Result<rustix::fs::DirEntry>| {
            Some(entry.ok()?.file_name().to_string_lossy().into_owned())
        };
        let names: Option<Vec<_>> = entries.take(MAX_ENTRIES).map(name).collect();
        Some(names?.into_iter().filter(|name| name != "." && name != "..").collect())
    }

    /// Whether nothing in the directory hints at a record.
    fn holds_no_rings(&self) -> bool {
        let is_harmless = |name: &String| [META, Origin::FILE, LEFT_FILE].contains(&name.as_str());
        self.names().is_some_and(|names| names.iter().all(is_harmless))
    }

    fn origin(&self) -> Option<Origin> {
        let mut bytes = Vec::new();
        let file = self.open_file(Origin::FILE).ok()?;
        file.take(Origin::MAX_BYTES as u64).read_to_end(&mut bytes).ok()?;
        Origin::decode(&bytes)
    }

    /// How many bytes of the dump are whole frames.
    fn written(&self) -> Option<u64> {
        let mut bytes = Vec::new();
        let file = self.open_file(PROGRESS).ok()?;
        file.take(Progress::BYTES as u64).read_to_end(&mut bytes).ok()?;
        Progress::decode(&bytes).map(|progress| progress.written)
    }

    /// Removes the directory if its lock can be had (W2). `false` if it is still there.
    fn remove(&self) -> bool {
        let rings = UnreadDir::open(self.path.clone(), self.session);
        rings.is_some_and(|rings| rings.is_locked() && rings.remove().is_ok())
    }

    /// Removes what a start has left that was killed before it had locked anything (W2).
    fn remove_half_made(&self, folder: &Path) {
        let modified = self.directory.metadata().and_then(|metadata| metadata.modified());
        let age = modified.ok().and_then(|modified| modified.elapsed().ok());
        let lock = lock_folder(folder, false);
        if lock.is_none() && age.is_none_or(|age| age < HALF_MADE_FOR) {
            return;
        }
        // It may have become more than that before the lock was had.
        if self.holds_no_rings()
            && let Some(rings) = UnreadDir::open(self.path.clone(), self.session)
        {
            let _ = rings.remove();
        }
    }

    /// Puts an end behind a dump that has everything, and removes the directory. `false` if something
    /// is not as it must be for that.
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
        // Shared, as readers have it: they are not to take this for a writer. A logger that starts on that
        // path has it for itself.
        if !is_ours || file.try_lock_shared().is_err() {
            return false;
        }
        // What is cut off behind the last whole frame is for a reader to see.
        let len = file.metadata().map_or(0, |metadata| metadata.len());
        if self.written().is_none_or(|written| written != len) {
            return false;
        }
        let is_there = matches!(dump_state(dump, &self.session), DumpState::Unsealed);
        // A session may have another directory, beside its dump.
        let folders = [self.path.parent(), dump.parent()].into_iter().flatten().map(Path::to_owned);
        let folders: Vec<_> = folders.chain(all.iter().cloned()).collect();
        let Some(rings) = UnreadDir::find(&folders, &self.session) else { return false };
        let refuse = || Err(io::ErrorKind::Unsupported.into());
        is_there && rings.is_locked() && rings.seal(&file, refuse).is_ok() && rings.remove().is_ok()
    }

    /// Notes that the rings wait to be read, and frees the memory that they do not need.
    fn wait(self, dump: Option<PathBuf>) -> Option<Waiting> {
        let now = SystemTime::now();
        let since = |file: &File| file.metadata().and_then(|metadata| metadata.modified()).ok();
        let known = self.open_file(LEFT_FILE).ok().and_then(|file| since(&file));
        let age = known.map(|since| now.duration_since(since).unwrap_or_default());
        let age = age.filter(|&age| age < NO_AGE);
        if age.is_none() {
            let flags = OFlags::WRONLY | OFlags::CREATE;
            if let Ok(file) = self.open_for(LEFT_FILE, flags) {
                let _ = file.set_modified(now);
            }
            self.give_back_zeros();
            fault::after(Step::LeftNoted);
        }
        let mut bytes = 0;
        for name in self.names()? {
            bytes += self
                .open_file(&name)
                .and_then(|file| file.metadata())
                .map_or(0, |metadata| metadata.blocks() * 512);
        }
        Some(Waiting { left: self, dump, age: age.unwrap_or_default(), bytes })
    }

    /// Punches holes where rings are zero, that is, everywhere but at their records. Files read as before.
    fn give_back_zeros(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        for name in self.names().unwrap_or_default() {
            if name.starts_with(RING) || name.starts_with(RING_IN_MAKING) {
                let _ = self.open_for(&name, OFlags::RDWR).and_then(|file| give_back(&file));
            } else if name == META {
                // What was reserved for more explanations lies behind the end.
                let _ = self.open_for(&name, OFlags::RDWR).and_then(|file| {
                    let len = file.metadata()?.len();
                    let end = len.next_multiple_of(PAGE_BYTES as u64);
                    rustix::fs::fallocate(&file, HOLE, end, MAX_RING_BYTES)?;
                    // File systems on disks keep it until the length is set, be it as it was.
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

/// Makes holes where a file is zero.
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
