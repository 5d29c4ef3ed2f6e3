//! Reading of the next records of a walk.

use super::columns::{ColumnUse, SlotTypes, WordType};
use super::words::{read_address, read_planes, read_varints};
use super::{ColumnRecord, ColumnValues, ColumnWalk, Reading};
use crate::block::RecordTime;
use crate::block::columns::Layout;
use crate::block::columns::read::{ColumnPlace, Malformed, Read, unzigzag};
use crate::value::{Cursor, Encoding, IN_RESTORED, Leaf, mark_texts, read_leaves, skip};

impl ColumnWalk {
    /// Reads up to `most` records: all times, then the words of each kind, then record by record.
    pub(super) fn read(
        &mut self,
        body: &[u8],
        most: usize,
        words: &mut Vec<u64>,
        bytes: &mut Vec<u8>,
        each: impl FnMut(ColumnRecord),
    ) -> Read<u32> {
        let which = body.get(self.which.clone()).ok_or(Malformed)?;
        let count = self.batch(which, most);
        let is_single = self.kinds.len() == 1;
        let which = if is_single { which } else { which.get(..count).ok_or(Malformed)? };
        self.read_times(body, count)?;
        let wanted = self.read_words(body, which, count as u32, (words, bytes))?;
        self.read_records(body, which, bytes, each)?;
        let count = count as u32;
        if !is_single {
            self.which.start += count as usize;
        }
        self.wanted_left = self.wanted_left.saturating_sub(wanted);
        self.next += count;
        self.left -= count;
        Ok(count)
    }

    /// How many records to read: at most those before the next record that must be read alone.
    #[inline]
    fn batch(&self, which: &[u8], most: usize) -> usize {
        let count = most.min(self.left as usize);
        if !self.has_alone {
            return count;
        }
        let is_alone = |kind: &u8| {
            let kind = self.kinds.get(usize::from(*kind));
            kind.is_none_or(|kind| kind.reading == Reading::Alone)
        };
        // One kind alone has no list of kinds.
        let before = which.iter().take(count).position(is_alone);
        before.unwrap_or(if which.is_empty() { 1 } else { count }).max(1)
    }

    /// Reads the times into the scratch space. If kinds have bases of their own, they stay differences.
    #[inline]
    fn read_times(&mut self, body: &[u8], count: usize) -> Read<()> {
        let times = body.get(self.times.clone()).ok_or(Malformed)?;
        self.scratch.clear();
        self.scratch.resize(count, 0);
        self.times.start += read_varints(times, &mut self.scratch)?;
        if !self.has_unix {
            for time in &mut self.scratch {
                self.counter = self.counter.wrapping_add(unzigzag(*time));
                *time = self.counter;
            }
        }
        Ok(())
    }

    /// Reads the values of the kinds that are wanted as words, column by column, and returns how many
    /// records are wanted.
    #[inline]
    fn read_words(
        &mut self,
        body: &[u8],
        which: &[u8],
        count: u32,
        (words, bytes): (&mut Vec<u64>, &mut Vec<u8>),
    ) -> Read<u32> {
        let mut in_batch = [0_u32; 256];
        if self.kinds.len() == 1 {
            in_batch[0] = count;
        } else {
            which.iter().for_each(|&kind| in_batch[usize::from(kind)] += 1);
        }
        let mut wanted = 0;
        for (kind, &count) in self.kinds.iter_mut().zip(&in_batch) {
            if count == 0 || kind.reading == Reading::Nothing {
                continue;
            }
            wanted += count;
            if kind.reading != Reading::Words {
                continue;
            }
            let columns = kind.columns.0 as usize..kind.columns.1 as usize;
            let columns = self.columns.get_mut(columns).ok_or(Malformed)?;
            self.before.clear();
            self.before.extend(columns.iter().map(|(place, _)| *place));
            let first = words.len();
            kind.first = u32::try_from(first).map_err(|_| Malformed)?;
            kind.stride = count;
            words.resize(first + kind.words as usize * count as usize, 0);
            let mut target = Words::new(body, count as usize, bytes);
            let of_kind = words.get_mut(first..).ok_or(Malformed)?;
            let mut are_valid = true;
            for (place, used) in &mut *columns {
                are_valid &= target.take(place, *used, &self.types, of_kind)?;
            }
            if !are_valid {
                // Rows say which value of which record is wrong.
                kind.stride = 0;
                words.truncate(first);
                for ((place, _), before) in columns.iter_mut().zip(&self.before) {
                    *place = *before;
                }
            }
        }
        Ok(wanted)
    }

