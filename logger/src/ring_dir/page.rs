//! The mapped file `progress`: how long the dump is, and where each ring is.
//!
//! Its space is reserved and it is written by plain stores, so it can be updated even when the file
//! system is full, files may not grow, or the process can no longer open files.
//!
//! - **P1 (within).** The mapping has [`Progress::BYTES`] bytes, and its words are at multiples of eight.
//!   The file does not become shorter while it is mapped, as ring files do not.
//! - **P2 (whole words).** Words are stored as atomics: a process that dies leaves each one old or new.
//!   Only this process writes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

use memmap2::MmapRaw;
use stenolog_format::dictionary::Thread;
use stenolog_session::dir::check_size_limit;
use stenolog_session::layout::{Progress, RingPlace};

/// A ring's entry.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) thread: Thread,
    pub(super) place: RingPlace,
}

/// The place of a ring's entry in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listing {
    /// At this place of its list.
    At(u16),
    /// In a count, because the list was full.
    Counted,
    /// Nowhere: the list was full, and the ring is in a file, which readers find.
    Nowhere,
}

/// The mapped file.
#[derive(Debug)]
pub(super) struct Page {
    map: MmapRaw,
    list: Vec<Option<Listed>>,
    /// All places before this one are taken.
    taken_to: usize,
    unlisted: u64,
}

impl Page {
    /// Fills a new, empty file and maps it.
    pub(super) fn begin(file: &File, directory: u64) -> io::Result<Self> {
        check_size_limit(Progress::BYTES as u64)?;
        // Written, not only extended: a store to a page for which the file system has no room would kill
        // the process.
        file.write_all_at(&[0; Progress::BYTES], 0)?;
        let map = memmap2::MmapOptions::new().len(Progress::BYTES).map_raw(file)?;
        let page = Self { map, list: Vec::new(), taken_to: 0, unlisted: 0 };
        page.store(Progress::DIRECTORY_AT, directory);
        page.store(Progress::HAS_LIST_AT, Progress::HAS_LIST);
        Ok(page)
    }

    /// Moves the page to another file.
    pub(super) fn again(&mut self, file: &File) -> io::Result<()> {
        let again = Self::begin(file, self.load(Progress::DIRECTORY_AT))?;
        let words = [Progress::SEQUENCE_AT, Progress::WRITTEN_AT, Progress::UNLISTED_AT];
        for at in words.into_iter().chain((0..5).map(|level| Progress::RINGLESS_AT + 8 * level)) {
            again.store(at, self.load(at));
        }
        for (at, listed) in self.list.iter().enumerate() {
            let word = |listed: &Listed| listed.place.word(listed.thread.ring);
            again.store(place(at), listed.as_ref().map_or(0, word));
        }
        self.map = again.map;
        Ok(())
    }

    /// States how many bytes of the dump are whole frames (D3).
    pub(super) fn note_progress(&self, sequence: u32, len: u64) {
        if self.load(Progress::SEQUENCE_AT) != u64::from(sequence) {
            // Too low a value is safe meanwhile.
            self.store(Progress::WRITTEN_AT, 0);
            self.store(Progress::SEQUENCE_AT, sequence.into());
        }
        self.store(Progress::WRITTEN_AT, len);
    }

    /// Lists the place of a thread's new ring.
    pub(super) fn list(&mut self, thread: &Thread, place_of_ring: RingPlace) -> Listing {
        let free = self.list[self.taken_to.min(self.list.len())..].iter().position(Option::is_none);
        let at = free.map_or(self.list.len(), |free| self.taken_to + free);
        // Without memory for the entry, the ring is counted too.
        let has_room =
            at < Progress::MAX_RINGS && (at < self.list.len() || self.list.try_reserve(1).is_ok());
        if !has_room {
            if place_of_ring == RingPlace::File {
                return Listing::Nowhere;
            }
            self.count_unlisted(1);
            return Listing::Counted;
        }
        self.store(place(at), place_of_ring.word(thread.ring));
        let listed = Some(Listed { thread: thread.clone(), place: place_of_ring });
        match self.list.get_mut(at) {
            Some(entry) => *entry = listed,
            None => self.list.push(listed),
        }
        self.taken_to = at + 1;
        Listing::At(at as u16)
    }

