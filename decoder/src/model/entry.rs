//! What comes out of a dump: records, and what is missing between them.

use std::fmt;

use stenolog_format::dictionary::{CallSite, Level, Thread};
use stenolog_format::loss::{GoneCause, Loss};
use stenolog_format::value::Value;

use crate::escape::push_escaped;
use crate::json::write_json_string;
use crate::model::site::Site;
use crate::render::Literal;

/// Something that happened, in its place among the others.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Entry<'a> {
    /// What a call site logged.
    Record(Record<'a>),
    /// Records that should be here and are not.
    Loss(LossEntry<'a>),
}

impl Entry<'_> {
    /// When it happened, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ns(&self) -> i64 {
        match self {
            Self::Record(record) => record.unix_ns,
            Self::Loss(loss) => loss.unix_ns,
        }
    }

    /// The severity; [`Level::Warn`] for losses.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::Record(record) => record.level(),
            Self::Loss(_) => Level::Warn,
        }
    }

    pub(crate) fn origin(&self) -> &Origin<'_> {
        match self {
            Self::Record(record) => &record.origin,
            Self::Loss(loss) => &loss.origin,
        }
    }

    /// How the thread is called.
    #[must_use]
    pub fn thread_name(&self) -> &str {
        match self {
            Self::Record(record) => record.thread_name(),
            Self::Loss(loss) => loss.thread_name(),
        }
    }
}

/// Whose ring it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) ring: u32,
    pub(crate) thread: Option<&'a Thread>,
    pub(crate) thread_name: &'a ThreadName,
    pub(crate) dump: usize,
}

/// How a thread is called in the output.
#[derive(Clone, Debug)]
pub(crate) struct ThreadName {
    pub(crate) name: String,
    /// For text formats.
    pub(crate) text: String,
    /// For JSON: `,"thread":"…",`.
    pub(crate) json: String,
    /// The same.
    pub(crate) json_literal: Literal,
    /// For [`Format::Short`](crate::Format::Short), by level: what stands between time and target.
    pub(crate) short: [Literal; 5],
}

impl ThreadName {
    pub(crate) fn new(ring: u32, thread: Option<&Thread>) -> Self {
        let name = match thread {
            Some(thread) if !thread.name.is_empty() => thread.name.clone(),
            Some(thread) if thread.os_id != 0 => format!("thread-{}", thread.os_id),
            _ => format!("ring-{ring}"),
        };
        let mut text = String::new();
        push_escaped(&mut text, &name);
        let mut json = String::from(",\"thread\":");
        write_json_string(&mut json, &name);
        json.push(',');
        let short = |level: Level| Literal::from(&*format!(" {:>5} {text} ", level.as_str()));
        let short = Level::ALL.map(short);
        let json_literal = Literal::from(&*json);
        Self { name, text, json, json_literal, short }
    }
}

/// A record with its values.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    pub(crate) site: &'a Site,
    pub(crate) origin: Origin<'a>,
    pub(crate) unix_ns: i64,
    pub(crate) number: u64,
    pub(crate) values: &'a [Value<'a>],
}

impl<'a> Record<'a> {
    /// The call site that logged it.
    #[must_use]
    pub fn site(&self) -> &'a Site {
        self.site
    }

    /// What the dictionary says of the call site.
    #[must_use]
    pub fn call_site(&self) -> &'a CallSite {
        self.site.call_site()
    }

    /// The severity.
    #[must_use]
    pub fn level(&self) -> Level {
        self.call_site().level
    }

    /// The thread that logged it, if the dump says.
    #[must_use]
    pub fn thread(&self) -> Option<&'a Thread> {
        self.origin.thread
    }

    /// The thread's name; `thread-<id>` if it has none, `ring-<id>` if nothing is known of it.
    #[must_use]
    pub fn thread_name(&self) -> &'a str {
        &self.origin.thread_name.name
    }

    /// When it was logged, or the time that the caller gave, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn unix_ns(&self) -> i64 {
        self.unix_ns
    }

    /// The ring that it went through; unique in its session.
    #[must_use]
    pub fn ring(&self) -> u32 {
        self.origin.ring
    }

    /// How many records the ring had held before it.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Which of the decoder's dumps it comes from.
    #[must_use]
    pub fn dump_index(&self) -> usize {
        self.origin.dump
    }

    /// The values, one for each slot of the call site.
    #[must_use]
    pub fn values(&self) -> &'a [Value<'a>] {
        self.values
    }

    /// Appends the message as `format!` would have made it; nothing if the call site has none.
    pub fn write_message(&self, out: &mut String) {
        self.site.write_message(out, self.values);
    }

    /// The named values, under names that are unique in the record: a name that comes again is
    /// numbered (`name`, `name_2`, …).
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, &'a Value<'a>)> + use<'a> {
        let values = self.values;
        self.site
            .fields()
            .iter()
            .filter_map(move |field| Some((&*field.name, values.get(field.slot)?)))
    }
}

