//! Clock pairs of a segment: those that a reader needs to map counters to UTC, and no others.
//!
//! ```text
//!   stated                                    not stated, as the line meets it       the next one to be stated
//!     ●───────────────────────────────────────────○───────────────○────────────────────────●
//!                                                 └ window: its uncertainty, plus 1 µs
//! ```
//!
//! A pair is read every second in which there are records. It is stated only if
//!
//! - a reader that has the stated pairs so far would map it to another time, or
//! - the line to it would miss the window of one in between: then that one's predecessor ends the line.
//!
//! A clock that is set is therefore as visible as with a pair every second.

use stenolog_format::clock::ClockPair;

/// How far apart pairs are read while there are records, in seconds.
const READ_EVERY_SECONDS: u64 = 1;

/// How far a mapped time may be from a pair, beyond the pair's uncertainty.
const TOLERANCE_NS: f64 = 1000.0;

/// The pairs that a segment states, and the one that it may have to.
#[derive(Debug)]
pub(super) struct ClockPairs {
    hz: u64,
    stated: ClockPair,
    /// The slope by which a reader continues after the last stated pair, in nanoseconds per tick.
    slope: f64,
    /// The slopes of the lines from the last stated pair through the windows of all pairs since then.
    window: (f64, f64),
    /// The last of these pairs.
    last: Option<ClockPair>,
    /// Pairs to be put into the segment.
    due: Vec<ClockPair>,
}

impl ClockPairs {
    /// The pairs of a segment that begins with this one.
    pub(super) fn begin(pair: ClockPair, hz: u64) -> Self {
        let slope = 1e9 / hz.max(1) as f64;
        let window = (f64::NEG_INFINITY, f64::INFINITY);
        Self { hz, stated: pair, slope, window, last: None, due: vec![pair] }
    }

    /// Whether to read a pair.
    pub(super) fn is_time(&self, now: u64) -> bool {
        let before = self.last.map_or(self.stated.counter, |pair| pair.counter);
        now.saturating_sub(before) > self.hz * READ_EVERY_SECONDS
    }

    /// Takes a pair, which may be due then.
    pub(super) fn take(&mut self, pair: ClockPair) {
        if pair.counter <= self.stated.counter {
            return;
        }
        if self.is_on_line(&pair) && self.is_expected(&pair) {
            self.keep(pair);
            return;
        }
        if let Some(last) = self.last {
            self.state(last);
        }
        if self.is_expected(&pair) {
            self.keep(pair);
        } else {
            self.state(pair);
        }
    }

    /// Takes the last pair of the segment.
    pub(super) fn end(&mut self, pair: ClockPair) {
        if let Some(last) = self.last.filter(|_| !self.is_on_line(&pair)) {
            self.state(last);
        }
        self.state(pair);
    }

