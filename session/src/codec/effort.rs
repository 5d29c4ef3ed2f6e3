//! Effort for a section: which searches of Zstandard to try, and when a longer one pays no more.
//!
//! High levels take a hundred times the time of the first one, and on most columns save a few percent. So the first
//! level tells what a section is like:
//!
//! | the first level leaves | the section has | then |
//! |---|---|---|
//! | nearly all | noise | nothing |
//! | most | noise beside a little that repeats | [`Search::Matches`], which passes over noise |
//! | more than a quarter | short matches or none, so its symbols take the space | [`Search::Symbols`] |
//! | less | long matches | [`Search::Matches`] |
//!
//! The highest level follows if that has saved enough for the time that it takes. Time is not measured but known from
//! the length: the output is always the same.

use zstd::zstd_safe::{CParameter, Strategy};

/// A way to search for matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// As at a level.
    Level(i32),
    /// For long matches.
    Matches,
    /// For sections whose symbols take the space.
    Symbols,
}

/// The first search. What does not shrink there stays as it is.
pub(super) const FIRST: Search = Search::Level(1);

/// Higher levels than this one come after [`Search::Matches`] and [`Search::Symbols`], which save what it saves in half
/// of its time.
const MIDDLE: i32 = 12;

/// From this level on time does not matter: all that shrinks is compressed at that level.
const UNLIMITED: i32 = 20;

/// The bytes that a second of compression must save.
const SAVED_A_SECOND: u64 = 500_000;

/// A section of which the first level leaves no more than one part in this many has long matches.
const LONG_MATCHES: usize = 4;

/// A section of which the first level saves less than one part in this many is mostly noise.
const NOISE: usize = 5;

impl Search {
    /// Its parameters, instead of a level.
    pub(super) fn parameters(self) -> Option<[CParameter; 7]> {
        let (strategy, hash, depth, least, enough) = match self {
            Self::Level(_) => return None,
            Self::Matches => (Strategy::ZSTD_lazy2, 18, 6, 6, 32),
            // What saves is that the parser weighs matches against literals, and that the encoder splits blocks where
            // the symbols change, as between planes: both come with this strategy. A short search is enough.
            Self::Symbols => (Strategy::ZSTD_btopt, 15, 2, 5, 16),
        };
        Some([
            CParameter::Strategy(strategy),
            CParameter::WindowLog(21),
            CParameter::HashLog(hash),
            CParameter::ChainLog(hash),
            CParameter::SearchLog(depth),
            CParameter::MinMatch(least),
            CParameter::TargetLength(enough),
        ])
    }
}

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

/// The search after `last`, which made a section of `plain` bytes shorter by `saved` than what was tried before, and
/// left `stored`. `most` is the highest level to try.
pub(super) const fn next(
    last: Search,
    plain: usize,
    (saved, stored): (usize, usize),
    most: i32,
) -> Option<Search> {
    let Search::Level(level) = last else { return if_worth(plain, saved, most) };
    if level >= most {
        return None;
    }
    if most >= UNLIMITED || most < MIDDLE {
        return Some(Search::Level(most));
    }
    let has_long_matches = stored <= plain / LONG_MATCHES;
    let is_noise = stored >= plain - plain / NOISE;
    Some(if has_long_matches || is_noise { Search::Matches } else { Search::Symbols })
}

/// The highest level, if the search before has saved enough.
const fn if_worth(plain: usize, saved: usize, most: i32) -> Option<Search> {
    let nanos = (plain as u64).saturating_mul(nanos_a_byte(most));
    let least = nanos.saturating_mul(SAVED_A_SECOND) / 1_000_000_000;
    if most > MIDDLE && saved as u64 >= least { Some(Search::Level(most)) } else { None }
}

/// Whether a section of `plain` bytes that the first level makes `stored` long is left as it is.
pub(super) const fn is_dense(plain: usize, stored: usize) -> bool {
    stored.saturating_add(plain / 64) >= plain
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The searches for a section of a million bytes, if the first one leaves `stored` and each saves that many.
    #[track_caller]
    fn check(most: i32, stored: usize, saved: usize, searches: &[Search]) {
        let mut tried = vec![FIRST];
        while let Some(search) = next(tried[tried.len() - 1], 1_000_000, (saved, stored), most) {
            tried.push(search);
        }
        assert_eq!(tried, searches, "up to {most}, {saved} bytes saved");
    }

    #[test]
    fn longer_searches_must_pay() {
        use Search::{Level, Matches, Symbols};
        check(1, 500_000, 500_000, &[FIRST]);
        check(6, 500_000, 500_000, &[FIRST, Level(6)]);
        check(12, 500_000, 500_000, &[FIRST, Symbols]);
        check(12, 200_000, 500_000, &[FIRST, Matches]);
        check(12, 900_000, 500_000, &[FIRST, Matches]);
        check(19, 200_000, 50_000, &[FIRST, Matches]);
        check(19, 200_000, 150_000, &[FIRST, Matches, Level(19)]);
        check(19, 600_000, 50_000, &[FIRST, Symbols]);
        check(17, 600_000, 70_000, &[FIRST, Symbols, Level(17)]);
        check(22, 500_000, 0, &[FIRST, Level(22)]);
    }
}
