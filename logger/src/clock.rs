//! Clock: the raw counter that stamps records, and its relation to UTC.

use std::ops::{Add, Sub};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use stenolog_format::clock::ClockPair;

/// The counter of this process. Reading it is a `rdtsc` where that is reliable, and the operating
/// system's monotonic clock elsewhere.
#[derive(Debug)]
pub(crate) struct Clock {
    counter: quanta::Clock,
    hz: u64,
    is_instruction: bool,
}

/// Reads the counter by one instruction, if the processor has one. It is the process's clock only if
/// [`is_instruction`](Clock::is_instruction).
#[inline(always)]
pub(crate) fn instruction() -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every processor of this kind has the instruction.
        Some(unsafe { std::arch::x86_64::_rdtsc() })
    }
    #[cfg(target_arch = "aarch64")]
    {
        let count: u64;
        // SAFETY: as above; it only writes the register that it names.
        unsafe {
            std::arch::asm!("mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack));
        }
        Some(count)
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    None
}

/// Whether the instruction reads the same clock as `counter`: it then always gives a number between two
/// readings of `counter`, which no other clock does. Makes several attempts, because a thread may be moved to a
/// core whose counter is slower.
fn is_instruction(counter: &quanta::Clock) -> bool {
    let is_between = |_| {
        let before = counter.raw();
        let between = instruction();
        let after = counter.raw();
        between.is_some_and(|between| (before..=after).contains(&between))
    };
    (0..3).any(|_| (0..4).all(is_between))
}

impl Clock {
    /// The process's clock. The first call measures the counter's frequency, for about a
    /// millisecond.
    pub(crate) fn get() -> &'static Self {
        static CLOCK: OnceLock<Clock> = OnceLock::new();
        CLOCK.get_or_init(|| {
            let counter = quanta::Clock::new();
            // The nanoseconds of 2^40 ticks: six minutes or more, which keeps rounding below 1 ppb.
            let ticks = 1_u64 << 40;
            let ns = u128::from(counter.delta_as_nanos(0, ticks)).max(1);
            let hz = (u128::from(ticks) * 1_000_000_000 / ns) as u64;
            // A counter of nanoseconds is the system's clock, and the system may then forbid the
            // instruction to programs. (Not on aarch64, where the counter itself may count them.)
            let may_be = cfg!(target_arch = "aarch64") || ns != u128::from(ticks);
            let is_instruction = may_be && is_instruction(&counter);
            Self { counter, hz, is_instruction }
        })
    }

    /// The counter now.
    #[inline(always)]
    pub(crate) fn now(&self) -> u64 {
        self.counter.raw()
    }

    /// Whether [`instruction`] reads the same clock. Otherwise [`now`](Self::now) takes more code than all the
    /// rest of a call.
    pub(crate) const fn is_instruction(&self) -> bool {
        self.is_instruction
    }

    /// The counter's nominal frequency.
    pub(crate) const fn hz(&self) -> u64 {
        self.hz
    }

    /// Converts ticks to a duration.
    #[inline]
    pub(crate) fn duration(&self, ticks: u64) -> Duration {
        let hz = self.hz.max(1);
        let ns = u128::from(ticks % hz) * 1_000_000_000 / u128::from(hz);
        Duration::new(ticks / hz, ns as u32)
    }

    /// Converts a duration to ticks, saturating.
    pub(crate) fn ticks(&self, duration: Duration) -> u64 {
        let hz = u128::from(self.hz);
        let ticks = u128::from(duration.as_secs()) * hz
            + u128::from(duration.subsec_nanos()) * hz / 1_000_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    /// The counter and UTC at the same moment: the closest of a few attempts, since the thread
    /// may be interrupted between the two readings.
    pub(crate) fn pair(&self) -> ClockPair {
        let attempt = || {
            let before = self.now();
            let unix_ns = unix_ns(SystemTime::now());
            let after = self.now();
            let apart = after.saturating_sub(before);
            ClockPair {
                counter: before + apart / 2,
                unix_ns,
                uncertainty_ticks: u32::try_from(apart).unwrap_or(u32::MAX),
            }
        };
        let first = attempt();
        (0..4).map(|_| attempt()).fold(first, |best, next| {
            if next.uncertainty_ticks < best.uncertainty_ticks { next } else { best }
        })
    }
}

/// A clock, as a time word receives it.
#[derive(Clone, Copy, Debug)]
pub struct ClockRef(pub(crate) &'static Clock);

/// Nanoseconds since the Unix epoch, saturating at 64 bits.
pub(crate) fn unix_ns(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, std::ops::Neg::neg)
        }
    }
}

