//! Pools of a thorough group: texts that several records have, stored once.

mod pattern;
mod table;

use super::assemble::{Entry, Source};
use super::choose::{Scratch, put_integers};
use super::gather::Columns;
use super::varying::{Varying, put_length};
use crate::block::group::{MAX_POOLS, Pattern, PoolClass};
use crate::block::layout::Layout;
use crate::value::put_uint;
use table::Texts;

/// The pools of a group.
#[derive(Debug, Default)]
pub(super) struct Pools {
    pools: Vec<Pool>,
    texts: Texts,
}

/// A pool in the directory.
#[derive(Debug)]
pub(super) struct Pool {
    class: PoolClass,
    /// How many entries it has.
    count: usize,
}

/// A column of texts.
struct TextColumn<'a> {
    /// Its place among the entries of the group.
    entry: usize,
    varying: &'a Varying,
    /// The number of its first value, counted over all columns of texts.
    first: usize,
    count: usize,
    /// The place of its pattern among the pools.
    pattern: Option<usize>,
    is_pooled: bool,
}

/// Shorter columns are stored as they are.
const MIN_VALUES: usize = 4;

/// A column is pooled if at least this fraction of its values occurs again, in whatever column: one in four.
const REPEATED: usize = 4;

impl Pool {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        self.class.put(out);
        put_uint(out, self.count as u64);
    }

    /// The pattern, if its entries are digits.
    fn pattern(&self) -> Option<&Pattern> {
        match &self.class {
            PoolClass::Digits(pattern) => Some(pattern),
            _ => None,
        }
    }
}

impl Pools {
    pub(super) fn clear(&mut self) {
        self.pools.clear();
    }

    pub(super) fn entries(&self) -> &[Pool] {
        &self.pools
    }

    /// Moves columns of texts that repeat, or that are digits, into pools. Appends the columns of the pools to
    /// `entries`.
    pub(super) fn put(
        &mut self,
        columns: &Columns,
        entries: &mut Vec<Entry>,
        arena: &mut Vec<u8>,
        scratch: &mut Scratch,
    ) {
        let mut of_texts = text_columns(columns, entries);
        let Self { pools, texts } = self;
        let total = of_texts.iter().map(|column| column.count).sum();
        let mut found: Vec<&[u8]> = Vec::new();
        texts.begin(total);
        for column in &of_texts {
            column.varying.iter().for_each(|text| texts.note(text, &mut found));
        }
        pools.push(Pool { class: PoolClass::Plain, count: 0 });
        for column in &mut of_texts {
            let ids = texts.ids(column.first, column.count);
            decide(column, ids, &found, texts, pools);
        }
        // Texts in the order of pools, and within them of columns.
        let mut places: Vec<(u8, u32)> = vec![UNPLACED; found.len()];
        let mut of_pools: Vec<Vec<u32>> = vec![Vec::new(); pools.len()];
        for column in of_texts.iter().filter(|column| column.is_pooled) {
            for &id in texts.ids(column.first, column.count) {
                let place = &mut places[id as usize];
                if *place == UNPLACED {
                    let fits = column.pattern.filter(|&pool| {
                        let pattern = pools[pool].pattern();
                        pattern.is_some_and(|pattern| pattern::fits(pattern, found[id as usize]))
                    });
                    let pool = fits.unwrap_or(0);
                    *place = (pool as u8, of_pools[pool].len() as u32);
                    of_pools[pool].push(id);
                }
            }
        }
        let mut bases = Vec::with_capacity(pools.len());
        let mut base = 0_u64;
        for of_pool in &of_pools {
            bases.push(base);
            base += of_pool.len() as u64;
        }
        let mut indices = Vec::new();
        for column in of_texts.iter().filter(|column| column.is_pooled) {
            indices.clear();
            indices.extend(texts.ids(column.first, column.count).iter().map(|&id| {
                let (pool, index) = places[id as usize];
                bases[usize::from(pool)] + u64::from(index)
            }));
            let start = arena.len();
            let integers = put_integers(&indices, true, scratch, arena);
            let layout = match entries[column.entry].layout {
                Layout::Texts => Layout::PooledTexts(integers),
                _ => Layout::PooledPieces(integers),
            };
            entries[column.entry] = Entry::in_arena(layout, start..arena.len());
        }
        for (pool, of_pool) in pools.iter_mut().zip(&of_pools) {
            pool.count = of_pool.len();
            if pool.count > 0 {
                let start = arena.len();
                put_pool(pool, of_pool.iter().map(|id| found[*id as usize]), arena);
                entries.push(Entry::in_arena(Layout::Texts, start..arena.len()));
            }
        }
        pools.retain(|pool| pool.count > 0);
    }
}

const UNPLACED: (u8, u32) = (u8::MAX, u32::MAX);

/// The columns of texts and of pieces.
fn text_columns<'a>(columns: &'a Columns, entries: &[Entry]) -> Vec<TextColumn<'a>> {
    let mut first = 0;
    let mut of_texts = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        if let Source::Varying { kind, at: place } = entry.source {
            let kind = &columns.kinds()[kind];
            let count = kind.records;
            let varying = kind.varying(place);
            let (pattern, is_pooled) = (None, false);
            of_texts.push(TextColumn { entry: at, varying, first, count, pattern, is_pooled });
            first += count;
        }
    }
    of_texts
}

/// Decides whether a column is pooled, and finds its pattern.
fn decide(
    column: &mut TextColumn<'_>,
    ids: &[u32],
    found: &[&[u8]],
    texts: &Texts,
    pools: &mut Vec<Pool>,
) {
    if column.count < MIN_VALUES {
        return;
    }
    let pattern = pattern::find(ids.iter().map(|id| found[*id as usize]));
    column.pattern = pattern.and_then(|pattern| {
        let known = pools.iter().position(|pool| pool.pattern() == Some(&pattern));
        known.or_else(|| {
            let has_room = pools.len() < MAX_POOLS;
            has_room.then(|| {
                pools.push(Pool { class: PoolClass::Digits(pattern), count: 0 });
                pools.len() - 1
            })
        })
    });
    let repeated = ids.iter().filter(|id| texts.count(**id) > 1).count();
    column.is_pooled = column.pattern.is_some() || repeated * REPEATED >= column.count;
}

fn put_pool<'a>(pool: &Pool, texts: impl Iterator<Item = &'a [u8]> + Clone, out: &mut Vec<u8>) {
    if let Some(pattern) = pool.pattern() {
        texts.for_each(|text| pattern::put_digits(pattern, text, out));
        return;
    }
    let mut lengths = Vec::new();
    texts.clone().for_each(|text| put_length(text.len(), &mut lengths));
    put_uint(out, lengths.len() as u64);
    out.extend_from_slice(&lengths);
    texts.for_each(|text| out.extend_from_slice(text));
}
