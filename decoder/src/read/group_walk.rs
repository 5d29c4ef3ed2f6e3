//! Walk over the records of a part of a group, whose values were read for all parts at once.

use std::sync::Arc;

use stenolog_format::block::{GroupRecord, GroupWords, WordForm, WordKind};
use stenolog_format::dictionary::CallSite;

use super::batch::{BatchRecord, BatchValues, GROUP_BATCH_RECORDS};
use super::block_reader::{BlockStep, Finder, statement};
use crate::dump::{Block, OpenGroup};
use crate::filter::Hits;

/// The position of the walk.
#[derive(Debug)]
pub(super) struct GroupWalk {
    group: Arc<OpenGroup>,
    part: usize,
    /// How many records were passed.
    next: usize,
    kinds: Vec<KindOfWalk>,
}

/// A kind of records.
#[derive(Clone, Copy, Debug)]
struct KindOfWalk {
    /// The index of its call site, and whether a literal is searched for in its values; `None` without a call site.
    selection: Option<(u32, bool)>,
    hits: Hits,
}

impl GroupWalk {
    /// A walk from the first record on; `None` if the group has no words. `select` gets a tag.
    pub(super) fn new(
        group: &Arc<OpenGroup>,
        part: usize,
        mut select: impl FnMut(u32) -> Option<(u32, bool)>,
    ) -> Option<Self> {
        let kinds = group.words()?.kinds().iter();
        let kinds =
            kinds.map(|kind| KindOfWalk { selection: select(kind.tag), hits: Hits::default() });
        Some(Self { kinds: kinds.collect(), group: Arc::clone(group), part, next: 0 })
    }

    /// The next step, and the number of records that the walk passed.
    pub(super) fn find(&mut self, finder: &mut Finder<'_, '_>, block: &Block) -> (BlockStep, u64) {
        let Some(words) = self.group.words() else { return (BlockStep::End, 0) };
        let records = words.part(self.part).get(self.next..).unwrap_or_default();
        let Finder { clock, delivered, batch, plan } = finder;
        let (first, mut walked) = (block.header.first_record, 0);
        for record in records {
            let of_walk = self.kinds.get_mut(record.kind());
            let (Some(kind), Some(of_walk)) = (words.kinds().get(record.kind()), of_walk) else {
                break;
            };
            let Some((site_index, is_sought)) = of_walk.selection else {
                if walked > 0 {
                    // The records before it come first.
                    break;
                }
                self.next += 1;
                return (alone(words, kind, record, first, self.next), 1);
            };
            let index = (self.next + walked) as u32;
            walked += 1;
            let number = first.saturating_add(index.into());
            if kind.form == WordForm::Nothing || number < *delivered {
                continue;
            }
            let (moment, tie) = clock.moment_of(kind.time(record));
            if !plan.filter.wants_time(moment.unix_ns) {
                continue;
            }
            let values = if kind.form == WordForm::Words {
                BatchValues::InGroup(kind.first(record), kind.stride)
            } else {
                let (start, length) = packed(words, kind.first(record));
                if let Some(search) = plan.search.as_ref().filter(|_| is_sought) {
                    // Those of a kind follow each other.
                    let range = start as usize..start as usize + length as usize;
                    if !of_walk.hits.has(search, &words.restored, range) {
                        continue;
                    }
                }
                BatchValues::PackedInGroup(start, length)
            };
            batch.keys.push(clock.key((moment.order_ns, tie)));
            let unix_ns = moment.unix_ns;
            batch.records.push(BatchRecord { unix_ns, site_index, index, values });
            if batch.records.len() == GROUP_BATCH_RECORDS {
                break;
            }
        }
        self.next += walked;
        (if walked == 0 { BlockStep::End } else { BlockStep::Records }, walked as u64)
    }
}

/// The step of a record that is not read together with others, the `number`th one of its part.
fn alone(
    words: &GroupWords,
    kind: &WordKind,
    record: &GroupRecord,
    first: u64,
    number: usize,
) -> BlockStep {
    if kind.tag != CallSite::LOSS_ID {
        let number = first.saturating_add(number as u64 - 1);
        return BlockStep::UnknownCallSite(kind.tag, number);
    }
    let (start, length) = packed(words, kind.first(record));
    let values = words.restored.get(start as usize..);
    let values = values.and_then(|of| of.get(..length as usize));
    statement(kind.time(record), values.unwrap_or_default())
}

/// The place of packed values, and their length.
fn packed(words: &GroupWords, place: u32) -> (u32, u32) {
    let word = words.words.get(place as usize).copied().unwrap_or_default();
    ((word >> 32) as u32, word as u32)
}
