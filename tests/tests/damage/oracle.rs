//! An oracle: what the reader shows of a dump, and what it should show.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use stenolog_decoder::{Damage, Decoder, Dump, Entry, LossCause, LossKind, OpenError, Tail};

use crate::samples::Sample;
use crate::walk::{BLOCK, CLOCK, DICTIONARY, LOSS, THREAD};

/// A record that came out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shown {
    pub(crate) number: u64,
    pub(crate) text: String,
    pub(crate) thread: String,
    pub(crate) unix_ns: i64,
}

/// All that came out of a dump.
#[derive(Debug)]
pub(crate) struct Reading {
    /// By ring, in the order in which they came.
    pub(crate) rings: BTreeMap<u32, Vec<Shown>>,
    /// Records that the logger could not record, by ring.
    pub(crate) unrecorded: BTreeMap<u32, u64>,
    pub(crate) lost: u64,
    pub(crate) missing: u64,
    pub(crate) duplicates: u64,
    pub(crate) damage: Vec<Damage>,
    pub(crate) tail: Tail,
    pub(crate) is_complete: bool,
}

impl Reading {
    pub(crate) fn of(bytes: &[u8]) -> Result<Self, OpenError> {
        Ok(Self::of_dump(Dump::from_bytes("sample.steno", bytes.to_vec())?))
    }

    pub(crate) fn of_dump(dump: Dump) -> Self {
        let dumps = [dump];
        let mut decoder = Decoder::new(&dumps);
        let mut rings = BTreeMap::<u32, Vec<Shown>>::new();
        let mut unrecorded = BTreeMap::new();
        let mut missing = 0;
        let _ = decoder.for_each(|entry| {
            match entry {
                Entry::Record(record) => {
                    let site = record.call_site();
                    let mut text =
                        format!("{}:{} {} {} ", site.file, site.line, site.level, site.target);
                    record.write_message(&mut text);
                    for (name, value) in record.fields() {
                        text += &format!(" {name}={value:?}");
                    }
                    rings.entry(record.ring()).or_default().push(Shown {
                        number: record.number(),
                        text,
                        thread: record.thread_name().to_owned(),
                        unix_ns: record.unix_ns(),
                    });
                }
                Entry::Loss(loss) => match loss.cause() {
                    // These are there, and in the damage.
                    LossCause::Missing { kind: LossKind::UnknownCallSite, .. } => {}
                    LossCause::Missing { count, .. } => missing += count,
                    _ => *unrecorded.entry(loss.ring()).or_default() += loss.total(),
                },
                _ => panic!("{entry:?}"),
            }
            ControlFlow::Continue(())
        });
        let summary = decoder.summary();
        assert_eq!(missing, summary.missing, "what is missing is shown");
        assert_eq!(unrecorded.values().sum::<u64>(), summary.lost, "what is lost is shown");
        Self {
            rings,
            unrecorded,
            lost: summary.lost,
            missing,
            duplicates: summary.duplicates,
            tail: dumps[0].tail(),
            is_complete: summary.is_complete(),
            damage: summary.damage,
        }
    }
}

/// What must come out of a sample of which some is gone.
#[derive(Debug)]
pub(crate) struct Expected<'a> {
    rings: BTreeMap<u32, Vec<&'a Shown>>,
    /// The rings whose threads are known.
    named: BTreeSet<u32>,
    /// Whether all that tells the time is there.
    is_timed: bool,
    unrecorded: BTreeMap<u32, u64>,
    missing: u64,
    /// Whether all blocks are whole. What one that is not says of itself counts as missing too, as
    /// far as it can be read, which is unknown without its checksum.
    are_blocks_whole: bool,
}

