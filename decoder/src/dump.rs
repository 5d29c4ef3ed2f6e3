//! Dump files: opening one, its tables, and the bytes of its blocks.

mod block;
mod blocks;
mod body;
mod checked;
mod contents;
mod context;
mod groups;
mod header;
mod last;
mod listed;
mod refresh;
mod ring_facts;
mod scan;
pub(crate) mod source;
mod stored;
mod summary;
mod tables;
mod tail;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::Thread;
use stenolog_format::frame::FileHeader;
use stenolog_format::index::End;
use stenolog_format::volatile::{VolatileRing, VolatileState};

pub use block::Block;
pub use blocks::{BlockIter, Blocks};
pub(crate) use body::{Body, Unpacker};
pub(crate) use checked::CheckedFrames;
pub(crate) use groups::OpenGroup;
pub use refresh::Refresh;
pub(crate) use ring_facts::{RingFacts, RingStart};
pub(crate) use stored::Stored;
pub use tables::FrameCounts;
pub(crate) use tail::with_tails;

use crate::dump::contents::Contents;
use crate::dump::listed::ListedBlocks;
use crate::dump::source::Source;
use crate::error::OpenError;
use crate::limits::Limits;
use crate::model::damage::{Damage, DamageCause};
use crate::model::site::CompiledSite;
use crate::model::state::{DumpState, Tail};
use tables::Tables;

/// An open dump file: its call sites, threads and clock, and the places of its blocks.
///
/// Opening reads the frames' headers and the metadata only; a [`Decoder`](crate::Decoder) reads the records.
/// Damage is collected, never an error.
///
/// A clone is cheap: it shares the file and the tables. Dumps can be read by several threads at once.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::Dump;
///
/// let dump = Dump::open("app.steno")?;
/// println!("{}: {:?}", dump.name().display(), dump.state());
/// for site in dump.sites() {
///     println!("{}:{}", site.call_site().file, site.call_site().line);
/// }
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Dump {
    /// The name to show.
    name: Arc<Path>,
    /// The path that it was opened by, or was given as its name.
    path: Arc<Path>,
    source: Arc<Source>,
    /// As it was when the source was read.
    writer_is_alive: Option<bool>,
    contents: Arc<Contents>,
    /// Shared by clones, and by what they become when they are refreshed.
    opening: Arc<()>,
    /// Records that the logger has not packed yet.
    tail: Option<Arc<Self>>,
}

