//! Columns, pools and sections of a group, with layouts that dice choose.

use std::collections::{BTreeMap, BTreeSet};

use super::{CellType, Dice, GroupModel, put_uint, read_uint, uint, zigzag};

/// The directory and the sections of a group in the making.
pub(super) struct GroupWriter {
    dice: Dice,
    pools: Pools,
    directory: Vec<u8>,
    sections: Vec<Vec<u8>>,
}

/// Strings that columns refer to, by the pattern of their digits.
#[derive(Default)]
struct Pools(BTreeMap<Places, Vec<Vec<u8>>>);

/// The digits of a pattern: how many follow which literal text.
type Places = Vec<(usize, Vec<u8>)>;

impl GroupWriter {
    /// The plain sections of a group. `dice` decides on layouts.
    pub(super) fn sections(model: &GroupModel, dice: &mut Dice) -> Vec<Vec<u8>> {
        let sections = vec![Vec::new(); (1 + dice.below(4)) as usize];
        let own = Dice(dice.below(u64::MAX));
        let mut this = Self { dice: own, pools: Pools::default(), directory: Vec::new(), sections };
        this.fill(model);
        let Self { mut directory, mut sections, .. } = this;
        directory.append(&mut sections[0]);
        sections[0] = directory;
        sections
    }

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
    fn pattern(text: &[u8]) -> Places {
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
