//! Searches in blocks of all encodings, compared with the lines of all records.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use proptest::prelude::*;
use stenolog_format::block::{BlockBuilder, BlockHeader, Codec, Depth};
use stenolog_format::dictionary::{CallSite, Level, Role};
use stenolog_format::frame::FrameKind;
use stenolog_format::summary::SummaryBuilder;
use stenolog_format::types::Type;
use stenolog_testkit::{Dice, compress, site};

use super::{DumpBuilder, Open, Rec, all_texts, str_bytes};
use crate::{Decoder, Dump, Entry, Filter, Format, RenderOptions};

const TAGS: [u32; 3] = [30, 31, 90];

/// The number of kinds of values.
const KINDS: u64 = 18;

/// A float with few digits or many, large or small.
fn float(style: u64, dice: &mut Dice) -> f64 {
    let n = dice.below(1_000_000) as f64 / 1000.0;
    match style % 8 {
        0..3 => n,
        3 => n.sqrt() * 1e3,
        4 => n * 1e9,
        5 => -n.sqrt() * 1e15,
        6 if dice.below(2) == 0 => f64::from_bits(dice.below(u64::MAX)),
        6 => n * 1e-9,
        _ => [n, 9_999_999_999.5, 1.5e17, f64::NAN, -0.0, 999_999.999_5][dice.below(6) as usize],
    }
}

/// The kinds of values, each with a value of it in raw layout.
fn value(kind: u64, style: u64, dice: &mut Dice) -> (Type, Vec<u8>) {
    let text = |dice: &mut Dice| {
        let n = dice.below([3, 40, 1 << 40][style as usize % 3]);
        match style % 11 {
            0 => format!(
                "{:032x}",
                u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
            ),
            1 => format!("ord-{:08}", n % 100_000_000),
            2 => format!("/api/orders/{n}/items"),
            3 => format!("{:08x}-{:04x}-4{:03x}", n as u32, n >> 5 & 0xffff, n & 0xfff),
            4 => ["GET", "POST", "", "a\tb", "say \"hi\"", "größe", "\u{212a}elvin"]
                [n as usize % 7]
                .to_owned(),
            5 => format!("user {} of {n}", "x".repeat(n as usize % 9)),
            6 => format!("503{n}\u{1b}"),
            7 => format!("\u{212a}{:08}\u{17f}", n % 100_000_000),
            8 => "always the same 20481234".to_owned(),
            9 => format!("{n:08X}-55bf-4000-8000-{:012x} and {:064x}", n * 77, n * 0x9e37_79b9),
            _ => format!(
                "{:0width$x}{}",
                n,
                ["", "-", "\n", "!"][n as usize % 4],
                width = 28 + n as usize % 9
            ),
        }
    };
    let integer = |dice: &mut Dice| dice.below(u64::MAX) >> dice.below(64);
    match kind % KINDS {
        0..4 => (
            if kind.is_multiple_of(2) { Type::Str } else { Type::Formatted },
            str_bytes(&text(dice)),
        ),
        4 => (Type::U64, integer(dice).to_le_bytes().into()),
        5 => (Type::I64, (integer(dice) as i64).to_le_bytes().into()),
        6 => (Type::U16, (dice.below(7) as u16 * 100 + 3).to_le_bytes().into()),
        7 => (Type::I32, (dice.below(9) as i32 - 4).to_le_bytes().into()),
        8 => (Type::U8, vec![dice.below(256) as u8]),
        9 => (Type::F64, float(style, dice).to_le_bytes().into()),
        10 => (Type::Bool, vec![dice.below(2) as u8]),
        11 => {
            let nanos = dice.below(1 << 30) as u32 % 1_000_000_000;
            (Type::Duration, [&dice.below(3).to_le_bytes()[..], &nanos.to_le_bytes()].concat())
        }
        12 => (Type::Ipv4, (dice.below(1 << 32) as u32).to_le_bytes().into()),
        13 if dice.below(3) == 0 => (Type::Option(Type::Str.into()), vec![0]),
        13 => (Type::Option(Type::Str.into()), [&[1], &str_bytes(&text(dice))[..]].concat()),
        14 => {
            let both =
                [str_bytes(&text(dice)), (integer(dice) as u32).to_le_bytes().into()].concat();
            (Type::Tuple(vec![Type::Str, Type::U32]), both)
        }
        15 => {
            let three = [(); 3].map(|()| float(style, dice).to_le_bytes());
            (Type::Array(Type::F64.into(), 3), three.concat())
        }
        16 => {
            let floats = [(); 2].map(|()| float(style, dice));
            let bytes = [&floats[0].to_le_bytes()[..], &integer(dice).to_le_bytes()].concat();
            let bytes = [bytes, (floats[1] as f32).to_le_bytes().into()].concat();
            (Type::Tuple(vec![Type::F64, Type::U64, Type::F32]), bytes)
        }
        _ => {
            let texts: Vec<_> = (0..dice.below(3)).map(|_| str_bytes(&text(dice))).collect();
            let count = (texts.len() as u32).to_le_bytes();
            (Type::Slice(Type::Str.into()), [&count[..], &texts.concat()].concat())
        }
    }
}

