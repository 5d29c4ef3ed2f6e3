//! Checks of the index and of the sums in the end frame, which decoding does not read.

use stenolog_format::block::BlockHeader;
use stenolog_format::frame::FrameHeader;
use stenolog_format::index::Index;

use super::damage_log::DamageLog;
use crate::dump::Dump;
use crate::model::damage::{DamageCause, MetadataError};
use crate::model::state::Tail;

/// Checks that the indexes of a dump can be read and list its blocks.
pub(crate) fn check(dump: &Dump, damage: &mut DamageLog) {
    let mut indexed = 0;
    for &(start, length) in &dump.tables().indexes {
        let offset = (start - FrameHeader::BYTES.min(start)) as u64;
        let bytes = (FrameHeader::BYTES + length) as u64;
        let payload = dump.bytes().get(start..start + length).unwrap_or_default();
        let header = dump.bytes().get(offset as usize..).and_then(FrameHeader::decode);
        if header.is_none_or(|header| !header.matches(payload)) {
            damage.report(offset, bytes, DamageCause::Checksum { kind: "index" });
            continue;
        }
        let limit = dump.metadata_limit();
        let index = if length > limit {
            Err(MetadataError::TooLong { bytes: length, limit })
        } else {
            Index::decode(payload).map_err(MetadataError::malformed)
        };
        match index {
            Ok(index) => indexed += compare(dump, offset, &index, damage),
            Err(why) => {
                damage.report(offset, bytes, DamageCause::Metadata { kind: "index", why });
            }
        }
    }
    let sealed = dump.tail() == Tail::Sealed;
    let has_index = dump.end().is_some_and(|end| end.index != 0);
    let blocks = dump.blocks().frames() as u64;
    if sealed && has_index && indexed != blocks && damage.is_empty() {
        disagree(dump.len_bytes(), "the index", indexed, blocks, damage);
    }
}

/// Compares an index with the blocks, and returns how many it lists.
fn compare(dump: &Dump, offset: u64, index: &Index, damage: &mut DamageLog) -> u64 {
    let blocks = dump.blocks();
    let is_there = |(offset, header): &&(u64, BlockHeader)| {
        // That of the whole block, where the list has those of its parts.
        let found = blocks.index_of(*offset).and_then(|found| blocks.get(found));
        let payload = found.as_ref().and_then(|block| dump.block_payload(block));
        payload.and_then(BlockHeader::decode).is_some_and(|found| found == *header)
    };
    let right = index.blocks.iter().filter(is_there).count() as u64;
    let stated = index.blocks.len() as u64;
    if right != stated {
        disagree(offset, "an index of blocks", stated, right, damage);
    }
    stated
}

/// Compares the sums in the end frame with what was counted, unless other damage explains a difference.
pub(crate) fn check_end(dump: &Dump, records: u64, lost: u64, damage: &mut DamageLog) {
    let Some(end) = dump.end().filter(|_| damage.is_empty()) else { return };
    let offset = dump.len_bytes();
    if end.records != records {
        disagree(offset, "the end's count of records", end.records, records, damage);
    }
    // The sum is that of the whole session, and earlier files may have stated a part of it.
    if lost > end.lost || lost < end.lost && dump.header().sequence == 0 {
        disagree(offset, "the end's count of losses", end.lost, lost, damage);
    }
}

fn disagree(offset: u64, what: &'static str, stated: u64, found: u64, damage: &mut DamageLog) {
    damage.report(offset, 0, DamageCause::Disagrees { what, stated, found });
}
