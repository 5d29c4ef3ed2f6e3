//! Pacing of the drain: how long it sleeps between passes, when it packs, and how busy it is.
//!
//! ```text
//!   few records    pass: copy to the tail    pass: copy    …    pass: pack all rings into the dump
//!   many records   pass: pack                pass: pack    …
//! ```
//!
//! Records that are packed together take fewer bytes. The rings have room for them until a quarter of one is
//! full; meanwhile the tail shows them to readers.
//!
//! No call tells the drain that it committed a record: that would cost the caller. The drain sleeps for
//! as long as the first ring takes to fill by a quarter, at the pace at which it was filled since the last
//! look, and at most for the bound that the builder set. A call that finds its ring half full wakes it.

use std::time::Duration;

/// The shortest sleep. Polling without a pause would slow the producers down.
pub(super) const SHORTEST_SLEEP: Duration = Duration::from_micros(20);

/// How long to wait after a write that failed.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Records are packed when all rings together hold this many bytes.
const PACK_AT_BYTES: usize = 2 << 20;

/// Records are packed when they have waited this long.
const PACK_AFTER: Duration = Duration::from_secs(300);

/// Records are packed when the tail has this many bytes: each pass adds a header for each ring.
const PACK_AT_TAIL_BYTES: u64 = 8 << 20;

/// Records are packed when this many rings wait for it without a thread, because no other thread can have them.
const PACK_AT_LEFT_RINGS: usize = 8;

/// How long a quarter of a ring takes to fill at least while rings are packed together: several times as long as
/// the packing of [`PACK_AT_BYTES`] without much compression.
const CALM_FOR: Duration = Duration::from_millis(25);

/// Records are packed at once if they would have to be after this many passes. To copy them first would
/// cost more than it saves.
const PASSES_WORTH_COPYING: f64 = 2.0;

/// Bytes that were found in a ring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    /// How many, and for how long they were gathering.
    pub(super) bytes: usize,
    pub(super) over: Duration,
    /// How many bytes the ring holds that are not in the file.
    pub(super) held: usize,
    pub(super) capacity: usize,
}

impl Found {
    /// How many of such amounts `room` is enough for.
    fn fits(&self, room: usize) -> f64 {
        room as f64 / self.bytes.max(1) as f64
    }
}

/// How long to leave a ring alone: until a quarter is full, at the pace of what was found.
pub(super) fn next_sleep(found: &Found, longest: Duration) -> Duration {
    let shortest = SHORTEST_SLEEP.min(longest);
    // Its thread may have had to wait, or has just begun: its real pace is unknown.
    if found.bytes.max(found.held) >= found.capacity / 2 {
        return shortest;
    }
    let room = (found.capacity / 4).saturating_sub(found.held);
    // In floating point, because the product may exceed any duration.
    let wanted = found.over.as_secs_f64() * found.fits(room);
    let wanted = Duration::try_from_secs_f64(wanted).unwrap_or(longest);
    wanted.clamp(shortest, longest)
}

/// What all rings hold, and how fast they are filled, as far as a pass has seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fill {
    held: usize,
    /// Rings that their threads have left.
    left: usize,
    /// A ring is a quarter full, or is to be packed for another reason.
    is_any_full: bool,
    /// At this pace, a part of what may be held, that comes within the bound of the builder.
    pace: f64,
    fastest: f64,
}

impl Fill {
    /// Takes account of a ring, of which `found` is new. Records may wait for `longest` until a pass.
    pub(super) fn note(&mut self, found: &Found, longest: Duration, is_left: bool) {
        self.held += found.held;
        self.left += usize::from(is_left && found.held > 0);
        self.is_any_full |= found.held >= found.capacity / 4;
        if found.bytes > 0 {
            let per_pass = longest.as_secs_f64() / found.over.as_secs_f64().max(1e-9);
            self.pace += per_pass / found.fits(PACK_AT_BYTES);
            self.fastest = self.fastest.max(per_pass / found.fits(found.capacity / 4));
        }
    }

    /// Has the records packed now.
    pub(super) const fn ask(&mut self) {
        self.is_any_full = true;
    }