/// A call site: the kinds and styles of its values, and how they are printed.
struct Model {
    site: CallSite,
    values: Vec<(u64, u64)>,
}

impl Model {
    fn random(tag: u32, dice: &mut Dice) -> Self {
        let specs = [
            "", "", "", ":?", ":>9", ":.2", ":x", ":08", ":#x", ":+", ":e", ":.0", ":.3?", ":.12",
            ":012.1", ":#?", ":.2e", ":.0e",
        ];
        let texts = ["", "a", " for ", ": ", "=", "order_id=", "\n", "503 "];
        let values: Vec<_> =
            (0..dice.below(5)).map(|_| (dice.below(KINDS), dice.below(11))).collect();
        let mut template = texts[dice.below(8) as usize].to_owned();
        let mut slots = Vec::new();
        for (index, (kind, style)) in values.iter().enumerate() {
            let (ty, _) = value(*kind, *style, &mut Dice(1));
            let role = [Role::Argument, Role::Field, Role::DebugField][dice.below(3) as usize];
            if role == Role::Argument {
                let (spec, text) = (specs[dice.below(18) as usize], texts[dice.below(8) as usize]);
                template.push_str(&format!("{{{index}{spec}}}{text}"));
            }
            slots.push((["id", "status", "a b"][dice.below(3) as usize], role, ty));
        }
        let mut site = site(tag, Level::Info, "app", Some(&template), &slots);
        // Names are unique in a call site.
        site.slots.iter_mut().enumerate().for_each(|(n, slot)| slot.name.push_str(&n.to_string()));
        Self { site, values }
    }

    fn record(&self, counter: u64, dice: &mut Dice) -> Rec {
        let values = self.values.iter().map(|&(kind, style)| value(kind, style, dice).1);
        Rec(self.site.id, counter, values.collect::<Vec<_>>().concat())
    }
}

/// A group with the records of several rings.
fn put_group(dump: &mut DumpBuilder, models: &[Model], rings: &[Vec<Rec>], dice: &mut Dice) {
    let mut builder = BlockBuilder::default();
    builder.begin_group(if dice.below(3) == 0 { Depth::Fast } else { Depth::Thorough });
    for (ring, records) in (1..).zip(rings) {
        builder.begin_part(ring, 0, 0);
        for Rec(tag, counter, values) in records {
            let model = models.iter().find(|model| model.site.id == *tag).unwrap();
            builder.push(&model.site, &[&counter.to_le_bytes()[..], values].concat()).unwrap();
        }
        builder.end_part(64 * records.len() as u64);
    }
    let codec = [Codec::None, Codec::Lz4, Codec::Zstd][dice.below(3) as usize];
    let mut payload = Vec::new();
    let header = builder.finish_group(0, &mut payload, |plain, _, out| {
        out.extend(compress(plain, codec));
        codec
    });
    dump.put_block(header, &payload);
    assert_eq!(header.encoding, BlockHeader::GROUP);
    if dice.below(2) == 0 {
        let (mut summary, mut out) = (SummaryBuilder::default(), Vec::new());
        builder.sum_up_group(true, &mut summary);
        summary.encode(crc32fast::hash(&payload), &mut out);
        dump.frame(FrameKind::Summary, &out);
    }
}

