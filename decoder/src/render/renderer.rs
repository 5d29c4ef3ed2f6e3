//! Renderer: writes entries one by one.

use stenolog_format::value::ValueError;

use super::format::Format;
use super::line::{Line, LineFormat, LineScratch};
use super::options::{Precision, RenderOptions};
use super::shown::{Content, ShownEntry};
use super::site_text::SiteTexts;
use super::span_event::{ShownEvent, SpanClock};
use super::span_text::with_text;
use super::text_buffer::{TextBuffer, put_chunk, put_padded};
use super::thread_label::{ThreadLabel, ThreadLabels};
use super::timestamp::Timestamps;
use super::{csv, json, logfmt, short, verbose};
use crate::model::entry::Entry;
use crate::model::span::{SpanChain, SpanTextForm, single_events};
use crate::read::UndecodedRecord;

/// Writes entries in one format.
///
/// It keeps buffers and rendered pieces from entry to entry: use one renderer for many entries.
///
/// ```
/// use std::ops::ControlFlow;
/// use stenolog_decoder::{Decoder, Dump, Format, RenderOptions, Renderer};
///
/// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
/// let mut renderer = Renderer::new(Format::Logfmt, RenderOptions::default());
/// let mut line = String::new();
/// let _ = Decoder::new(dump).for_each(|entry| {
///     line.clear();
///     renderer.write(entry, &mut line);
///     print!("{line}");
///     ControlFlow::Continue(())
/// });
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Debug)]
pub struct Renderer {
    format: Format,
    color: bool,
    defuses_formulas: bool,
    timestamps: Timestamps,
    sites: SiteTexts,
    threads: ThreadLabels,
    spans: SpanClock,
    /// Text that must be escaped.
    scratch: String,
}

impl Renderer {
    /// A renderer of entries in `format`.
    #[must_use]
    pub fn new(format: Format, options: RenderOptions) -> Self {
        let RenderOptions { zone, color, precision, defuses_formulas, .. } = options;
        let precision = precision.unwrap_or(match format {
            Format::Short => Precision::Micros,
            _ => Precision::Nanos,
        });
        let timestamps = Timestamps::new(zone, precision);
        let (sites, threads, spans, scratch) = Default::default();
        Self { format, color, defuses_formulas, timestamps, sites, threads, spans, scratch }
    }

    /// The format of [lines](super::line::Line) of call sites, if there are lines in this format.
    pub(super) fn line_format(&self) -> Option<LineFormat> {
        match self.format {
            Format::Short if !self.color => Some(LineFormat::Short),
            Format::Json => Some(LineFormat::Json),
            _ => None,
        }
    }

    /// Writes a record by the line of its call site. Says `false` if [`write`](Self::write) must do it.
    ///
    /// # Errors
    /// If the values are not what the call site says. Nothing was written then.
    #[inline]
    pub(super) fn write_line(
        &mut self,
        line: &Line,
        raw: &UndecodedRecord<'_>,
        (out, scratch): (&mut TextBuffer, &mut LineScratch),
    ) -> Result<bool, ValueError> {
        let Self { timestamps, threads, .. } = self;
        let thread = threads.get(&raw.origin);
        let start = out.len();
        let buffers = (&mut *out, scratch);
        let is_written = line.write(&raw.values, thread, buffers, |spare| match line.format() {
            LineFormat::Short => {
                let head = &thread.short[line.level().index()];
                put_padded(timestamps.put(spare, raw.unix_ns), head)
            }
            LineFormat::Body => spare,
            LineFormat::Json => {
                let spare = put_chunk(spare, b"{\"timestamp\":\"  ", 14);
                timestamps.put(spare, raw.unix_ns)
            }
        })?;
        if is_written && let Some(chain) = raw.spans {
            insert_spans(chain, (line, thread), timestamps.length(), start, out);
        }
        Ok(is_written)
    }

    /// Appends what precedes the first entry: in CSV, the names of the columns.
    pub fn write_header(&mut self, out: &mut String) {
        if self.format == Format::Csv {
            csv::write_header(out);
        }
    }

    /// Appends an entry and its line end.
    pub fn write(&mut self, entry: &Entry<'_>, out: &mut String) {
        let Self { format, color, defuses_formulas, timestamps, sites, threads, spans, scratch } =
            self;
        let time = timestamps.text(entry.unix_ns());
        let thread = threads.get(entry.origin());
        let (level, thread_name) = (entry.level(), entry.thread_name());
        let mut write = |content: Content<'_>| {
            let shown = ShownEntry { content, time, level, thread_name, thread };
            match *format {
                Format::Short => short::write(&shown, *color, out),
                Format::Verbose => verbose::write(&shown, *color, out),
                Format::Json => json::write(&shown, scratch, out),
                Format::JsonPretty => json::write_pretty(&shown, scratch, out),
                Format::Logfmt => logfmt::write(&shown, scratch, out),
                Format::Csv => csv::write(&shown, *defuses_formulas, out),
            }
        };
        match entry {
            Entry::Record(record) => write(Content::Record(record, sites.get(record))),
            Entry::Loss(loss) => write(Content::Loss(loss)),
            Entry::Span(event) => {
                let spent = spans.take(event);
                for &kind in single_events(event.kind()) {
                    write(Content::Event(&ShownEvent::new(event, kind, spent)));
                }
            }
        }
    }
}

/// Inserts the spans of a record into its line, which begins at `start` and has a time of `time_bytes`.
#[inline(never)]
fn insert_spans(
    chain: &SpanChain,
    (line, thread): (&Line, &ThreadLabel),
    time_bytes: usize,
    start: usize,
    out: &mut TextBuffer,
) {
    let (form, at) = match line.format() {
        LineFormat::Short => {
            let head = thread.short[line.level().index()].len() + line.target_bytes();
            (SpanTextForm::Text, start + time_bytes + head)
        }
        LineFormat::Json => (SpanTextForm::Json, out.len().saturating_sub("}\n".len())),
        LineFormat::Body => return,
    };
    with_text(chain, form, |text| out.insert(at, text.as_bytes()));
}
