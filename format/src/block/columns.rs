//! Columns: the times of all records together, and so each value of each call site.
//!
//! What hardly changes from record to record is next to its like, often as a difference, so that a
//! codec finds little that is new. `FORMAT.md` has the layout.

use super::plan::{Field, Raw, SitePlan};
use crate::value::{ValueError, put_int, put_uint};

pub(super) mod read;

/// How a column is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// Varints.
    Varints,
    /// Zigzags of the difference to the value before.
    Differences,
    /// Values of so many bytes: all first bytes, then all second ones.
    Planes(usize),
    /// The same, of zigzags of the difference to the value before; 4 or 8 bytes.
    DifferencePlanes(usize),
    /// The length of all lengths, the lengths, then the bytes; a row has the length as well.
    Texts,
    /// The same; a row has only the bytes.
    Pieces,
}

/// So many pairs of neighbours are looked at to choose between values and differences.
const SAMPLES: usize = 32;

/// The columns of a block that is being built.
#[derive(Debug)]
pub(super) struct Columns {
    /// Kinds of records, those of the block first: the others keep their buffers.
    kinds: Vec<Kind>,
    used: usize,
    /// Where a tag's kind was last, by the tag's lowest bits.
    lately: Box<[u8; LATELY]>,
    /// The kind of each record.
    which: Vec<u8>,
    /// How many columns the kinds have together.
    columns: usize,
    /// There are more kinds or columns than a block may have.
    are_too_many: bool,
    /// The zigzag of each record's time.
    times: Vec<u8>,
    records: usize,
    /// Of `assemble`: kept for their capacity.
    directory: Vec<u8>,
    data: Vec<u8>,
    words: Vec<u64>,
}

const LATELY: usize = 1024;

impl Default for Columns {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            used: 0,
            lately: Box::new([0; LATELY]),
            which: Vec::new(),
            columns: 0,
            are_too_many: false,
            times: Vec::new(),
            records: 0,
            directory: Vec::new(),
            data: Vec::new(),
            words: Vec::new(),
        }
    }
}

/// The records of one call site.
#[derive(Debug)]
struct Kind {
    plan: SitePlan,
    records: usize,
    /// The values of fixed length as they lie in the ring, record by record.
    fixed: Vec<u8>,
    /// Those of varying length, value by value.
    varying: Vec<Varying>,
}

#[derive(Debug, Default)]
struct Varying {
    lengths: Vec<u64>,
    bytes: Vec<u8>,
}

impl Kind {
    fn new(plan: &SitePlan) -> Self {
        let varying = plan.fields.iter().filter(|field| field.fixed_bytes().is_none());
        let varying = varying.map(|_| Varying::default()).collect();
        Self { plan: plan.clone(), records: 0, fixed: Vec::new(), varying }
    }

    fn clear(&mut self) {
        self.records = 0;
        self.fixed.clear();
        for varying in &mut self.varying {
            varying.lengths.clear();
            varying.bytes.clear();
        }
    }

    #[inline]
    fn take(&mut self, values: &[u8]) -> Result<(), ValueError> {
        self.records += 1;
        if let Some(bytes) = self.plan.fixed_bytes {
            if values.len() != bytes {
                let is_short = values.len() < bytes;
                return Err(if is_short { ValueError::End } else { ValueError::Trailing });
            }
            self.fixed.extend_from_slice(values);
            return Ok(());
        }
        let mut raw = Raw(values);
        let mut varying = self.varying.iter_mut();
        for field in &self.plan.fields {
            if let Some(bytes) = field.fixed_bytes() {
                self.fixed.extend_from_slice(raw.take(bytes)?);
                continue;
            }
            let column = varying.next().expect("there is one for each such field");
            let start = column.bytes.len();
            match field {
                Field::Value(ty) => raw.value(ty, &mut column.bytes)?,
                _ => column.bytes.extend_from_slice(raw.text()?),
            }
            column.lengths.push((column.bytes.len() - start) as u64);
        }
        if raw.0.is_empty() { Ok(()) } else { Err(ValueError::Trailing) }
    }

    /// What the records take in packed rows at the most, but for their times.
    fn row_bytes(&self) -> usize {
        let varying = self.varying.iter().map(|varying| varying.bytes.len()).sum::<usize>();
        self.records * self.plan.row_bytes + varying
    }
}

impl Columns {
    pub(super) fn clear(&mut self) {
        self.kinds[..self.used].iter_mut().for_each(Kind::clear);
        self.used = 0;
        self.which.clear();
        self.times.clear();
        self.records = 0;
        self.columns = 0;
        self.are_too_many = false;
    }

