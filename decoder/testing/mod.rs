//! Fixtures of the decoder's unit tests: how a [`DumpBuilder`] is read.

pub(crate) mod spans;
pub(crate) mod values;

use std::ops::ControlFlow;

pub(crate) use stenolog_testkit::{DumpBuilder, Rec, START, compress, loss, n, str_bytes};

use crate::{Decoder, Dump, Entry, Filter, Format, RenderOptions, Renderer, Summary};

/// Opens what a builder has made.
pub(crate) trait Open {
    /// The dump so far.
    fn dump(&self) -> Dump;
}

impl Open for DumpBuilder {
    fn dump(&self) -> Dump {
        Dump::from_bytes("test.steno", self.bytes().to_vec()).unwrap()
    }
}

/// All entries in one format, and the summary.
pub(crate) fn render(dumps: &[Dump], filter: Filter, format: Format) -> (String, Summary) {
    let mut decoder = Decoder::new(dumps).with_filter(filter);
    let mut renderer = Renderer::new(format, RenderOptions::default());
    let mut out = String::new();
    renderer.write_header(&mut out);
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut out);
        ControlFlow::Continue(())
    });
    (out, decoder.summary())
}

/// All entries as `ring: message`, a line each.
pub(crate) fn messages(dumps: &[Dump], filter: Filter) -> (String, Summary) {
    let mut decoder = Decoder::new(dumps).with_filter(filter);
    let mut out = String::new();
    let _ = decoder.for_each(|entry| {
        match entry {
            Entry::Record(record) => {
                out.push_str(&format!("{}: ", record.ring()));
                record.write_message(&mut out);
            }
            Entry::Loss(loss) => out.push_str(&format!("{}: {loss}", loss.ring())),
            Entry::Span(event) => {
                out.push_str(&format!("{}: {:?}", event.record().ring(), event.kind()));
            }
        }
        out.push('\n');
        ControlFlow::Continue(())
    });
    (out, decoder.summary())
}
