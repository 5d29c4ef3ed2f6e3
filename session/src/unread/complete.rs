//! The completion of a dump: explanations, records, losses and the end, after its last whole frame.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;

use stenolog_format::dictionary::Thread;
use stenolog_format::frame::FrameKind;
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::recovery::put_blocks;
use stenolog_format::volatile::VolatileRing;
use stenolog_ringbuf::file::Recovered;

use super::NotRecovered;
use super::contents::DumpContents;
use super::dump_tail::TailShare;
use super::explanations::Explanations;
use super::judge::{Share, share_records};
use crate::dir::check_size_limit;
use crate::failpoint::{self, Step};
use crate::positioned;
use crate::writer::{DumpWriter, WRITE_AT_BYTES};

/// The number of bytes that are copied at once where a file cannot be copied by reference.
const COPIED_AT_ONCE: usize = 1 << 20;

/// The parts that a dump lacks.
pub(super) struct Missing<'t> {
    /// Of each ring, in the order of their ids: a ring follows the one that it continues.
    pub(super) shares: Vec<Share>,
    /// Of rings that no directory has.
    pub(super) of_tail: Vec<TailShare<'t>>,
    /// The rings that died with their process.
    pub(super) volatile: Vec<VolatileRing>,
    /// The records of calls that got no ring.
    pub(super) ringless: Loss,
}

/// Appends everything that the dump lacks, and its end. `read` reads the ring of a share again.
pub(super) fn complete(
    dump: &File,
    contents: DumpContents,
    explanations: &Explanations,
    missing: &Missing<'_>,
    read: impl Fn(&Share) -> Result<Recovered, NotRecovered>,
) -> Result<(), NotRecovered> {
    let rings = contents.rings.iter().map(|(&ring, has)| (ring, has.lost));
    let rings: BTreeMap<u32, u64> = rings.collect();
    let of_shares = missing.shares.iter().flat_map(|share| share.sites.iter().copied());
    let of_tail = missing.of_tail.iter().flat_map(TailShare::sites);
    let mut append =
        Append::begin(dump, contents, explanations, of_shares.chain(of_tail).collect());
    let mut lost = rings.clone();
    for share in &missing.shares {
        let id = share.span.ring;
        let stated = rings.get(&id).copied().unwrap_or_default();
        // What neither the dump states nor a record of the ring.
        let has_loss = share.loss.total() > stated.max(share.lost_by_records);
        if (share.records > 0 || has_loss)
            && let Some(thread) = explanations.threads.get(&id)
        {
            append.writer.state_thread(thread);
        }
        if share.records > 0 {
            let ring = read(share)?;
            append.records(share, &ring, explanations)?;
        }
        if has_loss {
            let (position, loss) = (share.span.end_position, share.loss);
            append.writer.put_loss(&LossFrame { ring: id, position, loss, gone: None });
        }
        let total = stated.max(share.lost_by_records).max(share.loss.total());
        lost.insert(id, total);
        append.write_if(WRITE_AT_BYTES);
    }
    for share in &missing.of_tail {
        append.tail(share, explanations);
        let lost = lost.entry(share.ring).or_default();
        *lost = share.lost().max(*lost);
    }
    let stated = lost.entry(Loss::NO_RING).or_default();
    if missing.ringless.total() > *stated {
        *stated = missing.ringless.total();
        append.writer.state_thread(&Thread::no_ring());
        let (ring, loss) = (Loss::NO_RING, missing.ringless);
        append.writer.put_loss(&LossFrame { ring, position: 0, loss, gone: None });
    }
    for ring in &missing.volatile {
        if let Some(thread) = explanations.threads.get(&ring.ring) {
            append.writer.state_thread(thread);
        }
        append.writer.put_volatile(ring);
    }
    append.writer.finish_segment(lost.into_values().fold(0, u64::saturating_add), false);
    append.end()
}

/// Appends the records of a tail, and no end: it is unknown what its logger committed after them.
pub(super) fn append_tail(
    dump: &File,
    contents: DumpContents,
    explanations: &Explanations,
    of_tail: &[TailShare<'_>],
) -> Result<(), NotRecovered> {
    let sites = of_tail.iter().flat_map(TailShare::sites).collect();
    let has_clock = contents.has_clock;
    let mut append = Append::begin(dump, contents, explanations, sites);
    for payload in explanations.clock.iter().filter(|_| has_clock) {
        append.writer.copy_frame(FrameKind::Clock as u8, payload);
    }
    of_tail.iter().for_each(|share| append.tail(share, explanations));
    append.end()
}

/// The end of a dump.
struct Append<'d> {
    dump: &'d File,
    writer: DumpWriter,
    /// The reason why nothing can be written any more.
    failed: Option<io::Error>,
}

