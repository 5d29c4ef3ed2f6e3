use super::*;
use crate::Dump;
use crate::testing::{DumpBuilder, Open, Rec, loss, messages, n, str_bytes};
use stenolog_format::dictionary::Role;
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind};
use stenolog_format::types::{Fields, Shape, Type};

#[test]
fn levels() {
    let warn = Levels::at_least(Level::Warn);
    assert!(warn.contains(Level::Error) && warn.contains(Level::Warn));
    assert!(!warn.contains(Level::Info));
    assert_eq!(Levels::at_least(Level::Trace), Levels::ALL);
    assert_eq!(Levels::only(&[Level::Error, Level::Warn]), warn);
}

#[test]
fn targets() {
    #[track_caller]
    fn check(pattern: &str, target: &str, expected: bool) {
        assert_eq!(TargetPattern::new(pattern).matches(target), expected);
    }
    check("net", "net", true);
    check("net", "net::tcp", true);
    check("net", "network", false);
    check("net::tcp", "net", false);
    check("net*", "network", true);
    check("*::tcp", "app::net::tcp", true);
    check("n?t", "net", true);
    check("n?t", "neet", false);
    check("a.c*", "abc", false);
}

#[test]
fn conditions_on_values() {
    let order = Type::Struct(Fields {
        name: "Order".into(),
        shape: Shape::Struct,
        fields: vec![("id".into(), Type::U64), ("side".into(), Type::Option(Box::new(Type::Str)))],
    });
    let mut builder = DumpBuilder::new();
    let slots = [
        ("order", Role::Field, order),
        ("user.id", Role::Field, Type::I8),
        ("ratio", Role::Field, Type::F32),
        ("at", Role::Field, Type::Duration),
    ];
    builder.site(30, Level::Info, "app", Some("order"), &slots);
    let mut values = 77_u64.to_le_bytes().to_vec();
    values.push(1);
    values.extend(str_bytes("buy"));
    values.extend((-3_i8).to_le_bytes());
    values.extend(0.1_f32.to_le_bytes());
    values.extend(2_u64.to_le_bytes());
    values.extend(500_000_000_u32.to_le_bytes());
    builder.raw_block(1, &[Rec(30, 10, values)]);
    let dumps = [builder.dump()];
    let check = |condition: &str, expected: bool| {
        let filter = Filter::default().with_field(condition.parse().unwrap());
        let (text, summary) = messages(&dumps, filter);
        assert_eq!(!text.is_empty(), expected, "{condition}: {:?}", summary.damage);
    };
    check("order.id=77", true);
    check("order.id=77.0", true);
    check("order.id=78", false);
    check("order.side=buy", true);
    check("order.side=sell", false);
    check("order.none=1", false);
    check("user.id=-3", true);
    check("user=-3", false);
    check("ratio=0.1", true);
    check("ratio=1e-1", true);
    check("at=2.5s", true);
    check("at=2.5", true);
    check("at=2.50", true);
    check("at=2500ms", true);
    check("at=2500.5ms", false);
    check("at=2s", false);
    check("order.side=Some(\"buy\")", true);
    check("order.side=\"buy\"", true);
    check("order=Order { id: 77, side: Some(\"buy\") }", true);
    check(r#"order={"id":77,"side":"buy"}"#, true);
    check("order=77", false);
    check("fields.user.id=-3", true);
    check("nothing=1", false);
    assert!("=1".parse::<FieldMatch>().is_err());
    assert!("name".parse::<FieldMatch>().is_err());
    assert_eq!("a=b=c".parse(), Ok(FieldMatch::new("a", "b=c")));
}

#[test]
fn blocks_without_wanted_records_are_not_even_read() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    builder.block(1, &[Rec(17, 20, str_bytes("ann"))]);
    let dumps = [builder.dump()];
    let (_, summary) =
        messages(&dumps, Filter::default().with_levels(Levels::at_least(Level::Warn)));
    assert_eq!((summary.records, summary.shown, summary.missing), (1, 1, 0));
    let (_, summary) = messages(&dumps, Filter::default().with_until(crate::testing::START + 15));
    assert_eq!((summary.records, summary.shown), (1, 1));
    let (_, summary) = messages(&dumps, Filter::default().with_thread("other"));
    assert_eq!((summary.records, summary.shown), (0, 0));
}

