mod groups;
mod losses;
mod resume;
mod spans;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use proptest::prelude::*;

use super::*;
use crate::dump::Dump;
use crate::filter::{Filter, Levels};
use crate::model::entry::Entry;
use crate::model::loss::LossKind;
use crate::model::raw_values::recycle;
use crate::render::Format;
use crate::testing::{DumpBuilder, Open, Rec, START, loss, messages, n, str_bytes};
use stenolog_format::dictionary::Level;
use stenolog_format::frame::FrameHeader;
use stenolog_format::value::Value;

#[test]
fn threads_merge_by_time() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(30, 3)]);
    builder.raw_block(2, &[n(20, 2), n(40, 4)]);
    builder.block(1, &[n(50, 5)]);
    builder.seal(0);
    let (text, summary) = messages(&[builder.dump()], Filter::default());
    assert_eq!(text, "1: n 1\n2: n 2\n1: n 3\n2: n 4\n1: n 5\n");
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!((summary.records, summary.shown), (5, 5));
}

#[test]
fn a_thread_keeps_its_order_though_its_clock_goes_back() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(30, 1), n(10, 2), n(40, 3)]);
    builder.block(2, &[n(20, 4), n(35, 5)]);
    let (text, _) = messages(&[builder.dump()], Filter::default());
    assert_eq!(text, "2: n 4\n1: n 1\n1: n 2\n2: n 5\n1: n 3\n");
}

#[test]
fn a_ring_goes_on_behind_the_one_that_it_continues() {
    let mut builder = DumpBuilder::new();
    builder.thread_continuing(3, 7, "a", 1);
    builder.thread_continuing(4, 7, "a", 3);
    // Nor do its blocks have to follow those of that one.
    builder.block(4, &[n(5, 6), n(70, 7)]);
    builder.block(3, &[n(20, 3), n(10, 4)]);
    builder.block(1, &[n(40, 1), n(30, 2)]);
    builder.block(2, &[n(35, 8), n(50, 9)]);
    builder.seal(0);
    let (text, summary) = messages(&[builder.dump()], Filter::default());
    assert_eq!(text, "2: n 8\n1: n 1\n1: n 2\n3: n 3\n3: n 4\n4: n 6\n2: n 9\n4: n 7\n");
    assert!(summary.is_complete(), "{summary:?}");
    // Of one that is not there, or has nothing that is wanted, it does not wait.
    let late = Filter::default().with_since(START + 60);
    assert_eq!(messages(&[builder.dump()], late).0, "4: n 7\n");
}

#[test]
fn a_ring_that_continues_itself_a_later_one_or_none_is_read() {
    let mut builder = DumpBuilder::new();
    for (ring, before) in [(11, 11), (12, 13), (13, 12), (14, 0), (16, 15)] {
        builder.thread_continuing(ring, 7, "a", before);
    }
    for (ring, at) in [(11, 60), (12, 50), (13, 40), (14, 30), (16, 20)] {
        builder.block(ring, &[n(at, ring)]);
    }
    builder.seal(0);
    let (text, summary) = messages(&[builder.dump()], Filter::default());
    // 13 continues 12: that is the one link which can be.
    assert_eq!(text, "16: n 16\n14: n 14\n12: n 12\n13: n 13\n11: n 11\n");
    assert!(summary.is_complete(), "{summary:?}");
}

/// A break in the middle of the one, or at its end, does not lose the other.
#[test]
fn a_ring_that_continues_another_one_is_there_after_a_break() {
    let mut builder = DumpBuilder::new();
    builder.thread_continuing(3, 7, "a", 1);
    builder.block(1, &[n(40, 1), n(30, 2)]);
    builder.block(3, &[n(20, 3)]);
    builder.seal(0);
    let dumps = [builder.dump()];
    let mut decoder = Decoder::new(&dumps);
    let mut count = 0;
    while decoder
        .for_each(|_| {
            count += 1;
            ControlFlow::Break(())
        })
        .is_break()
    {}
    assert_eq!(count, 3);
}

