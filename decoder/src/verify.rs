//! Verification: reads all of a dump and proves it complete, or lists what is damaged or missing.
//!
//! ```text
//!   frames ──▶ summary, index,
//!              spans             checksums, and whether they agree with the blocks
//!   blocks ──▶ block             checksums, each record with its values
//!          ──▶ ring_state        numbers and positions continue without a gap, ring by ring
//!   end    ──▶ index             the sums that the writer stated
//! ```
//!
//! [`info`](crate::info()) uses the same checks, but for those that need records.

mod block;
pub(crate) mod damage_log;
pub(crate) mod index;
pub(crate) mod ring_state;
pub(crate) mod spans;
pub(crate) mod summary;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::dump::{CheckedFrames, Dump, RingFacts, Unpacker};
use crate::model::damage::Damage;
use crate::model::loss::LossKind;
use crate::model::state::{DumpState, Tail};
use damage_log::DamageLog;
use ring_state::RingState;

/// The result of reading a whole dump.
///
/// It serializes to the JSON that `steno verify --json` prints.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, Verification, verify};
///
/// let found: Verification = verify(&Dump::open("app.steno")?);
/// for (cause, records) in &found.by_cause {
///     println!("{cause}: {records} records");
/// }
/// println!("{}", serde_json::to_string(&found)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// The file.
    pub file: Arc<Path>,
    /// The length of the file when it was opened.
    pub bytes: u64,
    /// How the file ends.
    pub tail: Tail,
    /// Whether its logger is still writing; `None` if that is unknown.
    pub writer_is_alive: Option<bool>,
    /// Intact frames.
    pub frames: u64,
    /// Blocks whose records were all read.
    pub blocks: u64,
    /// Records that were read, without events of spans.
    pub records: u64,
    /// Events of spans that were read. In [`rings`](Self::rings) they count as records: they have numbers too.
    pub spans: u64,
    /// Records that the logger states it could not record.
    pub lost: u64,
    /// Records that were in a ring but are not in the file, by gaps in their numbers.
    pub missing: u64,
    /// All absent records by cause, including those in `lost` and `missing`.
    pub by_cause: BTreeMap<LossKind, u64>,
    /// Records that were lost with an earlier file of the log, or with a part of it, as this file states. They
    /// were never in this file.
    pub gone: u64,
    /// Records that came from the rings of a dead writer, without events of spans.
    pub recovered: u64,
    /// Events of spans that came from these rings.
    pub recovered_spans: u64,
    /// Whether the rings hold everything that the writer had not written.
    pub is_completed: bool,
    /// The result for each ring, by id.
    pub rings: Vec<RingVerification>,
    /// All damage, by offset.
    pub damage: Vec<Damage>,
}

/// The result for one ring.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, verify};
///
/// for ring in verify(&Dump::open("app.steno")?).rings {
///     println!("ring {}: records {}..{}", ring.ring, ring.first_record, ring.next_record);
///     assert!(ring.is_complete() || ring.missing > 0 || ring.lost > 0 || !ring.is_whole);
/// }
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RingVerification {
    /// The ring's id.
    pub ring: u32,
    /// Records that were read.
    pub records: u64,
    /// The number of the first record that was found.
    pub first_record: u64,
    /// The number of the last record plus one.
    pub next_record: u64,
    /// The position of the first block, in bytes since the ring was created.
    pub position: u64,
    /// The position after the last block.
    pub end_position: u64,
    /// Records that its thread could not record.
    pub lost: u64,
    /// Records that were in the ring but are not in the file.
    pub missing: u64,
    /// Whether numbers and positions have no gap and all records could be read.
    pub is_whole: bool,
}

impl RingVerification {
    /// Whether each record that the thread logged was found.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.is_whole && self.missing == 0 && self.lost == 0
    }
}

impl Verification {
    /// Whether the file is finished or may still grow.
    #[must_use]
    pub fn state(&self) -> DumpState {
        DumpState::new(self.tail, self.writer_is_alive)
    }

    /// Whether the file holds everything that was written to it, unchanged, up to its end.
    ///
    /// Records that were [lost](Self::lost) before they could be written do not count, and neither do those
    /// that are [gone](Self::gone) with another file.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        let ends = self.state() != DumpState::Unfinished || self.is_completed;
        self.damage.is_empty() && self.missing == 0 && ends
    }

    /// Whether the file is [intact](Self::is_intact) and no record was lost on its way into it or is gone
    /// with another file.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_intact() && self.lost == 0 && self.gone == 0
    }
}

/// Reads a whole dump: each checksum, each record with its values, the order of each ring, and the counts in
/// indexes and in the end frame.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, verify};
///
/// let found = verify(&Dump::open("app.steno")?);
/// if !found.is_complete() {
///     eprintln!("{} records lost, {} missing", found.lost, found.missing);
/// }
/// for damage in &found.damage {
///     eprintln!("{damage}");
/// }
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[must_use]
pub fn verify(dump: &Dump) -> Verification {
    verify_with(dump, None)
}

