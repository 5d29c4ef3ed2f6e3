//! Owned entries, which a program can keep.

use std::sync::Arc;

use stenolog_format::dictionary::{Level, Thread};

use crate::model::entry::Entry;
use crate::model::loss::{LossEntry, LossFacts};
use crate::model::origin::RingName;
use crate::model::raw_values::OwnedValues;
use crate::model::record::{Record, RecordValues};
use crate::model::site::CompiledSite;
use crate::model::span::SpanChain;

/// An entry that borrows nothing, so a program can keep it, sort it or send it to another thread.
///
/// It holds the encoded values, and decodes them on request.
///
/// ```
/// use stenolog_decoder::{Decoder, Dump, Level, OwnedEntry};
///
/// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
/// let mut decoder = Decoder::new(dump);
/// let errors: Vec<OwnedEntry> =
///     decoder.entries().filter(|entry| entry.level() == Level::Error).collect();
/// for error in &errors {
///     println!("{}", error.as_entry().thread_name());
/// }
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Debug)]
pub struct OwnedEntry {
    pub(crate) origin: Arc<RingName>,
    pub(crate) dump: usize,
    pub(crate) unix_ns: i64,
    pub(crate) kind: OwnedKind,
}

/// The kinds of [`OwnedEntry`].
#[derive(Clone, Debug)]
pub(crate) enum OwnedKind {
    Record {
        site: Arc<CompiledSite>,
        site_index: u32,
        number: u64,
        values: OwnedValues,
        spans: Option<Arc<SpanChain>>,
    },
    Loss(LossFacts),
}

impl OwnedEntry {
    /// The time, in nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn unix_ns(&self) -> i64 {
        self.unix_ns
    }

    /// The severity; [`Level::Warn`] for losses.
    #[must_use]
    pub fn level(&self) -> Level {
        match &self.kind {
            OwnedKind::Record { site, .. } => site.call_site().level,
            OwnedKind::Loss(_) => Level::Warn,
        }
    }

    /// The thread's name, as [`Record::thread_name`].
    #[must_use]
    pub fn thread_name(&self) -> &str {
        &self.origin.name
    }

    /// The thread, if the dump knows it.
    #[must_use]
    pub fn thread(&self) -> Option<&Thread> {
        self.origin.thread.as_ref()
    }

    /// The ring that it went through, or that lacks it. The id is unique in its session.
    #[must_use]
    pub fn ring(&self) -> u32 {
        self.origin.ring
    }

    /// The entry with its values decoded. What the other methods return needs no decoding.
    #[must_use]
    pub fn as_entry(&self) -> Entry<'_> {
        let origin = self.origin.origin(self.dump);
        let unix_ns = self.unix_ns;
        match &self.kind {
            OwnedKind::Record { site, site_index, number, values, spans } => {
                let (site_index, number, mut decoded) = (*site_index, *number, Vec::new());
                // They were decoded once before, so this does not fail.
                let _ = values.as_raw().decode(site, &mut decoded);
                let values = RecordValues::Owned(decoded);
                let spans = spans.as_ref();
                Entry::of(Record { site, site_index, origin, unix_ns, number, values, spans })
            }
            OwnedKind::Loss(facts) => Entry::Loss(LossEntry::of(origin, *facts)),
        }
    }
}