/// The same records in blocks of an encoding, or in a group.
fn dump_of(models: &[Model], rings: &[Vec<Rec>], encoding: u64, dice: &mut Dice) -> Dump {
    let mut dump = DumpBuilder::new();
    dump.call_sites(models.iter().map(|model| model.site.clone()).collect());
    if encoding > 2 {
        put_group(&mut dump, models, rings, dice);
    } else {
        for (ring, records) in (1..).zip(rings) {
            match encoding {
                0 => dump.raw_block(ring, records),
                1 => dump.block(ring, records),
                _ => dump.column_block(ring, records),
            }
            if encoding < 2 && dice.below(2) == 0 {
                dump.summary();
            }
        }
    }
    dump.dump()
}

/// The rings and numbers of the records that pass a filter.
fn found(dump: &Dump, filter: Filter) -> BTreeSet<(u32, u64)> {
    let mut found = BTreeSet::new();
    let mut decoder = Decoder::new(dump).with_filter(filter);
    let _ = decoder.for_each(|entry| {
        if let Entry::Record(record) = entry {
            found.insert((record.ring(), record.number()));
        }
        ControlFlow::Continue(())
    });
    assert!(decoder.summary().damage.is_empty(), "{:?}", decoder.summary().damage);
    found
}

/// The lines of the records that pass a filter.
fn lines(dump: &Dump, filter: Filter, format: Format) -> String {
    let mut out = Vec::new();
    let mut decoder = Decoder::new(dump).with_filter(filter);
    decoder.write_to(&mut out, format, &RenderOptions::default()).unwrap();
    String::from_utf8(out).unwrap()
}

/// A pattern of a piece of a text.
fn pattern(text: &str, dice: &mut Dice) -> String {
    if dice.below(3) == 0 {
        // A run of digits, or the end of one.
        let runs = text.split(|char: char| !char.is_ascii_digit()).filter(|run| !run.is_empty());
        let runs: Vec<_> = runs.collect();
        if !runs.is_empty() {
            let run = runs[dice.below(runs.len() as u64) as usize];
            let from = dice.below(2) * dice.below(run.len() as u64);
            return run[from as usize..].to_owned();
        }
    }
    let chars: Vec<char> = text.chars().collect();
    let from = dice.below(1 + chars.len() as u64) as usize;
    let most = [4, 12, 40][dice.below(3) as usize];
    let length = 1 + dice.below(most) as usize;
    let mut piece: String = chars[from..(from + length).min(chars.len())].iter().collect();
    if dice.below(4) == 0 {
        piece.push(['0', '9', 'f', ' '][dice.below(4) as usize]);
    }
    let escaped = regex::escape(&piece);
    match dice.below(9) {
        0 => escaped.replace(['0', '5'], "[05]"),
        1 => format!("{escaped}|20481234"),
        2 => format!("{escaped}.*[0-9]"),
        3 => format!(r"\b{escaped}"),
        4 => format!("{escaped}$"),
        5 => escaped.to_ascii_uppercase(),
        _ => escaped,
    }
}

