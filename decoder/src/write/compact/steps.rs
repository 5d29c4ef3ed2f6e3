//! Steps of a recompression: which frames and blocks of a dump become what, in the order of the output.
//!
//! ```text
//!   frames    site  thread  [1] [2] [1] clock [1] [2]  loss of 1  [2] …
//!   steps     site  thread  clock  window of [1] [2] [1] [1] [2]  loss of 1  window of [2] …
//! ```
//!
//! A window is as many blocks, of all rings, as are worth merging: those that follow each other in a file are
//! of one time. What explains blocks moves before their window. A loss that a frame states stays between the
//! blocks of its ring. Indexes, summaries and watermarks are left out: blocks have moved, so they would be
//! false.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::iter::Peekable;

use stenolog_format::block::BlockBuilder;
use stenolog_format::frame::FrameKind;
use stenolog_format::loss::LossFrame;

use super::packer::ring_bytes;
use crate::dump::Dump;

/// A window ends before the records of its blocks take more than this many bytes in their rings: they fit into one
/// group.
pub(super) const WINDOW_BYTES: u64 = BlockBuilder::MAX_GROUP_BYTES as u64;

/// A window ends when it has this many blocks.
const WINDOW_BLOCKS: usize = 1 << 16;

/// A part of the output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The frame at this offset, unchanged.
    Frame(u64),
    /// The records of a cut block, by its index.
    Cut(u32),
    /// Blocks to be merged.
    Window(Window),
}

/// Blocks to be merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Their indexes, in the order of the file.
    pub(super) blocks: Vec<u32>,
    /// Where the last one ends in the file.
    pub(super) end: u64,
}

/// An iterator over the steps.
pub(super) struct Steps<'d> {
    dump: &'d Dump,
    others: Peekable<std::vec::IntoIter<u64>>,
    next_block: usize,
    window: Window,
    window_bytes: u64,
    most_bytes: u64,
    rings: BTreeSet<u32>,
    /// The losses of rings whose blocks are in the window.
    losses: BTreeMap<u32, Vec<u64>>,
    ready: VecDeque<Step>,
    is_over: bool,
}

impl<'d> Steps<'d> {
    /// The steps for a dump, with windows of this many bytes.
    pub(super) fn new(dump: &'d Dump, most_bytes: u64) -> Self {
        Self {
            dump,
            others: dump.tables().others.clone().into_iter().peekable(),
            next_block: 0,
            window: Window::default(),
            window_bytes: 0,
            most_bytes,
            rings: BTreeSet::new(),
            losses: BTreeMap::new(),
            ready: VecDeque::new(),
            is_over: false,
        }
    }

    fn take_frame(&mut self, at: u64) {
        let Some((kind, payload)) = self.dump.whole_frame(at) else { return };
        match FrameKind::from_u8(kind) {
            Some(FrameKind::Watermark | FrameKind::Summary) => {}
            Some(FrameKind::Loss) => match LossFrame::decode(payload) {
                Some(loss) if self.rings.contains(&loss.ring) => {
                    self.losses.entry(loss.ring).or_default().push(at);
                }
                _ => self.ready.push_back(Step::Frame(at)),
            },
            _ => self.ready.push_back(Step::Frame(at)),
        }
    }

    fn take_block(&mut self, index: usize) {
        let Some(block) = self.dump.blocks().get(index) else { return };
        let (index, ring) = (index as u32, block.header.ring);
        // A block of several rings stays in one window.
        let bytes =
            if block.part == 0 { self.frame_bytes(index as usize, block.offset) } else { 0 };
        let is_full = self.window_bytes.saturating_add(bytes) > self.most_bytes
            || self.window.blocks.len() >= WINDOW_BLOCKS;
        let is_full = is_full && block.part == 0;
        if is_full || block.is_cut || self.losses.contains_key(&ring) {
            self.end_window();
        }
        if block.is_cut {
            return self.ready.push_back(Step::Cut(index));
        }
        self.rings.insert(ring);
        self.window.blocks.push(index);
        self.window.end = block.offset + block.frame_bytes();
        self.window_bytes = self.window_bytes.saturating_add(bytes);
    }

    /// The bytes that the records of a frame, from one of its blocks on, take in their rings.
    fn frame_bytes(&self, index: usize, offset: u64) -> u64 {
        let blocks = self.dump.blocks().iter().skip(index);
        let parts = blocks.take_while(|part| part.offset == offset);
        parts.fold(0, |sum, part| sum.saturating_add(ring_bytes(&part.header) as u64))
    }

    fn end_window(&mut self) {
        let window = std::mem::take(&mut self.window);
        if !window.blocks.is_empty() {
            self.ready.push_back(Step::Window(window));
        }
        let losses = std::mem::take(&mut self.losses).into_values().flatten();
        self.ready.extend(losses.map(Step::Frame));
        self.rings.clear();
        self.window_bytes = 0;
    }
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        loop {
            if let Some(step) = self.ready.pop_front() {
                return Some(step);
            }
            let block = self.dump.blocks().get(self.next_block);
            let is_before = |at: &u64| block.as_ref().is_none_or(|block| *at < block.offset);
            if let Some(at) = self.others.next_if(is_before) {
                self.take_frame(at);
            } else if block.is_some() {
                self.next_block += 1;
                self.take_block(self.next_block - 1);
            } else if std::mem::replace(&mut self.is_over, true) {
                return None;
            } else {
                self.end_window();
            }
        }
    }
}
