//! Words of all records of a group, for readers of its parts.
//!
//! ```text
//!   kind 0   word 0 of all its records, word 1 of all …      records   time, kind, place
//!   kind 1   places of packed values                            part 0 ▭▭▭▭ ▭▭▭ part 1 …
//! ```

use std::ops::Range;

use super::integers::read_integers;
use super::rows::{ValueCursor, decimal, power_of_ten};
use super::{GroupBody, GroupColumn, GroupKind};
use crate::block::columns::read::{Bytes, Column, Malformed, Read, unzigzag};
use crate::block::columns::walk::columns::{ColumnUse, SlotTypes, WordColumns};
use crate::block::columns::walk::read::{Words, are_of};
use crate::block::layout::Layout;
use crate::block::{BlockError, RecordTime, Wish};
use crate::value::{Cursor, Encoding, MAX_LENGTH, mark_texts, read_leaves, skip};

/// How much memory the words of a small group may take, however few bytes it has.
const SMALL_BYTES: usize = 1 << 20;

/// The records of a group, with words of the values of those that are wanted.
///
/// Places of texts are in [`GroupBody::bytes`]; places of packed values, and those with
/// [`IN_RESTORED`](crate::value::IN_RESTORED), are in [`restored`](Self::restored).
#[derive(Clone, Debug, Default)]
pub struct GroupWords {
    /// All words.
    pub words: Vec<u64>,
    /// Byte arrays that were put together, and packed values.
    pub restored: Vec<u8>,
    kinds: Vec<WordKind>,
    records: Vec<GroupRecord>,
    parts: Vec<Range<usize>>,
    /// How many bytes of rows the values take that are in the group once and in rows several times.
    row_bytes: usize,
}

/// A kind of records in [`GroupWords`].
#[derive(Clone, Copy, Debug)]
pub struct WordKind {
    /// The call site's id, or [`CallSite::LOSS_ID`](crate::dictionary::CallSite::LOSS_ID).
    pub tag: u32,
    /// Whether their times are unix times.
    pub is_unix: bool,
    /// What the words are.
    pub form: WordForm,
    /// Where the words of the kind begin.
    first: u32,
    /// The distance from each word of a record to the next: how many records the group has.
    pub stride: u32,
}

/// The form of the values of a kind in [`GroupWords`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WordForm {
    /// They are not wanted.
    Nothing,
    /// Words by the plan of the call site, as of [`ColumnValues::Words`](crate::block::ColumnValues::Words).
    Words,
    /// One word: the place of packed values.
    Packed,
}

/// A record of a group.
#[derive(Clone, Copy, Debug)]
pub struct GroupRecord {
    /// The counter or the unix time.
    time: u64,
    /// The index among the records of its kind.
    at: u32,
    kind: u16,
}

impl GroupRecord {
    /// The index of its kind.
    #[inline]
    #[must_use]
    pub const fn kind(&self) -> usize {
        self.kind as usize
    }
}

impl WordKind {
    /// When a record of the kind was logged.
    #[inline]
    #[must_use]
    pub const fn time(&self, record: &GroupRecord) -> RecordTime {
        if self.is_unix {
            RecordTime::UnixNanos(record.time as i64)
        } else {
            RecordTime::Counter(record.time)
        }
    }

    /// The place of the first word of a record of the kind.
    #[inline]
    #[must_use]
    pub const fn first(&self, record: &GroupRecord) -> u32 {
        self.first + record.at
    }
}

