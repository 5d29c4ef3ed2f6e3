//! No value with a reserved name makes the decoder panic, whatever its parts are.

use stenolog_format::types::Shape;
use stenolog_format::types::reserved::*;

use super::*;
use crate::json::write_json;
use crate::text::{ResolvedSpec, write_value};

const NAMES: &[&str] = &[
    UUID,
    CHRONO_UTC,
    CHRONO_FIXED,
    CHRONO_NAIVE,
    CHRONO_DATE,
    CHRONO_TIME,
    CHRONO_DELTA,
    CHRONO_OFFSET,
    JIFF_TIMESTAMP,
    JIFF_ZONED,
    JIFF_DATE_TIME,
    JIFF_DATE,
    JIFF_TIME,
    JIFF_DURATION,
    JIFF_SPAN,
    JIFF_OFFSET,
    TIME_OFFSET,
    TIME_UTC,
    TIME_PRIMITIVE,
    TIME_DATE,
    TIME_TIME,
    TIME_UTC_OFFSET,
    TIME_DURATION,
    DECIMAL,
    BYTES,
    URL,
    HEXDUMP,
    DYNAMIC,
    RANGE,
    RANGE_INCLUSIVE,
    RANGE_FROM,
    RANGE_TO,
    RANGE_TO_INCLUSIVE,
    PHANTOM,
    "other::Type",
];

const FORMATS: [Trait; 11] = [
    Trait::Display,
    Trait::Debug,
    Trait::DebugLowerHex,
    Trait::DebugUpperHex,
    Trait::LowerHex,
    Trait::UpperHex,
    Trait::Octal,
    Trait::Binary,
    Trait::LowerExp,
    Trait::UpperExp,
    Trait::Pointer,
];

fn check(name: &str, parts: &[Value<'_>]) {
    for shape in [Shape::Tuple, Shape::Struct, Shape::Unit] {
        let fields = parts.iter().map(|part| ("", part.clone())).collect();
        let value = Value::Struct(Product { name, shape, fields });
        let mut out = String::new();
        write_json(&mut out, &value);
        for format in FORMATS {
            for (precision, alternate) in [(None, false), (Some(0), true), (Some(300), false)] {
                let spec =
                    ResolvedSpec { precision, alternate, width: 7, ..ResolvedSpec::new(format) };
                write_value(&mut out, &value, &spec);
            }
        }
    }
}

#[test]
fn no_parts_of_a_reserved_name_make_it_panic() {
    let extremes =
        [i64::MIN, i64::MIN + 1, -1_000_000_000, -86_400, -1, 0, 1, 59, 999_999_999, i64::MAX];
    for name in NAMES {
        check(name, &[]);
        for value in [
            Value::Str(""),
            Value::Str("a://["),
            Value::Str(":@:"),
            Value::Str("http://[::1]:x/?#"),
            Value::Str("a:/.//\u{e9}"),
            Value::Bytes(b""),
            Value::Bytes(b"0123456789abcdef"),
            Value::Formatted("x"),
            Value::Unit,
        ] {
            check(name, std::slice::from_ref(&value));
            check(name, &[Value::I64(0), Value::I32(0), Value::I32(-1), value]);
        }
        for scale in [0, 28, 127, 128, 255] {
            check(name, &[Value::I128(i128::MIN), Value::U8(scale)]);
        }
        for length in [1, 2, 3, 4, 7, 10] {
            for first in extremes {
                for rest in [i64::MIN, -86_400, 0, 59, i64::MAX] {
                    let parts: Vec<_> = (0..length)
                        .map(|at| Value::I64(if at == 0 { first } else { rest }))
                        .collect();
                    check(name, &parts);
                }
            }
        }
    }
}
