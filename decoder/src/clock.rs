//! Clock of a session: maps the raw counter to UTC, and to an order that is independent of steps of the wall
//! clock.
//!
//! ```text
//!  UTC                          ╱ ← after the last pair: the slope of the nearest good segment
//!   │                     ●────╱
//!   │            step ┆  ╱        a segment with an impossible slope (> 1000 ppm off) holds a step of
//!   │         ●┄┄┄┄┄┄┄┆●          the wall clock, or a suspend: it keeps the slope of its neighbour,
//!   │       ╱ nearby slope        and jumps at its end
//!   │     ●
//!   └───────────────────────────── counter
//! ```
//!
//! The order follows UTC, but is never earlier than the UTC of any earlier counter. The counter breaks ties.

use stenolog_format::clock::ClockPair;

/// A segment whose slope is further off the nominal one holds a step. Crystals
/// are within 100 ppm, and NTP slews by 500.
const MAX_SLOPE_ERROR_PPM: i128 = 1_000;

/// The accuracy that a segment's slope needs to be used outside of it.
const TRUSTED_PPM: u128 = 50;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// Maps the raw counter of one session to UTC.
#[derive(Clone, Debug)]
pub(crate) struct TimeMap {
    /// Sorted by `start`, never empty. The first one also covers earlier counters.
    segments: Vec<Segment>,
    /// Whether UTC never goes back.
    is_monotone: bool,
    /// If it does, a segment tree of the earliest and the latest UTC at the start of each segment, before
    /// and after the step to it. Leaves are in the second half.
    steps: Vec<(i64, i64)>,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    start: u64,
    unix_ns: i64,
    scale: Scale,
    /// The latest UTC before the segment.
    floor: i64,
}

/// A moment in UTC, and its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) unix_ns: i64,
    pub(crate) order_ns: i64,
}

impl Moment {
    /// A time that was passed to the call.
    pub(crate) const fn given(unix_ns: i64) -> Self {
        Self { unix_ns, order_ns: unix_ns }
    }
}

/// Nanoseconds per tick, as `factor / 2^shift`, exact to 62 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scale {
    factor: u64,
    shift: u32,
}

impl Scale {
    /// A scale of `nanos` in `ticks`, which is not 0.
    fn new(nanos: u64, ticks: u64) -> Self {
        let bits = |n: u64| u64::BITS - n.leading_zeros();
        // The quotient has 63 or 64 bits.
        let shift = 63 + bits(ticks) - bits(nanos);
        let factor = (u128::from(nanos) << shift) / u128::from(ticks.max(1));
        Self { factor: u64::try_from(factor).unwrap_or(u64::MAX), shift }
    }

    fn nominal(counter_hz: u64) -> Self {
        // 0 means a damaged header; most counters are close to nanoseconds.
        if counter_hz == 0 { Self::new(1, 1) } else { Self::new(NANOS_PER_SECOND, counter_hz) }
    }

    #[inline]
    fn nanos(self, ticks: u64) -> i64 {
        let half = (1 << self.shift) >> 1;
        let nanos =
            (u128::from(ticks) * u128::from(self.factor)).saturating_add(half) >> self.shift;
        i64::try_from(nanos).unwrap_or(i64::MAX)
    }
}

