//! Statements of losses: which are shown, and how.

use std::num::NonZero;

use super::*;
use crate::{Format, Levels, RenderOptions, Renderer};
use stenolog_format::dictionary::Level;

/// Warnings, before each of which debug records were lost, as of a program under load; the counts by
/// level are totals.
fn noise() -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    for at in 1..=6_u64 {
        let lost = if at == 6 { [0, 1, 0, 5, 0] } else { [0, 0, 0, at, 0] };
        let statement = Rec(1, at * 100, loss(at * 100, lost).encode()[8..].to_vec());
        let record = if at % 3 == 0 {
            Rec(18, (START + at as i64 * 100 + 50) as u64, vec![])
        } else {
            Rec(17, at * 100 + 50, str_bytes("w"))
        };
        builder.block(1, &[statement, record]);
    }
    builder.seal(7);
    builder
}

fn shown(dumps: &[Dump], filter: &Filter, losses: Losses) -> (String, Summary) {
    let mut decoder = Decoder::new(dumps).with_filter(filter.clone()).with_losses(losses);
    let mut out = String::new();
    let _ = decoder.for_each(|entry| {
        match entry {
            Entry::Record(record) => record.write_message(&mut out),
            Entry::Loss(loss) => out.push_str(&format!("{}: {loss}", loss.ring())),
            Entry::Span(_) => {}
        }
        out.push('\n');
        ControlFlow::Continue(())
    });
    (out, decoder.summary())
}

