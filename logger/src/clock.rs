//! The raw counter that stamps records, and what relates it to UTC.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use stenolog_format::clock::ClockPair;

/// The counter of this process. Reading it is a `rdtsc` where that is reliable, and the operating
/// system's monotonic clock elsewhere.
#[derive(Debug)]
pub(crate) struct Clock {
    counter: quanta::Clock,
    hz: u64,
    is_instruction: bool,
}

/// The counter now by one instruction, where there is one for it; it is the process's clock if that
/// [says so](Clock::is_instruction).
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

/// Whether the instruction reads what `counter` reads: it then gives, each time, a number between
/// two readings of it, which no other clock does. More than one attempt, as a thread may be moved
/// to a core whose counter is behind.
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
            // The nanoseconds of 2^40 ticks: six minutes or more, so that rounding is below 1 ppb.
            let ticks = 1_u64 << 40;
            let ns = u128::from(counter.delta_as_nanos(0, ticks)).max(1);
            let hz = (u128::from(ticks) * 1_000_000_000 / ns) as u64;
            // What counts nanoseconds is the system's clock, and the instruction may then be one that
            // the system forbids to programs. (Not so on aarch64, where counters may count those.)
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

    /// Whether [`instruction`] reads the same. What [`now`](Self::now) does elsewhere is more code than
    /// all the rest of a call.
    pub(crate) const fn is_instruction(&self) -> bool {
        self.is_instruction
    }

    /// The counter's nominal frequency.
    pub(crate) const fn hz(&self) -> u64 {
        self.hz
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

/// Nanoseconds since the Unix epoch; what lies beyond 64 bits becomes the nearest that does not.
pub(crate) fn unix_ns(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => {
            i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, std::ops::Neg::neg)
        }
    }
}

/// A reading of the logger's own clock, to be given to `at:` later.
///
/// Taking one costs what a log call's clock costs; a call that is given one does not read it again.
///
/// ```
/// let received = stenolog::Timestamp::now();
/// stenolog::info!(at: received, "packet");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time now.
    #[must_use]
    pub fn now() -> Self {
        Self(Clock::get().now())
    }

    /// The raw counter.
    #[must_use]
    pub const fn counter(self) -> u64 {
        self.0
    }
}
