//! Messages read as `format!` writes them, whatever the arguments are.

use std::collections::HashMap;
use std::fmt;
use std::fmt::{Debug, Display};
use std::time::{Duration, UNIX_EPOCH};

use stenolog::info;
use stenolog_tests::LogFixture;

use crate::{Order, Shown, Side, Unit};

/// Logs what it formats, and expects to read it.
macro_rules! both {
    ($expected:ident: $($call:tt)*) => {
        info!($($call)*);
        $expected.push(format!($($call)*));
    };
}

#[test]
fn messages_read_as_format_writes_them() {
    let mut fixture = LogFixture::new();
    let mut expected = Vec::new();
    let (qty, price, name, width) = (3, 2.345, "näme", 9);
    both!(expected: "placed");
    both!(expected: "{{}} {qty} {} {0} {1:?} {price:.2}", qty, name);
    both!(expected: "{:>width$}|{:<9}|{:^+9.1}|{:*^w$.p$}|{:09.3}", qty, name, price, name, price, w = 8, p = 2);
    both!(expected: "{:.*}|{:#x}|{:#010b}|{:e}|{:X}|{:o}", 1, price, qty, qty, price, 255_u8, -1_i8);
    both!(expected: "{:?} {:#?} {:x?} {:#X?}", (qty, name), Some([1, 2]), [10, 11], Some(255));
    both!(expected: "{:?} {:?} {:?}", Duration::from_micros(1500), 'ü', "a\n\"");
    both!(expected: "{} {:?}", std::net::Ipv4Addr::LOCALHOST, UNIX_EPOCH);
    both!(expected: "{:?} {:?}", vec![String::new()], Box::new([0.1_f32; 2]));
    both!(expected: r#"raw {qty} \n "#);
    assert_eq!(fixture.messages(), expected);
}

#[test]
fn what_only_prints_is_printed_at_the_call() {
    let mut fixture = LogFixture::new();
    let mut expected = Vec::new();
    let shown = Shown("shown");
    let (width, list) = (8, HashMap::from([(1, Shown("x"))]));
    both!(expected: "{shown} {} {:?} {:>8} {shown:^w$.p$} {:#010x}", shown, shown, shown, shown, w = 7, p = 3);
    both!(expected: "{:width$.*} {list:?} {:#?}", 2, shown, list);
    both!(expected: "{}", format_args!("{} {:>4}", 1, 2));
    both!(expected: "{}", &shown as &dyn Display);
    let pointer = &raw const width;
    both!(expected: "{pointer:p} {:p} {:>20p}", &width, pointer);
    assert_eq!(fixture.messages(), expected);
}

#[test]
fn records_print_as_derived_debug_prints_them() {
    let mut fixture = LogFixture::new();
    let mut expected = Vec::new();
    for side in [Side::Buy, Side::Sell(3, "x".into()), Side::Both { r#in: [1, 2], unit: Unit }] {
        let order = Order { id: 7, r#type: Some("limit"), price: 1.5, side: side.clone() };
        both!(expected: "{order:?}");
        both!(expected: "{order:#?} {:?} {:x?}", &[&side], Some(&order));
    }
    assert_eq!(fixture.messages(), expected);
}

#[test]
fn a_failing_display_is_a_mark_in_the_text() {
    struct Fails;

    impl Display for Fails {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("begun ")?;
            Err(fmt::Error)
        }
    }

    let mut fixture = LogFixture::new();
    info!("<{}>", Fails);
    assert_eq!(fixture.messages(), ["<begun <error: formatting failed>>"]);
}

#[test]
fn one_call_site_serves_every_type() {
    fn displayed<T: Display>(value: T) {
        info!("{value}");
    }

    fn recorded<T: stenolog::Value + Debug>(value: T) {
        info!("{value:?} {}", 1);
    }

    fn sized<const N: usize>(value: [u8; N]) {
        info!("{value:?}");
    }

    let mut fixture = LogFixture::new();
    for number in 0..2 {
        displayed(number);
        displayed("text");
        displayed(Shown("shown"));
        recorded(number);
        recorded("text");
        recorded(Some(1.5));
        recorded(Side::Buy);
        sized([1, 2]);
        sized([3]);
    }
    let messages = fixture.messages();
    assert_eq!(
        messages[..9],
        ["0", "text", "shown", "0 1", "\"text\" 1", "Some(1.5) 1", "Buy 1", "[1, 2]", "[3]"]
    );
    assert_eq!(messages[9..12], ["1", "text", "shown"]);
}

#[test]
fn a_long_text_is_whole() {
    let mut fixture = LogFixture::new();
    let (long, shown) = ("ä".repeat(1000), Shown("shown"));
    info!("{long} {shown:>1000}");
    assert_eq!(fixture.messages(), [format!("{long} {shown:>1000}")]);
}
