//! Programs with spans, and their records as a decoder shows them.

use std::ops::ControlFlow;

use stenolog_testkit::{SpanBlocks, SpanLine, SpanProgram};

use crate::{Decoder, Entry, Record, Value};

/// All forms of blocks.
pub(crate) const ALL_BLOCKS: [SpanBlocks; 4] =
    [SpanBlocks::Packed, SpanBlocks::Columns, SpanBlocks::Groups, SpanBlocks::Raw];

/// Numbers that look random.
pub(crate) fn random(mut seed: u64) -> impl FnMut(u64) -> u64 {
    seed = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |below| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below.max(1)
    }
}

/// A program that has run for some steps, with a block after every few.
pub(crate) fn program(blocks: SpanBlocks, seed: u64, steps: u64) -> SpanProgram {
    let mut program = SpanProgram::new(blocks);
    let (mut random, mut next_id, mut open) = (random(seed), 0, Vec::new());
    for _ in 0..steps {
        program.step(&mut random, &mut next_id, &mut open);
        if random(17) == 0 {
            program.flush();
        }
    }
    program.flush();
    program
}

/// A record as the program shows it.
pub(crate) fn line(record: &Record<'_>) -> SpanLine {
    let mut text = String::new();
    let mut ids = Vec::new();
    for span in record.spans() {
        ids.push(span.id());
        text.push_str(if ids.len() > 1 { ":" } else { "" });
        let Some(name) = span.name() else {
            text.push_str(&format!("#{}", span.id()));
            continue;
        };
        let fields = span.fields();
        let fields = fields.iter().map(|(name, value)| match value {
            Value::Str(text) => format!("{name}={text:?}"),
            Value::U32(n) => format!("{name}={n}"),
            other => format!("{name}={other:?}"),
        });
        text.push_str(&format!("{name}{{{}}}", fields.collect::<Vec<_>>().join(" ")));
    }
    text.push_str(if ids.is_empty() { "" } else { ": " });
    record.write_message(&mut text);
    let n = record.fields().find_map(|(name, value)| match value {
        Value::U32(n) if name == "n" => Some(*n),
        _ => None,
    });
    let time = (record.unix_ns() - super::START) as u64;
    SpanLine { at: (time, record.ring()), n: n.unwrap_or(u32::MAX), ids, text }
}

/// The records of a decoder.
pub(crate) fn lines(decoder: &mut Decoder) -> Vec<SpanLine> {
    let mut lines = Vec::new();
    let _ = decoder.for_each(|entry| {
        if let Entry::Record(record) = entry {
            lines.push(line(record));
        }
        ControlFlow::Continue(())
    });
    lines
}

/// Compares records one by one.
#[track_caller]
pub(crate) fn check(found: &[SpanLine], expected: &[SpanLine]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}
