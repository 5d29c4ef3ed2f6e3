//! Effort for a section: which levels of Zstandard to try, and when a higher one pays no more.
//!
//! High levels take a hundred times the time of the first one, and on most columns save a few percent. So a section
//! is compressed at rising levels, as long as the step before has saved enough for the time that the next one
//! takes. Time is not measured but known from the length: the output is always the same.

/// The first level to try. What does not shrink there stays as it is.
pub(super) const FIRST: i32 = 1;

/// The level that has most of what higher ones save, in a tenth of their time.
const MIDDLE: i32 = 12;

/// From this level on time does not matter: all that shrinks is compressed at that level.
const UNLIMITED: i32 = 20;

/// The bytes that a second of compression must save.
const SAVED_A_SECOND: u64 = 500_000;

/// Nanoseconds that a level takes for a byte of a column, roughly.
const fn nanos_a_byte(level: i32) -> u64 {
    match level {
        ..=3 => 2,
        4..=6 => 7,
        7..=9 => 11,
        10..=12 => 22,
        13..=15 => 62,
        16..=17 => 120,
        _ => 233,
    }
}

/// The level to try after `level`, which made a section of `plain` bytes shorter by `saved` than what was tried
/// before. `most` is the highest level to try.
pub(super) const fn next(level: i32, plain: usize, saved: usize, most: i32) -> Option<i32> {
    if level >= most {
        return None;
    }
    if most >= UNLIMITED {
        return Some(most);
    }
    if level < MIDDLE {
        return Some(if most < MIDDLE { most } else { MIDDLE });
    }
    let nanos = (plain as u64).saturating_mul(nanos_a_byte(most));
    let least = nanos.saturating_mul(SAVED_A_SECOND) / 1_000_000_000;
    if saved as u64 >= least { Some(most) } else { None }
}

/// Whether a section of `plain` bytes that the first level makes `stored` long is left as it is.
pub(super) const fn is_dense(plain: usize, stored: usize) -> bool {
    stored.saturating_add(plain / 64) >= plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The levels for a section of a million bytes, if each step saves that many.
    #[track_caller]
    fn check(most: i32, saved: usize, levels: &[i32]) {
        let mut tried = vec![FIRST];
        while let Some(level) = next(tried[tried.len() - 1], 1_000_000, saved, most) {
            tried.push(level);
        }
        assert_eq!(tried, levels, "up to {most}, {saved} bytes saved");
    }

    #[test]
    fn higher_levels_must_pay() {
        check(1, 500_000, &[1]);
        check(6, 500_000, &[1, 6]);
        check(12, 0, &[1, 12]);
        check(19, 50_000, &[1, 12]);
        check(19, 150_000, &[1, 12, 19]);
        check(17, 70_000, &[1, 12, 17]);
        check(22, 0, &[1, 22]);
    }
}
