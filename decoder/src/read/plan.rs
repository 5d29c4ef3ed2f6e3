//! Plan of a read: the dumps, their sessions, and what the filter wants of each call site.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use regex::bytes::Regex;
use stenolog_format::summary::IntegerRanges;

use super::order::Order;
use super::session::{self, Session};
use crate::clock::TimeMap;
use crate::dump::{Dump, with_tails};
use crate::filter::{Budget, Filter, Hits, SitePredicate, TextSearch, Wanted, search};
use crate::model::site::CompiledSite;

/// The most different texts that are searched for in columns.
const MAX_TEXTS: usize = 256;

/// The dumps to read, and the wanted call sites.
#[derive(Debug)]
pub(crate) struct ReadPlan {
    pub(crate) dumps: Arc<[Dump]>,
    pub(super) sessions: Vec<Session>,
    pub(crate) filter: Arc<Filter>,
    pub(super) order: Order,
    pub(crate) sites: Arc<CallSites>,
    /// For each call site, in the order of `sites`.
    predicates: Vec<SitePredicate>,
    /// For each dump, the indexes of its call sites among all, in the order of definition.
    by_dump: Vec<Vec<u32>>,
    /// Whether there are call sites with unwanted records.
    pub(super) is_selective: bool,
    /// Whether some call site requires values that can be searched for.
    pub(super) seeks: bool,
    /// Searches for what the records of any call site must contain, if they must.
    pub(super) search: Option<Regex>,
    /// Whether it searches for text only, which columns hold in one piece.
    searches_text: bool,
    /// Searches for each text that a condition wants.
    texts: BTreeMap<Vec<u8>, Option<TextSearch>>,
    budget: Budget,
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
            predicates: Vec::new(),
            by_dump: Vec::new(),
            is_selective: false,
            seeks: false,
            search: None,
            searches_text: false,
            texts: BTreeMap::new(),
            budget: Budget::default(),
        }
    }

    /// The time map of a session. It is never `None`: each ring belongs to a session.
    #[inline]
    pub(super) fn map(&self, session: usize) -> Option<&TimeMap> {
        self.sessions.get(session).map(|session| &session.map)
    }

    /// The dumps, to be replaced by later states of the same files.
    pub(super) fn dumps_mut(&mut self) -> &mut [Dump] {
        Arc::make_mut(&mut self.dumps)
    }

    /// Replaces the tail of a session at this place. Its call sites are looked up again.
    pub(super) fn replace_tail(&mut self, at: usize, tail: Dump) {
        if let (Some(place), Some(sites)) =
            (Arc::make_mut(&mut self.dumps).get_mut(at), self.by_dump.get_mut(at))
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
        let Self { dumps, filter, sites, predicates, by_dump, budget, .. } = self;
        let sites = &mut Arc::make_mut(sites).sites;
        by_dump.resize(dumps.len(), Vec::new());
        for (dump, indexes) in dumps.iter().zip(by_dump) {
            for site in dump.tables().sites.shared().iter().skip(indexes.len()) {
                // A tail that is read again and again has the same ones each time.
                let known = || sites.iter().position(|known| known.call_site() == site.call_site());
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
        let all = || self.predicates.iter();
        self.is_selective = all().any(|predicate| !matches!(predicate, SitePredicate::Always));
        self.seeks = all().any(|predicate| matches!(predicate, SitePredicate::Requires(_)));
        let requirements = || {
            all().filter_map(|predicate| match predicate {
                SitePredicate::Requires(all) => all.in_rows.as_deref().map(|of| (of, all.is_text)),
                SitePredicate::Never | SitePredicate::Always => None,
            })
        };
        self.searches_text = requirements().all(|(_, is_text)| is_text);
        let pieces = || requirements().flat_map(|(pieces, _)| pieces);
        self.search = pieces().next().and_then(|_| search(pieces()));
        let mut texts = std::mem::take(&mut self.texts);
        let requirements = all().filter_map(|predicate| match predicate {
            SitePredicate::Requires(of) => Some(of.all.iter().flat_map(|one| one.conditions())),
            SitePredicate::Never | SitePredicate::Always => None,
        });
        for condition in requirements.flatten() {
            if let Wanted::Text(piece) = &condition.wanted
                && texts.len() < MAX_TEXTS
                && !texts.contains_key(piece)
            {
                texts.insert(piece.clone(), TextSearch::new(piece));
            }
        }
        self.texts = texts;
    }

    /// The search for a folded text that a condition wants; `None` if it is not searched for.
    pub(super) fn text_search(&self, piece: &[u8]) -> Option<&TextSearch> {
        self.texts.get(piece)?.as_ref()
    }

    /// The index of the call site of a dump with this tag, and its predicate; `None` if no call site
    /// has it.
    #[inline]
    pub(super) fn select(&self, dump: usize, tag: u32) -> Option<(u32, &SitePredicate)> {
        let index = match self.dumps.get(dump)?.tables().sites.index(tag) {
            Some(site) => *self.by_dump.get(dump)?.get(site)?,
            None => self.index_in_others(dump, tag)?,
        };
        Some((index, self.predicates.get(index as usize)?))
    }

    /// The index of a call site whose dictionary entry the dump has lost: an id means the same call
    /// site in all files of a session.
    #[cold]
    fn index_in_others(&self, dump: usize, tag: u32) -> Option<u32> {
        let of = self.dumps.get(dump)?;
        // An undamaged dump has all that its blocks need.
        if of.damage().is_empty() {
            return None;
        }
        let others = self.dumps.iter().zip(&self.by_dump);
        let of_session = others.filter(|(other, _)| other.header().session == of.header().session);
        let mut found = of_session
            .filter_map(|(other, indexes)| indexes.get(other.tables().sites.index(tag)?).copied());
        found.next()
    }

    /// Whether a block may hold a wanted record, or one whose call site is unknown, by its summary.
    pub(super) fn may_hold(&self, dump_index: usize, dump: &Dump, block: usize) -> bool {
        let Some(summary) = dump.summary(block).filter(|_| self.is_selective) else { return true };
        let ranges = if self.seeks { summary.ranges() } else { IntegerRanges::default() };
        let mut ids = summary.sites();
        ids.any(|id| {
            let Some(id) = id else { return true };
            match self.select(dump_index, id) {
                None | Some((_, SitePredicate::Always)) => true,
                Some((_, SitePredicate::Never)) => false,
                Some((_, SitePredicate::Requires(of))) => of.may_be_met(id, &summary, &ranges),
            }
        })
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
