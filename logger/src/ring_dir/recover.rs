//! The rings of a logger that was killed, read by the next one on the same path.
//!
//! ```text
//!   dump:  ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭┆▭▭╴         what is whole stays; if a cut write is behind it, in a copy
//!   rings:              ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭
//!   then:  ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭┊▤▭▭▭▭▭▭▭▤▣   explanations, what the dump had not, index, end
//! ```
//!
//! - **U1 (nothing unsure).** Before the first byte is changed, all has been looked at: the frames of
//!   the dump, the explanations, every record of every ring. If anything is not as a logger that was
//!   killed leaves it, nothing is changed: a reader knows better what to make of it, and says so.
//! - **U2 (cut short).** The rings are as they were until the dump is sealed and on the disk. If
//!   that is cut short, by another kill or a full disk, the dump is one that a write was cut of, as
//!   before; it has some more of what the rings hold, which the next attempt sees by its numbers.
//! - **U4 (mapped).** A reader may have the dump mapped: none of its bytes is changed, and it never
//!   becomes shorter.
//! - **U3 (own).** The directory is opened once, belongs to this user, and so do its files; no link is
//!   followed. Files that a logger does not make are not removed.
//!
//! The dump is read frame header by frame header, the rings one after the other, twice: memory is
//! that of the largest ring, of the explanations, and of an index.

mod append;
mod explained;
mod share;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::fs::copy_file_range;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, open, openat, unlinkat};
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameKind, FrameWriter, VERSION, Version};
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::volatile::{VolatileRing, VolatileState};
use stenolog_ringbuf::file::{Kind, Recovered};
use stenolog_session::failpoint::{self, Step};
use stenolog_session::layout::{
    MAX_RING_FILE_BYTES, META_FILE, PROGRESS_FILE, Progress, RingList, RingPlace, RingWords,
    SITES_PER_FRAME, directory_name, is_ring_file, removal_rank,
};
use stenolog_session::lock::{self as writer_lock, Writer};

use self::append::Append;
use self::explained::Explained;
use self::share::Share;
use self::walk::{Walked, walk};
use super::NotRecovered;
use super::unix::check_size_limit;
use crate::handle::fork::NotInherited;

/// How many bytes of a dump to copy at once, where it cannot be copied by reference.
const COPIED_AT_ONCE: usize = 1 << 20;

/// A ring directory whose logger does not run any more.
#[derive(Debug)]
pub(crate) struct UnreadDir {
    path: PathBuf,
    session: [u8; 16],
    directory: File,
    /// Locked, so that no other process recovers the directory; or why it cannot be used.
    meta: Result<Meta, NotRecovered>,
    /// The session's other directory, if there is one.
    other: Option<Box<Self>>,
}

#[derive(Debug)]
struct Meta {
    // Before the file: its number must not be another's when a child closes it.
    _not_inherited: NotInherited,
    file: File,
}

impl UnreadDir {
    /// Looks for the directories of a session. Skips those whose logger is running, and those of another
    /// user (U3).
    pub(crate) fn find(folders: &[PathBuf], session: &[u8; 16]) -> Option<Self> {
        let mut found: Option<Self> = None;
        for folder in folders {
            let Some(dir) = Self::open(folder.join(directory_name(session)), *session) else {
                continue;
            };
            match &mut found {
                None => found = Some(dir),
                Some(first) if first.other.is_none() && !first.is_same(&dir) => {
                    first.other = Some(Box::new(dir));
                }
                Some(_) => {}
            }
        }
        found
    }

    /// Whether this user has a directory of the session there, in use or not.
    pub(crate) fn exists(folders: &[PathBuf], session: &[u8; 16]) -> bool {
        let name = directory_name(session);
        folders.iter().any(|folder| {
            let metadata = folder.join(&name).symlink_metadata();
            metadata.is_ok_and(|metadata| metadata.is_dir() && is_own(&metadata))
        })
    }

    /// Whether two folders were the same one.
    fn is_same(&self, other: &Self) -> bool {
        match (self.directory.metadata(), other.directory.metadata()) {
            (Ok(a), Ok(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
            _ => false,
        }
    }

    /// Both directories, if there are two.
    fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.other.as_deref())
    }

    /// Opens the directory at `path`; `None` as for [`find`](Self::find).
    pub(super) fn open(path: PathBuf, session: [u8; 16]) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = File::from(open(&path, flags, Mode::empty()).ok()?);
        if !directory.metadata().is_ok_and(|metadata| is_own(&metadata)) {
            return None;
        }
        // Some network file systems lock only what is open for writing.
        let meta = match open_file(&directory, META_FILE.as_ref(), OFlags::RDWR) {
            Err(error) => Err(error),
            Ok(file) => match writer_lock::acquire(&file) {
                Writer::Other => return None,
                Writer::Unknown => Err(NotRecovered::NoLocks),
                Writer::Ours => Ok(Meta { _not_inherited: NotInherited::new(&file), file }),
            },
        };
        Some(Self { path, session, directory, meta, other: None })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the directory is locked, so that no other process can recover it.
    pub(super) fn is_locked(&self) -> bool {
        self.all().all(|dir| dir.meta.is_ok())
    }

