//! Tables of a dump: what its frames state, and where its blocks are.

use std::collections::BTreeMap;

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::Thread;
use stenolog_format::frame::FileHeader;
use stenolog_format::index::End;
use stenolog_format::loss::LossFrame;
use stenolog_format::volatile::VolatileRing;

use super::block::Block;
use super::summary::SummaryPlace;
use crate::model::damage::Damage;
use crate::model::site::Sites;

/// What the scan of the frames gathers.
#[derive(Clone, Debug, Default)]
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
