//! Raw blocks: the bytes of the ring, and a header that is collected from them.

use super::{BEGUN, BlockBuilder, SIGN};
use crate::block::BlockHeader;
use crate::block::raw::RawHeader;
use crate::dictionary::{CallSite, Level, TimeSource};
use crate::loss::Loss;

impl BlockBuilder {
    /// Appends the payload of a block's frame with `body` unchanged from the ring. The header describes the
    /// records that were pushed since [`begin`](Self::begin).
    ///
    /// # Panics
    /// If no block was begun.
    pub fn finish_raw(
        &mut self,
        end_position: u64,
        body: &[&[u8]],
        out: &mut Vec<u8>,
    ) -> BlockHeader {
        let mut header = self.header.take().expect(BEGUN);
        header.encoding = 0;
        header.end_position = end_position;
        header.note_times(&self.counters, &self.unix);
        header.body_bytes = body.iter().map(|part| part.len()).sum::<usize>() as u32;
        out.extend_from_slice(&header.encode());
        body.iter().for_each(|part| out.extend_from_slice(part));
        header
    }

    /// Takes note of a record of a block that will be [raw](Self::finish_raw).
    ///
    /// # Panics
    /// If no block was begun.
    pub fn note(&mut self, level: Level, time: TimeSource, time_word: u64) {
        let header = self.header.as_mut().expect(BEGUN);
        header.levels |= level.bit();
        header.count += 1;
        match time {
            TimeSource::Counter => self.counters.note(time_word),
            TimeSource::UnixNanos => self.unix.note(time_word ^ SIGN),
        };
    }

    /// Takes note of records of a block that will be [raw](Self::finish_raw), in the form that they have in a ring,
    /// with the runs of their headers: see [`push_runs`](Self::push_runs). `site_of` is called once a run.
    ///
    /// # Panics
    /// If no block was begun.
    pub fn note_runs(
        &mut self,
        records: &[u8],
        runs: impl Iterator<Item = (u64, u32)>,
        mut site_of: impl FnMut(u32) -> (Level, TimeSource),
    ) {
        let mut rest = records;
        let mut runs = runs;
        while !rest.is_empty()
            && let Some((word, bytes)) = runs.next()
        {
            let header = RawHeader::read(word.to_le_bytes());
            let (run, after) = rest.split_at(rest.len().min(bytes as usize));
            rest = after;
            if header.is_dead {
                continue;
            }
            let of = run.chunks(header.span()).filter_map(|record| {
                record.get(RawHeader::BYTES..).and_then(<[u8]>::first_chunk::<8>)
            });
            if header.tag == CallSite::LOSS_ID {
                of.for_each(|time| self.note_loss(u64::from_le_bytes(*time)));
                let last = run.len().checked_sub(header.span()).and_then(|at| run.get(at..));
                let last = last.and_then(|last| Loss::decode(last.get(RawHeader::BYTES..)?));
                self.last_loss = last.or(self.last_loss);
            } else {
                let (level, time) = site_of(header.tag);
                of.for_each(|word| self.note(level, time, u64::from_le_bytes(*word)));
            }
        }
    }

    /// Takes note of a loss statement in a block that will be [raw](Self::finish_raw).
    ///
    /// # Panics
    /// If no block was begun.
    pub fn note_loss(&mut self, counter: u64) {
        let header = self.header.as_mut().expect(BEGUN);
        header.flags |= BlockHeader::HAS_LOSS;
        header.count += 1;
        self.counters.note(counter);
    }
}
