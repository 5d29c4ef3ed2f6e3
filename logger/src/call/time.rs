//! Time words of records: from the clock, or from the caller (`at:`).

use std::time::{Instant, SystemTime};

use stenolog_format::dictionary::TimeSource;

use crate::clock::{ClockRef, Timestamp, instruction, unix_ns};

/// The time word of a record. Do not implement it elsewhere: its methods run inside a claim.
pub trait TimeWord: Copy {
    /// The meaning of the word.
    const SOURCE: TimeSource;

    /// Returns the word. Runs no user code.
    #[doc(hidden)]
    fn read(self, clock: &ClockRef) -> u64;

    /// Returns the word if this takes at most one instruction. `clock_is_instruction` tells whether the clock
    /// can be read by one.
    #[doc(hidden)]
    fn read_at_once(self, clock_is_instruction: bool) -> Option<u64>;
}

/// Stamp the record with the clock.
#[derive(Clone, Copy, Debug)]
pub struct Now;

impl TimeWord for Now {
    const SOURCE: TimeSource = TimeSource::Counter;

    #[inline(always)]
    fn read(self, clock: &ClockRef) -> u64 {
        clock.0.now()
    }

    #[inline(always)]
    fn read_at_once(self, clock_is_instruction: bool) -> Option<u64> {
        if clock_is_instruction { instruction() } else { None }
    }
}

/// Stamp the record with a reading of the logger's clock that the caller has.
#[derive(Clone, Copy, Debug)]
pub struct AtCounter(u64);

impl TimeWord for AtCounter {
    const SOURCE: TimeSource = TimeSource::Counter;

    #[inline(always)]
    fn read(self, _: &ClockRef) -> u64 {
        self.0
    }

    #[inline(always)]
    fn read_at_once(self, _: bool) -> Option<u64> {
        Some(self.0)
    }
}

/// Stamp the record with nanoseconds since the Unix epoch that the caller has.
#[derive(Clone, Copy, Debug)]
pub struct AtUnix(i64);

impl TimeWord for AtUnix {
    const SOURCE: TimeSource = TimeSource::UnixNanos;

    #[inline(always)]
    fn read(self, _: &ClockRef) -> u64 {
        self.0 as u64
    }

    #[inline(always)]
    fn read_at_once(self, _: bool) -> Option<u64> {
        Some(self.0 as u64)
    }
}

/// Takes the caller's time (`at:`).
#[inline(always)]
pub fn at<T: IntoTime>(time: T) -> T::Word {
    time.into_word()
}

/// A type that `at:` accepts: a [`Timestamp`], an [`Instant`], a [`SystemTime`], or an integer number of
/// nanoseconds since the Unix epoch (as network cards, exchanges and simulations provide).
///
/// A `Timestamp` is free. An `Instant` is converted to the logger's clock by reading both clocks
/// ([`Timestamp::from_instant`]), which costs more than the call and is accurate to about ten nanoseconds.
///
/// This trait is sealed: the conversion runs inside a claim, where user code must not run.
///
/// ```
/// let received = std::time::Instant::now();
/// stenolog::info!(at: received, took = received.elapsed(), "packet");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time that `at:` accepts",
    note = "`at:` takes a `stenolog::Timestamp`, an `Instant`, a `SystemTime`, or nanoseconds since the Unix epoch as `u64` or `i64`"
)]
pub trait IntoTime: Copy + sealed::Sealed {
    /// The time word that the time becomes.
    #[doc(hidden)]
    type Word: TimeWord;

    /// The time word.
    #[doc(hidden)]
    fn into_word(self) -> Self::Word;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Timestamp {}
    impl Sealed for super::Instant {}
    impl Sealed for super::SystemTime {}
    impl Sealed for u64 {}
    impl Sealed for i64 {}
    impl<T: Sealed> Sealed for &T {}
}

impl IntoTime for Timestamp {
    type Word = AtCounter;

    #[inline(always)]
    fn into_word(self) -> AtCounter {
        AtCounter(self.counter())
    }
}

impl IntoTime for Instant {
    type Word = AtCounter;

    #[inline]
    fn into_word(self) -> AtCounter {
        Timestamp::from_instant(self).into_word()
    }
}

impl IntoTime for SystemTime {
    type Word = AtUnix;

    #[inline]
    fn into_word(self) -> AtUnix {
        AtUnix(unix_ns(self))
    }
}

impl IntoTime for u64 {
    type Word = AtUnix;

    #[inline(always)]
    fn into_word(self) -> AtUnix {
        // Beyond the year 2262 the nearest that 63 bits hold.
        AtUnix(self.min(i64::MAX as u64) as i64)
    }
}

impl IntoTime for i64 {
    type Word = AtUnix;

    #[inline(always)]
    fn into_word(self) -> AtUnix {
        AtUnix(self)
    }
}

impl<T: IntoTime> IntoTime for &T {
    type Word = T::Word;

    #[inline(always)]
    fn into_word(self) -> T::Word {
        (*self).into_word()
    }
}
