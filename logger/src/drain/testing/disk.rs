//! Disk for tests: it fails on command, and shows what a death of the process, or of the machine, would
//! leave.
//!
//! ```text
//!   write ─▶ live image ── sync ─▶ durable image
//!            (what a reader, and a writer that reads back, would see)
//! ```
//!
//! A page that was written is dirty until a sync succeeds *or fails*: as in Linux, a failing sync
//! puts some of the dirty pages on the disk, and takes none of them for dirty any more.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use stenolog_format::frame::FileHeader;

use crate::drain::storage::tail::TailStorage;
use crate::drain::storage::{Standing, Storage};
use crate::error::FileEvent;
use crate::sync::lock;

const PAGE_BYTES: usize = 512;

/// An operation that fails, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fault {
    pub(crate) errno: i32,
    /// How many times are left; [`Fault::FOR_EVER`] never ends.
    pub(crate) times: u32,
}

impl Fault {
    pub(crate) const FOR_EVER: u32 = u32::MAX;

    pub(crate) const fn once(errno: i32) -> Option<Self> {
        Some(Self { errno, times: 1 })
    }

    pub(crate) const fn for_ever(errno: i32) -> Option<Self> {
        Some(Self { errno, times: Self::FOR_EVER })
    }
}

/// The faults of a disk.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) write: Option<Fault>,
    pub(crate) read: Option<Fault>,
    pub(crate) sync: Option<Fault>,
    pub(crate) sync_folder: Option<Fault>,
    pub(crate) successor: Option<Fault>,
    /// How many bytes all files may have together.
    pub(crate) room: Option<usize>,
    /// Writes are short at random, and interrupted.
    pub(crate) is_choppy: bool,
    /// Pages that a failing sync did not put on the disk are read from there again.
    pub(crate) forgets: bool,
    /// Of a write to the tail.
    pub(crate) tail: Option<Fault>,
    /// How many writes from now on to truncate the file (0: right before the next one), and to how many
    /// bytes.
    pub(crate) truncate_at_write: Option<(u64, usize)>,
}

#[derive(Clone, Debug, Default)]
struct Inode {
    live: Vec<u8>,
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
}

impl Inode {
    /// Puts a page on the disk, and with it the length.
    fn save(&mut self, page: usize) {
        let start = (page * PAGE_BYTES).min(self.live.len());
        let end = (start + PAGE_BYTES).min(self.live.len());
        if self.durable.len() < end {
            self.durable.resize(end, 0);
        }
        self.durable[start..end].copy_from_slice(&self.live[start..end]);
    }

    fn truncate(&mut self, length: usize) {
        self.live.truncate(length);
        self.durable.truncate(length);
        self.dirty.retain(|page| page * PAGE_BYTES < length);
    }

    /// Reads back from the disk a page that was never saved.
    fn forget(&mut self, page: usize) {
        for at in page * PAGE_BYTES..((page + 1) * PAGE_BYTES).min(self.live.len()) {
            self.live[at] = self.durable.get(at).copied().unwrap_or(0);
        }
    }
}

#[derive(Debug, Default)]
struct DiskState {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    faults: Faults,
    /// The tail, while there is one.
    tail: Option<Vec<u8>>,
    /// How long it ever was.
    longest_tail: usize,
    random: u64,
    /// How many calls have asked the disk to write.
    writes: u64,
}

impl DiskState {
    /// A number below `n` (splitmix64).
    fn below(&mut self, n: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    fn create(&mut self, path: &Path) -> usize {
        self.inodes.push(Inode::default());
        self.names.insert(path.to_owned(), self.inodes.len() - 1);
        self.inodes.len() - 1
    }

    fn free_name(&self, path: &Path) -> PathBuf {
        let name = |n: u32| path.with_extension(format!("{n}.steno"));
        (1..).map(name).find(|name| !self.names.contains_key(name)).expect("numbers do not end")
    }
}

fn strike(fault: &mut Option<Fault>) -> io::Result<()> {
    let Some(Fault { errno, times }) = fault else { return Ok(()) };
    let error = io::Error::from_raw_os_error(*errno);
    match *times {
        Fault::FOR_EVER => {}
        0 | 1 => *fault = None,
        _ => *times -= 1,
    }
    Err(error)
}

/// A disk, which its clones share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<DiskState>>);

/// Files by their names.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

impl Disk {
    pub(crate) fn new(seed: u64) -> Self {
        let disk = Self::default();
        disk.state().random = seed;
        disk
    }

