use super::*;
use crate::scene::{Rec, Scene, messages, str_bytes};
use stenolog_format::dictionary::Role;
use stenolog_format::types::{Fields, Shape, Type};

#[test]
fn levels() {
    let warn = Levels::at_least(Level::Warn);
    assert!(warn.contains(Level::Error) && warn.contains(Level::Warn));
    assert!(!warn.contains(Level::Info));
    assert_eq!(Levels::at_least(Level::Trace), Levels::ALL);
    assert_eq!(Levels::only(&[Level::Error, Level::Warn]), warn);
}

#[test]
fn targets() {
    #[track_caller]
    fn check(pattern: &str, target: &str, expected: bool) {
        assert_eq!(TargetPattern::new(pattern).matches(target), expected);
    }
    check("net", "net", true);
    check("net", "net::tcp", true);
    check("net", "network", false);
    check("net::tcp", "net", false);
    check("net*", "network", true);
    check("*::tcp", "app::net::tcp", true);
    check("n?t", "net", true);
    check("n?t", "neet", false);
    check("a.c*", "abc", false);
}

#[test]
fn conditions_on_values() {
    let order = Type::Struct(Fields {
        name: "Order".into(),
        shape: Shape::Struct,
        fields: vec![("id".into(), Type::U64), ("side".into(), Type::Option(Box::new(Type::Str)))],
    });
    let mut scene = Scene::new();
    let slots = [
        ("order", Role::Field, order),
        ("user.id", Role::Field, Type::I8),
        ("ratio", Role::Field, Type::F32),
        ("at", Role::Field, Type::Duration),
    ];
    scene.site(30, Level::Info, "app", Some("order"), &slots);
    let mut values = 77_u64.to_le_bytes().to_vec();
    values.push(1);
    values.extend(str_bytes("buy"));
    values.extend((-3_i8).to_le_bytes());
    values.extend(0.1_f32.to_le_bytes());
    values.extend(2_u64.to_le_bytes());
    values.extend(500_000_000_u32.to_le_bytes());
    scene.raw_block(1, &[Rec(30, 10, values)]);
    let dumps = [scene.dump()];
    let check = |condition: &str, expected: bool| {
        let filter = Filter::default().field(condition.parse().unwrap());
        let (text, summary) = messages(&dumps, filter);
        assert_eq!(!text.is_empty(), expected, "{condition}: {:?}", summary.damage);
    };
    check("order.id=77", true);
    check("order.id=77.0", true);
    check("order.id=78", false);
    check("order.side=buy", true);
    check("order.side=sell", false);
    check("order.none=1", false);
    check("user.id=-3", true);
    check("user=-3", false);
    check("ratio=0.1", true);
    check("ratio=1e-1", true);
    check("at=2.5s", true);
    check("nothing=1", false);
    assert!("=1".parse::<FieldMatch>().is_err());
    assert!("name".parse::<FieldMatch>().is_err());
    assert_eq!("a=b=c".parse(), Ok(FieldMatch::new("a", "b=c")));
}

#[test]
fn blocks_without_wanted_records_are_not_even_read() {
    let mut scene = Scene::new();
    scene.block(1, &[crate::scene::n(10, 1)]);
    scene.block(1, &[Rec(17, 20, str_bytes("ann"))]);
    let dumps = [scene.dump()];
    let (_, summary) = messages(&dumps, Filter::default().levels(Levels::at_least(Level::Warn)));
    assert_eq!((summary.records, summary.shown, summary.missing), (1, 1, 0));
    let (_, summary) = messages(&dumps, Filter::default().until(crate::scene::START + 15));
    assert_eq!((summary.records, summary.shown), (1, 1));
    let (_, summary) = messages(&dumps, Filter::default().thread("other"));
    assert_eq!((summary.records, summary.shown), (0, 0));
}
