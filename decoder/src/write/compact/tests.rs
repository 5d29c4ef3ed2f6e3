use stenolog_format::block::{BlockHeader, Codec};
use stenolog_format::frame::Version;

use stenolog_testkit::{SpanBlocks, SpanLine, SpanProgram};

use super::*;
use crate::testing::spans::{ALL_BLOCKS, check, lines, program};
use crate::testing::{DumpBuilder, Open, Rec, START, loss, messages, n, render, str_bytes};
use crate::{Decoder, Filter, Format, verify};

/// Small blocks of two rings in turn, in all layouts.
fn builder() -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    for round in 0..40_u32 {
        let at = u64::from(round) * 1000;
        let records = |ring: u64| [n(at + ring, round), Rec(17, at + 9 + ring, str_bytes("ann"))];
        match round % 3 {
            0 => builder.block(1, &records(1)),
            1 => builder.raw_block(1, &records(1)),
            _ => builder.compressed_block(1, &records(1), Codec::Zstd),
        };
        builder.block(2, &records(2));
    }
    builder
}

fn packed_again(dump: &Dump) -> (Dump, RepackReport) {
    let mut out = Vec::new();
    let repacked = repack(dump, 3, &mut out).unwrap();
    assert_eq!(repacked.bytes, out.len() as u64);
    (Dump::from_bytes("again.steno", out).unwrap(), repacked)
}

/// Where the blocks of each ring begin and end, taken together.
fn span(dump: &Dump, ring: u32) -> (u64, u64, u64, u64) {
    let of_ring = || dump.blocks().iter().map(|block| block.header).filter(|of| of.ring == ring);
    let (first, last) = (of_ring().next().unwrap(), of_ring().next_back().unwrap());
    let next = last.first_record + u64::from(last.count);
    (first.position, last.end_position, first.first_record, next)
}

#[test]
fn small_blocks_become_a_large_one_with_the_same_records() {
    let mut builder = builder();
    builder.seal(0);
    let dump = builder.dump();
    let (again, repacked) = packed_again(&dump);
    assert!(verify(&again).is_intact(), "{:?}", verify(&again).damage);
    for ring in [1, 2] {
        assert_eq!(span(&dump, ring), span(&again, ring));
    }
    assert_eq!((repacked.blocks_before, repacked.blocks, repacked.records), (80, 1, 160));
    assert_eq!(again.header(), dump.header());
    assert!(repacked.bytes < repacked.bytes_before / 4, "{repacked:?}");
    let of = |dump| messages(&[dump], Filter::default());
    let ((before, _), (after, summary)) = (of(dump), of(again));
    assert_eq!(before, after);
    assert!(summary.is_complete());
}

#[test]
fn a_rewritten_dump_can_be_rewritten() {
    let mut builder = builder();
    builder.seal(0);
    let (once, first) = packed_again(&builder.dump());
    let (twice, second) = packed_again(&once);
    assert_eq!((first.bytes, first.records), (second.bytes, second.records));
    // The first summaries were made of values as they are in a ring.
    assert_eq!(twice.bytes(), packed_again(&twice).0.bytes());
}

#[test]
fn a_block_that_cannot_be_taken_apart_is_copied() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    let mut other = DumpBuilder::new();
    other.skip(1, 1);
    other.block(1, &[n(20, 2), n(30, 3)]);
    let block = other.dump().blocks().get(0).unwrap();
    // A codec of a later version.
    let header = BlockHeader { codec: 77, ..block.header };
    let payload = [&header.encode()[..], b"from the future"].concat();
    builder.put_block(header, &payload);
    builder.block(1, &[n(40, 4)]);
    builder.seal(0);
    let dump = builder.dump();
    let (again, repacked) = packed_again(&dump);
    assert_eq!((repacked.blocks_before, repacked.blocks), (3, 3));
    assert_eq!(again.block_payload(&again.blocks().get(1).unwrap()), Some(&payload[..]));
    assert_eq!(
        messages(&[again], Filter::default()).0,
        messages(&[dump], Filter::default()).0,
        "with the damage"
    );
}

#[test]
fn a_block_that_a_group_would_not_reproduce_is_copied() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    let mut other = DumpBuilder::new();
    other.skip(1, 1);
    other.block(1, &[n(20, 1)]);
    let block = other.dump().blocks().get(0).unwrap();
    // Bases, tag, length, time, and the value 1 in two bytes, where a writer takes one.
    let body = [0, 0, 16, 4, 0, 0x81, 0];
    let (encoding, codec) = (BlockHeader::PACKED, Codec::None.number());
    let body_bytes = body.len() as u32;
    let header = BlockHeader { encoding, codec, body_bytes, ..block.header };
    builder.put_block(header, &[&header.encode()[..], &body].concat());
    builder.block(1, &[n(40, 4)]);
    builder.seal(0);
    let dump = builder.dump();
    let (again, repacked) = packed_again(&dump);
    assert_eq!((repacked.records, repacked.blocks_before, repacked.blocks), (3, 3, 3));
    let (before, _) = messages(&[dump], Filter::default());
    assert_eq!(before.lines().count(), 3);
    assert_eq!(messages(&[again], Filter::default()).0, before);
}

