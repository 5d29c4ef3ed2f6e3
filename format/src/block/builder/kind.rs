//! Records of one call site in a group, whose values are turned into columns.

use std::cmp::Ordering;
use std::sync::Arc;

use super::Depth;
use super::fixed::Fixed;
use super::varying::Varying;
use crate::block::columns::numbers::{GROUP, Words};
use crate::block::plan::{Field, Raw, SitePlan};
use crate::block::raw::RawHeader;
use crate::summary::SummaryBuilder;
use crate::types::Type;
use crate::value::ValueError;

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
    /// How many of them are in parts that have ended.
    pub(super) ended: usize,
    /// How values of varying length follow those of fixed length.
    steps: Vec<Step>,
    /// Room for values of fixed length, record by record.
    rows: Vec<u8>,
    /// How many bytes of it are not in columns yet.
    filled: usize,
    /// Records that were noted: where they begin, and the length in the header.
    noted: Vec<(u32, u32)>,
    /// The distance from each to the next one: a multiple of eight.
    stride: usize,
    fixed: Vec<Fixed>,
    /// The columns of varying length.
    varying: Vec<Varying>,
}

/// A part of a record's values.
#[derive(Debug)]
enum Step {
    /// This many bytes, of one field or several.
    Fixed(usize),
    Text,
    Value(Type),
}

