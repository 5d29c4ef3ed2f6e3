//! States and steps of an automaton.

use super::leaf::Leaf;

/// A set of bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByteSet([u64; 4]);

impl ByteSet {
    pub(super) const ALL: Self = Self([u64::MAX; 4]);

    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut set = [0; 4];
        bytes.iter().for_each(|&byte| set[usize::from(byte / 64)] |= 1 << (byte % 64));
        Self(set)
    }

    /// The set with one more byte.
    pub(super) fn with(mut self, byte: u8) -> Self {
        self.0[usize::from(byte / 64)] |= 1 << (byte % 64);
        self
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 != 0
    }
}

/// A state of an automaton.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) free: Vec<usize>,
    pub(super) steps: Vec<(ByteSet, usize)>,
    /// These bytes lead here again: they are printed of a value, which is the leaf with this index.
    pub(super) within: Option<(ByteSet, usize)>,
}

impl Node {
    /// Whether the byte may be printed of the value.
    pub(super) fn stays(&self, byte: u8) -> bool {
        self.within.is_some_and(|(bytes, _)| bytes.has(byte))
    }
}

/// The automaton of a call site; it has no states if it would be too large.
#[derive(Debug, Default)]
pub(in crate::filter) struct LineAutomaton {
    pub(super) nodes: Vec<Node>,
    /// The values that are printed.
    pub(super) leaves: Vec<Leaf>,
    /// The sources of free steps, by their targets.
    pub(super) from: Vec<Vec<usize>>,
    /// The cost of visiting all of it, in steps.
    pub(super) size: usize,
}
