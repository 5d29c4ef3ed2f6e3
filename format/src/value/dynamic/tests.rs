use super::*;
use crate::types::{EnumType, empty_type, set_type};

/// A type, raw bytes of it, and what they are as a self-describing value: the same as read by their type.
#[track_caller]
fn check(ty: &Type, raw: &[u8]) {
    let mut writer = Writer::default();
    writer.value(ty, raw).unwrap();
    let expected = Value::read(&mut Cursor::new(raw, Encoding::Raw), ty).unwrap();
    assert_eq!(read(writer.bytes()).unwrap(), expected);
    // Any part of the bytes is refused, and never panics.
    for end in 0..writer.bytes().len() {
        assert!(read(&writer.bytes()[..end]).is_err(), "{end}");
    }
}

#[test]
fn tags_of_leaves_are_their_nodes() {
    for (tag, leaf) in LEAVES.iter().enumerate() {
        assert_eq!(postcard::to_allocvec(leaf).unwrap(), [1, tag as u8], "{leaf:?}");
    }
}

#[test]
fn values_read_as_by_their_type() {
    let fields = |name: &str, shape, of: &[(&str, Type)]| Fields {
        name: name.to_owned(),
        shape,
        fields: of.iter().map(|(name, ty)| ((*name).to_owned(), ty.clone())).collect(),
    };
    check(&Type::U32, &7_u32.to_le_bytes());
    check(&Type::Str, b"\x02\0\0\0hi");
    check(&Type::Option(Box::new(Type::Bool)), &[1, 1]);
    check(&Type::Option(Box::new(Type::Bool)), &[0]);
    check(&Type::Slice(Box::new(Type::U8)), b"\x03\0\0\0abc");
    check(&Type::Slice(Box::new(Type::I16)), b"\x02\0\0\0\xff\xff\x01\0");
    check(&Type::Tuple(vec![Type::U8, Type::Char]), b"\x05a\0\0\0");
    check(&Type::Map(Box::new(Type::U8), Box::new(Type::Bool)), b"\x01\0\0\0\x09\x01");
    check(&set_type(Type::U16), b"\x01\0\0\0\x09\x01");
    check(&empty_type(), b"");
    check(
        &Type::Struct(fields("P", Shape::Struct, &[("a", Type::U8), ("b", Type::I8)])),
        b"\x01\x02",
    );
    let variants =
        vec![fields("A", Shape::Unit, &[]), fields("B", Shape::Tuple, &[("", Type::F32)])];
    let of_enum = Type::Enum(EnumType { name: "E".to_owned(), variants });
    check(&of_enum, b"\0\0");
    check(&of_enum, b"\x01\0\0\0\0\x3f");
}

#[test]
fn values_within_values_are_flattened() {
    let mut inner = Writer::default();
    inner.value(&Type::U8, &[5]).unwrap();
    let mut raw = (inner.bytes().len() as u32).to_le_bytes().to_vec();
    raw.extend(inner.bytes());
    check(&dynamic_type(), &raw);
    let ty = Type::Option(Box::new(dynamic_type()));
    let raw = [&[1][..], &raw].concat();
    check(&ty, &raw);
    let value = Value::read(&mut Cursor::new(&raw, Encoding::Raw), &ty).unwrap();
    assert_eq!(value, Value::Some(Box::new(Value::U8(5))));
}

#[test]
fn bytes_that_describe_nothing_are_a_text() {
    let ty = dynamic_type();
    for bytes in [&b"\0\0\0\0"[..], b"\x01\0\0\0\xff", b"\x05\0\0\0\x1a\xff\xff\xff\xff"] {
        let value = Value::read(&mut Cursor::new(bytes, Encoding::Raw), &ty).unwrap();
        assert_eq!(value, Value::Formatted(UNREADABLE));
    }
    let deep = [&[25, 1].repeat(200)[..], &[0]].concat();
    assert!(read(&deep).is_err());
}
