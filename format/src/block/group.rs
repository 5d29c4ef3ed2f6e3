//! Groups: one block for several rings, in columns whose sections are compressed one by one.
//!
//! ```text
//!   payload   | header | parts | table of sections | section 0 | section 1 | … |
//!                                                     directory
//!                                                     columns …   columns …   pools …
//! ```
//!
//! [`GroupHead`] reads what is never compressed: a list of blocks needs no more. [`GroupBody`] decompresses
//! the sections that a reader asks for.

mod body;
mod directory;
mod head;
mod integers;
mod pool;
mod rows;
mod values;
mod words;

pub use body::{GroupBody, Unpack};
pub use directory::{GroupColumn, GroupKind, Pattern, PatternPiece, Pool, PoolClass};
pub use head::{GroupHead, Section};
pub use values::GroupValues;
pub use words::{GroupRecord, GroupWords, WordForm, WordKind};

/// The most parts of a group, kinds of records, sections, and pools.
pub(super) const MAX_PARTS: usize = 4096;
pub(super) const MAX_KINDS: usize = 4096;
pub(super) const MAX_SECTIONS: usize = 1024;
pub(super) const MAX_POOLS: usize = 64;
