//! Records read where they stand in their columns, some at a time, without being turned into rows.
//!
//! ```text
//!   which   0 1 0 0 2 1 …      kind 0 ──▶ all its next values of column 0, then of column 1, …
//!   times   ▭ ▭ ▭ ▭ ▭ ▭ …                 as words that are ready to be printed
//!                              kind 1 ──▶ packed values, as in a row
//!                              kind 2 ──▶ nothing: who is not wanted is stepped over
//! ```
//!
//! A block is looked through before its first record is read, so that one that is not as it should be
//! gives none, as [`BlockHeader::rows`] has it. What is only strange, such as a tag that no record has,
//! is refused as well: [`ColumnWalk::begin`] then says no, and rows tell what is wrong.

use std::ops::Range;

use super::read::{Bytes, Column, ColumnPlace, Malformed, Read, unzigzag};
use super::{Layout, MAX_COLUMNS, MAX_KINDS};
use crate::block::{BlockHeader, RecordTime, most_rows};
use crate::value::{ScalarType, split_uint};

/// What a reader wants of the records with a tag.
#[derive(Clone, Copy, Debug)]
pub enum Wish<'t> {
    /// Nothing. They are passed over, and their values not looked at.
    Nothing,
    /// Packed values, as in a row.
    Packed,
    /// Packed values, and each such record without any other.
    Alone,
    /// A [word](ColumnValues::Words) for each value, if the columns hold values of these types; else
    /// packed values.
    Words(&'t [ScalarType]),
}

/// A record of a block in columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnRecord {
    /// Its place in the block.
    pub index: u32,
    /// The place of its kind among the [kinds](ColumnWalk::kinds).
    pub kind: u8,
    /// When it was logged.
    pub time: RecordTime,
    /// Where its values are.
    pub values: ColumnValues,
}

/// Where the values of a [`ColumnRecord`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnValues {
    /// So many of the bytes that were appended, from a place on.
    Packed {
        /// The place.
        start: u32,
        /// How many.
        length: u32,
    },
    /// One of the words that were appended for each value, for
    /// [`Scalar::from_word`](crate::value::Scalar::from_word).
    Words {
        /// The place of the first.
        first: u32,
        /// How far the next one is behind it.
        stride: u32,
        /// Whether all that are no texts are values of their types.
        are_sound: bool,
    },
}

/// What the records of a block have in common that have a tag in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnKind {
    /// The call site's id, or [`CallSite::LOSS_ID`](crate::dictionary::CallSite::LOSS_ID).
    pub tag: u32,
    /// Whether their times are unix times.
    pub is_unix: bool,
    reading: Reading,
    /// Their columns, if these are to be read.
    columns: (u32, u32),
    /// How many there are in the block.
    count: u32,
    /// In the records that are being read: where the next one's first word is, and how many there are.
    first: u32,
    stride: u32,
    are_sound: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Nothing,
    Packed,
    Alone,
    Words,
}

/// A walk over the records of a block in columns, without the block's bytes: these may move
/// meanwhile. It is meant to be reused.
#[derive(Clone, Debug, Default)]
pub struct ColumnWalk {
    kinds: Vec<ColumnKind>,
    columns: Vec<(ColumnPlace, ScalarType)>,
    /// What of the kinds and the times was not read yet.
    which: Range<usize>,
    times: Range<usize>,
    next: u32,
    left: u32,
    /// How many of those that are left are wanted.
    wanted_left: u32,
    counter: u64,
    unix: u64,
    has_unix: bool,
    has_alone: bool,
    scratch: Vec<u64>,
}

