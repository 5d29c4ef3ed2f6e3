use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::testing::values::values;

#[track_caller]
fn check(value: Value<'_>, expected: &str) {
    let mut out = String::from("> ");
    write_json(&mut out, &value);
    assert_eq!(out.split_off(2), expected);
    let _: Json = serde_json::from_str(expected).expect("the expectation itself is JSON");
}

fn product<'a, const N: usize>(
    name: &'a str,
    shape: Shape,
    fields: [(&'a str, Value<'a>); N],
) -> Product<'a> {
    Product { name, shape, fields: fields.into() }
}

#[test]
fn numbers() {
    check(Value::I8(-1), "-1");
    check(Value::U64(u64::MAX), "18446744073709551615");
    check(Value::I64(i64::MIN), "-9223372036854775808");
    check(Value::U128(7), "\"7\"");
    check(Value::I128(-7), "\"-7\"");
    check(Value::I128(u64::MAX.into()), "\"18446744073709551615\"");
    check(Value::U128(u128::from(u64::MAX) + 1), "\"18446744073709551616\"");
    check(Value::I128(i128::MIN), "\"-170141183460469231731687303715884105728\"");
}

#[test]
fn floats() {
    check(Value::F64(1.0), "1.0");
    check(Value::F64(-0.0), "-0.0");
    check(Value::F64(0.1), "0.1");
    check(Value::F32(0.1), "0.1");
    check(Value::F64(1e300), "1e300");
    check(Value::F64(5e-324), "5e-324");
    check(Value::F64(f64::NAN), "null");
    check(Value::F64(f64::NEG_INFINITY), "null");
    check(Value::F32(f32::INFINITY), "null");
}

