//! What is put behind the whole frames of a dump.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use stenolog_format::dictionary::CallSite;
use stenolog_format::frame::{FrameKind, FrameWriter};
use stenolog_format::index::{End, Index};
use stenolog_format::recovery::{RingRecord, put_blocks};
use stenolog_ringbuf::file::Recovered;
use stenolog_session::failpoint::{self, Step};

use super::share::Share;
use super::{check_size_limit, odd, of_dump};
use crate::ring_dir::NotRecovered;

/// An index frame is written when this many blocks have none.
const INDEX_EVERY_BLOCKS: usize = 4096;

/// The buffer is written when it has grown beyond this.
const WRITE_AT_BYTES: usize = 1 << 18;

/// The end of a dump.
pub(super) struct Append<'d> {
    pub(super) dump: &'d File,
    /// Where the buffer will stand.
    pub(super) at: u64,
    pub(super) buffer: Vec<u8>,
    pub(super) frames: FrameWriter,
    pub(super) index: Index,
    pub(super) records: u64,
    /// Why nothing can be written any more.
    pub(super) failed: Option<io::Error>,
}

impl Append<'_> {
    fn end(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    pub(super) fn metadata(&mut self, kind: FrameKind, fill: impl FnOnce(&mut Vec<u8>)) {
        self.index.metadata.push(self.end());
        self.frames.frame(&mut self.buffer, kind, fill);
        self.write_if(WRITE_AT_BYTES);
    }

    pub(super) fn ring(
        &mut self,
        share: &Share,
        ring: &Recovered,
        sites: &BTreeMap<u32, CallSite>,
    ) -> Result<(), NotRecovered> {
        let records = ring.records().skip(share.skip).map(|record| RingRecord {
            position: record.position(),
            tag: record.tag(),
            payload: record.payload(),
        });
        let put = put_blocks(
            share.span,
            records,
            |tag| sites.get(&tag),
            |header, payload| {
                self.index.blocks.push((self.end(), *header));
                self.frames.frame(&mut self.buffer, FrameKind::Block, |out| {
                    out.extend_from_slice(payload);
                });
                self.records = self.records.saturating_add(header.count.into());
                self.put_index_if(INDEX_EVERY_BLOCKS);
                self.write_if(WRITE_AT_BYTES);
            },
        );
        // It is what it was when it was looked at.
        let is_same = put.records == share.records as u64 && put.unreadable == 0;
        if is_same { Ok(()) } else { Err(odd(&share.name)) }
    }

    fn put_index_if(&mut self, blocks: usize) {
        if self.index.blocks.len() < blocks {
            return;
        }
        let offset = self.end();
        let index = std::mem::take(&mut self.index);
        self.frames.frame(&mut self.buffer, FrameKind::Index, |out| index.encode(out));
        self.index.previous = offset;
    }

    fn write_if(&mut self, bytes: usize) {
        if self.buffer.len() < bytes {
            return;
        }
        if self.failed.is_none() {
            let write = || self.dump.write_all_at(&self.buffer, self.at);
            self.failed = check_size_limit(self.end()).and_then(|()| write()).err();
            failpoint::after(Step::EarlierWritten);
        }
        self.at = self.end();
        self.buffer.clear();
    }

    pub(super) fn finish(mut self, lost: u64) -> Result<(), NotRecovered> {
        self.put_index_if(0);
        let end = End { index: self.index.previous, records: self.records, lost, continues: false };
        self.frames.frame(&mut self.buffer, FrameKind::End, |out| end.encode(out));
        self.write_if(0);
        self.failed.map_or(Ok(()), |error| Err(of_dump(error)))
    }
}
