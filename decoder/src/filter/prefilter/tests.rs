mod groups;

use proptest::prelude::*;
use stenolog_format::dictionary::Level;
use stenolog_format::dictionary::Role;
use stenolog_format::summary::IntegerRange;
use stenolog_format::types::Type;
use stenolog_format::value::Value;

use super::required::{Condition, Wanted};
use super::*;
use crate::Filter;
use crate::testing::{DumpBuilder, Open, Rec, str_bytes};

#[track_caller]
fn literals(pattern: &str, expected: &[&str]) {
    let prefilter = Prefilter::new(pattern, true);
    let found = prefilter.map_or_else(Vec::new, |prefilter| prefilter.literals);
    let found: Vec<_> = found.iter().map(|text| String::from_utf8_lossy(text)).collect();
    assert_eq!(found, expected, "{pattern}");
}

#[test]
fn literals_of_patterns() {
    literals("Timeout", &["timeout"]);
    literals("write .* failed", &[" failed"]);
    literals("a.*(connection|session) lost", &["connection lost", "session lost"]);
    literals(
        "(disk|net)(full|down)?",
        &["diskfull", "diskdown", "disk", "netfull", "netdown", "net"],
    );
    literals("x[0-9]+ms", &["ms"]);
    literals("(abc){2,}", &["abc"]);
    literals("[kK\u{212a}]elvin", &["kelvin"]);
    literals("größe", &["grÖße", "grÖẞe", "größe", "gröẞe"]);
    literals("[0-9]{20}", &[]);
    literals("a|.", &[]);
    literals("(abc)*", &[]);
    literals("^$", &[]);
}

/// What a call site with this template and slots needs to match `pattern`.
fn required(pattern: &str, template: &str, slots: &[(&str, Role, Type)]) -> RequiredLiteral {
    let mut builder = DumpBuilder::bare(1, 0);
    builder.site(30, Level::Info, "app", Some(template), slots);
    let dump = builder.dump();
    let site = dump.site(30).unwrap();
    let mut budget = Budget::default();
    let lines = LineAutomaton::new(site.call_site(), site.has_readable_template(), &mut budget);
    Prefilter::new(pattern, true).unwrap().required(&lines, &mut budget)
}

/// By hours, if it were looked at.
#[test]
fn a_call_site_that_is_too_large_may_print_anything() {
    let often = "{0}".repeat(100_000);
    for ty in [Type::Str, Type::U32] {
        let slots = [("a", Role::Argument, ty)];
        assert_eq!(required("zanzibar", &often, &slots), RequiredLiteral::Unknown);
    }
}

/// The conditions, one of which must be met: the slot, what it prints, and `^` and `$` where that begins or
/// ends.
fn conditions(of: &RequiredLiteral) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match of {
        RequiredLiteral::Never => vec!["never".into()],
        RequiredLiteral::Unknown => vec!["unknown".into()],
        RequiredLiteral::OneOf(all) => all
            .iter()
            .map(|Condition { slot, wanted }| match wanted {
                Wanted::Text(piece) => format!("{slot} has {}", text(piece)),
                Wanted::Escaped { in_digits: false } => format!("{slot} has an escape"),
                Wanted::Escaped { in_digits: true } => format!("{slot} has a long escape"),
                Wanted::Shown { piece, starts, ends, .. } => {
                    let (start, end) =
                        (if *starts { "^" } else { "" }, if *ends { "$" } else { "" });
                    format!("{slot} shows {start}{}{end}", text(piece))
                }
                Wanted::Integer(of, _) => format!("{slot} is {of}"),
            })
            .collect(),
    }
}

