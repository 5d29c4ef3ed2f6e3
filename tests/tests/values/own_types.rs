//! A type says itself what is recorded of it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde_json::json;
use stenolog::{AsRecord, Record, info};
use stenolog_tests::LogFixture;

#[derive(Debug)]
struct Foreign {
    ticks: u64,
    name: String,
}

impl AsRecord for Foreign {
    type As<'a> = (u64, &'a str);

    fn as_record(&self) -> Self::As<'_> {
        (self.ticks * 2, &self.name)
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.ticks, self.name)
    }
}

fn foreign(ticks: u64) -> Foreign {
    Foreign { ticks, name: "x".into() }
}

#[derive(Debug, Record)]
struct Order<'a, T> {
    id: u8,
    one: Foreign,
    maybe: Option<Foreign>,
    many: Vec<Foreign>,
    pair: (u8, &'a Foreign),
    two: [Foreign; 2],
    map: BTreeMap<u8, Foreign>,
    boxed: Box<[Foreign]>,
    rest: T,
    plain: Option<&'a str>,
}

#[derive(Debug, Record)]
enum Side {
    Unit,
    Unnamed(Foreign, u8),
    Named { it: Foreign },
}

#[test]
fn a_type_says_itself_what_is_recorded_of_it() {
    let mut fixture = LogFixture::new();
    let order = Order {
        id: 1,
        one: foreign(1),
        maybe: None,
        many: vec![foreign(2)],
        pair: (3, &foreign(3)),
        two: [foreign(4), foreign(5)],
        map: [(6, foreign(6))].into(),
        boxed: Box::new([]),
        rest: Some(foreign(7)),
        plain: Some("p"),
    };
    let (one, list) = (foreign(1), vec![foreign(2)]);
    info!(
        one,
        list,
        some = Some(&one),
        nested = (1, [Some(foreign(3)), None]),
        order,
        sides = [Side::Unit, Side::Unnamed(foreign(1), 2), Side::Named { it: foreign(3) }],
        question = ?one,
        percent = %one,
        "{one} {:?} {:?}", one, list,
    );
    let records = fixture.finish();
    let fields = &records[0]["fields"];
    assert_eq!(fields["one"], json!([2, "x"]));
    assert_eq!(fields["list"], json!([[4, "x"]]));
    assert_eq!(fields["some"], json!([2, "x"]));
    assert_eq!(fields["nested"], json!([1, [[6, "x"], null]]));
    assert_eq!(
        fields["order"],
        json!({
            "id": 1,
            "one": [2, "x"],
            "maybe": null,
            "many": [[4, "x"]],
            "pair": [3, [6, "x"]],
            "two": [[8, "x"], [10, "x"]],
            "map": {"6": [12, "x"]},
            "boxed": [],
            "rest": [14, "x"],
            "plain": "p",
        })
    );
    assert_eq!(
        fields["sides"],
        json!(["Unit", {"Unnamed": [[2, "x"], 2]}, {"Named": {"it": [6, "x"]}}])
    );
    assert_eq!(fields["question"], format!("{one:?}"));
    assert_eq!(fields["percent"], "1 of x");
    // Messages are what `format!` writes.
    assert_eq!(stenolog_tests::message(&records[0]), format!("{one} {one:?} {list:?}"));
}

fn length(text: &str) -> usize {
    text.len()
}

fn first(text: &str) -> &str {
    &text[..1]
}

#[derive(Debug, Record)]
struct Packet<'a, T> {
    #[record(display)]
    shown: Foreign,
    #[record(debug, rename = "debugged")]
    opaque: Option<PathBuf>,
    #[record(hex)]
    flags: u16,
    #[record(hex)]
    mac: [u8; 3],
    #[record(ascii)]
    body: &'a [u8],
    #[record(with = length)]
    name: String,
    #[record(with = first, rename = "initial")]
    other: String,
    #[record(display)]
    generic: T,
    #[record(redact)]
    _secret: T,
    plain: u8,
}

