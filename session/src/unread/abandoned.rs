//! The locked ring directories of a session whose logger is no longer running.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use stenolog_format::block::BlockHeader;
use stenolog_format::frame::Version;
use stenolog_format::volatile::{VolatileRing, VolatileState};
use stenolog_ringbuf::file::Recovered;

use super::NotRecovered;
use super::complete::{Missing, complete, copy_beginning};
use super::contents::DumpContents;
use super::dump_tail::{TailShare, header, tail_shares};
use super::explanations::Explanations;
use super::judge::{DumpSide, NotARing, Share, ShareDamage, identify, judge, read_ring};
use crate::dir::{Access, Dir, Owners, owner_of, read_at_most};
use crate::failpoint::{self, Step};
use crate::layout::{
    MAX_RING_FILE_BYTES, META_FILE, PROGRESS_FILE, Progress, RING_HEADER_BYTES, RingList,
    RingPlace, directory_name, is_ring_file,
};
use crate::lock::{self, Writer};
use crate::tail::Tail;

/// The ring directory of a session whose logger is no longer running, or both directories.
///
/// Locked as long as this lives, so no other process completes the dump.
#[derive(Debug)]
pub struct AbandonedRings {
    dir: Dir,
    session: [u8; 16],
    /// The locked `meta.steno`, or the reason why it cannot be used.
    meta: Result<File, NotRecovered>,
    /// The session's other directory.
    other: Option<Box<Self>>,
}

impl AbandonedRings {
    /// Looks for the directories of a session in these folders. Skips those whose logger is running, and
    /// those of another user (U3).
    #[must_use]
    pub fn find(folders: &[PathBuf], session: &[u8; 16]) -> Option<Self> {
        let mut found: Option<Self> = None;
        for folder in folders {
            let Some(rings) = Self::open(&folder.join(directory_name(session)), *session) else {
                continue;
            };
            match &mut found {
                None => found = Some(rings),
                Some(first) if first.other.is_none() && !first.dir.is_same(&rings.dir) => {
                    first.other = Some(Box::new(rings));
                }
                Some(_) => {}
            }
        }
        found
    }

    /// Whether this user has a directory of the session in one of these folders, in use or not.
    #[must_use]
    pub fn exist(folders: &[PathBuf], session: &[u8; 16]) -> bool {
        let (name, own) = (directory_name(session), Owners::this_user());
        folders.iter().any(|folder| {
            let metadata = folder.join(&name).symlink_metadata();
            metadata.is_ok_and(|metadata| metadata.is_dir() && own.trust(owner_of(&metadata)))
        })
    }

    /// Opens and locks the directory at `path`; `None` as for [`find`](Self::find).
    #[must_use]
    pub fn open(path: &Path, session: [u8; 16]) -> Option<Self> {
        let dir = Dir::open(path).ok()?;
        let own = Owners::this_user();
        if !own.trust(dir.owner()) {
            return None;
        }
        let meta = match dir.open_file_for(META_FILE, &own, Access::ReadWrite) {
            Err(error) => Err(NotRecovered::unusable(META_FILE, error)),
            Ok(file) => match lock::acquire(&file) {
                Writer::Other => return None,
                Writer::Unknown => Err(NotRecovered::NoLocks),
                Writer::Ours => Ok(file),
            },
        };
        Some(Self { dir, session, meta, other: None })
    }

