//! Plan of a read: the dumps, their sessions, and what the filter wants of each call site.

use std::ops::Range;
use std::sync::Arc;

use regex::bytes::Regex;

use super::order::Order;
use super::seek::{Sought, SoughtGroups};
use super::selection::Selection;
use super::session::{self, Session};
use super::spans::SpanReader;
use crate::clock::TimeMap;
use crate::dump::{Block, Dump, Unpacker, with_tails};
use crate::filter::{Budget, Filter, Hits, SitePredicate, SpanScope, search};
use crate::model::site::CompiledSite;

/// The dumps to read, and the wanted call sites.
#[derive(Debug)]
pub(crate) struct ReadPlan {
    pub(crate) dumps: Arc<[Dump]>,
    pub(super) sessions: Vec<Session>,
    pub(crate) filter: Arc<Filter>,
    pub(super) order: Order,
    pub(crate) sites: Arc<CallSites>,
    pub(super) selection: Selection,
    /// Searches for what the records of any call site must contain, if they must.
    pub(super) search: Option<Regex>,
    /// Whether it searches for text only, which columns hold in one piece.
    searches_text: bool,
    /// What is found in groups, and for each dump how many blocks it had when that was begun.
    pub(crate) sought: Option<Arc<SoughtGroups>>,
    sought_from: Vec<usize>,
    budget: Budget,
    /// Reads the spans of records, if the dumps have spans.
    pub(super) spans: Option<Arc<SpanReader>>,
    /// Whether events of spans are shown.
    pub(super) shows_spans: bool,
}

/// The call sites of all dumps of a decoder. An index never changes its call site.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallSites {
    sites: Vec<Arc<CompiledSite>>,
}

impl CallSites {
    #[inline]
    pub(crate) fn get(&self, index: u32) -> Option<&Arc<CompiledSite>> {
        self.sites.get(index as usize)
    }

    pub(crate) fn len(&self) -> usize {
        self.sites.len()
    }
}

impl ReadPlan {
    pub(super) fn new(dumps: Arc<[Dump]>) -> Self {
        let dumps = with_tails(dumps);
        let sessions = session::sessions(&dumps);
        Self {
            dumps,
            sessions,
            filter: Arc::default(),
            order: Order::default(),
            sites: Arc::default(),
            selection: Selection::default(),
            search: None,
            searches_text: false,
            sought: None,
            sought_from: Vec::new(),
            budget: Budget::default(),
            spans: None,
            shows_spans: false,
        }
    }

    /// The time map of a session. It is never `None`: each ring belongs to a session.
    #[inline]
    pub(super) fn map(&self, session: usize) -> Option<&TimeMap> {
        self.sessions.get(session).map(|session| &session.map)
    }

    /// The index of a dump's session.
    pub(super) fn session_of(&self, dump: &Dump) -> Option<usize> {
        self.sessions.iter().position(|session| session.is_of(dump))
    }

    /// The dumps, to be replaced by later states of the same files.
    pub(super) fn dumps_mut(&mut self) -> &mut [Dump] {
        // They share the dumps, which would be copied.
        (self.sought, self.spans) = (None, None);
        Arc::make_mut(&mut self.dumps)
    }

    /// Replaces the tail of a session at this place. Its call sites are looked up again.
    pub(super) fn replace_tail(&mut self, at: usize, tail: Dump) {
        (self.sought, self.spans) = (None, None);
        if let (Some(place), Some(sites)) =
            (Arc::make_mut(&mut self.dumps).get_mut(at), self.selection.by_dump.get_mut(at))
        {
            *place = tail;
            sites.clear();
        }
    }

    /// Determines the sessions of the dumps again: their clocks may have more pairs.
    pub(super) fn update_sessions(&mut self) {
        self.sessions = session::sessions(&self.dumps);
    }

