//! Search in columns of numbers, and of other values that are printed in one piece.

use stenolog_format::block::{BlockError, GroupColumn, GroupKind, Layout};
use stenolog_format::template::Trait;
use stenolog_format::types::Type;
use stenolog_format::value::{Cursor, Encoding, Value};

use super::Seeker;
use super::bits::Bits;
use super::printed::Printed;
use crate::filter::{Leaf, LeafKind};
use crate::text::{self, Style};

/// What a value must print.
pub(super) struct Shown<'a> {
    pub(super) leaf: &'a Leaf,
    pub(super) piece: &'a [u8],
    pub(super) starts: bool,
    pub(super) ends: bool,
}

impl Shown<'_> {
    /// Whether a text, which is folded, has the piece in its place.
    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        match (self.starts, self.ends) {
            (true, true) => text == self.piece,
            (true, false) => text.starts_with(self.piece),
            (false, true) => text.ends_with(self.piece),
            // Most windows differ in their first byte.
            (false, false) => text
                .windows(self.piece.len())
                .any(|part| part.first() == self.piece.first() && part == self.piece),
        }
    }

    /// Whether the piece is made of digits alone.
    pub(super) fn is_decimal(&self) -> bool {
        self.piece.iter().all(u8::is_ascii_digit)
    }

    /// The smallest number with the digits of the piece; `None` if it is not made of digits alone, or beyond all.
    pub(super) fn least(&self) -> Option<u64> {
        let digits = u32::try_from(self.piece.len()).ok().filter(|_| self.is_decimal())?;
        // A zero at the beginning follows another digit, unless it is the number itself.
        let is_zero = self.piece == b"0";
        let more = u32::from(self.piece.first() == Some(&b'0') && !is_zero);
        if is_zero { Some(0) } else { 10_u64.checked_pow(digits + more - 1) }
    }
}

/// How integers of a type are stored in columns.
#[derive(Clone, Copy)]
enum Stored {
    Unsigned,
    Zigzag,
    /// One byte, signed or not.
    Byte(bool),
}

impl Stored {
    fn of(ty: &Type) -> Option<Self> {
        Some(match ty {
            Type::U8 => Self::Byte(false),
            Type::I8 => Self::Byte(true),
            Type::U16 | Type::U32 | Type::U64 => Self::Unsigned,
            Type::I16 | Type::I32 | Type::I64 => Self::Zigzag,
            _ => return None,
        })
    }
}