    /// Lists the file of a ring in use as deleted.
    pub(super) fn unlink(&mut self, listing: &mut Listing) {
        match *listing {
            Listing::At(at) => {
                if let Some(Some(listed)) = self.list.get_mut(usize::from(at)) {
                    listed.place = RingPlace::Unlinked;
                    let word = listed.place.word(listed.thread.ring);
                    self.store(place(at.into()), word);
                }
            }
            Listing::Counted => {}
            Listing::Nowhere => {
                self.count_unlisted(1);
                *listing = Listing::Counted;
            }
        }
    }

    /// Removes a ring's entry: the dump has everything of it, and its thread no longer uses it.
    pub(super) fn unlist(&mut self, listing: Listing) {
        match listing {
            Listing::At(at) => {
                self.store(place(at.into()), 0);
                let at = usize::from(at);
                if let Some(entry) = self.list.get_mut(at) {
                    *entry = None;
                }
                self.taken_to = self.taken_to.min(at);
            }
            Listing::Counted => self.count_unlisted(-1),
            Listing::Nowhere => {}
        }
    }

    /// States how many records of a level were lost because their thread got no ring.
    pub(super) fn state_ringless(&self, level: usize, records: u64) {
        let at = Progress::RINGLESS_AT + 8 * level;
        // Threads may call this in another order than they counted in.
        self.store(at, records.max(self.load(at)));
    }

    /// The entries.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Listed> {
        self.list.iter().flatten()
    }

    fn count_unlisted(&mut self, change: i64) {
        self.unlisted = self.unlisted.saturating_add_signed(change);
        self.store(Progress::UNLISTED_AT, self.unlisted);
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        assert!(at.is_multiple_of(8) && at < Progress::BYTES, "a word of the page");
        // SAFETY: the word is within the mapping and aligned (P1), which lives as long as `self`;
        // everything is accessed as an atomic (P2).
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(at).cast()) }
    }

    fn store(&self, at: usize, word: u64) {
        // Release: a reader that finds this word also finds those before.
        self.word(at).store(word.to_le(), Ordering::Release);
    }

    fn load(&self, at: usize) -> u64 {
        u64::from_le(self.word(at).load(Ordering::Relaxed))
    }
}

const fn place(at: usize) -> usize {
    Progress::LIST_AT + 8 * at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thread(ring: u32) -> Thread {
        Thread { ring, os_id: 0, name: String::new(), continues: None }
    }

    #[test]
    fn places_are_used_again_and_a_full_list_counts() {
        let file = tempfile::tempfile().unwrap();
        let mut page = Page::begin(&file, 1).unwrap();
        let read = || {
            let mut bytes = vec![0; Progress::BYTES];
            file.read_exact_at(&mut bytes, 0).unwrap();
            Progress::decode(&bytes).unwrap()
        };
        page.note_progress(3, 1000);
        let listings: Vec<_> = (1..=Progress::MAX_RINGS as u32)
            .map(|ring| page.list(&thread(ring), RingPlace::File))
            .collect();
        assert_eq!(page.list(&thread(5000), RingPlace::File), Listing::Nowhere);
        assert_eq!(page.list(&thread(5001), RingPlace::Memory), Listing::Counted);
        let found = read();
        assert_eq!((found.sequence, found.written), (3, 1000));
        let rings = found.rings.unwrap();
        assert_eq!((rings.unlisted, rings.directory), (1, 1));
        assert_eq!(rings.listed.len(), Progress::MAX_RINGS);
        page.unlist(Listing::Counted);
        listings.iter().for_each(|&listing| page.unlist(listing));
        let mut first = page.list(&thread(7000), RingPlace::File);
        page.unlink(&mut first);
        let rings = read().rings.unwrap();
        assert_eq!((rings.unlisted, &*rings.listed), (0, &[(7000, RingPlace::Unlinked)][..]));
        // Another file says the same.
        let again = tempfile::tempfile().unwrap();
        page.again(&again).unwrap();
        let mut bytes = vec![0; Progress::BYTES];
        again.read_exact_at(&mut bytes, 0).unwrap();
        assert_eq!(Progress::decode(&bytes), Some(read()));
    }
}
