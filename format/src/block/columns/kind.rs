//! Records of one call site, whose values are turned into columns.

use std::sync::Arc;

use super::Layout;
use super::numbers::{
    GROUP, Rows, Sample, Words, differences, put_differences, put_planes, put_varints, zigzag,
};
use super::times::word_at;
use crate::block::plan::{Field, Raw, SitePlan};
use crate::block::raw::RawHeader;
use crate::summary::SummaryBuilder;
use crate::value::{ValueError, put_uint};

/// The records of one call site.
#[derive(Debug)]
pub(super) struct Kind {
    tag: u32,
    is_unix: bool,
    /// The fewest bytes of a record, without header and padding, and how many more it may have.
    least_bytes: usize,
    spread_bytes: usize,
    pub(super) plan: Arc<SitePlan>,
    pub(super) records: usize,
    /// Values of fixed length that are not in columns yet, record by record.
    rows: Vec<u8>,
    /// The distance from each to the next one: a multiple of eight.
    stride: usize,
    fixed: Vec<Fixed>,
    /// The columns of varying length.
    varying: Vec<Varying>,
}

/// The length of the time, which is between the header and the values.
const TIME_BYTES: usize = 8;

/// How much capacity for texts to keep from block to block.
const KEPT_BYTES: usize = 1 << 18;

/// The fewest consecutive records to take in place, without a copy.
const ALIKE: usize = 16;

impl Kind {
    pub(super) fn new(plan: Arc<SitePlan>) -> Self {
        let mut bytes = 0;
        let mut fixed = Vec::new();
        for field in &plan.fields {
            if let Some(width) = field.fixed_bytes() {
                fixed.push(Fixed::new(field, bytes));
                bytes += width;
            }
        }
        let varying = plan.fields.iter().filter(|field| field.fixed_bytes().is_none());
        let varying = varying.map(|_| Varying::default()).collect();
        let (fixed_bytes, spread_bytes) = plan.fixed_bytes.map_or((0, usize::MAX), |n| (n, 0));
        // Loss statements are read on the way, so they take the slow path.
        let least_bytes = if plan.is_loss() { usize::MAX } else { TIME_BYTES + fixed_bytes };
        Self {
            tag: plan.tag,
            is_unix: plan.is_unix,
            least_bytes,
            spread_bytes,
            plan,
            records: 0,
            rows: Vec::new(),
            stride: bytes.next_multiple_of(8),
            fixed,
            varying,
        }
    }

    #[inline]
    pub(super) const fn tag(&self) -> u32 {
        self.tag
    }

    pub(super) fn clear(&mut self) {
        self.records = 0;
        self.rows.clear();
        self.fixed.iter_mut().for_each(Fixed::clear);
        self.varying.iter_mut().for_each(Varying::clear);
    }

    #[inline]
    pub(super) const fn is_unix(&self) -> bool {
        self.is_unix
    }

    /// Whether this is the header of one of its records, with a valid length.
    #[inline]
    pub(super) const fn takes(&self, header: RawHeader) -> bool {
        header.tag == self.tag
            && !header.is_dead
            && header.bytes >= self.least_bytes
            && header.bytes - self.least_bytes <= self.spread_bytes
    }

    /// Checks the length that the header of one of its records states.
    pub(super) const fn check(&self, header: RawHeader) -> Result<(), ValueError> {
        if header.bytes < self.least_bytes {
            Err(ValueError::End)
        } else if self.takes(header) {
            Ok(())
        } else {
            Err(ValueError::Trailing)
        }
    }

    /// Summarizes the text among the values, if `has_text`.
    pub(super) fn sum_up(&self, has_text: bool, summary: &mut SummaryBuilder) {
        let varying = self.plan.fields.iter().filter(|field| field.fixed_bytes().is_none());
        for (field, varying) in varying.zip(&self.varying) {
            match (field, has_text) {
                (Field::Value(ty), _) if !ty.has_text() => {}
                (_, true) => summary.note_text(&varying.bytes),
                (_, false) => summary.leave_text_out(),
            }
        }
    }

