//! `render` writes what a `Renderer` writes of each entry, in any number of threads.

use std::num::NonZero;

use super::encoder::{Encoded, EntryEncoder};
use super::*;
use crate::read::Turn;
use crate::render::text_buffer::TextBuffer;
use crate::scene::{Rec, START, Scene, loss, n, str_bytes};
use crate::{Dump, Filter, Level, Levels, LossKind, Losses, Order};
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

/// Records of all scalars, in rows and as the ring had them.
fn scalars() -> Scene {
    let (mut scene, records) = scalar_records();
    scene.block(1, &records);
    scene.raw_block(2, &records);
    scene.seal(0);
    scene
}

/// Call sites of all scalars, with specs, roles and templates of all kinds, and a record of each.
fn scalar_records() -> (Scene, Vec<Rec>) {
    let mut scene = Scene::new();
    let types = [
        (Type::Bool, vec![1]),
        (Type::Char, 0x1b_u32.to_le_bytes().to_vec()),
        (Type::U8, vec![200]),
        (Type::U16, vec![0, 200]),
        (Type::U32, vec![1, 2, 3, 200]),
        (Type::U64, vec![255; 8]),
        (Type::I8, vec![200]),
        (Type::I16, vec![0, 200]),
        (Type::I32, vec![1, 2, 3, 200]),
        (Type::I64, vec![254; 8]),
        (Type::F32, 1.5e-7_f32.to_le_bytes().to_vec()),
        (Type::F64, 0.125_f64.to_le_bytes().to_vec()),
        (Type::F64, f64::NAN.to_le_bytes().to_vec()),
        (Type::F64, f64::NEG_INFINITY.to_le_bytes().to_vec()),
        (Type::F64, 1e300_f64.to_le_bytes().to_vec()),
        (Type::Str, str_bytes(EVIL)),
        (Type::Str, str_bytes("")),
        (Type::Str, str_bytes("a b")),
        (Type::Formatted, str_bytes(EVIL)),
        (Type::U128, vec![9; 16]),
        (Type::Option(Box::new(Type::U8)), vec![1, 7]),
    ];
    let templates = [
        Some("{0}"),
        Some("\x1b[1m\"{0}\" \\ größe {0:?}\n"),
        Some("{0:\x1b>12} {0:02} {0:+.3} {0:x?}"),
        Some("{0:.0}{0:.6}{0:.20}{0:#?}"),
        Some("no value"),
        Some(""),
        Some("{ broken"),
        None,
    ];
    let roles = [Role::Argument, Role::Field, Role::DebugField];
    let mut id = 100;
    let mut records = Vec::new();
    for (ty, bytes) in &types {
        for template in templates {
            for role in roles {
                let slots = [("va\"lue", role, ty.clone()), ("again", Role::Field, Type::U8)];
                let slots = if id % 2 == 0 { &slots[..1] } else { &slots };
                scene.site(id, Level::ALL[id as usize % 5], "app::\x07", template, slots);
                let values = if id % 2 == 0 { bytes.clone() } else { [bytes, &[5][..]].concat() };
                records.push(Rec(id, u64::from(id) * 333_333, values));
                id += 1;
            }
        }
    }
    let many: Vec<_> = (0..12).map(|_| ("n", Role::Argument, Type::U8)).collect();
    for (id, count) in [(5000, 8), (5001, 9), (5002, 12)] {
        scene.site(id, Level::Info, "many", Some("{7} {0}"), &many[..count]);
        records.push(Rec(id, 9_999_999_999, (0..count as u8).collect()));
    }
    // As long as messages may be, and longer than lines are made for.
    scene.site(5004, Level::Info, "wide", Some("{0:65535}"), &[("n", Role::Argument, Type::U8)]);
    records.push(Rec(5004, 10_000_000_000, vec![7]));
    let wider = Some("{0:65535}{0:65535}{0:65535}{0:65535}{0:65535}{0:65535}{0:65535}{0:65535}");
    scene.site(5005, Level::Info, "wide", wider, &[("n", Role::Argument, Type::U8)]);
    records.push(Rec(5005, 10_000_000_000, vec![7]));
    scene.site(5006, Level::Info, "long", Some("{0}"), &[("text", Role::Argument, Type::Str)]);
    records.push(Rec(5006, 10_000_000_000, str_bytes(&"x\"".repeat(20_000))));
    // Short enough, but printed so often that the message is cut.
    let often = "{0}".repeat(1000);
    scene.site(5007, Level::Info, "often", Some(&often), &[("text", Role::Argument, Type::Str)]);
    records.push(Rec(5007, 10_000_000_000, str_bytes(&"x\"".repeat(4000))));
    let counted = [("x", Role::Argument, Type::F64), ("w", Role::Count, Type::U16)];
    scene.site(5003, Level::Info, "counted", Some("{0:1$.1$}"), &counted);
    records.push(Rec(5003, 10_000_000_000, [&1.5_f64.to_le_bytes()[..], &[9, 0]].concat()));
    (scene, records)
}

