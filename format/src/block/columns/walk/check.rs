//! Checks of a block in columns before its first record is read.

use super::columns::{ColumnUse, WordColumns};
use super::words::check_varints;
use super::{ColumnKind, ColumnWalk, Reading, Wish};
use crate::block::BlockHeader;
use crate::block::columns::read::{Bytes, Column, Malformed, Read, unzigzag};
use crate::block::columns::{Layout, MAX_COLUMNS, MAX_KINDS};

impl ColumnWalk {
    /// Checks a whole block, and notes where its parts are. Its rows may take `limit` bytes.
    pub(super) fn check<'t>(
        &mut self,
        header: &BlockHeader,
        whole: &[u8],
        limit: usize,
        wish: impl FnMut(u32) -> Wish<'t>,
    ) -> Read<()> {
        self.kinds.clear();
        self.columns.clear();
        self.types.leaves.clear();
        self.types.pieces.clear();
        (self.has_unix, self.has_alone, self.next, self.left) = (false, false, 0, header.count);
        let mut body = Bytes(whole);
        let bases = [body.uint()?, body.uint()?];
        self.counter = header.counter_first.wrapping_add(unzigzag(bases[0]));
        self.unix = (header.unix_first as u64).wrapping_add(unzigzag(bases[1]));
        let kinds = body.uint()?;
        let mut directory = body;
        self.read_kinds(&mut directory, kinds)?;
        let which_bytes = directory.length()?;
        let time_bytes = directory.length()?;
        let mut columns = directory;
        let which = columns.take(which_bytes)?;
        let times = columns.take(time_bytes)?;
        check_varints(times, header.count as usize)?;
        self.count_kinds(which, header.count)?;
        let start = whole.len() - directory.0.len();
        self.which = start..start + which_bytes;
        self.times = self.which.end..self.which.end + time_bytes;
        let row_bytes = self.plan_columns(whole, body, &mut columns, wish)?;
        // A writer makes no columns of rows that are longer.
        let fits = row_bytes.saturating_add(20 + time_bytes) <= limit;
        if fits && columns.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    /// Reads the directory: the tag of each kind, and how many columns it has.
    fn read_kinds(&mut self, directory: &mut Bytes<'_>, kinds: u64) -> Read<()> {
        let mut columns = 0;
        for _ in 0..kinds {
            let tag = directory.uint()?;
            let of_kind = directory.length()?;
            if self.kinds.len() == MAX_KINDS || of_kind > MAX_COLUMNS - columns {
                return Err(Malformed);
            }
            columns += of_kind;
            for _ in 0..of_kind {
                Layout::read(directory, false)?;
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
                words: 0,
                first: 0,
                stride: 0,
            });
        }
        Ok(())
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

    /// Reads the `directory` again, now that it is known where the columns begin, and decides how to read
    /// each kind. Returns the most bytes that the values take in rows.
    fn plan_columns<'t>(
        &mut self,
        whole: &[u8],
        mut directory: Bytes<'_>,
        data: &mut Bytes<'_>,
        mut wish: impl FnMut(u32) -> Wish<'t>,
    ) -> Read<usize> {
        let mut row_bytes = 0_usize;
        self.wanted_left = 0;
        for at in 0..self.kinds.len() {
            directory.uint()?;
            let of_kind = directory.length()?;
            let wish = wish(self.kinds[at].tag);
            let columns = (&mut directory, &mut *data);
            let (bytes, are_words) = self.plan_kind(at, of_kind, wish, whole, columns)?;
            row_bytes = row_bytes.saturating_add(bytes);
            let kind = &mut self.kinds[at];
            kind.reading = match wish {
                Wish::Nothing => Reading::Nothing,
                Wish::Alone => Reading::Alone,
                Wish::Words(_) if are_words => Reading::Words,
                Wish::Packed | Wish::Words(_) => Reading::Packed,
            };
            self.has_alone |= kind.reading == Reading::Alone && kind.count > 0;
            if kind.reading != Reading::Nothing {
                self.wanted_left += kind.count;
            }
        }
        Ok(row_bytes)
    }

    /// Notes the columns of a kind, if it is wanted. Returns the most bytes that its records take in rows,
    /// and whether its columns hold values of the wanted types.
    fn plan_kind(
        &mut self,
        at: usize,
        columns: usize,
        wish: Wish<'_>,
        whole: &[u8],
        (directory, data): (&mut Bytes<'_>, &mut Bytes<'_>),
    ) -> Read<(usize, bool)> {
        let kind = &mut self.kinds[at];
        let count = kind.count as usize;
        let mut of_plan = match wish {
            Wish::Words(plan) => Some(WordColumns::new(plan)),
            _ => None,
        };
        kind.words = of_plan.as_ref().map_or(0, |of_plan| of_plan.plan.words() as u32);
        let first = self.columns.len();
        let (mut row, mut unpadded) = (10, 0);
        for _ in 0..columns {
            let layout = Layout::read(directory, false)?;
            let data = data.take(directory.length()?)?;
            if matches!(wish, Wish::Nothing) {
                continue;
            }
            let column = Column::new(layout, data)?;
            column.check(count)?;
            let used = of_plan.as_mut().and_then(|of| of.next(layout, &mut self.types));
            if used.is_none() {
                of_plan = None;
            }
            let width = layout.most_bytes();
            row += width;
            unpadded += if width == 0 { data.len() } else { 0 };
            self.columns.push((column.place(whole), used.unwrap_or(ColumnUse::Row)));
        }
        kind.columns = (first as u32, self.columns.len() as u32);
        let are_words = of_plan.is_some_and(|mut of_plan| of_plan.is_complete());
        Ok((row.saturating_mul(count).saturating_add(unpadded), are_words))
    }
}

impl Layout {
    /// The most bytes that a value takes in a row; 0 if it takes no more than in the column.
    const fn most_bytes(self) -> usize {
        match self {
            Self::Differences => 10,
            _ => 0,
        }
    }
}

impl Column<'_> {
    /// Checks all `count` values.
    pub(in crate::block) fn check(&self, count: usize) -> Read<()> {
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
            _ => false,
        };
        if is_right { Ok(()) } else { Err(Malformed) }
    }
}
