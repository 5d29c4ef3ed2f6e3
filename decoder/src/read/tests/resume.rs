//! A decoder can be stopped, resumed in any way, and continued after its file has grown.

use std::io::Write as _;

use super::*;
use crate::{OwnedEntry, RenderOptions, Renderer};
use stenolog_format::block::Codec;

/// Two threads, losses, records that cannot be read, a record with an unknown call site, and a gap.
fn mixed() -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(30, 3), Rec(17, 40, str_bytes("one\ntwo")), n(41, 4)]);
    builder.raw_block(2, &[n(20, 2), Rec(18, (START + 22) as u64, vec![]), n(50, 5)]);
    builder.skip(1, 3);
    builder.compressed_block(1, &[n(60, 6), n(70, 7)], Codec::Zstd);
    builder.loss(2, loss(75, [1, 0, 0, 2, 5]));
    builder.compressed_block(2, &[n(80, 8)], Codec::Lz4);
    builder.column_block(1, &[n(81, 1), Rec(17, 82, str_bytes("text")), n(83, 2), n(84, 3)]);
    builder
        .raw_block(1, &[Rec(16, 90, vec![1]), n(91, 9), Rec(16, 92, vec![]), Rec(99, 93, vec![])]);
    builder.raw_block(2, &[Rec(17, 94, str_bytes("last"))]);
    builder.loss(1, loss(95, [0, 0, 0, 0, 9]));
    builder.seal(17);
    builder
}

fn decoder(dump: &Dump, losses: Losses, filter: &Filter) -> Decoder {
    Decoder::new(dump).with_losses(losses).with_filter(filter.clone())
}

/// All entries as lines of JSON, read in one go.
fn whole(mut decoder: Decoder) -> (Vec<String>, String) {
    let mut lines = Vec::new();
    let mut renderer = Renderer::new(Format::Json, RenderOptions::default());
    let _ = decoder.for_each(|entry| {
        lines.push(line(&mut renderer, entry));
        ControlFlow::Continue(())
    });
    (lines, format!("{:?}", decoder.summary()))
}

fn line(renderer: &mut Renderer, entry: &Entry<'_>) -> String {
    let mut line = String::new();
    renderer.write(entry, &mut line);
    line
}

/// A decoder of each way to show losses, with and without a filter of values.
fn decoders(dump: &Dump) -> impl Iterator<Item = Decoder> {
    let grep = Filter::default().with_grep_pattern("n|text|lost|missing", false).unwrap();
    let filters = [Filter::default(), grep, Filter::default().with_since(START + 35)];
    let all = filters.into_iter().flat_map(|filter| {
        [Losses::Inline, Losses::Merged, Losses::None].map(|losses| decoder(dump, losses, &filter))
    });
    all.collect::<Vec<_>>().into_iter()
}

#[test]
fn a_cursor_yields_what_a_visitor_sees() {
    let dump = mixed().dump();
    for (visited, mut decoder) in decoders(&dump).map(whole).zip(decoders(&dump)) {
        let mut renderer = Renderer::new(Format::Json, RenderOptions::default());
        let mut lines = Vec::new();
        let mut records = decoder.records();
        while let Some(entry) = records.next() {
            lines.push(line(&mut renderer, &entry));
        }
        assert!(records.next().is_none());
        assert_eq!((lines, format!("{:?}", decoder.summary())), visited);
    }
}

#[test]
fn owned_entries_outlive_their_decoder() {
    let dump = mixed().dump();
    for (visited, mut decoder) in decoders(&dump).map(whole).zip(decoders(&dump)) {
        let entries: Vec<OwnedEntry> = decoder.entries().collect();
        let summary = format!("{:?}", decoder.summary());
        drop(decoder);
        let mut renderer = Renderer::new(Format::Json, RenderOptions::default());
        let lines = entries.iter().map(|entry| {
            let entry = entry.as_entry();
            line(&mut renderer, &entry)
        });
        assert_eq!((lines.collect(), summary), visited);
        assert!(entries.iter().all(|entry| {
            let of = entry.as_entry();
            (entry.unix_ns(), entry.level(), entry.ring()) == (of.unix_ns(), of.level(), of.ring())
                && (entry.thread_name(), entry.thread()) == (of.thread_name(), of.thread())
        }));
    }
}