impl Dump {
    /// Opens a file. Regular files are mapped; pipes and similar files are read to their end.
    ///
    /// A mapped file must not be truncated while the dump is open: SIGBUS would kill the process. No logger
    /// does that. If other programs may truncate the file, call
    /// [`survive_shrinking_files`](crate::survive_shrinking_files), or read the file into memory
    /// ([`Limits::with_copies`]).
    ///
    /// # Examples
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// # std::fs::write(&path, stenolog_testkit::sample())?;
    /// use stenolog_decoder::{Dump, DumpState};
    ///
    /// let dump = Dump::open(&path)?;
    /// assert_eq!(dump.state(), DumpState::Sealed);
    /// assert_eq!(dump.threads().count(), 2);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read, or is not a dump; see [`OpenError`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_within(path, &Limits::default())
    }

    /// Opens a file with these limits.
    ///
    /// ```no_run
    /// use stenolog_decoder::{Dump, Limits};
    ///
    /// let untrusted = Limits::default().with_metadata_bytes(1 << 20).with_copies(true);
    /// let dump = Dump::open_within("upload.steno", &untrusted)?;
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_within(path: impl AsRef<Path>, limits: &Limits) -> Result<Self, OpenError> {
        let path = path.as_ref();
        // Before the file: what is no longer in the tail then is in the file.
        let tail = tail::read_before(path);
        let (source, writer_is_alive) = Source::open(path, limits)?;
        let mut dump = Self::new(path.to_owned(), source, writer_is_alive, limits)?;
        dump.take_tail(tail.as_ref());
        Ok(dump)
    }

    /// Reads a file that is already open, such as a temporary one with an unpacked copy. `name` is the path to
    /// show, and to search the writer's rings beside.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_file(
        name: impl Into<PathBuf>,
        file: File,
        limits: &Limits,
    ) -> Result<Self, OpenError> {
        let path = name.into();
        let (source, writer_is_alive) = Source::of(file, &path, limits)?;
        Self::new(path, source, writer_is_alive, limits)
    }

    /// Whether the other dump begins with everything in this one: it is a copy of the file, or the same file
    /// after it has grown.
    ///
    /// Compares the bytes, unless one dump is a [refreshed](Self::refresh) clone of the other.
    ///
    /// ```
    /// use stenolog_decoder::Dump;
    ///
    /// # let bytes = stenolog_testkit::sample();
    /// let copy = Dump::from_bytes("copy.steno", bytes[..bytes.len() - 1].to_vec())?;
    /// let whole = Dump::from_bytes("app.steno", bytes)?;
    /// assert!(copy.is_beginning_of(&whole) && !whole.is_beginning_of(&copy));
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    #[must_use]
    pub fn is_beginning_of(&self, other: &Self) -> bool {
        if self.is_from_rings() || other.is_from_rings() {
            return false;
        }
        let (bytes, of_other) = (self.bytes(), other.bytes());
        if Arc::ptr_eq(&self.opening, &other.opening) {
            return bytes.len() <= of_other.len();
        }
        of_other.starts_with(bytes)
    }

    /// Reads a dump to the end of `reader`, such as the standard input.
    ///
    /// ```no_run
    /// let dump = stenolog_decoder::Dump::from_reader("-", std::io::stdin().lock())?;
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
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

    /// Opens a dump that is in memory.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let bytes = std::fs::read("app.steno")?;
    /// let dump = stenolog_decoder::Dump::from_bytes("app.steno", bytes)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the bytes are not a dump.
    pub fn from_bytes(name: impl Into<PathBuf>, bytes: Vec<u8>) -> Result<Self, OpenError> {
        Self::from_bytes_within(name, bytes, &Limits::default())
    }

    pub(crate) fn from_bytes_within(
        name: impl Into<PathBuf>,
        bytes: Vec<u8>,
        limits: &Limits,
    ) -> Result<Self, OpenError> {
        Self::new(name.into(), Source::memory(bytes), None, limits)
    }

    fn new(
        path: PathBuf,
        source: Source,
        writer_is_alive: Option<bool>,
        limits: &Limits,
    ) -> Result<Self, OpenError> {
        let file: Arc<Path> = path.into();
        let contents = Contents::read(&file, &source, limits)?;
        Ok(Self::of(file, source, writer_is_alive, contents))
    }

    fn of(
        file: Arc<Path>,
        source: Source,
        writer_is_alive: Option<bool>,
        contents: Contents,
    ) -> Self {
        Self {
            name: Arc::clone(&file),
            path: file,
            source: Arc::new(source),
            writer_is_alive,
            contents: Arc::new(contents),
            opening: Arc::default(),
            tail: None,
        }
    }

    /// The name to show for the dump, also in its damage: the path as it was given, or what
    /// [`with_name`](Self::with_name) set.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Shows the dump under another name, such as that of the archive that it was unpacked from. The
    /// [path](Self::path) stays.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use stenolog_decoder::Dump;
    ///
    /// let dump = Dump::open("/tmp/unpacked-1")?.with_name("backup.tar/app.steno");
    /// assert_eq!(dump.name().to_str(), Some("backup.tar/app.steno"));
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    #[must_use]
    pub fn with_name(mut self, name: impl Into<PathBuf>) -> Self {
        let name: Arc<Path> = name.into().into();
        self.tail = self.tail.map(|tail| Arc::new((*tail).clone().with_name(&*name)));
        let old = std::mem::replace(&mut self.name, Arc::clone(&name));
        if self.damage().iter().any(|damage| damage.file == old) {
            let damage = &mut Arc::make_mut(&mut self.contents).tables.damage;
            for damage in damage.iter_mut().filter(|damage| damage.file == old) {
                damage.file = Arc::clone(&name);
            }
        }
        self
    }

    /// The path that the dump was opened by, or what [`from_file`](Self::from_file) and the like were
    /// given. The rings of its writer are searched beside it.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self) -> &Arc<Path> {
        &self.name
    }

    /// Turns this into the dump of what rings held, with the damage that was found there.
    pub(crate) fn into_rings(mut self, rings: RingFacts, damage: Vec<Damage>) -> Self {
        let contents = Arc::make_mut(&mut self.contents);
        contents.rings = Some(rings);
        contents.tables.damage = damage;
        self
    }

    pub(crate) fn rings(&self) -> Option<&RingFacts> {
        self.contents.rings.as_ref()
    }

    /// Whether this is not a file but what the rings of a dead writer held: see [`Recovery`](crate::Recovery).
    #[must_use]
    pub fn is_from_rings(&self) -> bool {
        self.contents.rings.is_some()
    }

    /// The file's header.
    #[must_use]
    pub fn header(&self) -> &FileHeader {
        &self.contents.header
    }

    /// Whether it is certain which run of a logger wrote the file. It is uncertain if the header is damaged or
    /// missing and no remaining frame repeats it. Records that are also in other files of that run are then
    /// shown twice.
    #[must_use]
    pub fn is_session_known(&self) -> bool {
        self.contents.is_session_known
    }

    /// The length of the file when it was opened or [refreshed](Self::refresh), in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> u64 {
        self.source.len() as u64
    }

    /// The call sites, in the order in which the logger first ran them.
    pub fn sites(&self) -> impl Iterator<Item = &CompiledSite> {
        self.tables().sites.iter()
    }

    /// The call site with this id.
    #[must_use]
    pub fn site(&self, id: u32) -> Option<&CompiledSite> {
        self.tables().sites.get(id)
    }

    /// The threads, by the rings that they wrote.
    pub fn threads(&self) -> impl Iterator<Item = &Thread> {
        self.tables().threads.values()
    }

    /// The thread that wrote a ring.
    #[must_use]
    pub fn thread(&self, ring: u32) -> Option<&Thread> {
        self.tables().threads.get(&ring)
    }

    /// The readings that relate the raw counter to UTC.
    #[must_use]
    pub fn clock_pairs(&self) -> &[ClockPair] {
        &self.tables().clock
    }

    /// The places of the records, in the order of the file.
    #[must_use]
    pub fn blocks(&self) -> Blocks<'_> {
        let listed = self.contents.listed.as_ref().map_or(0, ListedBlocks::entries);
        Blocks::new(self.bytes(), &self.tables().blocks, listed)
    }

    /// How many of the [blocks](Self::blocks) never change, even if the file grows. The others are from a write
    /// that is cut by the end of the file: a [refresh](Self::refresh) may replace them.
    #[must_use]
    pub fn settled_blocks(&self) -> usize {
        self.contents.scanned.checkpoint.settled_blocks()
    }

    /// The number of rings that the file names as not being in a file, or whose file was deleted. Their
    /// records are missing if the writer died before it sealed the file. 0 if [all](Self::is_in_memory)
    /// rings were in memory.
    #[must_use]
    pub fn volatile_rings(&self) -> usize {
        let rings = self.tables().volatile.iter().map(|stated| stated.ring);
        let rings = rings.filter(|&ring| ring != VolatileRing::ALL);
        rings.collect::<std::collections::BTreeSet<_>>().len()
    }

    /// The reason why the logger kept all its rings in memory, or an empty text if that was configured. `None`
    /// if the file does not state this. If it does, there is no ring directory.
    #[must_use]
    pub fn is_in_memory(&self) -> Option<&str> {
        let of_all = |stated: &&VolatileRing| {
            stated.ring == VolatileRing::ALL && stated.state == VolatileState::Memory as u8
        };
        self.tables().volatile.iter().find(of_all).map(|stated| &*stated.reason)
    }

    /// The end frame, which the logger writes when it closes the file; `None` if it did not close it.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        self.tables().end.as_ref()
    }

    /// The number of whole frames of each kind.
    #[must_use]
    pub fn frames(&self) -> &FrameCounts {
        &self.tables().frames
    }

    /// How the file ends.
    #[must_use]
    pub fn tail(&self) -> Tail {
        match (self.tables().torn, self.tables().end) {
            (Some((offset, bytes)), _) => Tail::Torn { offset, bytes },
            (None, Some(_)) => Tail::Sealed,
            (None, None) => Tail::Unfinished,
        }
    }

    /// Whether the file is finished, may still grow, or was left unfinished by a writer that died.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use stenolog_decoder::{Dump, DumpState};
    ///
    /// let dump = Dump::open("app.steno")?;
    /// match dump.state() {
    ///     DumpState::Sealed => println!("complete"),
    ///     DumpState::Growing => println!("its logger is running"),
    ///     _ => println!("its logger died"),
    /// }
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    #[must_use]
    pub fn state(&self) -> DumpState {
        DumpState::new(self.tail(), self.writer_is_alive())
    }

    /// The damage that the scan of the frames found. Reading the records may find more.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.tables().damage
    }

    /// Whether a logger had the file open when it was opened here or [refreshed](Self::refresh); `None` if that
    /// is unknown, because the dump is not a regular file or the platform is not Unix.
    #[must_use]
    pub const fn writer_is_alive(&self) -> Option<bool> {
        self.writer_is_alive
    }

    /// The damage of a file that became shorter while it was read, if it did.
    pub(crate) fn shrinking(&self) -> Option<Damage> {
        let offset = self.source.shrunk_at()?;
        let bytes = self.source.len().saturating_sub(offset) as u64;
        let file = Arc::clone(&self.name);
        Some(Damage { file, offset: offset as u64, bytes, cause: DamageCause::Shrunk })
    }

    /// The most bytes of an index frame to read.
    pub(crate) fn metadata_limit(&self) -> usize {
        self.contents.limits.metadata_bytes
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.contents.tables
    }

    /// The bytes of the file, to be kept by others.
    pub(crate) const fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.source
    }
}

#[cfg(test)]
mod tests;
