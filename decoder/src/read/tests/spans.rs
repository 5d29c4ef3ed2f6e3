//! Spans of records, against what the program did: however a dump is read, each record is in the spans that it was
//! logged in.

use std::num::NonZero;
use std::ops::ControlFlow;

use stenolog_format::frame::{FileHeader, FrameKind};
use stenolog_format::span::{ContextBuilder, SpanDefinition, SpanRecords, SpanStack};
use stenolog_session::layout::TAIL_SEQUENCE;
use stenolog_testkit::{SpanBlocks, SpanLine, SpanProgram, sites};

use crate::dump::RingFacts;
use crate::filter::FieldMatch;
use crate::testing::Open as _;
use crate::testing::spans::{ALL_BLOCKS, check, line, lines, program, random};
use crate::{DamageCause, Decoder, Dump, Entry, Filter, Format, RenderOptions, verify};

#[test]
fn each_record_is_in_the_spans_that_it_was_logged_in() {
    for blocks in ALL_BLOCKS {
        for seed in 0..6 {
            let program = program(blocks, seed, 400);
            check(&lines(&mut Decoder::new(program.dump.dump())), &program.lines);
        }
    }
}

#[test]
fn every_way_to_read_shows_the_same_spans() {
    for (seed, blocks) in (100..).zip(ALL_BLOCKS) {
        let mut program = program(blocks, seed, 600);
        program.dump.seal(0);
        let dump = program.dump.dump();
        let all = &program.lines;
        for line in all.iter().step_by(7) {
            let since = crate::testing::START + line.at.0 as i64;
            let filter = Filter::default().with_since(since);
            let found = lines(&mut Decoder::new(&dump).with_filter(filter));
            let from = all.iter().position(|of| of.at == line.at).unwrap();
            check(&found, &all[from..]);
            let filter = Filter::default().with_field(FieldMatch::new("n", &line.n.to_string()));
            let found = lines(&mut Decoder::new(&dump).with_filter(filter));
            let expected: Vec<_> = all.iter().filter(|of| of.n == line.n).cloned().collect();
            check(&found, &expected);
        }
        for filter in [
            Filter::default().with_thread("main"),
            Filter::default().with_grep_pattern("n [0-9]*7", false).unwrap(),
        ] {
            let is_by_thread = filter.clone().with_target("app").wants_thread("thread-1235", None);
            let found = lines(&mut Decoder::new(&dump).with_filter(filter));
            let is_wanted = |of: &&SpanLine| match is_by_thread {
                false => of.at.1 == 1,
                true => {
                    let message = of.text.rsplit(": ").next().unwrap();
                    message.starts_with("n ") && message.contains('7')
                }
            };
            check(&found, &all.iter().filter(is_wanted).cloned().collect::<Vec<_>>());
        }
        let mut decoder = Decoder::new(&dump);
        let owned: Vec<_> = decoder.entries().collect();
        let owned = owned.iter().filter_map(|entry| match entry.as_entry() {
            Entry::Record(record) => Some(line(&record)),
            _ => None,
        });
        check(&owned.collect::<Vec<_>>(), all);
    }
}

fn rendered(decoder: &mut Decoder, format: Format, threads: usize) -> String {
    let options = RenderOptions::default();
    let mut out = Vec::new();
    let threads = NonZero::new(threads).unwrap();
    let _ = decoder.render(format, &options, threads, |text| {
        out.extend_from_slice(text);
        ControlFlow::Continue(())
    });
    String::from_utf8(out).unwrap()
}

