//! Random values of every kind, for tests.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proptest::prelude::*;
use stenolog_format::types::Shape;
use stenolog_format::value::{Product, Value};

/// A value of any kind, nested a few levels deep. Its text is leaked, as it lives for the test.
pub(crate) fn values() -> impl Strategy<Value = Value<'static>> {
    leaves().prop_recursive(4, 24, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..4);
        let keys = prop_oneof![2 => keys(), 1 => inner.clone()];
        let entries = prop::collection::vec((keys, inner.clone()), 0..4);
        prop_oneof![
            inner.clone().prop_map(|value| Value::Some(Box::new(value))),
            list.clone().prop_map(Value::List),
            list.clone().prop_map(Value::Set),
            list.prop_map(Value::Tuple),
            entries.prop_map(Value::Map),
            products(inner.clone()).prop_map(Value::Struct),
            products(inner).prop_map(Value::Variant),
        ]
    })
}

fn text() -> impl Strategy<Value = &'static str> {
    any::<String>().prop_map(|text| &*text.leak())
}

fn keys() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        text().prop_map(Value::Str),
        any::<char>().prop_map(Value::Char),
        any::<i32>().prop_map(Value::I32),
        any::<u128>().prop_map(Value::U128),
        any::<bool>().prop_map(Value::Bool),
    ]
}

fn leaves() -> impl Strategy<Value = Value<'static>> {
    let integers = prop_oneof![
        any::<u8>().prop_map(Value::U8),
        any::<u16>().prop_map(Value::U16),
        any::<u32>().prop_map(Value::U32),
        any::<u64>().prop_map(Value::U64),
        any::<u128>().prop_map(Value::U128),
        any::<i8>().prop_map(Value::I8),
        any::<i16>().prop_map(Value::I16),
        any::<i32>().prop_map(Value::I32),
        any::<i64>().prop_map(Value::I64),
        any::<i128>().prop_map(Value::I128),
        // Of 128 bits, but small enough for a number.
        any::<u64>().prop_map(|n| Value::U128(n.into())),
        any::<u64>().prop_map(|n| Value::I128(n.into())),
        any::<i64>().prop_map(|n| Value::I128(n.into())),
    ];
    let numbers = prop_oneof![
        integers,
        any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))),
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
        (-100_000..100_000i32).prop_map(|n| Value::F64(f64::from(n) / 100.0)),
    ];
    let texts = prop_oneof![
        any::<char>().prop_map(Value::Char),
        text().prop_map(Value::Str),
        text().prop_map(Value::Formatted),
        any::<Vec<u8>>().prop_map(|bytes| Value::Bytes(bytes.leak())),
    ];
    let others = prop_oneof![
        Just(Value::Unit),
        Just(Value::None),
        any::<bool>().prop_map(Value::Bool),
        any::<Duration>().prop_map(Value::Duration),
        (any::<i64>(), 0..1_000_000_000u32).prop_map(|(s, n)| Value::SystemTime(s, n)),
        (any::<u32>(), 0..1_000_000_000u32).prop_map(|(s, n)| Value::SystemTime(s.into(), n)),
        any::<IpAddr>().prop_map(Value::Ip),
        any::<SocketAddr>().prop_map(Value::Socket),
    ];
    prop_oneof![numbers, texts, others]
}

fn products(
    inner: impl Strategy<Value = Value<'static>>,
) -> impl Strategy<Value = Product<'static>> {
    let shapes = prop_oneof![Just(Shape::Unit), Just(Shape::Tuple), Just(Shape::Struct)];
    let fields = prop::collection::vec((text(), inner), 0..4);
    (text(), shapes, fields).prop_map(|(name, shape, mut fields)| {
        match shape {
            Shape::Unit => fields.clear(),
            Shape::Tuple => fields.iter_mut().for_each(|(name, _)| *name = ""),
            Shape::Struct => {}
        }
        Product { name, shape, fields }
    })
}
