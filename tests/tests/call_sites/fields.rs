//! Fields keep their types; a value that cannot be kept costs only itself.

use serde_json::{Value, json};
use stenolog::info;
use stenolog_tests::LogFixture;

use crate::{Order, Shown, Side};

/// The fields of the only record.
#[track_caller]
fn only_fields(fixture: &mut LogFixture) -> Value {
    let records = fixture.finish();
    let [record] = &records[..] else { panic!("one record, not {records:?}") };
    record["fields"].clone()
}

#[test]
fn fields_are_typed() {
    #[derive(serde::Serialize, postcard_schema::Schema)]
    struct Serialised {
        id: u32,
        names: Vec<String>,
    }

    let mut fixture = LogFixture::new();
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
        only_fields(&mut fixture),
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
    let mut fixture = LogFixture::new();
    info!(before = 1, refused = Refuses { _id: 1 }, after = 2);
    assert_eq!(
        only_fields(&mut fixture),
        json!({"before": 1, "refused": "<could not be serialised>", "after": 2})
    );
}

/// Types that serialise otherwise than their schema says.
mod otherwise {
    use super::*;

    use postcard_schema::Schema;
    use serde::Serialize;
    use std::collections::BTreeMap;

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
}

#[test]
fn lists_without_size_are_recorded_up_to_what_readers_take() {
    let fixture = LogFixture::new();
    info!("{:?}", vec![(); 4096]);
    info!("{:?}", vec![(); 4097]);
    info!("after");
    fixture.logger().flush().unwrap();
    assert_eq!(fixture.logger().stats().lost, 1);
    let (records, summary) = stenolog_tests::read(fixture.path());
    assert!(summary.damage.is_empty(), "{summary:?}");
    assert_eq!(stenolog_tests::message(&records[0]), format!("{:?}", vec![(); 4096]));
    assert_eq!(stenolog_tests::message(&records[2]), "after");
}
