//! Columns: the times of all records together, and the values of each slot of each call site.
//!
//! Values that change little from record to record are adjacent, often as differences, so they compress
//! well. `FORMAT.md` specifies the layout.

mod kind;
mod numbers;
pub(super) mod read;
mod times;
pub(super) mod walk;
mod write;

pub(super) use write::{Columns, Rest};

use crate::value::put_uint;

/// The layout of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Varints.
    Varints,
    /// Zigzags of the difference to the value before.
    Differences,
    /// Values of this many bytes: all first bytes, then all second ones, and so on.
    Planes(usize),
    /// The same for zigzags of the difference to the value before; 4 or 8 bytes.
    DifferencePlanes(usize),
    /// The length of all lengths, the lengths, then the bytes; a row has the length as well.
    Texts,
    /// The same; a row has the bytes only.
    Pieces,
}

/// The most kinds of records in a block, and the most columns of all of them.
const MAX_KINDS: usize = 256;
const MAX_COLUMNS: usize = 1 << 14;

impl Layout {
    fn put(self, out: &mut Vec<u8>) {
        let (number, width) = match self {
            Self::Varints => (0, None),
            Self::Differences => (1, None),
            Self::Planes(width) => (2, Some(width)),
            Self::DifferencePlanes(width) => (3, Some(width)),
            Self::Texts => (4, None),
            Self::Pieces => (5, None),
        };
        out.push(number);
        if let Some(width) = width {
            put_uint(out, width as u64);
        }
    }
}
