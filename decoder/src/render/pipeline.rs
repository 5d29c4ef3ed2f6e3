//! Pipeline: all entries of a decoder as text, in one thread or several.

mod batch;
mod encoder;
mod limits;
mod parallel;
mod serial;
mod stitcher;
mod tail;
mod text_matcher;
mod workers;

use std::io;
use std::num::NonZero;
use std::ops::ControlFlow;

use super::format::Format;
use super::options::RenderOptions;
use super::renderer::Renderer;
use crate::read::{Decoder, Summary};
use encoder::EntryEncoding;

impl Decoder {
    /// Writes all entries in order, each as a [`Renderer`] writes it, and returns the summary. The output
    /// of a decoder begins with the header of the format, if it has one.
    ///
    /// The output is the same for any [number of threads](RenderOptions::with_threads). This thread merges
    /// the rings, writes to `out`, and renders when the others are busy; they are started when there is
    /// more than a little to do, and end with the call. `out` is written to in pieces of whole entries, of
    /// at most a few hundred kilobytes unless an entry is longer: it needs no buffer. Memory is bounded,
    /// regardless of the size of the files.
    ///
    /// # Errors
    /// The first error of `out`, such as a broken pipe. A later call continues after the last piece; with
    /// several threads, entries that were being rendered are skipped.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use stenolog_decoder::{Decoder, Dump, Format, RenderOptions};
    ///
    /// let options = RenderOptions::default().with_threads(std::thread::available_parallelism()?);
    /// let mut decoder = Decoder::new(Dump::open("app.steno")?);
    /// let summary = decoder.write_to(&mut std::io::stdout().lock(), Format::Json, &options)?;
    /// if !summary.is_complete() {
    ///     eprintln!("{} records are missing", summary.lost + summary.missing);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_to(
        &mut self,
        out: &mut impl io::Write,
        format: Format,
        options: &RenderOptions,
    ) -> io::Result<Summary> {
        if !self.is_started() {
            let mut header = String::new();
            Renderer::new(format, options.clone()).write_header(&mut header);
            out.write_all(header.as_bytes())?;
        }
        let threads = options.threads.unwrap_or(NonZero::<usize>::MIN);
        let mut result = Ok(());
        let _ = self.render(format, options, threads, |text| match out.write_all(text) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                result = Err(error);
                ControlFlow::Break(())
            }
        });
        result?;
        out.flush()?;
        Ok(self.summary())
    }

    /// Writes all entries in order, each as a [`Renderer`] writes it, and passes the text, which is UTF-8,
    /// to `sink` in pieces of whole entries, until the end or until `sink` breaks.
    ///
    /// This is [`write_to`](Self::write_to) for what is no [`Write`](io::Write): `threads` counts instead
    /// of those in `options`, and no header is written. An entry is passed on before much more than a
    /// hundred blocks have been searched for another one.
    ///
    /// After a break, a later call continues after the last piece; with several threads, entries that were
    /// being rendered are skipped.
    ///
    /// ```
    /// use std::num::NonZero;
    /// use std::ops::ControlFlow;
    /// use stenolog_decoder::{Decoder, Dump, Format, RenderOptions};
    ///
    /// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
    /// let mut bytes = 0;
    /// let options = RenderOptions::default();
    /// let _ = Decoder::new(dump).render(Format::Short, &options, NonZero::<usize>::MIN, |text| {
    ///     bytes += text.len();
    ///     ControlFlow::Continue(())
    /// });
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    pub fn render(
        &mut self,
        format: Format,
        options: &RenderOptions,
        threads: NonZero<usize>,
        sink: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        // Events of spans are shown in order: that is how their durations are known.
        if threads.get() > 1 && !self.shows_spans() {
            return parallel::render(self, (format, options), threads, sink);
        }
        self.start();
        let encoding = EntryEncoding::new(self, format, options);
        serial::render(self, &encoding, sink)
    }

    /// As [`render`](Self::render) in one thread, but only the last `count` records, and the losses after the
    /// record before these.
    ///
    /// The text is the end of what `render` writes. Only the blocks that can hold it are read, unless an entry
    /// has been delivered before: the [summary](Self::summary) is that of what was read, with all
    /// losses that the logger states, but without damage before that. Up to 64 MiB of entries are kept meanwhile. If `count` records take more, the
    /// dumps are read twice.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use stenolog_decoder::{Decoder, Dump, Format, RenderOptions};
    ///
    /// # let dump = Dump::from_bytes("app.steno", stenolog_testkit::sample())?;
    /// let mut text = Vec::new();
    /// let _ = Decoder::new(dump).render_last(10, Format::Short, &RenderOptions::default(), |piece| {
    ///     text.extend_from_slice(piece);
    ///     ControlFlow::Continue(())
    /// });
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    pub fn render_last(
        &mut self,
        count: u64,
        format: Format,
        options: &RenderOptions,
        sink: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.render_last_within((count, tail::MAX_KEPT_BYTES), format, options, sink)
    }

    fn render_last_within(
        &mut self,
        limits: (u64, usize),
        format: Format,
        options: &RenderOptions,
        sink: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        tail::render(self, limits, (format, options), sink)
    }
}

#[cfg(test)]
mod tests;