/// A reading of the logger's own clock, to pass to `at:` later or to measure a latency.
///
/// Taking one costs as much as the clock reading of a log call, and a call with `at:` does not read the clock
/// again. One reading can therefore serve both a record and a latency measurement:
///
/// ```
/// let received = stenolog::Timestamp::now();
/// // ...
/// stenolog::info!(at: received, took = received.elapsed(), "packet");
/// ```
///
/// It counts processor ticks since this machine started and means nothing on another machine. A difference is
/// as accurate as the measured frequency of the counter: usually about 10 parts per million. Times taken on one
/// core never decrease. Between cores they may decrease by the difference of the cores' counters, which is less
/// than the time that a cache line takes from one core to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Returns the time now.
    #[inline]
    #[must_use]
    pub fn now() -> Self {
        Self(Clock::get().now())
    }

    /// Returns the time at a reading of the raw counter, as [`counter`](Self::counter) returns it.
    #[must_use]
    pub const fn from_counter(counter: u64) -> Self {
        Self(counter)
    }

    /// Returns the raw counter.
    #[must_use]
    pub const fn counter(self) -> u64 {
        self.0
    }

    /// Converts an `Instant`, in the past or the future.
    ///
    /// Reads both clocks to relate them. The error is the time between the two readings, usually some
    /// ten nanoseconds, plus the drift between the clocks since the instant. A time before the machine's
    /// start becomes the start.
    #[must_use]
    pub fn from_instant(instant: Instant) -> Self {
        let clock = Clock::get();
        let before = clock.now();
        let now = Instant::now();
        let after = clock.now();
        // The middle of the two, as whatever came between may have come on either side.
        let here = Self(before + after.saturating_sub(before) / 2);
        match now.checked_duration_since(instant) {
            Some(ago) => here.saturating_sub(ago),
            None => here.saturating_add(instant.saturating_duration_since(now)),
        }
    }

    /// Converts the time to UTC, according to the current system clock, even if the clock was set in between.
    ///
    /// Reads both clocks a few times. Readers of a dump are more accurate, because they know the system clock
    /// at that time.
    #[must_use]
    pub fn to_system_time(self) -> SystemTime {
        let clock = Clock::get();
        let pair = clock.pair();
        let utc = match u64::try_from(pair.unix_ns) {
            Ok(ns) => UNIX_EPOCH + Duration::from_nanos(ns),
            Err(_) => UNIX_EPOCH - Duration::from_nanos(pair.unix_ns.unsigned_abs()),
        };
        match self.0.checked_sub(pair.counter) {
            Some(later) => utc.checked_add(clock.duration(later)).unwrap_or(utc),
            None => utc.checked_sub(clock.duration(pair.counter - self.0)).unwrap_or(UNIX_EPOCH),
        }
    }

    /// Returns the time elapsed since; zero if this time is in the future.
    #[inline]
    #[must_use]
    pub fn elapsed(self) -> Duration {
        Self::now().duration_since(self)
    }

    /// Returns the time from `earlier` to this one; zero if this one is earlier.
    #[inline]
    #[must_use]
    pub fn duration_since(self, earlier: Self) -> Duration {
        Clock::get().duration(self.0.saturating_sub(earlier.0))
    }

    /// Same as [`duration_since`](Self::duration_since), under the name that `Instant` uses.
    #[inline]
    #[must_use]
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }

    /// The time from `earlier` to this one; `None` if this one is earlier.
    #[inline]
    #[must_use]
    pub fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(|ticks| Clock::get().duration(ticks))
    }

    fn saturating_add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Clock::get().ticks(duration)))
    }

    fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(Clock::get().ticks(duration)))
    }
}

impl Sub for Timestamp {
    type Output = Duration;

    /// As [`duration_since`](Self::duration_since).
    #[inline]
    fn sub(self, earlier: Self) -> Duration {
        self.duration_since(earlier)
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    /// Subtracts a duration; the result is not before the machine's start.
    #[inline]
    fn sub(self, duration: Duration) -> Self {
        self.saturating_sub(duration)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    /// Adds a duration.
    #[inline]
    fn add(self, duration: Duration) -> Self {
        self.saturating_add(duration)
    }
}

impl From<Instant> for Timestamp {
    /// As [`from_instant`](Self::from_instant).
    fn from(instant: Instant) -> Self {
        Self::from_instant(instant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both clocks are the machine's and differ by a few parts in ten thousand at most. Any larger
    /// difference is other work of the processor between two readings.
    #[track_caller]
    fn assert_between(low: Duration, value: Duration, high: Duration) {
        let slack = high / 1000 + Duration::from_micros(1);
        assert!(
            low.saturating_sub(slack) <= value && value <= high + slack,
            "{low:?} {value:?} {high:?}"
        );
    }

    #[test]
    fn instants_and_timestamps_measure_alike() {
        for ago in [0, 1, 1_000, 1_000_000, 1_000_000_000] {
            let ago = Duration::from_nanos(ago);
            let (outer, before) = (Instant::now(), Timestamp::now());
            let then = Timestamp::from_instant(outer);
            let later = Timestamp::from_instant(outer + ago);
            let (after, outer) = (Timestamp::now(), outer.elapsed());
            assert_between(Duration::ZERO, after.duration_since(then), outer);
            assert!(then.checked_duration_since(before).is_none_or(|gap| gap <= outer));
            // Two pairs of readings, each of which may be off by what lay between them.
            assert_between(ago.saturating_sub(outer), later - then, ago + outer);
        }
    }

    #[test]
    fn times_are_apart_by_what_is_added() {
        let now = Timestamp::now();
        let second = Duration::from_secs(1);
        assert_between(second, (now + second) - now, second);
        assert_between(second, now - (now - second), second);
        assert_eq!(now - (now + second), Duration::ZERO);
        assert_eq!(now.checked_duration_since(now + second), None);
        assert_eq!(now.checked_duration_since(now), Some(Duration::ZERO));
        assert_eq!((now - Duration::MAX).counter(), 0);
        assert_eq!((now + Duration::MAX).counter(), u64::MAX);
        assert_eq!((now + second).elapsed(), Duration::ZERO);
        assert_eq!(Timestamp::from_counter(now.counter()), now);
    }

    #[test]
    fn a_timestamp_is_utc_as_the_system_has_it() {
        let before = SystemTime::now();
        let now = Timestamp::now().to_system_time();
        let after = SystemTime::now();
        // The clock may be set while this runs, but hardly by as much.
        let slack = Duration::from_millis(100);
        assert!(before - slack <= now && now <= after + slack, "{before:?} {now:?} {after:?}");
        let hour = Duration::from_secs(3600);
        let later = (Timestamp::now() + hour).to_system_time();
        assert!(later > now + hour / 2 && later < now + 2 * hour, "{later:?}");
    }
}