    /// The pairs that the segment lacks.
    pub(super) fn take_due(&mut self) -> std::vec::Drain<'_, ClockPair> {
        self.due.drain(..)
    }

    /// A line from the last stated pair: ticks and nanoseconds.
    fn line(&self, pair: &ClockPair) -> (f64, f64) {
        let ticks = pair.counter.saturating_sub(self.stated.counter) as f64;
        (ticks.max(1.0), pair.unix_ns.wrapping_sub(self.stated.unix_ns) as f64)
    }

    /// How far from the pair a mapped time may be.
    fn tolerance(&self, pair: &ClockPair) -> f64 {
        let uncertain =
            u64::from(pair.uncertainty_ticks) + u64::from(self.stated.uncertainty_ticks);
        uncertain as f64 * 1e9 / self.hz.max(1) as f64 + TOLERANCE_NS
    }

    /// Whether the line to a pair meets the windows of those before it.
    fn is_on_line(&self, pair: &ClockPair) -> bool {
        let (ticks, ns) = self.line(pair);
        (self.window.0..=self.window.1).contains(&(ns / ticks))
    }

    /// Whether a reader that continues the line of the stated pairs gets the pair's time.
    fn is_expected(&self, pair: &ClockPair) -> bool {
        let (ticks, ns) = self.line(pair);
        (ns - self.slope * ticks).abs() <= self.tolerance(pair)
    }

    fn keep(&mut self, pair: ClockPair) {
        let ((ticks, ns), tolerance) = (self.line(&pair), self.tolerance(&pair));
        let (low, high) = ((ns - tolerance) / ticks, (ns + tolerance) / ticks);
        self.window = (self.window.0.max(low), self.window.1.min(high));
        self.last = Some(pair);
    }

    fn state(&mut self, pair: ClockPair) {
        let (ticks, ns) = self.line(&pair);
        let nominal = 1e9 / self.hz.max(1) as f64;
        // A reader continues by the slope of the last segment that is no step and long enough.
        let is_step =
            (ns - nominal * ticks).abs() > nominal * ticks / 1000.0 + self.tolerance(&pair);
        if !is_step {
            self.slope = ns / ticks;
        }
        self.stated = pair;
        self.window = (f64::NEG_INFINITY, f64::INFINITY);
        self.last = None;
        self.due.push(pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HZ: u64 = 1_000_000_000;

    /// The stated ones of pairs that are a second apart, with a UTC for each.
    fn stated(of_second: impl Fn(u64) -> i64, seconds: u64) -> Vec<ClockPair> {
        let pair = |second: u64| ClockPair {
            counter: second * HZ,
            unix_ns: of_second(second),
            uncertainty_ticks: 20,
        };
        let mut pairs = ClockPairs::begin(pair(0), HZ);
        (1..seconds).map(pair).for_each(|pair| pairs.take(pair));
        pairs.end(pair(seconds));
        pairs.take_due().collect()
    }

    /// The time at a counter on the lines between pairs.
    fn between(pairs: &[ClockPair], counter: u64) -> f64 {
        let at = pairs.partition_point(|pair| pair.counter <= counter).clamp(1, pairs.len() - 1);
        let (a, b) = (pairs[at - 1], pairs[at]);
        let slope = (b.unix_ns - a.unix_ns) as f64 / (b.counter - a.counter) as f64;
        a.unix_ns as f64 + slope * (counter - a.counter) as f64
    }

    #[track_caller]
    fn check(of_second: impl Fn(u64) -> i64, seconds: u64) -> usize {
        let pairs = stated(&of_second, seconds);
        for second in 0..=seconds {
            let off = between(&pairs, second * HZ) - of_second(second) as f64;
            assert!(off.abs() <= 1041.0, "second {second}: {off} ns with {} pairs", pairs.len());
        }
        pairs.len()
    }

    #[test]
    fn a_clock_that_runs_evenly_needs_few_pairs() {
        // 11 parts per million faster than the counter says.
        assert!(check(|second| (second * 1_000_011_000) as i64, 3600) <= 4);
        // Readings that jitter within their uncertainty.
        let jittered = |second: u64| (second * HZ) as i64 + (second * 7919 % 39) as i64 - 19;
        assert!(check(jittered, 3600) <= 4);
    }

    #[test]
    fn a_clock_that_is_slewed_is_followed() {
        // 500 parts per million for ten minutes.
        let slewed = |second: u64| (second * HZ + second.clamp(600, 1200) * 500_000) as i64;
        assert!(check(slewed, 3600) <= 8);
        // Ever faster.
        check(|second| (second * HZ + second * second * 100) as i64, 600);
    }

    #[test]
    fn a_step_is_within_a_second_of_its_time() {
        let set =
            |second: u64| (second * HZ) as i64 - if second < 1800 { 0 } else { 1_000_000_000_000 };
        let pairs = stated(set, 3600);
        check(set, 3600);
        let second = |pair: &ClockPair| pair.counter / HZ;
        assert!(pairs.windows(2).any(|two| (second(&two[0]), second(&two[1])) == (1799, 1800)));
    }
}
