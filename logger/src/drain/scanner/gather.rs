//! From a ring's records to a block.

use std::sync::Arc;

use stenolog_format::block::{BlockBuilder, SitePlan};
use stenolog_format::dictionary::{CallSite, Level, TimeSource};
use stenolog_format::loss::Loss;
use stenolog_format::summary::SummaryBuilder;
use stenolog_ringbuf::{Consumer, Record};

use crate::registry;

/// So much of a ring is packed at once: what is read of it first stays in the first cache.
const PART_BYTES: usize = 1 << 14;

/// A call site that the drain has met.
pub(super) struct KnownSite {
    pub(super) site: Arc<CallSite>,
    pub(super) plan: Arc<SitePlan>,
    /// Whether the file has it.
    pub(super) is_stated: bool,
}

/// The call sites that the drain has met, and those that the file does not have yet.
pub(super) struct Sites<'a> {
    pub(super) known: &'a mut Vec<KnownSite>,
    pub(super) unstated: Vec<Arc<CallSite>>,
}

impl Sites<'_> {
    pub(super) fn sum_up(&self, summaries: &mut SummaryBuilder, record: Record<'_>) {
        let tag = record.tag();
        if tag == CallSite::LOSS_ID {
            return;
        }
        summaries.note(tag, record.payload().get(8..).unwrap_or_default(), || {
            let at = tag.checked_sub(CallSite::FIRST_ID);
            let known = at.and_then(|at| self.known.get(at as usize));
            known.is_none_or(|known| known.site.has_text())
        });
    }

    #[inline]
    fn get(&mut self, tag: u32) -> Option<&KnownSite> {
        let at = tag.checked_sub(CallSite::FIRST_ID)? as usize;
        if self.known.get(at).is_none_or(|site| !site.is_stated) {
            self.meet(at);
        }
        self.known.get(at)
    }

    #[cold]
    fn meet(&mut self, at: usize) {
        if at >= self.known.len() {
            let more = registry::entries_from(self.known.len()).into_iter();
            self.known.extend(more.map(|site| {
                let plan = Arc::new(SitePlan::new(&site));
                KnownSite { site, plan, is_stated: false }
            }));
        }
        if let Some(site) = self.known.get_mut(at) {
            site.is_stated = true;
            self.unstated.push(Arc::clone(&site.site));
        }
    }
}

/// What is found on the way through a batch.
pub(super) struct Gathered<'a> {
    pub(super) sites: Sites<'a>,
    /// The last loss statement.
    pub(super) loss: Option<Loss>,
}

impl Gathered<'_> {
    /// Packs records of a ring; returns the position behind the last one. `all` tells whether they
    /// are what their call sites say.
    pub(super) fn pack_all(
        &mut self,
        builder: &mut BlockBuilder,
        consumer: &mut Consumer,
        start: u64,
        limit: usize,
        all: &mut bool,
    ) -> u64 {
        let mut end = start;
        let Self { sites, loss } = self;
        let mut plan_of = |tag| sites.get(tag).map(|site| Arc::clone(&site.plan));
        loop {
            let left = limit - (end - start) as usize;
            let part = consumer.batch_from(end, left.min(PART_BYTES));
            // A record that is longer than a part may be alone in its block, but not behind others.
            let is_too_long = end > start && part.len_bytes() > left.max(PART_BYTES);
            if is_too_long {
                break;
            }
            end = part.end();
            if part.is_empty() {
                break;
            }
            let (first, second) = part.raw_slices();
            *all = builder
                .push_raw(first, &mut plan_of)
                .and_then(|()| builder.push_raw(second, &mut plan_of))
                .is_ok();
            if !*all || (end - start) as usize >= limit {
                break;
            }
        }
        *loss = builder.last_loss().or(*loss);
        end
    }

    /// Takes what the header of a raw block says of the record.
    pub(super) fn note(&mut self, builder: &mut BlockBuilder, record: Record<'_>) {
        let word = record.payload().first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        if record.tag() == CallSite::LOSS_ID {
            self.loss = Loss::decode(record.payload());
            builder.note_loss(word);
        } else if let Some(site) = self.sites.get(record.tag()) {
            builder.note(site.site.level, site.site.time, word);
        } else {
            // Only a bug can get here; the block counts what it holds all the same.
            builder.note(Level::Error, TimeSource::Counter, word);
        }
    }
}
