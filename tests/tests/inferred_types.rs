//! A call takes an argument whose type only later code settles, as `format!` does, and records it as
//! what it turns out to be.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::{Value, json};
use stenolog::{debug, info};
use stenolog_tests::LogFixture;

#[derive(Debug)]
struct Problem(#[expect(dead_code, reason = "only printed")] u8);

#[derive(Debug, Default)]
struct Config {
    #[expect(dead_code, reason = "only printed")]
    size: u8,
}

#[derive(Debug, Default, PartialEq, stenolog::Record)]
struct Limits {
    depth: u16,
}

fn fields(fixture: &mut LogFixture) -> Vec<Value> {
    fixture.finish().iter().map(|record| record["fields"].clone()).collect()
}

#[test]
fn errors_of_conversions_are_logged_before_their_type_is_known() {
    fn address(text: &str) -> Option<IpAddr> {
        text.parse().map_err(|e| info!("bad address: {}", e)).ok()
    }
    fn small(number: u32) -> Result<u8, ()> {
        number.try_into().map_err(|e| {
            info!("out of range: {e}");
            info!(%e, "display");
            info!(?e, "debug");
            info!(e, "field");
            info!("{e:>60} {e:?} {e:#?}");
        })
    }

    let mut fixture = LogFixture::new();
    assert_eq!((address("x"), small(256)), (None, Err(())));
    let e = u8::try_from(256).expect_err("too large");
    assert_eq!(
        fixture.messages(),
        [
            format!("bad address: {}", "x".parse::<IpAddr>().expect_err("no address")),
            format!("out of range: {e}"),
            "display".into(),
            "debug".into(),
            "field".into(),
            format!("{e:>60} {e:?} {e:#?}"),
        ]
    );
}

#[test]
fn variables_are_logged_before_their_type_is_known() {
    let mut fixture = LogFixture::new();
    let mut problems = Vec::new();
    debug!("before: {problems:?}");
    problems.push(Problem(1));
    debug!("after: {problems:?}");

    let address = "::1".parse().unwrap();
    let config = Default::default();
    let path = "a/b".into();
    info!("listening on {address:?} with {config:?} in {path:?}");
    let _: (IpAddr, Config, PathBuf) = (address, config, path);

    let mut last = None;
    for _ in 0..2 {
        info!("last: {}", if last.is_none() { format!("{last:?}") } else { "known".into() });
        info!(?last, "last");
        last = Some(Instant::now());
    }
    let messages = fixture.messages();
    assert_eq!(messages[0], "before: []");
    assert_eq!(messages[1], "after: [Problem(1)]");
    assert_eq!(messages[2], r#"listening on ::1 with Config { size: 0 } in "a/b""#);
    assert_eq!(messages[3], "last: None");
    assert_eq!(messages[5], "last: known");
}

#[test]
fn what_is_known_later_is_recorded_typed() {
    let mut fixture = LogFixture::new();
    let number = "7".parse().unwrap();
    let limits = Default::default();
    let list = Vec::new();
    let (integer, float) = (5, 2.5);
    info!(number, limits, list, shown = ?limits, integer, float, literal = 5, real = 1.0);
    let _: (u8, &Limits, &Vec<Option<bool>>) = (number, &limits, &list);
    assert_eq!(limits, Limits { depth: 0 });
    let number = Default::default();
    info!(number, nested = (number, [number]));
    let _: i64 = number;
    assert_eq!(
        fields(&mut fixture),
        [
            json!({
                "number": 7, "limits": {"depth": 0}, "shown": {"depth": 0}, "list": [], "integer": 5, "float": 2.5,
                "literal": 5, "real": 1.0,
            }),
            json!({"number": 0, "nested": [0, [0]]}),
        ]
    );
}