    /// Takes a record with a header that it [takes](Self::takes), padding included, and returns its
    /// time. The length is the header's.
    #[inline]
    pub(super) fn take_raw(
        &mut self,
        record: &[u8],
        bytes: usize,
        words: &mut Words,
    ) -> Result<u64, ValueError> {
        let time = word_at(record, RawHeader::BYTES);
        let values = &record[RawHeader::BYTES + TIME_BYTES..];
        if self.spread_bytes == 0 {
            self.put_row(values, words);
        } else {
            self.take_varying(&values[..bytes - TIME_BYTES], words)?;
        }
        Ok(time)
    }

    /// The same for several records with equal headers, of `span` bytes each, without their times.
    pub(super) fn take_alike(
        &mut self,
        records: &[u8],
        span: usize,
        bytes: usize,
        words: &mut Words,
    ) -> Result<(), ValueError> {
        if let [Field::Text] = self.plan.fields[..] {
            return self.take_texts(records, span, bytes);
        }
        if self.spread_bytes > 0 || records.len() < ALIKE * span {
            let mut rest = records;
            while let Some((record, next)) = rest.split_at_checked(span) {
                self.take_raw(record, bytes, words)?;
                rest = next;
            }
            return Ok(());
        }
        self.flush(words);
        let values_at = RawHeader::BYTES + TIME_BYTES;
        for records in records.chunks(GROUP * span) {
            for column in &mut self.fixed {
                column.take(records, span, values_at, words);
            }
            self.records += records.len() / span;
        }
        Ok(())
    }

    /// Takes the values of a record, in raw layout.
    pub(super) fn take(&mut self, values: &[u8], words: &mut Words) -> Result<(), ValueError> {
        match self.plan.fixed_bytes {
            None => return self.take_varying(values, words),
            Some(right) if values.len() < right => return Err(ValueError::End),
            Some(right) if values.len() > right => return Err(ValueError::Trailing),
            Some(_) => {}
        }
        self.rows.extend_from_slice(values);
        self.finish_row(words);
        Ok(())
    }

    /// Takes values of fixed length, padding included.
    #[inline]
    fn put_row(&mut self, values: &[u8], words: &mut Words) {
        // Short rows are copied without a call.
        match self.stride {
            0 => {}
            8 => self.rows.extend_from_slice(&values[..8]),
            16 => self.rows.extend_from_slice(&values[..16]),
            24 => self.rows.extend_from_slice(&values[..24]),
            32 => self.rows.extend_from_slice(&values[..32]),
            stride => self.rows.extend_from_slice(&values[..stride]),
        }
        self.records += 1;
        if self.rows.len() >= GROUP * self.stride {
            self.flush(words);
        }
    }

    fn take_varying(&mut self, values: &[u8], words: &mut Words) -> Result<(), ValueError> {
        let mut raw = Raw(values);
        let mut varying = self.varying.iter_mut();
        for field in &self.plan.fields {
            match field {
                Field::Text => {
                    let column = varying.next().expect(OF_FIELD);
                    let text = raw.text()?;
                    put_length(text.len(), &mut column.lengths);
                    column.bytes.extend_from_slice(text);
                }
                Field::Value(ty) => {
                    let column = varying.next().expect(OF_FIELD);
                    let start = column.bytes.len();
                    raw.value(ty, &mut column.bytes)?;
                    put_length(column.bytes.len() - start, &mut column.lengths);
                }
                Field::Bytes(n) | Field::Float(n) | Field::Uint(n) | Field::Int(n) => {
                    self.rows.extend_from_slice(raw.take(*n)?);
                }
            }
        }
        self.finish_row(words);
        if raw.0.is_empty() { Ok(()) } else { Err(ValueError::Trailing) }
    }