impl GroupWords {
    /// Reads the records of a group whose sections were [asked for](GroupBody::need_rows). `None` if their words
    /// took far more memory than their rows: read those.
    ///
    /// # Errors
    /// If the columns are malformed.
    pub fn read<'t>(
        body: &GroupBody,
        wish: impl FnMut(u32) -> Wish<'t>,
    ) -> Result<Option<Self>, BlockError> {
        Self::read_all(body, wish).map_err(|Malformed| BlockError::Columns)
    }

    /// The kinds.
    #[must_use]
    pub fn kinds(&self) -> &[WordKind] {
        &self.kinds
    }

    /// The records of a part.
    #[must_use]
    pub fn part(&self, part: usize) -> &[GroupRecord] {
        self.parts.get(part).and_then(|part| self.records.get(part.clone())).unwrap_or_default()
    }

    /// How many parts there are.
    #[must_use]
    pub const fn parts(&self) -> usize {
        self.parts.len()
    }

    fn read_all<'t>(body: &GroupBody, mut wish: impl FnMut(u32) -> Wish<'t>) -> Read<Option<Self>> {
        let wishes: Vec<Wish<'t>> = body.kinds().iter().map(|kind| wish(kind.tag)).collect();
        let words_of = |(kind, wish): (&GroupKind, &Wish<'_>)| {
            let words = match wish {
                Wish::Nothing => 0,
                Wish::Packed | Wish::Alone => 1,
                Wish::Words(plan) => plan.words().max(1),
            };
            words.saturating_mul(kind.count as usize)
        };
        let words: usize = body.kinds().iter().zip(&wishes).map(words_of).sum();
        let records: usize = body.kinds().iter().map(|kind| kind.count as usize).sum();
        let bytes = words.saturating_mul(8).saturating_add(records * size_of::<GroupRecord>());
        if bytes > body.most_rows().max(SMALL_BYTES) || u32::try_from(words).is_err() {
            return Ok(None);
        }
        let mut this = Self::default();
        this.words.reserve_exact(words);
        for (kind, wish) in body.kinds().iter().zip(&wishes) {
            let first = this.words.len() as u32;
            let form = this.read_kind(body, kind, wish)?;
            let GroupKind { tag, is_unix, count, .. } = *kind;
            this.kinds.push(WordKind { tag, is_unix, form, first, stride: count });
        }
        this.read_records(body, records)?;
        Ok(Some(this))
    }

    /// Reads the kinds and the times of all records.
    fn read_records(&mut self, body: &GroupBody, records: usize) -> Read<()> {
        let mut which = vec![0; records];
        if let Some(column) = body.which() {
            read_column(body, column, &mut which)?;
        }
        let mut times = vec![0; records];
        read_column(body, body.times(), &mut times)?;
        let mut left: Vec<u32> = body.kinds().iter().map(|kind| kind.count).collect();
        self.records.reserve_exact(records);
        let mut all = which.iter().zip(&times);
        for part in &body.head().parts {
            let start = self.records.len();
            let mut before = [part.counter_first, part.unix_first as u64];
            for (&kind, &difference) in all.by_ref().take(part.count as usize) {
                let at = usize::try_from(kind).map_err(|_| Malformed)?;
                let (of, left) = self.kinds.get(at).zip(left.get_mut(at)).ok_or(Malformed)?;
                let at = of.stride - *left;
                *left = left.checked_sub(1).ok_or(Malformed)?;
                let time = &mut before[usize::from(of.is_unix)];
                *time = time.wrapping_add(unzigzag(difference));
                // A group has at most 4096 kinds.
                self.records.push(GroupRecord { time: *time, at, kind: kind as u16 });
            }
            self.parts.push(start..self.records.len());
        }
        if left.iter().all(|left| *left == 0) { Ok(()) } else { Err(Malformed) }
    }

    /// Reads the values of a kind.
    fn read_kind(&mut self, body: &GroupBody, kind: &GroupKind, wish: &Wish<'_>) -> Read<WordForm> {
        let (words, restored, row_bytes) = (self.words.len(), self.restored.len(), self.row_bytes);
        match wish {
            Wish::Nothing => return Ok(WordForm::Nothing),
            Wish::Words(plan) => {
                self.words.resize(words + plan.words() * kind.count as usize, 0);
                if self.read_words(body, kind, WordColumns::new(plan), words)? {
                    return Ok(WordForm::Words);
                }
            }
            Wish::Packed | Wish::Alone => {}
        }
        self.words.truncate(words);
        self.restored.truncate(restored);
        self.row_bytes = row_bytes;
        self.read_packed(body, kind)?;
        Ok(WordForm::Packed)
    }

    /// Reads the values of a kind as they are in rows.
    fn read_packed(&mut self, body: &GroupBody, kind: &GroupKind) -> Read<()> {
        // The rows of all kinds together have a limit.
        let first = self.restored.len();
        let end = first + body.most_rows().saturating_sub(self.row_bytes);
        let columns = body.columns_of(kind).iter();
        let mut columns =
            columns.map(|column| ValueCursor::new(column, body)).collect::<Read<Vec<_>>>()?;
        for _ in 0..kind.count {
            let start = self.restored.len();
            for column in &mut columns {
                column.put(body, end, &mut self.restored)?;
            }
            if self.restored.len() > end {
                return Err(Malformed);
            }
            self.words.push(place(start, self.restored.len() - start));
        }
        self.row_bytes += self.restored.len() - first;
        if columns.iter().all(ValueCursor::is_read) { Ok(()) } else { Err(Malformed) }
    }

    /// Reads the values of a kind as words, from `first` on. `false` if they are not of the call site's types.
    fn read_words(
        &mut self,
        body: &GroupBody,
        kind: &GroupKind,
        mut of: WordColumns<'_>,
        first: usize,
    ) -> Read<bool> {
        let mut types = SlotTypes::default();
        let words = self.words.get_mut(first..).ok_or(Malformed)?;
        let count = kind.count as usize;
        let mut target = Words::new(body.bytes(), count, &mut self.restored);
        for column in body.columns_of(kind) {
            let data = body.plain(column.section, &column.bytes)?;
            let (used, layout) = match column.layout {
                Layout::Constant => match constant_use(data, &mut of, &mut types) {
                    Some(found) => found,
                    None => return Ok(false),
                },
                layout => match of.next(as_in_columns(layout), &mut types) {
                    Some(used) => (used, layout),
                    None => return Ok(false),
                },
            };
            let row_bytes = self.row_bytes;
            let mut filler = Filler { body, column, data, count, types: &types, row_bytes };
            if !filler.fill(used, layout, words, &mut target)? {
                return Ok(false);
            }
            self.row_bytes = filler.row_bytes;
        }
        Ok(of.is_complete())
    }
}

