//! A builder of dumps, frame by frame.

use std::collections::BTreeMap;

use stenolog_format::block::{BlockBuilder, BlockHeader, Codec, RawRecord};
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Level, Role, Slot, Thread, TimeSource};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind, FrameWriter, VERSION};
use stenolog_format::index::{End, HeaderCopy, Index};
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::summary::SummaryBuilder;
use stenolog_format::types::Type;

use crate::group::GroupModel;

/// The UTC time at which the counter of [`DumpBuilder::new`] is 0: 2026-11-22T23:07:05Z.
pub const START: i64 = 1_795_388_825_000_000_000;

/// The bytes of a dump in the making.
///
/// ```
/// use stenolog_format::frame::MAGIC;
/// use stenolog_testkit::{DumpBuilder, n};
///
/// let mut dump = DumpBuilder::new();
/// dump.block(1, &[n(10, 5), n(20, 6)]);
/// dump.seal(0);
/// assert!(dump.bytes().starts_with(&MAGIC));
/// ```
#[derive(Debug)]
pub struct DumpBuilder {
    bytes: Vec<u8>,
    frames: FrameWriter,
    sites: BTreeMap<u32, CallSite>,
    /// Position and number of each ring's next record.
    rings: BTreeMap<u32, (u64, u64)>,
    record_bytes: u64,
    index: Index,
    records: u64,
}

/// A record in the making: call site, time, and values as a call site stores them.
#[derive(Clone, Debug)]
pub struct Rec(pub u32, pub u64, pub Vec<u8>);

/// A record of the call site 16 of [`DumpBuilder::new`].
#[must_use]
pub fn n(counter: u64, n: u32) -> Rec {
    Rec(16, counter, n.to_le_bytes().to_vec())
}

