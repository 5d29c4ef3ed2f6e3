//! Verification of one block: its checksum, its place in its ring, and each of its records.

use stenolog_format::block::{BlockError, BlockHeader, RawRecord, Records};
use stenolog_format::dictionary::CallSite;
use stenolog_format::value::{Cursor, Value, ValueError};

use super::Verifier;
use super::ring_state::{Gap, begins_session, stated_loss};
use super::summary::SummaryCheck;
use crate::dump::Block;
use crate::model::damage::DamageCause;
use crate::model::loss::LossKind;
use crate::model::raw_values::{read_values, recycle};
use crate::model::state::DumpState;

/// The results of reading the records of a block.
#[derive(Default)]
struct Findings {
    /// Records of unknown call sites, and the first one's id.
    unknown: (u32, u32),
    /// Records whose values cannot be read, and why the first one's cannot.
    unreadable: (u32, Option<ValueError>),
    /// Records that the block's summary lacks.
    unsummed: u32,
    /// A buffer.
    values: Vec<Value<'static>>,
}

impl Findings {
    fn unknown(&mut self, id: u32) {
        if self.unknown.0 == 0 {
            self.unknown.1 = id;
        }
        self.unknown.0 += 1;
    }

    fn unreadable(&mut self, why: ValueError) {
        self.unreadable.0 += 1;
        self.unreadable.1.get_or_insert(why);
    }

    /// Whether all records could be read.
    fn is_clean(&self) -> bool {
        self.unknown.0 == 0 && self.unreadable.0 == 0
    }
}