/// The layout outside of groups that holds the same values.
const fn as_in_columns(layout: Layout) -> Layout {
    match layout {
        Layout::IntegerPlanes(_) | Layout::IntegerDifferencePlanes(_) => Layout::Varints,
        Layout::PooledTexts(_) => Layout::Texts,
        Layout::PooledPieces(_) => Layout::Pieces,
        Layout::Decimals(..) => Layout::Planes(8),
        layout => layout,
    }
}

/// What the next column holds if it is a constant, and the layout that its one value would have otherwise.
fn constant_use(
    data: &[u8],
    of: &mut WordColumns<'_>,
    types: &mut SlotTypes,
) -> Option<(ColumnUse, Layout)> {
    let mut rest = Bytes(data);
    let has_varint = rest.uint();
    let is_varint = has_varint.is_ok() && rest.0.is_empty();
    let is_text = has_varint.is_ok_and(|length| length == rest.0.len() as u64);
    let layouts = [
        (Layout::Varints, is_varint),
        (Layout::Texts, is_text),
        (Layout::Planes(data.len()), !data.is_empty()),
        (Layout::Pieces, true),
    ];
    for (layout, _) in layouts.into_iter().filter(|(_, fits)| *fits) {
        let mut next = of.clone();
        let (leaves, pieces) = (types.leaves.len(), types.pieces.len());
        if let Some(used) = next.next(layout, types) {
            *of = next;
            return Some((used, layout));
        }
        types.leaves.truncate(leaves);
        types.pieces.truncate(pieces);
    }
    None
}

/// Reads a column into words.
struct Filler<'f> {
    body: &'f GroupBody,
    column: &'f GroupColumn,
    data: &'f [u8],
    count: usize,
    types: &'f SlotTypes,
    /// See [`GroupWords`].
    row_bytes: usize,
}

