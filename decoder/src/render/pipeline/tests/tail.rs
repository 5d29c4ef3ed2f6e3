//! The last entries only.

use super::*;

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
                        assert_eq!(format!("{:?}", decoder.summary()), format!("{summary:?}"));
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
