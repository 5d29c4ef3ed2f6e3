//! One file: what it says of itself, and where its records stand.

mod block;
mod body;
mod header;
mod scan;
pub(crate) mod source;
mod summary;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::Thread;
use stenolog_format::frame::FileHeader;
use stenolog_format::index::End;
use stenolog_format::loss::LossFrame;
use stenolog_format::volatile::{VolatileRing, VolatileState};

pub use block::Block;
pub(crate) use body::{Body, Stored, Unpacker};

use crate::dump::source::Source;
use crate::error::OpenError;
use crate::limits::Limits;
use crate::model::damage::{Damage, Tail};
use crate::model::site::{Site, Sites};
use scan::Scanner;
pub(crate) use summary::SummaryPlace;

/// How many bytes of dictionary and thread frames of a file, and of one index frame, are read into
/// memory unless [`Limits`] say otherwise; the rest is damage. Loggers write far fewer.
pub const MAX_METADATA_BYTES: usize = 64 << 20;

/// One dump file, opened: its call sites, threads and clock, and where its blocks stand.
///
/// Opening passes over the frames' headers and reads metadata only; records are read when a
/// [`Decoder`](crate::Decoder) gets to them. Damage is collected, never an error. What a running
/// logger appends after the opening is not seen.
#[derive(Debug)]
pub struct Dump {
    source: Source,
    file: Arc<Path>,
    header: FileHeader,
    is_session_known: bool,
    tables: Tables,
    metadata_limit: usize,
    /// Of a dump that was made from the rings of a writer that died.
    rings: Option<RingFacts>,
}

/// What the rings of a session say of its dump files.
#[derive(Clone, Debug, Default)]
pub(crate) struct RingFacts {
    /// The file that was being written, by its sequence number, and how many of its bytes are whole
    /// frames. The records of what stands behind these are in the rings.
    pub(crate) written: Option<(u32, u64)>,
    /// What each ring has.
    pub(crate) starts: BTreeMap<u32, RingStart>,
}

/// Which records a ring of a dead writer has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingStart {
    /// From here on the ring has all that was committed, whether the dump has it too or not.
    pub(crate) position: u64,
    /// The first record that is taken from the ring.
    pub(crate) first_record: u64,
    /// How many are taken.
    pub(crate) records: u64,
}

impl RingStart {
    /// Whether the ring has all records of the block, and has them better.
    pub(crate) const fn replaces(&self, block: &Block) -> bool {
        let first = block.header.first_record;
        let behind = first.saturating_add(block.header.count as u64);
        let last = self.first_record.saturating_add(self.records);
        first >= self.first_record && behind <= last
            || block.is_cut && self.position <= block.header.position
    }
}

impl RingFacts {
    /// Up to where a file of the session was written; all of it if that is not known.
    pub(crate) fn written_to(&self, sequence: u32) -> u64 {
        match self.written {
            Some((last, bytes)) if sequence == last => bytes,
            Some((last, _)) if sequence > last => 0,
            _ => u64::MAX,
        }
    }

    /// Whether the rings have what the writer of a file of the session had not written.
    pub(crate) fn completes(&self, dump: &Dump) -> bool {
        let sequence = dump.header().sequence;
        let is_last = self.written.is_none_or(|(last, _)| sequence >= last);
        is_last
            && match dump.tail() {
                Tail::Sealed | Tail::Unfinished => true,
                // What is torn must not have been whole before.
                Tail::Torn { offset, .. } => {
                    self.written.is_none() || offset >= self.written_to(sequence)
                }
            }
    }
}

/// What the scan of the frames gathers.
#[derive(Debug, Default)]
pub(crate) struct Tables {
    pub(crate) sites: Sites,
    pub(crate) threads: BTreeMap<u32, Thread>,
    pub(crate) clock: Vec<ClockPair>,
    pub(crate) blocks: Vec<Block>,
    /// By block.
    pub(crate) summaries: Vec<SummaryPlace>,
    pub(crate) losses: Vec<LossFrame>,
    /// Rings that do not survive their process.
    pub(crate) volatile: Vec<VolatileRing>,
    /// Offsets of the whole frames that are neither block, index nor end.
    pub(crate) others: Vec<u64>,
    /// Offset and length of the payloads of index frames.
    pub(crate) indexes: Vec<(usize, usize)>,
    pub(crate) end: Option<End>,
    /// What the first whole frame of the kind says that the file's header is.
    pub(crate) restated: Option<FileHeader>,
    pub(crate) frames: FrameCounts,
    pub(crate) damage: Vec<Damage>,
    pub(crate) torn: Option<(u64, u64)>,
}