impl Filler<'_> {
    /// Reads the values, and returns whether all of them are valid. A constant has the layout that it would have
    /// otherwise.
    fn fill(
        &mut self,
        used: ColumnUse,
        layout: Layout,
        words: &mut [u64],
        target: &mut Words<'_>,
    ) -> Read<bool> {
        let is_constant = self.column.layout == Layout::Constant;
        match layout {
            Layout::Planes(width) if is_constant => {
                self.add_row_bytes(self.data.len().saturating_mul(self.count))?;
                let planes: Vec<u8> =
                    self.data.iter().flat_map(|byte| vec![*byte; self.count]).collect();
                let column = Column::new(Layout::Planes(width), &planes)?;
                let mut restored = std::mem::take(target.restored());
                let mut of_constant = Words::new(&planes, self.count, &mut restored);
                of_constant.go_on_with(target);
                let taken = of_constant.take(&mut column.place(&planes), used, self.types, words);
                target.go_on_with(&of_constant);
                *target.restored() = restored;
                taken
            }
            Layout::Texts | Layout::Pieces if is_constant => {
                let mut rest = Bytes(self.data);
                if layout == Layout::Texts {
                    rest.uint()?;
                }
                let at = self.column.bytes.end - rest.0.len();
                let mut place = place(at, rest.0.len());
                mark_texts(rest.0, std::slice::from_mut(&mut place), 1);
                self.places(used, |_| Ok(place), words)
            }
            Layout::PooledTexts(of) | Layout::PooledPieces(of) => {
                let mut indices = vec![0; self.count];
                read_integers(of, self.data, &mut indices)?;
                let entries = self.body.pool_entries().ok_or(Malformed)?;
                let entry = |at: usize| entries.word(indices[at]).ok_or(Malformed);
                self.places(used, entry, words)
            }
            Layout::Decimals(digits, of) => {
                let words = self.word(used, words)?;
                read_integers(of, self.data, words)?;
                let divisor = power_of_ten(digits);
                for word in words {
                    *word = decimal(*word, divisor).ok_or(Malformed)?.to_bits();
                }
                Ok(true)
            }
            Layout::Varints | Layout::IntegerPlanes(_) | Layout::IntegerDifferencePlanes(_) => {
                let of = self.column.layout.integers().ok_or(Malformed)?;
                let ColumnUse::Word(ty, _) = used else { return Ok(false) };
                let words = self.word(used, words)?;
                read_integers(of, self.data, words)?;
                Ok(are_of(ty, words))
            }
            layout => {
                let column = Column::new(layout, self.data)?;
                column.check(self.count)?;
                target.take(&mut column.place(self.body.bytes()), used, self.types, words)
            }
        }
    }

    /// Counts bytes of rows. Too many are noticed before they are read, or put together.
    fn add_row_bytes(&mut self, bytes: usize) -> Read<()> {
        self.row_bytes = self.row_bytes.saturating_add(bytes);
        if self.row_bytes > self.body.most_rows() { Err(Malformed) } else { Ok(()) }
    }

    /// The words of a column with one for each record.
    fn word<'w>(&self, used: ColumnUse, words: &'w mut [u64]) -> Read<&'w mut [u64]> {
        let (ColumnUse::Word(_, word) | ColumnUse::Piece { word, .. }) = used else {
            return Err(Malformed);
        };
        let start = word as usize * self.count;
        words.get_mut(start..start + self.count).ok_or(Malformed)
    }

    /// Reads values whose places are known, with marks for texts; returns whether all are valid.
    fn places(
        &mut self,
        used: ColumnUse,
        mut of: impl FnMut(usize) -> Read<u64>,
        words: &mut [u64],
    ) -> Read<bool> {
        let bytes = self.body.bytes();
        if let ColumnUse::Slot { word, leaves: (start, end) } = used {
            let leaves = self.types.leaves.get(start as usize..end as usize).ok_or(Malformed)?;
            let words = words.get_mut(word as usize * self.count..).ok_or(Malformed)?;
            for record in 0..self.count {
                let (at, length) = bytes_at(of(record)?);
                self.add_row_bytes(length)?;
                let packed = bytes.get(at..at + length).ok_or(Malformed)?;
                let mut cursor = Cursor::new(packed, Encoding::Packed);
                let read = read_leaves(leaves, &mut cursor, bytes, |word, value| {
                    if let Some(place) = words.get_mut(word * self.count + record) {
                        *place = value;
                    }
                });
                if read.is_err() || !cursor.is_empty() {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        let words = self.word(used, words)?;
        for (record, word) in words.iter_mut().enumerate() {
            *word = of(record)?;
            let (at, length) = bytes_at(*word);
            self.add_row_bytes(length)?;
            if let ColumnUse::Piece { ty, .. } = used {
                let ty = self.types.pieces.get(ty as usize).ok_or(Malformed)?;
                let packed = bytes.get(at..at + length).ok_or(Malformed)?;
                let mut cursor = Cursor::new(packed, Encoding::Packed);
                if skip(&mut cursor, ty).is_err() || !cursor.is_empty() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

const fn place(start: usize, length: usize) -> u64 {
    (start as u64) << 32 | length as u64
}

/// The offset and the length in a place.
const fn bytes_at(place: u64) -> (usize, usize) {
    ((place >> 32) as usize, (place & MAX_LENGTH) as usize)
}

fn read_column(body: &GroupBody, column: &GroupColumn, out: &mut [u64]) -> Read<()> {
    let layout = column.layout.integers().ok_or(Malformed)?;
    read_integers(layout, body.plain(column.section, &column.bytes)?, out)
}