#[test]
fn text_and_json_show_the_spans() {
    for (seed, blocks) in (200..).zip(ALL_BLOCKS) {
        let mut program = program(blocks, seed, 600);
        program.dump.seal(0);
        let dump = program.dump.dump();
        for format in Format::ALL {
            let (by_entry, _) =
                crate::testing::render(std::slice::from_ref(&dump), Filter::default(), format);
            let mut one = String::new();
            crate::Renderer::new(format, RenderOptions::default()).write_header(&mut one);
            one.push_str(&rendered(&mut Decoder::new(&dump), format, 1));
            assert_eq!(one, by_entry, "{format}");
            let several = rendered(&mut Decoder::new(&dump), format, 3);
            assert!(one.ends_with(&several), "{format}");
            for last in [1, 5, 40] {
                let mut text = Vec::new();
                let options = RenderOptions::default();
                let mut decoder = Decoder::new(&dump);
                let _ = decoder.render_last(last, format, &options, |piece| {
                    text.extend_from_slice(piece);
                    ControlFlow::Continue(())
                });
                assert!(one.as_bytes().ends_with(&text), "{format}");
            }
        }
        let text = rendered(&mut Decoder::new(&dump), Format::Short, 1);
        for (shown, line) in text.lines().zip(&program.lines) {
            assert!(shown.ends_with(&format!(" app: {}", line.text)), "{shown}\n{}", line.text);
        }
        let text = rendered(&mut Decoder::new(&dump), Format::Json, 1);
        for (shown, line) in text.lines().zip(&program.lines) {
            let object: serde_json::Value = serde_json::from_str(shown).unwrap();
            let ids = object["spans"].as_array().map(|spans| {
                spans.iter().map(|span| span["id"].as_u64().unwrap()).collect::<Vec<_>>()
            });
            assert_eq!(ids.unwrap_or_default(), line.ids);
        }
    }
}

#[test]
fn a_dump_that_is_opened_at_its_end_shows_them() {
    for (seed, blocks) in (300..).zip(ALL_BLOCKS) {
        let mut program = program(blocks, seed, 900);
        program.dump.seal(0);
        let dump = program.dump.dump();
        let all = rendered(&mut Decoder::new(&dump), Format::Short, 1);
        for (records, blocks) in [(1, 1), (5, 2), (30, 9)] {
            let last = dump.with_last(records, blocks);
            assert!(last.unlisted().is_some());
            let mut text = Vec::new();
            let options = RenderOptions::default();
            let mut decoder = Decoder::new(&last);
            let _ = decoder.render_last(records, Format::Short, &options, |piece| {
                text.extend_from_slice(piece);
                ControlFlow::Continue(())
            });
            assert_eq!(text.iter().filter(|&&byte| byte == b'\n').count() as u64, records);
            assert!(all.as_bytes().ends_with(&text));
        }
    }
}

#[test]
fn spans_go_on_from_file_to_file() {
    for (seed, blocks) in (400..).zip(ALL_BLOCKS) {
        let mut program = SpanProgram::new(blocks);
        let (mut random, mut next_id, mut open) = (random(seed), 0, Vec::new());
        let mut files = Vec::new();
        let mut counts = Vec::new();
        for step in 1..=900 {
            program.step(&mut random, &mut next_id, &mut open);
            if random(17) == 0 {
                program.flush();
            }
            if step % 300 == 0 {
                files.push(program.rotate(step as u32 / 300));
                counts.push(program.lines.len());
            }
        }
        let open = |bytes: &Vec<u8>| Dump::from_bytes("app.steno", bytes.clone()).unwrap();
        let dumps: Vec<_> = files.iter().map(open).collect();
        check(&lines(&mut Decoder::new(&dumps)), &program.lines);
        // Each file alone.
        let mut from = 0;
        for (dump, to) in dumps.iter().zip(counts) {
            check(&lines(&mut Decoder::new(dump)), &program.lines[from..to]);
            from = to;
        }
    }
}