    /// The path of the first directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Whether all directories are locked.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.all().all(|rings| rings.meta.is_ok())
    }

    /// The files that are locked. A forked child must not keep them open.
    pub fn locked_files(&self) -> impl Iterator<Item = &File> {
        self.all().filter_map(|rings| rings.meta.as_ref().ok())
    }

    /// Both directories, if there are two.
    fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.other.as_deref())
    }

    /// Appends the missing records to the dump, seals it, and syncs it to disk. If anything follows its last
    /// whole frame, this works on a copy (U4), for which `make` creates the file. Returns `true` if the copy
    /// must replace the dump. The tail has what is left of rings that were in memory.
    ///
    /// No other process may write to either meanwhile.
    ///
    /// # Errors
    /// If there is any damage, which leaves everything as it was (U1), or a file cannot be written.
    pub fn complete(
        &self,
        dump: &File,
        tail: Option<&Tail>,
        make: impl FnOnce() -> io::Result<File>,
    ) -> Result<bool, NotRecovered> {
        let copy = self.seal(dump, tail, make)?;
        copy.as_ref().unwrap_or(dump).sync_all().map_err(NotRecovered::of_dump)?;
        failpoint::after(Step::EarlierSealed);
        Ok(copy.is_some())
    }

    /// As [`complete`](Self::complete), but without syncing. Returns the copy.
    ///
    /// # Errors
    /// As [`complete`](Self::complete).
    pub fn seal(
        &self,
        dump: &File,
        tail: Option<&Tail>,
        make: impl FnOnce() -> io::Result<File>,
    ) -> Result<Option<File>, NotRecovered> {
        let mut explanations = Explanations::default();
        for rings in self.all() {
            match &rings.meta {
                Ok(meta) => explanations.add(Explanations::read(meta, &self.session)?),
                Err(error) => return Err(error.again()),
            }
        }
        let (header, begin) = header(dump, &self.session)?;
        let progress = self.progress(header.sequence)?;
        let has_list = Version { major: 1, minor: 3 };
        if header.version >= has_list && progress.rings.is_none() {
            return Err(NotRecovered::odd(PROGRESS_FILE));
        }
        let mut contents =
            DumpContents::read(dump, header, begin, progress.written, &self.first_numbers())?;
        if contents.is_sealed {
            return Ok(None);
        }
        // The dump may explain what no directory had room for.
        for site in std::mem::take(&mut contents.sites) {
            explanations.sites.entry(site.id).or_insert(site);
        }
        for mark in std::mem::take(&mut contents.marks) {
            explanations.marks.entry(mark.site).or_insert(mark);
        }
        let (shares, files) = self.shares(&contents, &explanations)?;
        let listed = progress.rings.unwrap_or_default();
        let of_tail = tail.map_or_else(Vec::new, |tail| {
            let is_read = |ring| shares.iter().any(|share| share.span.ring == ring);
            tail_shares(tail, &contents, is_read)
        });
        if let Some(tail) = tail {
            explanations.add_missing(&tail.explanations);
        }
        let volatile = volatile(&listed, &shares, |ring| {
            let of_tail = of_tail.iter().filter(|share| share.ring == ring);
            let in_dump = contents.rings.get(&ring).and_then(|ring| ring.next);
            let in_dump = in_dump.map_or(0, |(number, _)| number);
            of_tail.map(TailShare::end).fold(in_dump, u64::max)
        })?;
        let ringless = listed.ringless_loss(0);
        let missing = Missing { shares, of_tail, volatile, ringless };
        let end = contents.segment.end;
        let mut copy = None;
        if dump.metadata().map_err(NotRecovered::of_dump)?.len() > end {
            let new = make().map_err(NotRecovered::of_dump)?;
            copy_beginning(dump, &new, end).map_err(NotRecovered::of_dump)?;
            failpoint::after(Step::EarlierCopied);
            copy = Some(new);
        }
        let read = |share: &Share| {
            let (dir, name) = files.get(&share.span.ring).ok_or_else(|| odd_ring(share))?;
            dir.ring(name)
        };
        complete(copy.as_ref().unwrap_or(dump), contents, &explanations, &missing, read)?;
        Ok(copy)
    }

    /// Removes the directories, which stay locked. The dump must have everything by now.
    ///
    /// # Errors
    /// If a file cannot be removed, or other files are in a directory.
    pub fn remove(&self) -> Result<(), NotRecovered> {
        // The other one first.
        if let Some(other) = &self.other {
            other.remove()?;
        }
        let removed = || failpoint::after(Step::EarlierRemoving);
        self.dir.remove(removed).map_err(|error| NotRecovered::of_file(error.file, error.source))
    }

    /// The `progress` of the session's first directory, which must be there.
    fn progress(&self, sequence: u32) -> Result<Progress, NotRecovered> {
        for rings in self.all() {
            let progress = rings.dir.progress(&Owners::this_user());
            let progress =
                progress.map_err(|error| NotRecovered::unusable(PROGRESS_FILE, error))?;
            let progress = progress.filter(|progress| progress.sequence == sequence);
            let progress = progress.ok_or_else(|| NotRecovered::odd(PROGRESS_FILE))?;
            if progress.is_of_first_directory() {
                return Ok(progress);
            }
        }
        Err(NotRecovered::odd("the session's first ring directory"))
    }

    /// The names of the ring files of this directory.
    fn names(&self) -> Result<Vec<OsString>, NotRecovered> {
        let names = self.dir.names(usize::MAX, is_ring_file);
        let mut names = names.map_err(|error| NotRecovered::of_file(self.path(), error))?.names;
        names.sort();
        Ok(names)
    }

    /// The number of the first record of each ring, as far as the rings state it. What is wrong with them
    /// is found when they are judged.
    fn first_numbers(&self) -> BTreeMap<u32, u64> {
        let mut firsts = BTreeMap::new();
        for rings in self.all() {
            for name in rings.names().into_iter().flatten() {
                let first = || {
                    let file = rings.dir.open_file(&name, &Owners::this_user()).ok()?;
                    let ring = read_at_most(&file, RING_HEADER_BYTES).ok()?;
                    let ring = Recovered::from_bytes(&ring).ok()?;
                    let (id, words) = identify(&ring, &self.session).ok()??;
                    Some((id, words.number_at(ring.start())?))
                };
                firsts.extend(first());
            }
        }
        firsts
    }

    /// Reads a ring of this directory.
    fn ring(&self, name: &OsString) -> Result<Recovered, NotRecovered> {
        let file = self.dir.open_file(name, &Owners::this_user());
        let file = file.map_err(|error| NotRecovered::unusable(name, error))?;
        read_ring(&file, &mut { MAX_RING_FILE_BYTES }).map_err(|error| match error {
            NotARing::Io(error) => NotRecovered::of_file(name, error),
            NotARing::TooLong { bytes, limit } => {
                NotRecovered::TooLong { name: name.to_string_lossy().into_owned(), bytes, limit }
            }
            _ => NotRecovered::odd(name),
        })
    }

    /// Judges all rings (U1). Returns what the dump lacks of each, and where each is.
    fn shares(
        &self,
        contents: &DumpContents,
        explanations: &Explanations,
    ) -> Result<(Vec<Share>, RingFiles<'_>), NotRecovered> {
        let (mut shares, mut files) = (Vec::new(), BTreeMap::new());
        let known = Known { contents, explanations };
        for rings in self.all() {
            for name in rings.names()? {
                let odd = || NotRecovered::odd(&name);
                let ring = rings.ring(&name)?;
                let Some((id, words)) = identify(&ring, &self.session).map_err(|_| odd())? else {
                    continue;
                };
                let share = judge(&ring, id, &words, &known);
                match share.damage.first() {
                    None => {}
                    Some(
                        ShareDamage::Gap { .. }
                        | ShareDamage::Disagrees { .. }
                        | ShareDamage::Misplaced { .. }
                        | ShareDamage::Overtaken { .. },
                    ) => {
                        let number = words.number_at(ring.start()).unwrap_or_default();
                        return Err(NotRecovered::Gap { ring: id, number });
                    }
                    Some(_) => return Err(odd()),
                }
                if files.contains_key(&id) {
                    return Err(odd());
                }
                files.insert(id, (rings, name));
                shares.push(share);
            }
        }
        // A ring follows the one that it continues.
        shares.sort_by_key(|share| share.span.ring);
        Ok((shares, files))
    }
}

