//! The decoded message is what `format!` would have written, byte for byte, all the way from the
//! macro through ring, dump and decoder.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::num::NonZero;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use stenolog::{Record, info};
use stenolog_tests::LogFixture;

/// Logs and formats the same, and compares when the dump is read.
struct Both {
    fixture: LogFixture,
    expected: RefCell<Vec<String>>,
}

macro_rules! both {
    ($both:expr, $($call:tt)+) => {{
        info!($($call)+);
        $both.expected.borrow_mut().push(format!($($call)+));
    }};
}

/// One value under every spec that its traits allow.
macro_rules! all_specs {
    ($both:expr, $value:expr, display) => {{
        let value = &$value;
        both!($both, "{value} {value:5} {value:<12}| {value:^12}| {value:>12}|");
        both!($both, "{:*<9} {:é^30} {:->31}", value, value, value);
        let (width, precision) = (14, 3);
        both!(
            $both,
            "{value:width$}|{value:.precision$}|{value:width$.precision$}|{:.*}",
            2,
            value
        );
        all_specs!($both, $value, debug);
    }};
    ($both:expr, $value:expr, debug) => {{
        let value = &$value;
        both!(
            $both,
            "{value:?}|{value:#?}|{value:20?}|{value:#<20?}|{value:x?}|{value:#X?}|{value:02x?}"
        );
    }};
    ($both:expr, $value:expr, integer) => {{
        let value = &$value;
        all_specs!($both, $value, display);
        both!($both, "{value:+} {value:05} {value:+08} {value:<05} {value:#010}");
        both!(
            $both,
            "{value:x} {value:#X} {value:#010x} {value:o} {value:#o} {value:b} {value:#b}"
        );
        both!($both, "{value:e} {value:E} {value:+.2e} {value:012e}");
    }};
    ($both:expr, $value:expr, float) => {{
        let value = &$value;
        all_specs!($both, $value, display);
        both!(
            $both,
            "{value:+} {value:08.2} {value:+012.4} {value:.0} {value:e} {value:.3E} {value:+e}"
        );
        both!($both, "{value:?} {value:.1?} {value:+?} {value:010?}");
    }};
}

impl Both {
    fn new() -> Self {
        Self { fixture: LogFixture::new(), expected: RefCell::default() }
    }

    #[track_caller]
    fn check(mut self) {
        let found = self.fixture.messages();
        let expected = self.expected.into_inner();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn random_values_of_every_native_type() {
    let both = Both::new();
    let mut runner = TestRunner::new(Config { cases: 60, ..Config::default() });
    let values = (
        any::<(u8, u16, u32, u64, u128, usize)>(),
        any::<(i8, i16, i32, i64, i128, isize)>(),
        any::<(f32, f64)>(),
        any::<(bool, char, String)>(),
        any::<(Option<u16>, [i32; 3], Vec<u8>)>(),
        (0..1_u64 << 40, 0..1_000_000_000_u32, any::<IpAddr>(), any::<u16>()),
    );
    runner
        .run(&values, |(unsigned, signed, floats, texts, lists, times)| {
            all_specs!(both, unsigned.0, integer);
            all_specs!(both, unsigned.1, integer);
            all_specs!(both, unsigned.2, integer);
            all_specs!(both, unsigned.3, integer);
            all_specs!(both, unsigned.4, integer);
            all_specs!(both, unsigned.5, integer);
            all_specs!(both, signed.0, integer);
            all_specs!(both, signed.1, integer);
            all_specs!(both, signed.2, integer);
            all_specs!(both, signed.3, integer);
            all_specs!(both, signed.4, integer);
            all_specs!(both, signed.5, integer);
            all_specs!(both, floats.0, float);
            all_specs!(both, floats.1, float);
            all_specs!(both, texts.0, display);
            all_specs!(both, texts.1, display);
            all_specs!(both, texts.2, display);
            all_specs!(both, texts.2.as_str(), display);
            all_specs!(both, lists.0, debug);
            all_specs!(both, lists.1, debug);
            all_specs!(both, lists.2, debug);
            all_specs!(both, (lists.0, &lists.1[..], texts.2.as_str(), floats.1), debug);
            let duration = Duration::new(times.0, times.1);
            both!(both, "{duration:?} {duration:.3?} {duration:+12.1?} {duration:>20?}");
            let time = SystemTime::UNIX_EPOCH + duration;
            both!(both, "{time:?} {:#?}", SystemTime::UNIX_EPOCH - duration);
            all_specs!(both, times.2, display);
            all_specs!(both, SocketAddr::new(times.2, times.3), display);
            Ok(())
        })
        .unwrap();
    both.check();
}

#[test]
fn values_at_the_edge() {
    let both = Both::new();
    for value in [
        0.0,
        -0.0,
        1.0,
        0.1,
        1e15,
        1e16,
        1e17,
        1e-4,
        1e-5,
        1e-7,
        f64::MAX,
        f64::MIN_POSITIVE,
        5e-324,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.5,
        1.5,
        2.5,
        0.125,
        999_999.999_999_5,
    ] {
        all_specs!(both, value, float);
        all_specs!(both, value as f32, float);
    }
    for value in ["", "\"", "\\", "\n\t\r\0", "\u{1b}[31m", "é\u{301}", "👩‍👩‍👧", "\u{202e}abc", "'"]
    {
        all_specs!(both, value, display);
        value.chars().for_each(|c| all_specs!(both, c, display));
    }
    all_specs!(both, i128::MIN, integer);
    all_specs!(both, u128::MAX, integer);
    all_specs!(both, NonZero::<u8>::MAX, integer);
    all_specs!(both, Box::new(7_i8), display);
    all_specs!(both, Rc::new(String::from("rc")), display);
    all_specs!(both, Cow::Borrowed("cow"), display);
    all_specs!(both, SocketAddrV4::new([127, 0, 0, 1].into(), 80), display);
    all_specs!(both, SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, 3), display);
    all_specs!(both, ((), (1,), [(); 2], [[1_u8; 2]; 2], Some(Some(None::<f32>))), debug);
    all_specs!(both, vec![Some("a"), None], debug);
    both.check();
}

#[test]
fn whatever_else_prints_is_formatted_at_the_call() {
    struct Money(i64);
    impl fmt::Display for Money {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.pad_integral(
                self.0 >= 0,
                "",
                &format!("{}.{:02}", self.0.abs() / 100, self.0.abs() % 100),
            )
        }
    }
    impl fmt::LowerHex for Money {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::LowerHex::fmt(&self.0, f)
        }
    }
    #[derive(Debug)]
    struct Opaque<'a> {
        _inner: BTreeMap<&'a str, f32>,
    }
    let both = Both::new();
    let (money, width) = (Money(-123_456), 14);
    let opaque = Opaque { _inner: [("a", 1.5), ("b", -0.0)].into() };
    both!(both, "{money} {money:>12} {:+} {money:#x} {money:width$} {0:*^1$}", money, 16);
    both!(both, "{opaque:?} {opaque:#?} {:5.1?}", opaque);
    both!(both, "{}", format_args!("{} and {}", 1, "two"));
    let dynamic: &dyn fmt::Display = &money;
    both!(both, "{dynamic} {:?}", std::io::Error::other("disk").to_string());
    both!(both, "{:?}", std::cell::Cell::new(5));
    both.check();
}

