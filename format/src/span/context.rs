//! Context frames: what the records of the next block need that other blocks say.

use super::{MAX_STACK, SpanError, SpanStack, take_u32};
use crate::value::{Cursor, Encoding, put_uint};

/// The longest payload of a context frame. What does not fit is left out.
pub const MAX_CONTEXT_BYTES: usize = 1 << 24;

/// A span that began before a block which needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanDefinition<'a> {
    /// The span's id.
    pub id: u64,
    /// Its parent; [`NO_SPAN`](super::NO_SPAN) if it is a root.
    pub parent: u64,
    /// The call site of the record with which it began.
    pub site: u32,
    /// The packed values of that record, after the hidden ones.
    pub values: &'a [u8],
    /// The values that it was given later.
    pub records: SpanRecords<'a>,
}

/// Values that a span was given after its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanRecord<'a> {
    /// The call site of the record that gave them.
    pub site: u32,
    /// Its packed values, after the hidden ones.
    pub values: &'a [u8],
}

impl SpanRecord<'_> {
    /// Appends it to what [`SpanRecords::of`] takes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_uint(out, self.site.into());
        put_uint(out, self.values.len() as u64);
        out.extend_from_slice(self.values);
    }

    fn read<'a>(rest: &mut Cursor<'a>) -> Result<SpanRecord<'a>, SpanError> {
        let site = take_u32(rest)?;
        let length = rest.uint()?;
        let values = rest.take(usize::try_from(length).unwrap_or(usize::MAX))?;
        Ok(SpanRecord { site, values })
    }
}

/// A list of [`SpanRecord`]s, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanRecords<'a> {
    pub(super) left: u64,
    bytes: &'a [u8],
}

impl<'a> SpanRecords<'a> {
    /// The list of as many records, one after the other, as [`SpanRecord::encode`] appended them.
    #[must_use]
    pub const fn of(count: u64, bytes: &'a [u8]) -> Self {
        Self { left: count, bytes }
    }
}

impl<'a> Iterator for SpanRecords<'a> {
    type Item = SpanRecord<'a>;

    fn next(&mut self) -> Option<SpanRecord<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut rest = Cursor::new(self.bytes, Encoding::Packed);
        let record = SpanRecord::read(&mut rest).ok()?;
        self.bytes = rest.rest();
        Some(record)
    }
}

/// The payload of a context frame.
///
/// # Examples
/// ```
/// use stenolog_format::span::{ContextBuilder, SpanContext, SpanDefinition, SpanRecords, SpanStack};
///
/// let mut builder = ContextBuilder::default();
/// builder.put_part(1, &SpanStack::of([7]));
/// let request = SpanDefinition { id: 7, parent: 0, site: 20, values: b"\x02/x", records: SpanRecords::default() };
/// assert!(builder.define(&request));
/// let mut payload = Vec::new();
/// builder.finish(&mut payload);
///
/// let context = SpanContext::decode(&payload)?;
/// assert_eq!(context.parts()[0], (1, SpanStack::of([7])));
/// assert_eq!(context.definitions().collect::<Vec<_>>(), [request]);
/// # Ok::<(), stenolog_format::span::SpanError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanContext<'a> {
    parts: Vec<(u32, SpanStack)>,
    defined: u64,
    definitions: &'a [u8],
}

impl<'a> SpanContext<'a> {
    /// Reads the payload of a context frame, all of it. Takes memory for the stacks only.
    ///
    /// # Errors
    /// If it is cut or malformed.
    pub fn decode(payload: &'a [u8]) -> Result<Self, SpanError> {
        let mut rest = Cursor::new(payload, Encoding::Packed);
        let mut parts = Vec::new();
        for _ in 0..rest.uint()? {
            let ring = take_u32(&mut rest)?;
            let found = rest.uint()?;
            if found > MAX_STACK as u64 {
                return Err(SpanError::Deep { found });
            }
            let ids = (0..found).map(|_| rest.uint());
            parts.push((ring, SpanStack::of(ids.collect::<Result<Vec<_>, _>>()?)));
        }
        let defined = rest.uint()?;
        let definitions = rest.rest();
        for _ in 0..defined {
            read_definition(&mut rest)?;
        }
        Ok(Self { parts, defined, definitions })
    }

    /// For each part of the block its ring, and the stack of its thread when the block begins.
    #[must_use]
    pub fn parts(&self) -> &[(u32, SpanStack)] {
        &self.parts
    }

    /// The spans that the block needs and that are not begun in it, ancestors first.
    pub fn definitions(&self) -> impl Iterator<Item = SpanDefinition<'a>> + use<'a> {
        let mut rest = Cursor::new(self.definitions, Encoding::Packed);
        (0..self.defined).map_while(move |_| read_definition(&mut rest).ok())
    }
}

fn read_definition<'a>(rest: &mut Cursor<'a>) -> Result<SpanDefinition<'a>, SpanError> {
    let (id, parent) = (rest.uint()?, rest.uint()?);
    let SpanRecord { site, values } = SpanRecord::read(rest)?;
    let records = SpanRecords::of(rest.uint()?, rest.rest());
    for _ in 0..records.left {
        SpanRecord::read(rest)?;
    }
    let length = records.bytes.len() - rest.rest().len();
    let records = SpanRecords { bytes: &records.bytes[..length], ..records };
    Ok(SpanDefinition { id, parent, site, values, records })
}

/// Builds the payload of a context frame: first its parts, then its definitions.
#[derive(Debug, Default)]
pub struct ContextBuilder {
    parts: u64,
    stacks: Vec<u8>,
    defined: u64,
    definitions: Vec<u8>,
}

impl ContextBuilder {
    /// The length that the counts of parts and definitions have at most.
    const COUNTS_BYTES: usize = 20;

    /// The length after which parts are put with an empty stack: room is left for those of the other parts.
    const MAX_STACKS_BYTES: usize = MAX_CONTEXT_BYTES / 2;

    /// Begins another context. Keeps the memory.
    pub fn clear(&mut self) {
        self.parts = 0;
        self.stacks.clear();
        self.defined = 0;
        self.definitions.clear();
    }

    /// Adds the next part of the block.
    pub fn put_part(&mut self, ring: u32, stack: &SpanStack) {
        self.parts += 1;
        put_uint(&mut self.stacks, ring.into());
        let before = self.stacks.len();
        put_uint(&mut self.stacks, stack.depth() as u64);
        stack.iter().for_each(|id| put_uint(&mut self.stacks, id));
        if self.stacks.len() > Self::MAX_STACKS_BYTES {
            self.stacks.truncate(before);
            put_uint(&mut self.stacks, 0);
        }
    }

    /// Adds a span, after its ancestors. Returns whether there was room.
    pub fn define(&mut self, span: &SpanDefinition<'_>) -> bool {
        let out = &mut self.definitions;
        let before = out.len();
        put_uint(out, span.id);
        put_uint(out, span.parent);
        SpanRecord { site: span.site, values: span.values }.encode(out);
        put_uint(out, span.records.left);
        out.extend_from_slice(span.records.bytes);
        let fits = Self::COUNTS_BYTES + self.stacks.len() + out.len() <= MAX_CONTEXT_BYTES;
        if fits {
            self.defined += 1;
        } else {
            out.truncate(before);
        }
        fits
    }

    /// Appends the payload.
    pub fn finish(&self, out: &mut Vec<u8>) {
        put_uint(out, self.parts);
        out.extend_from_slice(&self.stacks);
        put_uint(out, self.defined);
        out.extend_from_slice(&self.definitions);
    }
}