#[test]
fn a_decoder_resumes_where_it_stopped_in_whichever_way() {
    let dump = mixed().dump();
    for step in 1..6 {
        for (visited, mut decoder) in decoders(&dump).map(whole).zip(decoders(&dump)) {
            let mut renderer = Renderer::new(Format::Json, RenderOptions::default());
            let mut lines = Vec::new();
            for way in (0..4).cycle() {
                let before = lines.len();
                match way {
                    0 => {
                        let _ = decoder.for_each(|entry| {
                            lines.push(line(&mut renderer, entry));
                            if lines.len() < before + step {
                                ControlFlow::Continue(())
                            } else {
                                ControlFlow::Break(())
                            }
                        });
                    }
                    1 => {
                        let mut records = decoder.records();
                        for _ in 0..step {
                            let Some(entry) = records.next() else { break };
                            lines.push(line(&mut renderer, &entry));
                        }
                    }
                    2 => lines.extend(
                        decoder
                            .entries()
                            .take(step)
                            .map(|entry| line(&mut renderer, &entry.as_entry())),
                    ),
                    _ => {
                        // A cursor that is dropped at once takes nothing.
                        let _ = decoder.records();
                        continue;
                    }
                }
                if lines.len() == before {
                    break;
                }
            }
            assert_eq!((lines, format!("{:?}", decoder.summary())), visited, "{step} at a time");
        }
    }
}

/// What is the same however a file has grown: the records of each ring in order, and what is counted.
fn facts(lines: &[String], summary: &Summary) -> (Vec<String>, String) {
    let mut records: Vec<_> =
        lines.iter().filter(|line| !line.contains("\"target\":\"stenolog\"")).cloned().collect();
    // Stable, so each thread keeps its order.
    records.sort_by_key(|line| line.contains("\"thread\":\"main\""));
    let Summary { records: read, shown, lost, missing, by_cause, duplicates, .. } = summary;
    (records, format!("{read} {shown} {lost} {missing} {by_cause:?} {duplicates}"))
}

fn read_on(decoder: &mut Decoder, renderer: &mut Renderer, lines: &mut Vec<String>) {
    let _ = decoder.for_each(|entry| {
        lines.push(line(renderer, entry));
        ControlFlow::Continue(())
    });
}

#[test]
fn a_decoder_goes_on_when_its_file_has_grown() {
    let bytes = mixed().bytes().to_vec();
    let dump = |length: usize| Dump::from_bytes("x", bytes[..length].to_vec()).unwrap();
    let (lines, _) = whole(Decoder::new(dump(bytes.len())));
    let mut once = Decoder::new(dump(bytes.len()));
    let _ = once.for_each(|_| ControlFlow::Continue(()));
    let expected = facts(&lines, &once.summary());
    let empty = DumpBuilder::bare(1, 0).bytes().len();
    for step in [1, 7, 64, 201, 500, bytes.len()] {
        let mut decoder = Decoder::new(dump(empty));
        let mut renderer = Renderer::new(Format::Json, RenderOptions::default());
        let mut lines = Vec::new();
        let mut length = empty;
        while length < bytes.len() {
            read_on(&mut decoder, &mut renderer, &mut lines);
            length = bytes.len().min(length + step);
            assert!(decoder.update(0, dump(length)));
        }
        read_on(&mut decoder, &mut renderer, &mut lines);
        assert_eq!(facts(&lines, &decoder.summary()), expected, "{step} bytes at a time");
        assert!(decoder.summary().damage.iter().eq(&once.summary().damage));
    }
    let mut decoder = Decoder::new(dump(bytes.len()));
    assert!(!decoder.update(0, dump(empty)), "not a later state");
    assert!(!decoder.update(1, dump(bytes.len())), "no such dump");
}