/// A column of a kind.
#[derive(Clone, Copy)]
pub(super) enum Column<'a> {
    Fixed(&'a Fixed),
    Texts(&'a Varying),
    Pieces(&'a Varying),
}

/// The length of the time, which is between the header and the values.
const TIME_BYTES: usize = 8;

/// Where the values of a record are.
const VALUES_AT: usize = RawHeader::BYTES + TIME_BYTES;

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
        let mut steps = Vec::new();
        for field in &plan.fields {
            match (field, field.fixed_bytes(), steps.last_mut()) {
                (_, Some(more), Some(Step::Fixed(bytes))) => *bytes += more,
                (_, Some(bytes), _) => steps.push(Step::Fixed(bytes)),
                (Field::Value(ty), ..) => steps.push(Step::Value(ty.clone())),
                _ => steps.push(Step::Text),
            }
        }
        let varying = plan.fields.iter().filter(|field| field.fixed_bytes().is_none());
        let varying = varying.map(|_| Varying::default()).collect();
        let stride = bytes.next_multiple_of(8);
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
            ended: 0,
            steps,
            rows: vec![0; GROUP * stride + COPIED_BYTES],
            filled: 0,
            noted: Vec::new(),
            stride,
            fixed,
            varying,
        }
    }

    #[inline]
    pub(super) const fn tag(&self) -> u32 {
        self.tag
    }

    pub(super) fn clear(&mut self) {
        (self.records, self.ended) = (0, 0);
        self.filled = 0;
        self.noted.clear();
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

    /// Summarizes the text among the values, if `has_text`, and the integers of a thorough group.
    pub(super) fn sum_up(&self, has_text: bool, summary: &mut SummaryBuilder) {
        let columns = self.plan.fields.iter().enumerate();
        let of_fixed = columns.filter(|(_, field)| field.fixed_bytes().is_some()).zip(&self.fixed);
        for ((column, field), fixed) in of_fixed {
            if let Field::Uint(_) | Field::Int(_) = field {
                let are_signed = matches!(field, Field::Int(_));
                summary.note_integers(self.tag, column, are_signed, fixed.words());
            }
        }
        let varying = self.plan.fields.iter().filter(|field| field.fixed_bytes().is_none());
        for (field, varying) in varying.zip(&self.varying) {
            match (field, has_text) {
                (Field::Value(ty), _) if !ty.has_text() => {}
                (_, true) => {
                    summary.note_text(varying.bytes());
                    varying.iter().for_each(|value| summary.note_ids(value));
                }
                (_, false) => summary.leave_text_out(),
            }
        }
    }

    /// Notes that a record begins at `start`, with a header that this kind [takes](Self::takes), until the kind is
    /// [settled](Self::settle). `bytes` is the length in the header.
    #[inline]
    pub(super) fn note(&mut self, start: usize, bytes: usize) {
        self.noted.push((start as u32, bytes as u32));
        self.records += 1;
    }

    /// Takes the noted ones of `records`.
    #[inline]
    pub(super) fn settle(
        &mut self,
        records: &[u8],
        words: &mut Words,
        depth: Depth,
    ) -> Result<(), ValueError> {
        if self.noted.is_empty() {
            return Ok(());
        }
        let noted = std::mem::take(&mut self.noted);
        let result = if self.spread_bytes > 0 {
            self.settle_varying(records, &noted, words, depth)
        } else {
            self.settle_fixed(records, &noted, words, depth)
        };
        self.noted = noted;
        self.noted.clear();
        result
    }

    fn settle_varying(
        &mut self,
        records: &[u8],
        noted: &[(u32, u32)],
        words: &mut Words,
        depth: Depth,
    ) -> Result<(), ValueError> {
        for &(start, bytes) in noted {
            let values = &records[start as usize + VALUES_AT..];
            self.take_varying(values, bytes as usize - TIME_BYTES)?;
            self.finish_row(words, depth);
        }
        Ok(())
    }

    fn settle_fixed(
        &mut self,
        records: &[u8],
        noted: &[(u32, u32)],
        words: &mut Words,
        depth: Depth,
    ) -> Result<(), ValueError> {
        let stride = self.stride;
        if stride == 0 {
            return Ok(());
        }
        let mut left = noted;
        while !left.is_empty() {
            let room = GROUP - self.filled / stride;
            let (now, later) = left.split_at(left.len().min(room));
            let mut row = self.filled;
            for &(start, _) in now {
                let values = &records[start as usize + VALUES_AT..];
                // Short rows are copied without a call, and regardless of their length.
                match (values.first_chunk::<COPIED_BYTES>(), self.rows.get_mut(row..)) {
                    (Some(values), Some(rows)) if stride <= COPIED_BYTES => {
                        *rows.first_chunk_mut().expect(ROOM) = *values;
                    }
                    _ => self.rows[row..][..stride].copy_from_slice(&values[..stride]),
                }
                row += stride;
            }
            self.filled = row;
            if self.filled == GROUP * stride {
                self.flush(words, depth);
            }
            left = later;
        }
        Ok(())
    }

    /// Whether all records have values of the same length.
    pub(super) const fn is_fixed(&self) -> bool {
        self.spread_bytes == 0
    }

    /// Takes several records with equal headers, of `span` bytes each, with values of fixed length. None is noted.
    pub(super) fn take_alike(
        &mut self,
        records: &[u8],
        span: usize,
        words: &mut Words,
        depth: Depth,
    ) {
        self.flush(words, depth);
        for records in records.chunks(GROUP * span) {
            for column in &mut self.fixed {
                column.take(records, span, VALUES_AT, words, depth);
            }
        }
        self.records += records.len() / span;
    }

    /// Takes the values of a record, in raw layout.
    pub(super) fn take(
        &mut self,
        values: &[u8],
        words: &mut Words,
        depth: Depth,
    ) -> Result<(), ValueError> {
        match self.plan.fixed_bytes {
            None => self.take_varying(values, values.len())?,
            Some(right) if values.len() < right => return Err(ValueError::End),
            Some(right) if values.len() > right => return Err(ValueError::Trailing),
            Some(_) => self.rows[self.filled..][..values.len()].copy_from_slice(values),
        }
        self.records += 1;
        self.finish_row(words, depth);
        Ok(())
    }

    /// Takes the values of a record, which are the first `bytes` of `values`.
    #[inline]
    fn take_varying(&mut self, values: &[u8], bytes: usize) -> Result<(), ValueError> {
        // Usually all parts are where they should be: that is checked once, at the end. Until then some may be
        // taken from what follows the record.
        let mut at = 0;
        let mut row = self.filled;
        let mut varying = self.varying.iter_mut();
        for step in &self.steps {
            match step {
                Step::Fixed(length) => {
                    put_fixed(values.get(at..), *length, self.rows.get_mut(row..))?;
                    row += length;
                    at += length;
                }
                Step::Text => {
                    let rest = values.get(at..).ok_or(ValueError::End)?;
                    let (length, rest) = rest.split_first_chunk().ok_or(ValueError::End)?;
                    let length = u32::from_le_bytes(*length) as usize;
                    let column = varying.next().expect(A_COLUMN);
                    column.take(rest, length).ok_or(ValueError::End)?;
                    at += 4 + length;
                }
                Step::Value(ty) => {
                    let column = varying.next().expect(A_COLUMN);
                    let rest = values.get(at..bytes).ok_or(ValueError::End)?;
                    at += take_value(column, ty, rest)?;
                }
            }
        }
        match at.cmp(&bytes) {
            Ordering::Less => Err(ValueError::Trailing),
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(ValueError::End),
        }
    }

    /// Notes that a row was filled.
    #[inline]
    fn finish_row(&mut self, words: &mut Words, depth: Depth) {
        self.filled += self.stride;
        if self.filled >= GROUP * self.stride && self.stride > 0 {
            self.flush(words, depth);
        }
    }

    /// Moves the values in rows into the columns.
    pub(super) fn flush(&mut self, words: &mut Words, depth: Depth) {
        if self.filled == 0 {
            return;
        }
        for column in &mut self.fixed {
            column.take(&self.rows[..self.filled], self.stride, 0, words, depth);
        }
        self.filled = 0;
    }

    /// The columns in order, all rows being [flushed](Self::flush).
    pub(super) fn columns(&self) -> impl Iterator<Item = Column<'_>> {
        let (mut fixed, mut varying) = (self.fixed.iter(), self.varying.iter());
        self.plan.fields.iter().map(move |field| match field {
            Field::Text => Column::Texts(varying.next().expect(A_COLUMN)),
            Field::Value(_) => Column::Pieces(varying.next().expect(A_COLUMN)),
            _ => Column::Fixed(fixed.next().expect(A_COLUMN)),
        })
    }

    pub(super) fn fixed(&self, at: usize) -> &Fixed {
        &self.fixed[at]
    }

    pub(super) fn varying(&self, at: usize) -> &Varying {
        &self.varying[at]
    }

    /// The memory of the columns in order.
    pub(super) fn pays_mut(&mut self) -> impl Iterator<Item = &mut super::pays::Pays> {
        let (mut fixed, mut varying) = (self.fixed.iter_mut(), self.varying.iter_mut());
        self.plan.fields.iter().map(move |field| match field {
            Field::Text | Field::Value(_) => &mut varying.next().expect(A_COLUMN).pays,
            _ => &mut fixed.next().expect(A_COLUMN).pays,
        })
    }

    /// See [`Fixed::forbid_constant`].
    pub(super) fn forbid_constant(&mut self) {
        self.fixed.iter_mut().for_each(Fixed::forbid_constant);
    }

    /// The most bytes that the records take in packed rows, without their times.
    pub(super) fn row_bytes(&self) -> usize {
        let varying: usize = self.varying.iter().map(|varying| varying.bytes().len()).sum();
        // A reader counts a byte for a value that takes none.
        self.records * (self.plan.row_bytes + self.plan.fields.len()) + varying
    }
}