    fn state(&self) -> MutexGuard<'_, DiskState> {
        lock(&self.0)
    }

    /// A new file.
    pub(crate) fn create(&self, path: impl Into<PathBuf>) -> DiskFile {
        let path = path.into();
        let inode = self.state().create(&path);
        DiskFile { disk: self.clone(), wanted: path.clone(), path, inode }
    }

    /// Changes what goes wrong from now on.
    pub(crate) fn fail(&self, change: impl FnOnce(&mut Faults)) {
        change(&mut self.state().faults);
    }

    /// Ends all faults.
    pub(crate) fn heal(&self) {
        self.state().faults = Faults::default();
    }

    /// How many bytes all files have.
    pub(crate) fn used_bytes(&self) -> usize {
        self.state().inodes.iter().map(|inode| inode.live.len()).sum()
    }

    /// Whether a write to come will find the file truncated.
    pub(crate) fn is_cut_due(&self) -> bool {
        self.state().faults.truncate_at_write.is_some()
    }

    /// The bytes of the tail, if there is one.
    pub(crate) fn tail(&self) -> Option<Vec<u8>> {
        self.state().tail.clone()
    }

    /// How long the tail ever was.
    pub(crate) fn longest_tail(&self) -> usize {
        self.state().longest_tail
    }

    pub(crate) fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Deletes a file, for good, as another program does.
    pub(crate) fn remove(&self, path: impl AsRef<Path>) {
        let mut state = self.state();
        state.names.remove(path.as_ref());
        state.durable_names.remove(path.as_ref());
    }

    /// Renames a file, for good, as another program does.
    pub(crate) fn rename(&self, path: impl AsRef<Path>, to: impl Into<PathBuf>) {
        let mut state = self.state();
        let to = to.into();
        let DiskState { names, durable_names, .. } = &mut *state;
        for names in [names, durable_names] {
            if let Some(inode) = names.remove(path.as_ref()) {
                names.insert(to.clone(), inode);
            }
        }
    }

    /// Truncates a file, for good, as another program does.
    pub(crate) fn truncate(&self, path: impl AsRef<Path>, length: usize) {
        let mut state = self.state();
        if let Some(&inode) = state.names.get(path.as_ref()) {
            state.inodes[inode].truncate(length);
        }
    }

    pub(crate) fn length(&self, path: impl AsRef<Path>) -> Option<usize> {
        let state = self.state();
        state.names.get(path.as_ref()).map(|&inode| state.inodes[inode].live.len())
    }

    /// The files after a death of the process.
    pub(crate) fn after_a_kill(&self) -> Files {
        let state = self.state();
        let live =
            |(path, &inode): (&PathBuf, &usize)| (path.clone(), state.inodes[inode].live.clone());
        state.names.iter().map(live).collect()
    }

    /// The files after a death of the machine: what was synced, and at random some of what was not.
    pub(crate) fn after_a_power_loss(&self) -> Files {
        let mut state = self.state();
        let names = if state.below(2) == 0 { &state.names } else { &state.durable_names };
        let names = names.clone();
        let read = |(path, inode): (PathBuf, usize)| {
            let mut inode = state.inodes[inode].clone();
            for page in inode.dirty.clone() {
                if state.below(2) == 0 {
                    inode.save(page);
                }
            }
            (path, inode.durable)
        };
        names.into_iter().map(read).collect()
    }
}

/// A file on a [`Disk`].
#[derive(Debug)]
pub(crate) struct DiskFile {
    disk: Disk,
    wanted: PathBuf,
    path: PathBuf,
    inode: usize,
}

