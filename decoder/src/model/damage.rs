//! Damage: what is wrong with a dump or with rings, and where. Damage is data: reading continues after it.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;

use stenolog_format::block::BlockError;
use stenolog_format::frame::FileHeaderError;
use stenolog_format::value::ValueError;
use stenolog_session::layout::MAX_RING_FILE_BYTES;

use crate::limits::Limit;
use crate::text::CompileError;

/// A damaged place in a file, and how much of the file is lost.
///
/// # Examples
///
/// ```no_run
/// let dump = stenolog_decoder::Dump::open("app.steno")?;
/// for damage in dump.damage() {
///     println!("at byte {}: {}, {} bytes lost", damage.offset, damage.cause, damage.bytes);
/// }
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Damage {
    /// The name of the file: see [`Dump::name`](crate::Dump::name).
    pub file: Arc<Path>,
    /// The offset in the file, in bytes, of the damaged frame, or of the place where one should begin.
    pub offset: u64,
    /// How many bytes of the file cannot be read because of it; 0 if everything can be read.
    pub bytes: u64,
    /// What is wrong.
    pub cause: DamageCause,
}

impl Damage {
    /// Damage at an offset of a file that costs `bytes` of its bytes.
    #[must_use]
    pub fn new(file: impl Into<Arc<Path>>, offset: u64, bytes: u64, cause: DamageCause) -> Self {
        Self { file: file.into(), offset, bytes, cause }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = String::new();
        crate::escape::push_escaped(&mut name, &self.file.to_string_lossy());
        write!(f, "{name}: byte {}: {}", self.offset, self.cause)?;
        match self.bytes {
            0 => Ok(()),
            bytes => write!(f, " ({bytes} bytes lost)"),
        }
    }
}

