//! Columns of a stored block, and their packed rows.

use std::ops::Range;

use super::{Layout, MAX_COLUMNS, MAX_KINDS};
use crate::block::put_length;
use crate::value::put_uint;

/// The columns do not match their directory or the header.
#[derive(Clone, Copy, Debug)]
pub(in crate::block) struct Malformed;

pub(in crate::block) type Read<T> = Result<T, Malformed>;

/// A place in some bytes.
#[derive(Clone, Copy)]
pub(in crate::block) struct Bytes<'a>(pub(in crate::block) &'a [u8]);

impl<'a> Bytes<'a> {
    #[inline]
    pub(in crate::block) fn take(&mut self, n: usize) -> Read<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The bytes of the next varint.
    #[inline]
    pub(in crate::block) fn varint_bytes(&mut self) -> Read<&'a [u8]> {
        let length = self.0.iter().take(10).position(|byte| *byte < 0x80).ok_or(Malformed)? + 1;
        self.take(length)
    }

    #[inline]
    pub(in crate::block) fn uint(&mut self) -> Read<u64> {
        if let [byte @ 0..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok((*byte).into());
        }
        self.long_uint()
    }

    fn long_uint(&mut self) -> Read<u64> {
        let bytes = self.varint_bytes()?;
        let value = bytes.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f));
        // The tenth byte has one bit.
        if bytes.len() == 10 && bytes[9] > 1 { Err(Malformed) } else { Ok(value) }
    }

    pub(in crate::block) fn length(&mut self) -> Read<usize> {
        usize::try_from(self.uint()?).map_err(|_| Malformed)
    }
}

struct Kind<'a> {
    /// The tag as encoded at the start of a row.
    tag: Vec<u8>,
    is_unix: u64,
    is_wanted: bool,
    columns: Vec<Column<'a>>,
}

pub(in crate::block) struct Column<'a> {
    pub(super) layout: Layout,
    /// Varints, lengths or planes.
    pub(super) data: Bytes<'a>,
    /// The bytes that the lengths divide.
    pub(super) bytes: Bytes<'a>,
    /// The number of values, if they are in planes.
    pub(super) values: usize,
    at: usize,
    pub(super) before: u64,
}

/// A [`Column`] without the body that it is in.
#[derive(Clone, Copy, Debug)]
pub(in crate::block) struct ColumnPlace {
    layout: Layout,
    data: (usize, usize),
    bytes: (usize, usize),
    values: usize,
    at: usize,
    before: u64,
}

impl ColumnPlace {
    /// The column in its body, at the next value.
    #[inline]
    pub(super) fn resume<'a>(&self, body: &'a [u8]) -> Read<Column<'a>> {
        let Self { layout, data, bytes, values, at, before } = *self;
        let data = Bytes(body.get(data.0..data.1).ok_or(Malformed)?);
        let bytes = Bytes(body.get(bytes.0..bytes.1).ok_or(Malformed)?);
        Ok(Column { layout, data, bytes, values, at, before })
    }

    /// The offset of the bytes that the lengths divide; meaningless if there are none.
    pub(super) const fn bytes_at(&self) -> usize {
        self.bytes.0
    }
}

/// Appends the `count` records of a body in columns as packed rows of at most `limit` bytes.
pub(in crate::block) fn put_rows(
    body: &[u8],
    count: u32,
    limit: usize,
    out: &mut Vec<u8>,
    mut is_wanted: impl FnMut(u32) -> bool,
) -> Read<()> {
    let mut body = Bytes(body);
    let end = out.len().saturating_add(limit);
    for _ in 0..2 {
        out.extend_from_slice(body.varint_bytes()?);
    }
    let mut kinds = Vec::new();
    let mut directory = Vec::new();
    for _ in 0..body.uint()? {
        let tag = body.uint()?;
        let columns = body.length()?;
        if kinds.len() == MAX_KINDS || columns > MAX_COLUMNS - directory.len() {
            return Err(Malformed);
        }
        for _ in 0..columns {
            let layout = Layout::read(&mut body, false)?;
            directory.push((kinds.len(), layout, body.length()?));
        }
        let id = u32::try_from(tag >> 1).map_err(|_| Malformed)?;
        let is_wanted = is_wanted(id);
        let mut kind = Kind { tag: Vec::new(), is_unix: tag & 1, is_wanted, columns: Vec::new() };
        put_uint(&mut kind.tag, u64::from(id));
        kinds.push(kind);
    }
    let which_bytes = body.length()?;
    let time_bytes = body.length()?;
    let mut which = Bytes(body.take(which_bytes)?);
    let mut times = Bytes(body.take(time_bytes)?);
    for (kind, layout, bytes) in directory {
        let data = body.take(bytes)?;
        let kind = &mut kinds[kind];
        if kind.is_wanted {
            kind.columns.push(Column::new(layout, data)?);
        }
    }
    let single = kinds.len() == 1;
    for _ in 0..count {
        let at = if single { 0 } else { which.take(1)?[0] };
        let kind = kinds.get_mut(usize::from(at)).ok_or(Malformed)?;
        out.extend_from_slice(&kind.tag);
        let length_at = out.len();
        out.push(0);
        out.extend_from_slice(times.varint_bytes()?);
        let values_at = out.len();
        for column in &mut kind.columns {
            column.put(end, out)?;
        }
        put_length(((out.len() - values_at) as u64) << 1 | kind.is_unix, length_at, out);
        if out.len() > end {
            return Err(Malformed);
        }
    }
    let are_read = kinds.iter().all(|kind| kind.columns.iter().all(Column::is_read));
    let is_all = which.0.is_empty() && times.0.is_empty() && body.0.is_empty() && are_read;
    if is_all { Ok(()) } else { Err(Malformed) }
}