/// Records that are missing at this place.
#[derive(Clone, Debug)]
pub struct LossEntry<'a> {
    pub(crate) origin: Origin<'a>,
    pub(crate) unix_ns: i64,
    pub(crate) cause: LossCause,
    pub(crate) merged: Merged,
}

/// Of how many statements one was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merged {
    statements: u64,
    /// When the first one was.
    first_unix_ns: i64,
    /// The number behind the last record, where records are told by numbers.
    behind: u64,
}

impl Merged {
    /// Takes in another one.
    pub(crate) fn add(&mut self, more: &Self) {
        self.statements = self.statements.saturating_add(more.statements);
        self.first_unix_ns = self.first_unix_ns.min(more.first_unix_ns);
        self.behind = self.behind.max(more.behind);
    }
}

/// Why records are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossCause {
    /// The logger could not record them, and says so.
    Unrecorded {
        /// Because the ring was full, by [`Level::index`].
        full: [u64; 5],
        /// Because they were longer than the ring, by level.
        too_large: [u64; 5],
    },
    /// The ring had held them, but the files do not have them (any more), or not so that they can be
    /// read.
    Missing {
        /// The number of the first one in its ring.
        first: u64,
        /// How many there are.
        count: u64,
        /// What became of them: a kind that no logger states.
        kind: LossKind,
    },
    /// They had been written, and were taken away with the file that had them; the logger says so.
    Gone {
        /// The number of the first one in its ring.
        first: u64,
        /// How many there are.
        count: u64,
        /// What became of the file; `None` if only a later version knows.
        why: Option<GoneCause>,
    },
}

/// Why records are missing, in a word: the ledger that is summed up at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LossKind {
    /// Their ring was full; stated by the logger.
    RingFull,
    /// They were longer than their ring; stated by the logger.
    TooLarge,
    /// Numbers are left out, and nothing tells why.
    Missing,
    /// They had been written, and are gone with their file, or a part of it; stated by the logger.
    Gone,
    /// Their frame is cut.
    TornFrame,
    /// Their block is not what was written.
    BadChecksum,
    /// No dictionary frame has their call site.
    UnknownCallSite,
    /// Their block, or their values, cannot be understood.
    Unreadable,
}

impl LossKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::RingFull,
        Self::TooLarge,
        Self::Missing,
        Self::Gone,
        Self::TornFrame,
        Self::BadChecksum,
        Self::UnknownCallSite,
        Self::Unreadable,
    ];

    /// The word that stands for it in JSON, which does not change: `ring_full`, `too_large`,
    /// `missing`, `gone`, `torn_frame`, `bad_checksum`, `unknown_call_site`, `unreadable`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::TooLarge => "too_large",
            Self::Missing => "missing",
            Self::Gone => "gone",
            Self::TornFrame => "torn_frame",
            Self::BadChecksum => "bad_checksum",
            Self::UnknownCallSite => "unknown_call_site",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for LossKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'a> LossEntry<'a> {
    pub(crate) fn new(origin: Origin<'a>, unix_ns: i64, cause: LossCause) -> Self {
        let behind = match cause {
            LossCause::Unrecorded { .. } => 0,
            LossCause::Missing { first, count, .. } | LossCause::Gone { first, count, .. } => {
                first.saturating_add(count)
            }
        };
        let merged = Merged { statements: 1, first_unix_ns: unix_ns, behind };
        Self { origin, unix_ns, cause, merged }
    }

    /// How many statements were [merged](crate::Losses::Merged) into this one; otherwise one.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.merged.statements
    }

    /// The time of the first of the [statements](Self::statements).
    #[must_use]
    pub fn first_unix_ns(&self) -> i64 {
        self.merged.first_unix_ns
    }
    /// The time: after the last of the lost records; of merged statements, that of the last one.
    #[must_use]
    pub fn unix_ns(&self) -> i64 {
        self.unix_ns
    }

    /// The ring that did not hold them.
    #[must_use]
    pub fn ring(&self) -> u32 {
        self.origin.ring
    }

    /// The thread that logged them, if the dump says.
    #[must_use]
    pub fn thread(&self) -> Option<&Thread> {
        self.origin.thread
    }

    /// As [`Record::thread_name`].
    #[must_use]
    pub fn thread_name(&self) -> &str {
        &self.origin.thread_name.name
    }

    /// Why.
    #[must_use]
    pub fn cause(&self) -> LossCause {
        self.cause
    }

    /// Why, in a word. Where both kinds of the logger's own come together, it is
    /// [`LossKind::RingFull`]; [`cause`](Self::cause) tells them apart.
    #[must_use]
    pub fn kind(&self) -> LossKind {
        match self.cause {
            LossCause::Unrecorded { full, .. } if full.iter().any(|&count| count > 0) => {
                LossKind::RingFull
            }
            LossCause::Unrecorded { .. } => LossKind::TooLarge,
            LossCause::Missing { kind, .. } => kind,
            LossCause::Gone { .. } => LossKind::Gone,
        }
    }

    /// How many.
    #[must_use]
    pub fn total(&self) -> u64 {
        match self.cause {
            LossCause::Unrecorded { full, too_large } => {
                Loss { counter: 0, full, too_large }.total()
            }
            LossCause::Missing { count, .. } | LossCause::Gone { count, .. } => count,
        }
    }
}