impl Storage for DiskFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let used = self.disk.used_bytes();
        let mut state = self.disk.state();
        state.writes += 1;
        strike(&mut state.faults.write)?;
        let offset = offset as usize;
        let mut length = bytes.len();
        if state.faults.is_choppy {
            if state.below(3) == 0 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            length = 1 + state.below(length);
        }
        if let Some(room) = state.faults.room {
            let there = state.inodes[self.inode].live.len().saturating_sub(offset);
            length = length.min(there + room.saturating_sub(used));
            if length == 0 {
                return Err(io::Error::from_raw_os_error(libc::ENOSPC));
            }
        }
        let cut = match state.faults.truncate_at_write.take() {
            Some((0, cut)) => Some(cut),
            later => {
                state.faults.truncate_at_write = later.map(|(writes, cut)| (writes - 1, cut));
                None
            }
        };
        let inode = &mut state.inodes[self.inode];
        if let Some(cut) = cut {
            inode.truncate(cut);
        }
        let end = offset + length;
        if inode.live.len() < end {
            inode.live.resize(end, 0);
        }
        inode.live[offset..end].copy_from_slice(&bytes[..length]);
        inode.dirty.extend(offset / PAGE_BYTES..=(end - 1) / PAGE_BYTES);
        Ok(length)
    }

    fn read_at(&mut self, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        // The check of the last few bytes after each write does not fail.
        if bytes.len() > 8 {
            strike(&mut state.faults.read)?;
        }
        let live = &state.inodes[self.inode].live;
        let rest = live.get(offset as usize..).unwrap_or_default();
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        let result = strike(&mut state.faults.sync);
        let forgets = state.faults.forgets;
        for page in std::mem::take(&mut state.inodes[self.inode].dirty) {
            if result.is_ok() || state.below(2) == 0 {
                state.inodes[self.inode].save(page);
            } else if forgets {
                state.inodes[self.inode].forget(page);
            }
        }
        result
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        strike(&mut state.faults.sync_folder)?;
        state.durable_names = state.names.clone();
        Ok(())
    }

    fn check(&mut self, written: u64) -> io::Result<Standing> {
        let state = self.disk.state();
        Ok(if !state.names.values().any(|&inode| inode == self.inode) {
            Standing::Taken(FileEvent::Removed)
        } else if (state.inodes[self.inode].live.len() as u64) < written {
            Standing::Taken(FileEvent::Truncated)
        } else {
            Standing::Whole
        })
    }

    fn look(&mut self, written: u64) -> io::Result<Standing> {
        let standing = self.check(written)?;
        let is_moved = self.disk.state().names.get(&self.path) != Some(&self.inode);
        let is_moved = standing == Standing::Whole && is_moved;
        Ok(if is_moved { Standing::Taken(FileEvent::Moved) } else { standing })
    }

    fn successor(&mut self) -> io::Result<Box<dyn Storage>> {
        let wanted = self.wanted.clone();
        let mut state = self.disk.state();
        strike(&mut state.faults.successor)?;
        if let Some(inode) = state.names.remove(&wanted)
            && state.inodes[inode].live.len() >= FileHeader::BYTES
        {
            let to = state.free_name(&wanted);
            state.names.insert(to, inode);
        }
        let inode = state.create(&wanted);
        drop(state);
        Ok(Box::new(Self { disk: self.disk.clone(), path: wanted.clone(), wanted, inode }))
    }

    fn create_tail(&self, _: &[u8; 16]) -> io::Result<Box<dyn TailStorage>> {
        self.disk.state().tail = Some(Vec::new());
        Ok(Box::new(DiskTail { disk: self.disk.clone() }))
    }
}

/// The tail on a [`Disk`].
#[derive(Debug)]
struct DiskTail {
    disk: Disk,
}

impl TailStorage for DiskTail {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.state();
        strike(&mut state.faults.tail)?;
        let is_choppy = state.faults.is_choppy;
        let length = if is_choppy { 1 + state.below(bytes.len()) } else { bytes.len() };
        if let Some(tail) = &mut state.tail {
            tail.truncate(offset as usize);
            tail.extend_from_slice(&bytes[..length]);
            let now = tail.len();
            state.longest_tail = state.longest_tail.max(now);
        }
        Ok(length)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.disk.state().tail = Some(Vec::new());
        Ok(())
    }

    fn is_there(&self) -> bool {
        self.disk.state().tail.is_some()
    }

    fn remove(&mut self) {
        self.disk.state().tail = None;
    }
}
