//! Spans of records: which spans each record of a block is in.
//!
//! ```text
//!   context ─┐  stacks, definitions
//!   block  ──┴─▶ its span events, by time ─▶ BlockSpans: from record 0 on in a, from record 9 on in a:b, …
//! ```
//!
//! - **R1 (alone).** What a block says comes from the block and the context before it, so it is the same however the
//!   block was come to: by reading everything, by a jump, or by a search. Memory depends on the block.
//! - **R2 (late).** The block is read for its span events when the first of its records is shown, by the thread that
//!   shows it. Dumps without spans cost nothing.
//! - **R3 (continued).** A block without a context, such as those of the rings of a dead writer, continues the block
//!   before it in its ring. Spans that began in other rings are then [searched for](leftover).

mod checked;
mod events;
mod frame;
mod leftover;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::tally::BlockPlace;
use crate::dump::{Block, Dump, Unpacker};
use crate::model::site::CompiledSite;
use crate::model::span::SpanChain;
use checked::CheckedContexts;
use frame::{FrameSpans, SpanTable};
use leftover::Leftovers;

/// The most unpackers that are kept: one for each thread that reads spans at a time.
const MAX_UNPACKERS: usize = 64;

/// Reads the spans of blocks. Shared by the rings and by the threads that show records.
#[derive(Debug)]
pub(crate) struct SpanReader {
    dumps: Arc<[Dump]>,
    unpackers: Mutex<Vec<Unpacker>>,
    leftovers: Leftovers,
    checked: CheckedContexts,
}

impl SpanReader {
    /// A reader; `None` if no dump has spans.
    pub(super) fn new(dumps: &Arc<[Dump]>) -> Option<Arc<Self>> {
        if !dumps.iter().any(Dump::has_spans) {
            return None;
        }
        let (unpackers, leftovers) = Default::default();
        let checked = CheckedContexts::new(dumps);
        Some(Arc::new(Self { dumps: Arc::clone(dumps), unpackers, leftovers, checked }))
    }

    fn with_unpacker<R>(&self, with: impl FnOnce(&mut Unpacker) -> R) -> R {
        let lock = || self.unpackers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unpacker = lock().pop().unwrap_or_default();
        let result = with(&mut unpacker);
        // What is wanted of a group may be another thing next time.
        unpacker.forget_groups();
        let mut unpackers = lock();
        if unpackers.len() < MAX_UNPACKERS {
            unpackers.push(unpacker);
        }
        result
    }

    /// A part of the id of a dump's session.
    fn session(&self, dump: u32) -> u64 {
        let session = self.dumps.get(dump as usize).map(|dump| dump.header().session);
        session.as_ref().and_then(|id| id.first_chunk()).map_or(0, |id| u64::from_le_bytes(*id))
    }

    /// The call site of a dump with this tag, or of another dump of its session.
    #[inline]
    fn site(&self, dump: u32, tag: u32) -> Option<&Arc<CompiledSite>> {
        let dump = self.dumps.get(dump as usize)?;
        dump.tables().sites.shared_site(tag).or_else(|| self.site_of_others(dump, tag))
    }

    #[cold]
    fn site_of_others(&self, dump: &Dump, tag: u32) -> Option<&Arc<CompiledSite>> {
        // An undamaged dump has all that its blocks need.
        if dump.damage().is_empty() {
            return None;
        }
        let session = dump.header().session;
        let mut others = self.dumps.iter().filter(|other| other.header().session == session);
        others.find_map(|other| other.tables().sites.shared_site(tag))
    }
}

/// The spans of the records of a block, or of the parts of a group.
#[derive(Debug)]
pub(crate) struct BlockSpans {
    reader: Arc<SpanReader>,
    dump: u32,
    /// The index of the frame's first block among the dump's.
    first: u32,
    /// What was known before a part that has no context.
    before: Option<(u32, Arc<SpanTable>)>,
    found: OnceLock<FrameSpans>,
}

impl BlockSpans {
    /// The spans that a record is in.
    #[inline(never)]
    pub(crate) fn at(&self, part: u32, record: u32) -> Option<&Arc<SpanChain>> {
        self.found().at(part, record)
    }

