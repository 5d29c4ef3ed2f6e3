//! Batches come out in order, in pieces, and no further than the sink wants.

use super::*;

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
    // One match at the beginning, and nothing behind it that would be wanted.
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

/// The last lines of records, and the losses after the one before them.
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
