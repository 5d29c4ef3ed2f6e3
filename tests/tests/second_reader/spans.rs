//! Spans: both readers put each record into the same ones.

use std::ops::ControlFlow;

use serde_json::{Value, json};
use stenolog_decoder::{Decoder, Dump, Entry, SpanEvent};
use stenolog_testkit::{SpanBlocks, SpanProgram};
use stenolog_tests::second_reader::{Reading, parse};

/// The ids and names of the spans of each entry, in the order of time.
fn by_decoder(bytes: Vec<u8>) -> Vec<Value> {
    let dump = Dump::from_bytes("app.steno", bytes).expect("a dump");
    let mut found = Vec::new();
    let _ = Decoder::new(dump).with_span_events(true).for_each(|entry| {
        let (record, event) = match entry {
            Entry::Record(record) => (record, record.site().span_event()),
            Entry::Span(event) => (event.record(), Some(event.kind())),
            _ => return ControlFlow::Continue(()),
        };
        let spans = record.spans().map(|span| json!({"id": span.id(), "name": span.name()}));
        found.push(json!({
            "ring": record.ring(),
            "unix_ns": record.unix_ns(),
            "event": event.map_or(0, SpanEvent::bits),
            "spans": spans.collect::<Vec<_>>(),
        }));
        ControlFlow::Continue(())
    });
    found
}

#[test]
fn both_readers_see_the_same_spans() {
    let all = [SpanBlocks::Packed, SpanBlocks::Columns, SpanBlocks::Groups, SpanBlocks::Raw];
    for (mut seed, blocks) in (0x9e37_79b9_7f4a_7c15_u64..).zip(all) {
        let mut program = SpanProgram::new(blocks);
        let mut random = |below: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % below.max(1)
        };
        let (mut next_id, mut open) = (0, Vec::new());
        for step in 1..=400 {
            program.step(&mut random, &mut next_id, &mut open);
            if step % 13 == 0 {
                program.flush();
            }
        }
        program.flush();
        program.dump.seal(0);
        let bytes = program.dump.into_bytes();
        let read = Reading::of_bytes(&bytes).whole();
        let read = read.iter().map(|line| {
            let line = parse(line);
            let part = |name: &str| line.get(name).cloned().unwrap_or_default();
            json!({
                "ring": part("ring"),
                "unix_ns": part("unix_ns"),
                "event": part("event"),
                "spans": part("spans"),
            })
        });
        // It reads ring by ring. No two records have one time.
        let mut read: Vec<_> = read.collect();
        read.sort_by_key(|line| line["unix_ns"].as_i64());
        for (read, decoded) in read.iter().zip(by_decoder(bytes.clone())) {
            assert_eq!(*read, decoded, "{blocks:?}");
        }
        assert_eq!(read.len(), by_decoder(bytes).len());
    }
}