#[test]
fn times_that_callers_give_take_their_place() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(30, 3)]);
    builder.block(2, &[Rec(18, (START + 20) as u64, vec![]), Rec(18, (START + 40) as u64, vec![])]);
    let (text, _) = messages(&[builder.dump()], Filter::default());
    assert_eq!(text, "1: n 1\n2: at\n1: n 3\n2: at\n");
}

/// A block says the times of its counters and those that callers gave apart: either may be wanted.
#[test]
fn times_that_callers_gave_are_filtered() {
    let at = |ns: i64| Rec(18, (START + ns) as u64, vec![]);
    let mut builder = DumpBuilder::new();
    builder.block(1, &[at(1_000), at(2_000)]);
    builder.raw_block(1, &[n(10, 1), at(3_000), n(20, 2)]);
    builder.column_block(2, &[at(4_000), n(30, 3)]);
    builder.block(2, &[n(40, 4)]);
    let dumps = [builder.dump()];
    let check = |filter: Filter, expected: &str| {
        assert_eq!(messages(&dumps, filter).0.replace('\n', ";"), expected);
    };
    let all = Filter::default;
    check(all().with_since(START + 1_000), "1: at;1: at;1: at;2: at;");
    check(all().with_since(START + 1_500).with_until(START + 2_000), "1: at;");
    check(all().with_since(START + 2_500), "1: at;2: at;");
    check(all().with_since(START + 3_500).with_until(START + 5_000), "2: at;");
    check(all().with_until(START + 25), "1: n 1;1: n 2;");
    check(all().with_since(START + 35).with_until(START + 900), "2: n 4;");
    check(all().with_since(START + 4_001), "");
}

#[test]
fn the_files_of_a_session_are_one_and_others_merge() {
    let file = |session, sequence, blocks: &dyn Fn(&mut DumpBuilder)| {
        let mut builder = DumpBuilder::bare(session, sequence);
        builder.prelude();
        blocks(&mut builder);
        builder.seal(0);
        builder.dump()
    };
    let first = |builder: &mut DumpBuilder| builder.block(1, &[n(10, 1), n(20, 2)]);
    let second = |builder: &mut DumpBuilder| {
        builder.skip(1, 2);
        builder.block(1, &[n(30, 3)]);
    };
    let other = |builder: &mut DumpBuilder| builder.block(1, &[n(15, 100), n(25, 101)]);
    let dumps = [file(1, 1, &second), file(1, 0, &first), file(2, 0, &other), file(1, 0, &first)];
    let (text, summary) = messages(&dumps, Filter::default());
    assert_eq!(text, "1: n 1\n1: n 100\n1: n 2\n1: n 101\n1: n 3\n");
    assert_eq!((summary.duplicates, summary.missing), (2, 0));
    assert!(summary.is_complete());
}

