//! Renderer: writes entries one by one.

use stenolog_format::value::ValueError;

use super::format::Format;
use super::line::{Line, LineFormat, LineScratch};
use super::options::{Precision, RenderOptions};
use super::shown::{Content, ShownEntry};
use super::site_text::SiteTexts;
use super::text_buffer::{TextBuffer, put_chunk, put_padded};
use super::thread_label::ThreadLabels;
use super::timestamp::Timestamps;
use super::{csv, json, logfmt, short, verbose};
use crate::model::entry::Entry;
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
        let (sites, threads, scratch) = Default::default();
        Self { format, color, defuses_formulas, timestamps, sites, threads, scratch }
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
        line.write(&raw.values, thread, (out, scratch), |spare| match line.format() {
            LineFormat::Short => {
                let head = &thread.short[line.level().index()];
                put_padded(timestamps.put(spare, raw.unix_ns), head)
            }
            LineFormat::Body => spare,
            LineFormat::Json => {
                let spare = put_chunk(spare, b"{\"timestamp\":\"  ", 14);
                timestamps.put(spare, raw.unix_ns)
            }
        })
    }

    /// Appends what precedes the first entry: in CSV, the names of the columns.
    pub fn write_header(&mut self, out: &mut String) {
        if self.format == Format::Csv {
            csv::write_header(out);
        }
    }

    /// Appends an entry and its line end.
    pub fn write(&mut self, entry: &Entry<'_>, out: &mut String) {
        let Self { format, color, defuses_formulas, timestamps, sites, threads, scratch } = self;
        let time = timestamps.text(entry.unix_ns());
        let thread = threads.get(entry.origin());
        let content = match entry {
            Entry::Record(record) => Content::Record(record, sites.get(record)),
            Entry::Loss(loss) => Content::Loss(loss),
        };
        let (level, thread_name) = (entry.level(), entry.thread_name());
        let shown = ShownEntry { content, time, level, thread_name, thread };
        match *format {
            Format::Short => short::write(&shown, *color, out),
            Format::Verbose => verbose::write(&shown, *color, out),
            Format::Json => json::write(&shown, scratch, out),
            Format::JsonPretty => json::write_pretty(&shown, scratch, out),
            Format::Logfmt => logfmt::write(&shown, scratch, out),
            Format::Csv => csv::write(&shown, *defuses_formulas, out),
        }
    }
}
