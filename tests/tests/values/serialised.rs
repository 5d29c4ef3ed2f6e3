//! `stenolog::serde` records what serde tells of a value, as `serde_json` has it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::json;
use stenolog::{Record, info};
use stenolog_decoder::{Filter, Format};
use stenolog_tests::LogFixture;

#[derive(Debug, Serialize)]
struct Reply<'a> {
    status: u16,
    body: Option<&'a str>,
    #[serde(rename = "tags")]
    list: Vec<Tag>,
    headers: BTreeMap<String, i64>,
    pair: (u8, f64),
    unit: Unit,
    new: New,
    big: u64,
    letter: char,
    nothing: (),
    #[serde(skip_serializing_if = "Option::is_none")]
    left_out: Option<u8>,
    #[serde(flatten)]
    more: More,
}

#[derive(Debug, Serialize)]
struct More {
    ratio: f32,
}

#[derive(Debug, Serialize)]
struct Unit;

#[derive(Debug, Serialize)]
struct New(i8);

#[derive(Debug, Serialize)]
enum Tag {
    Empty,
    One(u8),
    Two(u8, bool),
    Named { name: String },
}

fn reply() -> Reply<'static> {
    Reply {
        status: 200,
        body: Some("hi \"there\""),
        list: vec![Tag::Empty, Tag::One(1), Tag::Two(2, true), Tag::Named { name: "n".into() }],
        headers: [("a".to_owned(), -1), ("b".to_owned(), i64::MAX)].into(),
        pair: (1, 0.5),
        unit: Unit,
        new: New(-3),
        big: u64::MAX,
        letter: 'ß',
        nothing: (),
        left_out: None,
        more: More { ratio: 0.25 },
    }
}

#[test]
fn json_is_that_of_serde_json() {
    let mut fixture = LogFixture::new();
    let reply = reply();
    let value = json!({"a": [1, {"b": null}, -2.5, "x"], "c": true});
    info!(reply = stenolog::serde(&reply), value = stenolog::serde(&value), "served");
    info!(
        text = stenolog::serde("text"),
        number = stenolog::serde(&7),
        none = stenolog::serde(&None::<u8>),
        "plain"
    );
    let path = fixture.path().to_owned();
    let records = fixture.finish();
    assert_eq!(records[0]["fields"]["reply"], serde_json::to_value(&reply).unwrap());
    assert_eq!(records[0]["fields"]["value"], value);
    assert_eq!(records[1]["fields"], json!({"text": "text", "number": 7, "none": null}));
    let (text, _) = stenolog_tests::render(&path, Format::Short);
    assert!(text.contains("text=text number=7 none=None"), "{text}");
}

#[derive(Debug, Serialize)]
struct Plain {
    id: u32,
    name: Option<String>,
    tags: Vec<Tag>,
    at: (i8, char),
    unit: Unit,
    new: New,
}

fn plain() -> Plain {
    let tags = vec![Tag::Empty, Tag::Two(2, false), Tag::Named { name: "n\n".into() }];
    Plain { id: 9, name: Some("x".into()), tags, at: (-1, 'c'), unit: Unit, new: New(4) }
}

#[test]
fn text_is_that_of_debug() {
    let mut fixture = LogFixture::new();
    let plain = plain();
    info!(
        plain = stenolog::serde(&plain),
        "{:?} {:#?} {:04?}",
        stenolog::serde(&plain),
        stenolog::serde(&plain),
        stenolog::serde(&plain.id)
    );
    let path = fixture.path().to_owned();
    assert_eq!(fixture.messages(), [format!("{plain:?} {plain:#?} {:04?}", plain.id)]);
    let (text, _) = stenolog_tests::render(&path, Format::Short);
    assert!(text.contains(&format!("plain={plain:?}")), "{text}");
}

#[derive(Record)]
struct Outer {
    #[record(with = stenolog::serde)]
    inner: Plain,
}

#[test]
fn filters_reach_fields_by_their_paths() {
    let mut fixture = LogFixture::new();
    let outer = Outer { inner: plain() };
    info!(plain = stenolog::serde(&outer.inner), outer, "one");
    info!(plain = stenolog::serde(&json!({"id": 1})), "two");
    let path = fixture.path().to_owned();
    let records = fixture.finish();
    assert_eq!(records[0]["fields"]["outer"]["inner"], serde_json::to_value(plain()).unwrap());
    for (condition, expected) in [
        ("plain.id=9", 1),
        ("plain.id=1", 1),
        ("plain.name=x", 1),
        ("plain.tags.0=Empty", 1),
        ("outer.inner.id=9", 1),
        ("plain.id=2", 0),
        ("plain.other=2", 0),
    ] {
        let records = crate::count_where(&path, condition);
        assert_eq!(records, expected, "{condition}");
    }
    // Patterns see what is shown.
    let filter = Filter::default().with_grep_pattern("id: 9", false).unwrap();
    assert_eq!(crate::count(&path, filter), 1);
}

struct Fails;

impl Serialize for Fails {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let _ = serializer;
        Err(serde::ser::Error::custom("no luck"))
    }
}

#[derive(Serialize)]
struct Deep(Option<Box<Deep>>);

#[test]
fn what_cannot_be_recorded_is_a_text() {
    let mut fixture = LogFixture::new();
    let mut deep = Deep(None);
    for _ in 0..1000 {
        deep = Deep(Some(Box::new(deep)));
    }
    info!(fails = stenolog::serde(&(1, Fails)), deep = stenolog::serde(&deep), "odd");
    let path = fixture.path().to_owned();
    let records = fixture.finish();
    assert_eq!(records[0]["fields"]["fails"], "<could not be serialised: no luck>");
    assert_eq!(records[0]["fields"]["deep"], "<not recorded: nested too deep>");
    let (_, summary) = stenolog_tests::read(&path);
    assert!(summary.damage.is_empty(), "{summary:?}");
    while let Some(next) = deep.0.take() {
        deep = *next;
    }
}