/// Where the payload of the n-th frame of a kind begins.
fn payload_of(bytes: &[u8], kind: FrameKind, n: usize) -> usize {
    let mut at = FileHeader::BYTES;
    let mut left = n;
    loop {
        let header = FrameHeader::decode(&bytes[at..]).unwrap();
        if header.kind == kind as u8 {
            if left == 0 {
                return at + FrameHeader::BYTES;
            }
            left -= 1;
        }
        at += header.frame_bytes() as usize;
    }
}

/// Which of two blocks a search reads: one that has records of both call sites and the name `ann`
/// among others, and one of call site 17 with `bob` alone. A block whose checksum is wrong is
/// noticed if it is read.
#[track_caller]
fn check_read(filter: &Filter, expected: [bool; 2]) {
    let named = |counter, name| Rec(17, counter, str_bytes(name));
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), named(20, "annabel"), named(30, "it was \u{212a}elvin")]);
    builder.summary();
    builder.block(1, &[named(40, "bob"), named(50, "roberta")]);
    builder.summary();
    builder.seal(0);
    let (_, summary) = messages(&[builder.dump()], filter.clone());
    assert!(summary.is_complete());
    for (block, expected) in expected.into_iter().enumerate() {
        let mut bytes = builder.bytes().to_vec();
        let at = payload_of(&bytes, FrameKind::Block, block) + BlockHeader::BYTES;
        bytes[at] ^= 1;
        let (_, summary) = messages(&[Dump::from_bytes("test", bytes).unwrap()], filter.clone());
        assert_eq!(!summary.damage.is_empty(), expected, "block {block}");
    }
}

#[test]
fn blocks_are_passed_over_by_their_summaries() {
    let grep = |pattern| Filter::default().with_grep_pattern(pattern, true).unwrap();
    check_read(&Filter::default(), [true, true]);
    check_read(&Filter::default().with_target("nothing"), [false, false]);
    check_read(&Filter::default().with_levels(Levels::only(&[Level::Info])), [true, false]);
    check_read(&Filter::default().with_target("app::net"), [true, true]);
    // The template of call site 16 has it, and a name may have it.
    check_read(&grep("^n [0-9]"), [true, true]);
    check_read(&grep("^n [0-9]").with_levels(Levels::only(&[Level::Info])), [true, false]);
    check_read(&grep("annabel"), [true, false]);
    check_read(&grep("ROBERTA|nobody"), [false, true]);
    check_read(&grep("name=robert"), [false, true]);
    check_read(&grep("wombat"), [false, false]);
    // Too short to be in a filter.
    check_read(&grep("ob"), [true, true]);
    // The first block says that a letter may be written otherwise.
    check_read(&grep("kelvin"), [true, false]);
    check_read(&grep("annabel").with_inverted_grep(true), [true, true]);
    check_read(&Filter::default().with_grep(Regex::new("quokka").unwrap()), [true, true]);
    check_read(&grep("annabel").with_field("name=roberta".parse().unwrap()), [false, false]);
    check_read(&Filter::default().with_field("name=roberta".parse().unwrap()), [false, true]);
    check_read(&Filter::default().with_field("name=bob".parse().unwrap()), [true, true]);
    check_read(&Filter::default().with_field("n=7".parse().unwrap()), [true, false]);
    check_read(&Filter::default().with_field("n=7000000".parse().unwrap()), [true, false]);
}

