//! Assembly of a group's payload: layouts of columns, sections, directory.
//!
//! ```text
//!   columns ──▶ entries ──▶ sections ──▶ compressed one by one ──▶ │ parts │ table │ sections … │
//!               layout,     0: the directory, what is small
//!               length      1 …: a big column each, or what does not shrink
//! ```

use std::ops::Range;

use super::choose::{Scratch, put_floats, put_integers};
use super::gather::Columns;
use super::kind::{Column, Kind};
use super::pays::Pays;
use super::pools::{Pool, Pools};
use super::{Depth, SectionHint};
use crate::block::group::{GroupColumn, MAX_SECTIONS, Section as StoredSection};
use crate::block::layout::{Integers, Layout};
use crate::block::plan::Field;
use crate::block::{Codec, most_rows};
use crate::value::put_uint;

/// The layouts and sections of a group. Its buffers are reused.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// The columns of all kinds, then `kinds` and `times`, then those of pools.
    entries: Vec<Entry>,
    /// Columns that were encoded for this group. The others are stored as they were gathered.
    pub(super) arena: Vec<u8>,
    pools: Pools,
    scratch: Scratch,
    /// Columns in the order of their sections.
    order: Vec<u32>,
    sections: Vec<Section>,
    directory: Vec<u8>,
    plain: Vec<u8>,
    /// What compression made of sections.
    stored: Vec<u8>,
}

/// Appends a section, and returns how.
pub(super) type Compress<'c> = &'c mut dyn FnMut(&[u8], SectionHint, &mut Vec<u8>) -> Codec;

/// A column with its place.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) layout: Layout,
    pub(super) bytes: usize,
    pub(super) source: Source,
    section: u32,
    pays: Pays,
}

/// Where the bytes of a column are.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Arena(Range<usize>),
    Fixed { kind: usize, at: usize },
    Varying { kind: usize, at: usize },
    Times,
}

#[derive(Clone, Debug)]
struct Section {
    codec: Codec,
    plain: usize,
    /// Its bytes among `stored`; `None` if its columns are stored as they are.
    stored: Option<Range<usize>>,
    is_compressible: bool,
}

/// What may be done for a short group. Rows may not be longer than a multiple of the stored bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strictness {
    Free,
    /// No layout that stores a value once, and no codec without a bound.
    Bounded,
    /// No compression at all.
    Plain,
}

/// A fast group tries a column of this many bytes alone, if it is not known whether it shrinks.
const TRIED_BYTES: usize = 1 << 10;

/// A thorough group has a section for each column of this many bytes, so it can be read alone.
const OWN_BYTES: usize = 1 << 12;

impl Entry {
    pub(super) fn in_arena(layout: Layout, range: Range<usize>) -> Self {
        let bytes = range.len();
        Self {
            layout,
            bytes,
            source: Source::Arena(range),
            section: 0,
            pays: Pays::Yes { is_much: true },
        }
    }

    fn put(&self, out: &mut Vec<u8>) {
        GroupColumn::put(self.section as usize, self.layout, self.bytes, out);
    }
}

impl Assembly {
    /// Appends the table of sections and the sections. The columns are flushed. Returns how many bytes the
    /// sections have before compression.
    pub(super) fn put(
        &mut self,
        columns: &mut Columns,
        out: &mut Vec<u8>,
        compress: Compress<'_>,
    ) -> usize {
        for strictness in [Strictness::Free, Strictness::Bounded, Strictness::Plain] {
            if strictness != Strictness::Free {
                columns.kinds_mut().iter_mut().for_each(Kind::forbid_constant);
            }
            let row_bytes = self.enter(columns, strictness);
            self.assign(columns.depth(), strictness);
            self.put_directory(columns);
            self.compress(columns, strictness, compress);
            let stored: usize = self.sections.iter().map(Section::stored_bytes).sum();
            if row_bytes <= most_rows(stored) || strictness == Strictness::Plain {
                break;
            }
        }
        self.learn(columns);
        self.put_sections(columns, out);
        self.sections.iter().map(|section| section.plain).sum()
    }

