//! Limits of what is gathered before it is passed to the sink.

/// The length of the text that is gathered.
pub(super) const PIECE_BYTES: usize = 64 << 10;

/// After this many entries, wanted or not, the text is passed on, however short it is: a user who watches
/// wants to see a rare match when it is found.
pub(super) const MAX_CALLS: usize = 16 << 10;