#[test]
fn needs_of_call_sites() {
    #[track_caller]
    fn check(pattern: &str, template: &str, ty: &Type, expected: &[&str]) {
        let of = required(pattern, template, &[("a", Role::Argument, ty.clone())]);
        assert_eq!(conditions(&of), expected, "{pattern} in {template}");
    }
    #[track_caller]
    fn field(pattern: &str, ty: &Type, expected: &[&str]) {
        let of = required(pattern, "sent", &[("peer", Role::Field, ty.clone())]);
        assert_eq!(conditions(&of), expected, "{pattern} in sent peer={{}}");
    }
    let option = Type::Option(Type::Str.into());

    // In the template, or nowhere.
    check("speeds", "Backup Speeds: {0}", &Type::U32, &["unknown"]);
    check("zanzibar", "Backup Speeds: {0}", &Type::U32, &["never"]);
    // Numbers print digits, and what is next to them.
    check("took 12", "took {0} ms", &Type::U32, &["0 shows ^12"]);
    check("took 12 ms", "took {0} ms", &Type::U32, &["0 shows ^12$"]);
    check("2 ms", "took {0} ms", &Type::U32, &["0 shows 2$"]);
    check("took -1", "took {0} ms", &Type::U32, &["never"]);
    check("took -1", "took {0} ms", &Type::I32, &["0 shows ^-1"]);
    check("took", "took {0} ms", &Type::I32, &["unknown"]);
    check("cafe", "{0}", &Type::U32, &["never"]);
    check("cafe", "{0:x}", &Type::U32, &["0 shows cafe"]);
    check("12345678", "{0}", &Type::U32, &["0 shows 12345678"]);
    check("123456789012", "{0}", &Type::U32, &["never"]);
    check("123456789012", "{0}", &Type::U64, &["0 shows 123456789012"]);
    check("123456789012", "{0}", &Type::Ipv4, &["never"]);
    check("9f86d081", "{0}", &Type::Ip, &["never"]);
    check("10:9f86", "{0}", &Type::Ip, &["0 shows 10:9f86"]);
    check("10.1.2.3", "{0}", &Type::Ipv4, &["0 shows 10"]);
    check(r"10\.1\.2", "{0}", &Type::Ipv4, &["0 shows 10.1.2"]);
    check("12345678", "{0}", &Type::F64, &["0 shows 12345678"]);
    check("9f86d081", "{0:?}", &Type::F64, &["never"]);
    check("1234", "{0:?}", &Type::Duration, &["0 shows 1234"]);
    check("1234", "{0}", &Type::Char, &["0 has a long escape", "0 shows 1234"]);
    check("1234567", "{0}", &Type::Char, &["never"]);
    check("true", "is {0}", &Type::Bool, &["0 shows true"]);
    check("truth", "is {0}", &Type::Bool, &["never"]);
    // In a string.
    check("zanzibar", "to {0}", &Type::Str, &["0 has zanzibar"]);
    check("to zanzibar", "to {0}", &Type::Str, &["0 has zanzibar"]);
    check("host done", "{0} done", &Type::Str, &["0 has host"]);
    check("t done", "{0} done", &Type::Str, &["0 has done", "0 has t", "0 has an escape"]);
    check("9f86d081884c7d65", "{0}", &Type::Str, &["0 has 9f86d081884c7d65"]);
    check("20481234", "{0}", &Type::Str, &["0 has 20481234"]);
    check("503", "{0}", &Type::Str, &["0 has 503", "0 has a long escape"]);
    // `\n` is shown for a line feed, and `\u{1b}` for others.
    check("nothing", "to {0}", &Type::Str, &["0 has othing"]);
    check("ab}cdef", "to {0}", &Type::Str, &["0 has cdef"]);
    field("peer=zanzibar", &Type::Str, &["0 has zanzibar"]);
    field("sent peer", &Type::Str, &["unknown"]);
    field("zanzibar", &option, &["0 has zanzibar"]);
    field("some.*zanzibar", &option, &["0 has zanzibar"]);
    field("zanzibar", &Type::Option(Type::U32.into()), &["never"]);
    field("20481234", &Type::U16, &["never"]);
    field("20481234", &Type::U64, &["0 shows 20481234"]);
    field("peer=503", &Type::U16, &["0 shows ^503"]);
}

/// A summary may state any range, and the smallest integer has no opposite.
#[test]
fn the_smallest_integer_is_compared_with_a_range() {
    let slots = [("a", Role::Argument, Type::I128)];
    let of = required(&format!("is {} left", i128::MIN), "is {0} left", &slots);
    assert_eq!(conditions(&of), [format!("0 shows ^{}$", i128::MIN)]);
    let range = IntegerRange { least: 0, most: 5 };
    assert!(of.conditions().iter().all(|condition| !condition.wanted.may_be_in(range)));
}

