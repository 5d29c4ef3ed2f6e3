use std::borrow::Cow;
use std::num::NonZero;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stenolog_format::value::{Cursor, Encoding, Value as Read};

use super::*;

/// Writes a value between guards and reads it as the decoder does.
#[track_caller]
fn check<V: Value + ?Sized>(value: &V, expected: &str) {
    const GUARD: u8 = 0xa5;
    let size = value.size();
    let mut bytes = vec![GUARD; size + 8];
    // SAFETY: there is room for more than the size.
    let end = unsafe { value.write(bytes.as_mut_ptr()) };
    assert_eq!(end.addr() - bytes.as_ptr().addr(), size, "what was written against the size");
    assert!(bytes[size..].iter().all(|byte| *byte == GUARD), "written past the end");
    if let Some(fixed) = V::FIXED_SIZE {
        assert_eq!(fixed, size, "the fixed size against the size");
    }
    let ty = V::describe();
    let mut cursor = Cursor::new(&bytes[..size], Encoding::Raw);
    let read = Read::read(&mut cursor, &ty).expect("the decoder reads what was written");
    assert!(cursor.is_empty(), "the decoder left something");
    assert_eq!(format!("{read:?}"), expected);
}

#[test]
fn numbers_are_read_as_they_were_written() {
    check(&0xfe_u8, "U8(254)");
    check(&-2_i8, "I8(-2)");
    check(&0x1234_u16, "U16(4660)");
    check(&i16::MIN, "I16(-32768)");
    check(&u32::MAX, "U32(4294967295)");
    check(&i32::MIN, "I32(-2147483648)");
    check(&u64::MAX, "U64(18446744073709551615)");
    check(&i64::MIN, "I64(-9223372036854775808)");
    check(&(u128::MAX - 1), "U128(340282366920938463463374607431768211454)");
    check(&-3_i128, "I128(-3)");
    check(&1.5_f32, "F32(1.5)");
    check(&-0.0_f64, "F64(-0.0)");
    check(&NonZero::new(7_u16).unwrap(), "U16(7)");
    check(&true, "Bool(true)");
    check(&'\u{10ffff}', "Char('\\u{10ffff}')");
    #[cfg(target_pointer_width = "64")]
    check(
        &(usize::MAX, isize::MIN),
        "Tuple([U64(18446744073709551615), I64(-9223372036854775808)])",
    );
}

#[test]
fn strings_of_every_length_are_read_as_they_were_written() {
    // Past the lengths that overlapping moves copy: no length is left out.
    let text: String = ('!'..='~').cycle().take(2 * SHORT_BYTES + 2).collect();
    for len in 0..=text.len() {
        let text = &text[..len];
        check(text, &format!("Str({text:?})"));
        assert_eq!(text.is_short(), len <= SHORT_BYTES, "{len}");
    }
}