/// What is wrong at a place in a dump.
///
/// # Examples
///
/// ```
/// use stenolog_decoder::DamageCause;
///
/// let cause = DamageCause::Sequence { expected: 7, found: 9 };
/// assert_eq!(cause.to_string(), "expected frame 7, but frame 9 follows");
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DamageCause {
    /// The file's header is damaged. The frames after it are read nevertheless.
    #[error("{0}")]
    FileHeader(FileHeaderError),
    /// No frame begins where one should. The reader searched for the next one.
    #[error("no frame begins here")]
    NoFrame,
    /// A frame is cut, and another one follows.
    #[error("a frame of {stated} bytes is cut short, and another follows")]
    CutFrame {
        /// The length of the payload that the frame's header states.
        stated: u32,
    },
    /// Frames are missing or in another order.
    #[error("expected frame {expected}, but frame {found} follows")]
    Sequence {
        /// The number that the frame should have.
        expected: u32,
        /// The number that it has.
        found: u32,
    },
    /// A frame's payload is damaged.
    #[error("the checksum of {} {kind} frame is wrong", article(kind))]
    Checksum {
        /// The kind of the frame.
        kind: &'static str,
    },
    /// A frame's payload has the right checksum but cannot be decoded.
    #[error("{} {kind} frame cannot be understood: {why}", article(kind))]
    Metadata {
        /// The kind of the frame.
        kind: &'static str,
        /// Why not.
        why: MetadataError,
    },
    /// The id of a call site is defined again, for another call site. The first definition is used.
    #[error("call site {id} is defined twice, differently")]
    Redefined {
        /// The id.
        id: u32,
    },
    /// A call site has an id that is reserved. It is skipped, and so are records that are tagged with it.
    #[error("call site {id} has a reserved id")]
    ReservedId {
        /// The id.
        id: u32,
    },
    /// A ring is assigned to a second thread. It counts as the ring of the first one.
    #[error("ring {ring} is given to two threads")]
    RedefinedThread {
        /// The ring.
        ring: u32,
    },
    /// The message of a call site cannot be printed. Its template is shown instead.
    #[error("the message of call site {id} cannot be printed: {why}")]
    Template {
        /// The call site's id.
        id: u32,
        /// Why not.
        why: CompileError,
    },
    /// Another dump begins within the file.
    #[error("another dump begins here: cut the file in two")]
    AnotherDump,
    /// Frames follow the one that ends the file.
    #[error("frames follow the end frame")]
    AfterEnd,
    /// A block's records cannot be read, or not all of them.
    #[error("{lost} record(s) of ring {ring} cannot be read: {why}")]
    Block {
        /// The ring of the records.
        ring: u32,
        /// How many records, by the block's header.
        lost: u32,
        /// Why not.
        why: BlockError,
    },
    /// Records are tagged with call sites that the dictionary does not have.
    #[error(
        "{records} record(s) of ring {ring} belong to unknown call sites, the first to {first}"
    )]
    UnknownSite {
        /// The ring of the records.
        ring: u32,
        /// How many records.
        records: u32,
        /// The first id.
        first: u32,
    },
    /// The values of records do not match their call sites.
    #[error("the values of {records} record(s) of ring {ring} cannot be read: {first}")]
    Values {
        /// The ring of the records.
        ring: u32,
        /// How many records.
        records: u32,
        /// Why the first of them cannot be read.
        first: ValueError,
    },
    /// The summary of a block lacks something that the block has. A search may skip the block because of it.
    #[error("the summary of a block of ring {ring} does not cover {records} of its record(s)")]
    Summary {
        /// The block's ring.
        ring: u32,
        /// How many records.
        records: u32,
    },
    /// Bytes are left over after the last record of a block.
    #[error("the block of ring {ring} has bytes after its last record")]
    Trailing {
        /// The block's ring.
        ring: u32,
    },
    /// A block does not begin with the record that follows the previous block of its ring.
    #[error("ring {ring} continues with record {found} instead of {expected}")]
    RecordGap {
        /// The ring.
        ring: u32,
        /// The number of the record that should come next.
        expected: u64,
        /// The number of the record that the block begins with.
        found: u64,
    },
    /// A block does not begin at the position where the previous block of its ring ended.
    #[error("ring {ring} continues at position {found} instead of {expected}")]
    PositionGap {
        /// The ring.
        ring: u32,
        /// Where the block before it ended.
        expected: u64,
        /// Where the block begins.
        found: u64,
    },
    /// A ring, or the ring directory of a dead writer, is damaged.
    #[error("{0}")]
    Rings(RingDamage),
    /// The file is shorter than its writer left it.
    #[error("{written} bytes were written, but the file has only {found}")]
    Shortened {
        /// How many bytes there were.
        written: u64,
        /// How many there are.
        found: u64,
    },
    /// Another program shortened the file while it was read; the missing part reads as zeros. See
    /// [`survive_shrinking_files`](crate::survive_shrinking_files).
    #[error("another program shortened the file while it was read; read a copy of it")]
    Shrunk,
    /// A block states an end before its beginning, so its place in the ring is unknown.
    #[error("a block of ring {ring} goes from position {begin} back to {end}")]
    Backwards {
        /// The ring.
        ring: u32,
        /// Where the block begins.
        begin: u64,
        /// Where it ends.
        end: u64,
    },
    /// A ring was not in a file, or its file was deleted, when its writer died. The number of its records is
    /// unknown.
    #[error("{}", ring_lost(*ring, thread, *number, *is_unlinked))]
    RingLost {
        /// The ring; 0 for all rings that are not named one by one.
        ring: u32,
        /// The name of its thread, if it is known.
        thread: Box<str>,
        /// The number of the first record that the dump does not have.
        number: u64,
        /// Whether its file was deleted while the writer ran; otherwise the ring was in memory.
        is_unlinked: bool,
    },
    /// A count that the file states is wrong.
    #[error("{what} says {stated}, but there are {found}")]
    Disagrees {
        /// The part of the file that states it.
        what: &'static str,
        /// The stated count.
        stated: u64,
        /// The actual count.
        found: u64,
    },
}

impl DamageCause {
    /// The bound of [`Limits`](crate::Limits) that was exceeded; `None` if the damage has another cause.
    #[must_use]
    pub const fn exceeded_limit(&self) -> Option<Limit> {
        match self {
            Self::Metadata { why: MetadataError::TooLong { .. }, .. } => Some(Limit::MetadataBytes),
            Self::Rings(damage) => damage.exceeded_limit(),
            _ => None,
        }
    }
}

/// The indefinite article of a frame's name.
fn article(kind: &str) -> &'static str {
    if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

fn ring_lost(ring: u32, thread: &str, number: u64, is_unlinked: bool) -> String {
    let what = match (ring, is_unlinked) {
        (0, _) => "rings of this log were in memory when their writer died".to_owned(),
        (_, false) => format!("{} was in memory when its writer died", named(ring, thread)),
        (_, true) => {
            format!("the file of {} was deleted before its writer died", named(ring, thread))
        }
    };
    let records = match (ring, number) {
        (0, _) => "their records".to_owned(),
        (_, 0) => "its records".to_owned(),
        (_, number) => format!("its records from {number} on"),
    };
    format!("{what}: an unknown number of {records} is missing")
}

fn named(ring: u32, thread: &str) -> String {
    if thread.is_empty() {
        return format!("ring {ring}");
    }
    let mut text = format!("ring {ring} (thread ");
    crate::escape::push_escaped(&mut text, thread);
    text.push(')');
    text
}