#[test]
fn gaps_between_blocks_stay() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    builder.skip(1, 5);
    builder.block(1, &[n(20, 2)]);
    builder.seal(0);
    let dump = builder.dump();
    let (again, repacked) = packed_again(&dump);
    assert_eq!(repacked.blocks, 2);
    let (_, before) = messages(&[dump], Filter::default());
    let (_, after) = messages(&[again], Filter::default());
    assert_eq!((before.missing, after.missing), (5, 5));
}

#[test]
fn an_unsealed_dump_stays_unsealed() {
    let dump = builder().dump();
    let (again, _) = packed_again(&dump);
    assert_eq!((dump.tail(), again.tail()), (Tail::Unfinished, Tail::Unfinished));
}

#[test]
fn records_before_the_cut_of_a_block_stay() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    builder.block(1, &[n(20, 2), n(30, 3)]);
    let bytes = builder.dump().bytes().to_vec();
    // Within the last record, or the padding after it.
    let cut = bytes.len() - 8;
    let dump = Dump::from_bytes("test.steno", bytes[..cut].to_vec()).unwrap();
    let (again, repacked) = packed_again(&dump);
    assert_eq!(repacked.records, 2);
    assert_eq!(again.tail(), Tail::Unfinished);
    let (before, _) = messages(&[dump], Filter::default());
    let lost = "1: 1 record lost: their frame is cut; number 2 of its ring\n";
    assert_eq!(messages(&[again], Filter::default()).0 + lost, before);
}

#[test]
fn a_dump_of_an_earlier_version_becomes_one_of_this_version() {
    let mut builder = builder();
    builder.seal(0);
    let mut bytes = builder.dump().bytes().to_vec();
    let older = Version { minor: 1, ..VERSION };
    let header = FileHeader { version: older, ..*builder.dump().header() };
    bytes[..FileHeader::BYTES].copy_from_slice(&header.encode());
    let (again, _) = packed_again(&Dump::from_bytes("old.steno", bytes).unwrap());
    assert_eq!(again.header().version, VERSION);
}

/// Blocks and losses of three rings, in turn and not, with times that go back.
fn busy() -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    builder.thread(3, 7, "third");
    for round in 0..60_u64 {
        for ring in 1..=3 {
            if (round + u64::from(ring)) % 5 == 4 {
                continue;
            }
            let at = |i: u64| round * 1000 + i * 61 % 900;
            let records: Vec<_> = (0..20 + round % 7)
                .map(|i| match i % 3 {
                    0 => Rec(17, at(i), str_bytes(&format!("text {}", i * round))),
                    _ => n(at(i), (round * 100 + i) as u32),
                })
                .collect();
            match round % 4 {
                0 => builder.raw_block(ring, &records),
                1 => builder.column_block(ring, &records),
                2 => builder.compressed_block(ring, &records, Codec::Lz4),
                _ => builder.block(ring, &records),
            };
        }
        if round % 9 == 8 {
            let ring = (round % 3) as u32 + 1;
            builder.loss(ring, loss(round * 1000 + 950, [0, 0, round, 0, round / 9]));
        }
        if round == 30 {
            builder.skip(2, 4);
        }
    }
    builder.seal(0);
    builder
}

/// Rewrites a dump with windows of this length, in this number of threads.
fn rewritten(dump: &Dump, window_bytes: u64, threads: usize) -> (Vec<u8>, Vec<RepackProgress>) {
    let options = RepackOptions::new(3).with_threads(NonZero::new(threads).unwrap());
    let (mut out, mut progress) = (Vec::new(), Vec::new());
    repack_in_windows(dump, &options, window_bytes, |done| progress.push(*done), &mut out).unwrap();
    (out, progress)
}