#[test]
fn a_refreshed_decoder_stops_and_resumes_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let bytes = mixed().bytes().to_vec();
    let mut once = Decoder::new(Dump::from_bytes("x", bytes.clone()).unwrap());
    let mut renderer = Renderer::new(Format::Json, RenderOptions::default());
    let mut lines = Vec::new();
    read_on(&mut once, &mut renderer, &mut lines);
    let expected = facts(&lines, &once.summary());
    for step in [40, 150, 333] {
        let mut file = std::fs::File::create(&path).unwrap();
        let mut written = DumpBuilder::bare(1, 0).bytes().len();
        file.write_all(&bytes[..written]).unwrap();
        let mut decoder = Decoder::new(Dump::open(&path).unwrap());
        let mut lines = Vec::new();
        while written < bytes.len() {
            // Two entries, so blocks are open when the file grows.
            lines.extend(
                decoder.entries().take(2).map(|entry| line(&mut renderer, &entry.as_entry())),
            );
            let end = bytes.len().min(written + step);
            file.write_all(&bytes[written..end]).unwrap();
            written = end;
            assert!(decoder.refresh().unwrap());
            assert!(!decoder.refresh().unwrap());
        }
        read_on(&mut decoder, &mut renderer, &mut lines);
        assert_eq!(facts(&lines, &decoder.summary()), expected, "{step} bytes at a time");
    }
}

#[test]
fn files_that_are_added_are_read_on() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(30, 3)]);
    builder.block(2, &[n(20, 2)]);
    let first = builder.dump();
    let mut second = DumpBuilder::bare(1, 1);
    second.prelude();
    second.skip(1, 2);
    second.skip(2, 1);
    second.block(1, &[n(50, 5)]);
    second.block(2, &[n(40, 4)]);
    second.seal(0);
    let second = second.dump();
    let mut other = DumpBuilder::bare(9, 0);
    other.prelude();
    other.block(1, &[n(5, 0)]);
    other.seal(0);

    let (expected, _) = whole(Decoder::new([first.clone(), second.clone()]));
    let mut renderer = Renderer::new(Format::Json, RenderOptions::default());
    for stop in 0..=3 {
        let mut decoder = Decoder::new(&first);
        let mut lines: Vec<_> = decoder
            .entries()
            .take(stop)
            .map(|entry| line(&mut renderer, &entry.as_entry()))
            .collect();
        assert!(decoder.add(second.clone()));
        read_on(&mut decoder, &mut renderer, &mut lines);
        assert_eq!(lines, expected, "added after {stop} entries");
        // Another copy has nothing new, and another run has its own.
        assert!(decoder.add(second.clone()) && decoder.add(other.dump()));
        read_on(&mut decoder, &mut renderer, &mut lines);
        assert_eq!(lines.len(), expected.len() + 1, "{lines:#?}");
        assert_eq!((decoder.summary().missing, decoder.summary().duplicates), (0, 2));
    }

    let mut decoder = Decoder::new(&second);
    assert!(decoder.add(first.clone()), "nothing was read yet");
    assert_eq!(whole(decoder).0, expected);
    let mut decoder = Decoder::new(&second);
    let _ = decoder.records().next();
    assert!(!decoder.add(first), "its records come before those that were read");
}

#[test]
fn all_inputs_make_a_decoder() {
    let dump = mixed().dump();
    let shared: std::sync::Arc<[Dump]> = [dump.clone()].into();
    let (slice, array, vec): (&[Dump], _, _) = (&shared, [dump.clone()], vec![dump.clone()]);
    let decoders = [
        Decoder::new(&dump),
        Decoder::new(dump.clone()),
        Decoder::new(&array),
        Decoder::new(array),
        Decoder::new(&vec),
        Decoder::new(vec),
        Decoder::new(slice),
        Decoder::new(std::sync::Arc::clone(&shared)),
    ];
    let expected = whole(Decoder::new(dump));
    for decoder in decoders {
        assert_eq!(whole(decoder), expected);
    }
}