/// The message that stands for the loss, such as `17 records lost: ring full (12 DEBUG, 5 TRACE)`.
impl fmt::Display for LossEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        let records = if total == 1 { "record" } else { "records" };
        match self.cause {
            LossCause::Unrecorded { full, too_large } => {
                write!(f, "{total} {records} lost: ")?;
                let mut separator = "";
                let full_why = match self.origin.ring {
                    Loss::NO_RING => "no memory for a ring",
                    _ => "ring full",
                };
                for (counts, why) in [(full, full_why), (too_large, "longer than the ring")] {
                    if counts.iter().any(|&count| count > 0) {
                        write!(f, "{separator}{why} (")?;
                        write_counts(f, &counts)?;
                        f.write_str(")")?;
                        separator = ", ";
                    }
                }
                Ok(())
            }
            LossCause::Missing { first, count, kind } => {
                let (verb, why) = match kind {
                    LossKind::TornFrame => ("lost", "their frame is cut; "),
                    LossKind::BadChecksum => ("lost", "the checksum of their block is wrong; "),
                    LossKind::UnknownCallSite => ("lost", "their call site is unknown; "),
                    LossKind::Unreadable => ("lost", "what stands there cannot be read; "),
                    _ => ("missing", ""),
                };
                write!(f, "{total} {records} {verb}: {why}")?;
                write_numbers(f, first, count, self.merged.behind)
            }
            LossCause::Gone { first, count, why } => {
                let what = match why {
                    Some(GoneCause::Removed) => "the file that had them was deleted",
                    Some(GoneCause::Truncated) => "the file that had them was truncated",
                    Some(GoneCause::Unsaved) => "the operating system did not save them",
                    Some(GoneCause::Overwritten) => {
                        "another program wrote to their ring's file; there may be more"
                    }
                    _ => "the file that had them does not have them any more",
                };
                write!(f, "{total} {records} lost: {what} (")?;
                write_numbers(f, first, count, self.merged.behind)?;
                f.write_str(")")
            }
        }?;
        if self.merged.statements == 1 {
            return Ok(());
        }
        let nanos = self.unix_ns.abs_diff(self.merged.first_unix_ns);
        let within = std::time::Duration::from_nanos(nanos);
        write!(f, "; {} times in {within:?}", self.merged.statements)
    }
}

fn write_numbers(f: &mut fmt::Formatter<'_>, first: u64, count: u64, behind: u64) -> fmt::Result {
    if behind.saturating_sub(first) > count {
        let last = behind.saturating_sub(1);
        return write!(f, "among the numbers {first} to {last} of their ring");
    }
    match count {
        1 => write!(f, "number {first} of its ring"),
        _ => {
            let last = first.saturating_add(count).saturating_sub(1);
            write!(f, "numbers {first} to {last} of their ring")
        }
    }
}

fn write_counts(f: &mut fmt::Formatter<'_>, counts: &[u64; 5]) -> fmt::Result {
    let mut separator = "";
    for level in Level::ALL {
        let count = counts[level.index()];
        if count > 0 {
            write!(f, "{separator}{count} {level}")?;
            separator = ", ";
        }
    }
    Ok(())
}