#[test]
fn summaries_that_are_damaged_or_of_another_block_say_nothing() {
    let filter = || Filter::default().with_grep_pattern("annabel", true).unwrap();
    let named = |counter, name| Rec(17, counter, str_bytes(name));
    let mut builder = DumpBuilder::new();
    builder.block(1, &[named(10, "bob")]);
    builder.summary();
    builder.block(1, &[named(20, "annabel")]);
    builder.summary();
    let (text, summary) = messages(&[builder.dump()], filter());
    assert_eq!((text.as_str(), summary.records), ("1: text\n", 1));

    let summary = payload_of(builder.bytes(), FrameKind::Summary, 1);
    let length = FrameHeader::decode(&builder.bytes()[summary - FrameHeader::BYTES..]).unwrap();
    for at in summary..summary + length.payload_bytes as usize {
        let mut bytes = builder.bytes().to_vec();
        bytes[at] ^= 0x10;
        let (text, found) = messages(&[Dump::from_bytes("test", bytes).unwrap()], filter());
        assert_eq!((text.as_str(), found.missing), ("1: text\n", 0));
    }
    // The same bytes, checksum and all, in the other one's place.
    let mut bytes = builder.bytes().to_vec();
    let first = payload_of(&bytes, FrameKind::Summary, 0);
    let payload = bytes[first..summary].to_vec();
    let end = summary + length.payload_bytes as usize;
    let first = payload[..length.payload_bytes as usize].to_vec();
    bytes[summary..end].copy_from_slice(&first);
    let crc = crc32fast::hash(&first);
    let header = FrameHeader { payload_crc: crc, ..length };
    bytes[summary - FrameHeader::BYTES..summary].copy_from_slice(&header.encode());
    let (text, _) = messages(&[Dump::from_bytes("test", bytes).unwrap()], filter());
    assert_eq!(text, "1: text\n");
}

#[test]
fn a_block_with_losses_or_strangers_is_read_whatever_its_summary_says() {
    let filter = || Filter::default().with_target("nothing");
    let mut builder = DumpBuilder::new();
    let statement = loss(20, [0, 0, 3, 2, 0]).encode()[8..].to_vec();
    builder.block(1, &[n(10, 1), Rec(1, 20, statement)]);
    builder.summary();
    builder.site(99, Level::Info, "app", None, &[]);
    builder.block(1, &[Rec(99, 30, vec![])]);
    builder.summary();
    let (text, summary) = messages(&[builder.dump()], filter());
    assert_eq!((text.as_str(), summary.lost), ("", 5));
    let (text, _) = messages(&[builder.dump()], Filter::default().with_target("stenolog"));
    assert_eq!(text, "1: 5 records lost: ring full (3 INFO, 2 DEBUG)\n");
    let mut bytes = builder.bytes().to_vec();
    let dictionary = payload_of(&bytes, FrameKind::Dictionary, 3);
    bytes[dictionary] ^= 1;
    let (_, summary) = messages(&[Dump::from_bytes("test", bytes).unwrap()], filter());
    assert_eq!(summary.by_cause[&crate::LossKind::UnknownCallSite], 1);
}

/// Whether a value of a type is found by the text after `v=` in any format.
#[track_caller]
fn check_shown(ty: Type, values: &[u8], role: Role, forms: &[&str], others: &[&str]) {
    let mut builder = DumpBuilder::new();
    builder.site(30, Level::Info, "app", Some("shown"), &[("v", role, ty)]);
    builder.block(1, &[Rec(30, 10, values.to_vec())]);
    builder.summary();
    let dumps = [builder.dump()];
    let has = |form: &str| {
        let (text, _) = messages(&dumps, Filter::default().with_field(FieldMatch::new("v", form)));
        !text.is_empty()
    };
    for form in forms {
        assert!(has(form), "{form}");
    }
    for other in others {
        assert!(!has(other), "{other}");
    }
}