    /// Decides on the layouts, and encodes what is not in its layout yet. Returns the most bytes that the
    /// records take in packed rows.
    fn enter(&mut self, columns: &Columns, strictness: Strictness) -> usize {
        self.entries.clear();
        self.arena.clear();
        self.pools.clear();
        let is_thorough = columns.depth() == Depth::Thorough;
        let may_repeat = strictness == Strictness::Free;
        let mut row_bytes = 0;
        for (at, kind) in columns.kinds().iter().enumerate() {
            row_bytes += kind.row_bytes();
            let (mut fixed, mut varying) = (0, 0);
            for column in kind.columns() {
                let entry = match column {
                    Column::Fixed(of) => {
                        fixed += 1;
                        let source = Source::Fixed { kind: at, at: fixed - 1 };
                        if is_thorough {
                            self.enter_words(of, source, may_repeat)
                        } else {
                            self.enter_fast(of, source)
                        }
                    }
                    Column::Texts(of) | Column::Pieces(of) => {
                        varying += 1;
                        let source = Source::Varying { kind: at, at: varying - 1 };
                        let is_text = matches!(column, Column::Texts(_));
                        let layout = if is_text { Layout::Texts } else { Layout::Pieces };
                        let bytes = of.stored_bytes();
                        Entry { layout, bytes, source, section: 0, pays: of.pays }
                    }
                };
                self.entries.push(entry);
            }
        }
        if is_thorough && may_repeat {
            self.pools.put(columns, &mut self.entries, &mut self.arena, &mut self.scratch);
        }
        row_bytes + self.enter_order(columns, may_repeat)
    }

    /// Enters a column of a fast group.
    fn enter_fast(&mut self, column: &super::fixed::Fixed, source: Source) -> Entry {
        match column.layout() {
            Some(layout) => {
                let bytes = column.parts().iter().map(Vec::len).sum();
                Entry { layout, bytes, source, section: 0, pays: column.pays }
            }
            None => {
                let start = self.arena.len();
                column.put_constant(&mut self.arena);
                Entry::in_arena(Layout::Constant, start..self.arena.len())
            }
        }
    }

    /// Enters a column of a thorough group.
    fn enter_words(
        &mut self,
        column: &super::fixed::Fixed,
        source: Source,
        may_repeat: bool,
    ) -> Entry {
        let Self { arena, scratch, .. } = self;
        let start = arena.len();
        let layout = match column.field() {
            Field::Bytes(width) => {
                let parts = column.parts();
                let is_constant = parts.iter().all(|part| part.iter().all(|byte| *byte == part[0]));
                if !is_constant || !may_repeat || *width == 0 {
                    let bytes = parts.iter().map(Vec::len).sum();
                    let layout = Layout::Planes(*width);
                    let pays = Pays::Yes { is_much: true };
                    return Entry { layout, bytes, source, section: 0, pays };
                }
                arena.extend(parts.iter().map(|part| part[0]));
                Layout::Constant
            }
            Field::Float(width) => put_floats(column.words(), *width, may_repeat, scratch, arena),
            _ => put_integers(column.words(), may_repeat, scratch, arena).into(),
        };
        Entry::in_arena(layout, start..arena.len())
    }