impl ColumnWalk {
    /// Begins with the first record of a block, whose `body` is not compressed any more; its length in
    /// the file is `stored_bytes`. Says whether its records can be read so: if not, there is something
    /// wrong, and [`BlockHeader::rows`] tells what.
    ///
    /// Memory is taken for kinds and columns only, of which a block has no more than so many.
    pub fn begin<'t>(
        &mut self,
        header: &BlockHeader,
        body: &[u8],
        stored_bytes: usize,
        wish: impl FnMut(u32) -> Wish<'t>,
    ) -> bool {
        let begun = header.encoding == 2
            && u32::try_from(body.len()).is_ok()
            && self.check(header, body, most_rows(stored_bytes), wish).is_ok();
        if !begun {
            (self.left, self.wanted_left) = (0, 0);
        }
        begun
    }

    fn check<'t>(
        &mut self,
        header: &BlockHeader,
        whole: &[u8],
        limit: usize,
        mut wish: impl FnMut(u32) -> Wish<'t>,
    ) -> Read<()> {
        self.kinds.clear();
        self.columns.clear();
        (self.has_unix, self.has_alone, self.next, self.left) = (false, false, 0, header.count);
        let mut body = Bytes(whole);
        let bases = [body.uint()?, body.uint()?];
        self.counter = header.counter_first.wrapping_add(unzigzag(bases[0]));
        self.unix = (header.unix_first as u64).wrapping_add(unzigzag(bases[1]));
        // Of the columns, how long they are at first.
        let kinds = body.uint()?;
        let mut columns = 0;
        let mut directory = body;
        for _ in 0..kinds {
            let tag = directory.uint()?;
            let of_kind = directory.length()?;
            if self.kinds.len() == MAX_KINDS || of_kind > MAX_COLUMNS - columns {
                return Err(Malformed);
            }
            columns += of_kind;
            for _ in 0..of_kind {
                Layout::read(&mut directory)?;
                directory.length()?;
            }
            let is_unix = tag & 1 == 1;
            let tag = u32::try_from(tag >> 1).ok().filter(|tag| *tag > 0).ok_or(Malformed)?;
            self.has_unix |= is_unix;
            self.kinds.push(ColumnKind {
                tag,
                is_unix,
                reading: Reading::Nothing,
                columns: (0, 0),
                count: 0,
                first: 0,
                stride: 0,
                are_sound: true,
            });
        }
        let which_bytes = directory.length()?;
        let time_bytes = directory.length()?;
        let mut behind = directory;
        let which = behind.take(which_bytes)?;
        let times = behind.take(time_bytes)?;
        check_varints(times, header.count as usize)?;
        self.count_kinds(which, header.count)?;
        let start = whole.len() - directory.0.len();
        self.which = start..start + which_bytes;
        self.times = self.which.end..self.which.end + time_bytes;
        // Once more over the directory, as it is known now where the columns begin.
        let mut rows = 20 + time_bytes;
        self.wanted_left = 0;
        for at in 0..self.kinds.len() {
            let kind = &mut self.kinds[at];
            let (tag, count) = (kind.tag, kind.count as usize);
            let of_kind = {
                body.uint()?;
                body.length()?
            };
            let wish = wish(tag);
            let mut types = match wish {
                Wish::Words(types) if types.len() == of_kind => types.iter(),
                _ => [].iter(),
            };
            let mut are_words = matches!(wish, Wish::Words(types) if types.len() == of_kind);
            let first = self.columns.len();
            let mut row = 10;
            for _ in 0..of_kind {
                let layout = Layout::read(&mut body)?;
                let data = behind.take(body.length()?)?;
                if matches!(wish, Wish::Nothing) {
                    continue;
                }
                let column = Column::new(layout, data)?;
                column.check(count)?;
                let ty = types.next().copied().unwrap_or(ScalarType::Bool);
                are_words &= layout.holds(ty);
                let width = layout.most_bytes();
                row += width;
                rows += if width == 0 { data.len() } else { 0 };
                self.columns.push((column.place(whole), ty));
            }
            kind.columns = (first as u32, self.columns.len() as u32);
            kind.reading = match wish {
                Wish::Nothing => Reading::Nothing,
                Wish::Alone => Reading::Alone,
                Wish::Words(_) if are_words => Reading::Words,
                Wish::Packed | Wish::Words(_) => Reading::Packed,
            };
            self.has_alone |= kind.reading == Reading::Alone && count > 0;
            if kind.reading != Reading::Nothing {
                self.wanted_left += kind.count;
            }
            rows = rows.saturating_add(row.saturating_mul(count));
        }
        // More than the rows can have: these are written for no more either.
        if rows <= limit && behind.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    fn count_kinds(&mut self, which: &[u8], count: u32) -> Read<()> {
        if let [single] = &mut *self.kinds {
            single.count = count;
            return if which.is_empty() { Ok(()) } else { Err(Malformed) };
        }
        if which.len() != count as usize {
            return Err(Malformed);
        }
        let mut counts = [0_u32; 256];
        which.iter().for_each(|&kind| counts[usize::from(kind)] += 1);
        for (kind, &count) in self.kinds.iter_mut().zip(&counts) {
            kind.count = count;
        }
        let are_known = counts[self.kinds.len()..].iter().all(|count| *count == 0);
        if are_known { Ok(()) } else { Err(Malformed) }
    }

    /// The kinds of records that the block has.
    #[must_use]
    pub fn kinds(&self) -> &[ColumnKind] {
        &self.kinds
    }

    /// How many records are still to be read.
    #[must_use]
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// Reads up to `most` records, those that are not wanted among them, and calls `each` with the
    /// others. Their values are appended to `words` and `bytes`. Returns how many records these are;
    /// 0 behind the last one, and if `body` is not that which the walk was begun with.
    ///
    /// Without any that is wanted it goes on to the end.
    pub fn next(
        &mut self,
        body: &[u8],
        most: usize,
        words: &mut Vec<u64>,
        bytes: &mut Vec<u8>,
        each: impl FnMut(ColumnRecord),
    ) -> u32 {
        if self.wanted_left == 0 {
            self.next += self.left;
            return std::mem::take(&mut self.left);
        }
        self.read(body, most, words, bytes, each).unwrap_or_else(|Malformed| {
            // It was looked through: these are other bytes.
            (self.left, self.wanted_left) = (0, 0);
            0
        })
    }

    fn read(
        &mut self,
        body: &[u8],
        most: usize,
        words: &mut Vec<u64>,
        bytes: &mut Vec<u8>,
        mut each: impl FnMut(ColumnRecord),
    ) -> Read<u32> {
        let Self { kinds, columns, scratch, .. } = self;
        let which = body.get(self.which.clone()).ok_or(Malformed)?;
        let mut count = most.min(self.left as usize);
        let is_alone = |kind: &u8| {
            kinds.get(usize::from(*kind)).is_none_or(|kind| kind.reading == Reading::Alone)
        };
        if self.has_alone {
            // One kind alone has no list of kinds.
            let before = which.iter().take(count).position(is_alone);
            count = before.unwrap_or(if which.is_empty() { 1 } else { count }).max(1);
        }
        let which = if kinds.len() == 1 { which } else { which.get(..count).ok_or(Malformed)? };
        let mut in_batch = [0_u32; 256];
        if kinds.len() == 1 {
            in_batch[0] = count as u32;
        } else {
            which.iter().for_each(|&kind| in_batch[usize::from(kind)] += 1);
        }
        let times = body.get(self.times.clone()).ok_or(Malformed)?;
        scratch.clear();
        scratch.resize(count, 0);
        self.times.start += read_varints(times, scratch)?;
        if !self.has_unix {
            for time in &mut *scratch {
                self.counter = self.counter.wrapping_add(unzigzag(*time));
                *time = self.counter;
            }
        }
        let mut wanted = 0;
        for (kind, &count) in kinds.iter_mut().zip(&in_batch) {
            if count == 0 || kind.reading == Reading::Nothing {
                continue;
            }
            wanted += count;
            if kind.reading != Reading::Words {
                continue;
            }
            kind.first = u32::try_from(words.len()).map_err(|_| Malformed)?;
            kind.stride = count;
            kind.are_sound = true;
            for (column, ty) in &mut columns[kind.columns.0 as usize..kind.columns.1 as usize] {
                let start = words.len();
                words.resize(start + count as usize, 0);
                kind.are_sound &= column.read(body, *ty, &mut words[start..])?;
            }
        }
        let mut which = which.iter();
        for (index, &time) in (self.next..).zip(&*scratch) {
            let at = which.next().copied().unwrap_or(0);
            let kind = kinds.get_mut(usize::from(at)).ok_or(Malformed)?;
            let mut time = time;
            if self.has_unix {
                let base = if kind.is_unix { &mut self.unix } else { &mut self.counter };
                *base = base.wrapping_add(unzigzag(time));
                time = *base;
            }
            let values = match kind.reading {
                Reading::Nothing => continue,
                Reading::Words => {
                    let first = kind.first;
                    kind.first += 1;
                    let ColumnKind { stride, are_sound, .. } = *kind;
                    ColumnValues::Words { first, stride, are_sound }
                }
                Reading::Packed | Reading::Alone => {
                    let start = bytes.len();
                    for (place, _) in &mut columns[kind.columns.0 as usize..kind.columns.1 as usize]
                    {
                        let mut column = place.resume(body)?;
                        column.put(usize::MAX, bytes)?;
                        *place = column.place(body);
                    }
                    let length = (bytes.len() - start) as u32;
                    ColumnValues::Packed { start: start as u32, length }
                }
            };
            let time = if kind.is_unix {
                RecordTime::UnixNanos(time as i64)
            } else {
                RecordTime::Counter(time)
            };
            each(ColumnRecord { index, kind: at, time, values });
        }
        let count = count as u32;
        if self.kinds.len() > 1 {
            self.which.start += count as usize;
        }
        self.wanted_left = self.wanted_left.saturating_sub(wanted);
        self.next += count;
        self.left -= count;
        Ok(count)
    }
}