    /// Calls `each` with the wanted records, in their order. Appends packed values to `bytes`.
    #[inline]
    fn read_records(
        &mut self,
        body: &[u8],
        which: &[u8],
        bytes: &mut Vec<u8>,
        mut each: impl FnMut(ColumnRecord),
    ) -> Read<()> {
        let Self { kinds, columns, scratch, .. } = self;
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
                Reading::Words if kind.stride > 0 => {
                    let first = kind.first;
                    kind.first += 1;
                    ColumnValues::Words { first, stride: kind.stride }
                }
                Reading::Words | Reading::Packed | Reading::Alone => {
                    let start = bytes.len();
                    let columns_of = kind.columns.0 as usize..kind.columns.1 as usize;
                    for (place, _) in &mut columns[columns_of] {
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
        Ok(())
    }
}

/// How many texts to check together if not all of a block are clean.
const TEXTS_TOGETHER: usize = 8;

/// The words of some records of a kind.
pub(in crate::block) struct Words<'w> {
    body: &'w [u8],
    /// The number of records.
    count: usize,
    /// Byte arrays, put together of columns.
    restored: &'w mut Vec<u8>,
    /// Where those that are being put together begin.
    array_start: usize,
}

impl<'w> Words<'w> {
    /// The words of `count` records. Their columns are in `body`.
    pub(in crate::block) const fn new(
        body: &'w [u8],
        count: usize,
        restored: &'w mut Vec<u8>,
    ) -> Self {
        Self { body, count, restored, array_start: 0 }
    }

    /// The byte arrays.
    pub(in crate::block) const fn restored(&mut self) -> &mut Vec<u8> {
        self.restored
    }

    /// Goes on with the array that another one was putting together.
    pub(in crate::block) const fn go_on_with(&mut self, other: &Words<'_>) {
        self.array_start = other.array_start;
    }

    /// Reads the next values of a column into `words`, and returns whether all of them are valid.
    pub(in crate::block) fn take(
        &mut self,
        place: &mut ColumnPlace,
        used: ColumnUse,
        types: &SlotTypes,
        words: &mut [u64],
    ) -> Read<bool> {
        let Self { body, count, .. } = *self;
        let from = |word: u32| word as usize * count;
        match used {
            ColumnUse::Row => Ok(true),
            ColumnUse::Word(ty, word) => {
                let words = words.get_mut(from(word)..from(word) + count).ok_or(Malformed)?;
                place.read(body, words)?;
                Ok(are_of(ty, words))
            }
            ColumnUse::Address(word) => {
                let mut column = place.resume(body)?;
                let planes = column.next_places(count)?;
                let words = words.get_mut(from(word)..).ok_or(Malformed)?;
                read_address(column.data.0, column.values, planes, words)?;
                *place = column.place(body);
                Ok(true)
            }
            ColumnUse::Array { word, at, length } => {
                let words = words.get_mut(from(word)..from(word) + count).ok_or(Malformed)?;
                self.take_array(place, (at as usize, length as usize), words)?;
                Ok(true)
            }
            ColumnUse::Slot { word, leaves: (start, end) } => {
                let leaves = types.leaves.get(start as usize..end as usize).ok_or(Malformed)?;
                let words = words.get_mut(from(word)..).ok_or(Malformed)?;
                take_slots(place, body, leaves, (words, count))
            }
            ColumnUse::Piece { word, ty } => {
                let words = words.get_mut(from(word)..from(word) + count).ok_or(Malformed)?;
                let ty = types.pieces.get(ty as usize).ok_or(Malformed)?;
                place.read(body, words)?;
                let are_valid = words.iter().all(|word| {
                    let (start, length) = ((word >> 32) as usize, *word as u32 as usize);
                    let bytes = body.get(start..).and_then(|rest| rest.get(..length));
                    let mut cursor = Cursor::new(bytes.unwrap_or_default(), Encoding::Packed);
                    skip(&mut cursor, ty).is_ok() && cursor.is_empty()
                });
                Ok(are_valid)
            }
        }
    }