    /// Takes the values of a record in raw layout, and the difference of its time.
    ///
    /// After an error the columns are good for nothing but being cleared.
    #[inline]
    pub(super) fn take(
        &mut self,
        plan: &SitePlan,
        values: &[u8],
        difference: i64,
    ) -> Result<(), ValueError> {
        let at = self.kind_of(plan);
        if self.are_too_many {
            return Ok(());
        }
        self.kinds[at].take(values)?;
        self.which.push(at as u8);
        put_int(&mut self.times, difference);
        self.records += 1;
        Ok(())
    }

    #[inline]
    fn kind_of(&mut self, plan: &SitePlan) -> usize {
        let lately = plan.tag as usize % LATELY;
        let at = usize::from(self.lately[lately]);
        if at < self.used && self.kinds[at].plan.tag == plan.tag {
            return at;
        }
        let at = self.find(plan);
        self.lately[lately] = at as u8;
        at
    }

    #[cold]
    fn find(&mut self, plan: &SitePlan) -> usize {
        let of_block = &self.kinds[..self.used];
        if let Some(at) = of_block.iter().position(|kind| kind.plan.tag == plan.tag) {
            return at;
        }
        let at = self.used;
        self.columns += plan.fields.len();
        if at == MAX_KINDS || self.columns > MAX_COLUMNS {
            self.are_too_many = true;
            return 0;
        }
        self.used += 1;
        // Buffers that had its records before have the room for them.
        match self.kinds[at..].iter().position(|kind| kind.plan.tag == plan.tag) {
            Some(behind) => self.kinds.swap(at, at + behind),
            None => self.kinds.insert(at, Kind::new(plan)),
        }
        self.kinds.truncate(MAX_KINDS);
        at
    }

    /// Whether columns are worth their directory: that takes some bytes for each value of each
    /// call site.
    pub(super) fn are_worthwhile(&self) -> bool {
        !self.are_too_many
            && self.records >= MIN_RECORDS
            && self.records >= self.used * MIN_RECORDS_OF_A_KIND
    }

    /// What the records take in packed rows at the most.
    pub(super) fn row_bytes(&self) -> usize {
        let kinds = self.kinds[..self.used].iter();
        20 + self.times.len() + kinds.map(Kind::row_bytes).sum::<usize>()
    }

    /// Appends the body; the times are counted from these bases.
    pub(super) fn assemble(&mut self, bases: [i64; 2], out: &mut Vec<u8>) {
        let Self { kinds, used, which, times, directory, data, words, .. } = self;
        directory.clear();
        data.clear();
        for kind in &kinds[..*used] {
            let plan = &kind.plan;
            put_uint(directory, u64::from(plan.tag) << 1 | u64::from(plan.is_unix));
            put_uint(directory, plan.fields.len() as u64);
            let stride = plan.fields.iter().filter_map(Field::fixed_bytes).sum();
            let mut offset = 0;
            let mut varying = kind.varying.iter();
            for field in &plan.fields {
                let start = data.len();
                words.clear();
                let layout = if let Some(bytes) = field.fixed_bytes() {
                    let column = Fixed { rows: &kind.fixed, stride, offset };
                    offset += bytes;
                    column.put(field, words, data)
                } else {
                    let varying = varying.next().expect("there is one for each such field");
                    varying.put(data);
                    if matches!(field, Field::Text) { Layout::Texts } else { Layout::Pieces }
                };
                layout.put(directory);
                put_uint(directory, (data.len() - start) as u64);
            }
        }
        put_int(out, bases[0]);
        put_int(out, bases[1]);
        put_uint(out, *used as u64);
        out.extend_from_slice(directory);
        // With one kind of records there is nothing to tell apart.
        let which: &[u8] = if *used == 1 { &[] } else { which };
        put_uint(out, which.len() as u64);
        put_uint(out, times.len() as u64);
        out.extend_from_slice(which);
        out.extend_from_slice(times);
        out.extend_from_slice(data);
    }
}

/// Smaller blocks are rows.
const MIN_RECORDS: usize = 16;
const MIN_RECORDS_OF_A_KIND: usize = 4;

/// A block has no more kinds of records in columns, and those no more columns together.
const MAX_KINDS: usize = 256;
const MAX_COLUMNS: usize = 1 << 14;

impl Layout {
    fn put(self, out: &mut Vec<u8>) {
        let (number, width) = match self {
            Self::Varints => (0, None),
            Self::Differences => (1, None),
            Self::Planes(width) => (2, Some(width)),
            Self::DifferencePlanes(width) => (3, Some(width)),
            Self::Texts => (4, None),
            Self::Pieces => (5, None),
        };
        out.push(number);
        if let Some(width) = width {
            put_uint(out, width as u64);
        }
    }
}