    /// Applies the filter to the call sites that it has not been applied to.
    pub(super) fn apply_filter(&mut self) {
        self.spans = SpanReader::new(&self.dumps);
        let scope = SpanScope { exist: self.spans.is_some(), are_shown: self.shows_spans };
        let has_changed = self.filter.spans != scope;
        if has_changed {
            Arc::make_mut(&mut self.filter).spans = scope;
        }
        let Self { dumps, filter, sites, selection, budget, .. } = self;
        let Selection { predicates, by_dump, .. } = selection;
        let sites = &mut Arc::make_mut(sites).sites;
        // Without spans, a filter by spans wants no call site.
        if has_changed {
            for (site, predicate) in sites.iter().zip(&mut *predicates) {
                *predicate = filter.predicate(site, budget);
            }
        }
        // Marks may come after the call sites.
        for (dump, indexes) in dumps.iter().zip(&*by_dump).filter(|(dump, _)| dump.has_spans()) {
            for (site, &index) in dump.tables().sites.shared().iter().zip(indexes) {
                let index = index as usize;
                if let (Some(known), Some(predicate)) =
                    (sites.get_mut(index), predicates.get_mut(index))
                    && known.span_event() != site.span_event()
                {
                    *known = Arc::clone(site);
                    *predicate = filter.predicate(site, budget);
                }
            }
        }
        by_dump.resize(dumps.len(), Vec::new());
        for (dump, indexes) in dumps.iter().zip(by_dump) {
            for site in dump.tables().sites.shared().iter().skip(indexes.len()) {
                // A tail that is read again and again has the same ones each time.
                let is_same = |known: &Arc<CompiledSite>| {
                    known.call_site() == site.call_site() && known.span_event() == site.span_event()
                };
                let known = || sites.iter().position(is_same);
                if dump.is_tail()
                    && let Some(known) = known()
                {
                    indexes.push(known as u32);
                    continue;
                }
                budget.earn(site.call_site());
                indexes.push(sites.len() as u32);
                sites.push(Arc::clone(site));
                predicates.push(filter.predicate(site, budget));
            }
        }
        selection.settle();
        let requirements =
            || selection.requirements().filter_map(|of| Some((of.in_rows.as_deref()?, of.is_text)));
        self.searches_text = requirements().all(|(_, is_text)| is_text);
        let pieces = || requirements().flat_map(|(pieces, _)| pieces);
        self.search = pieces().next().and_then(|_| search(pieces()));
        let blocks = self.dumps.iter().map(|dump| dump.settled_blocks());
        let from = std::mem::replace(&mut self.sought_from, blocks.collect());
        self.sought = SoughtGroups::new(&self.dumps, &self.selection, from).map(Arc::new);
    }

    /// What a search finds in the group of a block; `None` if the block must be read in any case.
    pub(super) fn find(
        &self,
        place: (usize, usize),
        block: &Block,
        unpacker: &mut Unpacker,
    ) -> Option<Arc<Sought>> {
        self.sought.as_ref()?.find(place, block, unpacker)
    }

    /// The index of the call site of a dump with this tag, and its predicate; `None` if no call site
    /// has it.
    #[inline]
    pub(super) fn select(&self, dump: usize, tag: u32) -> Option<(u32, &SitePredicate)> {
        self.selection.select(&self.dumps, dump, tag)
    }

    /// Whether a block may hold a wanted record, or one whose call site is unknown, by its summary.
    pub(super) fn may_hold(&self, dump_index: usize, block: usize) -> bool {
        self.selection.may_hold(&self.dumps, dump_index, block)
    }

    /// Whether the columns of a block contain any text that its records require.
    pub(super) fn may_contain(&self, columns: &[u8]) -> bool {
        let search = self.search.as_ref().filter(|_| self.searches_text);
        search.is_none_or(|search| search.is_match(columns))
    }

    /// Whether a record may be wanted, so far as can be told without decoding its values.
    #[inline]
    pub(super) fn may_want(
        &self,
        predicate: Option<&SitePredicate>,
        values: Range<usize>,
        hits: &mut Hits,
        body: &[u8],
    ) -> bool {
        match (predicate, &self.search) {
            (Some(SitePredicate::Never), _) => false,
            (Some(SitePredicate::Requires(of)), Some(search)) if of.in_rows.is_some() => {
                hits.has(search, body, values)
            }
            _ => true,
        }
    }
}
