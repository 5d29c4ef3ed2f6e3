//! Directory of a group: its kinds of records, its columns, and its pools.

use std::ops::Range;

use super::{MAX_KINDS, MAX_POOLS, Section};
use crate::block::columns::MAX_COLUMNS;
use crate::block::columns::read::{Bytes, Malformed, Read};
use crate::block::layout::Layout;
use crate::value::put_uint;

/// A kind of records of a group: those of one call site, or the loss statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKind {
    /// The call site's id, or [`CallSite::LOSS_ID`](crate::dictionary::CallSite::LOSS_ID).
    pub tag: u32,
    /// Whether their times are unix times.
    pub is_unix: bool,
    /// How many records of all parts are of this kind.
    pub count: u32,
    /// Their columns, among those of all kinds.
    pub columns: Range<usize>,
}

/// The place of a column, and its layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupColumn {
    /// The section that it is in.
    pub section: usize,
    /// How it is laid out.
    pub layout: Layout,
    /// Its bytes, among the plain ones of all sections.
    pub bytes: Range<usize>,
}

impl GroupColumn {
    /// Appends the entry of a column of this many plain bytes to a directory.
    pub fn put(section: usize, layout: Layout, bytes: usize, out: &mut Vec<u8>) {
        put_uint(out, section as u64);
        layout.put(out);
        put_uint(out, bytes as u64);
    }
}

/// A pool: distinct byte strings that occur in several records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// How its entries are stored.
    pub class: PoolClass,
    /// How many entries it has.
    pub count: u32,
    /// The section that it is in.
    pub section: usize,
    /// Its bytes, among the plain ones of all sections.
    pub bytes: Range<usize>,
}

/// How the entries of a [`Pool`] are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PoolClass {
    /// As a column of texts.
    Plain,
    /// As the hexadecimal digits in the places of a pattern, four bits each.
    Digits(Pattern),
}

/// A pattern that each entry of a pool matches: lower-case hexadecimal digits between literal text.
///
/// ```
/// use stenolog_format::block::{Pattern, PatternPiece};
///
/// let pattern = Pattern::new(vec![PatternPiece::Text(b"ord-".to_vec()), PatternPiece::Digits(8)]);
/// let pattern = pattern.unwrap();
/// assert_eq!((pattern.digits(), pattern.text_bytes(), pattern.packed_bytes()), (8, 12, 4));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<PatternPiece>,
    digits: usize,
    text_bytes: usize,
}

/// A piece of a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternPiece {
    /// This many digits `0` to `9` and `a` to `f`.
    Digits(usize),
    /// These bytes.
    Text(Vec<u8>),
}

impl Pattern {
    /// A pattern of these pieces; `None` if it has no digit, or is longer than any text.
    #[must_use]
    pub fn new(pieces: Vec<PatternPiece>) -> Option<Self> {
        let (mut digits, mut text_bytes) = (0_usize, 0_usize);
        for piece in &pieces {
            let bytes = match piece {
                PatternPiece::Digits(n) => {
                    digits = digits.checked_add(*n)?;
                    *n
                }
                PatternPiece::Text(text) => text.len(),
            };
            text_bytes = text_bytes.checked_add(bytes)?;
        }
        (digits > 0 && u32::try_from(text_bytes).is_ok()).then_some(Self {
            pieces,
            digits,
            text_bytes,
        })
    }

    /// The pieces.
    #[must_use]
    pub fn pieces(&self) -> &[PatternPiece] {
        &self.pieces
    }

    /// The number of digits of an entry.
    #[must_use]
    pub const fn digits(&self) -> usize {
        self.digits
    }

    /// The length of an entry.
    #[must_use]
    pub const fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    /// The bytes that an entry takes in the pool.
    #[must_use]
    pub const fn packed_bytes(&self) -> usize {
        self.digits.div_ceil(2)
    }

    fn read(body: &mut Bytes<'_>) -> Read<Self> {
        let mut pieces = Vec::new();
        for _ in 0..body.uint()? {
            let piece = body.length()?;
            pieces.push(match (piece >> 1, piece & 1) {
                (0, 1) => return Err(Malformed),
                (digits, 1) => PatternPiece::Digits(digits),
                (bytes, _) => PatternPiece::Text(body.take(bytes)?.to_vec()),
            });
        }
        Self::new(pieces).ok_or(Malformed)
    }
}

impl PoolClass {
    /// Appends the class with its parameters.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Plain => out.push(0),
            Self::Digits(pattern) => {
                out.push(1);
                put_uint(out, pattern.pieces.len() as u64);
                for piece in &pattern.pieces {
                    match piece {
                        PatternPiece::Digits(n) => put_uint(out, *n as u64 * 2 + 1),
                        PatternPiece::Text(text) => {
                            put_uint(out, text.len() as u64 * 2);
                            out.extend_from_slice(text);
                        }
                    }
                }
            }
        }
    }

    fn read(body: &mut Bytes<'_>) -> Read<Self> {
        match body.uint()? {
            0 => Ok(Self::Plain),
            1 => Ok(Self::Digits(Pattern::read(body)?)),
            _ => Err(Malformed),
        }
    }
}