    /// Reads bytes of arrays of `length` bytes from byte `at` of each array on.
    fn take_array(
        &mut self,
        place: &mut ColumnPlace,
        (at, length): (usize, usize),
        words: &mut [u64],
    ) -> Read<()> {
        if at == 0 {
            self.array_start = self.restored.len();
            self.restored.resize(self.array_start + length * words.len(), 0);
            let mut start = self.array_start as u64;
            for word in words {
                *word = IN_RESTORED | start << 32 | length as u64;
                start += length as u64;
            }
        }
        let mut column = place.resume(self.body)?;
        let Layout::Planes(width) = column.layout else { return Err(Malformed) };
        let planes = column.next_places(self.count)?;
        for plane in 0..width {
            let start = plane * column.values;
            let bytes = column.data.0.get(start + planes.start..start + planes.end);
            let places = self.restored.get_mut(self.array_start + at + plane..).ok_or(Malformed)?;
            let places = places.iter_mut().step_by(length);
            places.zip(bytes.ok_or(Malformed)?).for_each(|(place, byte)| *place = *byte);
        }
        *place = column.place(self.body);
        Ok(())
    }
}

/// Reads the next packed values of a slot as words; returns whether all of them are of its type.
fn take_slots(
    place: &mut ColumnPlace,
    body: &[u8],
    leaves: &[Leaf],
    (words, count): (&mut [u64], usize),
) -> Read<bool> {
    let mut column = place.resume(body)?;
    for record in 0..count {
        let length = column.data.length()?;
        let mut cursor = Cursor::new(column.bytes.take(length)?, Encoding::Packed);
        let read = read_leaves(leaves, &mut cursor, body, |word, value| {
            if let Some(place) = words.get_mut(word * count + record) {
                *place = value;
            }
        });
        if read.is_err() || !cursor.is_empty() {
            return Ok(false);
        }
    }
    *place = column.place(body);
    Ok(true)
}

impl ColumnPlace {
    /// Reads the next values as words.
    fn read(&mut self, body: &[u8], words: &mut [u64]) -> Read<()> {
        let mut column = self.resume(body)?;
        match column.layout {
            Layout::Varints | Layout::Texts | Layout::Pieces => {
                let length = read_varints(column.data.0, words)?;
                column.data.take(length)?;
            }
            Layout::Differences => {
                let length = read_varints(column.data.0, words)?;
                column.data.take(length)?;
                column.before = sum_up(words, column.before);
            }
            Layout::Planes(1) => {
                let planes = column.next_places(words.len())?;
                let bytes = column.data.0.get(planes).ok_or(Malformed)?;
                words.iter_mut().zip(bytes).for_each(|(word, &byte)| *word = byte.into());
            }
            Layout::Planes(width) => {
                let planes = column.next_places(words.len())?;
                read_planes(column.data.0, column.values, width, planes.start, words)?;
            }
            Layout::DifferencePlanes(width) => {
                let planes = column.next_places(words.len())?;
                read_planes(column.data.0, column.values, width, planes.start, words)?;
                column.before = sum_up(words, column.before);
                if width == 4 {
                    words.iter_mut().for_each(|word| *word &= u64::from(u32::MAX));
                }
            }
            _ => return Err(Malformed),
        }
        if matches!(column.layout, Layout::Texts | Layout::Pieces) {
            let mut at = self.bytes_at() as u64;
            let start = at;
            for word in &mut *words {
                let length = *word;
                *word = at << 32 | length;
                at += length;
            }
            let bytes = column.bytes.take((at - start) as usize)?;
            if column.layout == Layout::Texts {
                mark_texts(bytes, words, TEXTS_TOGETHER);
            }
        }
        *self = column.place(body);
        Ok(())
    }
}

/// Turns the stored integers into values; returns whether all of them are valid for the type.
pub(in crate::block) fn are_of(ty: WordType, words: &mut [u64]) -> bool {
    let all = words.iter().fold(0, |all, word| all | word);
    let mut signed = |most: u64| {
        words.iter_mut().for_each(|word| *word = unzigzag(*word));
        all <= most
    };
    match ty {
        WordType::Any => true,
        WordType::Bool => all <= 1,
        WordType::U16 => all <= u16::MAX.into(),
        WordType::U32 => all <= u32::MAX.into(),
        WordType::I8 => {
            words.iter_mut().for_each(|word| *word = *word as u8 as i8 as u64);
            true
        }
        // Zigzags have the range of the unsigned type.
        WordType::I16 => signed(u16::MAX.into()),
        WordType::I32 => signed(u32::MAX.into()),
        WordType::I64 => signed(u64::MAX),
        WordType::Nanos => words.iter().all(|word| *word < 1_000_000_000),
        WordType::Below(count) => words.iter().all(|word| *word < count.into()),
    }
}

/// Turns zigzag differences into sums; returns the last one.
pub(in crate::block) fn sum_up(words: &mut [u64], mut before: u64) -> u64 {
    for word in words {
        before = before.wrapping_add(unzigzag(*word));
        *word = before;
    }
    before
}