#[test]
fn values_are_found_as_any_format_shows_them() {
    let option = |ty: Type| Type::Option(ty.into());
    let some = |bytes: &[u8]| [&[1], bytes].concat();
    let five = 5_u64.to_le_bytes();
    let check = |ty: Type, values: &[u8], forms: &[&str], others: &[&str]| {
        for role in [Role::Field, Role::DebugField] {
            check_shown(ty.clone(), values, role, forms, others);
        }
    };
    check(option(Type::U64), &some(&five), &["5", "Some(5)", "5.0"], &["Some(6)", "None", "null"]);
    check(
        option(option(Type::U64)),
        &some(&some(&five)),
        &["5", "Some(Some(5))"],
        &["Some(Some(6))"],
    );
    check(option(Type::U64), &[0], &["None", "null"], &["0", "Some(0)"]);
    check(
        option(Type::Str),
        &some(&str_bytes("a long word")),
        &["a long word", "Some(\"a long word\")", "\"a long word\"", r#""Some(\"a long word\")""#],
        &["Some(a long word)", "a long"],
    );
    check(option(Type::Str), &[0], &["None", "null"], &[""]);
    let strange = str_bytes("bell\u{7} \"quoted\"\ttab \u{1f980}\u{202e}\\");
    let forms = [
        "bell\u{7} \"quoted\"\ttab \u{1f980}\u{202e}\\",
        r#""bell\u{7} \"quoted\"\ttab 🦀\u{202e}\\""#,
        r#""bell\u0007 \"quoted\"\ttab 🦀\u202e\\""#,
        r#""bell\u0007 \"quoted\"\ttab \ud83e\udd80\u202e\\""#,
    ];
    check(Type::Str, &strange, &forms, &["bell"]);
    check(Type::U128, &5_u128.to_le_bytes(), &["5", "\"5\""], &["6"]);
    check(Type::F64, &f64::NAN.to_le_bytes(), &["NaN", "nan"], &["0"]);
    check(Type::F64, &f64::INFINITY.to_le_bytes(), &["inf"], &["-inf", "NaN"]);
    check(Type::Unit, &[], &["()", "null"], &[""]);
    check(Type::Bool, &[1], &["true"], &["false", "1"]);
    check(Type::Char, &u32::from('x').to_le_bytes(), &["x", "'x'", "\"x\""], &["y"]);
    check(
        Type::Tuple(vec![Type::Bool, Type::Unit]),
        &[1],
        &["(true, ())", "[true,null]"],
        &["true"],
    );
    let at = [&1_780_000_000_i64.to_le_bytes()[..], &500_000_000_u32.to_le_bytes()].concat();
    let forms = ["2026-05-28T20:26:40.500000000Z", "2026-05-28T22:26:40.5+02:00"];
    check(Type::SystemTime, &at, &forms, &["2026-05-28T20:26:40Z"]);
    let newtype =
        Fields { name: "Id".into(), shape: Shape::Tuple, fields: vec![(String::new(), Type::U64)] };
    check(Type::Struct(newtype), &five, &["5", "Id(5)"], &["Id(6)", "6"]);
    let newtype = Fields {
        name: "Name".into(),
        shape: Shape::Tuple,
        fields: vec![(String::new(), Type::Str)],
    };
    check(
        Type::Struct(newtype),
        &str_bytes("a long word"),
        &["a long word", "Name(\"a long word\")", r#""Name(\"a long word\")""#],
        &["Name(\"a long\")", r#""Name(\"a long\")""#],
    );
    let error = [str_bytes("on fire"), 1_u32.to_le_bytes().to_vec(), str_bytes("disk")].concat();
    check(
        stenolog_format::types::error_type(),
        &error,
        &["on fire", r#"{"message":"on fire","sources":["disk"]}"#],
        &[r#"{"message":"on fire","sources":[]}"#, "disk"],
    );
}

#[test]
fn names_are_found_as_any_format_shows_them() {
    let order = Type::Enum(stenolog_format::types::EnumType {
        name: "Side".into(),
        variants: vec![Fields {
            name: "Limit".into(),
            shape: Shape::Struct,
            fields: vec![("px".into(), Type::U8)],
        }],
    });
    let pair = Type::Tuple(vec![Type::U8, Type::U8]);
    let slots = [
        ("who", Role::Field, Type::U8),
        ("who", Role::Field, Type::U8),
        ("level", Role::Field, Type::U8),
        ("side", Role::Field, order),
        ("pair", Role::Field, pair),
        ("user id", Role::Field, Type::U8),
    ];
    let mut builder = DumpBuilder::new();
    builder.site(30, Level::Info, "app", None, &slots);
    builder.raw_block(1, &[Rec(30, 10, vec![1, 2, 3, 0, 0, 4, 5, 6, 7])]);
    let dumps = [builder.dump()];
    let check = |condition: &str, expected: bool| {
        let filter = Filter::default().with_field(condition.parse().unwrap());
        let (_, summary) = messages(&dumps, filter);
        assert!(summary.damage.is_empty(), "{:?}", summary.damage);
        assert_eq!(summary.shown == 1, expected, "{condition}");
    };
    check("who=1", true);
    check("who=2", true);
    check("who_2=2", true);
    check("who_2=1", false);
    check("level=3", true);
    check("fields.level=3", true);
    check("fields.level=4", false);
    check("side.px=4", true);
    check("side.Limit.px=4", true);
    check("side.Stop.px=4", false);
    check("pair.1=6", true);
    check("pair.2=6", false);
    check("user id=7", true);
    check("user_id=7", true);
    check("user_id=6", false);
}

/// Which of `slots` and `values` after a message are found.
#[track_caller]
fn check_grep(template: Option<&str>, slot: (&str, Role, &str), pattern: &str, expected: bool) {
    let (name, role, value) = slot;
    let mut builder = DumpBuilder::new();
    builder.site(
        30,
        Level::Info,
        "app",
        template,
        &[(name, role, Type::Str), ("c", Role::Field, Type::U8)],
    );
    builder.block(1, &[Rec(30, 10, [str_bytes(value), vec![2]].concat())]);
    builder.summary();
    let dumps = [builder.dump()];
    for filter in [
        Filter::default().with_grep_pattern(pattern, false).unwrap(),
        Filter::default().with_grep(Regex::new(pattern).unwrap()),
    ] {
        let (_, summary) = messages(&dumps, filter.clone());
        assert_eq!(summary.shown == 1, expected, "{pattern}");
        let (_, summary) = messages(&dumps, filter.with_inverted_grep(true));
        assert_eq!(summary.shown == 0, expected, "{pattern}");
    }
}

#[test]
fn what_is_shown_and_what_was_written_are_found() {
    let (field, debug) = (Role::Field, Role::DebugField);
    // A blank at the end of the message, and the one before fields.
    check_grep(Some("sent: "), ("b", field, "x"), "^sent:  b=x c=2$", true);
    check_grep(Some("sent: "), ("b", field, "x"), "^sent: b=x", false);
    check_grep(Some("sent: "), ("b", field, "x"), "^sent: $", true);
    check_grep(None, ("b", debug, "x "), "^b=\"x \" c=2$", true);
    check_grep(None, ("b", debug, "x "), "^x $", true);
    check_grep(Some("{0}"), ("b", Role::Argument, ""), "^c=2$", true);
    // Quotes, tabs and line feeds, as they are shown and as they were written.
    for (value, shown) in [("a\tb", r"a\\tb"), ("a\nb", r"a\\nb"), ("a\u{7}b", r"a\\u\{7\}b")] {
        for role in [field, debug] {
            for template in [None, Some("m")] {
                check_grep(template, ("b", role, value), shown, true);
                check_grep(template, ("b", role, value), value, true);
                check_grep(template, ("b", role, value), &format!("^{value}$"), true);
                check_grep(template, ("b", role, value), "a b", false);
            }
        }
        check_grep(
            Some("it {0} is"),
            ("b", Role::Argument, value),
            &format!("it {value} is"),
            true,
        );
        check_grep(
            Some("it {0} is"),
            ("b", Role::Argument, value),
            &format!("it {shown} is c=2"),
            true,
        );
    }
    check_grep(Some("m"), ("b", field, "say \"hi\" x"), "say \"hi\"", true);
    check_grep(Some("m"), ("b", field, "say \"hi\" x"), r#"say \\"hi\\""#, true);
    check_grep(Some("tab\tin\ntext"), ("b", field, "x"), "tab\tin\ntext", true);
    check_grep(Some("tab\tin\ntext"), ("b", field, "x"), r"tab\\tin\\ntext b=x", true);
}
