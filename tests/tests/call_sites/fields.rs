//! Fields keep their types; a value that cannot be kept costs only itself.

use serde_json::{Value, json};
use stenolog::info;
use stenolog_tests::LogFixture;

use crate::{Order, Shown, Side};

/// The fields of the only record.
#[track_caller]
pub(crate) fn only_fields(fixture: &mut LogFixture) -> Value {
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
