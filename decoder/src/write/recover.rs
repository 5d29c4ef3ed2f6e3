//! Recovery: writes one whole file from an unsealed dump and its writer's rings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::ops::ControlFlow;

use stenolog_format::block::BlockHeader;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::Thread;
use stenolog_format::frame::{ALIGNMENT, FileHeader, FrameHeader, FrameKind};
use stenolog_format::index::{End, Index};
use stenolog_format::summary::SummaryBuilder;

use crate::dump::{Block, Dump, RingStart, Unpacker};
use crate::model::damage::{Damage, DamageCause, RingDamage};
use crate::read::{Decoder, Summary};

/// An index frame is written when this many blocks have none.
const INDEX_EVERY_BLOCKS: usize = 4096;

/// What a recovered dump holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recovered {
    /// What was read, and what is wrong with it or missing.
    pub summary: Summary,
    /// How many records were written, loss statements included.
    pub records: u64,
    /// How many bytes were written.
    pub bytes: u64,
    /// Whether the dump was sealed. It is not if it is unknown what the writer had still to write, so
    /// that later readers are told again.
    pub is_sealed: bool,
}

/// Writes everything intact in a dump and in the [rings](crate::Recovery) of its writer as one dump.
///
/// `dumps` is the file, and the dump of its rings if they were found. Frames are copied as they are; the
/// rings' records follow, in the order of each ring. Damaged frames and the rest of a torn write are not
/// copied.
///
/// Reads everything twice; takes the memory of a [`Decoder`] and of an index.
///
/// # Errors
/// If `out` takes no more.
pub fn recover(dumps: &[Dump], out: &mut impl Write) -> io::Result<Recovered> {
    let mut decoder = Decoder::new(dumps);
    let _ = decoder.for_each(|_| ControlFlow::Continue(()));
    let summary = decoder.summary();
    let file = dumps.iter().find(|dump| !dump.is_from_rings());
    let rings = dumps.iter().find(|dump| dump.is_from_rings());
    // That a ring was lost with the writer is stated in the dump itself.
    let is_stated = |damage: &Damage| {
        matches!(
            damage.cause,
            DamageCause::RingLost { .. } | DamageCause::Rings(RingDamage::Unlisted { .. })
        )
    };
    let are_rings_whole = rings.is_none_or(|rings| rings.damage().iter().all(is_stated));
    let is_sealed = file.is_some() && summary.unfinished.is_empty() && are_rings_whole;

    let mut copy = Copy::new(out);
    if let Some(first) = file.or(rings) {
        let facts = rings.and_then(Dump::rings);
        let sequence = match (file, facts.and_then(|facts| facts.written)) {
            (Some(file), _) => file.header().sequence,
            (None, Some((sequence, _))) => sequence,
            (None, None) => 0,
        };
        copy.put(&FileHeader { sequence, ..*first.header() }.encode())?;
    }
    for dump in file.into_iter().chain(rings) {
        let starts = rings.filter(|_| !dump.is_from_rings()).and_then(Dump::rings);
        copy.dump(dump, |ring| starts.and_then(|rings| rings.starts.get(&ring)))?;
    }
    if is_sealed {
        let continues = file.and_then(Dump::end).is_some_and(|end| end.continues);
        copy.put_end(summary.lost, continues)?;
    }
    let (records, bytes) = copy.finish()?;
    Ok(Recovered { summary, records, bytes, is_sealed })
}

/// A dump that is being written, of the frames of others.
pub(crate) struct Copy<'o, W> {
    out: &'o mut W,
    at: u64,
    sequence: u32,
    index: Index,
    records: u64,
    /// The number of each ring's next record.
    next: BTreeMap<u32, u64>,
    explained: Explained,
}

/// What the copy has stated.
#[derive(Default)]
struct Explained {
    threads: BTreeSet<u32>,
    clock: BTreeSet<(u64, i64)>,
}

impl<'o, W: Write> Copy<'o, W> {
    pub(crate) fn new(out: &'o mut W) -> Self {
        Self {
            out,
            at: 0,
            sequence: 0,
            index: Index::default(),
            records: 0,
            next: BTreeMap::new(),
            explained: Explained::default(),
        }
    }

    /// Writes the last index, and the end.
    pub(crate) fn put_end(&mut self, lost: u64, continues: bool) -> io::Result<()> {
        self.put_index()?;
        let end = End { index: self.index.previous, records: self.records, lost, continues };
        let mut payload = Vec::new();
        end.encode(&mut payload);
        self.frame(FrameKind::End as u8, &payload).map(drop)
    }

    /// Returns how many records and bytes were written.
    pub(crate) fn finish(self) -> io::Result<(u64, u64)> {
        self.out.flush()?;
        Ok((self.records, self.at))
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    /// Writes a frame, and returns where it stands.
    fn frame(&mut self, kind: u8, payload: &[u8]) -> io::Result<u64> {
        let at = self.at;
        let header = FrameHeader {
            kind,
            sequence: self.sequence,
            payload_bytes: payload.len() as u32,
            payload_crc: crc32fast::hash(payload),
        };
        self.sequence = self.sequence.wrapping_add(1);
        self.put(&header.encode())?;
        self.put(payload)?;
        let padding = payload.len().next_multiple_of(ALIGNMENT) - payload.len();
        self.put(&[0; ALIGNMENT][..padding])?;
        Ok(at)
    }

    /// Copies the frames of a dump in their order.
    fn dump<'s>(
        &mut self,
        dump: &Dump,
        start: impl Fn(u32) -> Option<&'s RingStart>,
    ) -> io::Result<()> {
        let tables = dump.tables();
        let mut others = tables.others.iter().copied().peekable();
        for block in dump.blocks() {
            while let Some(at) = others.next_if(|&at| at < block.offset) {
                self.other(dump, at)?;
            }
            self.block(dump, block, start(block.header.ring))?;
        }
        others.try_for_each(|at| self.other(dump, at))
    }