    /// Appends what the dump lacks, seals it, and puts it on the disk. If anything follows its last whole
    /// frame, this happens to a copy (U4), for which `make` creates the file; `true` if the dump now is
    /// the copy.
    ///
    /// No other process may write to either meanwhile.
    pub(crate) fn complete(
        &self,
        dump: &File,
        make: impl FnOnce() -> io::Result<File>,
    ) -> Result<bool, NotRecovered> {
        let copy = self.seal(dump, make)?;
        copy.as_ref().unwrap_or(dump).sync_all().map_err(of_dump)?;
        failpoint::after(Step::EarlierSealed);
        Ok(copy.is_some())
    }

    /// As [`complete`](Self::complete), but for the disk. Returns the copy.
    pub(super) fn seal(
        &self,
        dump: &File,
        make: impl FnOnce() -> io::Result<File>,
    ) -> Result<Option<File>, NotRecovered> {
        let mut explained = Explained::default();
        for dir in self.all() {
            match &dir.meta {
                Ok(meta) => explained.add(Explained::read(&meta.file, &self.session)?),
                Err(error) => return Err(error.again()),
            }
        }
        let mut header = [0; FileHeader::BYTES];
        dump.read_exact_at(&mut header, 0).map_err(of_dump)?;
        let begin = u64::from(u32::from_le_bytes([header[12], header[13], header[14], header[15]]));
        let (header, _) =
            FileHeader::decode(&header).map_err(|_| NotRecovered::Dump { offset: 0 })?;
        if header.version > VERSION {
            return Err(NotRecovered::Version);
        }
        if header.session != self.session || begin < FileHeader::BYTES as u64 {
            return Err(NotRecovered::Dump { offset: 0 });
        }
        let progress = self.all_progress(header.sequence)?;
        let has_list = Version { major: 1, minor: 3 };
        if header.version >= has_list && progress.rings.is_none() {
            return Err(odd(PROGRESS_FILE.as_ref()));
        }
        let mut walked = walk(dump, begin, progress.written)?;
        let mut copy = None;
        if !walked.is_sealed {
            // What no directory had room for, the dump may explain.
            for site in std::mem::take(&mut walked.sites) {
                explained.sites.entry(site.id).or_insert(site);
            }
            let rings = self.rings(&walked, &explained, header.sequence)?;
            let listed = progress.rings.unwrap_or_default();
            let dead = Dead {
                ringless: Loss { counter: 0, full: listed.ringless, too_large: [0; 5] },
                volatile: volatile(&listed, &rings, &walked)?,
            };
            if dump.metadata().map_err(of_dump)?.len() > walked.end {
                let new = make().map_err(of_dump)?;
                copy_beginning(dump, &new, walked.end).map_err(of_dump)?;
                failpoint::after(Step::EarlierCopied);
                copy = Some(new);
            }
            let dump = copy.as_ref().unwrap_or(dump);
            self.append(dump, walked, &explained, &rings, &dead)?;
        }
        Ok(copy)
    }

    /// Removes the directories, of which the dump now has all.
    pub(crate) fn remove(mut self) -> Result<(), NotRecovered> {
        if let Some(other) = self.other.take() {
            other.remove()?;
        }
        let mut names = self.names(|name| removal_rank(name).is_some())?;
        // The explanations last: should this be cut short, what is left can still be read.
        names.sort_by_key(|name| name.to_str().and_then(removal_rank));
        for name in &names {
            unlinkat(&self.directory, name.as_bytes(), AtFlags::empty())
                .map_err(|error| of_file(name, error.into()))?;
            failpoint::after(Step::EarlierRemoving);
        }
        // Only if it is empty, and not if it is a link by now.
        fs::remove_dir(&self.path).map_err(|error| of_file(self.path.as_os_str(), error))
    }

