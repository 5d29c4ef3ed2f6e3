//! Groups in the making: a reference writer that tries every layout, and no speed.
//!
//! It follows `FORMAT.md` alone, value by value, and shares no code with the writer of `stenolog-format`.

mod writer;

use std::collections::{BTreeMap, BTreeSet};

use stenolog_format::block::{BlockHeader, Codec};
use stenolog_format::dictionary::{CallSite, Level, Role, TimeSource};
use stenolog_format::types::Type;

use crate::dump::{compress, site};
use writer::GroupWriter;

/// The records of a group, by parts.
#[derive(Clone, Debug)]
pub struct GroupModel {
    /// The kinds of records.
    pub kinds: Vec<KindModel>,
    /// The parts.
    pub parts: Vec<PartModel>,
}

/// A kind of records.
#[derive(Clone, Debug)]
pub struct KindModel {
    /// The tag.
    pub tag: u32,
    /// Whether their times are unix times.
    pub is_unix: bool,
    /// The values that each record has.
    pub cells: Vec<CellType>,
}

/// The records of a ring.
#[derive(Clone, Debug)]
pub struct PartModel {
    /// The ring.
    pub ring: u32,
    /// The position of the part in the ring, and of its end.
    pub positions: (u64, u64),
    /// The number of the first record.
    pub first_record: u64,
    /// The records: the index of the kind, the time, and the values in the form that they have in a row.
    pub records: Vec<(usize, u64, Vec<Vec<u8>>)>,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellType {
    /// A `u64`.
    Integer,
    /// An array of this many bytes.
    Bytes(usize),
    /// An `f64`.
    Float,
    /// A string.
    Text,
    /// An optional `u32`.
    Piece,
}

/// A sequence of numbers that look random.
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// The next number below `sides`.
    pub const fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % sides
    }
}

fn put_uint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn uint(value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    put_uint(&mut out, value);
    out
}

fn read_uint(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |value, byte| value << 7 | u64::from(byte & 0x7f))
}

const fn zigzag(difference: u64) -> u64 {
    (difference << 1) ^ ((difference as i64 >> 63) as u64)
}

impl CellType {
    fn random(dice: &mut Dice) -> Self {
        match dice.below(6) {
            0 | 1 => Self::Integer,
            2 => Self::Bytes([1, 4, 8, 16][dice.below(4) as usize]),
            3 => Self::Float,
            4 => Self::Text,
            _ => Self::Piece,
        }
    }

    /// A value in the form that it has in a row. The same `style` gives similar values.
    fn value(self, style: u64, dice: &mut Dice) -> Vec<u8> {
        match self {
            Self::Integer => uint(match style % 4 {
                0 => dice.below(3),
                1 => 1 << 40 | dice.below(1000),
                2 => dice.below(u64::MAX),
                _ => 77,
            }),
            Self::Bytes(width) => (0..width).map(|_| dice.below(1 + style % 3) as u8).collect(),
            Self::Float => {
                let n = dice.below(100_000) as f64 - 50_000.0;
                let value = match style % 3 {
                    0 => n / 1000.0,
                    1 => n.abs().sqrt(),
                    _ => 1.5,
                };
                value.to_le_bytes().to_vec()
            }
            Self::Text => {
                let n = dice.below(1 + style % 40);
                let text = match style % 5 {
                    0 => format!("{:032x}", u128::from(n) << 70 | 0xabc),
                    1 => format!("ord-{n:07x}/x"),
                    2 => format!("text {n} of {}", "x".repeat(n as usize)),
                    3 => String::new(),
                    _ => format!("{:04x}-{:04x}", n, n + 1),
                };
                [uint(text.len() as u64), text.into_bytes()].concat()
            }
            Self::Piece => match dice.below(2 + style % 3) {
                0 => vec![0],
                n => [vec![1], uint(n * 1000)].concat(),
            },
        }
    }

    fn ty(self) -> Type {
        match self {
            Self::Integer => Type::U64,
            Self::Bytes(width) => Type::Array(Box::new(Type::U8), width as u32),
            Self::Float => Type::F64,
            Self::Text => Type::Str,
            Self::Piece => Type::Option(Box::new(Type::U32)),
        }
    }
}