#[test]
fn needs_of_values() {
    #[track_caller]
    fn check(text: &str, ty: &Type, expected: &str, in_rows: Option<[&[u8]; 2]>) {
        let of = RequiredLiteral::of_value(text, text.parse().ok(), [(3, ty)].into_iter());
        assert_eq!(conditions(&of), [expected], "{text}");
        let pieces = of.in_rows().unwrap_or_default();
        let expected = in_rows.map_or_else(Vec::new, |of| of.map(<[u8]>::to_vec).to_vec());
        assert_eq!(pieces, if of.is_text() { pieces.clone() } else { expected }, "{text}");
    }
    let option = Type::Option(Type::Str.into());
    check("Zanzibar", &Type::Str, "3 has zanzibar", None);
    check("Zanzibar", &option, "3 has zanzibar", None);
    check("None", &option, "unknown", None);
    check("abc", &Type::Str, "3 has abc", None);
    check("503", &Type::U16, "3 is 503", Some([&[0xf7, 1], &[0xf7, 3]]));
    check("-500", &Type::I32, "3 is -500", Some([&[0xe7, 7], &[0x0c, 0xfe, 0xff, 0xff]]));
    check("5", &Type::U64, "3 is 5", None);
    check("503", &Type::U8, "unknown", None);
    check("-1", &Type::U64, "never", None);
    check("70000", &Type::I16, "never", None);
}

#[test]
fn searches_ignore_case() {
    let search = search([b"kiosk-\xc3\xa9".to_vec(), b"never".to_vec()].iter()).unwrap();
    for text in ["kiosk-é", "KIOSK-é", "\u{212a}io\u{17f}\u{212a}-é"] {
        assert!(search.is_match(text.as_bytes()), "{text}");
    }
    assert!(!search.is_match("kiosk-É".as_bytes()));
}

/// Types, each with values of it in raw layout.
fn typed() -> impl Strategy<Value = (Type, Vec<u8>)> {
    let text = prop_oneof![
        3 => "[a-cK\u{212a} ]{0,12}",
        1 => "[a-c\"'\\\\\n\t=\u{1b}\u{301}é\u{17f}]{0,8}",
        1 => "nothing|timeout|ab=cab|Some|\\\\x|u\\{1b\\}",
    ];
    let str = text.prop_map(|text| str_bytes(&text)).boxed();
    let leaf = prop_oneof![
        4 => str.clone().prop_map(|bytes| (Type::Str, bytes)),
        1 => str.clone().prop_map(|bytes| (Type::Formatted, bytes)),
        1 => any::<u32>().prop_map(|n| (Type::U32, n.to_le_bytes().to_vec())),
        1 => any::<i64>().prop_map(|n| (Type::I64, n.to_le_bytes().to_vec())),
        1 => any::<f64>().prop_map(|n| (Type::F64, n.to_le_bytes().to_vec())),
        1 => (-9_i8..9).prop_map(|n| (Type::F32, f32::from(n).to_le_bytes().to_vec())),
        1 => any::<bool>().prop_map(|b| (Type::Bool, vec![u8::from(b)])),
        1 => prop_oneof![any::<char>(), Just('\n'), Just('a')]
            .prop_map(|c| (Type::Char, u32::from(c).to_le_bytes().to_vec())),
        1 => Just((Type::Unit, vec![])),
        1 => (0_u64..5, 0_u32..1_000_000_000).prop_map(|(seconds, nanos)| {
            (Type::Duration, [&seconds.to_le_bytes()[..], &nanos.to_le_bytes()].concat())
        }),
        1 => (0_i64..5, 0_u32..1_000_000_000).prop_map(|(seconds, nanos)| {
            (Type::SystemTime, [&seconds.to_le_bytes()[..], &nanos.to_le_bytes()].concat())
        }),
        1 => any::<[u8; 16]>().prop_map(|bytes| (Type::Ipv6, bytes.to_vec())),
        1 => any::<[u8; 6]>().prop_map(|bytes| (Type::SocketV4, bytes.to_vec())),
    ];
    let pair = |(a, mut left): (Type, Vec<u8>), (b, right): (Type, Vec<u8>)| {
        left.extend(right);
        (Type::Tuple(vec![a, b]), left)
    };
    let options =
        leaf.clone().prop_map(|(ty, bytes)| (Type::Option(ty.into()), [&[1], &bytes[..]].concat()));
    let structs = (leaf.clone(), leaf.clone()).prop_map(|((a, mut left), (b, right))| {
        left.extend(right);
        let fields = vec![("ab".to_owned(), a), ("count".to_owned(), b)];
        let shape = stenolog_format::types::Shape::Struct;
        let name = "Cab".to_owned();
        (Type::Struct(stenolog_format::types::Fields { name, shape, fields }), left)
    });
    let lists = prop::collection::vec(str, 0..3).prop_map(|texts| {
        let count = (texts.len() as u32).to_le_bytes();
        (Type::Slice(Type::Str.into()), [&count[..], &texts.concat()].concat())
    });
    prop_oneof![
        6 => leaf.clone(),
        1 => options,
        1 => (leaf.clone(), leaf).prop_map(move |(a, b)| pair(a, b)),
        1 => structs,
        1 => lists,
    ]
}

