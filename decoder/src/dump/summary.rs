//! Places of block summaries in a file.

/// Where the summary of a block is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SummaryPlace {
    /// The block's place among the blocks.
    pub(crate) block: u32,
    /// The offset of the summary's frame.
    pub(crate) offset: u64,
}
