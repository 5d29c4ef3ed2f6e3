//! Each changed byte of a dump costs the frame that it is in, and nothing else.

use stenolog_decoder::{DamageCause, Dump, Tail, verify};

use crate::oracle::{Expected, Reading};
use crate::samples::{SAMPLES, Sample};
use crate::walk::{
    self, BLOCK, CLOCK, DICTIONARY, END, FILE_HEADER, HEADER, INDEX, LOSS, SUMMARY, THREAD,
};
use crate::{for_each, is_exhaustive};

/// Where a byte lies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    FileHeader,
    FrameHeader(usize),
    Payload(usize),
    Padding,
}

fn place(sample: &Sample, at: usize) -> Place {
    if at < FILE_HEADER {
        return Place::FileHeader;
    }
    let frame = sample.frames.partition_point(|frame| frame.end <= at);
    match &sample.frames[frame].payload {
        payload if at < payload.start => Place::FrameHeader(frame),
        payload if at < payload.end => Place::Payload(frame),
        _ => Place::Padding,
    }
}

/// What must come out if the byte at an offset is another, whichever it is.
struct Case<'a> {
    sample: &'a Sample,
    at: usize,
    place: Place,
    expected: Expected<'a>,
}

impl<'a> Case<'a> {
    fn new(sample: &'a Sample, at: usize) -> Self {
        let place = place(sample, at);
        let gone = match place {
            Place::FrameHeader(frame) | Place::Payload(frame) => Some(frame),
            Place::FileHeader | Place::Padding => None,
        };
        let mut expected = Expected::new(sample, 0, |frame| Some(frame) != gone);
        // The frequency of the counter, which also says how exact the clock pairs are.
        if place == Place::FileHeader {
            expected = expected.without_times();
        }
        Self { sample, at, place, expected }
    }

    fn check(&self, value: u8, is_verified: bool) {
        let mut bytes = self.sample.bytes.clone();
        bytes[self.at] = value;
        let dump = Dump::from_bytes("sample.steno", bytes).unwrap();
        let verified = is_verified.then(|| verify(&dump));
        let found = Reading::of_dump(dump);
        if let Err(why) = self.judge(&found) {
            panic!("{}, byte {} ({:?}) = {value:#x}: {why}", self.sample.name, self.at, self.place);
        }
        if let Some(verified) = verified {
            let was_sealed = self.sample.whole.tail == Tail::Sealed;
            let is_intact = self.place == Place::Padding && was_sealed;
            assert_eq!(verified.is_intact(), is_intact, "{}, byte {}", self.sample.name, self.at);
        }
    }

    fn judge(&self, found: &Reading) -> Result<(), String> {
        self.expected.compare(found)?;
        let mut damage = found.damage.clone();
        // Records whose call sites are lost, by the blocks that they are in.
        let kind = |frame: usize| self.sample.frames[frame].kind;
        if let Place::FrameHeader(frame) | Place::Payload(frame) = self.place
            && kind(frame) == DICTIONARY
        {
            let ids = &self.sample.frames[frame].ids;
            for frame in self.sample.frames.iter().filter(|frame| frame.kind == BLOCK) {
                let records =
                    frame.records.iter().filter(|record| ids.contains(&record.tag)).count();
                let found = damage.extract_if(.., |damage| {
                    damage.offset == frame.start as u64
                        && matches!(&damage.cause, DamageCause::UnknownSite { ring, records: of, .. }
                            if (*ring, *of as usize) == (frame.ring, records))
                });
                if found.count() != usize::from(records > 0) {
                    return Err(format!(
                        "{records} records of unknown call sites: {:?}",
                        found_in(frame)
                    ));
                }
            }
        }
        let expected = self.damage(found)?;
        let found: Vec<_> =
            damage.iter().map(|d| (d.offset, d.bytes, d.cause.to_string())).collect();
        if found != Vec::from_iter(expected.clone()) {
            return Err(format!("{expected:?} is damaged, {found:?} was reported"));
        }
        if damage.iter().any(|damage| !damage.to_string().starts_with("sample.steno: byte ")) {
            return Err("a report does not name the file".to_owned());
        }
        Ok(())
    }

    /// The one damage that should be reported, and how the file should end.
    fn damage(&self, found: &Reading) -> Result<Option<(u64, u64, String)>, String> {
        let frames = &self.sample.frames;
        let lies = |frame: usize| {
            let frame = &frames[frame];
            (frame.start as u64, (frame.end - frame.start) as u64)
        };
        let is_end = |frame: usize| frames[frame].kind == END;
        let mut tail = self.sample.whole.tail;
        let damage = match self.place {
            Place::Padding => None,
            Place::FileHeader => {
                let header = found.damage.first().map(|damage| &damage.cause);
                let Some(DamageCause::FileHeader(why)) = header else {
                    return Err(format!("no damage of the header is reported: {header:?}"));
                };
                Some((0, 0, why.to_string()))
            }
            Place::FrameHeader(frame) if frame == frames.len() - 1 => {
                let (offset, bytes) = lies(frame);
                tail = Tail::Torn { offset, bytes };
                None
            }
            Place::FrameHeader(frame) => {
                let (offset, bytes) = lies(frame);
                Some((offset, bytes, "no frame begins here".to_owned()))
            }
            // Decoding all does not need them: `verify` looks at them.
            Place::Payload(frame) if matches!(frames[frame].kind, INDEX | SUMMARY) => None,
            Place::Payload(frame) => {
                if is_end(frame) {
                    tail = Tail::Unfinished;
                }
                let kind = match frames[frame].kind {
                    DICTIONARY => "dictionary",
                    THREAD => "thread",
                    CLOCK => "clock",
                    BLOCK => "block",
                    LOSS => "loss",
                    END => "end",
                    HEADER => "header",
                    _ => "watermark",
                };
                let (offset, bytes) = lies(frame);
                Some((offset, bytes, DamageCause::Checksum { kind }.to_string()))
            }
        };
        if found.tail != tail {
            return Err(format!("the end is {tail:?}, not {:?}", found.tail));
        }
        let is_complete = damage.is_none() && tail == Tail::Sealed && found.lost == 0;
        if found.is_complete != is_complete {
            return Err(format!("it counts as {} complete", if is_complete { "in" } else { "" }));
        }
        Ok(damage)
    }
}

fn found_in(frame: &walk::Frame) -> (u64, u32) {
    (frame.start as u64, frame.ring)
}

#[test]
fn every_other_value_of_every_byte_costs_its_frame_only() {
    let sample = &SAMPLES[0];
    let changes = for_each(sample.bytes.len(), |at| {
        let case = Case::new(sample, at);
        let was = sample.bytes[at];
        (0..=255).filter(|&value| value != was).for_each(|value| case.check(value, value == !was));
        255
    });
    assert_eq!(changes, 255 * sample.bytes.len() as u64);
}

#[test]
fn a_changed_byte_anywhere_costs_its_frame_only() {
    let values = if is_exhaustive() { 1..=255 } else { 1..=1_u8 };
    let mut changes = 0;
    for sample in &SAMPLES[1..] {
        changes += for_each(sample.bytes.len(), |at| {
            let case = Case::new(sample, at);
            for n in values.clone() {
                // Another bit at each offset, if it is to be one value only.
                let mask = if is_exhaustive() { n } else { n.rotate_left(at as u32 % 8) };
                case.check(sample.bytes[at] ^ mask, at % 7 == 0 && n == 1);
            }
            values.clone().count() as u64
        });
    }
    assert!(changes > 5000, "{changes}");
}
