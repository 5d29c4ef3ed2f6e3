//! Positions of a ring's ends, as stored in its file.

#[cfg(all(feature = "std", not(loom)))]
use crate::sync::AtomicU64;

/// The kind of a ring. The numbers are those in ring files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    any(not(feature = "std"), loom),
    expect(unreachable_pub, reason = "public as part of `file`, which is not there")
)]
pub enum Kind {
    /// One producer: [`queue::spsc`](crate::queue::spsc).
    OneProducer = 0,
    /// Many producers: [`queue::mpsc`](crate::queue::mpsc).
    ManyProducers = 1,
}

/// Two lines, as processors fetch them in pairs. Not `CachePadded`, whose size differs between
/// targets: this is part of the layout of ring files.
#[cfg(all(feature = "std", not(loom)))]
#[repr(C, align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

/// The number of user words of a ring.
#[cfg(all(feature = "std", not(loom)))]
pub const USER_WORDS: usize = 24;

/// As they lie in a ring file, from its byte 128 on. The ring's ends only write them (R6).
#[cfg(all(feature = "std", not(loom)))]
#[repr(C)]
pub(crate) struct Positions {
    pub(crate) consumer: Padded<ConsumerPositions>,
    /// Everything before was claimed. Only used with many producers.
    pub(crate) tail: Padded<AtomicU64>,
    /// The caller's, for readers of the file.
    pub(crate) user_words: Padded<[AtomicU64; USER_WORDS]>,
}

#[cfg(all(feature = "std", not(loom)))]
#[repr(C)]
pub(crate) struct ConsumerPositions {
    /// Everything before is free.
    pub(crate) head: AtomicU64,
    /// Everything before was received and will not be read again. Ahead of the head only while
    /// a release is under way.
    pub(crate) consumed: AtomicU64,
}
