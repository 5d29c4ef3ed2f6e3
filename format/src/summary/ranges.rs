//! Ranges of integers: the smallest and the greatest one of each column of a group.

use crate::value::{put_int, put_uint};

/// The smallest and the greatest integer of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegerRange {
    /// The smallest.
    pub least: i128,
    /// The greatest.
    pub most: i128,
}

/// The ranges of a summary, by call site and column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegerRanges {
    /// Sorted by call site and column.
    ranges: Vec<((u32, u32), IntegerRange)>,
}

impl IntegerRanges {
    /// The range of a column, by its place among those of the call site; `None` if it is not stated.
    #[must_use]
    pub fn get(&self, site: u32, column: usize) -> Option<IntegerRange> {
        let wanted = (site, u32::try_from(column).ok()?);
        let at = self.ranges.binary_search_by_key(&wanted, |(column, _)| *column).ok()?;
        self.ranges.get(at).map(|(_, range)| *range)
    }

    /// Reads the ranges of the columns of these call sites, and returns what follows them; `None` if they are cut or
    /// malformed. What is so is not stated.
    pub(super) fn read<'a>(sites: &[u32], bytes: &'a [u8]) -> (Self, Option<&'a [u8]>) {
        let mut this = Self::default();
        let rest = this.read_all(sites, bytes);
        (this, rest)
    }

    fn read_all<'a>(&mut self, sites: &[u32], mut rest: &'a [u8]) -> Option<&'a [u8]> {
        for &site in sites {
            let count = take_uint(&mut rest)?;
            let mut column = 0_u64;
            for _ in 0..count {
                let (place, range) = read_range(&mut rest)?;
                column = column.saturating_add(place);
                let column = u32::try_from(column).ok()?;
                match self.ranges.last_mut() {
                    Some((last, stated)) if *last == (site, column) => {
                        stated.least = stated.least.min(range.least);
                        stated.most = stated.most.max(range.most);
                    }
                    _ => self.ranges.push(((site, column), range)),
                }
            }
        }
        Some(rest)
    }
}

fn read_range(rest: &mut &[u8]) -> Option<(u64, IntegerRange)> {
    let place = take_uint(rest)?;
    let least = take_uint(rest)?;
    let size = take_uint(rest)?;
    let least = match place & 1 {
        0 => i128::from(least),
        _ => i128::from((least >> 1) as i64 ^ -((least & 1) as i64)),
    };
    Some((place >> 1, IntegerRange { least, most: least + i128::from(size) }))
}

pub(super) fn take_uint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// A range that a summary will state.
#[derive(Clone, Copy, Debug)]
pub(super) struct NotedRange {
    site: u32,
    column: usize,
    are_signed: bool,
    least: i128,
    most: i128,
}

impl NotedRange {
    /// The range of all integers of a column, which are as they are in a row; `None` if there is none.
    pub(super) fn of(site: u32, column: usize, are_signed: bool, rows: &[u64]) -> Option<Self> {
        let (&first, _) = rows.split_first()?;
        let (least, most) = if are_signed {
            let signed = |row: u64| (row >> 1) as i64 ^ -((row & 1) as i64);
            let ends = (signed(first), signed(first));
            let ends = rows
                .iter()
                .fold(ends, |(least, most), &row| (least.min(signed(row)), most.max(signed(row))));
            (ends.0.into(), ends.1.into())
        } else {
            let ends = (first, first);
            let ends =
                rows.iter().fold(ends, |(least, most), &row| (least.min(row), most.max(row)));
            (ends.0.into(), ends.1.into())
        };
        Some(Self { site, column, are_signed, least, most })
    }

    /// Appends the ranges of all call sites, which are sorted.
    pub(super) fn put_all(sites: &[u32], ranges: &mut Vec<Self>, out: &mut Vec<u8>) {
        ranges.sort_unstable_by_key(|range| (range.site, range.column));
        // A call site has two kinds of records if some have a time of another kind.
        ranges.dedup_by(|range, before| {
            let is_same = (range.site, range.column) == (before.site, before.column);
            if is_same {
                before.least = before.least.min(range.least);
                before.most = before.most.max(range.most);
            }
            is_same
        });
        let mut rest = &**ranges;
        for &site in sites {
            let count = rest.iter().take_while(|range| range.site == site).count();
            let (of_site, after) = rest.split_at(count);
            put_uint(out, count as u64);
            let mut last = 0;
            for range in of_site {
                put_uint(out, (range.column - last) as u64 * 2 + u64::from(range.are_signed));
                last = range.column;
                if range.are_signed {
                    put_int(out, range.least as i64);
                } else {
                    put_uint(out, range.least as u64);
                }
                put_uint(out, (range.most - range.least) as u64);
            }
            rest = after;
        }
    }
}