impl Layout {
    /// Whether each value of a column is one of the type.
    const fn holds(self, ty: ScalarType) -> bool {
        use ScalarType as Is;
        match self {
            Self::Varints | Self::Differences => {
                matches!(ty, Is::U16 | Is::U32 | Is::U64 | Is::I16 | Is::I32 | Is::I64)
            }
            Self::Planes(1) => matches!(ty, Is::Bool | Is::U8 | Is::I8),
            Self::Planes(4) | Self::DifferencePlanes(4) => matches!(ty, Is::F32),
            Self::Planes(8) | Self::DifferencePlanes(8) => matches!(ty, Is::F64),
            Self::Texts => matches!(ty, Is::Str | Is::Formatted),
            _ => false,
        }
    }

    /// What a value takes in a row at the most; 0 if all of them take no more than in the column.
    const fn most_bytes(self) -> usize {
        match self {
            Self::Differences => 10,
            _ => 0,
        }
    }
}

impl Column<'_> {
    /// Looks through all values, of which there should be so many.
    fn check(&self, count: usize) -> Read<()> {
        let is_right = match self.layout {
            Layout::Varints | Layout::Differences => return check_varints(self.data.0, count),
            Layout::Planes(_) | Layout::DifferencePlanes(_) => self.values == count,
            Layout::Texts | Layout::Pieces => {
                check_varints(self.data.0, count)?;
                let mut lengths = self.data;
                let mut sum = 0_usize;
                for _ in 0..count {
                    sum = sum.checked_add(lengths.length()?).ok_or(Malformed)?;
                }
                sum == self.bytes.0.len()
            }
        };
        if is_right { Ok(()) } else { Err(Malformed) }
    }
}