fn spec() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "", "", "", "", ":?", ":?", ":#?", ":>9", ":a^12", ":\n<5", ":.2", ":x", ":#X", ":#x?",
        ":+", ":07", ":e", ":b", ":012.3", ":>6?",
    ])
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "a",
        " ab ",
        "=",
        "K",
        "not",
        "é",
        "\n",
        "\"",
        "u{{1b}}",
        ": timeout in ",
        "Cab { ab: ",
    ])
}

fn strings(value: &Value<'_>, texts: &mut Vec<String>) {
    match value {
        Value::Str(text) | Value::Formatted(text) => texts.push((*text).to_owned()),
        Value::Char(char) => texts.push(char.to_string()),
        Value::Some(of) => strings(of, texts),
        Value::List(of) | Value::Tuple(of) => of.iter().for_each(|of| strings(of, texts)),
        Value::Struct(of) => of.fields.iter().for_each(|(_, of)| strings(of, texts)),
        _ => {}
    }
}

/// What is shown of a record, and what was written: the message, and the fields' values.
fn all_texts(record: &crate::Record<'_>) -> Vec<String> {
    use crate::render::{Format, RenderOptions, Renderer};
    let mut line = String::new();
    let entry = crate::Entry::Record(record.clone());
    Renderer::new(Format::Short, RenderOptions::default()).write(&entry, &mut line);
    let shown = line.split_once(" app: ").unwrap().1.strip_suffix('\n').unwrap();
    let mut message = String::new();
    record.write_message(&mut message);
    let mut texts = vec![shown.to_owned(), message];
    for (slot, value) in record.call_site().slots.iter().zip(record.values()) {
        if slot.role == Role::Argument {
            continue;
        }
        let mut text = String::new();
        if slot.role == Role::DebugField {
            crate::text::write_debug(&mut text, value);
        } else {
            crate::text::write_display(&mut text, value);
        }
        texts.push(text);
        strings(value, &mut texts);
    }
    texts
}

proptest! {
    /// Whatever a line has within, looking for that finds the record: at the call site, in the
    /// summary of its block, and in its bytes.
    #[test]
    fn no_line_is_passed_over(
        parts in prop::collection::vec((piece(), typed(), spec()), 0..3),
        end in piece(),
        fields in prop::collection::vec((typed(), any::<bool>()), 0..3),
        (from, length) in (0_usize..200, 1_usize..14),
        (capitals, is_raw) in (any::<bool>(), any::<bool>()),
        which in any::<prop::sample::Index>(),
    ) {
        let mut template = String::new();
        let (mut slots, mut values) = (Vec::new(), Vec::new());
        for (index, (text, (ty, bytes), spec)) in parts.into_iter().enumerate() {
            template.push_str(&format!("{text}{{{index}{spec}}}"));
            slots.push(("", Role::Argument, ty));
            values.extend(bytes);
        }
        template.push_str(end);
        for ((ty, bytes), debug) in fields {
            let role = if debug { Role::DebugField } else { Role::Field };
            slots.push(("ab", role, ty));
            values.extend(bytes);
        }
        let mut builder = DumpBuilder::new();
        builder.site(30, Level::Info, "app", Some(&template), &slots);
        let others: Vec<_> = (0..3).map(|n| Rec(17, n, str_bytes("other"))).collect();
        let record = Rec(30, 9, values);
        let records = [others, vec![record]].concat();
        if is_raw { builder.raw_block(1, &records) } else { builder.block(1, &records) }
        builder.summary();
        let dumps = [builder.dump()];

        let mut texts = Vec::new();
        let mut decoder = crate::Decoder::new(&dumps);
        let _ = decoder.for_each(|entry| {
            if let crate::Entry::Record(record) = entry && record.call_site().id == 30 {
                texts = all_texts(record);
            }
            std::ops::ControlFlow::Continue(())
        });
        let line = texts.swap_remove(which.index(texts.len()));
        prop_assume!(!line.is_empty());
        let chars: Vec<char> = line.chars().collect();
        let from = from % chars.len();
        let needle: String = chars[from..(from + length).min(chars.len())].iter().collect();
        let needle = if capitals { needle.to_ascii_uppercase() } else { needle };
        let filter = Filter::default().with_grep_pattern(&regex::escape(&needle), true).unwrap();
        let mut shown = 0;
        let mut decoder = crate::Decoder::new(&dumps).with_filter(filter);
        let _ = decoder.for_each(|entry| {
            if let crate::Entry::Record(record) = entry {
                shown += u32::from(record.call_site().id == 30);
            }
            std::ops::ControlFlow::Continue(())
        });
        prop_assert_eq!(shown, 1, "{:?} in {:?}", needle, line);
    }
}

