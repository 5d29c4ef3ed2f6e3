//! Losses: how many records are missing at a place, and why.

use std::fmt;

use stenolog_format::dictionary::{Level, Thread};
use stenolog_format::loss::{GoneCause, Loss};

use crate::model::origin::EntryOrigin;

/// The target that formats and filters show for a loss.
pub(crate) const LOSS_TARGET: &str = "stenolog";

/// Records that are missing at this place.
///
/// Its `Display` is the message that every format shows for it, such as
/// `17 records lost: ring full (12 DEBUG, 5 TRACE)`.
///
/// ```
/// use stenolog_decoder::{Entry, LossKind};
///
/// fn is_full_ring(entry: &Entry<'_>) -> bool {
///     matches!(entry, Entry::Loss(loss) if loss.kind() == LossKind::RingFull)
/// }
/// ```
#[derive(Clone, Debug)]
pub struct LossEntry<'a> {
    pub(crate) origin: EntryOrigin<'a>,
    pub(crate) facts: LossFacts,
}

/// The facts about a loss except its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LossFacts {
    pub(crate) unix_ns: i64,
    pub(crate) cause: LossCause,
    pub(crate) merged: Merged,
}

/// The statements that one was merged from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merged {
    statements: u64,
    /// The time of the first one.
    first_unix_ns: i64,
    /// The number after the last record, for causes that number records.
    end: u64,
}

impl Merged {
    /// Merges another one into this.
    pub(crate) fn add(&mut self, more: &Self) {
        self.statements = self.statements.saturating_add(more.statements);
        self.first_unix_ns = self.first_unix_ns.min(more.first_unix_ns);
        self.end = self.end.max(more.end);
    }
}

/// Why records are missing, with the counts that are known.
///
/// [`LossKind`] is the same in a word.
///
/// ```
/// use stenolog_decoder::{LossCause, LossKind};
///
/// let cause = LossCause::Missing { first: 7, count: 3, kind: LossKind::TornFrame };
/// assert!(matches!(cause, LossCause::Missing { count: 3, .. }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LossCause {
    /// The logger could not record them, and states it.
    Unrecorded {
        /// Because the ring was full, by [`Level::index`].
        full: [u64; 5],
        /// Because they were longer than the ring, by level.
        too_large: [u64; 5],
    },
    /// The ring had them, but the files lack them, or have them in a form that cannot be read.
    Missing {
        /// The number of the first one in its ring.
        first: u64,
        /// How many there are.
        count: u64,
        /// What happened to them. Never a kind that only loggers state.
        kind: LossKind,
    },
    /// They were written and then removed with their file, as the logger states.
    Gone {
        /// The number of the first one in its ring.
        first: u64,
        /// How many there are.
        count: u64,
        /// What happened to the file; `None` for a cause that only a later version knows.
        why: Option<GoneCause>,
    },
}

/// The kind of a loss: the key of [`Summary::by_cause`](crate::Summary).
///
/// ```
/// use stenolog_decoder::LossKind;
///
/// assert_eq!(LossKind::RingFull.to_string(), "ring_full");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LossKind {
    /// Their ring was full; stated by the logger.
    RingFull,
    /// They were longer than their ring; stated by the logger.
    TooLarge,
    /// Their numbers are skipped, for an unknown reason.
    Missing,
    /// They were written and are gone with their file or a part of it; stated by the logger.
    Gone,
    /// Their frame is cut.
    TornFrame,
    /// The checksum of their block is wrong.
    BadChecksum,
    /// No dictionary frame has their call site.
    UnknownCallSite,
    /// Their block, or their values, cannot be decoded.
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

    /// Its name in JSON, which never changes: `ring_full`, `too_large`, `missing`, `gone`,
    /// `torn_frame`, `bad_checksum`, `unknown_call_site`, `unreadable`.
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
    pub(crate) fn new(origin: EntryOrigin<'a>, unix_ns: i64, cause: LossCause) -> Self {
        let end = match cause {
            LossCause::Unrecorded { .. } => 0,
            LossCause::Missing { first, count, .. } | LossCause::Gone { first, count, .. } => {
                first.saturating_add(count)
            }
        };
        let merged = Merged { statements: 1, first_unix_ns: unix_ns, end };
        Self { origin, facts: LossFacts { unix_ns, cause, merged } }
    }

    pub(crate) const fn of(origin: EntryOrigin<'a>, facts: LossFacts) -> Self {
        Self { origin, facts }
    }

    /// The number of statements that were [merged](crate::Losses::Merged) into this one, at least 1.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.facts.merged.statements
    }

    /// The time of the first of the [statements](Self::statements).
    #[must_use]
    pub fn first_unix_ns(&self) -> i64 {
        self.facts.merged.first_unix_ns
    }

    /// The time: after the last of the lost records; of merged statements, that of the last one.
    #[must_use]
    pub fn unix_ns(&self) -> i64 {
        self.facts.unix_ns
    }

    /// The ring that lacks them.
    #[must_use]
    pub fn ring(&self) -> u32 {
        self.origin.ring
    }

    /// The thread that logged them, if the dump says.
    #[must_use]
    pub fn thread(&self) -> Option<&'a Thread> {
        self.origin.thread
    }

    /// As [`Record::thread_name`](crate::Record::thread_name).
    #[must_use]
    pub fn thread_name(&self) -> &'a str {
        self.origin.thread_name
    }

    /// Why they are missing.
    #[must_use]
    pub fn cause(&self) -> LossCause {
        self.facts.cause
    }

    /// The kind of the loss. If a statement has both causes that a logger states, this is
    /// [`LossKind::RingFull`]; [`cause`](Self::cause) distinguishes them.
    #[must_use]
    pub fn kind(&self) -> LossKind {
        match self.facts.cause {
            LossCause::Unrecorded { full, .. } if full.iter().any(|&count| count > 0) => {
                LossKind::RingFull
            }
            LossCause::Unrecorded { .. } => LossKind::TooLarge,
            LossCause::Missing { kind, .. } => kind,
            LossCause::Gone { .. } => LossKind::Gone,
        }
    }

    /// The number of missing records.
    #[must_use]
    pub fn total(&self) -> u64 {
        match self.facts.cause {
            LossCause::Unrecorded { full, too_large } => {
                Loss { counter: 0, full, too_large }.total()
            }
            LossCause::Missing { count, .. } | LossCause::Gone { count, .. } => count,
        }
    }
}

impl fmt::Display for LossEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total();
        let records = if total == 1 { "record" } else { "records" };
        match self.facts.cause {
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
                    LossKind::Unreadable => ("lost", "the bytes there cannot be read; "),
                    _ => ("missing", ""),
                };
                write!(f, "{total} {records} {verb}: {why}")?;
                write_numbers(f, first, count, self.facts.merged.end)
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
                write_numbers(f, first, count, self.facts.merged.end)?;
                f.write_str(")")
            }
        }?;
        if self.facts.merged.statements == 1 {
            return Ok(());
        }
        let nanos = self.facts.unix_ns.abs_diff(self.facts.merged.first_unix_ns);
        let within = std::time::Duration::from_nanos(nanos);
        write!(f, "; {} times in {within:?}", self.facts.merged.statements)
    }
}

fn write_numbers(f: &mut fmt::Formatter<'_>, first: u64, count: u64, end: u64) -> fmt::Result {
    if end.saturating_sub(first) > count {
        let last = end.saturating_sub(1);
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
