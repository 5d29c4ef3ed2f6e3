//! Lines of scalars are what the renderer writes.

use super::*;

pub(super) const EVIL: &str = "a\x1b[31m\n\"b\" \\ größe\u{202e}";

/// Records of all scalars, in rows and as the ring had them.
fn scalars() -> DumpBuilder {
    let (mut builder, records) = scalar_records();
    builder.block(1, &records);
    builder.raw_block(2, &records);
    builder.seal(0);
    builder
}

/// All scalars, each with a value.
fn scalar_values() -> Vec<(Type, Vec<u8>)> {
    vec![
        (Type::Bool, vec![1]),
        (Type::Char, 0x1b_u32.to_le_bytes().to_vec()),
        (Type::U8, vec![200]),
        (Type::U16, vec![0, 200]),
        (Type::U32, vec![1, 2, 3, 200]),
        (Type::U64, vec![255; 8]),
        (Type::I8, vec![200]),
        (Type::I16, vec![0, 200]),
        (Type::I32, vec![1, 2, 3, 200]),
        (Type::I64, vec![254; 8]),
        (Type::F32, 1.5e-7_f32.to_le_bytes().to_vec()),
        (Type::F64, 0.125_f64.to_le_bytes().to_vec()),
        (Type::F64, f64::NAN.to_le_bytes().to_vec()),
        (Type::F64, f64::NEG_INFINITY.to_le_bytes().to_vec()),
        (Type::F64, 1e300_f64.to_le_bytes().to_vec()),
        (Type::Str, str_bytes(EVIL)),
        (Type::Str, str_bytes("")),
        (Type::Str, str_bytes("a b")),
        (Type::Formatted, str_bytes(EVIL)),
        (Type::U128, vec![9; 16]),
        (Type::Option(Box::new(Type::U8)), vec![1, 7]),
    ]
}

/// Call sites of all scalars, with specs, roles and templates of all kinds, and a record of each.
fn scalar_records() -> (DumpBuilder, Vec<Rec>) {
    let mut builder = DumpBuilder::new();
    let templates = [
        Some("{0}"),
        Some("\x1b[1m\"{0}\" \\ größe {0:?}\n"),
        Some("{0:\x1b>12} {0:02} {0:+.3} {0:x?}"),
        Some("{0:.0}{0:.6}{0:.20}{0:#?}"),
        Some("no value"),
        Some(""),
        Some("{ broken"),
        None,
    ];
    let roles = [Role::Argument, Role::Field, Role::DebugField];
    let mut id = 100;
    let mut records = Vec::new();
    for (ty, bytes) in &scalar_values() {
        for template in templates {
            for role in roles {
                let slots = [("va\"lue", role, ty.clone()), ("again", Role::Field, Type::U8)];
                let slots = if id % 2 == 0 { &slots[..1] } else { &slots };
                builder.site(id, Level::ALL[id as usize % 5], "app::\x07", template, slots);
                let values = if id % 2 == 0 { bytes.clone() } else { [bytes, &[5][..]].concat() };
                records.push(Rec(id, u64::from(id) * 333_333, values));
                id += 1;
            }
        }
    }
    let many: Vec<_> = (0..12).map(|_| ("n", Role::Argument, Type::U8)).collect();
    for (id, count) in [(5000, 8), (5001, 9), (5002, 12)] {
        builder.site(id, Level::Info, "many", Some("{7} {0}"), &many[..count]);
        records.push(Rec(id, 9_999_999_999, (0..count as u8).collect()));
    }
    // As long as messages may be, and longer than lines are made for.
    builder.site(5004, Level::Info, "wide", Some("{0:65535}"), &[("n", Role::Argument, Type::U8)]);
    records.push(Rec(5004, 10_000_000_000, vec![7]));
    let wider = Some("{0:65535}{0:65535}{0:65535}{0:65535}{0:65535}{0:65535}{0:65535}{0:65535}");
    builder.site(5005, Level::Info, "wide", wider, &[("n", Role::Argument, Type::U8)]);
    records.push(Rec(5005, 10_000_000_000, vec![7]));
    builder.site(5006, Level::Info, "long", Some("{0}"), &[("text", Role::Argument, Type::Str)]);
    records.push(Rec(5006, 10_000_000_000, str_bytes(&"x\"".repeat(20_000))));
    // Short enough, but printed so often that the message is cut.
    let often = "{0}".repeat(1000);
    builder.site(5007, Level::Info, "often", Some(&often), &[("text", Role::Argument, Type::Str)]);
    records.push(Rec(5007, 10_000_000_000, str_bytes(&"x\"".repeat(4000))));
    let counted = [("x", Role::Argument, Type::F64), ("w", Role::Count, Type::U16)];
    builder.site(5003, Level::Info, "counted", Some("{0:1$.1$}"), &counted);
    records.push(Rec(5003, 10_000_000_000, [&1.5_f64.to_le_bytes()[..], &[9, 0]].concat()));
    (builder, records)
}

#[test]
fn lines_of_scalars_are_what_the_renderer_writes() {
    check(&[scalars().dump()], &Filter::default(), Order::Time);
}

#[test]
fn columns_show_what_rows_show() {
    let dump = |put: fn(&mut DumpBuilder, u32, &[Rec])| {
        let (mut builder, mut records) = scalar_records();
        // The longest ones take long, and are in no other test.
        records.retain(|Rec(id, ..)| *id < 5004);
        // A block has no more kinds of records in columns. Of each there are several, and among them
        // losses; the second ring's come in between.
        for (kinds, at) in records.chunks(100).zip(0..) {
            let mut block = Vec::new();
            for turn in 0..3 {
                for Rec(id, time, values) in kinds {
                    block.push(Rec(*id, time + turn, values.clone()));
                }
                let counts = [turn + 1 + 10 * at; 10].map(u64::to_le_bytes);
                block.push(Rec(CallSite::LOSS_ID, at * 100, counts.concat()));
            }
            put(&mut builder, at as u32 % 2 + 1, &block);
        }
        builder.seal(0);
        [builder.dump()]
    };
    let (rows, columns) = (dump(DumpBuilder::block), dump(DumpBuilder::column_block));
    let options = RenderOptions::default();
    for filter in filters().into_iter().chain([Filter::default().with_target("many")]) {
        for order in [Order::Time, Order::File] {
            for format in [Format::Short, Format::Json, Format::Logfmt] {
                let expected = one_by_one(&rows, &filter, order, format, &options);
                for threads in [1, 2] {
                    let found = rendered(&columns, &filter, order, format, &options, threads);
                    assert!(found.0 == expected.0, "{format}, {order:?}, {threads} threads");
                    assert_eq!(format!("{:?}", found.1), format!("{:?}", expected.1));
                }
            }
        }
    }
}
