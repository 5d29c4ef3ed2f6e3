//! The call sites that the drain has met: what packing needs of each, and which the segment lacks.

use std::sync::Arc;

use stenolog_format::block::SitePlan;
use stenolog_format::dictionary::CallSite;
use stenolog_format::span::{SpanEvent, SpanMark};
use stenolog_format::summary::SummaryBuilder;
use stenolog_ringbuf::Record;
use stenolog_session::writer::DumpWriter;

use crate::registry;
use crate::ring_dir::SiteEntry;

/// The call sites that the drain has met, by id.
#[derive(Default)]
pub(super) struct PackedSites {
    pub(super) known: Vec<KnownSite>,
    /// Places of those that the segment needs before the next block.
    unstated: Vec<usize>,
    /// Signal handlers were registering some of them when they were looked up.
    has_pending: bool,
    /// There are call sites of span events: blocks get contexts.
    pub(super) knows_events: bool,
    /// Such a call site was looked up since the block began.
    pub(super) has_met_event: bool,
}

pub(super) struct KnownSite {
    pub(super) site: Arc<CallSite>,
    /// What its records are, if they are events of spans.
    pub(super) event: Option<SpanEvent>,
    pub(super) plan: Arc<SitePlan>,
    /// It is among the unstated ones.
    is_unstated: bool,
}

impl KnownSite {
    fn new(SiteEntry { site, event }: SiteEntry) -> Self {
        let plan = Arc::new(SitePlan::new(&site));
        Self { site, event, plan, is_unstated: false }
    }
}

impl PackedSites {
    /// The call site of a record. If the segment lacks it, it must be stated before the next block.
    #[inline]
    pub(super) fn get(&mut self, tag: u32, writer: &DumpWriter) -> Option<&KnownSite> {
        let at = tag.checked_sub(CallSite::FIRST_ID)? as usize;
        if !writer.has_site(tag) {
            self.meet(at);
        }
        let known = self.known.get(at)?;
        self.has_met_event |= known.event.is_some();
        Some(known)
    }

    /// Expects events of spans among records that were looked up in the ring before this call, but not by their call
    /// sites. A call site is registered before its first record is committed.
    pub(super) fn expect_events(&mut self, has_records: bool) {
        if registry::has_events() {
            (self.knows_events, self.has_met_event) = (true, has_records);
        }
    }

    /// Makes all call sites known, without stating them.
    pub(super) fn learn_all(&mut self) {
        if std::mem::take(&mut self.has_pending) {
            let fresh = registry::entries_from(0).into_iter();
            for (known, fresh) in self.known.iter_mut().zip(fresh) {
                if known.site.id == 0 {
                    let is_unstated = known.is_unstated;
                    *known = KnownSite { is_unstated, ..KnownSite::new(fresh) };
                }
            }
        }
        for more in registry::entries_from(self.known.len()) {
            self.has_pending |= more.site.id == 0;
            self.known.push(KnownSite::new(more));
        }
    }

    #[cold]
    fn meet(&mut self, at: usize) {
        if at >= self.known.len() {
            self.learn_all();
        }
        let Some(known) = self.known.get_mut(at) else { return };
        // It was still being registered by a signal handler when it was looked up.
        if known.site.id == 0
            && let Some(entry) = registry::entries_from(at).into_iter().next()
        {
            *known = KnownSite::new(entry);
        }
        self.knows_events |= known.event.is_some();
        if !std::mem::replace(&mut known.is_unstated, true) {
            self.unstated.push(at);
        }
    }

    /// States those that the segment lacks.
    pub(super) fn state(&mut self, writer: &mut DumpWriter) {
        let Self { known, unstated, .. } = self;
        writer.state_sites(unstated.iter().filter_map(|&at| Some(&*known.get(at)?.site)));
        let mark = |known: &KnownSite| Some(SpanMark::new(known.site.id, known.event?));
        let marks = unstated.iter().filter_map(|&at| known.get(at).and_then(mark));
        writer.state_marks(&marks.collect::<Vec<_>>());
        for at in unstated.drain(..) {
            known[at].is_unstated = false;
        }
    }

    /// Notes a record in a summary.
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
}
