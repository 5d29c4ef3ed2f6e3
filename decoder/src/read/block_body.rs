//! Bodies of blocks that outlive the call that opened them.

use std::ops::Deref;
use std::sync::Arc;

use stenolog_format::block::{BlockHeader, GroupWords};
use stenolog_format::frame::FrameHeader;

use super::seek::Sought;
use crate::dump::source::Source;
use crate::dump::{Block, Body, Dump, OpenGroup};

/// The body of an open block. It borrows nothing, so other threads can render its records.
#[derive(Debug)]
pub(crate) enum BlockBody {
    /// An uncompressed body, in the file.
    InFile { source: Arc<Source>, start: usize, length: usize },
    /// The first bytes of a buffer.
    Unpacked(Vec<u8>, usize),
    /// A part of a group.
    Part(Arc<OpenGroup>, usize),
    /// What was found in a group.
    Found(Arc<Sought>),
}

impl BlockBody {
    pub(crate) fn new(body: Body<'_>, dump: &Dump, block: &Block) -> Self {
        match body {
            Body::InFile(bytes) => {
                let offset = usize::try_from(block.offset).unwrap_or(usize::MAX);
                let start = offset.saturating_add(FrameHeader::BYTES + BlockHeader::BYTES);
                Self::InFile { source: Arc::clone(dump.source()), start, length: bytes.len() }
            }
            Body::Unpacked(buffer, length) => Self::Unpacked(buffer, length),
            Body::Part(group, part) => Self::Part(group, part),
        }
    }

    /// The words of the group that it is a part of, and the bytes that they refer to.
    #[inline]
    pub(crate) fn words(&self) -> Option<(&GroupWords, &[u8])> {
        match self {
            Self::Part(group, _) => group.words_and_bytes(),
            _ => None,
        }
    }

    /// The memory that it takes.
    pub(crate) fn held_bytes(&self) -> usize {
        match self {
            Self::InFile { .. } => 0,
            Self::Unpacked(buffer, _) => buffer.capacity(),
            Self::Part(group, _) => group.held_bytes(),
            Self::Found(found) => found.bytes().len(),
        }
    }

    /// The buffer, to be reused.
    pub(crate) fn into_body(self) -> Option<Body<'static>> {
        match self {
            Self::InFile { .. } | Self::Part(..) | Self::Found(_) => None,
            Self::Unpacked(buffer, length) => Some(Body::Unpacked(buffer, length)),
        }
    }
}

impl Deref for BlockBody {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::InFile { source, start, length } => {
                let rest = source.get(*start..).unwrap_or_default();
                rest.get(..*length).unwrap_or_default()
            }
            Self::Unpacked(buffer, length) => buffer.get(..*length).unwrap_or_default(),
            Self::Part(group, part) => group.part(*part),
            Self::Found(found) => found.bytes(),
        }
    }
}
