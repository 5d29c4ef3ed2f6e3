//! A value that is serialised otherwise than its schema says costs only itself.

use std::collections::BTreeMap;

use postcard_schema::Schema;
use serde::Serialize;
use serde_json::json;
use stenolog::info;
use stenolog_tests::LogFixture;

use super::fields::only_fields;

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

#[test]
fn a_value_that_is_serialised_otherwise_than_described_costs_only_itself() {
    let mut fixture = LogFixture::new();
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
        only_fields(&mut fixture),
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
