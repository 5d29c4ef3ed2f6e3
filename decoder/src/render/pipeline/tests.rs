//! `render` writes what a `Renderer` writes of each entry, in any number of threads.

use super::encoder::{EncodedEntry, EntryEncoder};
use super::*;
use crate::read::Turn;
use crate::render::text_buffer::TextBuffer;
use crate::testing::{DumpBuilder, Open, Rec, START, loss, n, str_bytes};
use crate::{Dump, Filter, Level, Levels, LossKind, Losses, Order};
use std::num::NonZero;
use stenolog_format::block::Codec;
use stenolog_format::dictionary::{CallSite, Role};
use stenolog_format::types::Type;

mod by_index;
mod lines;
mod shapes;
mod tail;
mod write_to;

use lines::EVIL;

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
    let id_at = |block: usize| dump.blocks().get(block).unwrap().offset as usize + 24 + 72 + 4;
    bytes[id_at(1)] = 99;
    let payload = dump.blocks().get(1).unwrap().payload_bytes as usize;
    let at = dump.blocks().get(1).unwrap().offset as usize;
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

/// Enough records for many batches, in blocks of three rings that overlap.
fn long() -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    builder.thread(3, 7, "third");
    for block in 0..18_u32 {
        let ring = block % 3 + 1;
        let at = |i: u32| u64::from(block) * 20_000 + u64::from(i) * 61;
        let records: Vec<_> = (0..1000)
            .map(|i| match i % 100 {
                99 => Rec(17, at(i), str_bytes(EVIL)),
                _ => n(at(i), block * 1000 + i),
            })
            .collect();
        builder.block(ring, &records);
        if block % 10 == 5 {
            builder.loss(ring, loss(at(999), [0, 0, 0, 0, u64::from(block)]));
        }
    }
    builder.seal(20);
    builder
}

#[test]
fn many_batches_come_out_in_order() {
    let dumps = [long().dump()];
    let options = RenderOptions::default();
    for filter in filters() {
        let expected = one_by_one(&dumps, &filter, Order::Time, Format::Short, &options);
        for threads in [1, 2, 8] {
            let found = rendered(&dumps, &filter, Order::Time, Format::Short, &options, threads);
            assert!(found.0 == expected.0, "{threads} threads");
            assert_eq!(format!("{:?}", found.1), format!("{:?}", expected.1));
        }
    }
}

