//! Matcher of records whose call sites have lines: it searches what the line shows after the target.
//!
//! Text that all records of a call site share is searched once. If an expression matches it, so do all records.

use std::sync::Arc;

use stenolog_format::value::ValueError;

use crate::filter::Filter;
use crate::read::{CallSites, UndecodedRecord};
use crate::render::line::{LineFormat, LineScratch};
use crate::render::line_table::LineTable;
use crate::render::text_buffer::TextBuffer;
use crate::render::thread_label::ThreadLabel;

/// The lines of call sites, of messages and fields alone.
#[derive(Clone, Debug)]
pub(super) struct MatchedLines(Arc<LineTable>);

impl MatchedLines {
    pub(super) fn new(sites: &CallSites) -> Self {
        Self(Arc::new(LineTable::new(LineFormat::Body, sites)))
    }
}

/// Buffers of a matcher, and what it knows of call sites.
#[derive(Debug, Default)]
pub(super) struct TextMatcher {
    /// For each call site, whether all records match.
    all_match: Vec<Option<bool>>,
    text: TextBuffer,
    scratch: LineScratch,
    thread: ThreadLabel,
}

impl TextMatcher {
    /// Whether a filter that only searches text wants a record; `None` if its line does not tell.
    ///
    /// # Errors
    /// If the values cannot be read.
    pub(super) fn wants(
        &mut self,
        raw: &UndecodedRecord<'_>,
        lines: &MatchedLines,
        sites: &CallSites,
        filter: &Filter,
    ) -> Result<Option<bool>, ValueError> {
        let Some(line) = lines.0.get(raw.site_index, sites) else { return Ok(None) };
        let index = raw.site_index as usize;
        if self.all_match.len() <= index {
            self.all_match.resize(index + 1, None);
        }
        let all_match = self.all_match[index].get_or_insert_with(|| {
            let literals = line.literals().filter_map(|text| std::str::from_utf8(text).ok());
            filter.matches_any_with(&literals.collect::<Vec<_>>())
        });
        if *all_match {
            return Ok(Some(true));
        }
        self.text.clear();
        let buffers = (&mut self.text, &mut self.scratch);
        if !line.write(&raw.values, &self.thread, buffers, |spare| spare)? {
            return Ok(None);
        }
        let text = std::str::from_utf8(self.text.text()).map_err(|_| ValueError::Utf8)?;
        Ok(filter.wants_shown(text))
    }
}