impl<'d> Append<'d> {
    /// Begins after the last whole frame, with the call sites that will be needed.
    fn begin(
        dump: &'d File,
        contents: DumpContents,
        explanations: &Explanations,
        sites: BTreeSet<u32>,
    ) -> Self {
        let DumpContents { segment, threads, has_clock, .. } = contents;
        let mut writer = DumpWriter::resume_segment(segment);
        threads.into_iter().for_each(|ring| writer.note_thread(ring));
        if !has_clock {
            for payload in &explanations.clock {
                writer.copy_frame(FrameKind::Clock as u8, payload);
            }
        }
        let marks = sites.iter().filter_map(|id| explanations.marks.get(id).copied());
        writer.state_marks(&marks.collect::<Vec<_>>());
        let sites = sites.iter().filter_map(|id| explanations.sites.get(id));
        writer.state_all_sites(&sites.collect::<Vec<_>>());
        Self { dump, writer, failed: None }
    }

    fn end(mut self) -> Result<(), NotRecovered> {
        self.write_if(0);
        self.failed.map_or(Ok(()), |error| Err(NotRecovered::of_dump(error)))
    }

    /// Puts what a tail has of a ring.
    fn tail(&mut self, share: &TailShare<'_>, explanations: &Explanations) {
        if let Some(thread) = explanations.threads.get(&share.ring) {
            self.writer.state_thread(thread);
        }
        for (span, records) in share.runs() {
            put_blocks(
                span,
                records.iter().copied(),
                |tag| explanations.sites.get(&tag),
                |header, payload| {
                    self.writer.put_block(|out| {
                        out.extend_from_slice(payload);
                        *header
                    });
                },
            );
            self.write_if(WRITE_AT_BYTES);
        }
    }

    fn records(
        &mut self,
        share: &Share,
        ring: &Recovered,
        explanations: &Explanations,
    ) -> Result<(), NotRecovered> {
        let put = put_blocks(
            share.span,
            share_records(ring, share),
            |tag| explanations.sites.get(&tag),
            |header, payload| {
                self.writer.put_block(|out| {
                    out.extend_from_slice(payload);
                    *header
                });
                self.writer.put_index_if_due();
                self.write_if(WRITE_AT_BYTES);
            },
        );
        // The ring has not changed since it was judged.
        let is_same = put.records == share.records as u64 && put.unreadable == 0;
        if is_same {
            Ok(())
        } else {
            Err(NotRecovered::Gap { ring: share.span.ring, number: share.span.first_record })
        }
    }

    fn write_if(&mut self, bytes: usize) {
        let pending = self.writer.pending();
        if pending.len() < bytes {
            return;
        }
        let length = pending.len();
        if self.failed.is_none() {
            let at = self.writer.written_bytes();
            let write = || positioned::write_all_at(self.dump, pending, at);
            self.failed = check_size_limit(self.writer.end()).and_then(|()| write()).err();
            failpoint::after(Step::EarlierWritten);
        }
        self.writer.advance(length);
    }
}

/// Copies the first `bytes` of a file into an empty one, by reference where the file system can.
pub(super) fn copy_beginning(from: &File, to: &File, bytes: u64) -> io::Result<()> {
    let mut at = 0;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    while at < bytes {
        let (mut of_from, mut of_to) = (at, at);
        let left = usize::try_from(bytes - at).unwrap_or(usize::MAX);
        match rustix::fs::copy_file_range(from, Some(&mut of_from), to, Some(&mut of_to), left) {
            Err(rustix::io::Errno::INTR) => {}
            // Not between these files: the rest is read and written.
            Ok(0) | Err(_) => break,
            Ok(copied) => at += copied as u64,
        }
    }
    let mut chunk = vec![0; COPIED_AT_ONCE.min(usize::try_from(bytes - at).unwrap_or(usize::MAX))];
    while at < bytes {
        let length = chunk.len().min(usize::try_from(bytes - at).unwrap_or(usize::MAX));
        positioned::read_exact_at(from, &mut chunk[..length], at)?;
        positioned::write_all_at(to, &chunk[..length], at)?;
        at += length as u64;
    }
    Ok(())
}