/// Why a frame of metadata cannot be understood.
///
/// # Examples
///
/// ```
/// use stenolog_decoder::MetadataError;
///
/// let error = MetadataError::TooLong { bytes: 4096, limit: 1000 };
/// assert_eq!(error.to_string(), "it has 4096 bytes; the limit is 1000");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The payload is too short.
    #[error("it has only {bytes} bytes")]
    Short {
        /// Its length.
        bytes: usize,
    },
    /// The payload exceeds the limit.
    #[error("it has {bytes} bytes; the limit is {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// How many bytes [`Limits`](crate::Limits) still allow.
        limit: usize,
    },
    /// The payload does not have the expected structure.
    #[error("{0}")]
    Malformed(Box<str>),
}

impl MetadataError {
    pub(crate) fn malformed(why: impl fmt::Display) -> Self {
        Self::Malformed(why.to_string().into())
    }
}

/// What is wrong with a ring, or with a ring directory.
///
/// # Examples
///
/// ```
/// use stenolog_decoder::RingDamage;
///
/// let damage = RingDamage::Twice { ring: 3 };
/// assert_eq!(damage.to_string(), "holds ring 3, like another file: it is ignored");
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RingDamage {
    /// A file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Io(io::ErrorKind),
    /// A link, a directory, or a file of another user.
    #[error("is not a file that the writer made: it is ignored")]
    Foreign,
    /// A file is not a ring, or its header is damaged.
    #[error("cannot be read as a ring: {0}")]
    NoRing(Box<str>),
    /// A ring of another run.
    #[error("is of another session: it is ignored")]
    OtherSession,
    /// A ring of a kind that loggers do not use.
    #[error("is a ring of a kind that loggers do not use: it is ignored")]
    Kind,
    /// Two files claim to be the same ring.
    #[error("holds ring {ring}, like another file: it is ignored")]
    Twice {
        /// The ring.
        ring: u32,
    },
    /// There are more files than may be read.
    #[error("{files} ring files exceed the limit of {limit}")]
    TooMany {
        /// How many there are.
        files: usize,
        /// How many may be read.
        limit: usize,
    },
    /// A file is longer than any ring, or than may still be read.
    #[error("has {bytes} bytes; the limit is {limit}")]
    TooLong {
        /// Its length.
        bytes: u64,
        /// How many bytes may still be read.
        limit: u64,
    },
    /// The ring does not state the number of its first record.
    #[error("does not state the number of the record at {position}; {number} is assumed")]
    Number {
        /// Where the ring begins.
        position: u64,
        /// The assumed number: the one after the dump's last record, or 0.
        number: u64,
    },
    /// The dump and the ring disagree on where a record is.
    #[error("ring {ring} has record {number} at {found}, but the dump says {expected} or later")]
    Disagrees {
        /// The ring.
        ring: u32,
        /// The record's number.
        number: u64,
        /// The position where the dump's records end.
        expected: u64,
        /// The position of the record in the ring.
        found: u64,
    },
    /// The ring has a record after the position where the dump's records end, though the dump has it.
    #[error(
        "ring {ring} has record {number} at {found}, but the dump has it, and ends at {expected}"
    )]
    Misplaced {
        /// The ring.
        ring: u32,
        /// The record's number.
        number: u64,
        /// Where the dump's records end.
        expected: u64,
        /// Where the ring has the record.
        found: u64,
    },
    /// The file ends before the ring does.
    #[error("ring {ring} is cut at position {position}: its records after that are lost")]
    Cut {
        /// The ring.
        ring: u32,
        /// The position in the ring.
        position: u64,
    },
    /// The bytes at a position are not a record header.
    #[error("ring {ring} is damaged at position {position}: its records after that are lost")]
    Header {
        /// The ring.
        ring: u32,
        /// The position in the ring.
        position: u64,
    },
    /// Records are too short.
    #[error("{records} record(s) of ring {ring} cannot be read: {why}")]
    Records {
        /// The ring.
        ring: u32,
        /// How many.
        records: u64,
        /// Why not.
        why: ValueError,
    },
    /// The writer's list of which rings are in files is missing.
    #[error("does not say where the rings were: some may have been in memory, and are lost")]
    NoList,
    /// More rings were in memory than the list has room for.
    #[error(
        "{rings} more ring(s) were in memory when their writer died: their records are missing"
    )]
    Unlisted {
        /// How many.
        rings: u64,
    },
    /// The session had a directory before this one.
    #[error("is the second ring directory of its session, and the first is missing")]
    NoFirst,
    /// The metadata that explains the records is incomplete.
    #[error("call sites and threads cannot all be read: {0}")]
    Meta(Box<str>),
}

impl RingDamage {
    const fn exceeded_limit(&self) -> Option<Limit> {
        match *self {
            Self::TooMany { .. } => Some(Limit::RingFiles),
            // No limit lets in a file that is longer than any ring.
            Self::TooLong { limit, .. } if limit < MAX_RING_FILE_BYTES => Some(Limit::RingBytes),
            _ => None,
        }
    }
}