/// Like [`verify`], for a dump together with the [rings](crate::Recovery) of its writer.
///
/// See [`info_with`](crate::info_with) for an example of how to read them.
#[must_use]
pub fn verify_with(dump: &Dump, rings: Option<&Dump>) -> Verification {
    let dump = &*dump.whole();
    let facts = rings.and_then(Dump::rings);
    let mut verifier = Verifier::new(dump, facts);
    summary::check(dump, &mut verifier.damage);
    spans::check(dump, &mut verifier.damage);
    verifier.blocks(facts);
    let gone = gone(dump);
    verifier.lose(LossKind::Gone, gone);
    verifier.loss_frames();
    index::check(dump, &mut verifier.damage);
    let all = verifier.records + verifier.spans;
    index::check_end(dump, all, verifier.lost(), &mut verifier.damage);
    let (of_dump, spans_of_dump) = (verifier.records, verifier.spans);
    if let Some(rings) = rings {
        verifier.go_on_with(rings);
        verifier.blocks(None);
        verifier.loss_frames();
    }
    let lost = verifier.lost();
    let missing = verifier.sum_up();
    let Verifier { damage, blocks, records, spans, by_cause, rings: states, .. } = verifier;
    Verification {
        file: Arc::clone(dump.file()),
        bytes: dump.len_bytes(),
        tail: dump.tail(),
        writer_is_alive: dump.writer_is_alive(),
        frames: dump.frames().total(),
        blocks,
        records,
        spans,
        lost,
        missing,
        by_cause,
        gone,
        recovered: records - of_dump,
        recovered_spans: spans - spans_of_dump,
        is_completed: facts
            .is_some_and(|rings| rings.completes(dump.header().sequence, dump.tail())),
        rings: states.into_iter().map(|(ring, state)| state.finish(ring)).collect(),
        damage: damage.finish(dump.shrinking()),
    }
}

/// How many records the file says are gone with another one.
pub(crate) fn gone(dump: &Dump) -> u64 {
    let gone = dump.tables().losses.iter().filter_map(|frame| frame.gone.as_ref());
    gone.fold(0, |sum, gone| sum.saturating_add(gone.count))
}

/// The state of a verification.
struct Verifier<'d> {
    dump: &'d Dump,
    damage: DamageLog,
    rings: BTreeMap<u32, RingState>,
    blocks: u64,
    records: u64,
    spans: u64,
    by_cause: BTreeMap<LossKind, u64>,
    unpacker: Unpacker,
    checked: CheckedFrames,
}

impl<'d> Verifier<'d> {
    fn new(dump: &'d Dump, facts: Option<&RingFacts>) -> Self {
        Self {
            dump,
            damage: DamageLog::of_scan(dump, facts),
            rings: BTreeMap::new(),
            blocks: 0,
            records: 0,
            spans: 0,
            by_cause: BTreeMap::new(),
            unpacker: Unpacker::default(),
            checked: CheckedFrames::default(),
        }
    }

    fn go_on_with(&mut self, rings: &'d Dump) {
        self.dump = rings;
        self.damage.go_on_with(rings);
    }

    /// Reads all blocks, except those that the rings replace.
    fn blocks(&mut self, facts: Option<&RingFacts>) {
        for (index, block) in self.dump.blocks().iter().enumerate() {
            let block = &block;
            let start = facts.and_then(|rings| rings.starts.get(&block.header.ring));
            if !start.is_some_and(|start| start.replaces(block)) {
                self.block(index, block);
            }
        }
    }

    fn loss_frames(&mut self) {
        for frame in &self.dump.tables().losses {
            self.rings.entry(frame.ring).or_default().state(&frame.loss);
        }
    }

    fn lost(&self) -> u64 {
        self.rings.values().fold(0, |sum: u64, ring| sum.saturating_add(ring.lost()))
    }

    fn lose(&mut self, kind: LossKind, records: u64) {
        if records > 0 {
            let count = self.by_cause.entry(kind).or_default();
            *count = count.saturating_add(records);
        }
    }

    /// Adds what the last blocks of the rings should have held and what was stated as lost. Returns the
    /// number of all missing records.
    fn sum_up(&mut self) -> u64 {
        let mut sums =
            [(LossKind::BadChecksum, 0_u64), (LossKind::RingFull, 0), (LossKind::TooLarge, 0)];
        let mut missing = 0_u64;
        for state in self.rings.values_mut() {
            let [full, too_large] = state.lost_by_cause();
            let counts = [state.close(), full, too_large];
            for ((_, sum), count) in sums.iter_mut().zip(counts) {
                *sum = sum.saturating_add(count);
            }
            missing = missing.saturating_add(state.missing());
        }
        sums.into_iter().for_each(|(kind, sum)| self.lose(kind, sum));
        missing
    }
}

#[cfg(test)]
mod tests;
