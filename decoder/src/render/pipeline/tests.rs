//! `render` writes what a `Renderer` writes of each entry, in any number of threads.

mod batches;
mod scalars;

use super::encoder::{Encoded, EntryEncoder};
use super::*;
use crate::read::Turn;
use crate::render::text_buffer::TextBuffer;
use crate::testing::{DumpBuilder, Open, Rec, START, loss, n, str_bytes};
use crate::{Dump, Filter, Level, Levels, LossKind, Losses, Order};
use std::num::NonZero;
use stenolog_format::block::Codec;
use stenolog_format::dictionary::{CallSite, Role};
use stenolog_format::types::Type;

/// What the text should be, and the summary.
fn one_by_one(
    dumps: &[Dump],
    filter: &Filter,
    order: Order,
    format: Format,
    options: &RenderOptions,
) -> (String, Summary) {
    one_by_one_with(Losses::Inline, dumps, filter, order, format, options)
}

fn one_by_one_with(
    losses: Losses,
    dumps: &[Dump],
    filter: &Filter,
    order: Order,
    format: Format,
    options: &RenderOptions,
) -> (String, Summary) {
    let decoder = Decoder::new(dumps).with_filter(filter.clone()).with_order(order);
    let mut decoder = decoder.with_losses(losses);
    let mut renderer = Renderer::new(format, options.clone());
    let mut out = String::new();
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut out);
        ControlFlow::Continue(())
    });
    (out, decoder.summary())
}

fn rendered(
    dumps: &[Dump],
    filter: &Filter,
    order: Order,
    format: Format,
    options: &RenderOptions,
    threads: usize,
) -> (String, Summary) {
    rendered_with(Losses::Inline, dumps, filter, order, format, options, threads)
}

fn rendered_with(
    losses: Losses,
    dumps: &[Dump],
    filter: &Filter,
    order: Order,
    format: Format,
    options: &RenderOptions,
    threads: usize,
) -> (String, Summary) {
    let decoder = Decoder::new(dumps).with_filter(filter.clone()).with_order(order);
    let mut decoder = decoder.with_losses(losses);
    let mut out = String::new();
    let flow = decoder.render(format, options, NonZero::new(threads).unwrap(), |text| {
        assert!(text.ends_with(b"\n"));
        out.push_str(std::str::from_utf8(text).unwrap());
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue());
    (out, decoder.summary())
}

/// All formats, with colours and without, in one thread and in several.
#[track_caller]
fn check(dumps: &[Dump], filter: &Filter, order: Order) {
    let color = RenderOptions::default().with_color(true);
    let options = Format::ALL.map(|format| (format, RenderOptions::default()));
    for (format, options) in options.into_iter().chain([(Format::Short, color)]) {
        // How losses are merged does not depend on the format.
        let is_short = format == Format::Short;
        let ways = [Losses::Inline, Losses::Merged, Losses::None];
        for losses in ways.into_iter().take(if is_short { 3 } else { 1 }) {
            let expected = one_by_one_with(losses, dumps, filter, order, format, &options);
            for threads in [1, 3] {
                let found = rendered_with(losses, dumps, filter, order, format, &options, threads);
                assert!(
                    found.0 == expected.0,
                    "{format}, {order:?}, {losses:?}, {threads} threads"
                );
                assert_eq!(format!("{:?}", found.1), format!("{:?}", expected.1));
            }
        }
    }
}

fn filters() -> Vec<Filter> {
    let filter = Filter::default;
    vec![
        filter(),
        filter().with_levels(Levels::only(&[Level::Warn])),
        filter().with_grep(regex::Regex::new("[13]").unwrap()),
        filter().with_grep(regex::Regex::new("[13]").unwrap()).with_inverted_grep(true),
        filter().with_field("n=3".parse().unwrap()),
        filter().with_since(START + 25),
        filter().with_thread("main"),
    ]
}

const EVIL: &str = "a\x1b[31m\n\"b\" \\ größe\u{202e}";

/// A dump of another session.
fn builder() -> DumpBuilder {
    let mut builder = DumpBuilder::bare(9, 0);
    builder.prelude();
    builder.block(1, &[n(15, 15), n(35, 35), Rec(17, 45, str_bytes(EVIL))]);
    builder
}

/// Two threads, losses, gaps, blocks that are damaged, cut, compressed or of another version, unknown
/// call sites, and values that cannot be read.
fn damaged() -> Vec<u8> {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(30, 3), Rec(17, 40, str_bytes(EVIL)), n(41, 4)]);
    builder.raw_block(2, &[n(20, 2), Rec(18, (START + 22) as u64, vec![]), n(50, 5)]);
    builder.skip(1, 3);
    builder.compressed_block(1, &[n(60, 6), n(70, 7)], Codec::Zstd);
    builder.loss(2, loss(75, [1, 0, 0, 2, 5]));
    builder.compressed_block(2, &[n(80, 8)], Codec::Lz4);
    // Too short for their values, and of no call site.
    builder.raw_block(
        1,
        &[Rec(16, 90, vec![1]), n(91, 9), Rec(16, 92, vec![]), Rec(17, 93, vec![9; 5])],
    );
    builder.raw_block(2, &[Rec(17, 94, str_bytes("\u{feff}"))]);
    let mut bytes = builder.bytes().to_vec();
    let dump = builder.dump();
    let id_at = |block: usize| dump.blocks()[block].offset as usize + 24 + 72 + 4;
    bytes[id_at(1)] = 99;
    let payload = dump.blocks()[1].payload_bytes as usize;
    let at = dump.blocks()[1].offset as usize;
    let crc = crc32fast::hash(&bytes[at + 24..at + 24 + payload]).to_le_bytes();
    bytes[at + 16..at + 20].copy_from_slice(&crc);
    let crc = crc32fast::hash(&bytes[at..at + 20]).to_le_bytes();
    bytes[at + 20..at + 24].copy_from_slice(&crc);
    bytes
}

#[test]
fn damage_shows_alike() {
    let bytes = damaged();
    let dump = |bytes: Vec<u8>| Dump::from_bytes("damaged", bytes).unwrap();
    let whole = [dump(bytes.clone())];
    let (_, summary) = one_by_one(
        &whole,
        &Filter::default(),
        Order::Time,
        Format::Short,
        &RenderOptions::default(),
    );
    let causes: Vec<_> = summary.by_cause.keys().copied().collect();
    let expected =
        [LossKind::RingFull, LossKind::Missing, LossKind::UnknownCallSite, LossKind::Unreadable];
    assert_eq!(causes, expected);
    for filter in filters() {
        check(&whole, &filter, Order::Time);
        check(&[dump(bytes.clone()), builder().dump(), dump(bytes.clone())], &filter, Order::File);
    }
    for cut in (600..bytes.len()).step_by(61) {
        let mut changed = bytes.clone();
        changed[cut] ^= 0x10;
        for dump in [dump(bytes[..cut].to_vec()), dump(changed)] {
            let dumps = [dump];
            let options = RenderOptions::default();
            let expected =
                one_by_one(&dumps, &Filter::default(), Order::Time, Format::Json, &options);
            for threads in [1, 3] {
                let found = rendered(
                    &dumps,
                    &Filter::default(),
                    Order::Time,
                    Format::Json,
                    &options,
                    threads,
                );
                assert_eq!(found.0, expected.0, "at {cut}");
                assert_eq!(format!("{:?}", found.1), format!("{:?}", expected.1));
            }
        }
    }
}
