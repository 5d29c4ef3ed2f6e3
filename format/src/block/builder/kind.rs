//! Records of one call site in a group, whose values are turned into columns.

use std::sync::Arc;

use super::Depth;
use super::fixed::Fixed;
use super::varying::{Varying, put_length};
use crate::block::columns::numbers::{GROUP, Words};
use crate::block::plan::{Field, Raw, SitePlan};
use crate::block::raw::RawHeader;
use crate::summary::SummaryBuilder;
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
    /// Values of fixed length that are not in columns yet, record by record.
    rows: Vec<u8>,
    /// The distance from each to the next one: a multiple of eight.
    stride: usize,
    fixed: Vec<Fixed>,
    /// The columns of varying length.
    varying: Vec<Varying>,
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

/// The fewest consecutive records to take in place, without a copy.
const MANY: usize = 16;

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
            ended: 0,
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
        (self.records, self.ended) = (0, 0);
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

    /// Takes a record with a header that it [takes](Self::takes), padding included. The length is the
    /// header's.
    #[inline]
    pub(super) fn take_raw(
        &mut self,
        record: &[u8],
        bytes: usize,
        words: &mut Words,
        depth: Depth,
    ) -> Result<(), ValueError> {
        let values = &record[RawHeader::BYTES + TIME_BYTES..];
        if self.spread_bytes == 0 {
            self.put_row(values, words, depth);
            Ok(())
        } else {
            self.take_varying(&values[..bytes - TIME_BYTES], words, depth)
        }
    }

    /// The same for several records with equal headers, of `span` bytes each.
    pub(super) fn take_alike(
        &mut self,
        records: &[u8],
        span: usize,
        bytes: usize,
        words: &mut Words,
        depth: Depth,
    ) -> Result<(), ValueError> {
        if let [Field::Text] = self.plan.fields[..] {
            return self.take_texts(records, span, bytes);
        }
        if self.spread_bytes > 0 || records.len() < MANY * span {
            let mut rest = records;
            while let Some((record, next)) = rest.split_at_checked(span) {
                self.take_raw(record, bytes, words, depth)?;
                rest = next;
            }
            return Ok(());
        }
        self.flush(words, depth);
        let values_at = RawHeader::BYTES + TIME_BYTES;
        for records in records.chunks(GROUP * span) {
            for column in &mut self.fixed {
                column.take(records, span, values_at, words, depth);
            }
            self.records += records.len() / span;
        }
        Ok(())
    }

    /// Takes the values of a record, in raw layout.
    pub(super) fn take(
        &mut self,
        values: &[u8],
        words: &mut Words,
        depth: Depth,
    ) -> Result<(), ValueError> {
        match self.plan.fixed_bytes {
            None => return self.take_varying(values, words, depth),
            Some(right) if values.len() < right => return Err(ValueError::End),
            Some(right) if values.len() > right => return Err(ValueError::Trailing),
            Some(_) => {}
        }
        self.rows.extend_from_slice(values);
        self.finish_row(words, depth);
        Ok(())
    }

    /// Takes values of fixed length, padding included.
    #[inline]
    fn put_row(&mut self, values: &[u8], words: &mut Words, depth: Depth) {
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
            self.flush(words, depth);
        }
    }

    fn take_varying(
        &mut self,
        values: &[u8],
        words: &mut Words,
        depth: Depth,
    ) -> Result<(), ValueError> {
        let mut raw = Raw(values);
        let mut varying = self.varying.iter_mut();
        for field in &self.plan.fields {
            match field {
                Field::Text => varying.next().expect(A_COLUMN).take(raw.text()?),
                Field::Value(ty) => {
                    let column = varying.next().expect(A_COLUMN);
                    let start = column.bytes.len();
                    raw.value(ty, &mut column.bytes)?;
                    put_length(column.bytes.len() - start, &mut column.lengths);
                }
                Field::Bytes(n) | Field::Float(n) | Field::Uint(n) | Field::Int(n) => {
                    self.rows.extend_from_slice(raw.take(*n)?);
                }
            }
        }
        self.finish_row(words, depth);
        if raw.0.is_empty() { Ok(()) } else { Err(ValueError::Trailing) }
    }

    /// Takes records with equal headers that have a text and nothing else.
    fn take_texts(&mut self, records: &[u8], span: usize, bytes: usize) -> Result<(), ValueError> {
        let column = self.varying.first_mut().expect(A_COLUMN);
        let values = RawHeader::BYTES + TIME_BYTES..RawHeader::BYTES + bytes;
        for record in records.chunks_exact(span) {
            let mut raw = Raw(&record[values.clone()]);
            column.take(raw.text()?);
            if !raw.0.is_empty() {
                return Err(ValueError::Trailing);
            }
        }
        self.records += records.len() / span;
        Ok(())
    }

    /// Pads the last row.
    #[inline]
    fn finish_row(&mut self, words: &mut Words, depth: Depth) {
        self.records += 1;
        if self.stride > 0 {
            self.rows.resize(self.rows.len().next_multiple_of(8), 0);
            if self.rows.len() >= GROUP * self.stride {
                self.flush(words, depth);
            }
        }
    }

    /// Moves the values in rows into the columns.
    pub(super) fn flush(&mut self, words: &mut Words, depth: Depth) {
        if self.rows.is_empty() {
            return;
        }
        for column in &mut self.fixed {
            column.take(&self.rows, self.stride, 0, words, depth);
        }
        self.rows.clear();
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
        let varying: usize = self.varying.iter().map(|varying| varying.bytes.len()).sum();
        // A reader counts a byte for a value that takes none.
        self.records * (self.plan.row_bytes + self.plan.fields.len()) + varying
    }
}

const A_COLUMN: &str = "there is a column for each field";
