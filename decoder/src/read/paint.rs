//! From a record's bytes to what is made of them: a call of a visitor, or text.

use std::ops::ControlFlow;
use std::sync::Arc;

use stenolog_format::value::{Cursor, Value, ValueError};

use super::statements::Losses;
use super::{read_values, recycle};
use crate::Format;
use crate::filter::{Filter, Texts};
use crate::model::entry::{Entry, LossCause, LossEntry, LossKind, Origin, Record};
use crate::model::site::Site;
use crate::render::{LineFormat, Page, RawValues, RenderOptions, Renderer};
use crate::text;

/// A record of a wanted call site, as it stands in its block.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawEntry<'a> {
    pub(super) site: &'a Site,
    pub(super) origin: Origin<'a>,
    pub(super) unix_ns: i64,
    pub(super) number: u64,
    pub(super) values: RawValues<'a>,
}

impl<'a> RawEntry<'a> {
    /// What stands in its place if its values cannot be read.
    pub(super) fn loss(&self) -> LossEntry<'a> {
        let cause = LossCause::Missing { first: self.number, count: 1, kind: LossKind::Unreadable };
        LossEntry::new(self.origin, self.unix_ns, cause)
    }
}

/// Kept from record to record, so that none allocates.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    values: Vec<Value<'static>>,
    texts: Texts,
}

impl Buffers {
    /// Gives the record to `visit`, if the filter wants it. Says whether it does.
    ///
    /// # Errors
    /// If the values cannot be read.
    pub(super) fn visit(
        &mut self,
        raw: &RawEntry<'_>,
        filter: &Filter,
        visit: impl FnOnce(&Entry<'_>) -> ControlFlow<()>,
    ) -> Result<(bool, ControlFlow<()>), ValueError> {
        let mut values: Vec<Value<'_>> = std::mem::take(&mut self.values);
        let read = match raw.values {
            RawValues::Bytes(bytes, encoding) => {
                read_values(Cursor::new(bytes, encoding), raw.site, &mut values)
            }
            RawValues::Words(words) => {
                let types = raw.site.scalars().unwrap_or_default();
                types.iter().enumerate().try_for_each(|(slot, &ty)| {
                    values.push(words.scalar(slot, ty)?.into());
                    Ok(())
                })
            }
        };
        let mut result = (false, ControlFlow::Continue(()));
        if read.is_ok() {
            let RawEntry { site, origin, unix_ns, number, .. } = *raw;
            let record = Record { site, origin, unix_ns, number, values: &values };
            if filter.wants_values(&record, &mut self.texts) {
                result = (true, visit(&Entry::Record(record)));
            }
        }
        self.values = recycle(values);
        read.map(|()| result)
    }
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Painted {
    /// It was written.
    Shown,
    /// The filter does not want it.
    Passed,
    /// It may be so long that it is written when its turn has come, and no earlier.
    Later,
}

/// Makes text of entries. Each thread has its own.
#[derive(Debug)]
pub(super) struct Painter {
    filter: Arc<Filter>,
    renderer: Renderer,
    /// The format of lines that can be made from a record's bytes, if there is one and nobody asks
    /// for values.
    lines: Option<LineFormat>,
    losses: Losses,
    buffers: Buffers,
    /// What is no line on its way to the output, and what takes longer to print in one.
    scratch: [String; 2],
}

impl Painter {
    pub(super) fn new(
        filter: &Arc<Filter>,
        format: Format,
        options: &RenderOptions,
        losses: Losses,
    ) -> Self {
        let renderer = Renderer::new(format, options.clone());
        let lines = renderer.line_format().filter(|_| !filter.asks_values());
        let filter = Arc::clone(filter);
        let (buffers, scratch) = Default::default();
        Self { filter, renderer, lines, losses, buffers, scratch }
    }

    /// How losses are shown.
    pub(super) const fn losses(&self) -> Losses {
        self.losses
    }

    /// Appends the record, if the filter wants it. Before its turn, one that may be long is left for
    /// later.
    ///
    /// # Errors
    /// If the values cannot be read.
    #[inline]
    pub(super) fn record(
        &mut self,
        raw: &RawEntry<'_>,
        is_its_turn: bool,
        out: &mut Page,
    ) -> Result<Painted, ValueError> {
        let line = self.lines.and_then(|format| Some((format, raw.site.line(format)?)));
        match line {
            Some((format, line)) if line.takes(&raw.values) => {
                let thread = raw.origin.thread_name;
                let level = raw.site.call_site().level;
                let Self { renderer, scratch, .. } = self;
                let written = line.write(&raw.values, thread, (out, scratch), |room| {
                    renderer.put_line_head(format, raw.unix_ns, level, thread, room)
                });
                written.map(|()| Painted::Shown)
            }
            _ => {
                let Self { filter, renderer, buffers, scratch: [scratch, _], .. } = self;
                scratch.clear();
                let visited = buffers.visit(raw, filter, |entry| {
                    if let Entry::Record(record) = entry
                        && !is_its_turn
                        && text::may_be_long(record.values)
                    {
                        return ControlFlow::Break(());
                    }
                    renderer.write(entry, scratch);
                    out.push(scratch.as_bytes());
                    ControlFlow::Continue(())
                });
                visited.map(|(is_wanted, flow)| match flow {
                    ControlFlow::Break(()) => Painted::Later,
                    ControlFlow::Continue(()) if is_wanted => Painted::Shown,
                    ControlFlow::Continue(()) => Painted::Passed,
                })
            }
        }
    }

    /// Appends a loss.
    pub(super) fn loss(&mut self, loss: &LossEntry<'_>, out: &mut Page) {
        let [scratch, _] = &mut self.scratch;
        scratch.clear();
        self.renderer.write(&Entry::Loss(loss.clone()), scratch);
        out.push(scratch.as_bytes());
    }
}
