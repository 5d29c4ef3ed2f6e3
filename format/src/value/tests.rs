use super::*;
use crate::dictionary::{Role, Slot};

/// Reads `raw` as it is, and again after packing; both must give `expected`.
#[track_caller]
fn check(ty: Type, raw: &[u8], expected: Value<'_>) {
    let mut cursor = Cursor::new(raw, Encoding::Raw);
    assert_eq!(Value::read(&mut cursor, &ty).unwrap(), expected);
    assert!(cursor.is_empty());
    let mut packed = Vec::new();
    pack(&mut Cursor::new(raw, Encoding::Raw), &ty, &mut packed).unwrap();
    let mut cursor = Cursor::new(&packed, Encoding::Packed);
    assert_eq!(Value::read(&mut cursor, &ty).unwrap(), expected, "packed: {packed:?}");
    assert!(cursor.is_empty());
    let shown = format!("{:?}", Ok::<_, ValueError>(expected));
    assert_eq!(read_words(&ty, raw, Encoding::Raw), shown);
    assert_eq!(read_words(&ty, &packed, Encoding::Packed), shown);
}

#[test]
fn integers_at_their_ends() {
    check(Type::U64, &u64::MAX.to_le_bytes(), Value::U64(u64::MAX));
    check(Type::I64, &i64::MIN.to_le_bytes(), Value::I64(i64::MIN));
    check(Type::U128, &u128::MAX.to_le_bytes(), Value::U128(u128::MAX));
    check(Type::I128, &i128::MIN.to_le_bytes(), Value::I128(i128::MIN));
    check(Type::I16, &(-2_i16).to_le_bytes(), Value::I16(-2));
    check(Type::I8, &[0x80], Value::I8(-128));
    check(Type::U16, &[0x34, 0x12], Value::U16(0x1234));
}

#[test]
fn text_and_options() {
    check(Type::Str, b"\x03\0\0\0abc", Value::Str("abc"));
    check(Type::Char, &u32::from('ß').to_le_bytes(), Value::Char('ß'));
    let option = Type::Option(Box::new(Type::Bool));
    check(option.clone(), &[0], Value::None);
    check(option, &[1, 1], Value::Some(Box::new(Value::Bool(true))));
}

#[test]
fn lists_and_tuples() {
    let slice = Type::Slice(Box::new(Type::U16));
    check(slice, b"\x02\0\0\0\x01\0\x02\0", Value::List(vec![Value::U16(1), Value::U16(2)]));
    check(Type::Slice(Box::new(Type::U8)), b"\x02\0\0\0ab", Value::Bytes(b"ab"));
    check(Type::Array(Box::new(Type::U8), 2), b"ab", Value::Bytes(b"ab"));
    let tuple = Type::Tuple(vec![Type::U8, Type::Unit]);
    check(tuple, &[7], Value::Tuple(vec![Value::U8(7), Value::Unit]));
}

#[test]
fn lists_that_claim_too_much_are_refused_before_they_allocate() {
    let unit = Type::Slice(Box::new(Type::Unit));
    let mut cursor = Cursor::new(&[0xff; 4], Encoding::Raw);
    assert!(matches!(Value::read(&mut cursor, &unit), Err(ValueError::Count { .. })));
    let words = Type::Slice(Box::new(Type::U64));
    let mut cursor = Cursor::new(&[0xff; 12], Encoding::Raw);
    assert!(matches!(Value::read(&mut cursor, &words), Err(ValueError::Count { .. })));
}

#[test]
fn serde_values_are_postcard() {
    let inner = Type::Map(Box::new(Type::Str), Box::new(Type::I32));
    let bytes =
        postcard::to_allocvec(&std::collections::BTreeMap::from([("a", -1_i32), ("b", 300)]))
            .unwrap();
    let mut raw = (bytes.len() as u32).to_le_bytes().to_vec();
    raw.extend(&bytes);
    check(
        Type::Serde(Box::new(inner)),
        &raw,
        Value::Map(vec![(Value::Str("a"), Value::I32(-1)), (Value::Str("b"), Value::I32(300))]),
    );
}

#[test]
fn varints_do_not_overflow() {
    let mut cursor = Cursor::new(&[0xff; 10], Encoding::Packed);
    assert_eq!(cursor.uint(), Err(ValueError::Overflow));
    let mut longest = vec![0xff; 9];
    longest.push(1);
    assert_eq!(Cursor::new(&longest, Encoding::Packed).uint(), Ok(u64::MAX));
}

