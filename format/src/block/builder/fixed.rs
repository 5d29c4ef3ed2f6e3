//! Column of a group whose values have a fixed length: integers, floats and other bytes.
//!
//! A fast group turns values into their layout on the way, some hundred at a time, so they stay in the first
//! cache. A thorough one keeps them as words and decides at the end.

use super::Depth;
use super::pays::Pays;
use crate::block::columns::numbers::{
    GROUP, Rows, Sample, Words, differences, put_planes, put_varints, width_of, zigzag,
};
use crate::block::layout::{Integers, Layout};
use crate::block::plan::Field;
use crate::value::put_uint;

/// For how many values to keep capacity from group to group: every call site may once have had a large group.
const KEPT_VALUES: usize = 1 << 15;

/// A column of values of fixed length.
#[derive(Debug)]
pub(super) struct Fixed {
    field: Field,
    /// The place of its values among those of a record.
    offset: usize,
    mode: Mode,
    /// The number of values.
    count: usize,
    /// The first value, and the last one.
    first: u64,
    before: u64,
    /// Whether the last values took more than a byte each.
    are_long: bool,
    /// How many planes are in use.
    width: usize,
    /// Varints; or planes, one for each byte of a value.
    parts: Vec<Vec<u8>>,
    /// All values of a thorough group.
    words: Vec<u64>,
    pub(super) pays: Pays,
}

/// The layout of a column that is being filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// All values so far equal the first one. None is stored yet.
    Constant,
    Varints,
    Differences,
    Planes,
    DifferencePlanes,
}