    fn found(&self) -> &FrameSpans {
        self.found.get_or_init(|| {
            let before = self.before.as_ref().map(|(part, table)| (*part, &**table));
            frame::read(&self.reader, (self.dump, self.first), before, None).0
        })
    }
}

/// The frames whose parts are read at about the same time.
const KEPT: usize = 8;

/// Where the spans of a ring are known up to.
#[derive(Clone, Debug, Default)]
pub(super) struct RingSpans {
    /// The block that was passed last, but for those of a tail.
    last: Option<Passed>,
    /// The block of a tail that was passed last, and the number of the record after it. Another state of the tail may
    /// have other blocks.
    of_tail: Option<(Arc<SpanReader>, u64, Passed)>,
}

/// A block that was passed.
#[derive(Clone, Debug)]
struct Passed {
    place: BlockPlace,
    /// What was known before it, if it has no context.
    before: Option<Arc<SpanTable>>,
}

impl RingSpans {
    /// A ring that continues here.
    pub(super) fn continue_after(&mut self, other: &Self) {
        if self.last.is_none() && self.of_tail.is_none() {
            self.clone_from(other);
        }
    }

    /// Passes a block that is not read.
    pub(super) fn skip(
        &mut self,
        reader: Option<&Arc<SpanReader>>,
        place: BlockPlace,
        block: &Block,
    ) {
        self.pass(reader, place, block);
    }

    /// Passes a block. Returns what was known before it, unless it has a context.
    fn pass(
        &mut self,
        reader: Option<&Arc<SpanReader>>,
        place: BlockPlace,
        block: &Block,
    ) -> Option<Arc<SpanTable>> {
        let reader = reader?;
        let of = reader.dumps.get(place.0 as usize)?;
        let first = block.header.first_record;
        let is_alone = reader.checked.has_context(of, place.0, block.offset)
            || of.is_before_spans(block.offset);
        let of_tail = self.of_tail.as_ref().filter(|(of, end, _)| {
            // Blocks of a file may have come meanwhile, and another tail.
            *end == first && Arc::ptr_eq(of, reader)
        });
        let last = of_tail.map(|(.., last)| last).or(self.last.as_ref()).filter(|_| !is_alone);
        let before = last.map(|Passed { place, before }| {
            Arc::new(frame::end(reader, *place, before.as_deref()))
        });
        let passed = Passed { place, before: before.clone() };
        if of.is_tail() {
            let end = first.saturating_add(block.header.count.into());
            self.of_tail = Some((Arc::clone(reader), end, passed));
        } else {
            (self.last, self.of_tail) = (Some(passed), None);
        }
        before
    }

    /// Begins after a block that was passed over.
    pub(super) fn begin_after(&mut self, last: BlockPlace) {
        (self.last, self.of_tail) = (Some(Passed { place: last, before: None }), None);
    }
}

/// The spans of the blocks that were opened last.
#[derive(Debug, Default)]
pub(crate) struct RecentSpans(Vec<Arc<BlockSpans>>);

impl RecentSpans {
    /// The spans of the next block of a ring, if there are any in the dumps.
    pub(super) fn of(
        &mut self,
        reader: Option<&Arc<SpanReader>>,
        place: BlockPlace,
        block: &Block,
        ring: &mut RingSpans,
    ) -> Option<Arc<BlockSpans>> {
        let reader = reader?;
        let (dump, index) = place;
        let before = ring.pass(Some(reader), place, block);
        let first = index.checked_sub(block.part)?;
        if before.is_none()
            && let Some(at) = self.0.iter().position(|of| {
                Arc::ptr_eq(&of.reader, reader)
                    && of.before.is_none()
                    && (of.dump, of.first) == (dump, first)
            })
        {
            return self.0.get(at).cloned();
        }
        let before = before.map(|before| (block.part, before));
        let found = OnceLock::new();
        let spans = Arc::new(BlockSpans { reader: Arc::clone(reader), dump, first, before, found });
        self.0.truncate(KEPT - 1);
        self.0.insert(0, Arc::clone(&spans));
        Some(spans)
    }
}
