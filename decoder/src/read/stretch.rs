//! Runs of consecutive records of one ring, read out of their block: the unit in which records are found,
//! merged and handed to a renderer.

use std::sync::Arc;

use stenolog_format::block::ColumnValues;
use stenolog_format::value::Encoding;

use super::context::BlockPlace;
use super::paint::RawEntry;
use super::ring::Key;
use crate::dump::Body;
use crate::model::entry::Origin;
use crate::model::site::Site;
use crate::render::{RawValues, Words};

/// How many records of a block are found at once: enough to forget what it takes to begin, few enough
/// for the nearest cache.
pub(super) const STRETCH_RECORDS: usize = 512;

/// How much of a stretch's room for values to keep for the next one.
const KEPT_BYTES: usize = 1 << 18;

/// A buffer with room for more than this many times its records is shrunk.
const FEW_PART: usize = 8;

/// Records that are wanted, as far as can be told without their values. They may be shared with
/// other threads; their texts stay where the block has them.
#[derive(Clone, Debug)]
pub(super) struct Stretch<'d> {
    pub(super) records: Vec<Taken<'d>>,
    /// The merge key of each record. Renderers do not need it.
    pub(super) keys: Vec<Key>,
    /// The number of the block's first record.
    pub(super) first_record: u64,
    /// Values that were read out of columns.
    pub(super) words: Vec<u64>,
    /// Packed values that were put together from columns.
    pub(super) bytes: Vec<u8>,
    /// Of values that stand in the body.
    pub(super) encoding: Encoding,
    pub(super) place: BlockPlace,
}

/// A record of a stretch. Small, as one core hands it to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'d> {
    pub(super) unix_ns: i64,
    pub(super) site: &'d Site,
    /// Its place in the block.
    pub(super) index: u32,
    pub(super) values: TakenValues,
}

const _: () = assert!(size_of::<Taken<'_>>() <= 40);

/// Where the values of a record are.
#[derive(Clone, Copy, Debug)]
pub(super) enum TakenValues {
    /// So many bytes of the body, from a place on.
    InBody(u32, u32),
    /// In the stretch.
    InStretch(ColumnValues),
    /// Packed values (start, length) that still have to pass the prefilter.
    Sought(u32, u32),
}

impl Default for Stretch<'_> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            keys: Vec::new(),
            first_record: 0,
            words: Vec::new(),
            bytes: Vec::new(),
            encoding: Encoding::Packed,
            place: (0, 0),
        }
    }
}

impl<'d> Stretch<'d> {
    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.keys.clear();
        self.words.clear();
        self.bytes.clear();
        // Long texts of one block are not a reason to keep as much for all that follow.
        self.words.shrink_to(KEPT_BYTES / size_of::<u64>());
        self.bytes.shrink_to(KEPT_BYTES);
    }

    /// Gives back what it takes beyond its records, if they are few of those that were looked at.
    pub(super) fn shrink(&mut self) {
        let few = self.records.capacity() / FEW_PART;
        if !self.records.is_empty() && self.records.len() < few {
            self.records.shrink_to_fit();
            self.keys.shrink_to_fit();
        }
    }

    /// What it takes in memory, used or not.
    pub(super) fn size_bytes(&self) -> usize {
        let records = size_of::<Taken<'_>>() * self.records.capacity();
        let keys = size_of::<Key>() * self.keys.capacity();
        records + keys + size_of::<u64>() * self.words.capacity() + self.bytes.capacity()
    }

    #[inline]
    pub(super) fn entry<'a>(
        &'a self,
        taken: &Taken<'a>,
        body: &'a [u8],
        origin: Origin<'a>,
    ) -> RawEntry<'a> {
        let Taken { unix_ns, site, index, values } = *taken;
        let number = self.first_record.saturating_add(index.into());
        let slice = |bytes: &'a [u8], start: u32, length: u32| {
            let behind = bytes.get(start as usize..).unwrap_or_default();
            behind.get(..length as usize).unwrap_or_default()
        };
        let values = match values {
            TakenValues::InBody(start, length) => {
                RawValues::Bytes(slice(body, start, length), self.encoding)
            }
            TakenValues::InStretch(ColumnValues::Packed { start, length })
            | TakenValues::Sought(start, length) => {
                RawValues::Bytes(slice(&self.bytes, start, length), Encoding::Packed)
            }
            TakenValues::InStretch(ColumnValues::Words { first, stride, are_sound }) => {
                let words = self.words.get(first as usize..).unwrap_or_default();
                RawValues::Words(Words { words, stride: stride as usize, are_sound, body })
            }
        };
        RawEntry { site, origin, unix_ns, number, values }
    }
}

/// Entries of a ring whose turn has come before that of any other ring's.
pub(super) struct Run<'r, 'd> {
    /// The place of the ring among all.
    pub(super) ring: usize,
    pub(super) origin: Origin<'r>,
    pub(super) stretch: &'r Arc<Stretch<'d>>,
    pub(super) body: &'r Arc<Body<'d>>,
    pub(super) from: usize,
    pub(super) to: usize,
}

impl<'r> Run<'r, '_> {
    pub(super) fn place(&self) -> BlockPlace {
        self.stretch.place
    }

    /// The records, from the first one on.
    #[inline]
    pub(super) fn entries(&self) -> impl Iterator<Item = RawEntry<'r>> + use<'r> {
        let Self { origin, stretch, body, .. } = *self;
        let records = stretch.records.get(self.from..self.to).unwrap_or_default();
        records.iter().map(move |taken| stretch.entry(taken, body, origin))
    }
}