#[test]
fn structs_and_enums_with_the_derive_print_as_derived_debug() {
    #[derive(Debug, Clone, Copy, Record)]
    struct Unit;
    #[derive(Debug, Clone, Copy, Record)]
    struct Pair(u8, f64);
    #[derive(Debug, Clone, Record)]
    struct Order<'a> {
        id: u64,
        name: &'a str,
        side: Side,
        legs: Vec<Pair>,
        parent: Option<Unit>,
    }
    #[derive(Debug, Clone, Copy, Record)]
    enum Side {
        Buy,
        Limit { price: f64, r#type: char },
        Both(Unit, Pair),
    }
    let both = Both::new();
    for side in
        [Side::Buy, Side::Limit { price: -1.5, r#type: 'x' }, Side::Both(Unit, Pair(1, 2.0))]
    {
        let order =
            Order { id: 5, name: "a\"b", side, legs: vec![Pair(255, 0.1); 2], parent: Some(Unit) };
        all_specs!(both, order, debug);
        all_specs!(both, Some(side), debug);
    }
    both.check();
}

#[test]
fn collections_print_as_std_prints_them() {
    let both = Both::new();
    let map: HashMap<u8, &str> = (0..20).map(|key| (key, "text\n")).collect();
    all_specs!(both, map, debug);
    all_specs!(both, map.keys().copied().collect::<HashSet<u8>>(), debug);
    all_specs!(both, BTreeMap::from([("a".to_owned(), Some(1.5)), ("b".into(), None)]), debug);
    all_specs!(both, BTreeMap::from([((1, 'x'), BTreeSet::from([1, 2]))]), debug);
    all_specs!(both, BTreeSet::from(["a", "b\""]), debug);
    all_specs!(both, BTreeSet::<u8>::new(), debug);
    all_specs!(both, BTreeMap::<u8, ()>::new(), debug);
    all_specs!(both, BTreeMap::from([(1, ())]), debug);
    let mut deque = VecDeque::from([2, 3]);
    deque.push_front(1);
    all_specs!(both, deque, debug);
    all_specs!(both, BinaryHeap::from([3, 1, 2]), debug);
    all_specs!(both, LinkedList::from([vec!["x"], vec![]]), debug);
    all_specs!(both, (Some(HashMap::from([(1, [2])])), [VecDeque::from([1_u64])]), debug);
    both.check();
}

#[test]
fn generic_functions_record_each_type_as_it_is() {
    fn value<T: stenolog::Value + fmt::Debug>(both: &Both, value: T) {
        both!(both, "{value:?}");
    }
    fn array<const N: usize>(both: &Both, value: [u16; N]) {
        both!(both, "{value:?} {N}");
    }
    fn display<T: fmt::Display>(both: &Both, value: T) {
        both!(both, "{value:>8}");
    }
    let both = Both::new();
    for _ in 0..3 {
        value(&both, 1_u8);
        value(&both, -1_i64);
        value(&both, "text");
        value(&both, Some(0.5));
        value(&both, [1_u8; 4]);
        array(&both, [1]);
        array(&both, [1, 2, 3]);
        display(&both, 7);
        display(&both, "seven");
    }
    both.check();
}

#[test]
fn strings_of_every_length_around_a_block() {
    let both = Both::new();
    for length in (0..200).chain([4_095, 4_096, 65_535, 65_536, 500_000]) {
        let text = "ü".repeat(length / 2);
        both!(both, "{text}|{}", length);
    }
    both.check();
}
