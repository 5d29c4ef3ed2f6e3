//! A call records what it says, evaluates what it is given as `format!` would, and is at home
//! wherever an expression is.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::{self, Debug, Display};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use stenolog::{Level, Record, debug, error, event, info, trace, warn};
use stenolog_tests::Scene;

/// Logs what it formats, and expects to read it.
macro_rules! both {
    ($expected:ident: $($call:tt)*) => {
        info!($($call)*);
        $expected.push(format!($($call)*));
    };
}

#[derive(Debug, Record)]
struct Order<'a, T> {
    id: u64,
    r#type: Option<&'a str>,
    price: T,
    side: Side,
}

#[derive(Clone, Debug, Record)]
enum Side {
    Buy,
    Sell(u8, String),
    Both { r#in: [u8; 2], unit: Unit },
}

#[derive(Clone, Debug, Record)]
struct Unit;

/// Prints, and can only be printed.
struct Shown(&'static str);

impl Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

impl Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown({:?})", self.0)
    }
}

impl fmt::LowerHex for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad_integral(true, "0x", "5e")
    }
}

/// The fields of the only record.
#[track_caller]
fn only_fields(scene: &mut Scene) -> Value {
    let records = scene.finish();
    let [record] = &records[..] else { panic!("one record, not {records:?}") };
    record["fields"].clone()
}

#[test]
fn messages_read_as_format_writes_them() {
    let mut scene = Scene::new();
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
    assert_eq!(scene.messages(), expected);
}

#[test]
fn what_only_prints_is_printed_at_the_call() {
    let mut scene = Scene::new();
    let mut expected = Vec::new();
    let shown = Shown("shown");
    let (width, list) = (8, HashMap::from([(1, Shown("x"))]));
    both!(expected: "{shown} {} {:?} {:>8} {shown:^w$.p$} {:#010x}", shown, shown, shown, shown, w = 7, p = 3);
    both!(expected: "{:width$.*} {list:?} {:#?}", 2, shown, list);
    both!(expected: "{}", format_args!("{} {:>4}", 1, 2));
    both!(expected: "{}", &shown as &dyn Display);
    let pointer = &raw const width;
    both!(expected: "{pointer:p} {:p} {:>20p}", &width, pointer);
    assert_eq!(scene.messages(), expected);
}