#[test]
fn lines_of_scalars_are_what_the_renderer_writes() {
    check(&[scalars().dump()], &Filter::default(), Order::Time);
}

#[test]
fn columns_show_what_rows_show() {
    let dump = |put: fn(&mut Scene, u32, &[Rec])| {
        let (mut scene, mut records) = scalar_records();
        // The longest ones take their time, and stand in no other way.
        records.retain(|Rec(id, ..)| *id < 5004);
        // A block has no more kinds of records in columns. Of each there are several, and among them
        // losses; the second ring's come in between.
        for (kinds, at) in records.chunks(100).zip(0..) {
            let mut block = Vec::new();
            for turn in 0..3 {
                for Rec(id, time, values) in kinds {
                    block.push(Rec(*id, time + turn, values.clone()));
                }
                let counts = [turn + 1 + 10 * at; 10].map(u64::to_le_bytes);
                block.push(Rec(CallSite::LOSS_ID, at * 100, counts.concat()));
            }
            put(&mut scene, at as u32 % 2 + 1, &block);
        }
        scene.seal(0);
        [scene.dump()]
    };
    let (rows, columns) = (dump(Scene::block), dump(Scene::column_block));
    let options = RenderOptions::default();
    for filter in filters().into_iter().chain([Filter::default().with_target("many")]) {
        for order in [Order::Time, Order::File] {
            for format in [Format::Short, Format::Json, Format::Logfmt] {
                let expected = one_by_one(&rows, &filter, order, format, &options);
                for threads in [1, 2] {
                    let found = rendered(&columns, &filter, order, format, &options, threads);
                    assert!(found.0 == expected.0, "{format}, {order:?}, {threads} threads");
                    assert_eq!(format!("{:?}", found.1), format!("{:?}", expected.1));
                }
            }
        }
    }
}

/// A dump of another session.
fn scene() -> Scene {
    let mut scene = Scene::bare(9, 0);
    scene.prelude();
    scene.block(1, &[n(15, 15), n(35, 35), Rec(17, 45, str_bytes(EVIL))]);
    scene
}

