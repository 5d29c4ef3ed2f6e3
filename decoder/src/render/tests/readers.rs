//! Other programs read the output: logfmt as `go-logfmt` reads it, JSON by the types of its fields, CSV
//! in a spreadsheet.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use proptest::prelude::*;
use stenolog_format::types::Type;

use super::*;
use crate::testing::Rec;

/// The pairs of a line, read as `github.com/go-logfmt/logfmt` does it, step by step.
fn go_logfmt(line: &str) -> Result<Vec<(String, String)>, String> {
    let bytes = line.as_bytes();
    let (mut pairs, mut at) = (Vec::new(), 0);
    loop {
        while bytes.get(at).is_some_and(|&byte| byte <= b' ') {
            at += 1;
        }
        let start = at;
        while bytes.get(at).is_some_and(|&byte| byte > b' ' && byte != b'=') {
            if bytes[at] == b'"' {
                return Err(format!("unexpected '\"' at {at}"));
            }
            at += 1;
        }
        let key = line[start..at].to_owned();
        if key.contains('\u{fffd}') {
            return Err("invalid key".to_owned());
        }
        match (key.is_empty(), bytes.get(at)) {
            (true, Some(b'=')) => return Err(format!("unexpected '=' at {at}")),
            (true, _) => return Ok(pairs),
            (false, Some(b'=')) => at += 1,
            (false, _) => {
                pairs.push((key, String::new()));
                continue;
            }
        }
        let start = at;
        if bytes.get(at) != Some(&b'"') {
            while bytes.get(at).is_some_and(|&byte| byte > b' ') {
                if matches!(bytes[at], b'=' | b'"') {
                    return Err(format!("unexpected {:?} at {at}", char::from(bytes[at])));
                }
                at += 1;
            }
            pairs.push((key, line[start..at].to_owned()));
            continue;
        }
        at += 1;
        let mut has_escape = false;
        loop {
            match bytes.get(at) {
                None => return Err("unterminated quoted value".to_owned()),
                Some(b'"') => break,
                Some(b'\\') => {
                    has_escape = true;
                    at += 2;
                }
                Some(_) => at += 1,
            }
        }
        at += 1;
        let quoted = &line[start..at];
        let value = if has_escape {
            // Its own copy of what `encoding/json` does.
            serde_json::from_str(quoted)
                .map_err(|error| format!("invalid quoted value: {error}"))?
        } else {
            quoted[1..quoted.len() - 1].to_owned()
        };
        pairs.push((key, value));
    }
}

/// The line of one record with these fields, in a format.
fn line(fields: &[(&str, Type, Vec<u8>)], format: Format) -> String {
    let slots: Vec<_> =
        fields.iter().map(|(name, ty, _)| (*name, Role::Field, ty.clone())).collect();
    let values: Vec<u8> = fields.iter().flat_map(|(_, _, bytes)| bytes.clone()).collect();
    let mut builder = DumpBuilder::new();
    builder.site(30, Level::Info, "app", Some("message"), &slots);
    builder.raw_block(1, &[Rec(30, 9, values)]);
    let (text, summary) = render(&[builder.dump()], Filter::default(), format);
    assert!(summary.damage.is_empty(), "{:?}", summary.damage);
    text.strip_suffix('\n').unwrap().to_owned()
}

fn texts<'t>(fields: &[(&'t str, &str)]) -> Vec<(&'t str, Type, Vec<u8>)> {
    fields.iter().map(|(name, text)| (*name, Type::Str, str_bytes(text))).collect()
}

