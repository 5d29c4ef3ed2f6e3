//! Blocks in columns: the walk over one, kept for the next.

use stenolog_format::block::ColumnWalk;

/// A block in columns that is being read.
#[derive(Debug, Default)]
pub(crate) struct OpenColumns {
    pub(crate) walk: ColumnWalk,
    /// For each kind of records, the index of its call site, and whether a literal is searched for in
    /// their values; `None` without a call site.
    pub(crate) selections: Vec<Option<(u32, bool)>>,
}