impl Verifier<'_> {
    /// Reports what is wrong with a block.
    fn report_block(&mut self, block: &Block, bytes: u64, cause: DamageCause) {
        self.mark_damaged(block);
        self.damage.report(block.offset, bytes, cause);
    }

    fn mark_damaged(&mut self, block: &Block) {
        if self.damage.counts(block.offset) {
            self.rings.entry(block.header.ring).or_default().mark_damaged();
        }
    }

    pub(super) fn block(&mut self, index: usize, block: &Block) {
        let stored = match self.checked.stored_body(self.dump, block) {
            Ok(stored) => stored,
            Err(cause) => {
                let state = self.rings.entry(block.header.ring).or_default();
                if self.damage.counts(block.offset) {
                    state.skip(block);
                }
                if block.part > 0 {
                    // The first part has told.
                    return self.mark_damaged(block);
                }
                return self.report_block(block, block.frame_bytes(), cause);
            }
        };
        self.check_place(block);
        let body = match self.unpacker.unpack(&stored) {
            Ok(body) => body,
            Err(why) => return self.block_is_unreadable(block, why),
        };
        let mut records = match body.records(&block.header) {
            Ok(records) => records,
            Err(why) => return self.block_is_unreadable(block, why),
        };
        let found = self.records(index, block, &mut records);
        // Raw bodies may end in the dead space and padding of their ring.
        let may_end_late = block.is_cut || block.header.encoding != BlockHeader::PACKED;
        if !may_end_late && records.left() == 0 && found.is_clean() {
            let rest = records.rest().len() as u64;
            if rest > 0 {
                self.report_block(block, rest, DamageCause::Trailing { ring: block.header.ring });
            }
        }
        self.blocks += u64::from(!block.is_cut && block.part == 0);
        self.unpacker.take_back(body);
        self.report_found(block, found);
    }

    /// Reads the records of a block.
    fn records(&mut self, index: usize, block: &Block, records: &mut Records<'_>) -> Findings {
        let ring = block.header.ring;
        let summary = SummaryCheck::of(self.dump, index);
        let mut found = Findings::default();
        loop {
            let left = records.left();
            match records.next() {
                None => break,
                Some(Ok(record)) => {
                    if self.record(ring, &record, summary.as_ref(), &mut found) {
                        let site = self.dump.site(record.tag);
                        let is_event = site.is_some_and(|site| site.is_span_event());
                        self.spans += u64::from(is_event);
                        self.records += u64::from(!is_event);
                        self.rings.entry(ring).or_default().count_record();
                    }
                }
                // A cut block ends early by nature: the tail says so.
                Some(Err(_)) if block.is_cut => {
                    if self.dump.state() != DumpState::Growing {
                        self.lose(LossKind::TornFrame, left.into());
                    }
                    break;
                }
                Some(Err(why)) => {
                    self.lose(LossKind::Unreadable, left.into());
                    let cause = DamageCause::Block { ring, lost: left, why };
                    self.report_block(block, records.rest().len() as u64, cause);
                    break;
                }
            }
        }
        found
    }

    /// Reads a record. `false` if that is impossible.
    fn record(
        &mut self,
        ring: u32,
        record: &RawRecord<'_>,
        summary: Option<&SummaryCheck<'_>>,
        found: &mut Findings,
    ) -> bool {
        if record.tag == CallSite::LOSS_ID {
            let Some(loss) = stated_loss(record.values) else {
                found.unreadable(ValueError::End);
                return false;
            };
            self.rings.entry(ring).or_default().state(&loss);
            return true;
        }
        let Some(site) = self.dump.site(record.tag) else {
            found.unknown(record.tag);
            return false;
        };
        let mut values = recycle(std::mem::take(&mut found.values));
        let cursor = Cursor::new(record.values, record.encoding);
        let result = read_values(cursor, site, &mut values);
        let is_summed = summary.is_none_or(|summary| summary.has(record.tag, &values));
        found.values = recycle(values);
        found.unsummed += u32::from(!is_summed);
        match result {
            Ok(()) => true,
            Err(why) => {
                found.unreadable(why);
                false
            }
        }
    }

    /// None of a block's records can be read.
    fn block_is_unreadable(&mut self, block: &Block, why: BlockError) {
        let lost = block.header.count.into();
        if why != BlockError::Cut {
            self.lose(LossKind::Unreadable, lost);
            self.report_block(block, block.frame_bytes(), block.damage(why));
        } else if self.dump.state() != DumpState::Growing {
            // It ends early by nature: the tail says so.
            self.lose(LossKind::TornFrame, lost);
        }
    }

    fn report_found(&mut self, block: &Block, found: Findings) {
        let ring = block.header.ring;
        if found.unsummed > 0 {
            let cause = DamageCause::Summary { ring, records: found.unsummed };
            self.report_block(block, 0, cause);
        }
        self.lose(LossKind::UnknownCallSite, found.unknown.0.into());
        self.lose(LossKind::Unreadable, found.unreadable.0.into());
        if let (records @ 1.., first) = found.unknown {
            let cause = DamageCause::UnknownSite { ring, records, first };
            self.report_block(block, 0, cause);
        }
        if let (records, Some(first)) = found.unreadable {
            self.report_block(block, 0, DamageCause::Values { ring, records, first });
        }
    }

    /// Each block must begin where the one before it in its ring ended.
    fn check_place(&mut self, block: &Block) {
        let BlockHeader { ring, position, end_position, first_record, .. } = block.header;
        // Readers sort blocks by position: this one would come at the wrong place.
        if end_position < position {
            let cause = DamageCause::Backwards { ring, begin: position, end: end_position };
            self.damage.report(block.offset, 0, cause);
        }
        let begins_session = begins_session(self.dump);
        let state = self.rings.entry(ring).or_default();
        let cause = match state.advance(&block.header, begins_session) {
            None => return,
            Some(Gap::Records { expected, missing, kind }) => {
                self.lose(kind, missing);
                DamageCause::RecordGap { ring, expected, found: first_record }
            }
            Some(Gap::Position { expected }) => {
                DamageCause::PositionGap { ring, expected, found: position }
            }
        };
        self.report_block(block, 0, cause);
    }
}