#[test]
fn blocks_without_a_context_go_on_from_the_block_before() {
    for (seed, blocks) in (500..).zip([SpanBlocks::Packed, SpanBlocks::Columns, SpanBlocks::Raw]) {
        for seed in (seed * 100..).take(4) {
            let mut program = SpanProgram::new(blocks);
            let (mut random, mut next_id, mut open) = (random(seed), 0, Vec::new());
            for step in 0..400 {
                program.step(&mut random, &mut next_id, &mut open);
                if random(17) == 0 {
                    program.flush();
                    program.has_contexts = step < 200;
                }
            }
            program.flush();
            let dump = program.dump.dump();
            let all = lines(&mut Decoder::new(&dump));
            // What a span was given in another ring is not known there.
            let ids = |of: &[SpanLine]| of.iter().map(|line| line.ids.clone()).collect::<Vec<_>>();
            assert_eq!(ids(&all), ids(&program.lines));
            for records in [1, 4, 9, 30] {
                let mut decoder = Decoder::new(&dump);
                if decoder.start_before_end(records) {
                    let last = ids(&lines(&mut decoder));
                    assert!(ids(&all).ends_with(&last), "the last {records}");
                }
            }
            for line in program.lines.iter().step_by(11) {
                let since = crate::testing::START + line.at.0 as i64;
                let filter = Filter::default().with_since(since);
                let found = lines(&mut Decoder::new(&dump).with_filter(filter));
                let from = all.iter().position(|of| of.at == line.at).unwrap();
                check(&found, &all[from..]);
            }
        }
    }
}

/// Lines without the values that spans were given later.
fn without_status(lines: &[SpanLine]) -> Vec<SpanLine> {
    let text = |line: &SpanLine| {
        let mut parts = line.text.split(" status=");
        let first = parts.next().unwrap_or_default().to_owned();
        let rest = parts.map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()));
        SpanLine { text: first + &rest.collect::<String>(), ..line.clone() }
    };
    lines.iter().map(text).collect()
}

#[test]
fn the_rings_of_a_dead_process_go_on_in_the_spans_of_its_dump() {
    for (seed, blocks) in (1000..).zip(ALL_BLOCKS) {
        let mut program = SpanProgram::new(blocks);
        let (mut random, mut next_id, mut open) = (random(seed), 0, Vec::new());
        // It is entered again long after the blocks that tell of it.
        program.request(1, 1_000, 0, "/parked");
        let run = |program: &mut SpanProgram,
                   random: &mut dyn FnMut(u64) -> u64,
                   open: &mut _,
                   next_id: &mut _,
                   steps| {
            for _ in 0..steps {
                program.step(&mut |below| random(below), next_id, open);
                if random(17) == 0 {
                    program.flush();
                }
            }
        };
        run(&mut program, &mut random, &mut open, &mut next_id, 300);
        let file = Dump::from_bytes("app.steno", program.crash()).unwrap();
        program.enter(2, 1_000);
        program.log(2, 1);
        program.exit(2, 1_000);
        run(&mut program, &mut random, &mut open, &mut next_id, 100);
        program.flush();
        let rest = program.dump.dump();
        // A tail of the dump would have the same records.
        let mut bytes = rest.bytes().to_vec();
        let header = FileHeader { sequence: TAIL_SEQUENCE, ..*rest.header() };
        bytes[..FileHeader::BYTES].copy_from_slice(&header.encode());
        let tail = Dump::from_bytes("app.steno", bytes).unwrap();
        let with_tail = lines(&mut Decoder::new(&[file.clone(), tail]));
        let rings = rest.into_rings(RingFacts::default(), Vec::new());
        let dumps = [file, rings];
        let all = lines(&mut Decoder::new(&dumps));
        check(&all, &program.lines);
        check(&with_tail, &all);
        for line in all.iter().step_by(11) {
            let since = crate::testing::START + line.at.0 as i64;
            let filter = Filter::default().with_since(since);
            let from = all.iter().position(|of| of.at == line.at).unwrap();
            check(&lines(&mut Decoder::new(&dumps).with_filter(filter)), &all[from..]);
        }
        let mut out = Vec::new();
        crate::recover(&dumps, &mut out).unwrap();
        let again = Dump::from_bytes("app.steno", out).unwrap();
        let recovered = lines(&mut Decoder::new(&again));
        check(&without_status(&recovered), &without_status(&program.lines));
    }
}

