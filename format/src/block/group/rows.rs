//! Packed rows of a group, part by part.

use std::ops::Range;

use super::integers::IntegerCursor;
use super::{GroupBody, GroupColumn};
use crate::block::columns::read::{Column, Malformed, Read};
use crate::block::layout::Layout;
use crate::block::put_length;
use crate::value::put_uint;

/// A walk over the values of a column, in the form that they have in a row.
pub(super) enum ValueCursor<'a> {
    /// In a layout that columns outside of groups may have too.
    Column(Column<'a>),
    Integers(IntegerCursor<'a>),
    Constant(&'a [u8]),
    /// Whether the row has the length of the entry.
    Pooled(IntegerCursor<'a>, bool),
    /// The divisor.
    Decimals(IntegerCursor<'a>, f64),
}

impl<'a> ValueCursor<'a> {
    pub(super) fn new(column: &GroupColumn, body: &'a GroupBody) -> Read<Self> {
        let data = body.plain(column.section, &column.bytes)?;
        let integers = |of| IntegerCursor::new(of, data);
        Ok(match column.layout {
            Layout::Constant => Self::Constant(data),
            Layout::PooledTexts(of) => Self::Pooled(integers(of)?, true),
            Layout::PooledPieces(of) => Self::Pooled(integers(of)?, false),
            Layout::Decimals(digits, of) => Self::Decimals(integers(of)?, power_of_ten(digits)),
            Layout::IntegerPlanes(_) | Layout::IntegerDifferencePlanes(_) => {
                Self::Integers(integers(column.layout.integers().ok_or(Malformed)?)?)
            }
            layout => Self::Column(Column::new(layout, data)?),
        })
    }

    /// Appends the next value to a row that may not grow beyond `end`.
    #[inline]
    pub(super) fn put(&mut self, body: &GroupBody, end: usize, out: &mut Vec<u8>) -> Read<()> {
        match self {
            Self::Column(column) => column.put(end, out)?,
            Self::Integers(integers) => put_uint(out, integers.next()?),
            Self::Constant(bytes) => put_bytes(bytes, end, out)?,
            Self::Pooled(indices, has_length) => {
                let entry = body.entry(indices.next()?).ok_or(Malformed)?;
                if *has_length {
                    put_uint(out, entry.len() as u64);
                }
                put_bytes(entry, end, out)?;
            }
            Self::Decimals(integers, divisor) => {
                let value = decimal(integers.next()?, *divisor).ok_or(Malformed)?;
                out.extend_from_slice(&value.to_bits().to_le_bytes());
            }
        }
        Ok(())
    }

    /// Passes the next value.
    #[inline]
    pub(super) fn skip(&mut self) -> Read<()> {
        match self {
            Self::Column(column) => column.skip(),
            Self::Integers(of) | Self::Pooled(of, _) | Self::Decimals(of, _) => {
                of.next().map(|_| ())
            }
            Self::Constant(_) => Ok(()),
        }
    }

    pub(super) fn is_read(&self) -> bool {
        match self {
            Self::Column(column) => column.is_read(),
            Self::Integers(integers) | Self::Pooled(integers, _) | Self::Decimals(integers, _) => {
                integers.is_read()
            }
            Self::Constant(_) => true,
        }
    }
}

#[inline]
fn put_bytes(bytes: &[u8], end: usize, out: &mut Vec<u8>) -> Read<()> {
    if bytes.len() > end.saturating_sub(out.len()) {
        return Err(Malformed);
    }
    out.extend_from_slice(bytes);
    Ok(())
}

/// 10^d, exactly.
pub(super) fn power_of_ten(digits: u8) -> f64 {
    (0..digits).fold(1.0, |power, _| power * 10.0)
}

/// The value of a column of decimals; `None` if an `f64` cannot hold the integer.
#[inline]
pub(super) fn decimal(zigzag: u64, divisor: f64) -> Option<f64> {
    let integer = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
    (integer.unsigned_abs() < 1 << 53).then(|| integer as f64 / divisor)
}

/// A kind, its columns if it is wanted, and how many of its records are left.
struct Kind<'a> {
    /// The tag as encoded at the start of a row.
    tag: Vec<u8>,
    is_unix: u64,
    columns: Vec<ValueCursor<'a>>,
    left: u32,
}

impl GroupBody {
    /// Appends the records of all parts as packed rows. Returns where those of each part are in `out`.
    pub(super) fn put_rows(
        &self,
        out: &mut Vec<u8>,
        mut is_wanted: impl FnMut(u32) -> bool,
    ) -> Read<Vec<Range<usize>>> {
        let limit = self.most_rows();
        let end = out.len().saturating_add(limit);
        let mut kinds = Vec::new();
        for kind in self.kinds() {
            let mut columns = Vec::new();
            if is_wanted(kind.tag) {
                for column in self.columns_of(kind) {
                    columns.push(ValueCursor::new(column, self)?);
                }
            }
            let mut tag = Vec::new();
            put_uint(&mut tag, kind.tag.into());
            kinds.push(Kind { tag, is_unix: kind.is_unix.into(), columns, left: kind.count });
        }
        let mut which = self.which().map(|which| self.integers_of(which)).transpose()?;
        let mut times = self.integers_of(self.times())?;
        let mut parts = Vec::new();
        for part in &self.head().parts {
            let start = out.len();
            // The times begin with the smallest ones, which are the bases.
            out.extend([0; 2]);
            for _ in 0..part.count {
                let at = which.as_mut().map_or(Ok(0), IntegerCursor::next)?;
                let kind = usize::try_from(at).ok().and_then(|at| kinds.get_mut(at));
                let kind = kind.ok_or(Malformed)?;
                kind.left = kind.left.checked_sub(1).ok_or(Malformed)?;
                self.put_row(kind, times.next()?, end, out)?;
            }
            parts.push(start..out.len());
        }
        let are_read =
            |kind: &Kind<'_>| kind.left == 0 && kind.columns.iter().all(ValueCursor::is_read);
        let is_all = times.is_read()
            && which.is_none_or(|which| which.is_read())
            && kinds.iter().all(are_read);
        if is_all { Ok(parts) } else { Err(Malformed) }
    }

    #[inline]
    fn put_row(&self, kind: &mut Kind<'_>, time: u64, end: usize, out: &mut Vec<u8>) -> Read<()> {
        out.extend_from_slice(&kind.tag);
        let length_at = out.len();
        out.push(0);
        put_uint(out, time);
        let values_at = out.len();
        for column in &mut kind.columns {
            column.put(self, end, out)?;
        }
        put_length(((out.len() - values_at) as u64) << 1 | kind.is_unix, length_at, out);
        if out.len() > end { Err(Malformed) } else { Ok(()) }
    }
}