#[test]
fn logfmt_escapes_as_json_does() {
    let fields = [
        ("bell", "x\u{7}y"),
        ("mark", "\u{202e}txt"),
        ("tag", "\u{e0041}"),
        ("empty", ""),
        ("path", r"C:\temp"),
        ("quote", "say \"hi\"\n\\"),
        ("nbsp", "a\u{a0}b"),
        ("broken", "\u{fffd}"),
        ("z", "26"),
    ];
    let line = line(&texts(&fields), Format::Logfmt);
    let of_fields = line.split_once("msg=message ").unwrap().1;
    insta::assert_snapshot!(of_fields.replace('\u{a0}', "·"), @r#"bell="x\u0007y" mark="\u202etxt" tag="\udb40\udc41" empty="" path=C:\temp quote="say \"hi\"\n\\" nbsp="a·b" broken="�" z=26"#);
    let pairs = go_logfmt(of_fields).unwrap();
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(pairs, fields);
}

#[test]
fn keys_stay_distinct() {
    let names = [
        "a b",
        "a=b",
        "a\"b",
        "a\u{7}b",
        "a_b",
        "a_b_2",
        "level",
        "fields.level",
        "level",
        "time",
        "msg",
        "größe",
        "\u{fffd}",
        "_",
        "a\u{a0}b",
        "lost",
    ];
    let fields: Vec<_> = names.iter().map(|name| (*name, "v")).collect();
    for format in [Format::Logfmt, Format::Json] {
        let line = line(&texts(&fields), format);
        let keys: Vec<_> = if format == Format::Json {
            let object: serde_json::Value = serde_json::from_str(&line).unwrap();
            object["fields"].as_object().unwrap().keys().cloned().collect()
        } else {
            go_logfmt(&line).unwrap().into_iter().map(|(key, _)| key).collect()
        };
        let different: BTreeSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len(), "{line}");
        let envelope = if format == Format::Json { 0 } else { 5 };
        assert_eq!(keys.len(), names.len() + envelope, "{line}");
    }
}

fn field() -> impl Strategy<Value = (String, String)> {
    let name = prop_oneof![
        "[a-c_2 =\"\u{7}\u{a0}é]{1,4}",
        prop::sample::select(vec!["level", "time", "msg", "fields.level", "target"])
            .prop_map(str::to_owned),
    ];
    let value = prop_oneof![any::<String>(), "[a-c\"\\\\ =\n\t\u{7f}\u{202e}]{0,6}"];
    (name, value)
}

proptest! {
    #[test]
    fn logfmt_comes_back(fields in prop::collection::vec(field(), 0..6)) {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
        let line = line(&texts(&fields), Format::Logfmt);
        let pairs = go_logfmt(&line).map_err(|why| TestCaseError::fail(format!("{why}: {line}")))?;
        let values: Vec<_> = pairs.iter().skip(5).map(|(_, value)| &**value).collect();
        let expected: Vec<_> = fields.iter().map(|(_, value)| *value).collect();
        prop_assert_eq!(values, expected, "{}", line);
        let keys: HashSet<_> = pairs.iter().map(|(key, _)| key).collect();
        prop_assert_eq!(keys.len(), pairs.len(), "{}", line);
        prop_assert!(!line.chars().any(crate::escape::is_unsafe), "{:?}", line);
    }
}

/// The JSON type of a value as stores infer it: numbers with a point are of another one.
fn inferred(text: &str) -> Option<&'static str> {
    match text.as_bytes()[0] {
        b'n' => None,
        b'"' => Some("string"),
        b't' | b'f' => Some("boolean"),
        b'[' => Some("array"),
        b'{' => Some("object"),
        _ if text.contains(['.', 'e']) => Some("float"),
        _ => Some("integer"),
    }
}