impl TimeMap {
    /// A map through `pairs`, in any order, or through `fallback` if there is no pair.
    pub(crate) fn new(mut pairs: Vec<ClockPair>, counter_hz: u64, fallback: ClockPair) -> Self {
        pairs.sort_by_key(|pair| pair.counter);
        // The last pair of a counter wins.
        pairs.reverse();
        pairs.dedup_by_key(|pair| pair.counter);
        pairs.reverse();
        if pairs.is_empty() {
            pairs.push(fallback);
        }
        let nominal = Scale::nominal(counter_hz);
        let slopes: Vec<Slope> =
            pairs.windows(2).map(|pair| Slope::between(&pair[0], &pair[1], nominal)).collect();
        let first_trusted = slopes.iter().find_map(|slope| slope.trusted());
        let mut nearby = first_trusted.unwrap_or(nominal);
        let segments = Vec::with_capacity(pairs.len());
        let mut map = Self { segments, is_monotone: true, steps: Vec::new() };
        let mut floor = i64::MIN;
        for (index, pair) in pairs.iter().enumerate() {
            if let Some(last) = map.segments.last() {
                let end = last.at(pair.counter);
                floor = floor.max(end);
                map.is_monotone &= pair.unix_ns >= floor;
            }
            let slope = slopes.get(index);
            nearby = slope.and_then(Slope::trusted).unwrap_or(nearby);
            let scale = slope.and_then(Slope::measured).unwrap_or(nearby);
            map.segments.push(Segment { start: pair.counter, unix_ns: pair.unix_ns, scale, floor });
        }
        if !map.is_monotone {
            map.note_steps();
        }
        map
    }

    fn note_steps(&mut self) {
        let count = self.segments.len();
        let mut steps = vec![(i64::MAX, i64::MIN); 2 * count];
        for (at, pair) in self.segments.windows(2).enumerate() {
            let (before, next) = (pair[0].at(pair[1].start), pair[1].unix_ns);
            steps[count + at + 1] = (next, before.max(next));
        }
        for at in (1..count).rev() {
            steps[at] = union(steps[2 * at], steps[2 * at + 1]);
        }
        self.steps = steps;
    }

    /// The earliest and the latest UTC at the starts of the segments after `start`, up to `end`.
    fn steps_within(&self, start: usize, end: usize) -> (i64, i64) {
        let count = self.segments.len();
        let (mut from, mut to) = (count + start + 1, count + end + 1);
        let mut range = (i64::MAX, i64::MIN);
        while from < to {
            if from % 2 == 1 {
                range = union(range, self.steps.get(from).copied().unwrap_or(range));
                from += 1;
            }
            if to % 2 == 1 {
                to -= 1;
                range = union(range, self.steps.get(to).copied().unwrap_or(range));
            }
            (from, to) = (from / 2, to / 2);
        }
        range
    }

    /// Maps a counter. `hint` is the segment of the last one, or 0.
    #[inline]
    pub(crate) fn at(&self, counter: u64, hint: &mut usize) -> Moment {
        if !self.covers(*hint, counter) {
            *hint = self.find(counter);
        }
        match self.segments.get(*hint) {
            Some(segment) => {
                let unix_ns = segment.at(counter);
                Moment { unix_ns, order_ns: unix_ns.max(segment.floor) }
            }
            // Unreachable: there is at least one segment.
            None => Moment { unix_ns: 0, order_ns: 0 },
        }
    }

    /// A part of the segment `hint` in which counters are mapped quickly.
    pub(crate) fn window(&self, hint: usize) -> Window {
        let Some(segment) = self.segments.get(hint) else { return Window::default() };
        let Segment { start, unix_ns, scale, floor } = *segment;
        let end = self.segments.get(hint + 1).map_or(u64::MAX, |next| next.start);
        let length = end.saturating_sub(start).min(MAX_WINDOW_TICKS);
        // Nothing overflows: the products have 104 bits, the sums 63.
        let is_safe = unix_ns.unsigned_abs() < 1 << 62 && scale.nanos(length) < 1 << 61;
        Window { start, length: if is_safe { length } else { 0 }, unix_ns, scale, floor }
    }

    /// The earliest and the latest UTC of counters from `first` to `last`.
    pub(crate) fn unix_range(&self, first: u64, last: u64) -> (i64, i64) {
        let (mut start, mut end) = (self.find(first), self.find(last));
        let (a, b) = (self.at(first, &mut start).unix_ns, self.at(last, &mut end).unix_ns);
        let range = (a.min(b), a.max(b));
        if self.is_monotone || start >= end {
            return range;
        }
        // This is called for each block, and a dump may have as many blocks as clock pairs.
        union(range, self.steps_within(start, end))
    }

