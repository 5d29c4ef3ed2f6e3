//! Order of entries, and the keys that rings are merged by.

/// The order of the entries that a decoder yields.
///
/// ```
/// use stenolog_decoder::{Decoder, Dump, Order};
///
/// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
/// let decoder = Decoder::new(dump).with_order(Order::File);
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// By time, over all threads and files. Entries of one thread keep their order.
    #[default]
    Time,
    /// Block by block, in the order of the files.
    File,
}

/// The place of an entry among those of all rings: the time, then the counter, which is finer.
pub(crate) type Key = (i64, u64);