    /// The kind and the payload of a frame, if it is whole.
    pub(crate) fn whole_frame(dump: &Dump, at: u64) -> Option<(u8, &[u8])> {
        let frame = dump.bytes().get(usize::try_from(at).ok()?..)?;
        let header = FrameHeader::decode(frame)?;
        let end = FrameHeader::BYTES.saturating_add(header.payload_bytes as usize);
        let payload = frame.get(FrameHeader::BYTES..end)?;
        header.matches(payload).then_some((header.kind, payload))
    }

    /// Copies a frame that is no block, if it is whole and says something new.
    pub(crate) fn other(&mut self, dump: &Dump, at: u64) -> io::Result<()> {
        let Some((number, payload)) = Self::whole_frame(dump, at) else { return Ok(()) };
        let kind = FrameKind::from_u8(number);
        if dump.is_from_rings() && !self.explained.is_new(kind, payload) {
            return Ok(());
        }
        self.explained.note(kind, payload);
        let at = self.frame(number, payload)?;
        if matches!(
            kind,
            Some(
                FrameKind::Dictionary
                    | FrameKind::Thread
                    | FrameKind::Clock
                    | FrameKind::Loss
                    | FrameKind::Volatile
            )
        ) {
            self.index.metadata.push(at);
        }
        Ok(())
    }

    /// Copies a block, if it holds something new; of one that is cut, the records before the cut.
    pub(crate) fn block(
        &mut self,
        dump: &Dump,
        block: &Block,
        ring: Option<&RingStart>,
    ) -> io::Result<()> {
        let header = &block.header;
        let behind = header.first_record.saturating_add(header.count.into());
        let next = self.next.get(&header.ring).copied();
        // An empty block tells of a gap, and comes only once.
        let is_known = next.is_some_and(|next| behind <= next && header.count > 0);
        let is_in_ring = ring.is_some_and(|ring| ring.replaces(block));
        if is_known || is_in_ring {
            return Ok(());
        }
        let Ok(stored) = dump.stored_body(block) else { return Ok(()) };
        if !block.is_cut {
            // Of a later version, perhaps: whoever has that can read it.
            let Some(payload) = dump.block_payload(block) else { return Ok(()) };
            return self.put_block(header, payload);
        }
        // Of a compressed body that is cut nothing can be read.
        let Ok(body) = Unpacker::default().unpack(&stored) else { return Ok(()) };
        let Ok(mut records) = body.records(header) else { return Ok(()) };
        let mut rest = &*body;
        let mut count = 0;
        while let Some(Ok(_)) = records.next() {
            count += 1;
            rest = records.rest();
        }
        let whole = &body[..body.len() - rest.len()];
        if count == 0 {
            return Ok(());
        }
        let header = BlockHeader { count, body_bytes: whole.len() as u32, ..*header };
        self.put_block(&header, &[&header.encode()[..], whole].concat())
    }

    /// Writes a block, and the summary that tells what is in it, if there is one.
    pub(crate) fn put_summed_block(
        &mut self,
        header: &BlockHeader,
        payload: &[u8],
        summary: &mut SummaryBuilder,
    ) -> io::Result<()> {
        self.put_block(header, payload)?;
        if !summary.is_whole() {
            return Ok(());
        }
        let mut said = Vec::new();
        summary.encode(crc32fast::hash(payload), &mut said);
        self.frame(FrameKind::Summary as u8, &said).map(drop)
    }

    pub(crate) fn put_block(&mut self, header: &BlockHeader, payload: &[u8]) -> io::Result<()> {
        let at = self.frame(FrameKind::Block as u8, payload)?;
        self.records += u64::from(header.count);
        let behind = header.first_record.saturating_add(header.count.into());
        self.next.insert(header.ring, behind);
        self.index.blocks.push((at, *header));
        if self.index.blocks.len() >= INDEX_EVERY_BLOCKS { self.put_index() } else { Ok(()) }
    }

    fn put_index(&mut self) -> io::Result<()> {
        let index = std::mem::take(&mut self.index);
        let mut payload = Vec::new();
        index.encode(&mut payload);
        self.index.previous = self.frame(FrameKind::Index as u8, &payload)?;
        Ok(())
    }
}

impl Explained {
    fn note(&mut self, kind: Option<FrameKind>, payload: &[u8]) {
        match kind {
            Some(FrameKind::Thread) => {
                self.threads.extend(Thread::decode(payload).ok().map(|thread| thread.ring));
            }
            Some(FrameKind::Clock) => self.clock.extend(pair(payload)),
            _ => {}
        }
    }

    /// Whether what the rings' dump says here has not been said by the file. Call sites may be
    /// stated twice.
    fn is_new(&self, kind: Option<FrameKind>, payload: &[u8]) -> bool {
        match kind {
            Some(FrameKind::Thread) => {
                Thread::decode(payload).is_ok_and(|thread| !self.threads.contains(&thread.ring))
            }
            Some(FrameKind::Clock) => pair(payload).is_some_and(|pair| !self.clock.contains(&pair)),
            _ => true,
        }
    }
}

/// The counter and the UTC of a clock frame.
fn pair(payload: &[u8]) -> Option<(u64, i64)> {
    ClockPair::decode(payload).map(|pair| (pair.counter, pair.unix_ns))
}