/// The directory and the name of each ring's file.
type RingFiles<'a> = BTreeMap<u32, (&'a AbandonedRings, OsString)>;

/// The dump, and the explanations of its session.
struct Known<'a> {
    contents: &'a DumpContents,
    explanations: &'a Explanations,
}

impl DumpSide for Known<'_> {
    fn blocks(&self, ring: u32) -> impl Iterator<Item = &BlockHeader> {
        let blocks = self.contents.rings.get(&ring).map(|ring| &*ring.blocks);
        blocks.unwrap_or_default().iter().map(|(header, _)| header)
    }

    fn is_whole(&self, ring: u32, block: usize) -> bool {
        let ring = self.contents.rings.get(&ring);
        ring.and_then(|ring| ring.blocks.get(block)).is_some_and(|&(_, is_whole)| is_whole)
    }

    fn end(&self, ring: u32) -> Option<u64> {
        self.contents.rings.get(&ring)?.next.map(|(number, _)| number)
    }

    fn is_first(&self) -> bool {
        self.contents.segment.header.sequence == 0
    }

    fn has_site(&self, id: u32) -> bool {
        self.explanations.sites.contains_key(&id)
    }
}

/// The statements of the rings that died with their process. Rings that should be in a file must be among
/// those that were read (U1).
fn volatile(
    list: &RingList,
    shares: &[Share],
    next_number: impl Fn(u32) -> u64,
) -> Result<Vec<VolatileRing>, NotRecovered> {
    let read: BTreeSet<u32> = shares.iter().map(|share| share.span.ring).collect();
    let stated = |ring: u32, state: VolatileState| VolatileRing {
        ring,
        state: state as u8,
        number: next_number(ring),
        reason: String::new(),
    };
    let mut volatile = Vec::new();
    for (ring, place) in list.missing(|ring| read.contains(&ring)) {
        if place == RingPlace::File {
            return Err(NotRecovered::odd(format!("the file of ring {ring}")));
        }
        volatile.push(stated(ring, place.lost_state()));
    }
    if list.unlisted > 0 {
        volatile.push(stated(VolatileRing::ALL, VolatileState::MemoryLost));
    }
    Ok(volatile)
}

fn odd_ring(share: &Share) -> NotRecovered {
    NotRecovered::odd(format!("the file of ring {}", share.span.ring))
}

impl NotRecovered {
    /// The same error once more, without another look at the files.
    fn again(&self) -> Self {
        match self {
            Self::Io { what, source } => {
                Self::Io { what: what.clone(), source: source.kind().into() }
            }
            Self::NoLocks => Self::NoLocks,
            _ => Self::odd(META_FILE),
        }
    }
}

#[cfg(test)]
mod tests;