#[test]
fn a_field_has_one_json_type() {
    let words = |words: &[u128]| words.iter().map(|n| n.to_le_bytes().to_vec()).collect::<Vec<_>>();
    let floats = [0.5, 1.0, -0.0, 1e300, 5e-324, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let duration =
        |seconds: u64, nanos: u32| [&seconds.to_le_bytes()[..], &nanos.to_le_bytes()].concat();
    let option = |bytes: &[u8]| [&[1], bytes].concat();
    let kinds: BTreeMap<&str, (Type, Vec<Vec<u8>>)> = BTreeMap::from([
        ("string", (Type::U128, words(&[0, 5, 1 << 64, u128::MAX]))),
        ("integer", (Type::U64, [0, 5, u64::MAX].map(|n| n.to_le_bytes().to_vec()).into())),
        ("float", (Type::F64, floats.map(|x| x.to_le_bytes().to_vec()).into())),
    ]);
    let others = [
        ("string", Type::I128, words(&[0, 5, 1 << 64, u128::MAX])),
        ("float", Type::F32, [1.0, f32::NAN, 1e30].map(|x| x.to_le_bytes().to_vec()).into()),
        (
            "float",
            Type::Duration,
            vec![duration(0, 0), duration(2, 0), duration(1, 5), duration(u64::MAX, 1)],
        ),
        ("string", Type::SystemTime, vec![duration(0, 0), duration(1 << 62, 5)]),
        ("float", Type::Option(Type::Duration.into()), vec![vec![0], option(&duration(2, 0))]),
        ("string", Type::Char, vec![u32::from('1').to_le_bytes().to_vec()]),
        ("boolean", Type::Bool, vec![vec![0], vec![1]]),
    ];
    let kinds = kinds.into_iter().map(|(kind, (ty, values))| (kind, ty, values));
    for (expected, ty, values) in kinds.chain(others) {
        for bytes in values {
            let line = line(&[("v", ty.clone(), bytes)], Format::Json);
            let value = line.split_once("{\"v\":").unwrap().1.strip_suffix("}}").unwrap();
            assert!(inferred(value).is_none_or(|found| found == expected), "{ty:?}: {value}");
        }
    }
    let line = |x: f64| line(&[("v", Type::F64, x.to_le_bytes().to_vec())], Format::Json);
    assert!(line(f64::NAN).ends_with("{\"v\":null}}") && line(0.5).ends_with("{\"v\":0.5}}"));
}

#[test]
fn formulas_are_defused_if_asked_for() {
    let mut builder = DumpBuilder::new();
    builder.site(30, Level::Info, "=target", Some("{0}"), &[("v", Role::Argument, Type::Str)]);
    builder.thread(1, 7, "main");
    let texts = ["=1+1", "+x", "-2", "@sum", "=cmd|' /C calc'!A0,\"b\"", "\t=1", "plain", "a=b"];
    let records: Vec<_> =
        texts.iter().zip(0..).map(|(of, at)| Rec(30, at, str_bytes(of))).collect();
    builder.block(1, &records);
    let dumps = [builder.dump()];
    let cells = |defuses| {
        let options = RenderOptions::default().with_defused_formulas(defuses);
        let mut renderer = Renderer::new(Format::Csv, options);
        let mut out = String::new();
        let _ = crate::Decoder::new(&dumps).for_each(|entry| {
            renderer.write(entry, &mut out);
            std::ops::ControlFlow::Continue(())
        });
        let cells =
            |line: &str| line.split_once(",INFO,").unwrap().1.replace(",main,src/main.rs,30", "");
        out.lines().map(cells).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(cells(false), @r#"
    =target,=1+1,"{""v"":""=1+1""}"
    =target,+x,"{""v"":""+x""}"
    =target,-2,"{""v"":""-2""}"
    =target,@sum,"{""v"":""@sum""}"
    =target,"=cmd|' /C calc'!A0,""b""","{""v"":""=cmd|' /C calc'!A0,\""b\""""}"
    =target,\t=1,"{""v"":""\t=1""}"
    =target,plain,"{""v"":""plain""}"
    =target,a=b,"{""v"":""a=b""}"
    "#);
    insta::assert_snapshot!(cells(true), @r#"
    '=target,'=1+1,"{""v"":""=1+1""}"
    '=target,'+x,"{""v"":""+x""}"
    '=target,'-2,"{""v"":""-2""}"
    '=target,'@sum,"{""v"":""@sum""}"
    '=target,"'=cmd|' /C calc'!A0,""b""","{""v"":""=cmd|' /C calc'!A0,\""b\""""}"
    '=target,\t=1,"{""v"":""\t=1""}"
    '=target,plain,"{""v"":""plain""}"
    '=target,a=b,"{""v"":""a=b""}"
    "#);
}