/// Serde values within a record share its limits.
#[test]
fn values_without_bytes_are_few_in_all_serde_values_together() {
    let units = Type::Array(Box::new(Type::Unit), 30_000);
    let lists = Type::Slice(Box::new(Type::Serde(Box::new(units))));
    let read = |raw: &[u8]| Value::read(&mut Cursor::new(raw, Encoding::Raw), &lists).map(|_| ());
    assert_eq!(read(b"\x02\0\0\0\0\0\0\0\0\0\0\0"), Ok(()));
    let raw = b"\x03\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_eq!(read(raw), Err(ValueError::Count { count: 30_000 }));
}

#[test]
fn a_serde_value_that_is_none_costs_only_itself() {
    let types = [Type::Bool, Type::Str, Type::Option(Box::new(Type::F64)), Type::Char];
    let types = types.map(|ty| Type::Serde(Box::new(ty)));
    let of = Type::Tuple([&[Type::U8][..], &types, &[Type::U8]].concat());
    let read = |bytes: [&[u8]; 4]| {
        let mut raw = vec![7];
        for bytes in bytes {
            raw.extend((bytes.len() as u32).to_le_bytes());
            raw.extend(bytes);
        }
        raw.push(8);
        let mut cursor = Cursor::new(&raw, Encoding::Raw);
        let Ok(Value::Tuple(values)) = Value::read(&mut cursor, &of) else { panic!("a tuple") };
        assert_eq!((&values[0], &values[5]), (&Value::U8(7), &Value::U8(8)));
        assert!(cursor.is_empty());
        let is_text = |value: &Value<'_>| *value == Value::Formatted(NOT_AS_ITS_SCHEMA);
        [1, 2, 3, 4].map(|at: usize| is_text(&values[at]))
    };
    assert_eq!(read([b"\x01", b"\x01a", b"\0", b"\x01a"]), [false; 4]);
    assert_eq!(read([b"\x02", b"\x02a", b"\x01", b"\x02ab"]), [true; 4]);
    assert_eq!(read([b"\x01\0", b"\x01\xff", b"\0\0", b"\x01ab"]), [true; 4]);
}

#[test]
fn a_record_has_not_many_more_values_than_bytes() {
    let units = Type::Tuple(vec![Type::Unit; 2000]);
    let wide = Type::Slice(Box::new(Type::Tuple(vec![Type::U8, units])));
    let read = |count: usize| {
        let mut raw = (count as u32).to_le_bytes().to_vec();
        raw.resize(4 + count, 0);
        Value::read(&mut Cursor::new(&raw, Encoding::Raw), &wide).map(|_| ())
    };
    assert_eq!(read(30), Ok(()));
    assert_eq!(read(40), Err(ValueError::Values { bytes: 44 }));
}

#[test]
fn names_are_not_much_longer_than_what_they_name() {
    let variant = Fields { name: "n".repeat(100_000), shape: Shape::Unit, fields: vec![] };
    let of = Type::Enum(EnumType { name: "Long".into(), variants: vec![variant] });
    let list = Type::Slice(Box::new(of));
    let read = |count: usize| {
        let mut raw = (count as u32).to_le_bytes().to_vec();
        raw.resize(4 + 2 * count, 0);
        Value::read(&mut Cursor::new(&raw, Encoding::Raw), &list).map(|_| ())
    };
    assert_eq!(read(10), Ok(()));
    assert_eq!(read(20), Err(ValueError::Names { bytes: 44 }));
}

/// Each has an element type with very many parts.
#[test]
fn empty_lists_and_values_are_not_searched_for_bytes() {
    let wide = Type::Tuple(vec![Type::Tuple(vec![Type::Unit; 2000]), Type::U8]);
    let read = |of: Type, lists: u8| {
        let bytes = [&[lists][..], &vec![0; lists.into()]].concat();
        let of = Type::Slice(Box::new(of));
        Value::read(&mut Cursor::new(&bytes, Encoding::Packed), &of).map(|_| ())
    };
    assert_eq!(read(Type::Slice(Box::new(wide.clone())), 100), Ok(()));
    let serde = Type::Serde(Box::new(wide));
    assert_eq!(read(serde.clone(), 10), Ok(()));
    assert_eq!(read(serde, 100), Err(ValueError::Values { bytes: 101 }));
}

#[test]
fn integers_of_all_lengths_read_back_wherever_they_stand() {
    for shift in 0..64 {
        for value in [1_u64 << shift, (1 << shift) - 1, u64::MAX >> shift] {
            let mut bytes = Vec::new();
            put_uint(&mut bytes, value);
            let length = bytes.len();
            for trailing in 0..10 {
                bytes.truncate(length);
                bytes.resize(length + trailing, 0xff);
                let mut cursor = Cursor::new(&bytes, Encoding::Packed);
                assert_eq!(cursor.uint(), Ok(value));
                assert_eq!(cursor.rest().len(), trailing);
            }
            for cut in 0..length {
                let uint = Cursor::new(&bytes[..cut], Encoding::Packed).uint();
                assert_eq!(uint, Err(ValueError::End));
            }
        }
    }
}

