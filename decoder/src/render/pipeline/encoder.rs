//! Encoder of entries: from undecoded values to text, by lines where it can, else by a renderer.

use std::ops::ControlFlow;
use std::sync::Arc;

use stenolog_format::value::ValueError;

use super::text_matcher::{MatchedLines, TextMatcher};
use crate::filter::Filter;
use crate::model::entry::Entry;
use crate::model::loss::LossEntry;
use crate::read::{CallSites, Decoder, Losses, UndecodedRecord, ValueBuffers};
use crate::render::format::Format;
use crate::render::line::LineScratch;
use crate::render::line_table::LineTable;
use crate::render::options::RenderOptions;
use crate::render::renderer::Renderer;
use crate::render::text_buffer::TextBuffer;
use crate::text;

/// The shared state of the encoders of all threads.
#[derive(Clone, Debug)]
pub(super) struct EntryEncoding {
    pub(super) format: Format,
    pub(super) options: RenderOptions,
    pub(super) losses: Losses,
    filter: Arc<Filter>,
    sites: Arc<CallSites>,
    /// The lines of call sites, unless the format has none or the filter needs values.
    lines: Option<Arc<LineTable>>,
    /// The lines that are searched, if the filter only searches text.
    matched: Option<MatchedLines>,
}

impl EntryEncoding {
    /// The encoding of the entries of a decoder, which is started.
    pub(super) fn new(decoder: &Decoder, format: Format, options: &RenderOptions) -> Self {
        let (filter, sites) = (Arc::clone(decoder.filter()), Arc::clone(decoder.sites()));
        let renderer = Renderer::new(format, options.clone());
        let matched = filter.only_searches_text().then(|| MatchedLines::new(&sites));
        let line_format = renderer.line_format();
        let line_format = line_format.filter(|_| matched.is_some() || !filter.needs_values());
        let lines = line_format.map(|format| Arc::new(LineTable::new(format, &sites)));
        let (options, losses) = (options.clone(), decoder.losses());
        Self { format, options, losses, filter, sites, lines, matched }
    }
}

impl EntryEncoding {
    /// The same, with losses shown in another way.
    pub(super) fn with_losses(&self, losses: Losses) -> Self {
        Self { losses, ..self.clone() }
    }
}

/// The outcome for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EncodedEntry {
    /// It was written.
    Written,
    /// The filter does not want it.
    Skipped,
    /// It may be long, so it is written only when its turn has come.
    Deferred,
}

/// Makes text of entries. Each thread has its own.
#[derive(Debug)]
pub(super) struct EntryEncoder {
    encoding: EntryEncoding,
    renderer: Renderer,
    buffers: ValueBuffers,
    lines: LineScratch,
    matcher: TextMatcher,
    /// Text that is not written to the output directly.
    scratch: String,
}

impl EntryEncoder {
    pub(super) fn new(encoding: EntryEncoding) -> Self {
        let renderer = Renderer::new(encoding.format, encoding.options.clone());
        let (buffers, lines, matcher, scratch) = Default::default();
        Self { encoding, renderer, buffers, lines, matcher, scratch }
    }

    /// How losses are shown.
    pub(super) const fn losses(&self) -> Losses {
        self.encoding.losses
    }

    /// Appends the record if the filter wants it. Unless it is its turn, a record that may be long is
    /// deferred.
    ///
    /// # Errors
    /// If the values cannot be read.
    #[inline]
    pub(super) fn record(
        &mut self,
        raw: &UndecodedRecord<'_>,
        is_its_turn: bool,
        out: &mut TextBuffer,
    ) -> Result<EncodedEntry, ValueError> {
        let EntryEncoding { lines, matched, sites, filter, .. } = &self.encoding;
        if let Some(matched) = matched {
            match self.matcher.wants(raw, matched, sites, filter)? {
                Some(true) => {}
                Some(false) => return Ok(EncodedEntry::Skipped),
                None => return self.render(&{ *raw }, is_its_turn, out),
            }
        }
        let line = lines.as_ref().and_then(|lines| lines.get(raw.site_index, sites));
        if let Some(line) = line
            && self.renderer.write_line(line, raw, (out, &mut self.lines))?
        {
            return Ok(EncodedEntry::Written);
        }
        // A copy, so the address of `raw` does not escape and its parts stay in registers above.
        self.render(&{ *raw }, is_its_turn, out)
    }

    #[inline(never)]
    fn render(
        &mut self,
        raw: &UndecodedRecord<'_>,
        is_its_turn: bool,
        out: &mut TextBuffer,
    ) -> Result<EncodedEntry, ValueError> {
        let Self { encoding, renderer, buffers, scratch, .. } = self;
        scratch.clear();
        let visited = buffers.visit(raw, &encoding.sites, &encoding.filter, |entry| {
            if let Entry::Record(record) = entry
                && !is_its_turn
                && text::may_be_long(record.values())
            {
                return ControlFlow::Break(());
            }
            renderer.write(entry, scratch);
            out.push(scratch.as_bytes());
            ControlFlow::Continue(())
        });
        visited.map(|(is_wanted, flow)| match flow {
            ControlFlow::Break(()) => EncodedEntry::Deferred,
            ControlFlow::Continue(()) if is_wanted => EncodedEntry::Written,
            ControlFlow::Continue(()) => EncodedEntry::Skipped,
        })
    }

    /// Appends a loss.
    pub(super) fn loss(&mut self, loss: &LossEntry<'_>, out: &mut TextBuffer) {
        self.scratch.clear();
        self.renderer.write(&Entry::Loss(loss.clone()), &mut self.scratch);
        out.push(self.scratch.as_bytes());
    }
}