#[test]
fn losses_are_shown_once_where_they_happened() {
    let mut builder = DumpBuilder::new();
    let statement = |counter, full| Rec(1, counter, loss(counter, full).encode()[8..].to_vec());
    builder.block(1, &[n(10, 1), statement(20, [0, 0, 3, 2, 0]), n(30, 2)]);
    builder.loss(1, loss(20, [0, 0, 3, 2, 0]));
    builder.block(2, &[n(25, 9)]);
    builder.raw_block(1, &[statement(40, [0, 0, 4, 2, 0])]);
    builder.loss(1, loss(50, [1, 0, 4, 2, 0]));
    builder.seal(7);
    let (text, summary) = messages(&[builder.dump()], Filter::default());
    insta::assert_snapshot!(text, @r"
    1: n 1
    1: 5 records lost: ring full (3 INFO, 2 DEBUG)
    2: n 9
    1: n 2
    1: 1 record lost: ring full (1 INFO)
    1: 1 record lost: ring full (1 ERROR)
    ");
    assert_eq!(summary.lost, 7);
    assert!(!summary.is_complete());
    assert!(crate::verify(&builder.dump()).is_intact());
}

#[test]
fn gaps_are_named() {
    let mut builder = DumpBuilder::new();
    builder.skip(1, 5);
    builder.block(1, &[n(10, 1)]);
    builder.skip(1, 2);
    builder.block(1, &[n(20, 2)]);
    let (text, summary) = messages(&[builder.dump()], Filter::default());
    insta::assert_snapshot!(text, @r"
    1: 5 records missing: numbers 0 to 4 of their ring
    1: n 1
    1: 2 records missing: numbers 6 to 7 of their ring
    1: n 2
    ");
    assert_eq!(summary.missing, 7);

    // If the files before it are gone, it is not known where its rings began.
    let mut builder = DumpBuilder::bare(1, 3);
    builder.prelude();
    builder.skip(1, 5);
    builder.block(1, &[n(10, 1)]);
    let (text, summary) = messages(&[builder.dump()], Filter::default());
    assert_eq!((text.as_str(), summary.missing), ("1: n 1\n", 0));
}

#[test]
fn unknown_call_sites_and_wrong_values_cost_only_their_records() {
    let mut builder = DumpBuilder::new();
    builder.site(99, Level::Info, "app", None, &[]);
    builder.raw_block(1, &[n(10, 1), Rec(17, 20, vec![9, 0, 0, 0]), n(30, 3)]);
    let mut bytes = builder.bytes().to_vec();
    let (text, summary) = messages(&[builder.dump()], Filter::default());
    let unreadable = "1: 1 record lost: the bytes there cannot be read; number 1 of its ring\n";
    assert_eq!(text, format!("1: n 1\n{unreadable}1: n 3\n"));
    assert_eq!(summary.by_cause, BTreeMap::from([(LossKind::Unreadable, 1)]));
    insta::assert_snapshot!(summary.damage[0], @"test.steno: byte 432: the values of 1 record(s) of ring 1 cannot be read: the record ends within a value");

    // The same with a dictionary that lost a call site.
    let place = bytes.windows(8).position(|window| window == b"app::net").unwrap();
    bytes[place] ^= 1;
    let dump = Dump::from_bytes("test.steno", bytes).unwrap();
    let (text, summary) = messages(&[dump], Filter::default());
    let unknown = "1: 1 record lost: their call site is unknown; number 1 of its ring\n";
    assert_eq!(text, format!("1: n 1\n{unknown}1: n 3\n"));
    assert_eq!(summary.by_cause, BTreeMap::from([(LossKind::UnknownCallSite, 1)]));
    assert_eq!(summary.damage.len(), 2, "{:?}", summary.damage);
    assert!(summary.damage[1].to_string().contains("belong to unknown call sites"));
}

/// Its position, what it holds and its time: none of them can be trusted.
#[test]
fn the_header_of_a_damaged_block_is_not_believed() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(20, 2)]);
    builder.block(2, &[n(15, 3), n(25, 4)]);
    builder.block(1, &[n(30, 5)]);
    builder.seal(0);
    let block = builder.dump().blocks().get(0).unwrap().offset as usize + FrameHeader::BYTES;
    #[track_caller]
    fn check(builder: &DumpBuilder, at: usize, field: &[u8], why: &str) {
        let mut bytes = builder.bytes().to_vec();
        bytes[at..at + field.len()].copy_from_slice(field);
        let dump = Dump::from_bytes("test.steno", bytes).unwrap();
        let (text, summary) = messages(&[dump], Filter::default());
        // The gap is noticed with the ring's next block.
        let gap = format!("1: 2 records {why}numbers 0 to 1 of their ring\n");
        assert_eq!(text, format!("2: n 3\n2: n 4\n{gap}1: n 5\n"));
        let causes: Vec<_> = summary.damage.iter().map(|d| d.cause.to_string()).collect();
        assert_eq!((causes, summary.duplicates), (vec![CHECKSUM.to_owned()], 0));
    }
    const CHECKSUM: &str = "the checksum of a block frame is wrong";
    let broken = "lost: the checksum of their block is wrong; ";
    check(&builder, block + 6, &[0], broken); // no level occurs
    check(&builder, block + 8, &[0xff; 7], "missing: "); // after the blocks that follow
    check(&builder, block + 32, &[0; 4], broken); // no record, so that all came already
    check(&builder, block + 40, &[0xff; 8], broken); // later than all others
}

