//! Groups in the making: a reference writer that tries every layout, and no speed.
//!
//! It follows `FORMAT.md` alone, value by value, and shares no code with the writer of `stenolog-format`.

use std::collections::{BTreeMap, BTreeSet};

use stenolog_format::block::{BlockHeader, Codec};
use stenolog_format::dictionary::{CallSite, Level, Role, TimeSource};
use stenolog_format::types::Type;

use crate::dump::{compress, site};

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
                    1 => n.sqrt(),
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
        let mut dice = Dice(seed);
        let kinds: Vec<_> = (0..1 + dice.below(5))
            .map(|n| KindModel {
                tag: 16 + n as u32 * 70,
                is_unix: dice.below(4) == 0,
                cells: (0..dice.below(6)).map(|_| CellType::random(&mut dice)).collect(),
            })
            .collect();
        let styles: Vec<Vec<u64>> =
            kinds.iter().map(|kind| kind.cells.iter().map(|_| dice.below(60)).collect()).collect();
        let parts = 1 + if dice.below(4) == 0 { 0 } else { dice.below(6) };
        let mut time = 1_000_000;
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
        let mut this = Self { kinds, parts };
        this.drop_unused_kinds();
        this
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
        let mut dice = Dice(seed);
        let sections = (1 + dice.below(4)) as usize;
        let mut writer = GroupWriter {
            dice,
            pools: Pools::default(),
            directory: Vec::new(),
            sections: vec![Vec::new(); sections],
        };
        writer.fill(self);
        let GroupWriter { mut dice, mut directory, mut sections, .. } = writer;
        directory.append(&mut sections[0]);
        sections[0] = directory;
        let mut header = self.header();
        header.body_bytes = sections.iter().map(Vec::len).sum::<usize>() as u32;
        let mut out = header.encode().to_vec();
        self.put_parts(&header, &mut out);
        put_uint(&mut out, sections.len() as u64);
        let mut stored = Vec::new();
        for plain in &sections {
            let codec = [Codec::None, Codec::Lz4, Codec::Zstd][dice.below(3) as usize];
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

struct GroupWriter {
    dice: Dice,
    pools: Pools,
    directory: Vec<u8>,
    sections: Vec<Vec<u8>>,
}

/// Strings that columns refer to, by the pattern of their digits.
#[derive(Default)]
struct Pools(BTreeMap<Vec<(usize, Vec<u8>)>, Vec<Vec<u8>>>);

impl GroupWriter {
    fn fill(&mut self, model: &GroupModel) {
        let columns: Vec<Vec<Vec<Vec<u8>>>> = (0..model.kinds.len())
            .map(|at| {
                let all = model.parts.iter().flat_map(|part| &part.records);
                let of_kind: Vec<_> = all.filter(|(kind, ..)| *kind == at).collect();
                let cells = 0..model.kinds[at].cells.len();
                cells.map(|n| of_kind.iter().map(|record| record.2[n].clone()).collect()).collect()
            })
            .collect();
        // Which columns refer to pools, and to which strings.
        let mut pooled = BTreeSet::new();
        for (at, kind) in model.kinds.iter().enumerate() {
            for (n, cell) in kind.cells.iter().enumerate() {
                let may_be = !matches!(cell, CellType::Integer | CellType::Float);
                if may_be && self.dice.below(2) == 0 {
                    pooled.insert((at, n));
                    columns[at][n].iter().for_each(|value| self.pools.add(text_of(*cell, value)));
                }
            }
        }
        put_uint(&mut self.directory, model.kinds.len() as u64);
        for (at, kind) in model.kinds.iter().enumerate() {
            put_uint(&mut self.directory, u64::from(kind.tag) * 2 + u64::from(kind.is_unix));
            let all = model.parts.iter().flat_map(|part| &part.records);
            put_uint(&mut self.directory, all.filter(|(kind, ..)| *kind == at).count() as u64);
            put_uint(&mut self.directory, kind.cells.len() as u64);
            for (n, cell) in kind.cells.iter().enumerate() {
                self.column(*cell, &columns[at][n], pooled.contains(&(at, n)));
            }
        }
        let records = || model.parts.iter().flat_map(|part| &part.records);
        if model.kinds.len() > 1 {
            let which: Vec<u64> = records().map(|(kind, ..)| *kind as u64).collect();
            self.integer_column(&which);
        }
        self.integer_column(&times(model));
        self.put_pools();
    }

    fn column(&mut self, cell: CellType, values: &[Vec<u8>], is_pooled: bool) {
        let is_constant = values.windows(2).all(|two| two[0] == two[1]);
        if is_constant && self.dice.below(2) == 0 {
            return self.entry(&[8], &values[0]);
        }
        if is_pooled {
            let indices: Vec<u64> =
                values.iter().map(|value| self.pools.index(text_of(cell, value))).collect();
            let (layout, data) = self.integers(&indices);
            let number = if cell == CellType::Text { 9 } else { 10 };
            return self.entry(&[&[number], &layout[..]].concat(), &data);
        }
        match cell {
            CellType::Integer => {
                let integers: Vec<u64> = values.iter().map(|value| read_uint(value)).collect();
                self.integer_column(&integers);
            }
            CellType::Bytes(width) => self.planes(width, values),
            CellType::Float => match decimals(values) {
                Some((digits, integers)) if self.dice.below(3) > 0 => {
                    let (layout, data) = self.integers(&integers);
                    self.entry(&[&[11, digits], &layout[..]].concat(), &data);
                }
                _ => self.planes(8, values),
            },
            CellType::Text | CellType::Piece => {
                let texts: Vec<&[u8]> = values.iter().map(|value| text_of(cell, value)).collect();
                let number = if cell == CellType::Text { 4 } else { 5 };
                self.entry(&[number], &texts_content(&texts));
            }
        }
    }

    /// Values of fixed width, as they are or as differences.
    fn planes(&mut self, width: usize, values: &[Vec<u8>]) {
        let has_differences = matches!(width, 4 | 8) && self.dice.below(2) == 0;
        let mut before = 0_u64;
        let rows: Vec<Vec<u8>> = values
            .iter()
            .map(|value| {
                if !has_differences {
                    return value.clone();
                }
                let mut word = [0; 8];
                word[..width].copy_from_slice(value);
                let word = u64::from_le_bytes(word);
                let mut difference = word.wrapping_sub(std::mem::replace(&mut before, word));
                if width == 4 {
                    // As integers of four bytes.
                    difference = difference as u32 as i32 as i64 as u64;
                }
                zigzag(difference).to_le_bytes()[..width].to_vec()
            })
            .collect();
        let content = planes_content(width, &rows);
        self.entry(&[if has_differences { 3 } else { 2 }, width as u8], &content);
    }

    fn integer_column(&mut self, integers: &[u64]) {
        let (layout, data) = self.integers(integers);
        self.entry(&layout, &data);
    }

    /// A layout of integers that fits, and its content.
    fn integers(&mut self, integers: &[u64]) -> (Vec<u8>, Vec<u8>) {
        let mut before = 0_u64;
        let difference = |n: &u64| zigzag(n.wrapping_sub(std::mem::replace(&mut before, *n)));
        let differences: Vec<u64> = integers.iter().map(difference).collect();
        let is_constant = integers.windows(2).all(|two| two[0] == two[1]);
        let planes = |words: &[u64], more: u64| {
            let most = words.iter().max().copied().unwrap_or(0);
            let least = (1..8).find(|n| most >> (8 * n) == 0).unwrap_or(8);
            let width = (least + more).min(8) as usize;
            let rows: Vec<_> =
                words.iter().map(|word| word.to_le_bytes()[..width].to_vec()).collect();
            (width as u8, planes_content(width, &rows))
        };
        let more = self.dice.below(2);
        match self.dice.below(5) {
            0 if is_constant => (vec![8], uint(integers[0])),
            0 | 1 => (vec![0], integers.iter().flat_map(|n| uint(*n)).collect()),
            2 => (vec![1], differences.iter().flat_map(|n| uint(*n)).collect()),
            3 => {
                let (width, content) = planes(integers, more);
                (vec![6, width], content)
            }
            _ => {
                let (width, content) = planes(&differences, more);
                (vec![7, width], content)
            }
        }
    }

    /// Appends a column to a section, and its entry to the directory.
    fn entry(&mut self, layout: &[u8], content: &[u8]) {
        let section = self.dice.below(self.sections.len() as u64);
        put_uint(&mut self.directory, section);
        self.directory.extend_from_slice(layout);
        put_uint(&mut self.directory, content.len() as u64);
        self.sections[section as usize].extend_from_slice(content);
    }

    fn put_pools(&mut self) {
        let pools = std::mem::take(&mut self.pools.0);
        put_uint(&mut self.directory, pools.len() as u64);
        for (pattern, entries) in pools {
            let content = if pattern.is_empty() {
                self.directory.push(0);
                texts_content(&entries.iter().map(Vec::as_slice).collect::<Vec<_>>())
            } else {
                self.directory.push(1);
                let pieces = pattern.iter().flat_map(|(digits, text)| {
                    let text = (!text.is_empty())
                        .then(|| [uint(text.len() as u64 * 2), text.clone()].concat());
                    [text, (*digits > 0).then(|| uint(*digits as u64 * 2 + 1))]
                });
                let pieces: Vec<Vec<u8>> = pieces.flatten().collect();
                put_uint(&mut self.directory, pieces.len() as u64);
                self.directory.extend(pieces.concat());
                entries.iter().flat_map(|entry| digits_of(&pattern, entry)).collect()
            };
            put_uint(&mut self.directory, entries.len() as u64);
            let section = self.dice.below(self.sections.len() as u64);
            put_uint(&mut self.directory, section);
            put_uint(&mut self.directory, content.len() as u64);
            self.sections[section as usize].extend(content);
        }
    }
}

impl Pools {
    /// The pattern of a string: literal text and the digits after it, again and again. Empty without digits.
    fn pattern(text: &[u8]) -> Vec<(usize, Vec<u8>)> {
        let is_digit = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        if text.iter().filter(|byte| is_digit(byte)).count() < 7 || text.len() > 40 {
            return Vec::new();
        }
        let mut pattern = vec![(0, Vec::new())];
        for byte in text {
            match pattern.last_mut() {
                Some((digits, _)) if is_digit(byte) => *digits += 1,
                Some((0, literal)) => literal.push(*byte),
                _ => pattern.push((0, vec![*byte])),
            }
        }
        pattern
    }

    fn add(&mut self, text: &[u8]) {
        let entries = self.0.entry(Self::pattern(text)).or_default();
        if !entries.iter().any(|entry| entry == text) {
            entries.push(text.to_vec());
        }
    }

    fn index(&self, text: &[u8]) -> u64 {
        let all = self.0.values().flatten();
        all.take_while(|entry| entry.as_slice() != text).count() as u64
    }
}

/// The hexadecimal digits of an entry, two in a byte.
fn digits_of(pattern: &[(usize, Vec<u8>)], entry: &[u8]) -> Vec<u8> {
    let mut digits = Vec::new();
    let mut at = 0;
    for (count, literal) in pattern {
        at += literal.len();
        digits.extend(&entry[at..at + count]);
        at += count;
    }
    let value = |digit: &u8| char::from(*digit).to_digit(16).unwrap_or(0) as u8;
    digits.chunks(2).map(|two| value(&two[0]) << 4 | two.get(1).map_or(0, value)).collect()
}

/// A value without the length that a row has before it.
fn text_of(cell: CellType, value: &[u8]) -> &[u8] {
    let is_length = |byte: &u8| *byte < 0x80;
    match cell {
        CellType::Text => &value[1 + value.iter().position(is_length).unwrap_or(0)..],
        _ => value,
    }
}

fn texts_content(texts: &[&[u8]]) -> Vec<u8> {
    let lengths: Vec<u8> = texts.iter().flat_map(|text| uint(text.len() as u64)).collect();
    [uint(lengths.len() as u64), lengths, texts.concat()].concat()
}

fn planes_content(width: usize, rows: &[Vec<u8>]) -> Vec<u8> {
    (0..width).flat_map(|plane| rows.iter().map(move |row| row[plane])).collect()
}

/// The integers whose zigzags, by a power of ten, are all the values.
fn decimals(values: &[Vec<u8>]) -> Option<(u8, Vec<u64>)> {
    let digits = 3;
    let integer = |value: &Vec<u8>| {
        let value = f64::from_le_bytes(*value.first_chunk()?);
        let n = (value * 1000.0).round();
        let is_exact = (n / 1000.0).to_bits() == value.to_bits() && n.abs() < 9e15;
        is_exact.then_some(zigzag(n as i64 as u64))
    };
    values.iter().map(integer).collect::<Option<_>>().map(|integers| (digits, integers))
}

fn times(model: &GroupModel) -> Vec<u64> {
    let mut out = Vec::new();
    for part in &model.parts {
        let header = model.part_header(part);
        let mut before = [header.counter_first, header.unix_first as u64];
        for (kind, time, _) in &part.records {
            let before = &mut before[usize::from(model.kinds[*kind].is_unix)];
            out.push(zigzag(time.wrapping_sub(std::mem::replace(before, *time))));
        }
    }
    out
}

#[cfg(test)]
mod tests;
