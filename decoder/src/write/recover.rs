//! Recovery of one whole file from an unsealed dump and its writer's rings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::ops::ControlFlow;

use stenolog_format::block::BlockHeader;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::Thread;
use stenolog_format::frame::{FileHeader, FrameKind};
use stenolog_format::summary::SummaryBuilder;
use stenolog_session::writer::{DumpWriter, WRITE_AT_BYTES};

use super::contexts::{Contexts, PartEvents};
use crate::dump::{Block, Dump, RingStart, Unpacker};
use crate::model::damage::{Damage, DamageCause, RingDamage};
use crate::read::{Decoder, Summary};

/// The result of [`recover`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecoverReport {
    /// The summary of what was read, including damage and losses.
    pub summary: Summary,
    /// How many records were written, loss statements included.
    pub records: u64,
    /// How many bytes were written.
    pub bytes: u64,
    /// Whether the dump was sealed. It is left unsealed if it is unknown what the writer had not written yet,
    /// so later readers are told so too.
    pub is_sealed: bool,
}

/// Writes everything intact in a dump and in the [rings](crate::Recovery) of its writer as one dump.
///
/// `dumps` is the file, and the dump of its rings if they were found. Frames are copied as they are; the
/// rings' records follow, in the order of each ring. Damaged frames and the rest of a torn write are not
/// copied.
///
/// Reads everything twice, and takes the memory of a [`Decoder`] and of an index.
///
/// # Examples
///
/// ```
/// use stenolog_decoder::{Dump, DumpState, recover};
///
/// # let mut bytes = stenolog_testkit::sample();
/// # bytes.truncate(bytes.len() - 1);
/// let cut = Dump::from_bytes("app.steno", bytes)?; // its last byte is missing
/// let mut whole = Vec::new();
/// let recovered = recover(&[cut], &mut whole)?;
/// assert_eq!((recovered.records, recovered.is_sealed), (4, false));
/// assert_eq!(recovered.bytes, whole.len() as u64);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If writing to `out` fails.
pub fn recover(dumps: &[Dump], out: &mut impl Write) -> io::Result<RecoverReport> {
    let dumps: Vec<Dump> = dumps.iter().map(|dump| dump.whole().into_owned()).collect();
    let dumps = &dumps[..];
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

    let Some(first) = file.or(rings) else {
        out.flush()?;
        return Ok(RecoverReport { summary, records: 0, bytes: 0, is_sealed });
    };
    let facts = rings.and_then(Dump::rings);
    let sequence = match (file, facts.and_then(|facts| facts.written)) {
        (Some(file), _) => file.header().sequence,
        (None, Some((sequence, _))) => sequence,
        (None, None) => 0,
    };
    let mut copy = FrameCopier::new(FileHeader { sequence, ..*first.header() }, out);
    // What rings in memory held may still be in the tail.
    let tail = file.and_then(Dump::tail_dump);
    for dump in file.into_iter().chain(rings).chain(tail) {
        let is_file = !dump.is_from_rings() && !dump.is_tail();
        let starts = rings.filter(|_| is_file).and_then(Dump::rings);
        copy.dump(dump, |ring| starts.and_then(|rings| rings.starts.get(&ring)))?;
    }
    if is_sealed {
        let continues = file.and_then(Dump::end).is_some_and(|end| end.continues);
        copy.put_end(summary.lost, continues);
    }
    let (records, bytes) = copy.finish()?;
    Ok(RecoverReport { summary, records, bytes, is_sealed })
}

/// Writes one segment of the frames of other dumps.
pub(crate) struct FrameCopier<'o, W> {
    out: &'o mut W,
    writer: DumpWriter,
    /// The number of each ring's next record.
    next: BTreeMap<u32, u64>,
    /// Counter and UTC of the clock pairs in the segment.
    clock: BTreeSet<(u64, i64)>,
    contexts: Contexts,
}