/// The directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    pub(super) kinds: Vec<GroupKind>,
    pub(super) columns: Vec<GroupColumn>,
    /// The column of kinds, if there are several.
    pub(super) which: Option<GroupColumn>,
    /// The column of times; set once it was read.
    pub(super) times: Option<GroupColumn>,
    pub(super) pools: Vec<Pool>,
}

impl Directory {
    /// Reads the directory at the beginning of section 0 of a group of `records`. Columns and pools fill the
    /// sections exactly.
    pub(super) fn read(first: &[u8], sections: &[Section], records: u32) -> Read<Self> {
        let mut body = Bytes(first);
        // The place of the next column of each section. Those of section 0 follow the directory.
        let mut next: Vec<usize> = sections.iter().map(|section| section.plain.start).collect();
        let mut this = Self::default();
        this.read_kinds(&mut body, records, &mut next)?;
        if this.kinds.len() > 1 {
            this.which = Some(read_column(&mut body, &mut next)?);
        }
        this.times = Some(read_column(&mut body, &mut next)?);
        let pools = body.uint()?;
        if pools > MAX_POOLS as u64 {
            return Err(Malformed);
        }
        for _ in 0..pools {
            let class = PoolClass::read(&mut body)?;
            let count = u32::try_from(body.uint()?).map_err(|_| Malformed)?;
            let (section, bytes) = read_place(&mut body, &mut next)?;
            this.pools.push(Pool { class, count, section, bytes });
        }
        let bytes = first.len() - body.0.len();
        if let Some(first) = next.first_mut() {
            *first = first.checked_add(bytes).ok_or(Malformed)?;
        }
        let are_full = next.iter().zip(sections).all(|(next, section)| *next == section.plain.end);
        this.shift(bytes);
        if are_full { Ok(this) } else { Err(Malformed) }
    }

    fn read_kinds(&mut self, body: &mut Bytes<'_>, records: u32, next: &mut [usize]) -> Read<()> {
        let kinds = body.uint()?;
        if kinds == 0 || kinds > MAX_KINDS as u64 {
            return Err(Malformed);
        }
        let mut left = records;
        for _ in 0..kinds {
            let tag = body.uint()?;
            let is_unix = tag & 1 == 1;
            let tag = u32::try_from(tag >> 1).ok().filter(|tag| *tag > 0).ok_or(Malformed)?;
            let count = u32::try_from(body.uint()?).ok().filter(|count| *count > 0);
            let count = count.ok_or(Malformed)?;
            left = left.checked_sub(count).ok_or(Malformed)?;
            let of_kind = body.length()?;
            let start = self.columns.len();
            if of_kind > MAX_COLUMNS - start {
                return Err(Malformed);
            }
            for _ in 0..of_kind {
                self.columns.push(read_column(body, next)?);
            }
            self.kinds.push(GroupKind { tag, is_unix, count, columns: start..start + of_kind });
        }
        if left == 0 { Ok(()) } else { Err(Malformed) }
    }

    /// Moves what is in section 0 to after the directory, which takes this many bytes.
    fn shift(&mut self, bytes: usize) {
        let columns = self.columns.iter_mut().chain(&mut self.which).chain(&mut self.times);
        let places = columns.map(|column| (column.section, &mut column.bytes));
        let pools = self.pools.iter_mut().map(|pool| (pool.section, &mut pool.bytes));
        for (_, place) in places.chain(pools).filter(|(section, _)| *section == 0) {
            *place = place.start.saturating_add(bytes)..place.end.saturating_add(bytes);
        }
    }
}

fn read_column(body: &mut Bytes<'_>, next: &mut [usize]) -> Read<GroupColumn> {
    let section = body.length()?;
    let layout = Layout::read(body, true)?;
    let (section, bytes) = take_place(section, body.length()?, next)?;
    Ok(GroupColumn { section, layout, bytes })
}

fn read_place(body: &mut Bytes<'_>, next: &mut [usize]) -> Read<(usize, Range<usize>)> {
    let section = body.length()?;
    take_place(section, body.length()?, next)
}

/// The next bytes of a section.
fn take_place(section: usize, bytes: usize, next: &mut [usize]) -> Read<(usize, Range<usize>)> {
    let next = next.get_mut(section).ok_or(Malformed)?;
    let start = *next;
    *next = start.checked_add(bytes).ok_or(Malformed)?;
    Ok((section, start..*next))
}
