//! Summary of a read: what was counted, and what is wrong with the files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::session;
use super::tally::Tally;
use crate::dump::Dump;
use crate::model::damage::Damage;
use crate::model::loss::LossKind;
use crate::model::state::DumpState;

/// A summary of what a decoder has read so far, and of what it could not read.
///
/// It serializes to JSON in the words of `steno verify --json`.
///
/// ```
/// use std::ops::ControlFlow;
/// use stenolog_decoder::{Decoder, Dump};
///
/// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
/// let mut decoder = Decoder::new(dump);
/// let _ = decoder.for_each(|_| ControlFlow::Continue(()));
/// let summary = decoder.summary();
/// for damage in &summary.damage {
///     eprintln!("{damage}");
/// }
/// assert_eq!(serde_json::to_value(&summary).unwrap()["records"], 4);
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Summary {
    /// Records that were read, wanted or not, except unreadable ones and those in blocks that were
    /// skipped because they hold no wanted records. Events of spans are records too.
    pub records: u64,
    /// Records that the filter let pass.
    pub shown: u64,
    /// Of the records that were read, those that came from the [rings](crate::Recovery) of a writer
    /// that died.
    pub recovered: u64,
    /// Records that the logger states it could not record.
    pub lost: u64,
    /// Records that should be in the files and are not.
    pub missing: u64,
    /// All records that are not there, by cause, including those of `lost` and `missing`.
    pub by_cause: BTreeMap<LossKind, u64>,
    /// Records that the files hold more than once.
    pub duplicates: u64,
    /// What is wrong with the files.
    pub damage: Vec<Damage>,
    /// The files that end early and have no live logger that could continue them.
    pub unfinished: Vec<Arc<Path>>,
}

impl Summary {
    pub(super) fn new(tally: &Tally, dumps: &[Dump], has_read_all: bool) -> Self {
        let Tally { records, shown, recovered, lost, missing, by_cause, duplicates, .. } = tally;
        let of_scan = |dump: &Dump| {
            let is_unscanned = has_read_all && dump.is_by_index();
            let scanned = if is_unscanned { dump.whole() } else { Cow::Borrowed(dump) };
            scanned.damage().to_vec()
        };
        let of_scan = dumps.iter().flat_map(of_scan);
        let is_unfinished = |dump: &&Dump| {
            dump.state() == DumpState::Unfinished && !session::is_completed(dump, dumps)
        };
        // There may be a million places, and as many files.
        let have_rings = dumps.iter().any(Dump::is_from_rings);
        let counts = |damage: &Damage| !have_rings || !session::is_replaced(damage, dumps);
        Self {
            records: *records,
            shown: *shown,
            recovered: *recovered,
            lost: *lost,
            missing: *missing,
            by_cause: by_cause.clone(),
            duplicates: *duplicates,
            // A file that became shorter explains much of the rest, so it comes first.
            damage: dumps
                .iter()
                .filter_map(Dump::shrinking)
                .chain(of_scan.chain(tally.damage(dumps)).filter(counts))
                .collect(),
            unfinished: dumps
                .iter()
                .filter(is_unfinished)
                .map(|dump| dump.file().clone())
                .collect(),
        }
    }

    /// Whether everything that was logged is there: no damage, no loss, no file that ends early.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.lost == 0 && self.missing == 0 && self.damage.is_empty() && self.unfinished.is_empty()
    }
}