impl Varying {
    fn put(&self, out: &mut Vec<u8>) {
        let bytes = self.lengths.iter().map(|length| varint_bytes(*length)).sum::<usize>();
        put_uint(out, bytes as u64);
        put_varints(self.lengths.iter().copied(), out);
        out.extend_from_slice(&self.bytes);
    }
}

/// One value of each of the rows.
struct Fixed<'a> {
    rows: &'a [u8],
    stride: usize,
    offset: usize,
}

impl Fixed<'_> {
    fn put(&self, field: &Field, words: &mut Vec<u64>, out: &mut Vec<u8>) -> Layout {
        match field {
            Field::Uint(2) => {
                words.extend(self.arrays().map(|of| u64::from(u16::from_le_bytes(of))))
            }
            Field::Uint(4) => {
                words.extend(self.arrays().map(|of| u64::from(u32::from_le_bytes(of))))
            }
            Field::Uint(_) | Field::Float(8) => words.extend(self.arrays().map(u64::from_le_bytes)),
            Field::Int(2) => {
                words.extend(self.arrays().map(|of| zigzag(i16::from_le_bytes(of).into())));
            }
            Field::Int(4) => {
                words.extend(self.arrays().map(|of| zigzag(i32::from_le_bytes(of).into())));
            }
            Field::Int(_) => words.extend(self.arrays().map(|of| zigzag(i64::from_le_bytes(of)))),
            Field::Float(_) => {
                words.extend(self.arrays().map(|of| u64::from(u32::from_le_bytes(of))));
            }
            Field::Bytes(width) => {
                for plane in 0..*width {
                    out.extend(
                        self.rows.chunks_exact(self.stride).map(|row| row[self.offset + plane]),
                    );
                }
                return Layout::Planes(*width);
            }
            Field::Text | Field::Value(_) => unreachable!("these are not of fixed length"),
        }
        let sample = Sample::of(words);
        if let Field::Float(width) = field {
            // The sign, the exponent and what is next to it do not cost much as they stand.
            let is_steady = sample.of_differences * 10 <= sample.pairs * *width as u32 * 65;
            if is_steady {
                differences(words, *width);
            }
            for plane in 0..*width {
                out.extend(words.iter().map(|word| (word >> (8 * plane)) as u8));
            }
            return if is_steady {
                Layout::DifferencePlanes(*width)
            } else {
                Layout::Planes(*width)
            };
        }
        if sample.of_differences < sample.of_values {
            differences(words, 8);
            put_varints(words.iter().copied(), out);
            Layout::Differences
        } else {
            put_varints(words.iter().copied(), out);
            Layout::Varints
        }
    }

    fn arrays<const N: usize>(&self) -> impl Iterator<Item = [u8; N]> {
        self.rows.chunks_exact(self.stride).map(|row| {
            *row[self.offset..].first_chunk().expect("a row has all fields of fixed length")
        })
    }
}

/// Puts the zigzag of its difference to the one before in place of each, of so many bytes.
fn differences(words: &mut [u64], width: usize) {
    let mut before = 0;
    let unused = 64 - 8 * width as u32;
    for word in words {
        let difference = word.wrapping_sub(before);
        before = *word;
        // Of four bytes: modulo 2³².
        *word = zigzag((difference << unused) as i64 >> unused);
    }
}

/// How many bits some values take, and their differences.
struct Sample {
    pairs: u32,
    of_values: u32,
    of_differences: u32,
}

impl Sample {
    fn of(words: &[u64]) -> Self {
        let bits = |word: u64| u64::BITS - word.leading_zeros();
        let mut sample = Self { pairs: 0, of_values: 0, of_differences: 0 };
        let step = (words.len() / SAMPLES).max(1);
        for pair in words.windows(2).step_by(step) {
            sample.pairs += 1;
            sample.of_values += bits(pair[1]);
            sample.of_differences += bits(zigzag(pair[1].wrapping_sub(pair[0]) as i64));
        }
        sample
    }
}

#[inline]
const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn varint_bytes(value: u64) -> usize {
    let bits = u64::BITS - (value | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Appends varints: through a small buffer, as most of them are a byte.
fn put_varints(values: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
    const FULL: usize = 256;
    let mut buffer = [0; FULL + 10];
    let mut at = 0;
    for mut value in values {
        while value >= 0x80 {
            buffer[at] = value as u8 | 0x80;
            value >>= 7;
            at += 1;
        }
        buffer[at] = value as u8;
        at += 1;
        if at >= FULL {
            out.extend_from_slice(&buffer[..at]);
            at = 0;
        }
    }
    out.extend_from_slice(&buffer[..at]);
}