#[test]
fn strings() {
    check(Value::Str("a\"b\\c/"), r#""a\"b\\c/""#);
    check(Value::Str("\u{8}\u{c}\n\r\t\0"), r#""\b\f\n\r\t\u0000""#);
    check(Value::Str("\x1b[0m\x7f\u{9b}"), r#""\u001b[0m\u007f\u009b""#);
    check(Value::Str("größe 🦀"), "\"größe 🦀\"");
    check(Value::Str("\u{2028}\u{202e}\u{e0041}"), r#""\u2028\u202e\udb40\udc41""#);
    check(Value::Char('"'), r#""\"""#);
    check(Value::Formatted("Point { x: \"1\" }"), r#""Point { x: \"1\" }""#);
}

#[test]
fn containers() {
    check(Value::Unit, "null");
    check(Value::Bytes(b"\0\xff"), "[0,255]");
    check(Value::List(vec![]), "[]");
    check(Value::Tuple(vec![Value::Bool(true), Value::None]), "[true,null]");
    check(Value::Some(Box::new(Value::Some(Box::new(Value::U8(1))))), "1");
}

#[test]
fn maps() {
    check(Value::Map(vec![]), "{}");
    let entry = |key| (key, Value::Unit);
    let entries = [Value::Str("a\n"), Value::Char('b'), Value::I8(-1), Value::Bool(true)];
    check(Value::Map(entries.map(entry).into()), r#"{"a\n":null,"b":null,"-1":null,"true":null}"#);
    let newtype = product("Id", Shape::Tuple, [("", Value::U128(u128::MAX))]);
    let unit = product("Red", Shape::Unit, []);
    check(
        Value::Map([Value::Struct(newtype), Value::Variant(unit)].map(entry).into()),
        r#"{"340282366920938463463374607431768211455":null,"Red":null}"#,
    );
    let entries = [Value::U8(1), Value::F64(1.5)];
    check(Value::Map(entries.map(entry).into()), r#"{"1":null,"1.5":null}"#);
}

#[test]
fn structs() {
    check(Value::Struct(product("S", Shape::Unit, [])), "null");
    check(Value::Struct(product("S", Shape::Struct, [])), "{}");
    check(Value::Struct(product("S", Shape::Tuple, [])), "[]");
    let one = [("", Value::U8(1))];
    check(Value::Struct(product("S", Shape::Tuple, one)), "1");
    let two = [("", Value::U8(1)), ("", Value::U8(2))];
    check(Value::Struct(product("S", Shape::Tuple, two)), "[1,2]");
    let fields = [("x", Value::U8(1)), ("y", Value::Str("z"))];
    check(Value::Struct(product("S", Shape::Struct, fields)), r#"{"x":1,"y":"z"}"#);
}

#[test]
fn variants() {
    check(Value::Variant(product("V", Shape::Unit, [])), "\"V\"");
    check(Value::Variant(product("V", Shape::Tuple, [])), r#"{"V":[]}"#);
    let one = [("", Value::None)];
    check(Value::Variant(product("V", Shape::Tuple, one)), r#"{"V":null}"#);
    let two = [("", Value::U8(1)), ("", Value::U8(2))];
    check(Value::Variant(product("V", Shape::Tuple, two)), r#"{"V":[1,2]}"#);
    let fields = [("x", Value::U8(1))];
    check(Value::Variant(product("V", Shape::Struct, fields)), r#"{"V":{"x":1}}"#);
}

#[test]
fn times() {
    check(Value::Duration(Duration::ZERO), "0.0");
    check(Value::Duration(Duration::from_secs(20)), "20.0");
    check(Value::Duration(Duration::from_millis(1500)), "1.5");
    check(Value::Duration(Duration::from_nanos(1)), "0.000000001");
    check(Value::Duration(Duration::MAX), "18446744073709551615.999999999");
    check(Value::SystemTime(0, 5), "\"1970-01-01T00:00:00.000000005Z\"");
    check(Value::SystemTime(-1, 500_000_000), "\"1969-12-31T23:59:59.500000000Z\"");
    check(Value::SystemTime(951_782_400, 0), "\"2000-02-29T00:00:00.000000000Z\"");
    check(Value::SystemTime(253_402_300_799, 999_999_999), "\"9999-12-31T23:59:59.999999999Z\"");
    check(Value::SystemTime(253_402_300_800, 500_000_000), "\"253402300800.5\"");
    check(Value::SystemTime(-1_000_000_000_000, 0), "\"-1000000000000\"");
    check(Value::SystemTime(-1_000_000_000_000, 750_000_000), "\"-999999999999.25\"");
    check(Value::SystemTime(i64::MAX, 0), "\"9223372036854775807\"");
    check(Value::SystemTime(i64::MIN, 0), "\"-9223372036854775808\"");
}

#[test]
fn addresses() {
    check(Value::Ip([127, 0, 0, 1].into()), "\"127.0.0.1\"");
    check(Value::Socket("[::1]:80".parse().unwrap()), "\"[::1]:80\"");
}

/// What a value means in JSON, by serde_json's own model; leaves that differ by number are left out.
fn model(value: &Value<'_>) -> Json {
    match value {
        Value::Unit | Value::None => Json::Null,
        Value::Bool(truth) => json!(truth),
        Value::Char(char) => json!(char),
        Value::U8(n) => json!(n),
        Value::U16(n) => json!(n),
        Value::U32(n) => json!(n),
        Value::U64(n) => json!(n),
        Value::I8(n) => json!(n),
        Value::I16(n) => json!(n),
        Value::I32(n) => json!(n),
        Value::I64(n) => json!(n),
        Value::U128(n) => json!(n.to_string()),
        Value::I128(n) => json!(n.to_string()),
        Value::F32(n) if n.is_finite() => n.to_string().parse::<f64>().unwrap().into(),
        Value::F64(n) if n.is_finite() => json!(n),
        Value::F32(_) | Value::F64(_) => Json::Null,
        Value::Str(text) | Value::Formatted(text) => json!(text),
        Value::Bytes(bytes) => json!(bytes),
        Value::Some(inner) => model(inner),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            items.iter().map(model).collect()
        }
        Value::Map(entries) => {
            entries.iter().map(|(key, value)| (key_model(key), model(value))).collect()
        }
        Value::Struct(product) if product.shape == Shape::Unit => Json::Null,
        Value::Struct(product) => fields_model(product),
        Value::Variant(product) if product.shape == Shape::Unit => json!(product.name),
        Value::Variant(product) => json!({ product.name: fields_model(product) }),
        Value::Duration(duration) => json!(duration.as_secs_f64()),
        Value::SystemTime(..) => json!("time"),
        Value::Ip(ip) => json!(ip.to_string()),
        Value::Socket(socket) => json!(socket.to_string()),
        other => panic!("no model for {other:?}"),
    }
}

fn fields_model(product: &Product<'_>) -> Json {
    if product.shape == Shape::Struct {
        let fields = product.fields.iter().map(|(name, value)| ((*name).to_owned(), model(value)));
        return Json::Object(fields.collect());
    }
    let mut items: Vec<_> = product.fields.iter().map(|(_, value)| model(value)).collect();
    if items.len() == 1 { items.remove(0) } else { Json::Array(items) }
}

fn key_model(key: &Value<'_>) -> String {
    match key {
        Value::Str(text) | Value::Formatted(text) => (*text).to_owned(),
        Value::Char(char) => char.to_string(),
        Value::Some(inner) => key_model(inner),
        Value::Variant(product) if product.shape == Shape::Unit => product.name.to_owned(),
        Value::Struct(product) if product.shape == Shape::Tuple && product.fields.len() == 1 => {
            key_model(&product.fields[0].1)
        }
        Value::SystemTime(..) => {
            let mut text = String::new();
            write_json(&mut text, key);
            serde_json::from_str(&text).unwrap()
        }
        Value::Duration(duration) => {
            let nanos = format!("{}.{:09}", duration.as_secs(), duration.subsec_nanos());
            nanos.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => {
            let mut text = String::new();
            write_display(&mut text, key);
            text
        }
    }
}

/// Equal, but that times are any text and durations are compared as floats.
fn same(found: &Json, expected: &Json) -> bool {
    match (found, expected) {
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same(a, b))
        }
        (Json::String(_), Json::String(b)) if b == "time" => true,
        (Json::Number(a), Json::Number(b)) if a.is_f64() || b.is_f64() => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= 1e-15 * a.abs()
        }
        _ => found == expected,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn every_value_is_valid_json(value in values()) {
        let mut out = String::new();
        write_json(&mut out, &value);
        let found: Json = serde_json::from_str(&out).map_err(|error| {
            TestCaseError::fail(format!("{error} in {out}"))
        })?;
        let expected = model(&value);
        prop_assert!(same(&found, &expected), "{out}\nis not\n{expected}");
        prop_assert!(!out.contains(|c: char| c.is_control()), "{out:?}");
    }

    /// Nothing but the text itself comes back.
    #[test]
    fn strings_come_back(text in any::<String>()) {
        let mut out = String::new();
        write_json_string(&mut out, &text);
        prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
    }

    /// Floats come back bit by bit.
    #[test]
    fn floats_come_back(bits in any::<u64>()) {
        let number = f64::from_bits(bits);
        prop_assume!(number.is_finite());
        let mut out = String::new();
        write_json(&mut out, &Value::F64(number));
        prop_assert_eq!(out.parse::<f64>().unwrap().to_bits(), bits);
    }
}