#[test]
fn all_records_and_losses_stay_whatever_is_merged() {
    let dump = busy().dump();
    let expected = render(std::slice::from_ref(&dump), Filter::default(), Format::Json);
    assert_ne!(expected.1.lost, 0);
    for window_bytes in [1, 3_000, 1 << 14, 1 << 30] {
        let (out, _) = rewritten(&dump, window_bytes, 1);
        for threads in [2, 5] {
            assert!(out == rewritten(&dump, window_bytes, threads).0, "{threads} threads");
        }
        let again = Dump::from_bytes("test.steno", out).unwrap();
        let found = render(std::slice::from_ref(&again), Filter::default(), Format::Json);
        assert!(found.0 == expected.0, "windows of {window_bytes} bytes");
        assert_eq!(format!("{:?}", found.1), format!("{:?}", expected.1));
        let (before, after) = (verify(&dump), verify(&again));
        assert_eq!(format!("{:?}", after.rings), format!("{:?}", before.rings));
        // Blocks have moved, so it is in other places.
        let causes = |of: &crate::Verification| {
            of.damage.iter().map(|damage| format!("{:?}", damage.cause)).collect::<Vec<_>>()
        };
        assert_eq!(causes(&after), causes(&before));
    }
}

#[test]
fn progress_only_grows_and_ends_at_the_end() {
    let dump = busy().dump();
    for threads in [1, 3] {
        let (_, progress) = rewritten(&dump, 3_000, threads);
        assert!(progress.len() > 10, "{}", progress.len());
        let done: Vec<_> = progress.iter().map(|done| (done.bytes_done, done.records)).collect();
        assert!(done.is_sorted());
        let last = progress.last().unwrap();
        assert_eq!((last.bytes_done, last.bytes_total), (dump.len_bytes(), dump.len_bytes()));
        assert_eq!(last.records, dump.end().unwrap().records);
    }
}

#[test]
fn an_output_that_fails_ends_it() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let dump = busy().dump();
    for threads in [1, 3] {
        let options = RepackOptions::new(3).with_threads(NonZero::new(threads).unwrap());
        let result = repack_in_windows(&dump, &options, 1, |_| {}, &mut Full(0));
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}

/// Checks that no record shows a status that its span was given later, as far as the truth shows when it was.
#[track_caller]
fn check_no_value_is_early(found: &[SpanLine], truth: &[SpanLine]) {
    let statuses = |line: &SpanLine| -> Vec<(u64, String)> {
        let spans = line.ids.iter().copied().zip(line.text.split('}'));
        let status = |(id, text): (u64, &str)| Some((id, text.split_once("status=")?.1.to_owned()));
        spans.filter_map(status).collect()
    };
    let mut first = std::collections::HashMap::new();
    for (at, line) in truth.iter().enumerate() {
        statuses(line).into_iter().for_each(|status| _ = first.entry(status).or_insert(at));
    }
    for (at, line) in found.iter().enumerate() {
        for status in statuses(line) {
            let given = first.get(&status).copied().unwrap_or(0);
            assert!(given <= at, "{line:?} shows what line {given} is the first one to have");
        }
    }
}

#[test]
fn a_block_after_one_with_later_values_does_not_show_them() {
    let mut program = SpanProgram::new(SpanBlocks::Packed);
    program.request(1, 5, 0, "/");
    program.enter(2, 5);
    program.flush();
    // The block of ring 1 comes first in the file.
    program.log(2, 1);
    program.record(1, 5, 200);
    program.flush();
    program.log(2, 2);
    program.flush();
    program.dump.seal(0);
    let (out, _) = rewritten(&program.dump.dump(), 1, 1);
    let again = Dump::from_bytes("test.steno", out).unwrap();
    check(&lines(&mut Decoder::new(&again)), &program.lines);
}

#[test]
fn records_stay_in_their_spans_whatever_is_merged() {
    for (seed, blocks) in (800..).zip(ALL_BLOCKS) {
        let mut program = program(blocks, seed, 600);
        program.dump.seal(0);
        let dump = program.dump.dump();
        for window_bytes in [1, 3_000, 1 << 30] {
            let (out, _) = rewritten(&dump, window_bytes, 1);
            assert!(out == rewritten(&dump, window_bytes, 3).0);
            let again = Dump::from_bytes("test.steno", out).unwrap();
            let found = verify(&again);
            assert!(found.is_complete(), "{found:?}");
            let all = lines(&mut Decoder::new(&again));
            // A value that a thread gives is known to be given before or after all of another thread's block.
            let places = |of: &[SpanLine]| -> Vec<_> {
                of.iter().map(|line| (line.at, line.n, line.ids.clone())).collect()
            };
            assert_eq!(places(&all), places(&program.lines));
            check_no_value_is_early(&all, &program.lines);
            // Each block alone.
            for line in all.iter().step_by(13) {
                let filter = Filter::default().with_since(START + line.at.0 as i64);
                let found = lines(&mut Decoder::new(&again).with_filter(filter));
                let from = all.iter().position(|of| of.at == line.at).unwrap();
                check(&found, &all[from..]);
            }
            if window_bytes == 1 << 30 {
                check(&all, &program.lines);
            }
        }
    }
}