#[test]
fn blocks_that_the_filter_skips_leave_no_gap() {
    let mut builder = DumpBuilder::new();
    let named = |counter, name| Rec(17, counter, str_bytes(name));
    builder.block(1, &[named(10, "ann")]);
    builder.block(1, &[n(20, 1), n(30, 2)]);
    builder.block(1, &[named(40, "bob")]);
    let warn = Filter::default().with_levels(Levels::at_least(Level::Warn));
    let (text, summary) = messages(&[builder.dump(), builder.dump()], warn);
    assert_eq!(text, "1: text\n1: text\n");
    assert_eq!((summary.missing, summary.duplicates, summary.records), (0, 2, 2));
}

#[test]
fn visiting_can_stop_and_go_on() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(30, 3)]);
    builder.block(2, &[n(20, 2)]);
    let dumps = [builder.dump()];
    let mut decoder = Decoder::new(&dumps);
    let mut times = Vec::new();
    for _ in 0..10 {
        let flow = decoder.for_each(|entry| {
            times.push(entry.unix_ns() - START);
            ControlFlow::Break(())
        });
        if flow.is_continue() {
            break;
        }
    }
    assert_eq!(times, [10, 20, 30]);
}

#[test]
fn the_order_of_the_file_can_be_asked_for() {
    let mut builder = DumpBuilder::new();
    builder.block(2, &[n(20, 2), n(40, 4)]);
    builder.block(1, &[n(10, 1), n(30, 3)]);
    builder.block(2, &[n(5, 5)]);
    let dumps = [builder.dump()];
    let mut decoder = Decoder::new(&dumps).with_order(Order::File);
    let mut times = Vec::new();
    let flow = decoder.for_each(|entry| {
        times.push(entry.unix_ns() - START);
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue());
    assert_eq!(times, [20, 40, 10, 30, 5]);
}

#[test]
fn filters_combine() {
    let mut builder = DumpBuilder::new();
    let named = |counter, name| Rec(17, counter, str_bytes(name));
    builder.block(1, &[n(10, 1), n(20, 22), named(30, "ann")]);
    builder.block(2, &[n(15, 300), named(25, "bob")]);
    let dumps = [builder.dump()];
    let check = |filter: Filter, expected: &str| {
        let (text, _) = messages(&dumps, filter);
        assert_eq!(text.replace('\n', ";"), expected);
    };
    let all = Filter::default;
    check(all().with_levels(Levels::at_least(Level::Warn)), "2: text;1: text;");
    check(all().with_levels(Levels::only(&[Level::Info])), "1: n 1;2: n 300;1: n 22;");
    check(all().with_target("app::net"), "2: text;1: text;");
    check(all().with_target("app"), "1: n 1;2: n 300;1: n 22;2: text;1: text;");
    check(all().with_target("ap"), "");
    check(all().with_target("*net").with_target("nothing"), "2: text;1: text;");
    check(all().with_thread("main"), "1: n 1;1: n 22;1: text;");
    check(all().with_thread("1235"), "2: n 300;2: text;");
    check(all().with_thread("thread-*"), "2: n 300;2: text;");
    check(all().with_since(START + 20).with_until(START + 25), "1: n 22;2: text;");
    check(all().with_grep(regex::Regex::new("n .2").unwrap()), "1: n 22;");
    check(all().with_grep(regex::Regex::new("name=ann").unwrap()), "1: text;");
    check(
        all().with_grep(regex::Regex::new("n ").unwrap()).with_inverted_grep(true),
        "2: text;1: text;",
    );
    check(all().with_field("n=22".parse().unwrap()), "1: n 22;");
    check(all().with_field("n=22.0".parse().unwrap()), "1: n 22;");
    check(all().with_field("name=bob".parse().unwrap()), "2: text;");
    check(all().with_field("name=bob".parse().unwrap()).with_thread("main"), "");
}

#[test]
fn values_keep_their_memory() {
    let mut values: Vec<Value<'_>> = Vec::with_capacity(100);
    values.push(Value::Unit);
    assert_eq!(recycle(values).capacity(), 100);
}

/// Records of up to four rings in blocks, with times that sometimes go back.
fn rings() -> impl Strategy<Value = Vec<Vec<Vec<u64>>>> {
    let block = prop::collection::vec(0_u64..200, 1..8);
    prop::collection::vec(prop::collection::vec(block, 0..5), 1..5)
}

proptest! {
    #[test]
    fn the_merge_is_a_sort_by_each_rings_latest_time(rings in rings()) {
        let mut builder = DumpBuilder::new();
        let mut model = Vec::new();
        for (ring, blocks) in rings.iter().enumerate() {
            let (mut number, mut latest) = (0_u32, 0);
            for block in blocks {
                let records: Vec<_> = block.iter().map(|&time| {
                    number += 1;
                    latest = latest.max(time);
                    model.push((latest, ring, number));
                    n(time, number)
                }).collect();
                if number % 2 == 0 {
                    builder.block(ring as u32, &records);
                } else {
                    builder.raw_block(ring as u32, &records);
                }
            }
        }
        model.sort();
        let expected: String =
            model.iter().map(|(_, ring, number)| format!("{ring}: n {number}\n")).collect();
        let (text, summary) = messages(&[builder.dump()], Filter::default());
        prop_assert_eq!(text, expected);
        prop_assert!(summary.damage.is_empty());
    }
}

#[test]
fn every_loss_stands_where_it_happened_with_its_cause() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 0), n(20, 1)]);
    let broken = builder.bytes().len() + 100;
    builder.block(1, &[n(30, 2), n(40, 3)]);
    builder.raw_block(1, &[n(50, 4), Rec(99, 60, vec![]), Rec(98, 70, vec![]), n(80, 7)]);
    builder.skip(1, 1);
    builder.block(1, &[n(90, 9)]);
    builder.block(2, &[n(35, 0)]);
    let last = builder.bytes().len() + 100;
    builder.block(2, &[n(45, 1), n(55, 2)]);
    builder.raw_block(1, &[n(100, 10), n(110, 11), n(120, 12)]);
    let mut bytes = builder.bytes().to_vec();
    bytes[broken] ^= 1;
    bytes[last] ^= 1;
    // In the midst of record 11.
    bytes.truncate(bytes.len() - 24 - 8);
    let dump = Dump::from_bytes("test.steno", bytes).unwrap();
    let dumps = [dump];
    let (text, summary) = messages(&dumps, Filter::default());
    insta::assert_snapshot!(text, @r"
    1: n 0
    1: n 1
    2: n 0
    2: 2 records lost: the checksum of their block is wrong; numbers 1 to 2 of their ring
    1: 2 records lost: the checksum of their block is wrong; numbers 2 to 3 of their ring
    1: n 4
    1: 2 records lost: their call site is unknown; numbers 5 to 6 of their ring
    1: n 7
    1: 1 record missing: number 8 of its ring
    1: n 9
    1: n 10
    1: 2 records lost: their frame is cut; numbers 11 to 12 of their ring
    ");
    let by_cause = BTreeMap::from([
        (LossKind::Missing, 1),
        (LossKind::TornFrame, 2),
        (LossKind::BadChecksum, 4),
        (LossKind::UnknownCallSite, 2),
    ]);
    assert_eq!(summary.by_cause, by_cause);
    assert_eq!(crate::verify(&dumps[0]).by_cause, by_cause);
    let (json, _) = crate::testing::render(&dumps, Filter::default(), Format::Json);
    let first = json.lines().find(|line| line.contains("\"lost\":2,\"ring\":1")).unwrap();
    assert!(
        first.ends_with(r#""fields":{"lost":2,"ring":1,"cause":"bad_checksum","first_record":2}}"#),
        "{first}"
    );
}