    /// Whether the records are to be packed now. `tail` is the age and the length of the tail.
    pub(super) fn is_pack_due(&self, (age, bytes): (Duration, u64)) -> bool {
        self.is_any_full
            || self.held >= PACK_AT_BYTES
            || self.left >= PACK_AT_LEFT_RINGS
            || self.held > 0 && age >= PACK_AFTER
            || bytes >= PACK_AT_TAIL_BYTES
    }

    /// Whether there is time for a block of all rings, whose records are freed only when it is written: a quarter
    /// of each ring takes longer to fill than the block.
    pub(super) fn is_calm(&self, longest: Duration) -> bool {
        longest.as_secs_f64() >= self.fastest * CALM_FOR.as_secs_f64()
    }

    /// Whether the rings are filled so fast that a copy is not worthwhile.
    pub(super) fn is_fast(&self) -> bool {
        self.pace.max(self.fastest) * PASSES_WORTH_COPYING >= 1.0
    }
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
        let sleep = |bytes, held, capacity, over| {
            next_sleep(&Found { bytes, over, held, capacity }, longest)
        };
        // A quarter came in 10 ms: as long.
        assert_eq!(sleep(1000, 0, 4000, ms(10)), ms(10));
        // Half of it is left to be filled.
        assert_eq!(sleep(500, 500, 4000, ms(10)), ms(10));
        // A trickle, and not even that: the bound.
        assert_eq!(sleep(1, 0, 4000, ms(10)), longest);
        assert_eq!(sleep(0, 0, 4000, ms(10)), longest);
        // A flood: never without a pause.
        assert_eq!(sleep(1000, 0, 4000, Duration::from_nanos(1)), SHORTEST_SLEEP);
        // Half of it, whatever the pace: its thread may have had to wait.
        assert_eq!(sleep(2000, 0, 4000, ms(1000)), SHORTEST_SLEEP);
        assert_eq!(sleep(1, 2000, 4000, ms(1000)), SHORTEST_SLEEP);
        // Beyond what a duration holds.
        assert_eq!(sleep(1, 0, usize::MAX, Duration::MAX), longest);
    }

    fn fill_of(rings: &[(usize, usize)], is_left: bool) -> Fill {
        let (mut fill, over) = (Fill::default(), Duration::from_millis(100));
        for &(bytes, held) in rings {
            fill.note(&Found { bytes, over, held, capacity: 1 << 20 }, over, is_left);
        }
        fill
    }

    #[test]
    fn records_wait_until_there_are_enough_of_them() {
        let is_due = |rings: &[_]| fill_of(rings, false).is_pack_due((Duration::ZERO, 0));
        assert!(!is_due(&[(0, 200 << 10); 10]));
        assert!(is_due(&[(0, 210 << 10); 10]));
        assert!(is_due(&[(0, 256 << 10)]));
        let few = fill_of(&[(0, 100)], false);
        assert!(!few.is_pack_due((Duration::from_secs(299), 1 << 20)));
        assert!(few.is_pack_due((Duration::from_secs(300), 0)));
        assert!(few.is_pack_due((Duration::ZERO, 8 << 20)));
        assert!(!Fill::default().is_pack_due((Duration::from_secs(300), 0)));
        assert!(!fill_of(&[(0, 100); 7], true).is_pack_due((Duration::ZERO, 0)));
        assert!(fill_of(&[(0, 100); 8], true).is_pack_due((Duration::ZERO, 0)));
    }

    #[test]
    fn many_records_are_not_copied() {
        // A quarter of the ring, or two megabytes in all, within two passes.
        assert!(!fill_of(&[(100 << 10, 0); 10], false).is_fast());
        assert!(fill_of(&[(110 << 10, 0); 10], false).is_fast());
        assert!(fill_of(&[(128 << 10, 0)], false).is_fast());
        assert!(!fill_of(&[(0, 200 << 10); 10], false).is_fast());
        // A quarter in 25 ms.
        let longest = Duration::from_millis(100);
        assert!(fill_of(&[(1 << 20, 0); 10], false).is_calm(longest));
        assert!(!fill_of(&[(1 << 20, 0), (9 << 17, 0)], false).is_calm(longest));
        assert!(Fill::default().is_calm(longest));
    }
}