/// A string as a call site stores it.
#[must_use]
pub fn str_bytes(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

/// Records that were lost because the ring was full, by level.
#[must_use]
pub fn loss(counter: u64, full: [u64; 5]) -> Loss {
    Loss { counter, full, too_large: [0; 5] }
}

/// A block's body as a file stores it.
///
/// # Panics
/// If Zstandard fails.
#[must_use]
pub fn compress(body: &[u8], codec: Codec) -> Vec<u8> {
    match codec {
        Codec::Lz4 => lz4_flex::block::compress(body),
        Codec::Zstd => zstd::bulk::compress(body, 1).expect("Zstandard compresses anything"),
        _ => body.to_vec(),
    }
}

/// The bytes of a small sealed dump, for examples in documentation: `n 1`, `n 2`, `n 3` and a warning, of two
/// threads.
#[must_use]
pub fn sample() -> Vec<u8> {
    let mut dump = DumpBuilder::new();
    dump.block(1, &[n(10, 1), n(30, 3), Rec(17, 40, str_bytes("peer"))]);
    dump.block(2, &[n(20, 2)]);
    dump.seal(0);
    dump.into_bytes()
}

/// A call site, with its id as its line.
#[must_use]
pub fn site(
    id: u32,
    level: Level,
    target: &str,
    template: Option<&str>,
    slots: &[(&str, Role, Type)],
) -> CallSite {
    let slot = |(name, role, ty): &(&str, Role, Type)| Slot {
        name: (*name).into(),
        role: *role,
        ty: ty.clone(),
    };
    CallSite {
        id,
        level,
        time: TimeSource::Counter,
        target: target.into(),
        module: target.into(),
        file: "src/main.rs".into(),
        line: id,
        column: 5,
        template: template.map(Into::into),
        slots: slots.iter().map(slot).collect(),
    }
}

#[expect(clippy::missing_panics_doc, reason = "each panics on what no test means to build")]
impl DumpBuilder {
    /// A file header alone.
    #[must_use]
    pub fn with_header(header: &FileHeader) -> Self {
        Self {
            bytes: header.encode().to_vec(),
            frames: FrameWriter::default(),
            sites: BTreeMap::new(),
            rings: BTreeMap::new(),
            record_bytes: 32,
            index: Index::default(),
            records: 0,
        }
    }

    /// A file header whose counter runs at 1 GHz, so ticks are nanoseconds.
    #[must_use]
    pub fn bare(session: u8, sequence: u32) -> Self {
        Self::with_header(&FileHeader {
            version: VERSION,
            session: [session; 16],
            created_unix_ns: START,
            sequence,
            process_id: 7,
            counter_hz: 1_000_000_000,
        })
    }

    /// The same with call sites `16: info!("n {n}")`, `17: warn!(name, "text")` and
    /// `18: error!(at: …, "at")`, threads for rings 1 (`main`) and 2, and a clock.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "which call sites there are is no default")]
    pub fn new() -> Self {
        let mut dump = Self::bare(1, 0);
        dump.prelude();
        dump
    }

    /// Sets how many bytes of its ring each record of a packed block takes; 32 otherwise.
    #[must_use]
    pub const fn record_bytes(mut self, bytes: u64) -> Self {
        self.record_bytes = bytes;
        self
    }

    /// What [`new`](Self::new) adds to [`bare`](Self::bare).
    pub fn prelude(&mut self) {
        self.site(16, Level::Info, "app", Some("n {0}"), &[("n", Role::Argument, Type::U32)]);
        self.site(17, Level::Warn, "app::net", Some("text"), &[("name", Role::Field, Type::Str)]);
        let at = CallSite {
            time: TimeSource::UnixNanos,
            ..site(18, Level::Error, "sim", Some("at"), &[])
        };
        self.call_site(at);
        self.thread(1, 1234, "main");
        self.thread(2, 1235, "");
        self.clock(0, START);
    }

    /// Appends a frame of any kind, and returns where it begins.
    pub fn frame(&mut self, kind: FrameKind, payload: &[u8]) -> u64 {
        self.frame_with(kind, |out| out.extend_from_slice(payload))
    }

    /// The same, with a payload that `fill` writes.
    pub fn frame_with(&mut self, kind: FrameKind, fill: impl FnOnce(&mut Vec<u8>)) -> u64 {
        let offset = self.bytes.len() as u64;
        self.frames.frame(&mut self.bytes, kind, fill);
        if !matches!(
            kind,
            FrameKind::Block
                | FrameKind::Index
                | FrameKind::End
                | FrameKind::Summary
                | FrameKind::Context
        ) {
            self.index.metadata.push(offset);
        }
        if kind == FrameKind::Context {
            self.index.contexts.push(offset);
        }
        offset
    }

    /// Appends a call site with these parts.
    pub fn site(
        &mut self,
        id: u32,
        level: Level,
        target: &str,
        template: Option<&str>,
        slots: &[(&str, Role, Type)],
    ) {
        self.call_site(site(id, level, target, template, slots));
    }

    /// Appends a call site.
    pub fn call_site(&mut self, site: CallSite) {
        self.call_sites(vec![site]);
    }

    /// Appends call sites in one frame.
    pub fn call_sites(&mut self, sites: Vec<CallSite>) {
        let payload = postcard::to_allocvec(&sites).expect("call sites can be serialised");
        self.frame(FrameKind::Dictionary, &payload);
        self.sites.extend(sites.into_iter().map(|site| (site.id, site)));
    }

    /// Appends a thread.
    pub fn thread(&mut self, ring: u32, os_id: u64, name: &str) {
        self.any_thread(&Thread { ring, os_id, name: name.into(), continues: None });
    }

    /// Appends a thread that had the ring `continues` before.
    pub fn thread_continuing(&mut self, ring: u32, os_id: u64, name: &str, continues: u32) {
        self.any_thread(&Thread { ring, os_id, name: name.into(), continues: Some(continues) });
    }

    fn any_thread(&mut self, thread: &Thread) {
        self.frame_with(FrameKind::Thread, |out| thread.encode(out));
    }

    /// Appends a pair of a counter reading and a UTC time.
    pub fn clock(&mut self, counter: u64, unix_ns: i64) {
        self.clock_pair(&ClockPair { counter, unix_ns, uncertainty_ticks: 10 });
    }

    /// The same, with its uncertainty.
    pub fn clock_pair(&mut self, pair: &ClockPair) {
        self.frame_with(FrameKind::Clock, |out| pair.encode(out));
    }

    /// Has a ring's next record at a position and with a number.
    pub fn ring_at(&mut self, ring: u32, position: u64, number: u64) {
        self.rings.insert(ring, (position, number));
    }

    /// The position and the number of a ring's next record.
    #[must_use]
    pub fn place(&self, ring: u32) -> (u64, u64) {
        self.rings.get(&ring).copied().unwrap_or_default()
    }

    /// How many records there are.
    #[must_use]
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// A call site that was appended.
    #[must_use]
    pub fn site_of(&self, id: u32) -> &CallSite {
        &self.sites[&id]
    }

    /// Has a ring go on as if it had held this many records more.
    pub fn skip(&mut self, ring: u32, records: u64) {
        let (position, number) = self.rings.entry(ring).or_default();
        *position += self.record_bytes * records;
        *number += records;
    }

    /// Appends a packed block of the ring's next records.
    pub fn block(&mut self, ring: u32, records: &[Rec]) {
        let (header, payload) = self.built(ring, records, BlockBuilder::begin);
        self.put_block(header, &payload);
    }

    /// Appends a packed block, compressed.
    pub fn compressed_block(&mut self, ring: u32, records: &[Rec], codec: Codec) {
        let (header, payload) = self.built(ring, records, BlockBuilder::begin);
        let header = BlockHeader { codec: codec.number(), ..header };
        let body = compress(&payload[BlockHeader::BYTES..], codec);
        self.put_block(header, &[&header.encode()[..], &body].concat());
    }

    /// Appends a block in columns of the ring's next records.
    pub fn column_block(&mut self, ring: u32, records: &[Rec]) {
        let (header, payload) = self.built(ring, records, BlockBuilder::begin_columns);
        assert_eq!(header.encoding, 2, "the records go into columns");
        self.put_block(header, &payload);
    }

    fn built(
        &self,
        ring: u32,
        records: &[Rec],
        begin: fn(&mut BlockBuilder, u32, u64, u64),
    ) -> (BlockHeader, Vec<u8>) {
        let mut builder = BlockBuilder::default();
        let (position, number) = self.rings.get(&ring).copied().unwrap_or_default();
        begin(&mut builder, ring, position, number);
        for Rec(id, time, values) in records {
            let payload = [&time.to_le_bytes()[..], values].concat();
            match self.sites.get(id) {
                Some(site) => builder.push(site, &payload).expect("values of the site's types"),
                None => builder.push_loss(&payload).expect("a loss, as there is no such call site"),
            }
        }
        let end = position + self.record_bytes * records.len() as u64;
        let mut payload = Vec::new();
        let header = builder.finish(end, &mut payload);
        (header, payload)
    }

    /// Appends a raw block of the ring's next records.
    pub fn raw_block(&mut self, ring: u32, records: &[Rec]) {
        let mut builder = BlockBuilder::default();
        let (position, number) = *self.rings.entry(ring).or_default();
        builder.begin(ring, position, number);
        let mut body = Vec::new();
        for Rec(id, time, values) in records {
            match self.sites.get(id) {
                Some(site) => builder.note(site.level, site.time, *time),
                None => builder.note_loss(*time),
            }
            body.extend((8 + values.len() as u32).to_le_bytes());
            body.extend(id.to_le_bytes());
            body.extend(time.to_le_bytes());
            body.extend(values);
            body.resize(body.len().next_multiple_of(8), 0);
        }
        let mut payload = Vec::new();
        let header = builder.finish_raw(position + body.len() as u64, &[&body], &mut payload);
        self.put_block(header, &payload);
    }

    /// Appends a block that was made elsewhere.
    pub fn put_block(&mut self, header: BlockHeader, payload: &[u8]) {
        let number = header.first_record + u64::from(header.count);
        self.rings.insert(header.ring, (header.end_position, number));
        self.records += u64::from(header.count);
        let offset = self.frame(FrameKind::Block, payload);
        self.index.blocks.push((offset, header));
    }

    /// Appends a group. The seed determines its layouts.
    pub fn group(&mut self, group: &GroupModel, seed: u64) {
        self.put_group(&group.payload(seed));
    }

    /// Appends a group that was made elsewhere.
    pub fn put_group(&mut self, payload: &[u8]) {
        let header = BlockHeader::decode(payload).expect("a block's header");
        self.records += u64::from(header.count);
        let offset = self.frame(FrameKind::Block, payload);
        self.index.blocks.push((offset, header));
    }

    /// Appends the parts of a group as packed blocks.
    pub fn ungrouped(&mut self, group: &GroupModel) {
        for part in &group.parts {
            let rows = group.rows(part);
            let body_bytes = rows.len() as u32;
            let header = BlockHeader { encoding: 1, body_bytes, ..group.part_header(part) };
            self.put_block(header, &[&header.encode()[..], &rows].concat());
        }
    }

    /// Appends the summary of the last block.
    pub fn summary(&mut self) {
        let (offset, header) = *self.index.blocks.last().expect("a block");
        let frame = &self.bytes[offset as usize..];
        let block_crc = FrameHeader::decode(frame).expect("a frame").payload_crc;
        let body = &frame[FrameHeader::BYTES + BlockHeader::BYTES..];
        let mut builder = SummaryBuilder::default();
        builder.begin();
        for record in header.records(body).expect("a body without compression") {
            let RawRecord { tag, values, .. } = record.expect("a whole record");
            if tag != CallSite::LOSS_ID {
                builder.note(tag, values, || self.sites[&tag].has_text());
            }
        }
        self.frame_with(FrameKind::Summary, |out| builder.encode(block_crc, out));
    }

    /// Appends a summary that names the last block, and describes these records instead.
    pub fn summary_of(&mut self, records: &[(u32, &str)]) {
        let (offset, _) = *self.index.blocks.last().expect("a block");
        let frame = FrameHeader::decode(&self.bytes[offset as usize..]).expect("a frame");
        let mut builder = SummaryBuilder::default();
        builder.begin();
        for &(tag, text) in records {
            builder.note(tag, text.as_bytes(), || true);
        }
        self.frame_with(FrameKind::Summary, |out| builder.encode(frame.payload_crc, out));
    }

    /// Appends a loss at the ring's next position.
    pub fn loss(&mut self, ring: u32, loss: Loss) {
        let position = self.rings.entry(ring).or_default().0;
        self.loss_frame(&LossFrame { ring, position, loss, gone: None });
    }

    /// Appends a loss.
    pub fn loss_frame(&mut self, loss: &LossFrame) {
        self.frame_with(FrameKind::Loss, |out| loss.encode(out));
    }

    /// Appends an index and an end.
    pub fn seal(&mut self, lost: u64) {
        let index = self.index();
        self.end(index, lost);
    }

    /// Appends an index of what is in none, and returns where it begins.
    pub fn index(&mut self) -> u64 {
        let index = std::mem::take(&mut self.index);
        self.index.previous = self.frame_with(FrameKind::Index, |out| index.encode(out));
        self.index.previous
    }

    /// Appends a copy of the header, which tells where the last index is.
    pub fn header_copy(&mut self) {
        let (header, _) = FileHeader::decode(&self.bytes).expect("a header");
        let index = Some(self.index.previous).filter(|&at| at != 0);
        self.frame_with(FrameKind::Header, |out| HeaderCopy { header, index }.encode(out));
    }

    /// Appends an end without an index.
    pub fn seal_without_index(&mut self, lost: u64) {
        self.end(0, lost);
    }

    fn end(&mut self, index: u64, lost: u64) {
        let end = End { index, records: self.records, lost, continues: false };
        self.frame_with(FrameKind::End, |out| end.encode(out));
    }

    /// The dump so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The dump so far, to be changed.
    pub const fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// The dump.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
