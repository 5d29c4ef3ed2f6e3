//! Walk over the records that a search found in a part of a group.

use std::sync::Arc;

use stenolog_format::dictionary::TimeSource;
use stenolog_format::value::Encoding;

use super::batch::{BATCH_RECORDS, BatchRecord, BatchValues};
use super::block_reader::{BlockStep, Finder};
use super::seek::{FoundRecord, Sought};
use crate::dump::Block;

/// The position of the walk.
#[derive(Debug)]
pub(super) struct FoundWalk {
    found: Arc<Sought>,
    part: usize,
    /// How many of them were passed, and how many records of the part.
    next: usize,
    passed: u32,
}

impl FoundWalk {
    /// A walk from the first record on.
    pub(super) const fn new(found: Arc<Sought>, part: usize) -> Self {
        Self { found, part, next: 0, passed: 0 }
    }

    /// The next step, and the number of records of the part that the walk passed.
    pub(super) fn find(&mut self, finder: &mut Finder<'_, '_>, block: &Block) -> (BlockStep, u64) {
        let Self { found, part, next, passed } = self;
        let Finder { clock, delivered, batch, plan } = finder;
        batch.encoding = Encoding::Packed;
        let (header, before) = (&block.header, *passed);
        let rest = found.records(*part).get(*next..).unwrap_or_default();
        *passed = rest.get(BATCH_RECORDS).map_or(header.count, |record| record.index);
        for record in rest.iter().take(BATCH_RECORDS) {
            *next += 1;
            let FoundRecord { index, site_index, time, start, length } = *record;
            if header.first_record.saturating_add(index.into()) < *delivered {
                continue;
            }
            let (moment, tie) = clock.moment(time, TimeSource::Counter);
            if !plan.filter.wants_time(moment.unix_ns) {
                continue;
            }
            let unix_ns = moment.unix_ns;
            let values = BatchValues::InBody(start, length);
            batch.keys.push(clock.key((moment.order_ns, tie)));
            batch.records.push(BatchRecord { unix_ns, site_index, index, values });
        }
        let walked = passed.saturating_sub(before);
        let step = if walked == 0 { BlockStep::End } else { BlockStep::Records };
        (step, walked.into())
    }
}
