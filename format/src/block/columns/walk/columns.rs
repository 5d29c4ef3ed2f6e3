//! Uses of columns: which words of a record a column holds.

use std::sync::Arc;

use crate::block::columns::Layout;
use crate::types::Type;
use crate::value::{Leaf, WordPlan, words_of};

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::block) enum ColumnUse {
    /// Parts of packed rows.
    Row,
    /// A word each.
    Word(WordType, u32),
    /// Bytes of an address, which take the words from this one on.
    Address(u32),
    /// Bytes of an array: its word, the place of the first of these bytes in it, and its length.
    Array { word: u32, at: u32, length: u32 },
    /// Packed values of a slot: its words from this one on, and the range of its leaves.
    Slot { word: u32, leaves: (u32, u32) },
    /// Pieces: the word, and the index of the type.
    Piece { word: u32, ty: u32 },
}

/// The type of the integers that a word is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::block) enum WordType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    U16,
    U32,
    /// Whatever fits a word: integers, floats, places of texts.
    Any,
    /// Nanoseconds of less than a second.
    Nanos,
    /// An index below this number.
    Below(u32),
}

/// What the uses of the columns of a walk refer to.
#[derive(Clone, Debug, Default)]
pub(in crate::block) struct SlotTypes {
    pub(in crate::block) leaves: Vec<Leaf>,
    pub(in crate::block) pieces: Vec<Arc<Type>>,
}

/// The columns that the words of a call site may be in, one after the other.
#[derive(Clone)]
pub(in crate::block) struct WordColumns<'p> {
    pub(in crate::block) plan: &'p WordPlan,
    /// The next slot, leaf of the slot, part of the leaf, and word.
    slot: usize,
    leaf: usize,
    part: u32,
    word: usize,
}

impl<'p> WordColumns<'p> {
    pub(in crate::block) const fn new(plan: &'p WordPlan) -> Self {
        Self { plan, slot: 0, leaf: 0, part: 0, word: 0 }
    }

    /// Whether no column is missing.
    pub(in crate::block) fn is_complete(&mut self) -> bool {
        self.pass_empty();
        self.slot == self.plan.slots().len()
    }

    /// Passes what takes no column: slots without leaves, and empty arrays.
    fn pass_empty(&mut self) {
        while let Some(slot) = self.plan.slots().get(self.slot) {
            match self.plan.leaves_of(slot).get(self.leaf) {
                None => (self.slot, self.leaf) = (self.slot + 1, 0),
                Some(Leaf::Bytes(0)) => self.pass_leaf(1),
                Some(_) => return,
            }
        }
    }

    fn pass_leaf(&mut self, words: usize) {
        (self.leaf, self.part, self.word) = (self.leaf + 1, 0, self.word + words);
    }

    /// The use of the next column, which has this layout; `None` if it does not hold the next value. A slot
    /// in one piece adds its types.
    pub(in crate::block) fn next(
        &mut self,
        layout: Layout,
        types: &mut SlotTypes,
    ) -> Option<ColumnUse> {
        self.pass_empty();
        let slot = self.plan.slots().get(self.slot)?;
        let leaves = self.plan.leaves_of(slot);
        let word = self.word as u32;
        if layout == Layout::Pieces {
            if (self.leaf, self.part) != (0, 0) {
                return None;
            }
            (self.slot, self.word) = (self.slot + 1, self.word + words_of(leaves));
            if let Some(piece) = &slot.piece {
                types.pieces.push(Arc::clone(piece));
                let ty = types.pieces.len() as u32 - 1;
                return Some(ColumnUse::Piece { word, ty });
            }
            let start = types.leaves.len() as u32;
            types.leaves.extend_from_slice(leaves);
            return Some(ColumnUse::Slot { word, leaves: (start, types.leaves.len() as u32) });
        }
        let leaf = *leaves.get(self.leaf)?;
        let used = match (leaf, layout) {
            (Leaf::Bytes(length), Layout::Planes(width)) => {
                let (at, end) = (self.part, u32::try_from(width).ok()?.checked_add(self.part)?);
                if end > length {
                    return None;
                }
                self.part = end;
                if end == length {
                    self.pass_leaf(1);
                }
                return Some(ColumnUse::Array { word, at, length });
            }
            (Leaf::Duration | Leaf::SystemTime, Layout::Varints | Layout::Differences) => {
                if self.part > 0 {
                    self.pass_leaf(2);
                    return Some(ColumnUse::Word(WordType::Nanos, word + 1));
                }
                self.part = 1;
                let is_signed = leaf == Leaf::SystemTime;
                let ty = if is_signed { WordType::I64 } else { WordType::Any };
                return Some(ColumnUse::Word(ty, word));
            }
            (Leaf::Ipv4, Layout::Planes(4))
            | (Leaf::Ipv6, Layout::Planes(16))
            | (Leaf::SocketV4, Layout::Planes(6))
            | (Leaf::SocketV6, Layout::Planes(26)) => ColumnUse::Address(word),
            _ => ColumnUse::Word(word_type(leaf, layout)?, word),
        };
        self.pass_leaf(leaf.words());
        Some(used)
    }
}

/// The type of the words of a leaf, if a column of this layout holds them.
fn word_type(leaf: Leaf, layout: Layout) -> Option<WordType> {
    Some(match (layout, leaf) {
        (Layout::Varints | Layout::Differences, _) => match leaf {
            Leaf::U16 => WordType::U16,
            Leaf::U32 => WordType::U32,
            Leaf::U64 => WordType::Any,
            Leaf::I16 => WordType::I16,
            Leaf::I32 => WordType::I32,
            Leaf::I64 => WordType::I64,
            Leaf::Variant(count) => WordType::Below(count),
            _ => return None,
        },
        (Layout::Planes(1), Leaf::Bool) => WordType::Bool,
        (Layout::Planes(1), Leaf::U8) => WordType::Any,
        (Layout::Planes(1), Leaf::I8) => WordType::I8,
        (Layout::Planes(4) | Layout::DifferencePlanes(4), Leaf::F32)
        | (Layout::Planes(8) | Layout::DifferencePlanes(8), Leaf::F64)
        | (Layout::Texts, Leaf::Str | Leaf::Formatted | Leaf::Serde) => WordType::Any,
        _ => return None,
    })
}
