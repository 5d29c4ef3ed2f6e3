//! `FORMAT.md` is enough to write a reader from: one in Python, written from it alone, reads what was logged.

mod compressed;
mod encodings;
mod example;
mod frames;
mod groups;
mod logged;
mod spans;

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Level, Role, Slot, TimeSource};
use stenolog_format::frame::{FileHeader, VERSION};
use stenolog_format::types::{EnumType, Fields, Shape, Type};
use stenolog_testkit::DumpBuilder;

const UNIX_NS: i64 = 1_700_000_000_000_000_000;

/// A dump with a clock that counts nanoseconds and was 0 at [`UNIX_NS`], and with one thread.
fn dump() -> DumpBuilder {
    let mut dump = DumpBuilder::with_header(&FileHeader {
        version: VERSION,
        session: [7; 16],
        created_unix_ns: UNIX_NS,
        sequence: 0,
        process_id: 42,
        counter_hz: 1_000_000_000,
    });
    dump.clock_pair(&ClockPair { counter: 0, unix_ns: UNIX_NS, uncertainty_ticks: 20 });
    dump.thread(1, 300, "main");
    dump
}

/// Its bytes, with an end.
fn sealed(mut dump: DumpBuilder) -> Vec<u8> {
    dump.seal_without_index(0);
    dump.into_bytes()
}

fn site(id: u32, ty: Type) -> CallSite {
    CallSite {
        id,
        level: Level::Info,
        time: TimeSource::Counter,
        target: "app".into(),
        module: "app".into(),
        file: "a.rs".into(),
        line: 3,
        column: 5,
        template: Some("{0}".into()),
        slots: vec![Slot { name: "value".into(), role: Role::Argument, ty }],
    }
}

fn payload(time: u64, values: &[u8]) -> Vec<u8> {
    [&time.to_le_bytes()[..], values].concat()
}

fn boxed(ty: Type) -> Box<Type> {
    Box::new(ty)
}

/// The types without inner ones, each with a value and its JSON.
fn leaf_types() -> Vec<(Type, Vec<u8>, &'static str)> {
    vec![
        (Type::Unit, vec![], "[]"),
        (Type::Bool, vec![1], "true"),
        (Type::Char, 0x20ac_u32.to_le_bytes().into(), r#""€""#),
        (Type::U8, vec![200], "200"),
        (Type::U16, vec![0x34, 0x12], "4660"),
        (Type::U32, vec![0xff; 4], "4294967295"),
        (Type::U64, vec![0xff; 8], "18446744073709551615"),
        (Type::U128, vec![0xff; 16], "340282366920938463463374607431768211455"),
        (Type::I8, vec![0x80], "-128"),
        (Type::I16, vec![0xff; 2], "-1"),
        (Type::I32, vec![0, 0, 0, 0x80], "-2147483648"),
        (Type::I64, i64::MAX.to_le_bytes().into(), "9223372036854775807"),
        (Type::I128, i128::MIN.to_le_bytes().into(), "-170141183460469231731687303715884105728"),
        (Type::F32, 0.5_f32.to_le_bytes().into(), "0.5"),
        (Type::F64, 1e-7_f64.to_le_bytes().into(), "1e-07"),
        (Type::Str, b"\x03\0\0\0abc".into(), r#""abc""#),
        (Type::Formatted, b"\x02\0\0\0{}".into(), r#""{}""#),
        (Type::Duration, b"\x01\0\0\0\0\0\0\0\x02\0\0\0".into(), "[1,2]"),
        (Type::SystemTime, [&[0xff; 8][..], &[3, 0, 0, 0]].concat(), "[-1,3]"),
        (Type::Ipv4, vec![10, 0, 0, 1], r#""10.0.0.1""#),
        (Type::Ipv6, vec![0; 16], r#""::""#),
        (Type::Ip, [&[6][..], &[0; 15], &[1]].concat(), r#""::1""#),
        (Type::SocketV4, vec![10, 0, 0, 1, 0x90, 0x1f], r#"["10.0.0.1",8080]"#),
        (
            Type::SocketV6,
            [&[0; 16][..], &[80, 0, 1, 0, 0, 0, 2, 0, 0, 0]].concat(),
            r#"["::",80,1,2]"#,
        ),
        (Type::Socket, vec![4, 10, 0, 0, 1, 80, 0], r#"["10.0.0.1",80]"#),
    ]
}

/// Every type, the raw bytes of a value, and what the reader prints.
fn every_type() -> Vec<(Type, Vec<u8>, &'static str)> {
    let product = |name: &str, shape, fields: &[(&str, Type)]| Fields {
        name: name.into(),
        shape,
        fields: fields.iter().map(|(name, ty)| ((*name).into(), ty.clone())).collect(),
    };
    let point = product("Point", Shape::Struct, &[("x", Type::I32), ("y", Type::Str)]);
    let either = Type::Enum(EnumType {
        name: "Either".into(),
        variants: vec![
            product("Left", Shape::Tuple, &[("", Type::U64), ("", Type::Char)]),
            product("Right", Shape::Struct, &[("b", Type::Bool)]),
        ],
    });
    let map = Type::Map(boxed(Type::Str), boxed(Type::Option(boxed(Type::I32))));
    let composites = vec![
        (Type::Option(boxed(Type::U16)), vec![1, 44, 1], "300"),
        (Type::Slice(boxed(Type::I16)), b"\x02\0\0\0\x01\0\xfe\xff".into(), "[1,-2]"),
        (Type::Array(boxed(Type::U8), 2), vec![8, 9], "[8,9]"),
        (Type::Tuple(vec![Type::U8, Type::Tuple(vec![]), Type::I8]), vec![1, 255], "[1,[],-1]"),
        (
            Type::Struct(point),
            b"\xff\xff\xff\xff\x01\0\0\0y".into(),
            r#"{"Point":{"x":-1,"y":"y"}}"#,
        ),
        (either.clone(), b"\0\0\x07\0\0\0\0\0\0\0z\0\0\0".into(), r#"{"Left":[7,"z"]}"#),
        (either, b"\x01\0\0".into(), r#"{"Right":{"b":false}}"#),
        (
            Type::Serde(boxed(map)),
            b"\x08\0\0\0\x02\x01a\x01\x04\x01b\0".into(),
            r#"[["a",2],["b",null]]"#,
        ),
        (
            Type::Serde(boxed(Type::Bool)),
            b"\x01\0\0\0\x02".into(),
            r#""<not readable: serialised otherwise than its schema says>""#,
        ),
        (
            Type::Serde(boxed(Type::Bool)),
            b"\x02\0\0\0\x01\x01".into(),
            r#""<not readable: serialised otherwise than its schema says>""#,
        ),
    ];
    let mut rows = leaf_types();
    rows.extend(composites);
    let all: Vec<_> = rows.iter().map(|(ty, ..)| ty.clone()).collect();
    let bytes = rows.iter().flat_map(|(_, raw, _)| raw.clone()).collect();
    let text = rows.iter().map(|(.., json)| *json).collect::<Vec<_>>().join(",");
    rows.push((Type::Tuple(all), bytes, format!("[{text}]").leak()));
    rows
}