impl ColumnPlace {
    /// Reads the next values, which are of the type, as words; whether they all are values of it.
    fn read(&mut self, body: &[u8], ty: ScalarType, words: &mut [u64]) -> Read<bool> {
        let mut column = self.resume(body)?;
        let planes = column.next_places(words.len());
        match column.layout {
            Layout::Varints | Layout::Texts => {
                let length = read_varints(column.data.0, words)?;
                column.data.take(length)?;
            }
            Layout::Differences => {
                let length = read_varints(column.data.0, words)?;
                column.data.take(length)?;
                column.before = sum_up(words, column.before);
            }
            Layout::Planes(1) => {
                let bytes = column.data.0.get(planes?).ok_or(Malformed)?;
                words.iter_mut().zip(bytes).for_each(|(word, &byte)| *word = byte.into());
            }
            Layout::Planes(width) => {
                read_planes(column.data.0, column.values, width, planes?.start, words)?
            }
            Layout::DifferencePlanes(width) => {
                read_planes(column.data.0, column.values, width, planes?.start, words)?;
                column.before = sum_up(words, column.before);
                if width == 4 {
                    words.iter_mut().for_each(|word| *word &= u64::from(u32::MAX));
                }
            }
            Layout::Pieces => return Err(Malformed),
        }
        if column.layout == Layout::Texts {
            let mut at = self.bytes_at() as u64;
            let start = at;
            for word in &mut *words {
                let length = *word;
                *word = at << 32 | length;
                at += length;
            }
            column.bytes.take((at - start) as usize)?;
        }
        *self = column.place(body);
        Ok(are_of(ty, words))
    }
}

/// Makes integers of what stands in the columns for them; whether all values are of the type.
fn are_of(ty: ScalarType, words: &mut [u64]) -> bool {
    let all = words.iter().fold(0, |all, word| all | word);
    let mut signed = |most: u64| {
        words.iter_mut().for_each(|word| *word = unzigzag(*word));
        all <= most
    };
    match ty {
        ScalarType::Bool => all <= 1,
        ScalarType::U16 => all <= u16::MAX.into(),
        ScalarType::U32 => all <= u32::MAX.into(),
        ScalarType::I8 => {
            words.iter_mut().for_each(|word| *word = *word as u8 as i8 as u64);
            true
        }
        // Zigzags have the range of the unsigned type.
        ScalarType::I16 => signed(u16::MAX.into()),
        ScalarType::I32 => signed(u32::MAX.into()),
        ScalarType::I64 => signed(u64::MAX),
        _ => true,
    }
}

/// Zigzags of differences become sums; returns the last one.
fn sum_up(words: &mut [u64], mut before: u64) -> u64 {
    for word in words {
        before = before.wrapping_add(unzigzag(*word));
        *word = before;
    }
    before
}

const TOP_BITS: u64 = 0x8080_8080_8080_8080;

