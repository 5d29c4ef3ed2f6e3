//! Tables of a dump: what its frames state, and where its blocks are.

use std::collections::BTreeMap;

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Thread};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind};
use stenolog_format::index::End;
use stenolog_format::loss::LossFrame;
use stenolog_format::volatile::{VolatileRing, VolatileState};

use super::blocks::BlockEntry;
use super::summary::SummaryPlace;
use crate::model::damage::{Damage, DamageCause};
use crate::model::site::{CompiledSite, SiteTable};

/// The tables that a scan of the frames collects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tables {
    pub(crate) sites: SiteTable,
    /// By ring.
    pub(crate) threads: BTreeMap<u32, Thread>,
    pub(crate) clock: Vec<ClockPair>,
    /// In the order of the file.
    pub(crate) blocks: Vec<BlockEntry>,
    /// Those that do not follow their blocks at once, in the order of their blocks.
    pub(crate) summaries: Vec<SummaryPlace>,
    pub(crate) losses: Vec<LossFrame>,
    /// Rings that do not survive their process.
    pub(crate) volatile: Vec<VolatileRing>,
    /// Offsets of the whole frames that are not blocks, their contexts, indexes, ends, or summaries right after
    /// their blocks.
    pub(crate) others: Vec<u64>,
    /// Where the first marks of call sites are.
    pub(crate) marked_from: Option<u64>,
    /// Offsets of the contexts of blocks.
    pub(crate) contexts: Vec<u64>,
    /// Offsets and lengths of the payloads of index frames.
    pub(crate) indexes: Vec<(usize, usize)>,
    pub(crate) end: Option<End>,
    /// The file's header, as the first whole frame that repeats it states it.
    pub(crate) restated: Option<FileHeader>,
    pub(crate) frames: FrameCounts,
    pub(crate) damage: Vec<Damage>,
    /// Offset and length of a torn tail.
    pub(crate) torn: Option<(u64, u64)>,
}

impl Tables {
    /// Adds a call site, unless it has a reserved id or one that is taken; returns what is wrong with it.
    pub(super) fn add_call_site(&mut self, call_site: CallSite) -> Option<DamageCause> {
        let id = call_site.id;
        if id < CallSite::FIRST_ID {
            return Some(DamageCause::ReservedId { id });
        }
        match self.sites.get(id) {
            Some(site) if *site.call_site() == call_site => None,
            Some(_) => Some(DamageCause::Redefined { id }),
            None => {
                let (site, error) = CompiledSite::new(call_site);
                self.sites.insert(site);
                error.map(|why| DamageCause::Template { id, why })
            }
        }
    }

    /// Adds a thread, unless its ring has one; returns what is wrong with it.
    pub(super) fn add_thread(&mut self, thread: Thread) -> Option<DamageCause> {
        let ring = thread.ring;
        let known = self.threads.entry(ring).or_insert_with(|| thread.clone());
        (*known != thread).then_some(DamageCause::RedefinedThread { ring })
    }

    /// Adds a ring that does not survive its process; returns the loss if it was lost with it.
    pub(super) fn add_volatile(&mut self, stated: VolatileRing) -> Option<DamageCause> {
        let ring = stated.ring;
        let state = VolatileState::from_u8(stated.state);
        let is_unlinked = state == Some(VolatileState::UnlinkedLost);
        let lost = (is_unlinked || state == Some(VolatileState::MemoryLost)).then(|| {
            let thread = self.threads.get(&ring).map(|thread| thread.name.as_str().into());
            let (thread, number) = (thread.unwrap_or_default(), stated.number);
            DamageCause::RingLost { ring, thread, number, is_unlinked }
        });
        self.volatile.push(stated);
        lost
    }

    /// Notes where an index is.
    pub(super) fn note_index(&mut self, offset: u64, payload_bytes: usize) {
        let place = (offset as usize).saturating_add(FrameHeader::BYTES);
        self.indexes.push((place, payload_bytes));
    }

    /// Notes where a context is. A frame of a torn tail may be scanned again.
    pub(super) fn note_context(&mut self, offset: u64) {
        if self.contexts.last().is_none_or(|&last| last < offset) {
            self.contexts.push(offset);
        }
    }

    /// Notes where a summary is. It should be of the last block before it.
    pub(super) fn note_summary(&mut self, offset: u64) {
        if BlockEntry::note_summary(&mut self.blocks, offset) {
            return;
        }
        self.others.push(offset);
        let Some(block) = self.blocks.len().checked_sub(1) else { return };
        let place = SummaryPlace { block: block as u32, offset };
        if self.summaries.last().is_none_or(|last| last.block != place.block) {
            self.summaries.push(place);
        }
    }
}

/// The name of a kind of frame in [`Damage`].
pub(super) const fn kind_name(kind: FrameKind) -> &'static str {
    match kind {
        FrameKind::Dictionary => "dictionary",
        FrameKind::Thread => "thread",
        FrameKind::Clock => "clock",
        FrameKind::Block => "block",
        FrameKind::Loss => "loss",
        FrameKind::Watermark => "watermark",
        FrameKind::Index => "index",
        FrameKind::End => "end",
        FrameKind::Summary => "summary",
        FrameKind::Volatile => "volatile",
        FrameKind::Header => "header",
        FrameKind::Spans => "spans",
        FrameKind::Context => "context",
    }
}

/// Numbers of whole frames in a file, by kind.
///
/// # Examples
///
/// ```no_run
/// let dump = stenolog_decoder::Dump::open("app.steno")?;
/// let frames = dump.frames();
/// println!("{} of {} frames hold records", frames.block, frames.total());
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
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
    /// Frames that summarize a block.
    pub summary: u64,
    /// Frames that list rings that do not survive their process.
    pub volatile: u64,
    /// Frames that state the file's header again.
    pub header: u64,
    /// Frames that state which call sites are events of spans.
    pub spans: u64,
    /// Frames that state which spans a block needs.
    pub context: u64,
    /// Frames of kinds that only later versions know; they are skipped.
    pub unknown: u64,
}

impl FrameCounts {
    pub(super) const fn count(&mut self, kind: Option<FrameKind>) {
        let count = match kind {
            Some(FrameKind::Dictionary) => &mut self.dictionary,
            Some(FrameKind::Thread) => &mut self.thread,
            Some(FrameKind::Clock) => &mut self.clock,
            Some(FrameKind::Block) => &mut self.block,
            Some(FrameKind::Loss) => &mut self.loss,
            Some(FrameKind::Watermark) => &mut self.watermark,
            Some(FrameKind::Index) => &mut self.index,
            Some(FrameKind::End) => &mut self.end,
            Some(FrameKind::Summary) => &mut self.summary,
            Some(FrameKind::Volatile) => &mut self.volatile,
            Some(FrameKind::Header) => &mut self.header,
            Some(FrameKind::Spans) => &mut self.spans,
            Some(FrameKind::Context) => &mut self.context,
            None => &mut self.unknown,
        };
        *count += 1;
    }

    /// The number of all frames.
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
            + self.spans
            + self.context
            + self.unknown
    }
}
