//! Columns: the times of all records together, and so each value of each call site.
//!
//! What hardly changes from record to record is next to its like, often as a difference, so that a
//! codec finds little in them that is new. `FORMAT.md` has the layout.

mod kind;
mod numbers;
pub(super) mod read;
mod times;
pub(super) mod walk;
mod write;

pub(super) use write::{Columns, Rest};

use crate::value::put_uint;

/// How a column is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Varints.
    Varints,
    /// Zigzags of the difference to the value before.
    Differences,
    /// Values of so many bytes: all first bytes, then all second ones.
    Planes(usize),
    /// The same, of zigzags of the difference to the value before; 4 or 8 bytes.
    DifferencePlanes(usize),
    /// The length of all lengths, the lengths, then the bytes; a row has the length as well.
    Texts,
    /// The same; a row has only the bytes.
    Pieces,
}

/// A block has no more kinds of records in columns, and those no more columns together.
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