#[test]
fn each_stands_where_it_is_if_asked_for() {
    let (text, _) = shown(&[noise().dump()], &Filter::default(), Losses::Inline);
    insta::assert_snapshot!(text, @r#"
    1: 1 record lost: ring full (1 DEBUG)
    text
    1: 1 record lost: ring full (1 DEBUG)
    text
    1: 1 record lost: ring full (1 DEBUG)
    at
    1: 1 record lost: ring full (1 DEBUG)
    text
    1: 1 record lost: ring full (1 DEBUG)
    text
    1: 1 record lost: ring full (1 WARN)
    at
    "#);
    // No two follow one another here.
    assert_eq!(shown(&[noise().dump()], &Filter::default(), Losses::Merged).0, text);
    let (text, summary) = shown(&[noise().dump()], &Filter::default(), Losses::None);
    assert_eq!(text, "text\ntext\nat\ntext\ntext\nat\n");
    assert_eq!((summary.lost, summary.is_complete()), (6, false));
}

#[test]
fn filters_apply_to_losses() {
    let dumps = [noise().dump()];
    #[track_caller]
    fn check(dumps: &[Dump], filter: Filter, expected: &[&str]) {
        for losses in [Losses::Inline, Losses::Merged] {
            let (text, summary) = shown(dumps, &filter, losses);
            let found: Vec<_> = text.lines().filter(|line| line.contains("lost")).collect();
            assert_eq!(found, expected);
            // Counted all the same.
            assert_eq!(summary.lost, 6);
        }
    }
    let warning = "1: 1 record lost: ring full (1 WARN)";
    check(&dumps, Filter::default().with_levels(Levels::at_least(Level::Error)), &[]);
    check(&dumps, Filter::default().with_levels(Levels::at_least(Level::Info)), &[warning]);
    let debug = Levels::only(&[Level::Debug]);
    let all = "1: 5 records lost: ring full (5 DEBUG); 5 times in 400ns";
    let merged = shown(&dumps, &Filter::default().with_levels(debug), Losses::Merged).0;
    assert_eq!(merged, format!("{all}\n"));
    check(
        &dumps,
        Filter::default().with_until(START + 150),
        &["1: 1 record lost: ring full (1 DEBUG)"],
    );
    check(&dumps, Filter::default().with_since(START + 550), &[warning]);
    // Of what they are about nothing but thread, time and level is known.
    check(&dumps, Filter::default().with_target("app"), &[]);
    check(&dumps, Filter::default().with_grep_pattern("text", true).unwrap(), &[]);
    check(&dumps, Filter::default().with_field("name=w".parse().unwrap()), &[]);
    check(&dumps, Filter::default().with_target("stenolog").with_since(START + 550), &[warning]);
    check(&dumps, Filter::default().with_grep_pattern("lost.*WARN", true).unwrap(), &[warning]);
    let of_ring = Filter::default().with_field("cause=ring_full".parse().unwrap());
    check(&dumps, of_ring.clone().with_since(START + 550), &[warning]);
    check(&dumps, of_ring.with_field("lost=2".parse().unwrap()), &[]);
}

#[test]
fn adjacent_ones_are_one_for_each_ring() {
    let mut builder = DumpBuilder::new();
    let statement = |at, count| Rec(1, at, loss(at, [0, 0, 0, 0, count]).encode()[8..].to_vec());
    builder.block(1, &[n(5, 1), statement(10, 1), statement(30, 3), statement(50, 4)]);
    builder.block(2, &[statement(20, 10), statement(40, 20), n(45, 2), statement(60, 21)]);
    builder.block(1, &[n(70, 3)]);
    builder.seal(25);
    let dumps = [builder.dump()];
    let (text, summary) = shown(&dumps, &Filter::default(), Losses::Merged);
    insta::assert_snapshot!(text, @r#"
    n 1
    1: 3 records lost: ring full (3 TRACE); 2 times in 20ns
    2: 20 records lost: ring full (20 TRACE); 2 times in 20ns
    n 2
    1: 1 record lost: ring full (1 TRACE)
    2: 1 record lost: ring full (1 TRACE)
    n 3
    "#);
    assert_eq!(summary.lost, 25);
    let mut out = String::new();
    for format in [Format::Short, Format::Json, Format::Logfmt] {
        let mut renderer = Renderer::new(format, RenderOptions::default());
        let mut decoder = Decoder::new(&dumps).with_losses(Losses::Merged);
        let _ = decoder.for_each(|entry| {
            if matches!(entry, Entry::Loss(loss) if loss.statements() > 1 && loss.ring() == 1) {
                renderer.write(entry, &mut out);
            }
            ControlFlow::Continue(())
        });
    }
    insta::assert_snapshot!(out, @r#"
    2026-11-22T23:07:05.000000Z  WARN main stenolog: 3 records lost: ring full (3 TRACE); 2 times in 20ns
    {"timestamp":"2026-11-22T23:07:05.000000030Z","level":"WARN","target":"stenolog","message":"3 records lost: ring full (3 TRACE); 2 times in 20ns","thread":"main","file":null,"line":null,"fields":{"lost":3,"ring":1,"cause":"ring_full","ring_full":{"TRACE":3},"statements":2,"first_timestamp":"2026-11-22T23:07:05.000000010Z"}}
    time=2026-11-22T23:07:05.000000030Z level=WARN target=stenolog thread=main msg="3 records lost: ring full (3 TRACE); 2 times in 20ns" lost=3 ring=1 cause=ring_full statements=2 first_timestamp=2026-11-22T23:07:05.000000010Z
    "#);
}

#[test]
fn those_of_records_that_have_numbers_say_which() {
    // Blocks that are damaged, between such as have nothing that is wanted.
    let mut builder = DumpBuilder::new();
    let mut broken = Vec::new();
    for block in 0..6_u64 {
        if block % 2 == 1 {
            broken.push(builder.bytes().len() + 100);
        }
        builder.block(1, &[n(block * 10, 0), n(block * 10 + 5, 1)]);
    }
    builder.block(1, &[Rec(17, 100, str_bytes("last"))]);
    let mut bytes = builder.bytes().to_vec();
    broken.iter().for_each(|&at| bytes[at] ^= 1);
    let dumps = [Dump::from_bytes("test.steno", bytes).unwrap()];
    let warn = Filter::default().with_levels(Levels::at_least(Level::Warn));
    let (text, summary) = shown(&dumps, &warn, Losses::Merged);
    assert_eq!(text, "text\n", "blocks without wanted records are not read");
    assert!(summary.damage.is_empty());
    let numbers = Filter::default().with_field("n=7".parse().unwrap());
    let (text, summary) = shown(&dumps, &numbers, Losses::Merged);
    assert_eq!((text.as_str(), summary.missing), ("", 6));
    let filter = Filter::default().with_grep_pattern("lost", true).unwrap();
    let (text, _) = shown(&dumps, &filter, Losses::Merged);
    insta::assert_snapshot!(text, @"1: 6 records lost: the checksum of their block is wrong; among the numbers 2 to 11 of their ring; 3 times in 80ns");
}

#[test]
fn a_break_loses_neither_records_nor_losses() {
    let mut builder = noise();
    let statement = |at, count| Rec(1, at, loss(at, [0, 0, 0, 0, count]).encode()[8..].to_vec());
    builder.block(2, &[statement(120, 1), statement(130, 2), n(220, 1), statement(9_000, 3)]);
    let dumps = [builder.dump()];
    for losses in [Losses::Inline, Losses::Merged, Losses::None] {
        let (expected, of_all) = shown(&dumps, &Filter::default(), losses);
        let mut decoder = Decoder::new(&dumps).with_losses(losses);
        let mut out = String::new();
        let mut calls = 0;
        loop {
            let flow = decoder.for_each(|entry| {
                calls += 1;
                match entry {
                    Entry::Record(record) => record.write_message(&mut out),
                    Entry::Loss(loss) => out.push_str(&format!("{}: {loss}", loss.ring())),
                    Entry::Span(_) => {}
                }
                out.push('\n');
                ControlFlow::Break(())
            });
            if flow.is_continue() {
                break;
            }
        }
        assert_eq!(out, expected, "{losses:?}");
        assert_eq!(calls, expected.lines().count());
        assert_eq!(decoder.summary().shown, of_all.shown);
    }
}

#[test]
fn what_cannot_be_read_is_not_counted_as_read() {
    let mut builder = DumpBuilder::new();
    let unreadable = |at| Rec(16, at, vec![1]);
    builder.raw_block(1, &[n(10, 1), unreadable(20), unreadable(30), n(40, 2)]);
    builder.raw_block(1, &[unreadable(50), Rec(99, 60, vec![]), n(70, 3)]);
    let dumps = [builder.dump()];
    let (text, summary) = shown(&dumps, &Filter::default(), Losses::Merged);
    insta::assert_snapshot!(text, @r#"
    n 1
    1: 2 records lost: the bytes there cannot be read; numbers 1 to 2 of their ring; 2 times in 10ns
    n 2
    1: 1 record lost: their call site is unknown; number 5 of its ring
    1: 1 record lost: the bytes there cannot be read; number 4 of its ring
    n 3
    "#);
    assert_eq!((summary.records, summary.shown), (3, 3));
    assert_eq!(crate::verify(&dumps[0]).records, 3);
    for threads in [1, 3] {
        let mut decoder = Decoder::new(&dumps).with_losses(Losses::Merged);
        let threads = NonZero::new(threads).unwrap();
        let _ = decoder.render(Format::Short, &RenderOptions::default(), threads, |_| {
            ControlFlow::Continue(())
        });
        assert_eq!((decoder.summary().records, decoder.summary().shown), (3, 3));
    }
}

#[test]
fn a_summary_serializes_with_the_file_of_each_damage() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    builder.skip(1, 2);
    builder.block(1, &[n(20, 2), n(21, 3)]);
    builder.loss(1, loss(30, [0, 0, 0, 4, 0]));
    let mut bytes = builder.bytes().to_vec();
    let dump = Dump::from_bytes("app.steno", bytes.clone()).unwrap();
    // In the values of the first block.
    let first = dump.blocks().get(0).unwrap();
    bytes[first.offset as usize + FrameHeader::BYTES + first.payload_bytes as usize - 1] ^= 1;
    let dump = Dump::from_bytes("app.steno", bytes).unwrap();
    let mut decoder = Decoder::new(&dump);
    let _ = decoder.for_each(|_| ControlFlow::Continue(()));
    let summary = decoder.summary();
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["complete"], false);
    for (name, count) in [
        ("records", summary.records),
        ("shown", summary.shown),
        ("lost", summary.lost),
        ("missing", summary.missing),
    ] {
        assert_eq!(json[name], count, "{name}");
    }
    assert_eq!((summary.records, &json["losses"]["ring_full"]), (2, &4.into()));
    // Its record, and those that are skipped after it.
    assert_eq!((&json["losses"]["bad_checksum"], summary.missing), (&3.into(), 3));
    assert_eq!(json["unfinished"][0], "app.steno");
    assert_eq!(json["damage"][0]["path"], "app.steno");
    assert_eq!(json["damage"][0]["cause"], "the checksum of a block frame is wrong");
}