#[derive(Record)]
enum Either {
    Text(#[record(display)] Foreign, u8),
    Named {
        #[record(redact)]
        _secret: Foreign,
        #[record(debug)]
        it: PathBuf,
    },
}

#[test]
fn fields_are_formatted_as_their_attributes_say() {
    let mut fixture = LogFixture::new();
    let packet = Packet {
        shown: foreign(1),
        opaque: Some(PathBuf::from("/x")),
        flags: 0xab,
        mac: [1, 0xfe, 3],
        body: b"a\n\xff",
        name: "name".into(),
        other: "other".into(),
        generic: 'g',
        _secret: 's',
        plain: 7,
    };
    let either = [
        Either::Text(foreign(2), 3),
        Either::Named { _secret: foreign(3), it: PathBuf::from("/y") },
    ];
    info!(packet, either = either.as_slice(), "{:?} {:?}", packet, Some(&packet));
    let records = fixture.finish();
    let fields = &records[0]["fields"];
    assert_eq!(
        fields["packet"],
        json!({
            "shown": "1 of x",
            "debugged": "Some(\"/x\")",
            "flags": "0xab",
            "mac": "01fe03",
            "body": "a\\n\\xff",
            "name": 4,
            "initial": "o",
            "generic": "g",
            "_secret": "[redacted]",
            "plain": 7,
        })
    );
    assert_eq!(
        fields["either"],
        json!([{"Text": ["2 of x", 3]}, {"Named": {"_secret": "[redacted]", "it": "\"/y\""}}])
    );
    // By `{:?}` too a record shows what is recorded of it, and no more.
    let shown = "Packet { shown: 1 of x, debugged: Some(\"/x\"), flags: 0xab, mac: 01fe03, \
                 body: a\\n\\xff, name: 4, initial: \"o\", generic: g, _secret: [redacted], plain: 7 }";
    assert_eq!(stenolog_tests::message(&records[0]), format!("{shown} Some({shown})"));
}

#[test]
fn a_type_that_panics_leaves_no_record_and_no_harm() {
    struct Panics;
    impl AsRecord for Panics {
        type As<'a> = u8;

        fn as_record(&self) -> u8 {
            panic!("in as_record")
        }
    }
    struct Logs;
    impl AsRecord for Logs {
        type As<'a> = u8;

        fn as_record(&self) -> u8 {
            info!("within");
            1
        }
    }
    let mut fixture = LogFixture::new();
    assert!(std::panic::catch_unwind(|| info!(panics = vec![Panics], "never")).is_err());
    info!(logs = [Logs, Logs], "logged");
    assert_eq!(fixture.messages(), ["within", "within", "logged"]);
}

#[test]
fn what_no_reader_takes_is_a_text_or_counted() {
    macro_rules! deep {
        ($value:expr;) => { $value };
        ($value:expr; $_:tt $($rest:tt)*) => {
            deep!(Some(Some(Some(Some(Some(Some(Some(Some($value)))))))); $($rest)*)
        };
    }
    let fixture = LogFixture::new();
    info!("{:?}", [(); 65_000]);
    info!("{:?} {}", [(); 70_000], 1);
    info!(deep = deep!(1_u8; 1 2 3 4 5 6 7 8), after = 2, "{:?}", [[(); 4096]; 17]);
    info!("{:?}", vec![vec![(); 4096]; 15]);
    info!("{:?}", vec![vec![(); 4096]; 17]);
    info!("after");
    fixture.logger().flush().unwrap();
    assert_eq!(fixture.logger().stats().lost, 1);
    let (records, summary) = stenolog_tests::read(fixture.path());
    assert!(summary.damage.is_empty(), "{summary:?}");
    let many = "<not recorded: too many elements without bytes>";
    assert_eq!(stenolog_tests::message(&records[0]), format!("{:?}", [(); 65_000]));
    assert_eq!(stenolog_tests::message(&records[1]), format!("{many} 1"));
    assert_eq!(stenolog_tests::message(&records[2]), many);
    assert_eq!(records[2]["fields"]["deep"], "<not recorded: a type nested deeper than 64 levels>");
    assert_eq!(records[2]["fields"]["after"], 2);
    assert_eq!(stenolog_tests::message(&records[3]), format!("{:?}", vec![vec![(); 4096]; 15]));
    assert_eq!(records[4]["fields"]["cause"], "too_large", "{}", records[4]);
    assert_eq!(stenolog_tests::message(&records[5]), "after");
}