    /// Enters the columns that tell the order of the records. Returns the most bytes that the times take.
    fn enter_order(&mut self, columns: &Columns, may_repeat: bool) -> usize {
        let Self { arena, scratch, entries, .. } = self;
        let at = entries.len() - self.pools.entries().len();
        let is_thorough = columns.depth() == Depth::Thorough;
        let mut order = Vec::with_capacity(2);
        if columns.kinds().len() > 1 {
            let start = arena.len();
            let layout: Layout = if is_thorough {
                let values: Vec<u64> = columns.which().iter().map(|&at| at.into()).collect();
                put_integers(&values, may_repeat, scratch, arena).into()
            } else {
                let is_wide = columns.kinds().len() > 256;
                arena.extend(columns.which().iter().map(|at| *at as u8));
                if is_wide {
                    arena.extend(columns.which().iter().map(|at| (at >> 8) as u8));
                }
                Integers::Planes(1 + u8::from(is_wide)).into()
            };
            let entry = Entry::in_arena(layout, start..arena.len());
            order.push(Entry { pays: columns.pays[0], ..entry });
        }
        let times = columns.times();
        let time_bytes = if is_thorough {
            let start = arena.len();
            let layout = put_integers(times.values(), may_repeat, scratch, arena).into();
            order.push(Entry::in_arena(layout, start..arena.len()));
            10 * times.values().len()
        } else {
            let bytes = times.varints().len();
            let layout = Layout::Varints;
            let pays = columns.pays[1];
            order.push(Entry { layout, bytes, source: Source::Times, section: 0, pays });
            bytes
        };
        entries.splice(at..at, order);
        time_bytes
    }

    /// Decides which column goes to which section.
    fn assign(&mut self, depth: Depth, strictness: Strictness) {
        self.sections.clear();
        self.sections.push(Section::new(true));
        let mut plain = None;
        for entry in &mut self.entries {
            let is_big = match depth {
                Depth::Hasty | Depth::Fast => entry.bytes >= TRIED_BYTES,
                Depth::Thorough => entry.bytes >= OWN_BYTES,
            };
            let has_room = self.sections.len() + 1 < MAX_SECTIONS;
            let section = match (depth, entry.pays) {
                _ if !is_big => 0,
                (Depth::Hasty, Pays::Yes { is_much: true }) => 0,
                (Depth::Fast, Pays::Yes { .. }) => 0,
                (Depth::Hasty, Pays::Yes { .. })
                | (Depth::Hasty | Depth::Fast, Pays::No { .. }) => {
                    *plain.get_or_insert_with(|| {
                        self.sections.push(Section::new(false));
                        self.sections.len() - 1
                    })
                }
                _ if !has_room => 0,
                _ => {
                    self.sections.push(Section::new(true));
                    self.sections.len() - 1
                }
            };
            entry.section = section as u32;
        }
        if strictness == Strictness::Plain {
            self.sections.iter_mut().for_each(|section| section.is_compressible = false);
        }
        self.order.clear();
        self.order.extend(0..self.entries.len() as u32);
        let entries = &self.entries;
        self.order.sort_by_key(|&at| entries[at as usize].section);
        for entry in entries {
            self.sections[entry.section as usize].plain += entry.bytes;
        }
        if depth == Depth::Hasty && self.sections[0].plain < TRIED_BYTES {
            self.sections[0].is_compressible = false;
        }
    }

    fn put_directory(&mut self, columns: &Columns) {
        let Self { directory, entries, pools, .. } = self;
        directory.clear();
        let kinds = columns.kinds();
        put_uint(directory, kinds.len() as u64);
        let mut entries = entries.iter();
        for kind in kinds {
            put_uint(directory, u64::from(kind.tag()) << 1 | u64::from(kind.is_unix()));
            put_uint(directory, kind.records as u64);
            put_uint(directory, kind.plan.fields.len() as u64);
            entries.by_ref().take(kind.plan.fields.len()).for_each(|entry| entry.put(directory));
        }
        entries
            .by_ref()
            .take(1 + usize::from(kinds.len() > 1))
            .for_each(|entry| entry.put(directory));
        put_uint(directory, pools.entries().len() as u64);
        for (pool, entry) in pools.entries().iter().zip(entries) {
            Pool::put(pool, directory);
            put_uint(directory, entry.section.into());
            put_uint(directory, entry.bytes as u64);
        }
        self.sections[0].plain += directory.len();
    }

