//! Types that hold others: the spec applies to each leaf.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;

use stenolog_format::types::Shape;
use stenolog_format::value::Product;

use super::*;

impl<T: Recorded> Recorded for Option<T> {
    fn record(&self) -> Value<'_> {
        match self {
            None => Value::None,
            Some(value) => Value::Some(Box::new(value.record())),
        }
    }
}

impl<T: Recorded> Recorded for Vec<T> {
    fn record(&self) -> Value<'_> {
        Value::List(self.iter().map(T::record).collect())
    }
}

impl<T: Recorded, const N: usize> Recorded for [T; N] {
    fn record(&self) -> Value<'_> {
        Value::List(self.iter().map(T::record).collect())
    }
}

/// A list of bytes, which is recorded in a way of its own.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl Recorded for Bytes {
    fn record(&self) -> Value<'_> {
        Value::Bytes(&self.0)
    }
}

macro_rules! recorded_tuples {
    ($(($($name:ident)*)),*) => {
        $(impl<$($name: Recorded),*> Recorded for ($($name,)*) {
            fn record(&self) -> Value<'_> {
                #[expect(non_snake_case, reason = "a value goes by the name of its type")]
                let ($($name,)*) = self;
                Value::Tuple(vec![$($name.record()),*])
            }
        })*
    };
}
recorded_tuples!((A), (A B), (A B C));

impl<K: Recorded, V: Recorded> Recorded for BTreeMap<K, V> {
    fn record(&self) -> Value<'_> {
        Value::Map(self.iter().map(|(key, value)| (key.record(), value.record())).collect())
    }
}

impl<T: Recorded> Recorded for BTreeSet<T> {
    fn record(&self) -> Value<'_> {
        Value::Set(self.iter().map(Recorded::record).collect())
    }
}

#[derive(Clone, Debug)]
struct Marker;

#[derive(Clone, Debug)]
struct Pair(i16, Option<String>);

#[derive(Clone, Debug)]
struct Point {
    x: f64,
    size: u8,
    label: Option<char>,
    inner: Shaped,
}

#[derive(Clone, Debug)]
enum Shaped {
    Empty,
    Pair(i32, bool),
    Named { of: Vec<u16>, none: () },
    // Brackets, but no field between them: derived `Debug` prints none.
    Hollow {},
    Void(),
}

fn product<'a>(
    name: &'a str,
    shape: Shape,
    fields: impl IntoIterator<Item = (&'a str, Value<'a>)>,
) -> Product<'a> {
    Product { name, shape, fields: fields.into_iter().collect() }
}

impl Recorded for Marker {
    fn record(&self) -> Value<'_> {
        Value::Struct(product("Marker", Shape::Unit, []))
    }
}

impl Recorded for Pair {
    fn record(&self) -> Value<'_> {
        let fields = [("", self.0.record()), ("", self.1.record())];
        Value::Struct(product("Pair", Shape::Tuple, fields))
    }
}

impl Recorded for Point {
    fn record(&self) -> Value<'_> {
        let fields = [
            ("x", self.x.record()),
            ("size", self.size.record()),
            ("label", self.label.record()),
            ("inner", self.inner.record()),
        ];
        Value::Struct(product("Point", Shape::Struct, fields))
    }
}

impl Recorded for Shaped {
    fn record(&self) -> Value<'_> {
        Value::Variant(match self {
            Self::Empty => product("Empty", Shape::Unit, []),
            Self::Pair(a, b) => product("Pair", Shape::Tuple, [("", a.record()), ("", b.record())]),
            Self::Named { of, none } => {
                product("Named", Shape::Struct, [("of", of.record()), ("none", none.record())])
            }
            Self::Hollow {} => product("Hollow", Shape::Struct, []),
            Self::Void() => product("Void", Shape::Tuple, []),
        })
    }
}

fn shapes() -> impl Strategy<Value = Shaped> {
    prop_oneof![
        Just(Shaped::Empty),
        Just(Shaped::Hollow {}),
        Just(Shaped::Void()),
        any::<(i32, bool)>().prop_map(|(a, b)| Shaped::Pair(a, b)),
        prop::collection::vec(any::<u16>(), 0..3).prop_map(|of| Shaped::Named { of, none: () }),
    ]
}

fn points() -> impl Strategy<Value = Point> {
    (any::<f64>(), any::<u8>(), any::<Option<char>>(), shapes())
        .prop_map(|(x, size, label, inner)| Point { x, size, label, inner })
}

/// Every debug spec with an example, some with random values.
fn check_nested<T: Recorded + Debug + 'static>(examples: Vec<T>, random: impl Strategy<Value = T>) {
    let table = table::debug();
    check_all(&table, |value: &T| value as &dyn Debug, examples);
    check_random(&table, |value: &T| value as &dyn Debug, random);
}

fn example() -> Point {
    let inner = Shaped::Named { of: vec![7, 300], none: () };
    Point { x: -1.5, size: 255, label: Some('\''), inner }
}

#[test]
fn options() {
    check_nested(vec![None, Some(17u32)], any::<Option<u32>>());
    check_nested(vec![Some(None), Some(Some("a\"\n".to_owned()))], any::<Option<Option<String>>>());
}

#[test]
fn lists() {
    check_nested(vec![vec![], vec![-1i64], vec![1, 20, 300]], any::<Vec<i64>>());
    check_nested(vec![[1.0f32, -0.5]], any::<[f32; 2]>());
    let nested = prop::collection::vec(any::<Vec<bool>>(), 0..4);
    check_nested(vec![vec![vec![], vec![true, false]]], nested);
}

#[test]
fn byte_slices() {
    let random = any::<Vec<u8>>().prop_map(Bytes);
    check_nested(vec![Bytes(vec![]), Bytes(vec![0, 10, 255])], random);
}

#[test]
fn tuples() {
    check_nested(vec![(5u8,)], any::<(u8,)>());
    check_nested(vec![(-5i8, "ü".to_owned(), ())], any::<(i8, String, ())>());
    let example = ((1u16,), Some([Duration::from_millis(1500)]));
    check_nested(vec![example], any::<((u16,), Option<[Duration; 1]>)>());
}

#[test]
fn maps() {
    let example = BTreeMap::from([("a".to_owned(), vec![1.5]), ("b\"".to_owned(), vec![])]);
    let random = prop::collection::btree_map(any::<String>(), any::<Vec<f64>>(), 0..4);
    check_nested(vec![BTreeMap::new(), example], random);
    let random = prop::collection::btree_map(any::<(u8, char)>(), any::<()>(), 0..4);
    check_nested(vec![BTreeMap::from([((7, 'x'), ())])], random);
    let random = prop::collection::btree_set(any::<(u8, String)>(), 0..4);
    check_nested(vec![BTreeSet::from([(7, "x".to_owned())]), BTreeSet::new()], random);
}

#[test]
fn structs() {
    check_nested(vec![Marker], Just(Marker));
    let random = any::<(i16, Option<String>)>().prop_map(|(a, b)| Pair(a, b));
    check_nested(vec![Pair(-7, Some("x".to_owned()))], random);
    check_nested(vec![example()], points());
}

#[test]
fn enums() {
    let examples = vec![Shaped::Empty, Shaped::Pair(1, true), Shaped::Hollow {}, Shaped::Void()];
    check_nested(examples, shapes());
}

#[test]
fn deep_nesting() {
    let random = prop::collection::vec((points(), any::<Option<[u8; 2]>>()), 0..3).prop_map(Some);
    check_nested(vec![Some(vec![(example(), Some([1, 2])), (example(), None)])], random);
}