/// Patterns that depend on where a text begins and ends, and such that do not.
fn decorated() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop::sample::select(vec![
        ("", ""),
        ("^", ""),
        ("", "$"),
        ("^", "$"),
        (r"\b", ""),
        ("", r"\b"),
        (".", ""),
        ("(?s).", ".*"),
        ("", "|wombat"),
        ("(?i)", ""),
        ("x*", "+"),
        ("(?m)^", "$"),
    ])
}

proptest! {
    /// A filter wants what a reading of all finds.
    #[test]
    fn a_search_finds_what_all_texts_have(
        parts in prop::collection::vec((piece(), typed(), spec()), 0..3),
        end in piece(),
        fields in prop::collection::vec((typed(), any::<bool>()), 0..3),
        (from, length) in (0_usize..200, 1_usize..9),
        (decoration, inverts) in (decorated(), any::<bool>()),
        which in any::<prop::sample::Index>(),
    ) {
        let mut template = String::new();
        let (mut slots, mut values) = (Vec::new(), Vec::new());
        for (index, (text, (ty, bytes), spec)) in parts.into_iter().enumerate() {
            template.push_str(&format!("{text}{{{index}{spec}}}"));
            slots.push(("", Role::Argument, ty));
            values.extend(bytes);
        }
        template.push_str(end);
        for ((ty, bytes), debug) in fields {
            let role = if debug { Role::DebugField } else { Role::Field };
            slots.push(("ab", role, ty));
            values.extend(bytes);
        }
        let mut builder = DumpBuilder::new();
        builder.site(30, Level::Info, "app", Some(&template), &slots);
        builder.block(1, &[Rec(30, 9, values)]);
        builder.summary();
        let dumps = [builder.dump()];
        let mut texts = Vec::new();
        let _ = crate::Decoder::new(&dumps).for_each(|entry| {
            if let crate::Entry::Record(record) = entry {
                texts = all_texts(record);
            }
            std::ops::ControlFlow::Continue(())
        });
        let text: Vec<char> = texts[which.index(texts.len())].chars().collect();
        let from = from.min(text.len());
        let needle: String = text[from..(from + length).min(text.len())].iter().collect();
        let pattern = format!("{}{}{}", decoration.0, regex::escape(&needle), decoration.1);
        let Ok(regex) = regex::Regex::new(&pattern) else { return Ok(()) };
        let expected = texts.iter().any(|text| regex.is_match(text)) != inverts;
        let filter = Filter::default().with_grep_pattern(&pattern, false).unwrap().with_inverted_grep(inverts);
        let mut shown = false;
        let _ = crate::Decoder::new(&dumps).with_filter(filter).for_each(|_| {
            shown = true;
            std::ops::ControlFlow::Continue(())
        });
        prop_assert_eq!(shown, expected, "{:?} in {:?}", pattern, texts);
    }
}

proptest! {
    /// Whatever an integer is, its own record is found.
    #[test]
    fn no_integer_is_passed_over(
        number in any::<i64>(), shift in 0_u32..64, width in 0_usize..6, is_raw in any::<bool>(),
    ) {
        let number = number >> shift;
        let types = [Type::U16, Type::U32, Type::U64, Type::I16, Type::I32, Type::I64];
        let bytes = number.to_le_bytes()[..[2, 4, 8, 2, 4, 8][width]].to_vec();
        let mut builder = DumpBuilder::new();
        builder.site(30, Level::Info, "app", None, &[("ab", Role::Field, types[width].clone())]);
        let others = [Rec(16, 1, vec![1, 2, 3, 4]), Rec(30, 2, bytes), Rec(16, 3, vec![0; 4])];
        if is_raw { builder.raw_block(1, &others) } else { builder.block(1, &others) }
        builder.summary();
        let dumps = [builder.dump()];
        let shown = |filter: Filter| {
            let mut shown = Vec::new();
            let mut decoder = crate::Decoder::new(&dumps).with_filter(filter);
            let _ = decoder.for_each(|entry| {
                if let crate::Entry::Record(record) = entry && record.call_site().id == 30 {
                    let mut text = String::new();
                    crate::record_text::write_body(record, &mut text);
                    shown.push(text);
                }
                std::ops::ControlFlow::Continue(())
            });
            shown
        };
        let all = shown(Filter::default());
        prop_assert_eq!(&shown(Filter::default().with_field(all[0].parse().unwrap())), &all);
    }
}