    /// The names of files, in no order.
    fn names(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<OsString>, NotRecovered> {
        let error = |error: rustix::io::Errno| of_file(self.path.as_os_str(), error.into());
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.directory).map_err(error)? {
            let name = OsString::from_vec(entry.map_err(error)?.file_name().to_bytes().to_vec());
            if name.to_str().is_some_and(&wanted) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn open_file(&self, name: &OsStr) -> Result<File, NotRecovered> {
        open_file(&self.directory, name, OFlags::RDONLY)
    }

    /// How many bytes of the dump are whole frames for sure (D3), and where the rings are.
    fn progress(&self, sequence: u32) -> Result<Progress, NotRecovered> {
        let name = PROGRESS_FILE.as_ref();
        let bytes = read(&self.open_file(name)?, name, Progress::BYTES as u64)?;
        let progress = Progress::decode(&bytes);
        progress.filter(|progress| progress.sequence == sequence).ok_or_else(|| odd(name))
    }

    /// That of the first directory, which must be there.
    fn all_progress(&self, sequence: u32) -> Result<Progress, NotRecovered> {
        for dir in self.all() {
            let progress = dir.progress(sequence)?;
            if progress.rings.as_ref().is_none_or(|rings| rings.directory == 0) {
                return Ok(progress);
            }
        }
        Err(NotRecovered::Odd { name: "the session's first ring directory".to_owned() })
    }

    /// Looks at all rings, and says what the dump needs of each (U1).
    fn rings(
        &self,
        walked: &Walked,
        explained: &Explained,
        sequence: u32,
    ) -> Result<Vec<Share>, NotRecovered> {
        let mut shares = Vec::new();
        let mut ids = BTreeSet::new();
        for dir in self.all() {
            let mut names = dir.names(|name| is_ring_file(name))?;
            names.sort();
            for name in names {
                let ring = dir.ring(&name)?;
                let Some(share) = Share::new(name, &ring, walked, explained, sequence)? else {
                    continue;
                };
                if !ids.insert(share.span.ring) {
                    return Err(odd(&share.name));
                }
                shares.push(share);
            }
        }
        // A ring comes behind the one that it continues.
        shares.sort_by_key(|share: &Share| share.span.ring);
        Ok(shares)
    }

    /// Reads a ring, which must be whole and of this session.
    fn ring(&self, name: &OsStr) -> Result<Recovered, NotRecovered> {
        let image = read(&self.open_file(name)?, name, MAX_RING_FILE_BYTES)?;
        let ring = Recovered::from_bytes(&image).map_err(|_| odd(name))?;
        let is_ours = RingWords::decode(&ring.user_words()).session == self.session;
        if is_ours && ring.kind() == Kind::OneProducer && ring.damage().is_none() {
            Ok(ring)
        } else {
            Err(odd(name))
        }
    }

    fn append(
        &self,
        dump: &File,
        walked: Walked,
        explained: &Explained,
        shares: &[Share],
        dead: &Dead,
    ) -> Result<(), NotRecovered> {
        let has_clock = walked.has_clock;
        let mut append = Append {
            dump,
            at: walked.end,
            buffer: Vec::new(),
            frames: FrameWriter::behind(walked.frames),
            index: walked.index,
            records: walked.records,
            failed: None,
        };
        if !has_clock {
            for payload in &explained.clock {
                append.metadata(FrameKind::Clock, |out| out.extend_from_slice(payload));
            }
        }
        let mut sites: Vec<_> = shares.iter().flat_map(|share| &share.sites).collect();
        sites.sort_unstable();
        sites.dedup();
        let sites: Vec<_> = sites.into_iter().filter_map(|id| explained.sites.get(id)).collect();
        for sites in sites.chunks(SITES_PER_FRAME) {
            append.metadata(FrameKind::Dictionary, |out| {
                CallSite::encode_all(sites.iter().copied(), out);
            });
        }
        let mut lost: BTreeMap<u32, u64> =
            walked.rings.iter().map(|(&ring, state)| (ring, state.lost)).collect();
        for share in shares {
            let id = share.span.ring;
            let says_something = share.records > 0 || share.loss.is_some();
            let is_known = walked.rings.contains_key(&id);
            if says_something
                && !is_known
                && let Some(thread) = explained.threads.get(&id)
            {
                append.metadata(FrameKind::Thread, |out| thread.encode(out));
            }
            if share.records > 0 {
                // No two directories have a file of one name.
                let mut rings = self.all().map(|dir| dir.ring(&share.name));
                let ring = rings.find_map(Result::ok).ok_or_else(|| odd(&share.name))?;
                append.ring(share, &ring, &explained.sites)?;
            }
            if let Some(loss) = &share.loss {
                append.metadata(FrameKind::Loss, |out| loss.encode(out));
            }
            lost.insert(id, share.lost);
        }
        let stated = lost.entry(Loss::NO_RING).or_default();
        if dead.ringless.total() > *stated {
            *stated = dead.ringless.total();
            if !walked.rings.contains_key(&Loss::NO_RING) {
                append.metadata(FrameKind::Thread, |out| Thread::no_ring().encode(out));
            }
            let loss = dead.ringless;
            let frame = LossFrame { ring: Loss::NO_RING, position: 0, loss, gone: None };
            append.metadata(FrameKind::Loss, |out| frame.encode(out));
        }
        for ring in &dead.volatile {
            let is_known = walked.rings.contains_key(&ring.ring);
            if let Some(thread) = explained.threads.get(&ring.ring).filter(|_| !is_known) {
                append.metadata(FrameKind::Thread, |out| thread.encode(out));
            }
            append.metadata(FrameKind::Volatile, |out| ring.encode(out));
        }
        let lost = lost.into_values().fold(0, u64::saturating_add);
        append.finish(lost)
    }
}

/// What died with the process.
struct Dead {
    volatile: Vec<VolatileRing>,
    /// Records of calls that got no ring.
    ringless: Loss,
}

/// What is to be said of the rings that died with their process. Those that should be in a file must
/// be among the rings that were read (U1).
fn volatile(
    rings: &RingList,
    shares: &[Share],
    walked: &Walked,
) -> Result<Vec<VolatileRing>, NotRecovered> {
    let mut volatile = Vec::new();
    let mut lost = |ring, state: VolatileState| {
        let next = walked.rings.get(&ring).and_then(|state| state.next);
        let number = next.map_or(0, |(number, _)| number);
        volatile.push(VolatileRing { ring, state: state as u8, number, reason: String::new() });
    };
    for &(ring, place) in &rings.listed {
        match place {
            RingPlace::File if shares.iter().any(|share| share.span.ring == ring) => {}
            RingPlace::Memory => lost(ring, VolatileState::MemoryLost),
            RingPlace::Unlinked => lost(ring, VolatileState::UnlinkedLost),
            _ => return Err(NotRecovered::Odd { name: format!("the file of ring {ring}") }),
        }
    }
    if rings.unlisted > 0 {
        lost(VolatileRing::ALL, VolatileState::MemoryLost);
    }
    Ok(volatile)
}

impl NotRecovered {
    /// The same once more, of which the files need not be asked again.
    fn again(&self) -> Self {
        match self {
            Self::Io { what, source } => {
                Self::Io { what: what.clone(), source: source.kind().into() }
            }
            Self::NoLocks => Self::NoLocks,
            _ => odd(META_FILE.as_ref()),
        }
    }
}

fn odd(name: &OsStr) -> NotRecovered {
    NotRecovered::Odd { name: name.to_string_lossy().into_owned() }
}

fn of_file(name: &OsStr, source: io::Error) -> NotRecovered {
    NotRecovered::Io { what: name.to_string_lossy().into_owned(), source }
}

fn of_dump(source: io::Error) -> NotRecovered {
    NotRecovered::Io { what: "the dump".to_owned(), source }
}

/// Copies the first `bytes` of a file into an empty one, by reference where the file system can.
fn copy_beginning(from: &File, to: &File, bytes: u64) -> io::Result<()> {
    let mut at = 0;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    while at < bytes {
        let (mut of_from, mut of_to) = (at, at);
        let left = usize::try_from(bytes - at).unwrap_or(usize::MAX);
        match copy_file_range(from, Some(&mut of_from), to, Some(&mut of_to), left) {
            Err(rustix::io::Errno::INTR) => {}
            // Not between these files: the rest is read and written.
            Ok(0) | Err(_) => break,
            Ok(copied) => at += copied as u64,
        }
    }
    let mut chunk = vec![0; COPIED_AT_ONCE.min(usize::try_from(bytes - at).unwrap_or(usize::MAX))];
    while at < bytes {
        let length = chunk.len().min(usize::try_from(bytes - at).unwrap_or(usize::MAX));
        from.read_exact_at(&mut chunk[..length], at)?;
        to.write_all_at(&chunk[..length], at)?;
        at += length as u64;
    }
    Ok(())
}

fn is_own(metadata: &fs::Metadata) -> bool {
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Opens a regular file of this user in the directory (U3).
fn open_file(directory: &File, name: &OsStr, access: OFlags) -> Result<File, NotRecovered> {
    // A pipe of that name must not have us wait for its other end.
    let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(directory, name.as_bytes(), flags, Mode::empty());
    let file = File::from(file.map_err(|error| of_file(name, error.into()))?);
    let metadata = file.metadata().map_err(|error| of_file(name, error))?;
    if metadata.is_file() && is_own(&metadata) { Ok(file) } else { Err(odd(name)) }
}

/// Reads a file that is not longer than `limit`.
fn read(file: &File, name: &OsStr, limit: u64) -> Result<Vec<u8>, NotRecovered> {
    let len = file.metadata().map_err(|error| of_file(name, error))?.len();
    if len > limit {
        let name = name.to_string_lossy().into_owned();
        return Err(NotRecovered::TooLong { name, bytes: len, limit });
    }
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(|error| of_file(name, error))?;
    Ok(bytes)
}