    #[inline]
    fn covers(&self, index: usize, counter: u64) -> bool {
        let begins = index == 0 || self.segments.get(index).is_some_and(|s| s.start <= counter);
        begins && self.segments.get(index + 1).is_none_or(|next| counter < next.start)
    }

    fn find(&self, counter: u64) -> usize {
        self.segments.partition_point(|segment| segment.start <= counter).saturating_sub(1)
    }
}

fn union(a: (i64, i64), b: (i64, i64)) -> (i64, i64) {
    (a.0.min(b.0), a.1.max(b.1))
}

/// A quarter of an hour of a fast counter, more of others.
const MAX_WINDOW_TICKS: u64 = 1 << 40;

/// A part of a [`TimeMap`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    start: u64,
    /// The number of counters from `start` on.
    length: u64,
    unix_ns: i64,
    scale: Scale,
    floor: i64,
}

impl Default for Window {
    /// A window without counters.
    fn default() -> Self {
        Self { start: 0, length: 0, unix_ns: 0, scale: Scale { factor: 0, shift: 0 }, floor: 0 }
    }
}

impl Window {
    /// As [`TimeMap::at`]; `None` if the counter is outside of the window.
    #[inline]
    pub(crate) fn at(&self, counter: u64) -> Option<Moment> {
        let ticks = counter.wrapping_sub(self.start);
        if ticks >= self.length {
            return None;
        }
        let Scale { factor, shift } = self.scale;
        let half = (1_u128 << shift) >> 1;
        let nanos = (u128::from(ticks) * u128::from(factor) + half) >> shift;
        let unix_ns = self.unix_ns + nanos as i64;
        Some(Moment { unix_ns, order_ns: unix_ns.max(self.floor) })
    }
}

impl Segment {
    #[inline]
    fn at(&self, counter: u64) -> i64 {
        if counter >= self.start {
            self.unix_ns.saturating_add(self.scale.nanos(counter - self.start))
        } else {
            self.unix_ns.saturating_sub(self.scale.nanos(self.start - counter))
        }
    }
}

/// The slope between two clock pairs.
enum Slope {
    /// Accurate enough to be used outside of the segment too.
    Trusted(Scale),
    /// The segment is too short for that.
    Short(Scale),
    /// The wall clock was set.
    Step,
}

impl Slope {
    /// `from` is before `to`.
    fn between(from: &ClockPair, to: &ClockPair, nominal: Scale) -> Self {
        let ticks = to.counter.saturating_sub(from.counter).max(1);
        let nanos = i128::from(to.unix_ns) - i128::from(from.unix_ns);
        let uncertainty = u64::from(from.uncertainty_ticks) + u64::from(to.uncertainty_ticks);
        let expected = i128::from(nominal.nanos(ticks));
        // Wall clocks are read to the microsecond on some systems.
        let allowed = expected * MAX_SLOPE_ERROR_PPM / 1_000_000
            + i128::from(nominal.nanos(uncertainty))
            + 1_000;
        let Ok(positive) = u64::try_from(nanos) else { return Self::Step };
        if (nanos - expected).abs() > allowed {
            return Self::Step;
        }
        let scale = Scale::new(positive, ticks);
        let error = u128::from(uncertainty) + u128::from(ticks_of_a_microsecond(nominal));
        if error * 1_000_000 < u128::from(ticks) * TRUSTED_PPM {
            Self::Trusted(scale)
        } else {
            Self::Short(scale)
        }
    }

    fn trusted(&self) -> Option<Scale> {
        match *self {
            Self::Trusted(scale) => Some(scale),
            Self::Short(_) | Self::Step => None,
        }
    }

    fn measured(&self) -> Option<Scale> {
        match *self {
            Self::Trusted(scale) | Self::Short(scale) => Some(scale),
            Self::Step => None,
        }
    }
}

fn ticks_of_a_microsecond(scale: Scale) -> u64 {
    let ticks = (1_000_u128 << scale.shift) / u128::from(scale.factor.max(1));
    u64::try_from(ticks).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
