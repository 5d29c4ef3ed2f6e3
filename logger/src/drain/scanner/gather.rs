//! From a ring's records to a block.

use std::sync::Arc;

use stenolog_format::block::{BlockBuilder, First, RARE_AFTER_RECORDS, SitePlan};
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

impl KnownSite {
    fn new(site: Arc<CallSite>) -> Self {
        let plan = Arc::new(SitePlan::new(&site));
        Self { site, plan, is_stated: false }
    }
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
            self.known.extend(more.map(KnownSite::new));
        }
        if let Some(site) = self.known.get_mut(at) {
            // It was on its way from a signal handler when it was asked for.
            if site.site.id == 0
                && let Some(entry) = registry::entries_from(at).into_iter().next()
            {
                *site = KnownSite::new(entry);
            }
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

/// Up to where records were packed.
pub(super) struct Packed {
    /// The position behind the last one.
    pub(super) end: u64,
    /// They are what their call sites say.
    pub(super) is_sound: bool,
    /// The block ends before records that are there: rare errors begin, or end, or one comes that is too
    /// long for it.
    pub(super) is_cut: bool,
}

impl Gathered<'_> {
    /// Packs records of a ring, of which so many before had no error: a block in columns then ends where
    /// a rare error begins, or ends.
    pub(super) fn pack_all(
        &mut self,
        builder: &mut BlockBuilder,
        consumer: &mut Consumer,
        start: u64,
        limit: usize,
        without_error: Option<u64>,
    ) -> Packed {
        let mut packed = Packed { end: start, is_sound: true, is_cut: false };
        let Self { sites, loss } = self;
        let (mut has_error, mut is_alone) = (false, false);
        let mut first_of = |tag, before| {
            let site = sites.get(tag)?;
            let is_error = site.site.level == Level::Error;
            let is_rare =
                without_error.is_some_and(|n| n + u64::from(before) >= RARE_AFTER_RECORDS);
            let ends =
                if is_alone { !is_error } else { is_error && is_rare && !has_error && before > 0 };
            is_alone |= is_error && is_rare && before == 0;
            has_error |= is_error && !ends;
            Some(if ends { First::EndBefore } else { First::Take(Arc::clone(&site.plan)) })
        };
        loop {
            let left = limit - (packed.end - start) as usize;
            let part = consumer.batch_from(packed.end, left.min(PART_BYTES));
            // A record that is longer than a part may be alone in its block, but not behind others.
            let is_too_long = packed.end > start && part.len_bytes() > left.max(PART_BYTES);
            if is_too_long {
                packed.is_cut = true;
                break;
            }
            if part.is_empty() {
                packed.end = part.end();
                break;
            }
            for slice in <[_; 2]>::from(part.raw_slices()) {
                match builder.push_raw(slice, &mut first_of) {
                    Ok(taken) => {
                        packed.end += taken as u64;
                        packed.is_cut = taken < slice.len();
                    }
                    Err(_) => packed.is_sound = false,
                }
                if packed.is_cut || !packed.is_sound {
                    break;
                }
            }
            // Otherwise somebody else writes to the ring's file right now.
            packed.is_sound &= packed.is_cut || packed.end == part.end();
            let is_full = (packed.end - start) as usize >= limit;
            if packed.is_cut || !packed.is_sound || is_full {
                break;
            }
        }
        *loss = builder.last_loss().or(*loss);
        packed
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