#[test]
fn records_print_as_derived_debug_prints_them() {
    let mut scene = Scene::new();
    let mut expected = Vec::new();
    for side in [Side::Buy, Side::Sell(3, "x".into()), Side::Both { r#in: [1, 2], unit: Unit }] {
        let order = Order { id: 7, r#type: Some("limit"), price: 1.5, side: side.clone() };
        both!(expected: "{order:?}");
        both!(expected: "{order:#?} {:?} {:x?}", &[&side], Some(&order));
    }
    assert_eq!(scene.messages(), expected);
}

#[test]
fn fields_are_typed() {
    #[derive(serde::Serialize, postcard_schema::Schema)]
    struct Serialised {
        id: u32,
        names: Vec<String>,
    }

    let mut scene = Scene::new();
    let order = Order { id: 1, r#type: None, price: -0.5, side: Side::Sell(2, "y".into()) };
    let shown = Shown("shown");
    let pair = (1, ("a", 2));
    info!(
        order,
        order.id,
        pair.1.0,
        ?pair,
        %shown,
        debug = ?shown,
        bare = shown,
        user.name = "me",
        "with space" = true,
        type = 1_u8,
        r#in = 2_u8,
        serialised = Serialised { id: 5, names: vec!["n".into()] },
        none = None::<u8>,
        list = [1_u64, 2],
        "message {}", order.price,
    );
    assert_eq!(
        only_fields(&mut scene),
        json!({
            "order": {"id": 1, "type": null, "price": -0.5, "side": {"Sell": [2, "y"]}},
            "order.id": 1,
            "pair.1.0": "a",
            "pair": [1, ["a", 2]],
            "shown": "shown",
            "debug": "Shown(\"shown\")",
            "bare": "shown",
            "user.name": "me",
            "with space": true,
            "type": 1,
            "in": 2,
            "serialised": {"id": 5, "names": ["n"]},
            "none": null,
            "list": [1, 2],
            "price": -0.5,
        })
    );
}

#[test]
fn a_value_that_cannot_be_serialised_costs_only_itself() {
    #[derive(postcard_schema::Schema)]
    struct Refuses {
        _id: u32,
    }
    impl serde::Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    let mut scene = Scene::new();
    info!(before = 1, refused = Refuses { _id: 1 }, after = 2);
    assert_eq!(
        only_fields(&mut scene),
        json!({"before": 1, "refused": "<could not be serialised>", "after": 2})
    );
}

#[test]
fn a_value_that_is_serialised_otherwise_than_described_costs_only_itself() {
    use std::collections::BTreeMap;

    use postcard_schema::Schema;
    use serde::Serialize;

    #[derive(Serialize, Schema)]
    struct Skipped {
        id: u32,
        #[serde(skip)]
        _token: String,
        user: String,
    }
    #[derive(Serialize, Schema)]
    struct SkippedIfNone {
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        quantity: u32,
    }
    #[derive(Clone, Copy, Serialize, Schema)]
    struct Inner {
        a: u8,
        b: u8,
    }
    #[derive(Serialize, Schema)]
    struct Flat {
        #[serde(flatten)]
        inner: Inner,
        c: u8,
    }
    // Two bytes either way: only the serialiser's calls tell that the first is gone.
    #[derive(Serialize, Schema)]
    struct LooksRight {
        #[serde(skip)]
        _gone: u8,
        kept: u8,
        more: (),
    }
    #[derive(Serialize, Schema)]
    #[serde(untagged)]
    enum Untagged {
        Number(u32),
    }
    #[derive(Serialize, Schema)]
    #[serde(tag = "kind")]
    enum Tagged {
        Number { of: u32 },
    }
    #[derive(Serialize, Schema)]
    struct With {
        #[serde(serialize_with = "as_text")]
        number: u32,
    }
    fn as_text<S: serde::Serializer>(number: &u32, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(number)
    }
    #[derive(Serialize, Schema)]
    struct Swapped {
        first: u8,
        second: u8,
    }
    #[derive(Schema)]
    struct ByHand {
        _first: u8,
        _second: u8,
    }
    impl Serialize for ByHand {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct;
            let mut to = to.serialize_struct("ByHand", 2)?;
            to.serialize_field("_second", &self._second)?;
            to.serialize_field("_first", &self._first)?;
            to.end()
        }
    }
    // What only has other names is read as it is.
    #[derive(Serialize, Schema)]
    #[serde(rename_all = "camelCase")]
    struct Renamed {
        order_id: u64,
        newtype: Newtype,
        nested: BTreeMap<String, (i8, Option<char>)>,
    }
    #[derive(Serialize, Schema)]
    struct Newtype(Vec<Wrapped>);
    #[derive(Serialize, Schema)]
    #[serde(transparent)]
    struct Wrapped {
        it: f32,
    }

    let mut scene = Scene::new();
    let inner = Inner { a: 1, b: 2 };
    info!(
        before = 1,
        skipped = Skipped { id: 7, _token: "t".into(), user: "ann".into() },
        if_none = SkippedIfNone { limit: None, quantity: 3 },
        if_some = SkippedIfNone { limit: Some(2), quantity: 3 },
        flat = Flat { inner, c: 3 },
        looks_right = LooksRight { _gone: 1, kept: 2, more: () },
        untagged = Untagged::Number(1),
        tagged = Tagged::Number { of: 1 },
        with = With { number: 1 },
        list = vec![SkippedIfNone { limit: None, quantity: 3 }],
        swapped = Swapped { first: 1, second: 2 },
        by_hand = ByHand { _first: 1, _second: 2 },
        renamed = Renamed {
            order_id: 1,
            newtype: Newtype(vec![Wrapped { it: 0.5 }]),
            nested: [("k".to_owned(), (-1, Some('c')))].into(),
        },
        after = 2,
    );
    let sign = "<not readable: serialised otherwise than its schema says>";
    assert_eq!(
        only_fields(&mut scene),
        json!({
            "before": 1,
            "skipped": sign,
            "if_none": sign,
            "if_some": {"limit": 2, "quantity": 3},
            "flat": sign,
            "looks_right": sign,
            "untagged": sign,
            "tagged": sign,
            "with": sign,
            "list": sign,
            "swapped": {"first": 1, "second": 2},
            "by_hand": sign,
            "renamed": {"order_id": 1, "newtype": [{"it": 0.5}], "nested": {"k": [-1, "c"]}},
            "after": 2,
        })
    );
}

#[test]
fn lists_without_size_are_recorded_up_to_what_readers_take() {
    let scene = Scene::new();
    info!("{:?}", vec![(); 4096]);
    info!("{:?}", vec![(); 4097]);
    info!("after");
    scene.logger().flush().unwrap();
    assert_eq!(scene.logger().stats().lost, 1);
    let (records, summary) = stenolog_tests::read(scene.path());
    assert!(summary.damage.is_empty(), "{summary:?}");
    assert_eq!(stenolog_tests::message(&records[0]), format!("{:?}", vec![(); 4096]));
    assert_eq!(stenolog_tests::message(&records[2]), "after");
}

#[test]
fn keys_say_target_time_and_level() {
    let mut scene = Scene::new();
    let noon = UNIX_EPOCH + Duration::new(1_700_000_000, 5);
    for level in Level::ALL {
        event!(level, at: noon, target: "events", number = level as u8, "{level}");
        event!(target: concat!("ev", "ents"), at: &noon, level, "{level}");
    }
    trace!(target: "events", at: noon, "TRACE");
    debug!(at: noon, target: "events", "DEBUG");
    info!(a = 1, at: 1_700_000_000_000_000_005_u64, target: "events", "INFO");
    warn!(at: 1_700_000_000_000_000_005_i64, a = 1, target: "events", "WARN");
    error!(at: noon, target: "events", a = 1, "ERROR");
    info!("here");
    let records = scene.finish();
    let (here, rest) = records.split_last().expect("records");
    assert_eq!(rest.len(), 15);
    for record in rest {
        assert_eq!(record["level"], record["message"]);
        assert_eq!(record["target"], "events");
        assert_eq!(record["timestamp"], "2023-11-14T22:13:20.000000005Z");
    }
    assert_eq!(here["target"], module_path!());
    assert_eq!(here["file"], file!());
}

#[test]
fn instants_and_timestamps_say_when() {
    let mut scene = Scene::new();
    let minute = Duration::from_secs(60);
    let (instant, timestamp) = (Instant::now(), stenolog::Timestamp::now());
    info!("now");
    info!(at: instant + minute, "4");
    info!(at: &(instant - minute), "2");
    info!(at: timestamp + 2 * minute, "5");
    info!(at: timestamp - 2 * minute, "1");
    info!(at: stenolog::Timestamp::from_instant(instant + 3 * minute), took = timestamp.elapsed(), "6");
    // Within a thread records keep their order, whatever their times are.
    let mut records = scene.finish();
    records.sort_by_key(|record| record["timestamp"].as_str().unwrap().to_owned());
    let messages: Vec<_> = records.iter().map(stenolog_tests::message).collect();
    assert_eq!(messages, ["1", "2", "now", "4", "5", "6"]);
}

#[test]
fn arguments_are_evaluated_once_in_order() {
    let mut scene = Scene::new();
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
    assert_eq!(scene.messages(), ["e c \"c\" d f"]);
}

#[test]
fn arguments_of_disabled_calls_are_not_evaluated() {
    let mut scene = Scene::with(|builder| builder.filter("info"));
    let never = || -> u8 { panic!("evaluated") };
    for level in [Level::Debug, Level::Trace] {
        event!(level, a = never(), "{}", never());
    }
    debug!(a = never(), "{}", never());
    trace!(at: SystemTime::now() + Duration::from_secs(never().into()), "{}", never());
    info!("enabled");
    assert_eq!(scene.messages(), ["enabled"]);
}

#[test]
fn arguments_are_only_borrowed() {
    let mut scene = Scene::new();
    let (text, mut number) = (String::from("text"), 1);
    let borrowed = &mut number;
    info!(text, "{text} {borrowed} {}", text);
    *borrowed += 1;
    info!("{} {}", &String::from("temporary"), *borrowed);
    drop(text);
    assert_eq!(scene.messages(), ["text 1 text", "temporary 2"]);
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

    let mut scene = Scene::new();
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
    assert_eq!(scene.messages(), ["parsed 5", "1", "number 0", "number 2"]);
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

    let mut scene = Scene::new();
    for _ in 0..3 {
        let argument = || info!("{} {}", 1, panics());
        assert!(catch_unwind(AssertUnwindSafe(argument)).is_err());
        assert!(catch_unwind(|| info!("{} {}", 1, Panics)).is_err());
        assert!(catch_unwind(|| info!(field = %Panics, "{}", 1)).is_err());
        info!("alive");
    }
    assert_eq!(scene.messages(), ["alive"; 3]);
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

    let mut scene = Scene::new();
    info!("<{}>", Fails);
    assert_eq!(scene.messages(), ["<begun <error: formatting failed>>"]);
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

    let mut scene = Scene::new();
    info!(a = logs(1), "{} {} {}", logs(2), Logs(3), {
        info!("inner {}", logs(4));
        5
    });
    assert_eq!(
        scene.messages(),
        ["computing 1", "computing 2", "computing 4", "inner 4", "printing 3", "2 3 5"]
    );
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

    let mut scene = Scene::new();
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
    let messages = scene.messages();
    assert_eq!(
        messages[..9],
        ["0", "text", "shown", "0 1", "\"text\" 1", "Some(1.5) 1", "Buy 1", "[1, 2]", "[3]"]
    );
    assert_eq!(messages[9..12], ["1", "text", "shown"]);
}

#[test]
fn calls_stand_in_async_code_and_closures() {
    async fn twice(number: impl Future<Output = u8> + Send) -> u8 {
        info!("waiting");
        let number = number.await;
        info!("{} and {}", std::future::ready(number).await, number);
        number
    }

    fn assert_send<T: Send>(value: T) -> T {
        value
    }

    let mut scene = Scene::new();
    let mut future = pin!(assert_send(twice(std::future::ready(5))));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(future.as_mut().poll(&mut context), Poll::Ready(5));
    let counter = Cell::new(0);
    let count = || {
        counter.set(counter.get() + 1);
        info!("{}", counter.get());
    };
    count();
    count();
    std::iter::repeat_n("each", 2).for_each(|word| info!(word, "{word}"));
    assert_eq!(scene.messages(), ["waiting", "5 and 5", "1", "2", "each", "each"]);
}

#[test]
fn macros_of_the_caller_hand_calls_on() {
    macro_rules! all {
        ($($call:tt)*) => { info!($($call)*) };
    }
    macro_rules! parts {
        ($format:literal, $value:expr) => {
            info!($format, $value)
        };
        ($name:ident: $value:expr) => {
            info!($name = $value, "{}", $name)
        };
        ($format:expr) => {
            info!($format)
        };
    }

    let mut scene = Scene::new();
    let number = 5;
    all!(target: "x", number, "{number} {}", 1 + 2,);
    parts!("{}", 1 + 2);
    parts!(number: 7);
    parts!("{number}");
    assert_eq!(scene.messages(), ["5 3", "3", "5", "5"]);
}

#[test]
fn a_renamed_dependency_and_a_reexport_log() {
    let mut scene = Scene::new();
    stenolog_tests_renamed::log(3);
    stenolog_tests_renamed::announce!("said {}", 4);
    stenolog_tests_renamed::reexported::warn!("and {}", 5);
    let records = scene.finish();
    let messages: Vec<_> = records.iter().map(stenolog_tests::message).collect();
    assert_eq!(messages, ["order 3 is Order { id: 3 }", "placed", "said 4", "and 5"]);
    assert_eq!(records[1]["fields"], json!({"order": {"id": 3}}));
    assert_eq!(records[2]["target"], "announcements");
}

#[test]
fn a_long_text_is_whole() {
    let mut scene = Scene::new();
    let (long, shown) = ("ä".repeat(1000), Shown("shown"));
    info!("{long} {shown:>1000}");
    assert_eq!(scene.messages(), [format!("{long} {shown:>1000}")]);
}