    /// Takes records with equal headers that have a text and nothing else.
    fn take_texts(&mut self, records: &[u8], span: usize, bytes: usize) -> Result<(), ValueError> {
        let column = self.varying.first_mut().expect(OF_FIELD);
        let values = RawHeader::BYTES + TIME_BYTES..RawHeader::BYTES + bytes;
        for record in records.chunks_exact(span) {
            let mut raw = Raw(&record[values.clone()]);
            let text = raw.text()?;
            if !raw.0.is_empty() {
                return Err(ValueError::Trailing);
            }
            put_length(text.len(), &mut column.lengths);
            column.bytes.extend_from_slice(text);
        }
        self.records += records.len() / span;
        Ok(())
    }

    /// Pads the last row.
    #[inline]
    fn finish_row(&mut self, words: &mut Words) {
        self.records += 1;
        if self.stride > 0 {
            self.rows.resize(self.rows.len().next_multiple_of(8), 0);
            if self.rows.len() >= GROUP * self.stride {
                self.flush(words);
            }
        }
    }

    /// Moves the values in rows into the columns.
    fn flush(&mut self, words: &mut Words) {
        if self.rows.is_empty() {
            return;
        }
        for column in &mut self.fixed {
            column.take(&self.rows, self.stride, 0, words);
        }
        self.rows.clear();
    }

    /// Appends the columns, and their layouts to `directory`.
    pub(super) fn put(&mut self, words: &mut Words, directory: &mut Vec<u8>, out: &mut Vec<u8>) {
        self.flush(words);
        let (mut fixed, mut varying) = (self.fixed.iter(), self.varying.iter());
        for field in &self.plan.fields {
            let start = out.len();
            let layout = if field.fixed_bytes().is_some() {
                fixed.next().map(|column| column.put(out))
            } else {
                varying.next().map(|column| column.put(field, out))
            };
            layout.expect(OF_FIELD).put(directory);
            put_uint(directory, (out.len() - start) as u64);
        }
    }

    /// The number of bytes in columns of varying length.
    pub(super) fn varying_bytes(&self) -> usize {
        self.varying.iter().map(|varying| varying.bytes.len()).sum()
    }
}

/// A column of values of fixed length.
#[derive(Debug)]
struct Fixed {
    field: Field,
    /// The place of its values among those of a record.
    offset: usize,
    /// Whether to store differences, as the first values suggest.
    is_steady: Option<bool>,
    /// Whether the last values took more than a byte.
    are_long: bool,
    /// The last value that was taken.
    before: u64,
    /// Varints; or planes, one for each byte of a value.
    parts: Vec<Vec<u8>>,
}

impl Fixed {
    fn new(field: &Field, offset: usize) -> Self {
        let parts = match field {
            Field::Bytes(width) | Field::Float(width) => *width,
            _ => 1,
        };
        let parts = vec![Vec::new(); parts];
        Self { field: field.clone(), offset, is_steady: None, are_long: false, before: 0, parts }
    }

    fn clear(&mut self) {
        self.is_steady = None;
        self.before = 0;
        self.parts.iter_mut().for_each(Vec::clear);
    }

    /// Takes the values of records of up to a group, whose values of fixed length begin at
    /// `values_at` in each row.
    fn take(&mut self, bytes: &[u8], stride: usize, values_at: usize, words: &mut Words) {
        let rows = Rows { bytes, stride, at: values_at + self.offset };
        match self.field {
            Field::Bytes(_) => {
                for (plane, part) in self.parts.iter_mut().enumerate() {
                    part.extend(bytes.chunks_exact(stride).map(|row| row[rows.at + plane]));
                }
            }
            Field::Float(4) => self.take_floats(&rows, words, |of| u32::from_le_bytes(of).into()),
            Field::Float(_) => self.take_floats(&rows, words, u64::from_le_bytes),
            Field::Uint(2) => self.take_numbers(&rows, words, |of| u16::from_le_bytes(of).into()),
            Field::Uint(4) => self.take_numbers(&rows, words, |of| u32::from_le_bytes(of).into()),
            Field::Uint(_) => self.take_numbers(&rows, words, u64::from_le_bytes),
            Field::Int(2) => self.take_numbers(&rows, words, |of| signed(i16::from_le_bytes(of))),
            Field::Int(4) => self.take_numbers(&rows, words, |of| signed(i32::from_le_bytes(of))),
            Field::Int(_) => self.take_numbers(&rows, words, |of| signed(i64::from_le_bytes(of))),
            Field::Text | Field::Value(_) => unreachable!("these are not of fixed length"),
        }
    }