impl KindModel {
    /// Kinds that the seed determines.
    #[must_use]
    pub fn random(seed: u64) -> Vec<Self> {
        let mut dice = Dice(!seed);
        let kinds = (0..1 + dice.below(5)).map(|n| Self {
            tag: 16 + n as u32 * 70,
            is_unix: dice.below(4) == 0,
            cells: (0..dice.below(6)).map(|_| CellType::random(&mut dice)).collect(),
        });
        kinds.collect()
    }

    /// The call site whose records are of this kind.
    #[must_use]
    pub fn call_site(&self) -> CallSite {
        let slots: Vec<_> = self.cells.iter().map(|cell| ("v", Role::Field, cell.ty())).collect();
        let mut site = site(self.tag, Level::Info, "app", Some("group"), &slots);
        for (n, slot) in site.slots.iter_mut().enumerate() {
            slot.name = format!("v{n}");
        }
        site.time = if self.is_unix { TimeSource::UnixNanos } else { TimeSource::Counter };
        site
    }
}

impl GroupModel {
    /// A group that the seed determines.
    #[must_use]
    pub fn random(seed: u64) -> Self {
        let kinds = KindModel::random(seed);
        Self::of_kinds(&kinds, seed)
    }

    /// A group of some of these kinds that the seed determines.
    #[must_use]
    pub fn of_kinds(kinds: &[KindModel], seed: u64) -> Self {
        let mut dice = Dice(seed);
        let styles: Vec<Vec<u64>> =
            kinds.iter().map(|kind| kind.cells.iter().map(|_| dice.below(60)).collect()).collect();
        let parts = 1 + if dice.below(4) == 0 { 0 } else { dice.below(6) };
        let mut time = 1_000_000 + seed % 1000 * 100_000;
        let parts = (0..parts).map(|n| {
            let mut records = Vec::new();
            for _ in 0..1 + dice.below(30) {
                let kind = dice.below(kinds.len() as u64) as usize;
                time += dice.below(5000);
                let of = kinds[kind].cells.iter().zip(&styles[kind]);
                let cells = of.map(|(cell, style)| cell.value(*style, &mut dice)).collect();
                // Clocks may go back.
                records.push((kind, time - dice.below(9000), cells));
            }
            let position = dice.below(1 << 40);
            let positions = (position, position + 64 * records.len() as u64);
            let first_record = dice.below(1000);
            PartModel { ring: 3 + n as u32 * 200, positions, first_record, records }
        });
        let parts: Vec<_> = parts.collect();
        let mut this = Self { kinds: kinds.to_vec(), parts };
        this.drop_unused_kinds();
        this
    }

    /// Has each part begin where its ring has ended before, by position and number.
    pub fn follow(&mut self, ends: &mut BTreeMap<u32, (u64, u64)>) {
        for part in &mut self.parts {
            let (position, number) = ends.entry(part.ring).or_default();
            part.positions = (*position, *position + 64 * part.records.len() as u64);
            part.first_record = *number;
            (*position, *number) = (part.positions.1, *number + part.records.len() as u64);
        }
    }

    /// Each kind of a group has records.
    fn drop_unused_kinds(&mut self) {
        let records = self.parts.iter().flat_map(|part| &part.records);
        let used: BTreeSet<usize> = records.map(|(kind, ..)| *kind).collect();
        let place: BTreeMap<usize, usize> = used.iter().copied().zip(0..).collect();
        for (kind, ..) in self.parts.iter_mut().flat_map(|part| &mut part.records) {
            *kind = place[kind];
        }
        let kept = self.kinds.iter().enumerate().filter(|(at, _)| used.contains(at));
        self.kinds = kept.map(|(_, kind)| kind.clone()).collect();
    }

    /// The records of a part as packed rows, with the smallest times as bases.
    #[must_use]
    pub fn rows(&self, part: &PartModel) -> Vec<u8> {
        let header = self.part_header(part);
        let mut before = [header.counter_first, header.unix_first as u64];
        let mut out = vec![0, 0];
        for (kind, time, cells) in &part.records {
            let KindModel { tag, is_unix, .. } = self.kinds[*kind];
            put_uint(&mut out, tag.into());
            let values = cells.concat();
            put_uint(&mut out, values.len() as u64 * 2 + u64::from(is_unix));
            let before = &mut before[usize::from(is_unix)];
            put_uint(&mut out, zigzag(time.wrapping_sub(std::mem::replace(before, *time))));
            out.extend(values);
        }
        out
    }

