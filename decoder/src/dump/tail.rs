//! The tail of an unfinished dump: records that its writer has not packed yet.
//!
//! It is read before the dump, as `stenolog_session::tail` explains, and becomes a dump in memory that has
//! only what the file lacks. It is a copy: nothing that is wrong with it is reported.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use stenolog_format::frame::FileHeader;
use stenolog_session::dir::Owners;
use stenolog_session::layout::TAIL_SEQUENCE;
use stenolog_session::tail::{self, Tail};
use stenolog_session::unread::end_number;

use super::Dump;
use crate::limits::Limits;

/// Reads the tail of the dump at a path, before the dump.
pub(super) fn read_before(path: &Path) -> Option<Tail> {
    // To open a pipe could wait for its other end, and take away its bytes.
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut head = [0; FileHeader::BYTES];
    File::open(path).ok()?.read_exact(&mut head).ok()?;
    let (header, _) = FileHeader::decode(&head).ok()?;
    Tail::read(path, &header.session, &Owners::of_readers(path))
}

impl Dump {
    /// The records of the dump's [tail](Self::tail): what was committed since the logger last packed.
    pub(super) fn take_tail(&mut self, tail: Option<&Tail>) {
        let tail = tail.filter(|tail| {
            // A dump with an end has everything.
            self.end().is_none() && tail.session() == self.header().session
        });
        let before = self.tail.take();
        self.tail = tail.and_then(|tail| {
            let ends = self.ends_of(tail);
            let (bytes, blocks) = tail.to_dump(|ring| ends.get(&ring).copied().unwrap_or_default());
            if blocks == 0 {
                return None;
            }
            if let Some(before) = before.filter(|before| before.bytes() == bytes) {
                return Some(before);
            }
            // What is read is bounded already.
            let limits = Limits::default().with_metadata_bytes(usize::MAX);
            let dump = Self::from_bytes_within(self.path.to_path_buf(), bytes, &limits).ok()?;
            Some(Arc::new(dump.with_name(self.name.to_path_buf())))
        });
    }

    /// The number after the last record that the dump has, of each ring that the tail has.
    fn ends_of(&self, tail: &Tail) -> BTreeMap<u32, u64> {
        let mut wanted: std::collections::BTreeSet<u32> = tail.rings().collect();
        let mut ends = BTreeMap::new();
        // From the end, where those are that are still written.
        for block in self.blocks().iter().rev().filter(|block| !block.is_cut) {
            if wanted.is_empty() {
                break;
            }
            if wanted.remove(&block.header.ring) {
                ends.insert(block.header.ring, end_number(&block.header));
            }
        }
        ends
    }

    /// The records that the dump's logger has not packed yet, as a dump of its own; `None` if the file has
    /// all that readers can see.
    ///
    /// A [`Decoder`](crate::Decoder) reads it with the dump. It comes from the file `stenolog-<session>.tail`
    /// beside a dump that was [opened](Self::open) by its path and has no end.
    #[must_use]
    pub fn tail_dump(&self) -> Option<&Self> {
        self.tail.as_deref()
    }

    /// Removes the file of the dump's tail, once its records are elsewhere.
    ///
    /// # Errors
    /// If its logger is running, or the file cannot be removed.
    pub fn remove_tail(&self) -> io::Result<()> {
        if self.writer_is_alive() == Some(true) {
            return Err(io::Error::other("its writer is still running"));
        }
        tail::remove(&self.path, &self.header().session)
    }

    /// Whether this is the tail of another dump.
    pub(crate) fn is_tail(&self) -> bool {
        self.header().sequence == TAIL_SEQUENCE
    }
}

/// The dumps, and after them the tails of those whose tail is not among them.
pub(crate) fn with_tails(dumps: Arc<[Dump]>) -> Arc<[Dump]> {
    let has_tail = |dump: &Dump| {
        let session = dump.header().session;
        dumps.iter().any(|other| other.is_tail() && other.header().session == session)
    };
    let lacking = dumps.iter().filter(|dump| dump.tail.is_some() && !has_tail(dump));
    let tails: Vec<_> = lacking.filter_map(|dump| dump.tail.as_deref().cloned()).collect();
    if tails.is_empty() { dumps } else { dumps.iter().cloned().chain(tails).collect() }
}