#[test]
fn a_break_ends_it_and_nothing_more_is_handed_on() {
    let dumps = [long().dump()];
    for threads in [1, 2, 4] {
        for pieces in 1..4 {
            let mut calls = 0;
            let threads = NonZero::new(threads).unwrap();
            let mut decoder = Decoder::new(&dumps);
            let flow = decoder.render(Format::Json, &RenderOptions::default(), threads, |_| {
                calls += 1;
                if calls == pieces { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            assert!(flow.is_break());
            assert_eq!(calls, pieces);
        }
    }
}

#[test]
fn what_is_found_is_handed_on_before_the_end_is_read() {
    // One match at the beginning, and nothing wanted after it.
    let mut builder = DumpBuilder::new();
    builder.block(1, &[Rec(17, 0, str_bytes("needle"))]);
    for block in 0..2_000_u32 {
        builder.block(1, &[n(u64::from(block) + 1, block), n(u64::from(block) + 1, block)]);
    }
    builder.block(1, &[Rec(17, 9_999, str_bytes("needle"))]);
    let dumps = [builder.dump()];
    let filter = Filter::default().with_target("app::net").with_levels(Levels::ALL);
    for threads in [1, 2] {
        let mut pieces = Vec::new();
        let threads = NonZero::new(threads).unwrap();
        let mut decoder = Decoder::new(&dumps).with_filter(filter.clone());
        let _ = decoder.render(Format::Short, &RenderOptions::default(), threads, |text| {
            pieces.push(text.iter().filter(|&&byte| byte == b'\n').count());
            ControlFlow::Continue(())
        });
        assert_eq!(pieces, [1, 1], "{threads} threads");
    }
}

#[test]
fn long_texts_are_handed_on_in_pieces() {
    let mut builder = DumpBuilder::new();
    builder.site(40, Level::Info, "wide", Some("{0:60000}"), &[("n", Role::Argument, Type::U8)]);
    let records: Vec<_> = (0..200).map(|i| Rec(40, i, vec![i as u8])).collect();
    builder.block(1, &records);
    builder.seal(0);
    let dumps = [builder.dump()];
    let options = RenderOptions::default();
    let filter = Filter::default();
    let expected = one_by_one(&dumps, &filter, Order::Time, Format::Short, &options).0;
    for threads in [1, 2] {
        let mut found = String::new();
        let flow = Decoder::new(&dumps).render(
            Format::Short,
            &options,
            NonZero::new(threads).unwrap(),
            |text| {
                assert!(text.len() < batch::BATCH_TEXT_BYTES + 70_000, "{}", text.len());
                found.push_str(std::str::from_utf8(text).unwrap());
                ControlFlow::Continue(())
            },
        );
        assert!(flow.is_continue());
        assert!(found == expected);
    }
}

#[test]
fn long_messages_wait_for_their_turn() {
    let mut builder = DumpBuilder::new();
    let lengths = [10, 80_000, 100_000, 20];
    let long = |length: usize| str_bytes(&"\x01".repeat(length));
    let records: Vec<_> = lengths.iter().zip(0..).map(|(&n, at)| Rec(17, at, long(n))).collect();
    builder.block(1, &records);
    builder.seal(0);
    let dumps = [builder.dump()];
    let mut decoder = Decoder::new(&dumps);
    decoder.start();
    let encoding = EntryEncoding::new(&decoder, Format::Logfmt, &RenderOptions::default());
    let mut encoder = EntryEncoder::new(encoding);
    let mut encoded = Vec::new();
    let _ = decoder.merge(|turn, _, _| {
        let Turn::Records(run) = turn else { return (1, ControlFlow::Continue(())) };
        for raw in run.records() {
            for is_its_turn in [false, true] {
                let mut text = TextBuffer::default();
                encoded.push(encoder.record(&raw, is_its_turn, &mut text).unwrap());
                assert_eq!(text.is_empty(), encoded.last() == Some(&EncodedEntry::Deferred));
            }
        }
        (run.to - run.from, ControlFlow::Continue(()))
    });
    let [shown, later] = [EncodedEntry::Written, EncodedEntry::Deferred];
    assert_eq!(encoded, [shown, shown, shown, shown, later, shown, shown, shown]);
    check(&dumps, &Filter::default(), Order::Time);
}

#[test]
fn a_fill_of_several_bytes_counts_as_these() {
    for fill in ["\u{1f600}", "x"] {
        let mut builder = DumpBuilder::new();
        let template = format!("{{0:{fill}>65535}}").repeat(7);
        let slots = [("n", Role::Argument, Type::U32)];
        builder.site(30, Level::Info, "app", Some(&template), &slots);
        builder.block(1, &[Rec(30, 1, 5_u32.to_le_bytes().to_vec())]);
        builder.seal(0);
        check(&[builder.dump()], &Filter::default(), Order::Time);
    }
}

#[test]
fn what_a_filter_leaves_out_keeps_nothing_waiting() {
    // Times that go back, in rows and in columns: what comes out must be in one order.
    let records = |needle: &'static str| {
        (0..700_u64).map(move |n| {
            let text = if n % 3 == 1 { needle } else { "something else" };
            Rec(17, 1_000_000 - n * 7 % 1000 * 100, str_bytes(text))
        })
    };
    let mut texts = Vec::new();
    for in_columns in [false, true] {
        let mut builder = DumpBuilder::new();
        for ring in [1, 2] {
            let records: Vec<_> =
                records(["needle one", "needle two"][ring as usize - 1]).collect();
            if in_columns {
                builder.column_block(ring, &records);
            } else {
                builder.block(ring, &records);
            }
        }
        builder.seal(0);
        let dumps = [builder.dump()];
        let filter = Filter::default().with_grep_pattern("needle", false).unwrap();
        check(&dumps, &filter, Order::Time);
        let options = RenderOptions::default();
        texts.push(one_by_one(&dumps, &filter, Order::Time, Format::Short, &options).0);
    }
    assert_eq!(texts[0].lines().count(), 466);
    assert!(texts[0] == texts[1]);
}