/// How many whole frames of each kind a file has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FrameCounts {
    /// Frames with call sites.
    pub dictionary: u64,
    /// Frames with a thread.
    pub thread: u64,
    /// Frames that relate the raw counter to UTC.
    pub clock: u64,
    /// Frames with records.
    pub block: u64,
    /// Frames that state losses.
    pub loss: u64,
    /// Frames that say how far the file is in time.
    pub watermark: u64,
    /// Frames that list other frames.
    pub index: u64,
    /// Frames that end a file.
    pub end: u64,
    /// Frames that say what a block holds.
    pub summary: u64,
    /// Frames that tell of rings that do not survive their process.
    pub volatile: u64,
    /// Frames that state the file's header again.
    pub header: u64,
    /// Frames of kinds that only later versions know; they are passed over.
    pub unknown: u64,
}

impl FrameCounts {
    /// All frames.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.dictionary
            + self.thread
            + self.clock
            + self.block
            + self.loss
            + self.watermark
            + self.index
            + self.end
            + self.summary
            + self.volatile
            + self.header
            + self.unknown
    }
}

impl Dump {
    /// Opens a file. Regular files are mapped; pipes and the like are read to their end.
    ///
    /// A mapped file must not be truncated while the dump is open: SIGBUS would kill the process. No logger
    /// does that. If other programs may truncate the file, call
    /// [`survive_shrinking_files`](crate::survive_shrinking_files), or read the file into memory
    /// ([`Limits::with_copies`]).
    ///
    /// # Errors
    /// If the file cannot be read, or is no dump; see [`OpenError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_within(path, &Limits::default())
    }

    /// Opens a file within other limits than the default ones.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_within(path: impl AsRef<Path>, limits: &Limits) -> Result<Self, OpenError> {
        let path = path.as_ref();
        Self::new(path.to_owned(), Source::open(path, limits)?, limits)
    }

    /// Reads a file that is already open, such as a temporary one with an unpacked copy. `name` is the path
    /// to show, and tells where to look for the writer's rings.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_file(
        name: impl Into<PathBuf>,
        file: File,
        limits: &Limits,
    ) -> Result<Self, OpenError> {
        let path = name.into();
        let source = Source::of(file, &path, limits)?;
        Self::new(path, source, limits)
    }

    /// Whether the other dump is the same file of a log and begins with everything in this one.
    #[must_use]
    pub fn is_beginning_of(&self, other: &Self) -> bool {
        !self.is_from_rings() && !other.is_from_rings() && other.bytes().starts_with(self.bytes())
    }

    /// Reads a dump to the end of `reader`, such as the standard input.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(name: impl Into<PathBuf>, mut reader: impl Read) -> Result<Self, OpenError> {
        let path = name.into();
        let mut bytes = Vec::new();
        match reader.read_to_end(&mut bytes) {
            Ok(_) => Self::from_bytes(path, bytes),
            Err(source) => Err(OpenError::Io { path, source }),
        }
    }

    /// Takes a dump that is in memory.
    ///
    /// # Errors
    /// If the bytes are no dump.
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Self, OpenError> {
        Self::new(name.into(), Source::memory(bytes), &Limits::default())
    }

    pub(crate) fn from_bytes_within(
        name: impl Into<PathBuf>,
        bytes: Vec<u8>,
        limits: &Limits,
    ) -> Result<Self, OpenError> {
        Self::new(name.into(), Source::memory(bytes), limits)
    }

    fn new(path: PathBuf, source: Source, limits: &Limits) -> Result<Self, OpenError> {
        let (mut header, length, error) = header::read(&path, &source)?;
        let file: Arc<Path> = path.into();
        let mut scanner = Scanner::new(&source, length, Arc::clone(&file), limits.metadata_bytes);
        let is_damaged = error.is_some();
        if let Some(error) = error {
            scanner.header_is_damaged(error);
        }
        let tables = scanner.run();
        if let Some(restated) = tables.restated.filter(|_| is_damaged) {
            header = restated;
        }
        let is_session_known = !is_damaged || tables.restated.is_some();
        let metadata_limit = limits.metadata_bytes;
        Ok(Self { source, file, header, is_session_known, tables, metadata_limit, rings: None })
    }

    /// The name that the dump was opened by.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.file
    }

    pub(crate) fn file(&self) -> &Arc<Path> {
        &self.file
    }

    /// Makes this the dump of what rings held, with damage that was found on the way to it.
    pub(crate) fn into_rings(mut self, rings: RingFacts, damage: Vec<Damage>) -> Self {
        self.rings = Some(rings);
        self.tables.damage = damage;
        self
    }

    pub(crate) const fn rings(&self) -> Option<&RingFacts> {
        self.rings.as_ref()
    }

    /// Whether this is no file but what the rings of a dead writer held: see
    /// [`Recovery`](crate::Recovery).
    #[must_use]
    pub const fn is_from_rings(&self) -> bool {
        self.rings.is_some()
    }

    /// What the file's header says.
    #[must_use]
    pub fn header(&self) -> &FileHeader {
        &self.header
    }

    /// Whether it is certain which run of a logger wrote the file. It is not if the header is damaged or
    /// missing and no remaining frame repeats it. Records that are also in other files of that run are then
    /// shown twice.
    #[must_use]
    pub const fn is_session_known(&self) -> bool {
        self.is_session_known
    }

    /// The length of the file when it was opened.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.source.len() as u64
    }

    /// The call sites, in the order in which the logger met them.
    pub fn sites(&self) -> impl Iterator<Item = &Site> {
        self.tables.sites.iter()
    }

    /// The call site with this id.
    #[must_use]
    pub fn site(&self, id: u32) -> Option<&Site> {
        self.tables.sites.get(id)
    }

    /// The threads, by the rings that they wrote.
    pub fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.tables.threads.values()
    }

    /// The thread that wrote a ring.
    #[must_use]
    pub fn thread(&self, ring: u32) -> Option<&Thread> {
        self.tables.threads.get(&ring)
    }

    /// What relates the raw counter to UTC.
    #[must_use]
    pub fn clock_pairs(&self) -> &[ClockPair] {
        &self.tables.clock
    }

    /// Where the records stand, in the order of the file.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.tables.blocks
    }

    /// The number of rings that the file names as not being in a file, or whose file was deleted. Their
    /// records are missing if the writer died before it sealed the file. 0 if [all](Self::is_in_memory)
    /// rings were in memory.
    #[must_use]
    pub fn volatile_rings(&self) -> usize {
        let rings = self.tables.volatile.iter().map(|stated| stated.ring);
        let rings = rings.filter(|&ring| ring != VolatileRing::ALL);
        rings.collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Whether the file says that the logger kept all its rings in memory: the reason, or an empty text if
    /// that was configured. There is no ring directory then.
    #[must_use]
    pub fn is_in_memory(&self) -> Option<&str> {
        let of_all = |stated: &&VolatileRing| {
            stated.ring == VolatileRing::ALL && stated.state == VolatileState::Memory as u8
        };
        self.tables.volatile.iter().find(of_all).map(|stated| &*stated.reason)
    }

    /// What the logger said when it closed the file; `None` if it did not.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.tables.end.as_ref()
    }

    /// How many frames there are of each kind.
    #[must_use]
    pub fn frames(&self) -> &FrameCounts {
        &self.tables.frames
    }

    /// How the file ends.
    #[must_use]
    pub fn tail(&self) -> Tail {
        match (self.tables.torn, self.tables.end) {
            (Some((offset, bytes)), _) => Tail::Torn { offset, bytes },
            (None, Some(_)) => Tail::Sealed,
            (None, None) => Tail::Unfinished,
        }
    }

    /// What the scan of the frames found wrong. Reading the records may find more.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.tables.damage
    }

    /// Whether a logger had the file open when it was opened here; `None` if that cannot be told,
    /// because the dump is not a regular file or the platform is not Unix.
    #[must_use]
    pub const fn writer_is_alive(&self) -> Option<bool> {
        self.source.writer_is_alive()
    }

    /// What is to be said of a file that became shorter while it was read.
    pub(crate) fn shrinking(&self) -> Option<Damage> {
        let offset = self.source.shrunk_at()?;
        let (file, bytes) = (Arc::clone(&self.file), self.source.len().saturating_sub(offset));
        Some(Damage {
            file,
            offset: offset as u64,
            bytes: bytes as u64,
            cause: crate::DamageCause::Shrunk,
        })
    }

    /// How long an index frame may be.
    pub(crate) const fn metadata_limit(&self) -> usize {
        self.metadata_limit
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.source
    }
}

#[cfg(test)]
mod tests;