#[test]
fn what_is_lost_misplaces_nothing_after_the_next_event() {
    for seed in 0..20 {
        let mut program = SpanProgram::new(SpanBlocks::Packed);
        let mut random = random(600 + seed);
        program.request(1, 1, 0, "/a");
        program.enter(1, 1);
        program.flush();
        program.query(1, 2, 5);
        program.log(1, 1);
        if random(2) == 0 {
            program.exit_close(1, 2);
        }
        program.lose();
        program.query(1, 3, 6);
        program.log(1, 2);
        program.exit_close(1, 3);
        program.log_of(1, 1, 3);
        program.flush();
        let dump = program.dump.dump();
        let found = lines(&mut Decoder::new(&dump));
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].ids.last(), Some(&3));
        assert_eq!(found[1].text, "request{path=\"/a\"}: of 3");
    }
}

#[test]
fn values_that_another_thread_gives_are_seen_after_it_by_all_parts_of_a_block() {
    let mut program = SpanProgram::new(SpanBlocks::Groups);
    program.request(1, 1, 0, "/a");
    program.enter(2, 1);
    program.log(2, 1);
    program.record(1, 1, 200);
    program.log(2, 2);
    program.query(2, 2, 7);
    program.record(1, 1, 404);
    program.log(2, 3);
    program.flush();
    check(&lines(&mut Decoder::new(program.dump.dump())), &program.lines);
}

#[test]
fn records_are_filtered_by_their_spans() {
    let check = |name: &str, value: &str, is_wanted: &dyn Fn(&SpanLine) -> bool| {
        for (seed, blocks) in (700..).zip(ALL_BLOCKS) {
            let program = program(blocks, seed, 800);
            let filter = Filter::default().with_field(FieldMatch::new(name, value));
            let found = lines(&mut Decoder::new(program.dump.dump()).with_filter(filter));
            let expected = program.lines.iter().filter(|line| is_wanted(line));
            let expected: Vec<_> = expected.cloned().collect();
            check(&found, &expected);
        }
    };
    check("span.name", "query", &|line| line.text.contains("query{"));
    check("span.name", "reques", &|_| false);
    check("span.id", "3", &|line| line.ids.contains(&3));
    check("span.status", "7", &|line| {
        line.text.contains("status=7}") || line.text.contains("status=7 ")
    });
    let program = program(SpanBlocks::Groups, 700, 800);
    let path = program.lines.iter().find_map(|line| {
        let (_, rest) = line.text.split_once("path=\"")?;
        Some(rest.split_once('"')?.0.to_owned())
    });
    let path = path.unwrap();
    check("span.path", &path, &|line| line.text.contains(&format!("path=\"{path}\"")));
    check("span.fields.path", &path, &|line| line.text.contains(&format!("path=\"{path}\"")));
}

/// A dump whose one block has this context, and a record in the span that it has entered.
fn with_context(fill: impl FnOnce(&mut ContextBuilder)) -> Dump {
    let mut program = SpanProgram::new(SpanBlocks::Packed);
    program.has_contexts = false;
    let mut context = ContextBuilder::default();
    fill(&mut context);
    program.dump.frame_with(FrameKind::Context, |out| context.finish(out));
    program.log(1, 1);
    program.flush();
    program.dump.dump()
}