/// A search of a random pattern and one for a value of a field find what the texts of all records have.
fn check(seed: u64) {
    let mut dice = Dice(seed);
    let dice = &mut dice;
    let models: Vec<_> = TAGS.iter().map(|tag| Model::random(*tag, dice)).collect();
    let mut counter = 100;
    let most = [3, 30, 200][dice.below(3) as usize];
    let rings = (0..1 + dice.below(3)).map(|_| {
        let record = |_| {
            counter += dice.below(9);
            models[dice.below(3) as usize].record(counter, dice)
        };
        (0..1 + most).map(record).collect::<Vec<_>>()
    });
    let rings: Vec<_> = rings.collect();
    let encoding = dice.below(6);
    let dump = dump_of(&models, &rings, encoding, dice);
    let mut all = Vec::new();
    let _ = Decoder::new(&dump).for_each(|entry| {
        if let Entry::Record(record) = entry {
            let fields = record.fields().map(|(name, value)| {
                let mut text = String::new();
                crate::text::write_display(&mut text, value);
                format!("{name}={text}")
            });
            let fields = fields.collect::<Vec<_>>();
            all.push(((record.ring(), record.number()), all_texts(record), fields));
        }
        ControlFlow::Continue(())
    });
    let formats = [Format::Short, Format::Json];
    let all_lines = formats.map(|format| lines(&dump, Filter::default(), format));
    assert_eq!(all.len(), rings.iter().map(Vec::len).sum::<usize>(), "seed {seed}");
    for _ in 0..4 {
        let (_, texts, fields) = &all[dice.below(all.len() as u64) as usize];
        let pattern = pattern(&texts[dice.below(texts.len() as u64) as usize], dice);
        let ignore_case = dice.below(2) == 0;
        let regex = regex::RegexBuilder::new(&pattern).case_insensitive(ignore_case).build();
        let regex = regex.unwrap();
        let expected =
            all.iter().filter(|(_, texts, _)| texts.iter().any(|text| regex.is_match(text)));
        let filter = Filter::default().with_grep_pattern(&pattern, ignore_case).unwrap();
        let expected: BTreeSet<_> = expected.map(|(id, ..)| *id).collect();
        for (format, all_lines) in formats.iter().zip(&all_lines) {
            let lines = lines(&dump, filter.clone(), *format);
            let of_all = all_lines.lines().zip(&all).filter(|(_, (id, ..))| expected.contains(id));
            let of_all: String = of_all.map(|(line, _)| format!("{line}\n")).collect();
            assert_eq!(lines, of_all, "{pattern:?}, seed {seed}, encoding {encoding}");
        }
        assert_eq!(found(&dump, filter), expected, "{pattern:?}, seed {seed}, encoding {encoding}");
        let Some(field) = fields.get(dice.below(1 + fields.len() as u64) as usize) else {
            continue;
        };
        let expected = all.iter().filter(|(.., fields)| fields.contains(field));
        let filter = Filter::default().with_field(field.parse().unwrap());
        let found = found(&dump, filter);
        // Other texts may mean the same value.
        let is_found = |(id, ..): &(_, Vec<String>, Vec<String>)| found.contains(id);
        assert!(expected.into_iter().all(is_found), "{field:?}, seed {seed}, encoding {encoding}");
    }
}

/// The numbers of the records that a search finds in a thorough group of such values.
fn found_in(spec: &str, ty: Type, values: &[Vec<u8>], pattern: &str) -> Vec<u64> {
    let slots = [("", Role::Argument, ty)];
    let site = site(30, Level::Info, "app", Some(&format!("{{0{spec}}}")), &slots);
    let mut dump = DumpBuilder::new();
    dump.call_sites(vec![site.clone()]);
    let mut builder = BlockBuilder::default();
    builder.begin_group(Depth::Thorough);
    builder.begin_part(1, 0, 0);
    for (counter, value) in (100_u64..).zip(values) {
        builder.push(&site, &[&counter.to_le_bytes()[..], value].concat()).unwrap();
    }
    builder.end_part(64 * values.len() as u64);
    let mut payload = Vec::new();
    let header = builder.finish_group(0, &mut payload, |plain, _, out| {
        out.extend_from_slice(plain);
        Codec::None
    });
    dump.put_block(header, &payload);
    let filter = Filter::default().with_grep_pattern(pattern, true).unwrap();
    found(&dump.dump(), filter).into_iter().map(|(_, number)| number).collect()
}

/// The Kelvin sign and the long s take more bytes than the letters that they fold to.
#[test]
fn letters_that_fold_to_ascii_are_found_in_a_pool_of_digits() {
    let values: Vec<_> = (0..100).map(|n| str_bytes(&format!("\u{212a}-{:08}", n * 3))).collect();
    assert_eq!(found_in("", Type::Str, &values, "k-00000030"), [10]);
    assert_eq!(found_in("", Type::Str, &values, "\u{212a}-00000030"), [10]);
    assert!(found_in("", Type::Str, &values, "-00000031").is_empty());
    let values: Vec<_> = (0..100).map(|n| str_bytes(&format!("{n:08x}\u{17f}ec"))).collect();
    assert_eq!(found_in("", Type::Str, &values, "0000001fsec"), [31]);
}

/// The digits of an exponent are neither in the whole part nor after the point.
#[test]
fn exponents_are_found_whatever_the_precision() {
    let value = |n: i32| (1.5 * 10_f64.powi(-n)).to_le_bytes().to_vec();
    let values: Vec<_> = (100..200).map(value).collect();
    for spec in [":.1e", ":.0E", ":.2e", ":e"] {
        assert_eq!(found_in(spec, Type::F64, &values, "-123"), [23], "{spec}");
        assert_eq!(found_in(spec, Type::F64, &values, "123"), [23], "{spec}");
    }
}

proptest! {
    #[test]
    fn a_search_finds_what_the_lines_of_all_records_have(seed in any::<u64>()) {
        check(seed);
    }
}
