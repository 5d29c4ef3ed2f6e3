//! Small dumps for tests, frame by frame.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use stenolog_format::block::{BlockBuilder, BlockHeader, Codec, RawRecord};
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Level, Role, Slot, Thread, TimeSource};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind, FrameWriter, VERSION};
use stenolog_format::index::{End, Index};
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::summary::SummaryBuilder;
use stenolog_format::types::Type;

use crate::{Decoder, Dump, Entry, Filter, Format, RenderOptions, Renderer, Summary};

/// The moment at which the counter of scenes is 0: 2026-11-22T23:07:05Z.
pub(crate) const START: i64 = 1_795_388_825_000_000_000;

/// A dump in the making. Its counter runs at 1 GHz, so that ticks are nanoseconds.
pub(crate) struct Scene {
    bytes: Vec<u8>,
    frames: FrameWriter,
    sites: BTreeMap<u32, CallSite>,
    /// Position and number of each ring's next record.
    rings: BTreeMap<u32, (u64, u64)>,
    index: Index,
    records: u64,
}

/// A record in the making: call site, time, and values as a call site stores them.
#[derive(Clone, Debug)]
pub(crate) struct Rec(pub(crate) u32, pub(crate) u64, pub(crate) Vec<u8>);

/// A body as it stands in a file.
pub(crate) fn compress(body: &[u8], codec: Codec) -> Vec<u8> {
    match codec {
        Codec::Lz4 => lz4_flex::block::compress(body),
        Codec::Zstd => zstd::bulk::compress(body, 1).unwrap(),
        _ => body.to_vec(),
    }
}

/// A string as a call site stores it.
pub(crate) fn str_bytes(text: &str) -> Vec<u8> {
    let mut bytes = (text.len() as u32).to_le_bytes().to_vec();
    bytes.extend(text.bytes());
    bytes
}

pub(crate) fn loss(counter: u64, full: [u64; 5]) -> Loss {
    Loss { counter, full, too_large: [0; 5] }
}

impl Scene {
    /// A dump without a call site, a thread or a clock.
    pub(crate) fn bare(session: u8, sequence: u32) -> Self {
        let header = FileHeader {
            version: VERSION,
            session: [session; 16],
            created_unix_ns: START,
            sequence,
            process_id: 7,
            counter_hz: 1_000_000_000,
        };
        Self {
            bytes: header.encode().to_vec(),
            frames: FrameWriter::default(),
            sites: BTreeMap::new(),
            rings: BTreeMap::new(),
            index: Index::default(),
            records: 0,
        }
    }

    /// A dump with call sites `16: info!("n {n}")`, `17: warn!(name, "text")` and
    /// `18: error!(at: …, "at")`, threads for rings 1 (`main`) and 2, and a clock.
    pub(crate) fn new() -> Self {
        let mut scene = Self::bare(1, 0);
        scene.prelude();
        scene
    }

