//! Columns: the times of all records together, and so each value of each call site.
//!
//! What hardly changes from record to record is next to its like, often as a difference, so that a
//! codec finds little that is new. `FORMAT.md` has the layout.

use super::plan::{Field, Raw, SitePlan};
use super::{BlockHeader, SIGN, Times};
use crate::value::{ValueError, put_int, put_uint};

pub(super) mod read;
pub(super) mod walk;

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
    /// The time of each record.
    times: Vec<u64>,
    /// Of `assemble`: kept for their capacity.
    head: Vec<u8>,
    zigzags: Vec<u8>,
    time_bytes: usize,
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
            head: Vec::new(),
            zigzags: Vec::new(),
            time_bytes: 0,
            words: Vec::new(),
        }
    }
}

/// The records of one call site.
#[derive(Debug)]
struct Kind {
    plan: SitePlan,
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
        Self { plan: plan.clone(), fixed: Vec::new(), varying }
    }

    fn clear(&mut self) {
        self.fixed.clear();
        for varying in &mut self.varying {
            varying.lengths.clear();
            varying.bytes.clear();
        }
    }

    #[inline]
    fn take(&mut self, values: &[u8]) -> Result<(), ValueError> {
        if let Some(bytes) = self.plan.fixed_bytes {
            if values.len() != bytes {
                let is_short = values.len() < bytes;
                return Err(if is_short { ValueError::End } else { ValueError::Trailing });
            }
            put_few(values, &mut self.fixed);
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
}

impl Columns {
    pub(super) fn clear(&mut self) {
        self.kinds[..self.used].iter_mut().for_each(Kind::clear);
        self.used = 0;
        self.which.clear();
        self.times.clear();
        self.columns = 0;
        self.are_too_many = false;
    }

    /// Takes the time of a record and its values in raw layout.
    ///
    /// After an error the columns are good for nothing but being cleared.
    #[inline]
    pub(super) fn take(
        &mut self,
        plan: &SitePlan,
        time: u64,
        values: &[u8],
    ) -> Result<(), ValueError> {
        let Some(at) = self.kind_of(plan) else { return Ok(()) };
        self.kinds[at].take(values)?;
        self.which.push(at as u8);
        self.times.push(time);
        Ok(())
    }

    #[inline]
    fn kind_of(&mut self, plan: &SitePlan) -> Option<usize> {
        let lately = plan.tag as usize % LATELY;
        let at = usize::from(self.lately[lately]);
        if self.kinds[..self.used].get(at).is_some_and(|kind| kind.plan.tag == plan.tag) {
            return Some(at);
        }
        let at = self.find(plan)?;
        self.lately[lately] = at as u8;
        Some(at)
    }

    #[cold]
    fn find(&mut self, plan: &SitePlan) -> Option<usize> {
        let of_block = &self.kinds[..self.used];
        if let Some(at) = of_block.iter().position(|kind| kind.plan.tag == plan.tag) {
            return Some(at);
        }
        let at = self.used;
        self.columns += plan.fields.len();
        if at == MAX_KINDS || self.columns > MAX_COLUMNS {
            self.are_too_many = true;
            return None;
        }
        self.used += 1;
        // Buffers that had its records before have the room for them.
        match self.kinds[at..].iter().position(|kind| kind.plan.tag == plan.tag) {
            Some(behind) => self.kinds.swap(at, at + behind),
            None => self.kinds.insert(at, Kind::new(plan)),
        }
        self.kinds.truncate(MAX_KINDS);
        Some(at)
    }

    /// Whether columns are worth their directory: that takes some bytes for each value of each
    /// call site.
    pub(super) fn are_worthwhile(&self) -> bool {
        !self.are_too_many
            && self.times.len() >= MIN_RECORDS
            && self.times.len() >= self.used * MIN_RECORDS_OF_A_KIND
    }

    /// What the records take in packed rows at the most.
    pub(super) fn row_bytes(&self) -> usize {
        let of_kinds = self.kinds[..self.used].iter().zip(0_u8..=u8::MAX).map(|(kind, at)| {
            let records = self.which.iter().filter(|which| **which == at).count();
            let varying = kind.varying.iter().map(|varying| varying.bytes.len());
            records * kind.plan.row_bytes + varying.sum::<usize>()
        });
        20 + self.time_bytes + of_kinds.sum::<usize>()
    }

    /// How many records there are.
    pub(super) fn count(&self) -> u32 {
        self.times.len() as u32
    }

    /// Makes the body, and says in the header what is to be said of the records. The body begins
    /// within `out`, where is returned.
    pub(super) fn assemble(&mut self, header: &mut BlockHeader, out: &mut Vec<u8>) -> usize {
        let bases = self.put_times(header);
        let Self { kinds, used, which, zigzags, head, words, columns, .. } = self;
        // With one kind of records there is nothing to tell apart.
        let which: &[u8] = if *used == 1 { &[] } else { which };
        // What stands first is known last: there is room for it.
        let room = 64 + 16 * *used + 16 * *columns;
        out.clear();
        out.resize(room, 0);
        out.extend_from_slice(which);
        out.extend_from_slice(zigzags);
        head.clear();
        put_int(head, bases[0]);
        put_int(head, bases[1]);
        put_uint(head, *used as u64);
        for kind in &kinds[..*used] {
            let plan = &kind.plan;
            put_uint(head, u64::from(plan.tag) << 1 | u64::from(plan.is_unix));
            put_uint(head, plan.fields.len() as u64);
            let stride = plan.fields.iter().filter_map(Field::fixed_bytes).sum();
            let mut offset = 0;
            let mut varying = kind.varying.iter();
            for field in &plan.fields {
                let start = out.len();
                let layout = if let Some(bytes) = field.fixed_bytes() {
                    let column = Fixed { rows: &kind.fixed, stride, offset };
                    offset += bytes;
                    column.put(field, words, out)
                } else {
                    let varying = varying.next().expect("there is one for each such field");
                    varying.put(zigzags, out);
                    if matches!(field, Field::Text) { Layout::Texts } else { Layout::Pieces }
                };
                layout.put(head);
                put_uint(head, (out.len() - start) as u64);
            }
        }
        put_uint(head, which.len() as u64);
        put_uint(head, self.time_bytes as u64);
        let start = room - head.len();
        out[start..room].copy_from_slice(head);
        start
    }

    /// Makes zigzags of the times; returns their bases.
    fn put_times(&mut self, header: &mut BlockHeader) -> [i64; 2] {
        let Self { kinds, used, which, times, zigzags, words, .. } = self;
        let kinds = &kinds[..*used];
        header.count = times.len() as u32;
        header.levels = kinds.iter().fold(0, |levels, kind| levels | kind.plan.level);
        if kinds.iter().any(|kind| kind.plan.is_loss()) {
            header.flags |= BlockHeader::HAS_LOSS;
        }
        let [mut counters, mut unix] = [Times::default(), Times::default()];
        words.clear();
        if kinds.iter().any(|kind| kind.plan.is_unix) {
            words.extend(times.iter().zip(which.iter()).map(|(&word, &which)| {
                let is_unix = kinds[usize::from(which)].plan.is_unix;
                zigzag(if is_unix { unix.note(word ^ SIGN) } else { counters.note(word) })
            }));
        } else {
            counters = Times::of(times);
            words.extend_from_slice(times);
            differences(words, 8);
            if let Some(first) = words.first_mut() {
                *first = 0;
            }
        }
        zigzags.clear();
        put_varints(words, zigzags);
        self.time_bytes = zigzags.len();
        header.note_times(&counters, &unix)
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
    fn put(&self, scratch: &mut Vec<u8>, out: &mut Vec<u8>) {
        scratch.clear();
        put_varints(&self.lengths, scratch);
        put_uint(out, scratch.len() as u64);
        out.extend_from_slice(scratch);
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
        words.clear();
        match field {
            Field::Uint(2) => self.read(words, |of| u16::from_le_bytes(of).into()),
            Field::Uint(4) | Field::Float(4) => {
                self.read(words, |of| u32::from_le_bytes(of).into())
            }
            Field::Uint(_) | Field::Float(_) => self.read(words, u64::from_le_bytes),
            Field::Int(2) => self.read(words, |of| zigzag(i16::from_le_bytes(of).into())),
            Field::Int(4) => self.read(words, |of| zigzag(i32::from_le_bytes(of).into())),
            Field::Int(_) => self.read(words, |of| zigzag(i64::from_le_bytes(of))),
            Field::Bytes(width) => {
                for plane in 0..*width {
                    let rows = self.rows.chunks_exact(self.stride);
                    out.extend(rows.map(|row| row[self.offset + plane]));
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
            let (steady, other) = (Layout::DifferencePlanes(*width), Layout::Planes(*width));
            return if is_steady { steady } else { other };
        }
        let is_steady = sample.of_differences < sample.of_values;
        if is_steady {
            differences(words, 8);
        }
        put_varints(words, out);
        if is_steady { Layout::Differences } else { Layout::Varints }
    }

    #[inline(always)]
    fn read<const N: usize>(&self, words: &mut Vec<u64>, of: impl Fn([u8; N]) -> u64) {
        words.extend(self.rows.chunks_exact(self.stride).map(|row| {
            let bytes = row[self.offset..].first_chunk();
            of(*bytes.expect("a row has all fields of fixed length"))
        }));
    }
}

/// Puts the zigzag of its difference to the one before in place of each, of so many bytes.
fn differences(words: &mut [u64], width: usize) {
    // Of four bytes: modulo 2^32.
    let unused = 64 - 8 * width as u32;
    let difference =
        |word: u64, before: u64| zigzag((word.wrapping_sub(before) << unused) as i64 >> unused);
    // From behind, so that none waits for the one before.
    for at in (1..words.len()).rev() {
        words[at] = difference(words[at], words[at - 1]);
    }
    if let Some(first) = words.first_mut() {
        *first = difference(*first, 0);
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
        for at in (1..words.len()).step_by((words.len() / SAMPLES).max(1)) {
            sample.pairs += 1;
            sample.of_values += bits(words[at]);
            sample.of_differences += bits(zigzag(words[at].wrapping_sub(words[at - 1]) as i64));
        }
        sample
    }
}

#[inline]
const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

/// Appends bytes: a few are copied without a call.
#[inline]
fn put_few(bytes: &[u8], out: &mut Vec<u8>) {
    match bytes.len() {
        0 => {}
        4 => copy::<4>(bytes, out),
        8 => copy::<8>(bytes, out),
        12 => copy::<12>(bytes, out),
        16 => copy::<16>(bytes, out),
        _ => out.extend_from_slice(bytes),
    }
}

#[inline]
fn copy<const N: usize>(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(bytes.first_chunk::<N>().expect("there are as many"));
}

/// Appends varints. Most are a byte: of eight together that is one test.
fn put_varints(words: &[u64], out: &mut Vec<u8>) {
    let mut eights = words.chunks_exact(8);
    for eight in &mut eights {
        let eight: &[u64; 8] = eight.try_into().expect("chunks of eight");
        if eight.iter().fold(0, |all, word| all | word) < 0x80 {
            out.extend_from_slice(&eight.map(|word| word as u8));
        } else {
            put_long(eight, out);
        }
    }
    put_long(eights.remainder(), out);
}

/// Appends up to eight varints, through a small buffer.
fn put_long(words: &[u64], out: &mut Vec<u8>) {
    let mut buffer = [0; 80];
    let mut at = 0;
    for &word in words {
        let mut word = word;
        while word >= 0x80 {
            buffer[at] = word as u8 | 0x80;
            word >>= 7;
            at += 1;
        }
        buffer[at] = word as u8;
        at += 1;
    }
    out.extend_from_slice(&buffer[..at]);
}