/// What is read as words is what is read as a value, or fails alike.
#[test]
fn words_are_read_as_values_are() {
    let option = |of| Type::Option(Box::new(of));
    let types = [
        Type::Bool,
        Type::Char,
        Type::U8,
        Type::U16,
        Type::U32,
        Type::U64,
        Type::U128,
        Type::I8,
        Type::I16,
        Type::I32,
        Type::I64,
        Type::I128,
        Type::F32,
        Type::F64,
        Type::Str,
        Type::Formatted,
        Type::Duration,
        Type::SystemTime,
        Type::Ip,
        Type::Socket,
        Type::SocketV6,
        Type::Serde(Box::new(Type::Bool)),
        Type::Slice(Box::new(Type::U8)),
        Type::Array(Box::new(Type::U8), 3),
        Type::Array(Box::new(Type::I16), 3),
        option(Type::Ipv4),
        option(option(Type::U16)),
        Type::Tuple(vec![option(Type::Unit), Type::U8]),
    ];
    for ty in types {
        for encoding in [Encoding::Raw, Encoding::Packed] {
            for bytes in [
                &[1, 0, 0, 0, 65, 66, 67, 68][..],
                &[0xff; 32],
                &[0; 26],
                &[1; 12],
                &[2, 65, 66],
                &[6; 17],
                &[4; 7],
                &[],
            ] {
                // The bytes are those of this value, or too few for it, and nothing else.
                let mut cursor = Cursor::new(bytes, encoding);
                let value = Value::read(&mut cursor, &ty);
                let bytes = &bytes[..bytes.len() - cursor.rest().len()];
                let value = if value.is_err() && cursor.is_empty() { continue } else { value };
                let words = read_words(&ty, bytes, encoding);
                // NaN does not equal itself.
                if value.is_ok() {
                    assert_eq!(words, format!("{value:?}"), "{ty:?} {bytes:?}");
                }
            }
        }
    }
}

/// The value as its words give it, as text.
fn read_words(ty: &Type, bytes: &[u8], encoding: Encoding) -> String {
    let slots = [Slot { name: String::new(), role: Role::Argument, ty: ty.clone() }];
    let plan = WordPlan::new(&slots).unwrap();
    let mut words = Vec::new();
    if let Err(why) = plan.read(bytes, encoding, &mut words) {
        return format!("{:?}", Err::<(), _>(why));
    }
    assert_eq!(words.len(), plan.words());
    let words = Words { words: &words, stride: 1, body: bytes, restored: &[], encoding };
    format!("{:?}", plan.value(0, ty, &words))
}

#[test]
fn broken_words_fail_as_values_do() {
    for (ty, bytes) in [
        (Type::Bool, &[2][..]),
        (Type::Char, &[0, 0xd8, 0, 0]),
        (Type::Duration, &[255; 12]),
        (Type::Ip, &[5, 0, 0, 0, 0]),
        (Type::Option(Box::new(Type::U8)), &[2]),
        (Type::Option(Box::new(Type::U8)), &[1]),
        (Type::Str, &[9, 0, 0, 0, 65]),
        (Type::U128, &[1; 9]),
        (Type::U8, &[1, 2]),
    ] {
        let mut cursor = Cursor::new(bytes, Encoding::Raw);
        let value = Value::read(&mut cursor, &ty);
        let value = if value.is_ok() { Err(ValueError::Trailing) } else { value };
        assert_eq!(read_words(&ty, bytes, Encoding::Raw), format!("{value:?}"), "{ty:?}");
    }
    let invalid = read_words(&Type::Str, &[1, 0, 0, 0, 0xff], Encoding::Raw);
    assert_eq!(invalid, "Err(Utf8)");
}

#[test]
fn call_sites_of_very_many_values_have_no_words() {
    let slots = |ty: Type, n| vec![Slot { name: String::new(), role: Role::Field, ty }; n];
    assert!(WordPlan::new(&slots(Type::U8, 1024)).is_some());
    assert!(WordPlan::new(&slots(Type::U8, 1025)).is_none());
    assert!(WordPlan::new(&slots(Type::Tuple(vec![Type::Unit; 1000]), 5)).is_none());
    let name = "x".repeat(40_000);
    let of = Fields { name, shape: Shape::Unit, fields: vec![] };
    assert!(WordPlan::new(&slots(Type::Struct(of), 2)).is_none());
}