    pub(crate) fn prelude(&mut self) {
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

    fn frame(&mut self, kind: FrameKind, payload: &[u8]) -> u64 {
        let offset = self.bytes.len() as u64;
        self.frames.frame(&mut self.bytes, kind, |out| out.extend_from_slice(payload));
        if !matches!(
            kind,
            FrameKind::Block | FrameKind::Index | FrameKind::End | FrameKind::Summary
        ) {
            self.index.metadata.push(offset);
        }
        offset
    }

    /// A frame of any kind.
    pub(crate) fn any_frame(&mut self, kind: FrameKind, payload: &[u8]) {
        self.frame(kind, payload);
    }

    pub(crate) fn site(
        &mut self,
        id: u32,
        level: Level,
        target: &str,
        template: Option<&str>,
        slots: &[(&str, Role, Type)],
    ) {
        self.call_site(site(id, level, target, template, slots));
    }

    pub(crate) fn call_site(&mut self, site: CallSite) {
        let payload = postcard::to_allocvec(&[site.clone()][..]).unwrap();
        self.frame(FrameKind::Dictionary, &payload);
        self.sites.insert(site.id, site);
    }

    pub(crate) fn thread(&mut self, ring: u32, os_id: u64, name: &str) {
        self.any_thread(&Thread { ring, os_id, name: name.into(), continues: None });
    }

    /// A thread that had the ring `continues` before.
    pub(crate) fn thread_behind(&mut self, ring: u32, os_id: u64, name: &str, continues: u32) {
        self.any_thread(&Thread { ring, os_id, name: name.into(), continues: Some(continues) });
    }

    fn any_thread(&mut self, thread: &Thread) {
        let mut payload = Vec::new();
        thread.encode(&mut payload);
        self.frame(FrameKind::Thread, &payload);
    }

    pub(crate) fn clock(&mut self, counter: u64, unix_ns: i64) {
        let mut payload = Vec::new();
        ClockPair { counter, unix_ns, uncertainty_ticks: 10 }.encode(&mut payload);
        self.frame(FrameKind::Clock, &payload);
    }

    /// A packed block of the ring's next records.
    pub(crate) fn block(&mut self, ring: u32, records: &[Rec]) {
        let (header, payload) = self.packed(ring, records);
        self.put_block(header, &payload);
    }

    /// The same, compressed.
    pub(crate) fn compressed_block(&mut self, ring: u32, records: &[Rec], codec: Codec) {
        let (header, payload) = self.packed(ring, records);
        let header = BlockHeader { codec: codec.number(), ..header };
        let body = compress(&payload[BlockHeader::BYTES..], codec);
        self.put_block(header, &[&header.encode()[..], &body].concat());
    }

    /// A block in columns of the ring's next records.
    pub(crate) fn column_block(&mut self, ring: u32, records: &[Rec]) {
        let (header, payload) = self.built(ring, records, BlockBuilder::begin_columns);
        assert_eq!(header.encoding, 2);
        self.put_block(header, &payload);
    }

    fn packed(&self, ring: u32, records: &[Rec]) -> (BlockHeader, Vec<u8>) {
        self.built(ring, records, BlockBuilder::begin)
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
                Some(site) => builder.push(site, &payload).unwrap(),
                None => builder.push_loss(&payload).unwrap(),
            }
        }
        let end = position + 32 * records.len() as u64;
        let mut payload = Vec::new();
        let header = builder.finish(end, &mut payload);
        (header, payload)
    }

    /// A raw block of the ring's next records.
    pub(crate) fn raw_block(&mut self, ring: u32, records: &[Rec]) {
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

    pub(crate) fn put_block(&mut self, header: BlockHeader, payload: &[u8]) {
        let number = header.first_record + u64::from(header.count);
        self.rings.insert(header.ring, (header.end_position, number));
        self.records += u64::from(header.count);
        let offset = self.frame(FrameKind::Block, payload);
        self.index.blocks.push((offset, header));
    }

    /// The summary of the block that was put last.
    pub(crate) fn summary(&mut self) {
        let (offset, header) = *self.index.blocks.last().unwrap();
        let frame = &self.bytes[offset as usize..];
        let block_crc = FrameHeader::decode(frame).unwrap().payload_crc;
        let body = &frame[FrameHeader::BYTES + BlockHeader::BYTES..];
        let mut builder = SummaryBuilder::default();
        builder.begin();
        for record in header.records(body).unwrap() {
            let RawRecord { tag, values, .. } = record.unwrap();
            if tag != CallSite::LOSS_ID {
                builder.note(tag, values, || self.sites[&tag].has_text());
            }
        }
        let mut payload = Vec::new();
        builder.encode(block_crc, &mut payload);
        self.frame(FrameKind::Summary, &payload);
    }

    /// The summary of these records, as if they were those of the block that was put last.
    pub(crate) fn summary_of(&mut self, records: &[(u32, &str)]) {
        let (offset, _) = *self.index.blocks.last().unwrap();
        let frame = FrameHeader::decode(&self.bytes[offset as usize..]).unwrap();
        let mut builder = SummaryBuilder::default();
        builder.begin();
        for &(tag, text) in records {
            builder.note(tag, text.as_bytes(), || true);
        }
        let mut payload = Vec::new();
        builder.encode(frame.payload_crc, &mut payload);
        self.frame(FrameKind::Summary, &payload);
    }

    /// Has the ring go on as if it had held this many records more.
    pub(crate) fn skip(&mut self, ring: u32, records: u64) {
        let (position, number) = self.rings.entry(ring).or_default();
        *position += 32 * records;
        *number += records;
    }

    pub(crate) fn loss(&mut self, ring: u32, loss: Loss) {
        let position = self.rings.entry(ring).or_default().0;
        let mut payload = Vec::new();
        LossFrame { ring, position, loss, gone: None }.encode(&mut payload);
        self.frame(FrameKind::Loss, &payload);
    }

    /// Index and end.
    pub(crate) fn seal(&mut self, lost: u64) {
        let index = self.frame(FrameKind::Index, &postcard::to_allocvec(&self.index).unwrap());
        let mut payload = Vec::new();
        End { index, records: self.records, lost, continues: false }.encode(&mut payload);
        self.frame(FrameKind::End, &payload);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn dump(&self) -> Dump {
        Dump::from_bytes("test.steno", self.bytes.clone()).unwrap()
    }
}

fn site(
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

/// A record of call site 16.
pub(crate) fn n(counter: u64, n: u32) -> Rec {
    Rec(16, counter, n.to_le_bytes().to_vec())
}

/// All entries in one format, and the summary.
pub(crate) fn render(dumps: &[Dump], filter: Filter, format: Format) -> (String, Summary) {
    let mut decoder = Decoder::new(dumps).with_filter(filter);
    let mut renderer = Renderer::new(format, RenderOptions::default());
    let mut out = String::new();
    renderer.write_header(&mut out);
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut out);
        ControlFlow::Continue(())
    });
    (out, decoder.summary())
}

/// All entries as `ring: message`, a line each.
pub(crate) fn messages(dumps: &[Dump], filter: Filter) -> (String, Summary) {
    let mut decoder = Decoder::new(dumps).with_filter(filter);
    let mut out = String::new();
    let _ = decoder.for_each(|entry| {
        match entry {
            Entry::Record(record) => {
                out.push_str(&format!("{}: ", record.ring()));
                record.write_message(&mut out);
            }
            Entry::Loss(loss) => out.push_str(&format!("{}: {loss}", loss.ring())),
        }
        out.push('\n');
        ControlFlow::Continue(())
    });
    (out, decoder.summary())
}
