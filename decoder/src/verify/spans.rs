//! Checks of contexts, which only records in spans need, and the number of span events.

use stenolog_format::block::BlockHeader;
use stenolog_format::span::SpanContext;

use super::damage_log::DamageLog;
use crate::dump::{Block, Dump, Unpacker};
use crate::model::damage::{DamageCause, MetadataError};

/// Checks that each intact context can be read, comes before a block, and has its rings.
pub(super) fn check(dump: &Dump, damage: &mut DamageLog) {
    let blocks = dump.blocks();
    for &offset in &dump.tables().contexts {
        let Some((header, payload)) = dump.summary_frame(offset) else { continue };
        // The scan has told if the checksum is wrong.
        if !header.matches(payload) {
            continue;
        }
        let end = offset.saturating_add(header.frame_bytes());
        let why = match SpanContext::decode(payload) {
            Err(why) => MetadataError::malformed(why),
            Ok(context) => {
                // Of a block that is cut, not all parts may be known.
                let first = blocks.index_of(end);
                let is_cut = |at: usize| blocks.get(at).is_none_or(|block| block.is_cut);
                let Some(first) = first.filter(|&at| !is_cut(at)) else { continue };
                let parts = blocks.iter().skip(first).take_while(|part| part.offset == end);
                let mut rings = context.parts().iter().map(|(ring, _)| *ring);
                let are_same =
                    parts.map(|part| part.header.ring).all(|ring| rings.next() == Some(ring));
                if are_same && rings.next().is_none() {
                    continue;
                }
                MetadataError::malformed("it has other rings than the block after it")
            }
        };
        damage.report(offset, header.frame_bytes(), DamageCause::Metadata { kind: "context", why });
    }
}

/// How many records are events of spans, in the blocks that `is_counted` wants. Reads the blocks that may have some.
pub(crate) fn count_events(dump: &Dump, is_counted: impl Fn(&Block) -> bool) -> u64 {
    if !dump.has_spans() {
        return 0;
    }
    let is_event = |tag| dump.site(tag).is_some_and(|site| site.is_span_event());
    let (mut events, mut unpacker) = (0, Unpacker::default());
    for (index, block) in dump.blocks().iter().enumerate() {
        let summary = dump.summary(index);
        let may_have = || summary.is_none_or(|of| of.sites().any(|id| id.is_none_or(is_event)));
        if !is_counted(&block) || dump.is_before_spans(block.offset) || !may_have() {
            continue;
        }
        // A group is opened once for all its parts.
        let is_first = block.part == 0 || block.header.encoding != BlockHeader::GROUP;
        if is_first && dump.stored_body(&block).is_err() {
            continue;
        }
        let Ok(body) = unpacker.unpack_some(&dump.stored_unchecked(&block), |_| false) else {
            continue;
        };
        if let Ok(records) = body.records(&block.header) {
            let tags = records.map_while(Result::ok).map(|record| record.tag);
            events += tags.filter(|&tag| is_event(tag)).count() as u64;
        }
        unpacker.take_back(body);
    }
    events
}