    /// Compresses the sections that may shrink.
    fn compress(&mut self, columns: &Columns, strictness: Strictness, compress: Compress<'_>) {
        let hint = match strictness {
            Strictness::Free => SectionHint::Any,
            _ => SectionHint::Bounded,
        };
        self.stored.clear();
        for at in 0..self.sections.len() {
            if !self.sections[at].is_compressible {
                continue;
            }
            let mut plain = std::mem::take(&mut self.plain);
            plain.clear();
            self.put_plain(columns, at, &mut plain);
            let start = self.stored.len();
            let mut codec = compress(&plain, hint, &mut self.stored);
            let stored = self.stored.len() - start;
            if codec == Codec::None || !codec.allows(plain.len(), stored) {
                codec = Codec::None;
                self.stored.truncate(start);
                self.stored.extend_from_slice(&plain);
            }
            self.plain = plain;
            self.sections[at].codec = codec;
            self.sections[at].stored = Some(start..self.stored.len());
        }
    }

    /// Appends a section as it is before compression.
    fn put_plain(&self, columns: &Columns, section: usize, out: &mut Vec<u8>) {
        if section == 0 {
            out.extend_from_slice(&self.directory);
        }
        let section_of = |at: &u32| self.entries[*at as usize].section as usize;
        let start = self.order.partition_point(|at| section_of(at) < section);
        let of_section = self.order[start..].iter().take_while(|at| section_of(at) == section);
        for &at in of_section {
            match &self.entries[at as usize].source {
                Source::Arena(range) => out.extend_from_slice(&self.arena[range.clone()]),
                Source::Fixed { kind, at } => {
                    let parts = columns.kinds()[*kind].fixed(*at).parts();
                    parts.iter().for_each(|part| out.extend_from_slice(part));
                }
                Source::Varying { kind, at } => columns.kinds()[*kind].varying(*at).put(out),
                Source::Times => out.extend_from_slice(columns.times().varints()),
            }
        }
    }

    /// Remembers which columns of a fast group did not shrink.
    fn learn(&self, columns: &mut Columns) {
        if columns.depth() == Depth::Thorough {
            return;
        }
        let mut order = columns.pays;
        let skipped = usize::from(columns.kinds().len() == 1);
        let kinds = columns.kinds_mut().iter_mut().flat_map(Kind::pays_mut);
        let all = kinds.chain(order.iter_mut().skip(skipped));
        let shared = &self.sections[0];
        let has_shrunk = shared.stored_bytes() <= shared.plain - shared.plain / 8;
        for (entry, pays) in self.entries.iter().zip(all) {
            if entry.bytes < TRIED_BYTES {
                continue;
            }
            let section = &self.sections[entry.section as usize];
            match (*pays, &section.stored) {
                (Pays::Unknown | Pays::Again { .. }, Some(stored)) if entry.section > 0 => {
                    pays.note(section.plain, stored.len());
                }
                // One of them has changed: each is tried alone.
                (Pays::Yes { .. }, _) if entry.section == 0 && !has_shrunk => *pays = Pays::Unknown,
                _ => pays.rest(),
            }
        }
        columns.pays = order;
    }

    /// Appends the table of sections, and the sections.
    fn put_sections(&mut self, columns: &Columns, out: &mut Vec<u8>) {
        let table = self.sections.iter();
        let table = table.map(|of| (of.codec, of.plain, of.stored_bytes())).collect::<Vec<_>>();
        StoredSection::put_all(&table, out);
        for (at, section) in self.sections.iter().enumerate() {
            match &section.stored {
                Some(range) => out.extend_from_slice(&self.stored[range.clone()]),
                None => self.put_plain(columns, at, out),
            }
        }
    }
}

impl Section {
    const fn new(is_compressible: bool) -> Self {
        Self { codec: Codec::None, plain: 0, stored: None, is_compressible }
    }

    fn stored_bytes(&self) -> usize {
        self.stored.as_ref().map_or(self.plain, Range::len)
    }
}
