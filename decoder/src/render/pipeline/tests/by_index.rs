//! Dumps that are opened by their indexes.

use super::tail::Random;
use super::*;
use crate::model::damage::DamageCause;

/// What a whole read of dumps gives, as text and as a summary.
fn read(dumps: &[Dump], filter: &Filter, order: Order) -> (String, Summary) {
    let options = RenderOptions::default();
    one_by_one_with(Losses::Inline, dumps, filter, order, Format::Short, &options)
}

fn is_same(found: &(String, Summary), expected: &(String, Summary)) -> bool {
    let lines = |text: &str| {
        let records = text.lines().filter(|line| !line.contains(" stenolog: "));
        records.map(str::to_owned).collect::<Vec<_>>()
    };
    if expected
        .1
        .damage
        .iter()
        .any(|of| matches!(of.cause, DamageCause::Checksum { kind: "block" }))
    {
        // If the header of a block is damaged, an index knows better whose records are missing, and why.
        let (found_damage, damage) = (&found.1.damage, &expected.1.damage);
        return lines(&found.0) == lines(&expected.0)
            && format!("{found_damage:?}") == format!("{damage:?}")
            && found.1.shown == expected.1.shown;
    }
    found.0 == expected.0 && format!("{:?}", found.1) == format!("{:?}", expected.1)
}

#[test]
fn they_are_read_as_if_their_frames_had_been_walked() {
    let needle = Filter::default().with_grep_pattern("needle", false).unwrap();
    let (mut by_index, mut unsealed, mut damaged) = (0, 0, 0);
    for seed in 1..60 {
        let is_sound = seed % 4 == 0;
        let mut walked = Random::indexed(seed, is_sound);
        if seed % 4 == 1 {
            // The header of a frame, which nothing but a walk notices.
            let last = walked.pop().unwrap();
            let mut bytes = last.bytes().to_vec();
            let block = last.blocks().get(seed as usize % last.blocks().len()).unwrap();
            bytes[block.offset as usize + seed as usize % 24] ^= 4;
            walked.push(Dump::from_bytes("damaged.steno", bytes).unwrap());
        }
        let open = |dump: &Dump| dump.by_index().unwrap_or_else(|| dump.clone());
        let opened: Vec<_> = walked.iter().map(open).collect();
        for (walked, opened) in walked.iter().zip(&opened).filter(|(_, of)| of.is_by_index()) {
            by_index += 1;
            unsealed += usize::from(opened.end().is_none());
            damaged += usize::from(!walked.damage().is_empty());
            assert_eq!(opened.state(), walked.state());
            assert_eq!(format!("{:?}", opened.tail()), format!("{:?}", walked.tail()));
        }
        for (filter, order) in [
            (Filter::default(), Order::Time),
            (Filter::default(), Order::File),
            (needle.clone(), Order::Time),
        ] {
            let of_walked = read(&walked, &filter, order);
            let found = read(&opened, &filter, order);
            assert!(is_same(&found, &of_walked), "{seed}, {order:?}, {filter:?}: {:?}", found.1);
        }
        assert_eq!(
            serde_json::to_string(&opened.iter().map(crate::info).collect::<Vec<_>>()).unwrap(),
            serde_json::to_string(&walked.iter().map(crate::info).collect::<Vec<_>>()).unwrap(),
        );
    }
    // Otherwise this tests nothing.
    assert!(by_index > 80 && unsealed > 10 && damaged > 7, "{by_index} {unsealed} {damaged}");
}

#[test]
fn frames_are_walked_only_when_everything_was_read() {
    let mut bytes = long().into_bytes();
    // The header of a frame in the middle.
    let walked = Dump::from_bytes("walked", bytes.clone()).unwrap();
    let at = walked.blocks().get(walked.blocks().len() / 2).unwrap().offset as usize;
    bytes[at + 9] ^= 1;
    let dump = Dump::from_bytes("damaged", bytes).unwrap();
    let mut decoder = Decoder::new(dump.by_index().unwrap());
    assert!(decoder.records().next().is_some());
    assert!(decoder.summary().damage.is_empty());
    let _ = decoder.for_each(|_| ControlFlow::Continue(()));
    assert_eq!(decoder.summary().damage, dump.damage());
    assert!(!dump.damage().is_empty());
}
