//! Types that contain themselves are recorded, up to a depth.

use serde_json::json;
use stenolog::{Record, info};
use stenolog_tests::LogFixture;

#[derive(Debug, Record)]
struct Node {
    value: u32,
    next: Option<Box<Node>>,
    all: Vec<Self>,
}

#[derive(Debug, Record)]
enum Expr<'a, T> {
    Number(T),
    Name(&'a str),
    Sum(Box<Expr<'a, T>>, Box<Expr<'a, T>>),
    Call { of: Vec<Expr<'a, T>> },
}

#[derive(Debug, Record)]
struct Folder {
    name: &'static str,
    #[record(recursive)]
    files: Vec<File>,
}

#[derive(Debug, Record)]
struct File {
    size: u64,
    #[record(recursive)]
    within: Option<Box<Folder>>,
}

#[test]
fn values_of_types_that_contain_themselves_are_typed() {
    let mut fixture = LogFixture::new();
    let leaf = |value| Node { value, next: None, all: vec![] };
    let node = Node { value: 1, next: Some(Box::new(leaf(2))), all: vec![leaf(3), leaf(4)] };
    let sum = Expr::Sum(
        Box::new(Expr::Number(1.5)),
        Box::new(Expr::Call { of: vec![Expr::Name("x"), Expr::Number(2.0)] }),
    );
    let folder = Folder {
        name: "a",
        files: vec![
            File { size: 7, within: None },
            File { size: 8, within: Some(Box::new(Folder { name: "b", files: vec![] })) },
        ],
    };
    info!(node, sum, folder, "{node:?} {node:#?} {sum:?} {folder:?}");
    let records = fixture.finish();
    let message = format!("{node:?} {node:#?} {sum:?} {folder:?}");
    assert_eq!(stenolog_tests::message(&records[0]), message);
    let empty = |value: u32| json!({"value": value, "next": null, "all": []});
    let fields = &records[0]["fields"];
    assert_eq!(fields["node"], json!({"value": 1, "next": empty(2), "all": [empty(3), empty(4)]}));
    assert_eq!(
        fields["sum"],
        json!({"Sum": [{"Number": 1.5}, {"Call": {"of": [{"Name": "x"}, {"Number": 2.0}]}}]})
    );
    assert_eq!(
        fields["folder"],
        json!({"name": "a", "files": [
            {"size": 7, "within": null},
            {"size": 8, "within": {"name": "b", "files": []}},
        ]})
    );
}

#[test]
fn deep_values_end_in_a_text() {
    let mut fixture = LogFixture::new();
    let mut node = Node { value: 0, next: None, all: vec![] };
    for value in 1..1000 {
        node = Node { value, next: Some(Box::new(node)), all: vec![] };
    }
    info!(node, "deep");
    info!("after");
    let records = fixture.finish();
    let mut value = &records[0]["fields"]["node"];
    let mut depth = 0;
    while value.is_object() {
        assert_eq!(value["value"], 999 - depth);
        depth += 1;
        value = &value["next"];
    }
    assert_eq!(value, "<not recorded: nested too deep>");
    assert_eq!(depth, 25);
    assert_eq!(stenolog_tests::message(&records[1]), "after");
    // It is taken apart without recursion.
    while let Some(next) = node.next.take() {
        node = *next;
    }
}