    #[inline(always)]
    fn take_floats<const N: usize>(
        &mut self,
        rows: &Rows<'_>,
        words: &mut Words,
        of: impl Fn([u8; N]) -> u64,
    ) {
        rows.read(words, of);
        let values = &mut words[..=rows.count()];
        values[0] = self.before;
        self.before = values[rows.count()];
        let is_steady = *self.is_steady.get_or_insert_with(|| {
            let Sample { pairs, of_differences, .. } = Sample::of(&values[1..]);
            // The sign, the exponent and the highest bits of the fraction compress well as they are.
            of_differences * 10 <= pairs * N as u32 * 65
        });
        if is_steady {
            differences(values, N);
        }
        put_planes(&values[1..], &mut self.parts);
    }

    #[inline(always)]
    fn take_numbers<const N: usize>(
        &mut self,
        rows: &Rows<'_>,
        words: &mut Words,
        of: impl Fn([u8; N]) -> u64,
    ) {
        let is_steady = *self.is_steady.get_or_insert_with(|| {
            rows.read(words, &of);
            let sample = Sample::of(&words[1..=rows.count()]);
            sample.of_differences < sample.of_values
        });
        let out = &mut self.parts[0];
        if !self.are_long {
            let mut before = self.before;
            let all = if is_steady {
                rows.put_bytes(out, |bytes| {
                    let word = of(bytes);
                    zigzag(word.wrapping_sub(std::mem::replace(&mut before, word)))
                })
            } else {
                rows.put_bytes(out, &of)
            };
            if all < 0x80 {
                self.before = before;
                return;
            }
            // The next groups will probably be long, too.
            self.are_long = true;
        }
        rows.read(words, of);
        let count = rows.count();
        words[0] = std::mem::replace(&mut self.before, words[count]);
        let start = out.len();
        if is_steady {
            put_differences(words, count, out);
        } else {
            put_varints(&words[1..=count], out);
        }
        self.are_long = out.len() - start > count + count / 16;
    }

    fn put(&self, out: &mut Vec<u8>) -> Layout {
        self.parts.iter().for_each(|part| out.extend_from_slice(part));
        let is_steady = self.is_steady == Some(true);
        match self.field {
            Field::Float(width) if is_steady => Layout::DifferencePlanes(width),
            Field::Bytes(width) | Field::Float(width) => Layout::Planes(width),
            _ if is_steady => Layout::Differences,
            _ => Layout::Varints,
        }
    }
}

/// A length, as a varint.
#[inline]
fn put_length(length: usize, out: &mut Vec<u8>) {
    if length < 0x80 { out.push(length as u8) } else { put_uint(out, length as u64) }
}

const OF_FIELD: &str = "each field has a column";

#[inline]
fn signed(value: impl Into<i64>) -> u64 {
    zigzag(value.into().cast_unsigned())
}

/// A column of values of varying length.
#[derive(Debug, Default)]
struct Varying {
    lengths: Vec<u8>,
    bytes: Vec<u8>,
}

impl Varying {
    fn clear(&mut self) {
        self.lengths.clear();
        self.bytes.clear();
        // Do not keep the capacity of a few long values for each call site.
        if self.bytes.capacity() > KEPT_BYTES {
            self.bytes.shrink_to(KEPT_BYTES);
        }
    }

    fn put(&self, field: &Field, out: &mut Vec<u8>) -> Layout {
        put_uint(out, self.lengths.len() as u64);
        out.extend_from_slice(&self.lengths);
        out.extend_from_slice(&self.bytes);
        if matches!(field, Field::Text) { Layout::Texts } else { Layout::Pieces }
    }
}