impl Seeker<'_> {
    /// Reads the integers of a column, and says how they are stored; `None` if it has other values.
    fn integers_of(
        &mut self,
        kind: &GroupKind,
        column: &GroupColumn,
        ty: &Type,
    ) -> Result<Option<Stored>, BlockError> {
        let Some(stored) = Stored::of(ty) else { return Ok(None) };
        match (stored, column.layout) {
            (Stored::Byte(_), Layout::Planes(1)) => {
                let bytes = self.plain(column)?;
                let integers = bytes.iter().map(|&byte| byte.into()).collect();
                self.integers = integers;
            }
            (Stored::Byte(_), Layout::Constant) => {
                let byte = self.plain(column)?.first().copied().unwrap_or_default();
                self.integers = vec![byte.into(); kind.count as usize];
            }
            (
                Stored::Unsigned | Stored::Zigzag,
                Layout::Varints
                | Layout::Differences
                | Layout::IntegerPlanes(_)
                | Layout::IntegerDifferencePlanes(_)
                | Layout::Constant,
            ) => self.read_integers(kind, column)?,
            _ => return Ok(None),
        }
        Ok(Some(stored))
    }

    /// Adds the records that have an integer; `false` if all may.
    pub(super) fn find_integer(
        &mut self,
        kind: &GroupKind,
        column: &GroupColumn,
        ty: &Type,
        wanted: i128,
        found: &mut Bits,
    ) -> Result<bool, BlockError> {
        let Some(stored) = self.integers_of(kind, column, ty)? else { return Ok(false) };
        let wanted = match stored {
            Stored::Unsigned => wanted as u64,
            Stored::Zigzag => (wanted << 1 ^ wanted >> 127) as u64,
            Stored::Byte(_) => u64::from(wanted as u8),
        };
        for (index, &integer) in self.integers.iter().enumerate() {
            if integer == wanted {
                found.insert(index);
            }
        }
        Ok(true)
    }

    /// Adds the records that print a piece of a value; `false` if all may.
    pub(super) fn find_shown(
        &mut self,
        kind: &GroupKind,
        columns: &[GroupColumn],
        ty: &Type,
        shown: &Shown<'_>,
        found: &mut Bits,
    ) -> Result<bool, BlockError> {
        let Some(spec) = shown.leaf.spec else { return Ok(false) };
        let is_decimal = matches!(spec.format, Trait::Display | Trait::Debug);
        if let ([column], LeafKind::Integer(_), true) = (columns, shown.leaf.kind, is_decimal)
            && Stored::of(ty).is_some()
        {
            if Self::are_short_integers(column, shown) {
                return Ok(true);
            }
            let Some(stored) = self.integers_of(kind, column, ty)? else {
                return self.find_printed(kind, columns, ty, shown, found);
            };
            self.find_digits(stored, shown, found);
            return Ok(true);
        }
        if let ([column], Type::F64, true) = (columns, ty, is_decimal)
            && self.are_short_floats(kind, column, shown, spec.precision)?
        {
            return Ok(true);
        }
        if matches!(ty, Type::Duration)
            && self.are_short_durations(kind, columns, shown, spec.precision)?
        {
            return Ok(true);
        }
        if let Some(is_found) = self.find_in_parts(kind, columns, ty, shown, found)? {
            return Ok(is_found);
        }
        if let ([column], Type::F64, None) = (columns, ty, spec.precision)
            && is_decimal
        {
            return self.find_float(kind, column, spec.format, shown, found);
        }
        self.find_printed(kind, columns, ty, shown, found)
    }

    /// Adds the records with a float whose shortest text has a piece.
    fn find_float(
        &mut self,
        kind: &GroupKind,
        column: &GroupColumn,
        format: Trait,
        shown: &Shown<'_>,
        found: &mut Bits,
    ) -> Result<bool, BlockError> {
        let style = match format {
            Trait::Display => Style::Display,
            _ => Style::Debug,
        };
        self.need(column)?;
        let mut values = self.body.values(column)?;
        let mut bytes = Vec::new();
        let mut printed = Printed::new(shown);
        for index in 0..kind.count as usize {
            bytes.clear();
            values.put(&mut bytes)?;
            let bits = bytes.first_chunk().map_or(0, |bits| u64::from_le_bytes(*bits));
            let mut digits = zmij::Buffer::new();
            // Very large and very small ones are printed in another way.
            match text::shortest(&mut digits, f64::from_bits(bits), style) {
                Some(text) => printed.push(index, found, |out| out.push_str(text)),
                None => found.insert(index),
            }
        }
        printed.search(found);
        Ok(true)
    }

    /// Adds the records with an integer in the buffer that has the digits of a piece.
    fn find_digits(&self, stored: Stored, shown: &Shown<'_>, found: &mut Bits) {
        let (is_decimal, least) = (shown.is_decimal(), shown.least());
        if is_decimal && least.is_none() {
            return;
        }
        let least = least.unwrap_or(0);
        let (mut buffer, mut printed) = (itoa::Buffer::new(), Printed::new(shown));
        for (index, &integer) in self.integers.iter().enumerate() {
            let signed = match stored {
                Stored::Unsigned | Stored::Byte(false) => None,
                Stored::Zigzag => Some((integer >> 1) as i64 ^ -((integer & 1) as i64)),
                Stored::Byte(true) => Some(i64::from(integer as u8 as i8)),
            };
            if signed.map_or(integer, i64::unsigned_abs) < least {
                continue;
            }
            let text = match signed {
                None => buffer.format(integer),
                Some(signed) => buffer.format(signed),
            };
            printed.push(index, found, |out| out.push_str(text));
        }
        printed.search(found);
    }

    /// Adds the records that print a piece of a value of any type.
    fn find_printed(
        &mut self,
        kind: &GroupKind,
        columns: &[GroupColumn],
        ty: &Type,
        shown: &Shown<'_>,
        found: &mut Bits,
    ) -> Result<bool, BlockError> {
        let Some(spec) = shown.leaf.spec.filter(|_| !columns.is_empty()) else { return Ok(false) };
        self.need_columns(columns)?;
        let values = columns.iter().map(|column| self.body.values(column));
        let mut values = values.collect::<Result<Vec<_>, _>>()?;
        // Digits that are neither in the whole part nor after the point.
        let least = shown.limit().unwrap_or(0.0);
        let after_point =
            spec.precision.filter(|_| shown.is_decimal()).map_or(usize::MAX, usize::from);
        // The digits of an exponent are in neither.
        let has_exponent = matches!(spec.format, Trait::LowerExp | Trait::UpperExp);
        let is_whole = matches!(ty, Type::F64) && !has_exponent && shown.piece.len() > after_point;
        let (mut bytes, mut row_bytes) = (Vec::new(), 0);
        let mut printed = Printed::new(shown);
        for index in 0..kind.count as usize {
            bytes.clear();
            for values in &mut values {
                values.put(&mut bytes)?;
            }
            row_bytes += bytes.len();
            if row_bytes > self.body.most_rows() {
                return Err(BlockError::Columns);
            }
            let mut cursor = Cursor::new(&bytes, Encoding::Packed);
            let value = Value::read(&mut cursor, ty);
            match value {
                Ok(Value::F64(of)) if is_whole && of.abs() < least => {}
                Ok(value) => {
                    printed.push(index, found, |out| text::write_value(out, &value, &spec));
                }
                // It is reported when it is read.
                Err(_) => found.insert(index),
            }
        }
        printed.search(found);
        Ok(true)
    }
}
