//! Pacing of the drain: how long it sleeps between passes, and how busy it is.
//!
//! No call tells the drain that it committed a record: that would cost the caller. The drain sleeps for
//! as long as the first ring takes to fill by a quarter, at the pace at which it was filled since the last
//! look, and at most for the bound that the builder set. A call that finds its ring half full wakes it.

use std::time::Duration;

/// The shortest sleep. Polling without a pause would slow the producers down.
pub(super) const SHORTEST_SLEEP: Duration = Duration::from_micros(20);

/// How long to wait after a write that failed.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(50);

/// How long to leave a ring of `capacity` bytes alone if `bytes` of it were filled in the time `over`:
/// until a quarter is full again.
pub(super) fn next_sleep(
    bytes: usize,
    capacity: usize,
    over: Duration,
    longest: Duration,
) -> Duration {
    let shortest = SHORTEST_SLEEP.min(longest);
    // Its thread may have had to wait, or has just begun: its real pace is unknown.
    if bytes >= capacity / 2 {
        return shortest;
    }
    // In floating point, because the product may exceed any duration.
    let wanted = over.as_secs_f64() * (capacity / 4) as f64 / bytes as f64;
    let wanted = Duration::try_from_secs_f64(wanted).unwrap_or(longest);
    wanted.clamp(shortest, longest)
}

/// The part of its time that the drain is busy.
#[derive(Debug, Default)]
pub(super) struct Load {
    busy: Duration,
    past: Duration,
    has_time: bool,
}

/// The interval at which the load is measured.
const LOAD_OVER: Duration = Duration::from_millis(5);

impl Load {
    /// Notes that a pass took `busy`, and began `past` after the previous one.
    pub(super) fn note(&mut self, busy: Duration, past: Duration) {
        self.busy += busy;
        self.past += past;
        if self.past < LOAD_OVER {
            return;
        }
        // Hysteresis: Zstandard takes about three times as long as LZ4, so switching to it makes the
        // drain busier.
        let share = self.busy.as_secs_f64() / self.past.as_secs_f64();
        self.has_time = share < if self.has_time { 0.5 } else { 0.125 };
        (self.busy, self.past) = (Duration::ZERO, Duration::ZERO);
    }

    /// Whether the drain rests most of the time.
    pub(super) const fn has_time(&self) -> bool {
        self.has_time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_is_taken_over_some_time() {
        let us = Duration::from_micros;
        let mut load = Load::default();
        load.note(us(1), us(4_999));
        assert!(!load.has_time());
        load.note(us(1), us(1));
        assert!(load.has_time());
        // Not an eighth any more, but less than half.
        load.note(us(2_000), us(5_000));
        assert!(load.has_time());
        load.note(us(3_000), us(5_000));
        assert!(!load.has_time());
        load.note(us(2_000), us(5_000));
        assert!(!load.has_time());
    }

    #[test]
    fn sleep_follows_the_pace() {
        let ms = Duration::from_millis;
        let longest = ms(100);
        // A quarter came in 10 ms: as long.
        assert_eq!(next_sleep(1000, 4000, ms(10), longest), ms(10));
        // A trickle, and not even that: the bound.
        assert_eq!(next_sleep(1, 4000, ms(10), longest), longest);
        assert_eq!(next_sleep(0, 4000, ms(10), longest), longest);
        // A flood: never without a pause.
        assert_eq!(next_sleep(1000, 4000, Duration::from_nanos(1), longest), SHORTEST_SLEEP);
        // Half of it, whatever the pace: its thread may have had to wait.
        assert_eq!(next_sleep(2000, 4000, ms(1000), longest), SHORTEST_SLEEP);
        // Beyond what a duration holds.
        assert_eq!(next_sleep(1, usize::MAX, Duration::MAX, longest), longest);
    }
}