/// Copies the first bytes of `values`, of fixed length, to a row.
#[inline(always)]
fn put_fixed(
    values: Option<&[u8]>,
    length: usize,
    row: Option<&mut [u8]>,
) -> Result<(), ValueError> {
    let (Some(values), Some(row)) = (values, row) else { return Err(ValueError::End) };
    // Usually few bytes, which are copied without a call, and with some of what follows them.
    if length <= 8
        && let (Some(values), Some(row)) = (values.first_chunk::<8>(), row.first_chunk_mut::<8>())
    {
        *row = *values;
        return Ok(());
    }
    put_long_fixed(values, length, row)
}

#[inline(never)]
fn put_long_fixed(values: &[u8], length: usize, row: &mut [u8]) -> Result<(), ValueError> {
    row[..length].copy_from_slice(values.get(..length).ok_or(ValueError::End)?);
    Ok(())
}

/// Takes the value at the beginning of `values`, and returns how many bytes it has there.
// Not inlined: texts are the usual case, and need few registers.
#[inline(never)]
fn take_value(column: &mut Varying, ty: &Type, values: &[u8]) -> Result<usize, ValueError> {
    let mut raw = Raw(values);
    column.take_with(|out| raw.value(ty, out))?;
    Ok(values.len() - raw.0.len())
}

/// How many bytes of fixed length to copy at least, because a constant length takes no call.
const COPIED_BYTES: usize = 32;

const ROOM: &str = "there is room after the last row";
const A_COLUMN: &str = "there is a column for each field";