/// Whether these are so many varints of 64 bits, and nothing else.
fn check_varints(data: &[u8], count: usize) -> Read<()> {
    let (words, rest) = data.as_chunks::<8>();
    let mut ends = 0;
    // How many bytes there were since the last end.
    let mut run = 0;
    for word in words {
        let end_bits = !u64::from_le_bytes(*word) & TOP_BITS;
        if run + end_bits.trailing_zeros() / 8 >= 9 {
            return check_long_varints(data, count);
        }
        ends += ((end_bits >> 7).wrapping_mul(0x0101_0101_0101_0101) >> 56) as usize;
        run = if end_bits == 0 { run + 8 } else { end_bits.leading_zeros() / 8 };
    }
    for byte in rest {
        if *byte >= 0x80 {
            run += 1;
        } else {
            ends += 1;
            run = 0;
        }
        if run >= 9 {
            return check_long_varints(data, count);
        }
    }
    if ends == count && run == 0 { Ok(()) } else { Err(Malformed) }
}

/// The same, if there are some of which each byte counts.
fn check_long_varints(data: &[u8], count: usize) -> Read<()> {
    let mut rest = Bytes(data);
    for _ in 0..count {
        rest.uint()?;
    }
    if rest.0.is_empty() { Ok(()) } else { Err(Malformed) }
}

/// Reads varints that were looked through, and returns how many bytes they take.
fn read_varints(data: &[u8], words: &mut [u64]) -> Read<usize> {
    let (mut at, mut done) = (0, 0);
    while done < words.len() {
        let rest = data.get(at..).ok_or(Malformed)?;
        let Some(eight) = rest.first_chunk::<8>() else { break };
        let word = u64::from_le_bytes(*eight);
        if word & TOP_BITS == 0
            && let Some(place) = words.get_mut(done..).and_then(|left| left.first_chunk_mut::<8>())
        {
            *place = eight.map(u64::from);
            (at, done) = (at + 8, done + 8);
        } else if word & 0x8080 != 0x8080 {
            // One byte or two, whichever: what cannot be foreseen should not be a branch.
            let is_long = word >> 7 & 1;
            words[done] = word & 0x7f | (word >> 1 & 0x3f80) & is_long.wrapping_neg();
            (at, done) = (at + 1 + is_long as usize, done + 1);
        } else {
            let (value, behind) = split_uint(rest).map_err(|_| Malformed)?;
            words[done] = value;
            (at, done) = (data.len() - behind.len(), done + 1);
        }
    }
    for place in words.get_mut(done..).unwrap_or_default() {
        let rest = data.get(at..).ok_or(Malformed)?;
        let (value, behind) = split_uint(rest).map_err(|_| Malformed)?;
        *place = value;
        at = data.len() - behind.len();
    }
    Ok(at)
}

/// Reads values of 4 or 8 bytes out of planes of `values` bytes each, from the place `at` on.
fn read_planes(data: &[u8], values: usize, width: usize, at: usize, words: &mut [u64]) -> Read<()> {
    let plane = |n: usize| {
        let start = n * values + at;
        data.get(start..start + words.len()).ok_or(Malformed)
    };
    if width == 4 {
        let planes = [plane(0)?, plane(1)?, plane(2)?, plane(3)?];
        for (n, word) in words.iter_mut().enumerate() {
            *word = u32::from_le_bytes(planes.map(|plane| plane[n])).into();
        }
        return Ok(());
    }
    let mut planes = [&data[..0]; 8];
    for (n, of) in planes.iter_mut().enumerate().take(width) {
        *of = plane(n)?;
    }
    let (eights, rest) = words.as_chunks_mut::<8>();
    let done = eights.len() * 8;
    for (n, eight) in eights.iter_mut().enumerate() {
        let rows = planes.map(|plane| plane.get(8 * n..).and_then(|of| of.first_chunk::<8>()));
        *eight = transpose(rows.map(|row| row.map_or(0, |row| u64::from_le_bytes(*row))));
    }
    for (n, word) in (done..).zip(rest) {
        *word = u64::from_le_bytes(planes.map(|plane| plane[n]));
    }
    Ok(())
}

/// The first bytes of all, then the second ones.
fn transpose(mut rows: [u64; 8]) -> [u64; 8] {
    let mut swap = |distance: usize, bits: u32, mask: u64| {
        for at in 0..8 {
            if at & distance == 0 {
                let moved = (rows[at] >> bits ^ rows[at + distance]) & mask;
                rows[at + distance] ^= moved;
                rows[at] ^= moved << bits;
            }
        }
    };
    swap(4, 32, 0x0000_0000_ffff_ffff);
    swap(2, 16, 0x0000_ffff_0000_ffff);
    swap(1, 8, 0x00ff_00ff_00ff_00ff);
    rows
}

#[cfg(test)]
mod tests;