impl<'o, W: Write> FrameCopier<'o, W> {
    /// Begins a segment with its file header.
    pub(crate) fn new(header: FileHeader, out: &'o mut W) -> Self {
        Self {
            out,
            writer: DumpWriter::begin_segment(header),
            next: BTreeMap::new(),
            clock: BTreeSet::new(),
            contexts: Contexts::default(),
        }
    }

    /// Writes the last index, and the end.
    pub(crate) fn put_end(&mut self, lost: u64, continues: bool) {
        self.writer.finish_segment(lost, continues);
    }

    /// Writes what is left. Returns how many records and bytes were written.
    pub(crate) fn finish(mut self) -> io::Result<(u64, u64)> {
        self.write_if(0)?;
        self.out.flush()?;
        Ok((self.writer.records(), self.writer.written_bytes()))
    }

    /// Writes what is pending, if it is as many bytes.
    fn write_if(&mut self, bytes: usize) -> io::Result<()> {
        let pending = self.writer.pending();
        if pending.len() >= bytes {
            self.out.write_all(pending)?;
            let written = pending.len();
            self.writer.advance(written);
        }
        Ok(())
    }

    /// Copies the frames of a dump in their order.
    fn dump<'s>(
        &mut self,
        dump: &Dump,
        start: impl Fn(u32) -> Option<&'s RingStart>,
    ) -> io::Result<()> {
        self.contexts.begin();
        let tables = dump.tables();
        let mut others = tables.others.iter().copied().peekable();
        let mut next = 0;
        while let Some(first) = dump.blocks().get(next) {
            while let Some(at) = others.next_if(|&at| at < first.offset) {
                self.other(dump, at)?;
            }
            let parts = dump.blocks().iter().skip(next);
            let parts: Vec<Block> = parts.take_while(|part| part.offset == first.offset).collect();
            match &parts[..] {
                [block] => self.block(dump, block, start(block.header.ring))?,
                parts => self.parts(dump, parts, &start)?,
            }
            next += parts.len();
            if let Some(at) = dump.blocks().summary_offset(next - 1) {
                self.other(dump, at)?;
            }
        }
        others.try_for_each(|at| self.other(dump, at))
    }

    /// Copies a frame that is no block, if it is whole and says something new.
    pub(crate) fn other(&mut self, dump: &Dump, at: u64) -> io::Result<()> {
        let Some((kind, payload)) = dump.whole_frame(at) else { return Ok(()) };
        let is_new = match FrameKind::from_u8(kind) {
            Some(FrameKind::Thread) => match Thread::decode(payload) {
                Ok(Thread { ring, .. }) => {
                    let is_new = !self.writer.has_thread(ring);
                    self.writer.note_thread(ring);
                    is_new
                }
                Err(_) => false,
            },
            Some(FrameKind::Clock) => ClockPair::decode(payload)
                .is_some_and(|pair| self.clock.insert((pair.counter, pair.unix_ns))),
            // Call sites may be stated twice.
            _ => true,
        };
        // What the rings' dump repeats, the file has said.
        if (dump.is_from_rings() || dump.is_tail()) && !is_new {
            return Ok(());
        }
        self.writer.copy_frame(kind, payload);
        self.write_if(WRITE_AT_BYTES)
    }

    /// Copies a block of several rings: as it is if all of it is new, otherwise the parts that are.
    fn parts<'s>(
        &mut self,
        dump: &Dump,
        parts: &[Block],
        start: impl Fn(u32) -> Option<&'s RingStart>,
    ) -> io::Result<()> {
        let is_new = |part: &&Block| self.is_new(part, start(part.header.ring));
        let new: Vec<&Block> = parts.iter().filter(is_new).collect();
        let Some(first) = new.first().filter(|first| !first.is_cut) else { return Ok(()) };
        if dump.stored_body(first).is_err() {
            return Ok(());
        }
        let payload = dump.block_payload(first).unwrap_or_default();
        if new.len() == parts.len()
            && let Some(header) = BlockHeader::decode(payload)
        {
            let after = parts.iter().map(|part| (part.header.ring, record_after(&part.header)));
            self.next.extend(after);
            self.contexts.put_of_blocks(dump, parts, &mut self.writer);
            return self.put_block(&header, payload);
        }
        let mut unpacker = Unpacker::default();
        for part in new {
            self.put_rows(dump, part, &mut unpacker)?;
        }
        Ok(())
    }

    /// Writes a part of a block as a block of its ring; `false` if it cannot be read.
    pub(crate) fn put_rows(
        &mut self,
        dump: &Dump,
        part: &Block,
        unpacker: &mut Unpacker,
    ) -> io::Result<bool> {
        let Ok(rows) = unpacker.unpack(&dump.stored_unchecked(part)) else { return Ok(false) };
        let body_bytes = rows.len() as u32;
        let header = BlockHeader { encoding: BlockHeader::PACKED, body_bytes, ..part.header };
        self.contexts.put_of_blocks(dump, &[*part], &mut self.writer);
        self.put_block(&header, &[&header.encode()[..], &rows].concat())?;
        Ok(true)
    }

    /// Whether the output and the rings lack records of a block.
    fn is_new(&self, block: &Block, ring: Option<&RingStart>) -> bool {
        let header = &block.header;
        let next = self.next.get(&header.ring).copied();
        // An empty block tells of a gap, and comes only once.
        let is_known = next.is_some_and(|next| record_after(header) <= next && header.count > 0);
        !is_known && !ring.is_some_and(|ring| ring.replaces(block))
    }

    /// Copies a block, if it holds something new; of one that is cut, the records before the cut.
    pub(crate) fn block(
        &mut self,
        dump: &Dump,
        block: &Block,
        ring: Option<&RingStart>,
    ) -> io::Result<()> {
        let header = &block.header;
        if !self.is_new(block, ring) {
            return Ok(());
        }
        let Ok(stored) = dump.stored_body(block) else { return Ok(()) };
        if !block.is_cut {
            // A codec or a layout of a later version is for a later reader.
            let Some(payload) = dump.block_payload(block) else { return Ok(()) };
            self.contexts.put_of_blocks(dump, &[*block], &mut self.writer);
            return self.put_block(header, payload);
        }
        // A compressed body that is cut cannot be read.
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
        self.contexts.put_of_blocks(dump, &[*block], &mut self.writer);
        self.put_block(&header, &[&header.encode()[..], whole].concat())
    }

    /// Copies a whole block, with the context that it needs here.
    pub(crate) fn put_whole_block(
        &mut self,
        dump: &Dump,
        parts: &[Block],
        (header, payload): (&BlockHeader, &[u8]),
    ) -> io::Result<()> {
        self.contexts.put_of_blocks(dump, parts, &mut self.writer);
        self.put_block(header, payload)
    }

    /// Writes the context of a block with these parts, which came from these blocks.
    pub(crate) fn put_context(&mut self, dump: &Dump, parts: &[PartEvents], sources: &[Block]) {
        self.contexts.put(dump, parts, sources, &mut self.writer);
    }

    /// Writes a block and its summary.
    pub(crate) fn put_summed_block(
        &mut self,
        header: &BlockHeader,
        payload: &[u8],
        summary: &mut SummaryBuilder,
    ) -> io::Result<()> {
        self.append_block(header, payload);
        self.writer.put_summary(summary);
        self.write_if(WRITE_AT_BYTES)
    }

    /// Writes a block.
    pub(crate) fn put_block(&mut self, header: &BlockHeader, payload: &[u8]) -> io::Result<()> {
        self.append_block(header, payload);
        self.write_if(WRITE_AT_BYTES)
    }

    fn append_block(&mut self, header: &BlockHeader, payload: &[u8]) {
        self.writer.put_block(|out| {
            out.extend_from_slice(payload);
            *header
        });
        self.next.insert(header.ring, record_after(header));
        self.writer.put_index_if_due();
    }
}

/// The number after a block's last record.
fn record_after(header: &BlockHeader) -> u64 {
    header.first_record.saturating_add(header.count.into())
}

#[cfg(test)]
mod tests;