impl<'a> Column<'a> {
    pub(in crate::block) fn new(layout: Layout, data: &'a [u8]) -> Read<Self> {
        let mut column =
            Column { layout, data: Bytes(data), bytes: Bytes(&[]), values: 0, at: 0, before: 0 };
        match layout {
            Layout::Planes(width) | Layout::DifferencePlanes(width) => {
                column.values = data.len().checked_div(width).ok_or(Malformed)?;
                if column.values * width != data.len() {
                    return Err(Malformed);
                }
            }
            Layout::Texts | Layout::Pieces => {
                let lengths = column.data.length()?;
                let mut rest = column.data;
                column.data = Bytes(rest.take(lengths)?);
                column.bytes = rest;
            }
            Layout::Varints | Layout::Differences => {}
            // Those of groups have readers of their own.
            _ => return Err(Malformed),
        }
        Ok(column)
    }

    /// The place of the column in `body`, which must contain it.
    #[inline]
    pub(in crate::block) fn place(&self, body: &[u8]) -> ColumnPlace {
        let Self { layout, data, bytes, values, at, before } = *self;
        let range = |part: Bytes<'_>| {
            let start = (part.0.as_ptr() as usize).wrapping_sub(body.as_ptr() as usize);
            // An empty slice may point anywhere.
            if part.0.is_empty() { (0, 0) } else { (start, start.wrapping_add(part.0.len())) }
        };
        ColumnPlace { layout, data: range(data), bytes: range(bytes), values, at, before }
    }

    /// The places of the next `count` values in planes.
    #[inline]
    pub(super) fn next_places(&mut self, count: usize) -> Read<Range<usize>> {
        let at = self.at;
        let end = at.checked_add(count).filter(|end| *end <= self.values);
        self.at = end.ok_or(Malformed)?;
        Ok(at..self.at)
    }

    pub(in crate::block) fn is_read(&self) -> bool {
        match self.layout {
            Layout::Planes(_) | Layout::DifferencePlanes(_) => self.at == self.values,
            _ => self.data.0.is_empty() && self.bytes.0.is_empty(),
        }
    }

    /// Appends the next value to a row that may not grow beyond `end`.
    #[inline]
    pub(in crate::block) fn put(&mut self, end: usize, out: &mut Vec<u8>) -> Read<()> {
        match self.layout {
            Layout::Varints => out.extend_from_slice(self.data.varint_bytes()?),
            Layout::Differences => {
                self.before = self.before.wrapping_add(unzigzag(self.data.uint()?));
                put_uint(out, self.before);
            }
            Layout::Planes(width) => {
                let at = self.next_place()?;
                out.extend((0..width).map(|plane| self.data.0[at + plane * self.values]));
            }
            Layout::DifferencePlanes(width) => {
                let at = self.next_place()?;
                let planes = (0..width).rev();
                let word = planes.fold(0, |word, plane| {
                    word << 8 | u64::from(self.data.0[at + plane * self.values])
                });
                self.before = self.before.wrapping_add(unzigzag(word));
                out.extend_from_slice(&self.before.to_le_bytes()[..width]);
            }
            Layout::Texts | Layout::Pieces => {
                let length = self.data.length()?;
                let bytes = self.bytes.take(length)?;
                if self.layout == Layout::Texts {
                    put_uint(out, length as u64);
                }
                if bytes.len() > end.saturating_sub(out.len()) {
                    return Err(Malformed);
                }
                out.extend_from_slice(bytes);
            }
            _ => return Err(Malformed),
        }
        Ok(())
    }

    /// Passes the next value.
    #[inline]
    pub(in crate::block) fn skip(&mut self) -> Read<()> {
        match self.layout {
            Layout::Varints => self.data.varint_bytes().map(|_| ()),
            Layout::Planes(_) => self.next_place().map(|_| ()),
            Layout::Texts | Layout::Pieces => {
                let length = self.data.length()?;
                self.bytes.take(length).map(|_| ())
            }
            // The next value needs this one.
            _ => self.put(usize::MAX, &mut Vec::new()),
        }
    }

    #[inline]
    fn next_place(&mut self) -> Read<usize> {
        let at = self.at;
        self.at += 1;
        if at < self.values { Ok(at) } else { Err(Malformed) }
    }
}

#[inline]
pub(in crate::block) const fn unzigzag(zigzag: u64) -> u64 {
    zigzag >> 1 ^ (zigzag & 1).wrapping_neg()
}