    /// The header that a block with the records of a part would have.
    #[must_use]
    pub fn part_header(&self, part: &PartModel) -> BlockHeader {
        let times = |unix: bool| {
            let of_kind = |(kind, time, _): &(usize, u64, Vec<Vec<u8>>)| {
                (self.kinds[*kind].is_unix == unix).then_some(*time)
            };
            let times: Vec<u64> = part.records.iter().filter_map(of_kind).collect();
            (times.iter().min().copied(), times.iter().max().copied().unwrap_or(0))
        };
        let (counters, unix) = (times(false), times(true));
        BlockHeader {
            ring: part.ring,
            encoding: 3,
            codec: 0,
            levels: Level::Info.bit(),
            flags: u8::from(counters.0.is_some()) + 2 * u8::from(unix.0.is_some()),
            position: part.positions.0,
            end_position: part.positions.1,
            first_record: part.first_record,
            count: part.records.len() as u32,
            body_bytes: 0,
            counter_first: counters.0.unwrap_or(0),
            counter_last: counters.1,
            unix_first: unix.0.unwrap_or(0) as i64,
            unix_last: unix.1 as i64,
        }
    }

    /// The header of the group, without the length of its body.
    #[must_use]
    pub fn header(&self) -> BlockHeader {
        let parts: Vec<_> = self.parts.iter().map(|part| self.part_header(part)).collect();
        let [first, rest @ ..] = &parts[..] else { panic!("a group has a part") };
        let mut sum = *first;
        if rest.is_empty() {
            return sum;
        }
        let with = |flag| parts.iter().filter(move |part| part.flags & flag != 0);
        sum.ring = u32::MAX - 1;
        (sum.position, sum.end_position, sum.first_record) = (0, 0, 0);
        sum.count = parts.iter().map(|part| part.count).sum();
        sum.flags = parts.iter().fold(0, |flags, part| flags | part.flags);
        sum.counter_first = with(1).map(|part| part.counter_first).min().unwrap_or(0);
        sum.counter_last = with(1).map(|part| part.counter_last).max().unwrap_or(0);
        sum.unix_first = with(2).map(|part| part.unix_first).min().unwrap_or(0);
        sum.unix_last = with(2).map(|part| part.unix_last).max().unwrap_or(0);
        sum
    }

    /// The payload of the group's frame. The seed determines the layouts, the sections and how they are
    /// compressed.
    #[must_use]
    pub fn payload(&self, seed: u64) -> Vec<u8> {
        self.payload_with(seed, &[Codec::None, Codec::Lz4, Codec::Zstd])
    }

    /// The same with some codecs only.
    #[must_use]
    pub fn payload_with(&self, seed: u64, codecs: &[Codec]) -> Vec<u8> {
        let mut dice = Dice(seed);
        let sections = GroupWriter::sections(self, &mut dice);
        let mut header = self.header();
        header.body_bytes = sections.iter().map(Vec::len).sum::<usize>() as u32;
        let mut out = header.encode().to_vec();
        self.put_parts(&header, &mut out);
        put_uint(&mut out, sections.len() as u64);
        let mut stored = Vec::new();
        for plain in &sections {
            let codec = codecs[dice.below(codecs.len() as u64) as usize];
            let body = compress(plain, codec);
            out.push(codec.number());
            put_uint(&mut out, plain.len() as u64);
            put_uint(&mut out, body.len() as u64);
            stored.extend(body);
        }
        out.extend(stored);
        out
    }

    fn put_parts(&self, header: &BlockHeader, out: &mut Vec<u8>) {
        put_uint(out, self.parts.len() as u64);
        for part in self.parts.iter().filter(|_| self.parts.len() > 1) {
            let of = self.part_header(part);
            put_uint(out, of.ring.into());
            put_uint(out, of.position);
            put_uint(out, of.end_position - of.position);
            put_uint(out, of.first_record);
            put_uint(out, of.count.into());
            out.extend([of.levels, of.flags]);
            if of.flags & 1 != 0 {
                put_uint(out, of.counter_first - header.counter_first);
                put_uint(out, of.counter_last - of.counter_first);
            }
            if of.flags & 2 != 0 {
                put_uint(out, (of.unix_first - header.unix_first) as u64);
                put_uint(out, (of.unix_last - of.unix_first) as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests;