/// Two threads, losses, gaps, blocks that are damaged, cut, compressed or of another version, unknown
/// call sites, and values that cannot be read.
fn damaged() -> Vec<u8> {
    let mut scene = Scene::new();
    scene.block(1, &[n(10, 1), n(30, 3), Rec(17, 40, str_bytes(EVIL)), n(41, 4)]);
    scene.raw_block(2, &[n(20, 2), Rec(18, (START + 22) as u64, vec![]), n(50, 5)]);
    scene.skip(1, 3);
    scene.compressed_block(1, &[n(60, 6), n(70, 7)], Codec::Zstd);
    scene.loss(2, loss(75, [1, 0, 0, 2, 5]));
    scene.compressed_block(2, &[n(80, 8)], Codec::Lz4);
    // Too short for their values, and of no call site.
    scene.raw_block(
        1,
        &[Rec(16, 90, vec![1]), n(91, 9), Rec(16, 92, vec![]), Rec(17, 93, vec![9; 5])],
    );
    scene.raw_block(2, &[Rec(17, 94, str_bytes("\u{feff}"))]);
    let mut bytes = scene.bytes().to_vec();
    let dump = scene.dump();
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
        check(&[dump(bytes.clone()), scene().dump(), dump(bytes.clone())], &filter, Order::File);
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

/// So many records that there are many batches, in blocks of three rings that overlap.
fn long() -> Scene {
    let mut scene = Scene::new();
    scene.thread(3, 7, "third");
    for block in 0..18_u32 {
        let ring = block % 3 + 1;
        let at = |i: u32| u64::from(block) * 20_000 + u64::from(i) * 61;
        let records: Vec<_> = (0..1000)
            .map(|i| match i % 100 {
                99 => Rec(17, at(i), str_bytes(EVIL)),
                _ => n(at(i), block * 1000 + i),
            })
            .collect();
        scene.block(ring, &records);
        if block % 10 == 5 {
            scene.loss(ring, loss(at(999), [0, 0, 0, 0, u64::from(block)]));
        }
    }
    scene.seal(20);
    scene
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
    // One match at the beginning, and nothing behind it that would be wanted.
    let mut scene = Scene::new();
    scene.block(1, &[Rec(17, 0, str_bytes("needle"))]);
    for block in 0..2_000_u32 {
        scene.block(1, &[n(u64::from(block) + 1, block), n(u64::from(block) + 1, block)]);
    }
    scene.block(1, &[Rec(17, 9_999, str_bytes("needle"))]);
    let dumps = [scene.dump()];
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
    let mut scene = Scene::new();
    scene.site(40, Level::Info, "wide", Some("{0:60000}"), &[("n", Role::Argument, Type::U8)]);
    let records: Vec<_> = (0..200).map(|i| Rec(40, i, vec![i as u8])).collect();
    scene.block(1, &records);
    scene.seal(0);
    let dumps = [scene.dump()];
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
    let mut scene = Scene::new();
    let lengths = [10, 80_000, 100_000, 20];
    let long = |length: usize| str_bytes(&"\x01".repeat(length));
    let records: Vec<_> = lengths.iter().zip(0..).map(|(&n, at)| Rec(17, at, long(n))).collect();
    scene.block(1, &records);
    scene.seal(0);
    let dumps = [scene.dump()];
    let mut decoder = Decoder::new(&dumps);
    decoder.start();
    let encoding = Encoding::new(&decoder, Format::Logfmt, &RenderOptions::default());
    let mut encoder = EntryEncoder::new(encoding);
    let mut encoded = Vec::new();
    let _ = decoder.merge(|turn, _, _| {
        let Turn::Records(run) = turn else { return (1, ControlFlow::Continue(())) };
        for raw in run.records() {
            for is_its_turn in [false, true] {
                let mut text = TextBuffer::default();
                encoded.push(encoder.record(&raw, is_its_turn, &mut text).unwrap());
                assert_eq!(text.is_empty(), encoded.last() == Some(&Encoded::Deferred));
            }
        }
        (run.to - run.from, ControlFlow::Continue(()))
    });
    let [shown, later] = [Encoded::Written, Encoded::Deferred];
    assert_eq!(encoded, [shown, shown, shown, shown, later, shown, shown, shown]);
    check(&dumps, &Filter::default(), Order::Time);
}

#[test]
fn the_last_entries_are_the_end_of_all() {
    let long = [long().dump()];
    let damaged = [Dump::from_bytes("damaged", damaged()).unwrap()];
    let options = RenderOptions::default();
    for dumps in [&long, &damaged] {
        for filter in filters() {
            for losses in [Losses::Inline, Losses::Merged] {
                let of_all =
                    one_by_one_with(losses, dumps, &filter, Order::Time, Format::Short, &options);
                let (text, summary) = of_all;
                let lines: Vec<_> = text.lines().collect();
                for count in [0, 1, 3, 1500, lines.len(), usize::MAX] {
                    // Once all is kept, once far too little, so that it is read again.
                    for most_bytes in [1 << 26, 100] {
                        let decoder = Decoder::new(dumps).with_filter(filter.clone());
                        let mut decoder = decoder.with_losses(losses);
                        let mut out = String::new();
                        let flow = decoder.render_last_within(
                            (count as u64, most_bytes),
                            Format::Short,
                            &options,
                            |text| {
                                out.push_str(std::str::from_utf8(text).unwrap());
                                ControlFlow::Continue(())
                            },
                        );
                        assert!(flow.is_continue());
                        let expected = last_records(&lines, count);
                        assert!(out.lines().eq(expected.iter().copied()), "the last {count}");
                        assert_eq!(format!("{:?}", decoder.summary()), format!("{summary:?}"));
                    }
                }
            }
        }
    }
}

/// The last lines of records, and the losses behind the one before; nothing if it is none of them.
fn last_records<'l>(lines: &'l [&'l str], count: usize) -> &'l [&'l str] {
    let is_record = |line: &str| !line.contains(" stenolog: ");
    let records = lines.iter().filter(|line| is_record(line)).count();
    let mut skip = records.saturating_sub(count);
    let mut from = if count == 0 { lines.len() } else { 0 };
    while skip > 0 && from < lines.len() {
        skip -= usize::from(is_record(lines[from]));
        from += 1;
    }
    &lines[from..]
}

#[test]
fn a_fill_of_several_bytes_counts_as_these() {
    for fill in ["\u{1f600}", "x"] {
        let mut scene = Scene::new();
        let template = format!("{{0:{fill}>65535}}").repeat(7);
        let slots = [("n", Role::Argument, Type::U32)];
        scene.site(30, Level::Info, "app", Some(&template), &slots);
        scene.block(1, &[Rec(30, 1, 5_u32.to_le_bytes().to_vec())]);
        scene.seal(0);
        check(&[scene.dump()], &Filter::default(), Order::Time);
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
        let mut scene = Scene::new();
        for ring in [1, 2] {
            let records: Vec<_> =
                records(["needle one", "needle two"][ring as usize - 1]).collect();
            if in_columns {
                scene.column_block(ring, &records);
            } else {
                scene.block(ring, &records);
            }
        }
        scene.seal(0);
        let dumps = [scene.dump()];
        let filter = Filter::default().with_grep_pattern("needle", false).unwrap();
        check(&dumps, &filter, Order::Time);
        let options = RenderOptions::default();
        texts.push(one_by_one(&dumps, &filter, Order::Time, Format::Short, &options).0);
    }
    assert_eq!(texts[0].lines().count(), 466);
    assert!(texts[0] == texts[1]);
}

/// A writer that takes a number of bytes and then breaks.
struct Breaking {
    taken: Vec<u8>,
    left: usize,
}

impl io::Write for Breaking {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = bytes.len().min(self.left);
        self.left -= length;
        self.taken.extend_from_slice(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn write_to_writes_the_header_and_all_entries() {
    let dump = long().dump();
    for format in Format::ALL {
        for threads in [1, 2] {
            let (expected, summary) =
                crate::scene::render(&[dump.clone()], Filter::default(), format);
            let options = RenderOptions::default().with_threads(NonZero::new(threads).unwrap());
            let mut out = Vec::new();
            let mut decoder = Decoder::new(&dump);
            let found = decoder.write_to(&mut out, format, &options).unwrap();
            assert!(out == expected.as_bytes(), "{format}, {threads} threads");
            assert_eq!(format!("{found:?}"), format!("{summary:?}"));
            // There is nothing more, not even a header.
            out.clear();
            decoder.write_to(&mut out, format, &options).unwrap();
            assert!(out.is_empty());
        }
    }
}

#[test]
fn write_to_gives_the_error_of_the_writer_and_goes_on_after_it() {
    let dump = long().dump();
    let (expected, summary) =
        crate::scene::render(&[dump.clone()], Filter::default(), Format::Json);
    let mut decoder = Decoder::new(&dump);
    let mut pieces = Vec::new();
    let _ = Decoder::new(&dump).render(
        Format::Json,
        &RenderOptions::default(),
        NonZero::<usize>::MIN,
        |text| {
            pieces.push(text.len());
            ControlFlow::Continue(())
        },
    );
    assert!(pieces.len() > 2);
    let mut out = Breaking { taken: Vec::new(), left: pieces[0] };
    let options = RenderOptions::default();
    let error = decoder.write_to(&mut out, Format::Json, &options).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    out.left = usize::MAX;
    let found = decoder.write_to(&mut out, Format::Json, &options).unwrap();
    // Only the piece that was refused is missing.
    let rest = &expected.as_bytes()[pieces[0] + pieces[1]..];
    assert!(out.taken == [&expected.as_bytes()[..pieces[0]], rest].concat());
    assert_eq!(format!("{found:?}"), format!("{summary:?}"));
}