impl Fixed {
    pub(super) fn new(field: &Field, offset: usize) -> Self {
        let parts = match field {
            Field::Bytes(width) => *width,
            _ => 8,
        };
        Self {
            field: field.clone(),
            offset,
            mode: Mode::Constant,
            count: 0,
            first: 0,
            before: 0,
            are_long: false,
            width: 0,
            parts: vec![Vec::new(); parts],
            words: Vec::new(),
            pays: Pays::default(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.mode = Mode::Constant;
        (self.count, self.first, self.before, self.width) = (0, 0, 0, 0);
        self.are_long = false;
        for part in &mut self.parts {
            part.clear();
            part.shrink_to(KEPT_VALUES);
        }
        self.words.clear();
        self.words.shrink_to(KEPT_VALUES);
    }

    /// All values of a thorough group, as they are in a row: integers, or the bits of floats.
    pub(super) fn words(&self) -> &[u64] {
        &self.words
    }

    /// The field that the column has the values of.
    pub(super) const fn field(&self) -> &Field {
        &self.field
    }

    /// Takes the values of records of up to a group of numbers, whose values of fixed length begin at
    /// `values_at` in each row.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        stride: usize,
        values_at: usize,
        words: &mut Words,
        depth: Depth,
    ) {
        let rows = Rows { bytes, stride, at: values_at + self.offset };
        match self.field {
            Field::Bytes(_) => self.take_bytes(&rows),
            Field::Float(4) => {
                self.take_words::<4>(&rows, words, depth, |of| u32::from_le_bytes(of).into());
            }
            Field::Float(_) => self.take_words(&rows, words, depth, u64::from_le_bytes),
            Field::Uint(2) => {
                self.take_words(&rows, words, depth, |of| u16::from_le_bytes(of).into());
            }
            Field::Uint(4) => {
                self.take_words(&rows, words, depth, |of| u32::from_le_bytes(of).into());
            }
            Field::Uint(_) => self.take_words(&rows, words, depth, u64::from_le_bytes),
            Field::Int(2) => {
                self.take_words(&rows, words, depth, |of| signed(i16::from_le_bytes(of)));
            }
            Field::Int(4) => {
                self.take_words(&rows, words, depth, |of| signed(i32::from_le_bytes(of)));
            }
            Field::Int(_) => {
                self.take_words(&rows, words, depth, |of| signed(i64::from_le_bytes(of)));
            }
            Field::Text | Field::Value(_) => unreachable!("these are not of fixed length"),
        }
    }

    fn take_bytes(&mut self, rows: &Rows<'_>) {
        for (plane, part) in self.parts.iter_mut().enumerate() {
            part.extend(rows.bytes.chunks_exact(rows.stride).map(|row| row[rows.at + plane]));
        }
        self.count += rows.count();
    }

    #[inline(always)]
    fn take_words<const N: usize>(
        &mut self,
        rows: &Rows<'_>,
        words: &mut Words,
        depth: Depth,
        of: impl Fn([u8; N]) -> u64,
    ) {
        let count = rows.count();
        if depth == Depth::Thorough {
            self.words.extend(rows.iter(&of));
            self.count += count;
            return;
        }
        if self.mode == Mode::Constant {
            rows.read(words, &of);
            if self.is_constant(&words[1..=count]) {
                self.count += count;
                return;
            }
            self.choose(&words[1..=count]);
        }
        self.count += count;
        match self.mode {
            Mode::Varints if !self.are_long && rows.put_bytes(&mut self.parts[0], &of) < 0x80 => {
                return;
            }
            Mode::Differences if !self.are_long => {
                let mut before = self.before;
                let all = rows.put_bytes(&mut self.parts[0], |bytes| {
                    let word = of(bytes);
                    zigzag(word.wrapping_sub(std::mem::replace(&mut before, word)))
                });
                if all < 0x80 {
                    self.before = before;
                    return;
                }
            }
            _ => {}
        }
        rows.read(words, of);
        self.put(&mut words[..=count]);
    }

    /// Whether the column remains constant with these values.
    fn is_constant(&mut self, values: &[u64]) -> bool {
        if self.count == 0 {
            self.first = values.first().copied().unwrap_or(0);
        }
        values.iter().fold(0, |all, value| all | value ^ self.first) == 0
    }

    /// Chooses a layout by the first values that are not constant, and stores those before them.
    #[cold]
    fn choose(&mut self, values: &[u64]) {
        let Sample { pairs, of_values, of_differences, varints, difference_varints } =
            Sample::of(values);
        self.mode = if let Field::Float(width) = self.field {
            self.width = width;
            // The sign, the exponent and the highest bits of the fraction compress well as they are.
            if of_differences * 10 <= pairs * width as u32 * 65 {
                Mode::DifferencePlanes
            } else {
                Mode::Planes
            }
        } else if of_differences < of_values {
            // Planes cost the same time, whatever the values are.
            if difference_varints * 2 > pairs * 3 {
                Mode::DifferencePlanes
            } else {
                Mode::Differences
            }
        } else if varints * 2 > pairs * 3 {
            Mode::Planes
        } else {
            Mode::Varints
        };
        self.materialize();
    }

    /// Stores the values of a constant column.
    fn materialize(&mut self) {
        let mut left = self.count;
        while left > 0 {
            let now = left.min(GROUP);
            let mut words = [self.first; GROUP + 1];
            self.put(&mut words[..=now]);
            left -= now;
        }
    }

    /// Stores values as the mode says, from the second word on. The first one is the value before.
    fn put(&mut self, words: &mut [u64]) {
        words[0] = self.before;
        self.before = words[words.len() - 1];
        let is_float = matches!(self.field, Field::Float(_));
        match self.mode {
            Mode::Constant => return,
            Mode::Differences => differences(words, 8),
            Mode::DifferencePlanes if is_float => differences(words, self.width),
            Mode::DifferencePlanes => differences(words, 8),
            Mode::Varints | Mode::Planes => {}
        }
        let values = &words[1..];
        match self.mode {
            Mode::Varints | Mode::Differences => {
                let out = &mut self.parts[0];
                let start = out.len();
                put_varints(values, out);
                // The next values will probably be as long.
                self.are_long = out.len() - start > values.len() + values.len() / 16;
            }
            _ => {
                if !is_float {
                    self.widen(values);
                }
                put_planes(values, &mut self.parts[..self.width]);
            }
        }
    }

    /// Adds planes for values that need them.
    fn widen(&mut self, values: &[u64]) {
        let needed = width_of(values.iter().fold(0, |all, value| all | value)).max(1);
        let before = self.parts[0].len();
        while self.width < needed {
            self.parts[self.width].resize(before, 0);
            self.width += 1;
        }
    }

    /// The layout of a fast column, or `None` if it is constant.
    pub(super) fn layout(&self) -> Option<Layout> {
        let width = self.width as u8;
        Some(match (&self.field, self.mode) {
            (Field::Bytes(width), _) => Layout::Planes(*width),
            (_, Mode::Constant) => return None,
            (Field::Float(width), Mode::DifferencePlanes) => Layout::DifferencePlanes(*width),
            (Field::Float(width), _) => Layout::Planes(*width),
            (_, Mode::Planes) => Integers::Planes(width).into(),
            (_, Mode::DifferencePlanes) => Integers::DifferencePlanes(width).into(),
            (_, Mode::Differences) => Layout::Differences,
            (_, Mode::Varints) => Layout::Varints,
        })
    }

    /// Stores a constant column as any other, for a group that would otherwise be too short for its rows.
    pub(super) fn forbid_constant(&mut self) {
        if self.mode == Mode::Constant && !matches!(self.field, Field::Bytes(_)) {
            self.mode = Mode::Varints;
            if let Field::Float(width) = self.field {
                self.mode = Mode::Planes;
                self.width = width;
            }
            self.materialize();
        }
    }

    /// Appends the value of a constant column in the form that it has in a row.
    pub(super) fn put_constant(&self, out: &mut Vec<u8>) {
        put_value(&self.field, self.first, out);
    }

    /// The stored bytes of a fast column.
    pub(super) fn parts(&self) -> &[Vec<u8>] {
        &self.parts
    }
}

/// Appends a value of fixed length in the form that it has in a row.
pub(super) fn put_value(field: &Field, word: u64, out: &mut Vec<u8>) {
    if let Field::Float(width) = field {
        out.extend_from_slice(&word.to_le_bytes()[..*width]);
    } else {
        put_uint(out, word);
    }
}

#[inline]
fn signed(value: impl Into<i64>) -> u64 {
    zigzag(value.into().cast_unsigned())
}