#[test]
fn what_points_to_a_value_is_the_value() {
    check("text", r#"Str("text")"#);
    check("", r#"Str("")"#);
    check(&String::from("ü"), r#"Str("ü")"#);
    check(&Cow::Borrowed("cow"), r#"Str("cow")"#);
    check(&&&mut Box::new(Rc::new(Arc::new(5_u8))), "U8(5)");
    check(&Box::<[u16]>::from([1, 2]), "List([U16(1), U16(2)])");
    check(&Cow::Borrowed(&[1_u16][..]), "List([U16(1)])");
}

#[test]
fn containers_are_read_as_they_were_written() {
    check(&Some(1_u8), "Some(U8(1))");
    check(&None::<String>, "None");
    check(&Some(Some(())), "Some(Some(Unit))");
    check(&[1_u32, 2, 3], "List([U32(1), U32(2), U32(3)])");
    check(&[true, false], "List([Bool(true), Bool(false)])");
    check(&[[1_u16, 2], [3, 4]], "List([List([U16(1), U16(2)]), List([U16(3), U16(4)])])");
    check(&[0_u8; 0], "Bytes([])");
    check(&b"bytes"[..], "Bytes([98, 121, 116, 101, 115])");
    check(&vec!["a", "bc"], r#"List([Str("a"), Str("bc")])"#);
    check(&vec![(); 3], "List([Unit, Unit, Unit])");
    check(&(1_u8, "a", (2_u16,), ()), r#"Tuple([U8(1), Str("a"), Tuple([U16(2)]), Unit])"#);
    check(
        &(1_u8, 2_u8, 3_u8, 4_u8, 5_u8, 6_u8, 7_u8, 8_u8, 9_u8, 10_u8, 11_u8, 'x'),
        "Tuple([U8(1), U8(2), U8(3), U8(4), U8(5), U8(6), U8(7), U8(8), U8(9), U8(10), U8(11), Char('x')])",
    );
}

#[test]
fn time_is_read_as_it_was_written() {
    check(&Duration::new(u64::MAX, 999_999_999), "Duration(18446744073709551615.999999999s)");
    check(&(UNIX_EPOCH + Duration::new(5, 7)), "SystemTime(5, 7)");
    check(&(UNIX_EPOCH - Duration::new(5, 0)), "SystemTime(-5, 0)");
    check(&(UNIX_EPOCH - Duration::new(5, 7)), "SystemTime(-6, 999999993)");
    check(&None::<SystemTime>, "None");
}

#[test]
fn addresses_are_read_as_they_were_written() {
    for address in ["127.0.0.1", "2001:db8::1"] {
        let ip: std::net::IpAddr = address.parse().unwrap();
        check(&ip, &format!("Ip({address})"));
        match ip {
            std::net::IpAddr::V4(ip) => check(&ip, &format!("Ip({address})")),
            std::net::IpAddr::V6(ip) => check(&ip, &format!("Ip({address})")),
        }
    }
    for address in ["127.0.0.1:8080", "[2001:db8::1%7]:8080"] {
        let socket: std::net::SocketAddr = address.parse().unwrap();
        check(&socket, &format!("Socket({address})"));
        match socket {
            std::net::SocketAddr::V4(it) => check(&it, &format!("Socket({address})")),
            std::net::SocketAddr::V6(it) => check(&it, &format!("Socket({address})")),
        }
    }
}

#[test]
fn text_moves_to_the_heap_when_it_grows() {
    for length in [0, 1, 191, 192, 193, 500] {
        let text = "x".repeat(length);
        check(&Text::new(format_args!("{text}")), &format!("Formatted({text:?})"));
        check(&Text::new(format_args!("{}{text}", "y")), &format!("Formatted(\"y{text}\")"));
    }
}

#[test]
fn a_failing_display_leaves_a_mark() {
    struct Failing;

    impl std::fmt::Display for Failing {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("before ")?;
            Err(std::fmt::Error)
        }
    }

    let text = Text::new(format_args!("<{Failing}>"));
    check(&text, r#"Formatted("<before <error: formatting failed>")"#);
}

#[test]
fn what_no_ring_holds_has_a_size_that_says_so() {
    let endless = [(); usize::MAX];
    assert_eq!(endless.size(), 0);
    assert_eq!(endless[..].size(), usize::MAX);
    assert_eq!(Args::size(&(&endless[..], (&"text", ()))), usize::MAX);
}

#[test]
fn equal_types_and_only_those_have_equal_signatures() {
    #[track_caller]
    fn check<A: Args, B: Args>() {
        let [mut a, mut b] = [Vec::new(), Vec::new()];
        A::describe(&mut a);
        B::describe(&mut b);
        assert_eq!(a == b, A::SIGNATURE == B::SIGNATURE, "{a:?} and {b:?}");
    }

    check::<(u8, (u16, ())), (u8, (u16, ()))>();
    check::<(u8, (u16, ())), (u16, (u8, ()))>();
    check::<(u8, (u16, ())), ((u8, u16), ())>();
    check::<(u8, ()), (u8, (u8, ()))>();
    check::<((), ()), ()>();
    check::<(&str, ()), (String, ())>();
    check::<(&[u8], ()), (Vec<u8>, ())>();
    check::<(&[u8], ()), ([u8; 1], ())>();
    check::<([u8; 2], ()), ([u8; 1], ())>();
    check::<(Option<[u8; 2]>, ()), ([Option<u8>; 2], ())>();
    check::<(u64, ()), (usize, ())>();
    check::<((u8,), ()), (u8, ())>();
    check::<(Text, ()), (str_alias::Str, ())>();

    mod str_alias {
        pub(super) type Str = &'static str;
    }
}

/// By hand what `#[derive(Record)]` writes; the derive itself is tested from outside.
#[test]
fn products_differ_by_every_name() {
    use stenolog_format::types::Shape::{Struct, Tuple};

    let signatures = [
        product_signature("A", Struct, &["a", "b"], &[1, 2]),
        product_signature("A", Struct, &["a", "b"], &[2, 1]),
        product_signature("A", Struct, &["ab", ""], &[1, 2]),
        product_signature("A", Tuple, &["a", "b"], &[1, 2]),
        product_signature("B", Struct, &["a", "b"], &[1, 2]),
        product_signature("A", Struct, &["a"], &[1]),
        enum_signature("A", &[1, 2]),
        enum_signature("A", &[2, 1]),
        enum_signature("A", &[1, 2, 0]),
        enum_signature("B", &[1, 2]),
    ];
    for (index, signature) in signatures.iter().enumerate() {
        assert!(!signatures[..index].contains(signature), "{index}");
    }
    assert_eq!(enum_fixed_size(&[Some(4), Some(4)]), Some(6));
    assert_eq!(enum_fixed_size(&[Some(4), Some(5)]), None);
    assert_eq!(enum_fixed_size(&[Some(4), None]), None);
    assert_eq!(enum_fixed_size(&[]), None);
}

/// What a call records of one value, as a reader sees it, and whether each is taken.
#[track_caller]
fn recorded<V: Value>(value: V) -> (String, bool) {
    let args = (value, ());
    let is_readable = args.is_readable();
    let mut types = Vec::new();
    <(V, ()) as Args>::describe(&mut types);
    let mut bytes = vec![0; Args::size(&args)];
    // SAFETY: there is room for the size.
    unsafe { Args::write(&args, bytes.as_mut_ptr()) };
    assert!(types[0].depth() <= stenolog_format::types::MAX_TYPE_DEPTH);
    let mut cursor = Cursor::new(&bytes, Encoding::Raw);
    let read = Read::read(&mut cursor, &types[0]);
    assert_eq!(read.is_ok(), is_readable, "{:?} {:?}", read.err(), <(V, ()) as Args>::BOUND);
    (
        read.map_or_else(
            |error| error.to_string(),
            |read| format!("{read:?}").chars().take(90).collect(),
        ),
        is_readable,
    )
}

/// A value in 2 to the power of some options.
macro_rules! nested {
    ($value:expr;) => { $value };
    ($value:expr; $_:tt $($rest:tt)*) => { nested!(Some(Some(Some(Some(Some(Some(Some(Some($value)))))))); $($rest)*) };
}

#[test]
fn what_no_reader_takes_is_not_written() {
    let refused = |text: &str| (format!("Formatted({text:?})"), true);
    // Types, whatever their values are.
    assert!(recorded(nested!(1_u8; 1 2 3 4 5 6 7)).1);
    assert_eq!(recorded(Some(nested!(1_u8; 1 2 3 4 5 6 7))).0.len(), 90);
    let deep = refused("<not recorded: a type nested deeper than 64 levels>");
    assert_eq!(recorded(nested!(1_u8; 1 2 3 4 5 6 7 8)), deep);
    let many = refused("<not recorded: too many elements without bytes>");
    assert!(recorded([(); 65_534]).0.starts_with("List([Unit, Unit"));
    assert_eq!(recorded([(); 65_535]), many);
    assert_eq!(recorded([[(); 4096]; 17]), many);
    assert_eq!(recorded([((), ()); 40_000]), many);
    assert_eq!(recorded([[None::<u8>; 0]; 70_000]), many);
    // Values, of types that others have too.
    assert!(recorded(vec![[(); 4096]; 7]).1);
    assert!(!recorded(vec![[(); 4096]; 17]).1);
    assert!(recorded(vec![vec![(); 4096]; 16]).1);
    assert!(!recorded(vec![vec![(); 4096]; 17]).1);
    let wide = |n: usize| vec![(1_u8, [((), (), (), (), (), (), (), (), (), (), (), ()); 10]); n];
    assert!(recorded(wide(400)).1);
    assert!(!recorded(wide(2_000)).1);
}

#[test]
fn types_that_are_always_readable_are_not_looked_at() {
    const fn is_free<A: Args>() -> bool {
        A::BOUND.is_always_readable()
    }
    const {
        assert!(is_free::<(&str, (Option<Vec<(u8, f64)>>, ([u8; 1 << 20], ())))>());
        assert!(is_free::<(Vec<Option<[u64; 100]>>, (Duration, ([(); 1000], ())))>());
        assert!(is_free::<(Vec<()>, (Redacted, ()))>());
        assert!(!is_free::<(Vec<Vec<()>>, ())>());
    }
}

#[cfg(feature = "serde")]
mod serde {
    use std::collections::BTreeMap;

    use ::serde::Serialize;
    use postcard_schema::Schema;

    use super::super::Encoded;
    use super::check;

    #[derive(Serialize, Schema)]
    struct Order {
        id: u64,
        name: Option<String>,
        sides: Vec<Side>,
        array: [u16; 3],
        pair: (i8, f32),
        letter: char,
    }

    #[derive(Serialize, Schema)]
    enum Side {
        Unit,
        Newtype(u16),
        Tuple(u8, u128),
        Struct { a: bool },
    }

    #[derive(Serialize, Schema)]
    struct Newtype(i64);

    #[derive(Serialize, Schema)]
    struct Unit;

    #[test]
    fn serialised_values_are_read_without_their_type() {
        let order = Order {
            id: 300,
            name: Some("x".into()),
            sides: vec![
                Side::Unit,
                Side::Newtype(9),
                Side::Tuple(1, u128::MAX),
                Side::Struct { a: true },
            ],
            array: [1, 2, 300],
            pair: (-1, 0.5),
            letter: 'ü',
        };
        check(
            &Encoded::new(&order),
            "Struct(Product { name: \"Order\", shape: Struct, fields: [(\"id\", U64(300)), \
             (\"name\", Some(Str(\"x\"))), (\"sides\", List([\
             Variant(Product { name: \"Unit\", shape: Unit, fields: [] }), \
             Variant(Product { name: \"Newtype\", shape: Tuple, fields: [(\"\", U16(9))] }), \
             Variant(Product { name: \"Tuple\", shape: Tuple, fields: [(\"\", U8(1)), (\"\", \
             U128(340282366920938463463374607431768211455))] }), \
             Variant(Product { name: \"Struct\", shape: Struct, fields: [(\"a\", Bool(true))] })])), \
             (\"array\", List([U16(1), U16(2), U16(300)])), \
             (\"pair\", Tuple([I8(-1), F32(0.5)])), (\"letter\", Char('ü'))] })",
        );
        check(
            &Encoded::new(&Newtype(-5)),
            "Struct(Product { name: \"Newtype\", shape: Tuple, fields: [(\"\", I64(-5))] })",
        );
        check(&Encoded::new(&Unit), "Struct(Product { name: \"Unit\", shape: Unit, fields: [] })");
        check(
            &Encoded::new(&BTreeMap::from([("a".to_owned(), 1_u8)])),
            "Map([(Str(\"a\"), U8(1))])",
        );
        check(&Encoded::new(&vec![7_u8; 500]), &format!("Bytes({:?})", vec![7_u8; 500]));
    }
}