impl<'a> Expected<'a> {
    /// Of a sample whose frames are whole if `is_whole` says so of their number; blocks that are not have
    /// those records that end at `cut` or before.
    pub(crate) fn new(sample: &'a Sample, cut: usize, is_whole: impl Fn(usize) -> bool) -> Self {
        let frames = || sample.frames.iter().enumerate();
        let whole = |kind| frames().filter(move |(_, frame)| frame.kind == kind);
        let ids: BTreeSet<u32> = whole(DICTIONARY)
            .filter(|(at, _)| is_whole(*at))
            .flat_map(|(_, frame)| frame.ids.iter().copied())
            .collect();
        let mut expected = Self {
            rings: BTreeMap::new(),
            named: whole(THREAD).filter(|(at, _)| is_whole(*at)).map(|(_, f)| f.ring).collect(),
            is_timed: whole(CLOCK).all(|(at, _)| is_whole(at)),
            unrecorded: BTreeMap::new(),
            missing: 0,
            are_blocks_whole: whole(BLOCK).all(|(at, _)| is_whole(at)),
        };
        let mut totals = BTreeMap::<u32, [u64; 10]>::new();
        let mut next = BTreeMap::<u32, u64>::new();
        for (at, frame) in frames().filter(|(_, frame)| matches!(frame.kind, BLOCK | LOSS)) {
            let there = frame
                .records
                .iter()
                .zip(frame.first..)
                .filter(|(record, _)| is_whole(at) || frame.kind == BLOCK && record.end <= cut);
            let mut any = is_whole(at);
            for (record, number) in there {
                any = true;
                if record.tag == 1 {
                    let totals = totals.entry(frame.ring).or_default();
                    for (total, stated) in totals.iter_mut().zip(record.lost) {
                        *total = stated.max(*total);
                    }
                } else if ids.contains(&record.tag) {
                    let shown = &sample.whole.rings[&frame.ring];
                    let shown = shown.iter().find(|shown| shown.number == number);
                    expected.rings.entry(frame.ring).or_default().push(shown.unwrap());
                }
            }
            if any && frame.kind == BLOCK {
                let after = frame.first + frame.records.len() as u64;
                // Each is the first file of its session, where rings begin with record 0.
                let next = next.insert(frame.ring, after).unwrap_or(0);
                expected.missing += frame.first - next;
            }
        }
        let totals = totals.into_iter().map(|(ring, totals)| (ring, totals.iter().sum()));
        expected.unrecorded = totals.filter(|&(_, total)| total > 0).collect();
        expected
    }

    /// The times of records cannot be told exactly.
    pub(crate) fn without_times(self) -> Self {
        Self { is_timed: false, ..self }
    }

    /// Says what is not as it should be.
    pub(crate) fn compare(&self, found: &Reading) -> Result<(), String> {
        let counts = |n: &BTreeMap<u32, Vec<&Shown>>| -> Vec<(u32, usize)> {
            n.iter().map(|(&ring, records)| (ring, records.len())).collect()
        };
        let found_rings =
            found.rings.iter().map(|(&ring, records)| (ring, records.iter().collect())).collect();
        if counts(&self.rings) != counts(&found_rings) {
            let (expected, found) = (counts(&self.rings), counts(&found_rings));
            return Err(format!("records by ring: {expected:?} are there, {found:?} came out"));
        }
        for (ring, records) in &self.rings {
            for (expected, found) in records.iter().zip(&found.rings[ring]) {
                let thread = if self.named.contains(ring) {
                    expected.thread.clone()
                } else {
                    format!("ring-{ring}")
                };
                let unix_ns = if self.is_timed { expected.unix_ns } else { found.unix_ns };
                let expected =
                    Shown { number: expected.number, text: expected.text.clone(), thread, unix_ns };
                if *found != expected {
                    return Err(format!("{expected:?} is there, {found:?} came out"));
                }
            }
        }
        let is_missing_right = if self.are_blocks_whole {
            found.missing == self.missing
        } else {
            found.missing >= self.missing
        };
        if self.unrecorded != found.unrecorded || !is_missing_right {
            return Err(format!(
                "unrecorded {:?}, missing {}; but {:?} and {} came out",
                self.unrecorded, self.missing, found.unrecorded, found.missing
            ));
        }
        match found.duplicates {
            0 => Ok(()),
            n => Err(format!("{n} records count as duplicates")),
        }
    }
}
