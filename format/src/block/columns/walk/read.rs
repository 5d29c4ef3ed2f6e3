//! Reading of the next records of a walk.

use super::words::{read_planes, read_varints};
use super::{ColumnKind, ColumnRecord, ColumnValues, ColumnWalk, Reading};
use crate::block::RecordTime;
use crate::block::columns::Layout;
use crate::block::columns::read::{ColumnPlace, Malformed, Read, unzigzag};
use crate::value::ScalarType;

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
        let wanted = self.read_words(body, which, count as u32, words)?;
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
        words: &mut Vec<u64>,
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
            kind.first = u32::try_from(words.len()).map_err(|_| Malformed)?;
            kind.stride = count;
            kind.are_sound = true;
            let columns = kind.columns.0 as usize..kind.columns.1 as usize;
            for (column, ty) in &mut self.columns[columns] {
                let start = words.len();
                words.resize(start + count as usize, 0);
                kind.are_sound &= column.read(body, *ty, &mut words[start..])?;
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
                Reading::Words => {
                    let first = kind.first;
                    kind.first += 1;
                    let ColumnKind { stride, are_sound, .. } = *kind;
                    ColumnValues::Words { first, stride, are_sound }
                }
                Reading::Packed | Reading::Alone => {
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

impl ColumnPlace {
    /// Reads the next values of a type as words; returns whether all of them are valid for it.
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
            _ => return Err(Malformed),
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

/// Turns the stored integers into values; returns whether all of them are valid for the type.
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

/// Turns zigzag differences into sums; returns the last one.
fn sum_up(words: &mut [u64], mut before: u64) -> u64 {
    for word in words {
        before = before.wrapping_add(unzigzag(*word));
        *word = before;
    }
    before
}
