//! Options and collections keep their shape.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::fmt;
use std::path::PathBuf;

use serde_json::json;
use stenolog::{Empty, info};
use stenolog_tests::LogFixture;

use crate::{only_fields, only_text};

#[test]
fn options_of_what_is_only_formatted_are_options() {
    #[derive(Debug)]
    struct Shown;
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a \"b\"")
        }
    }
    #[derive(Debug)]
    struct Opaque {
        _a: f32,
    }
    macro_rules! log {
        () => {
            info!(
                path = Some(PathBuf::from("/x")),
                shown = Some(Shown),
                opaque = Some(Opaque { _a: 1.5 }),
                reference = &Some(Shown),
                question = ?Some(Opaque { _a: 1.5 }),
                no_path = None::<PathBuf>,
                no_shown = None::<Shown>,
                no_opaque = ?None::<Opaque>,
                number = Some(1),
                no_number = None::<u8>,
            )
        };
    }
    let mut fixture = LogFixture::new();
    log!();
    assert_eq!(
        only_fields(&mut fixture),
        json!({
            "path": "/x",
            "shown": "a \"b\"",
            "opaque": "Opaque { _a: 1.5 }",
            "reference": "a \"b\"",
            "question": "Opaque { _a: 1.5 }",
            "no_path": null,
            "no_shown": null,
            "no_opaque": null,
            "number": 1,
            "no_number": null,
        })
    );
    let mut fixture = LogFixture::new();
    log!();
    assert_eq!(
        only_text(&mut fixture),
        "path=Some(\"/x\") shown=Some(\"a \\\"b\\\"\") opaque=Some(Opaque { _a: 1.5 }) \
         reference=Some(\"a \\\"b\\\"\") question=Some(Opaque { _a: 1.5 }) no_path=None no_shown=None \
         no_opaque=None number=Some(1) no_number=None"
    );
}

#[test]
fn what_is_empty_is_left_out() {
    let mut fixture = LogFixture::new();
    info!(a = 1, empty = Empty, b = 2, "message");
    assert_eq!(only_fields(&mut fixture), json!({"a": 1, "b": 2}));
    let mut fixture = LogFixture::new();
    info!(a = 1, empty = Empty);
    assert_eq!(only_text(&mut fixture), "a=1");
}

#[test]
fn collections_are_nested_however_they_are_logged() {
    let mut fixture = LogFixture::new();
    let hash: HashMap<&str, u32> = [("a", 1)].into();
    let tree = BTreeMap::from([((1, 'x'), BTreeSet::from([2, 1]))]);
    let by_number = BTreeMap::from([(Some(1_u8), Some(1.5)), (None, None)]);
    info!(
        hash,
        tree,
        by_number,
        q = ?hash,
        deque = VecDeque::from([1, 2]),
        dq = ?VecDeque::from([1, 2]),
        "{:?} {:?}", hash, tree,
    );
    let records = fixture.finish();
    let fields = &records[0]["fields"];
    assert_eq!(fields["hash"], json!({"a": 1}));
    assert_eq!(fields["q"], json!({"a": 1}));
    assert_eq!(fields["tree"], json!({"(1, 'x')": [1, 2]}));
    assert_eq!(fields["by_number"], json!({"1": 1.5, "None": null}));
    assert_eq!(fields["deque"], json!([1, 2]));
    assert_eq!(fields["dq"], json!([1, 2]));
    assert_eq!(stenolog_tests::message(&records[0]), format!("{hash:?} {tree:?}"));
}
