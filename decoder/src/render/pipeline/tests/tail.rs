//! The last entries only.

use super::*;
use stenolog_testkit::Dice;

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
                    // Once all is kept, once far too little, so it is read again.
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
                        let found = decoder.summary();
                        assert!(found.records <= summary.records && found.shown <= summary.shown);
                        if count >= lines.len() {
                            assert_eq!(format!("{found:?}"), format!("{summary:?}"));
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn the_last_of_what_was_not_delivered_yet() {
    let dump = long().dump();
    let options = RenderOptions::default();
    let (text, _) = one_by_one(
        std::slice::from_ref(&dump),
        &Filter::default(),
        Order::Time,
        Format::Short,
        &options,
    );
    let lines: Vec<_> = text.lines().collect();
    for most_bytes in [1 << 26, 100] {
        let mut decoder = Decoder::new(&dump);
        assert_eq!(decoder.entries().take(1000).count(), 1000);
        let mut out = String::new();
        let _ = decoder.render_last_within((5, most_bytes), Format::Short, &options, |text| {
            out.push_str(std::str::from_utf8(text).unwrap());
            ControlFlow::Continue(())
        });
        assert!(out.lines().eq(lines[lines.len() - 5..].iter().copied()));
    }
}

/// The last lines of records, and the losses after the line before them; nothing for no records.
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

/// Blocks and losses of rings, with times that go back, times that callers gave, and steps of the clock.
pub(super) struct Random {
    dice: Dice,
    now: u64,
    /// The position and the number after the last record of each ring.
    ends: [(u64, u64); 5],
    /// Nothing is missing or damaged.
    is_sound: bool,
    /// There are indexes, copies of the header and summaries before the end.
    is_indexed: bool,
}

impl Random {
    const RINGS: u64 = 4;

    fn record(&mut self) -> Rec {
        self.now += self.dice.below(40);
        let at = self.now.saturating_sub(self.dice.below(30) * self.dice.below(30));
        match self.dice.below(8) {
            0 => Rec(17, at, str_bytes("needle")),
            1 => Rec(17, at, str_bytes("something else")),
            2 => Rec(18, START as u64 + at, vec![]),
            3 if self.dice.below(20) == 0 => Rec(99, at, vec![]),
            _ => n(at, at as u32),
        }
    }

    fn step(&mut self, builder: &mut DumpBuilder) {
        let ring = self.dice.below(Self::RINGS) as u32 + 1;
        // A ring that continues another one begins when that one has ended.
        let ring = match ring {
            2 if self.now > 3_000 => 4,
            4 if self.now <= 3_000 => 2,
            ring => ring,
        };
        let count = 1 + self.dice.below(12);
        let records: Vec<_> = (0..count).map(|_| self.record()).collect();
        // Only raw blocks can have records without types.
        let is_known = records.iter().all(|Rec(tag, ..)| *tag < 99);
        match self.dice.below(12) {
            0 => builder.raw_block(ring, &records),
            _ if !is_known => builder.raw_block(ring, &records),
            1 => builder.column_block(ring, &records),
            2 => builder.compressed_block(ring, &records, Codec::Zstd),
            3 => {
                self.now += self.dice.below(2_000);
                let step = self.dice.below(3_000) as i64 - 1_000;
                builder.clock(self.now, START + self.now as i64 + step);
            }
            4 => {
                let lost = [self.now / 100, 0, 0, self.now / 1000, 0];
                builder.loss(ring, loss(self.now, lost));
            }
            5 if !self.is_sound => {
                // A statement among the records.
                let lost = loss(self.now, [self.now / 100, 0, 0, self.now / 1000, 0]);
                let statement = Rec(CallSite::LOSS_ID, self.now, lost.encode()[8..].to_vec());
                builder.block(ring, &[&[statement], &records[..]].concat());
            }
            6 if !self.is_sound && self.dice.below(4) == 0 => {
                builder.skip(ring, 1 + self.dice.below(4))
            }
            _ => builder.block(ring, &records),
        }
        if self.is_indexed {
            match self.dice.below(12) {
                0 => drop(builder.index()),
                1 | 2 => builder.header_copy(),
                _ => {}
            }
        }
    }

    fn file(&mut self, sequence: u32, steps: u64) -> Vec<u8> {
        let mut builder = DumpBuilder::bare(7, sequence);
        builder.prelude();
        builder.thread(3, 7, "third");
        builder.thread_continuing(4, 1235, "", 2);
        for (ring, (position, number)) in (0..).zip(self.ends) {
            builder.ring_at(ring, position, number);
        }
        (0..steps).for_each(|_| self.step(&mut builder));
        if self.dice.below(3) > 0 {
            builder.seal(0);
        }
        for block in builder.dump().blocks() {
            let header = block.header;
            let number = header.first_record + u64::from(header.count);
            self.ends[header.ring as usize] = (header.end_position, number);
        }
        builder.into_bytes()
    }

    /// The files of a log, some of them damaged.
    fn files(seed: u64, is_sound: bool) -> Vec<Dump> {
        Self::some_files(seed, (is_sound, false))
    }

    /// The same, with indexes before the end.
    pub(super) fn indexed(seed: u64, is_sound: bool) -> Vec<Dump> {
        Self::some_files(seed, (is_sound, true))
    }

    fn some_files(seed: u64, (is_sound, is_indexed): (bool, bool)) -> Vec<Dump> {
        let ends = [(0, 0); 5];
        let mut random = Self { dice: Dice(seed), now: 0, ends, is_sound, is_indexed };
        let files = 1 + random.dice.below(3) as u32;
        let mut dumps = Vec::new();
        for sequence in 0..files {
            let steps = 5 + random.dice.below(60);
            let mut bytes = random.file(sequence, steps);
            if !is_sound && random.dice.below(4) == 0 {
                let at = 700 + random.dice.below(bytes.len() as u64 - 700) as usize;
                bytes[at] ^= 1 << random.dice.below(8);
            }
            if !is_sound && random.dice.below(6) == 0 {
                bytes.truncate(bytes.len() - random.dice.below(400) as usize);
            }
            dumps.push(Dump::from_bytes(format!("{sequence}.steno"), bytes).unwrap());
        }
        dumps
    }
}

#[test]
fn the_last_records_are_the_same_however_much_is_read() {
    let filters = || {
        let needle = Filter::default().with_grep_pattern("needle", false).unwrap();
        [Filter::default(), needle.clone(), needle.with_thread("main")].into_iter().chain(filters())
    };
    let options = RenderOptions::default();
    let (mut read, mut all) = (0, 0);
    for seed in 1..14 {
        let dumps = Random::files(seed, false);
        for (filter, order) in filters().zip([Order::Time, Order::Time, Order::File].iter().cycle())
        {
            for losses in [Losses::Inline, Losses::Merged] {
                let (text, summary) =
                    one_by_one_with(losses, &dumps, &filter, *order, Format::Short, &options);
                let lines: Vec<_> = text.lines().collect();
                for count in [1, 3, 20, 100] {
                    let decoder = Decoder::new(&dumps).with_filter(filter.clone());
                    let mut decoder = decoder.with_losses(losses).with_order(*order);
                    let mut out = String::new();
                    let _ = decoder.render_last(count, Format::Short, &options, |text| {
                        out.push_str(std::str::from_utf8(text).unwrap());
                        ControlFlow::Continue(())
                    });
                    let expected = last_records(&lines, count as usize).join("\n");
                    assert_eq!(out.trim_end(), expected, "{seed}, {order:?}, {count}, {filter:?}");
                    let found = decoder.summary();
                    // Statements with wrong checksums are told only by a whole read.
                    assert!(found.lost == summary.lost || !summary.damage.is_empty());
                    read += found.records;
                    all += summary.records;
                }
            }
        }
    }
    // Otherwise this tests nothing.
    assert!(read < all / 2, "{read} of {all} records were read");
}

#[test]
fn the_last_records_of_dumps_that_are_opened_at_their_end() {
    let options = RenderOptions::default();
    let needle = Filter::default().with_grep_pattern("needle", false).unwrap();
    let (mut passed_over, mut all) = (0, 0);
    for seed in 1..16 {
        let whole = Random::files(seed, true);
        for (filter, order) in [
            (Filter::default(), Order::Time),
            (Filter::default(), Order::File),
            (needle.clone(), Order::Time),
        ] {
            let (text, summary) =
                one_by_one_with(Losses::Merged, &whole, &filter, order, Format::Short, &options);
            let lines: Vec<_> = text.lines().collect();
            for (count, blocks) in [(1, 1), (3, 1), (3, 8), (20, 2), (100, 4)] {
                let open = |dump: &Dump| dump.with_last(count + 1, blocks);
                let dumps: Vec<_> = whole.iter().map(open).collect();
                all += dumps.len();
                passed_over += dumps.iter().filter(|dump| dump.unlisted().is_some()).count();
                let decoder = Decoder::new(&dumps).with_filter(filter.clone());
                let mut decoder = decoder.with_losses(Losses::Merged).with_order(order);
                let mut out = String::new();
                let _ = decoder.render_last(count, Format::Short, &options, |text| {
                    out.push_str(std::str::from_utf8(text).unwrap());
                    ControlFlow::Continue(())
                });
                let expected = last_records(&lines, count as usize).join("\n");
                assert_eq!(out.trim_end(), expected, "{seed}, {order:?}, {count}, {filter:?}");
                assert!(decoder.summary().damage.len() <= summary.damage.len());
                // A whole read of such dumps lists all blocks.
                let found = one_by_one_with(
                    Losses::Merged,
                    &dumps,
                    &filter,
                    order,
                    Format::Short,
                    &options,
                );
                assert!(found.0 == text);
                assert_eq!(format!("{:?}", found.1), format!("{summary:?}"));
            }
        }
    }
    assert!(passed_over > all / 2, "{passed_over} of {all}");
}
