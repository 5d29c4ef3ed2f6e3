//! Columns: the times of all records together, and the values of each slot of each call site.
//!
//! Values that change little from record to record are adjacent, often as differences, so they compress
//! well. `FORMAT.md` specifies the layout.

#[cfg(any(test, feature = "__columns"))]
mod kind;
pub(super) mod numbers;
pub(super) mod read;
#[cfg(any(test, feature = "__columns"))]
mod times;
pub(super) mod walk;
#[cfg(any(test, feature = "__columns"))]
mod write;

#[cfg(any(test, feature = "__columns"))]
pub(super) use write::{Columns, Rest};

use super::layout::Layout;

/// The most kinds of records in a block, and the most columns of all of them.
const MAX_KINDS: usize = 256;
pub(super) const MAX_COLUMNS: usize = 1 << 14;