#[test]
fn hostile_contexts_cost_little_and_say_what_they_say() {
    let span = |id, parent, site, values| {
        let records = SpanRecords::default();
        SpanDefinition { id, parent, site, values, records }
    };
    let text = |dump: &Dump| rendered(&mut Decoder::new(dump), Format::Short, 1);
    // A circle of parents.
    let circle = with_context(|context| {
        context.put_part(1, &SpanStack::of([2]));
        context.define(&span(1, 2, sites::REQUEST, b"\x02/a"));
        context.define(&span(2, 1, sites::REQUEST, b"\x02/b"));
    });
    let shown = text(&circle);
    assert!(shown.ends_with("request{path=\"/a\"}:request{path=\"/b\"}: n 1\n"), "{shown}");
    // A call site that is not there, values that are not of its types, and an ancestor that is not told.
    let unknown = with_context(|context| {
        context.put_part(1, &SpanStack::of([9, 5]));
        context.define(&span(4, 3, 999, b"??"));
        context.define(&span(5, 4, sites::QUERY, b"\xff"));
    });
    assert!(text(&unknown).ends_with(" app: #3:#4:query: n 1\n"), "{}", text(&unknown));
    // Deeper than any that a reader shows.
    let path = [&[100][..], &[b'x'; 100]].concat();
    let deep = with_context(|context| {
        context.put_part(1, &SpanStack::of(1..=4096));
        (1..=100_000).for_each(|id| {
            context.define(&span(id, id + 1, sites::REQUEST, &path));
        });
    });
    let decoded = lines(&mut Decoder::new(&deep));
    assert_eq!(decoded[0].ids.len(), 1024);
    assert!(text(&deep).len() < 80_000);
    let json = rendered(&mut Decoder::new(&deep), Format::Json, 1);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["spans"].as_array().unwrap().len(), 1024);
    // One that is no context at all.
    let mut program = SpanProgram::new(SpanBlocks::Packed);
    program.has_contexts = false;
    program.dump.frame_with(FrameKind::Context, |out| out.extend([0xff; 20]));
    program.log(1, 1);
    program.flush();
    let dump = program.dump.dump();
    assert!(text(&dump).ends_with(" app: n 1\n"));
    let cause = &verify(&dump).damage[0].cause;
    assert!(matches!(cause, DamageCause::Metadata { kind: "context", .. }), "{cause}");
    // One of another block.
    let other = with_context(|context| context.put_part(2, &SpanStack::of([7])));
    let cause = verify(&other).damage[0].cause.to_string();
    assert!(cause.contains("it has other rings than the block after it"), "{cause}");
}

#[test]
fn damage_costs_no_more_than_what_it_damages() {
    for (seed, blocks) in (1100..).zip(ALL_BLOCKS) {
        let program = program(blocks, seed, 300);
        let bytes = program.dump.bytes();
        let mut random = random(seed);
        for _ in 0..30 {
            let mut bytes = bytes.to_vec();
            let at = random(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << random(8);
            let Ok(dump) = Dump::from_bytes("app.steno", bytes) else { continue };
            for found in lines(&mut Decoder::new(&dump)) {
                // Nothing is in a span that it was not in, unless the context before it is gone.
                let logged = program.lines.iter().find(|line| line.at == found.at);
                let is_wrong = logged.is_none_or(|logged| logged.n != found.n);
                assert!(!is_wrong || !dump.damage().is_empty(), "{found:?}");
            }
            let verified = verify(&dump);
            assert!(verified.records + verified.spans <= program.dump.records());
            let mut out = Vec::new();
            crate::recover(&[dump], &mut out).unwrap();
        }
    }
}

#[test]
fn a_dump_that_grows_goes_on_in_its_spans() {
    for (seed, blocks) in (1200..).zip(ALL_BLOCKS) {
        let program = program(blocks, seed, 400);
        let bytes = program.dump.bytes();
        let open = |length: usize| Dump::from_bytes("app.steno", bytes[..length].to_vec()).unwrap();
        let mut decoder = Decoder::new(open(64));
        let mut found = lines(&mut decoder);
        let mut random = random(seed);
        let mut length = 64;
        while length < bytes.len() {
            // Anywhere within a frame, also between call sites and their marks.
            length = (length + 1 + random(900) as usize).min(bytes.len());
            assert!(decoder.update(0, open(length)));
            found.extend(lines(&mut decoder));
        }
        found.sort_by_key(|line| line.at);
        check(&found, &program.lines);
    }
}
