//! Arguments are evaluated once, in order, and only for an enabled call.

use std::cell::RefCell;
use std::fmt;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime};

use stenolog::{Level, debug, event, info, trace};
use stenolog_tests::LogFixture;

use crate::Shown;

#[test]
fn arguments_are_evaluated_once_in_order() {
    let mut fixture = LogFixture::new();
    let order = RefCell::new(Vec::new());
    let note = |name: &'static str| {
        order.borrow_mut().push(name);
        name
    };
    let now = || {
        note("at");
        SystemTime::now()
    };
    info!(
        a = note("a"),
        at: now(),
        b = ?Shown(note("b")),
        "{2} {0} {0:?} {1} {last}",
        note("c"),
        Shown(note("d")),
        note("e"),
        last = note("f"),
    );
    assert_eq!(*order.borrow(), ["a", "at", "b", "c", "d", "e", "f"]);
    assert_eq!(fixture.messages(), ["e c \"c\" d f"]);
}

#[test]
fn arguments_of_disabled_calls_are_not_evaluated() {
    let mut fixture = LogFixture::with(|builder| builder.filter("info"));
    let never = || -> u8 { panic!("evaluated") };
    for level in [Level::Debug, Level::Trace] {
        event!(level, a = never(), "{}", never());
    }
    debug!(a = never(), "{}", never());
    trace!(at: SystemTime::now() + Duration::from_secs(never().into()), "{}", never());
    info!("enabled");
    assert_eq!(fixture.messages(), ["enabled"]);
}

#[test]
fn arguments_are_only_borrowed() {
    let mut fixture = LogFixture::new();
    let (text, mut number) = (String::from("text"), 1);
    let borrowed = &mut number;
    info!(text, "{text} {borrowed} {}", text);
    *borrowed += 1;
    info!("{} {}", &String::from("temporary"), *borrowed);
    drop(text);
    assert_eq!(fixture.messages(), ["text 1 text", "temporary 2"]);
}

#[test]
fn control_flow_leaves_from_arguments() {
    fn question(text: &str) -> Result<u8, std::num::ParseIntError> {
        info!("parsed {}", text.parse::<u8>()?);
        Ok(1)
    }

    fn returns(early: bool) -> &'static str {
        info!(early, "{}", if early { return "early" } else { 1 });
        "late"
    }

    let mut fixture = LogFixture::new();
    assert!(question("x").is_err());
    assert!(question("5").is_ok());
    assert_eq!((returns(true), returns(false)), ("early", "late"));
    for number in 0.. {
        match number {
            1 => info!("{}", if number == 1 { continue } else { 0 }),
            3 => info!(number = if number == 3 { break } else { 2 }),
            _ => info!("number {number}"),
        }
    }
    assert_eq!(fixture.messages(), ["parsed 5", "1", "number 0", "number 2"]);
}

#[test]
fn a_panic_in_an_argument_leaves_no_record_and_no_harm() {
    fn panics() -> u8 {
        panic!("in an argument")
    }

    struct Panics;

    impl Display for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("begun")?;
            panic!("in Display")
        }
    }

    let mut fixture = LogFixture::new();
    for _ in 0..3 {
        let argument = || info!("{} {}", 1, panics());
        assert!(catch_unwind(AssertUnwindSafe(argument)).is_err());
        assert!(catch_unwind(|| info!("{} {}", 1, Panics)).is_err());
        assert!(catch_unwind(|| info!(field = %Panics, "{}", 1)).is_err());
        info!("alive");
    }
    assert_eq!(fixture.messages(), ["alive"; 3]);
}

#[test]
fn arguments_may_log_themselves() {
    struct Logs(u8);

    impl Display for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!("printing {}", self.0);
            write!(f, "{}", self.0)
        }
    }

    fn logs(number: u8) -> u8 {
        info!("computing {number}");
        number
    }

    let mut fixture = LogFixture::new();
    info!(a = logs(1), "{} {} {}", logs(2), Logs(3), {
        info!("inner {}", logs(4));
        5
    });
    assert_eq!(
        fixture.messages(),
        ["computing 1", "computing 2", "computing 4", "inner 4", "printing 3", "2 3 5"]
    );
}
