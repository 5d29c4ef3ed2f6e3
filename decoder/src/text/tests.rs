//! The engine against `format!`: every type, every spec, byte for byte.

mod containers;
mod hostile;
mod leaves;
mod table;

use std::fmt::Debug;

use proptest::prelude::*;
use table::{Case, Table};

use stenolog_format::template::{Template, Trait};
use stenolog_format::value::Value;

use super::*;

/// A type whose values can be recorded.
trait Recorded {
    fn record(&self) -> Value<'_>;
}

/// Prints `value` by one case of a table and by the engine.
#[track_caller]
fn check<T: Recorded + Debug + ?Sized, F: ?Sized>(
    case: &Case<F>,
    erased: &F,
    value: &T,
    width: usize,
    precision: usize,
) {
    let expected = (case.format)(erased, width, precision);
    let slots = [value.record(), Value::U64(width as u64), Value::U64(precision as u64)];
    let mut printed = String::new();
    case.compiled.write(&mut printed, &slots);
    assert_eq!(printed, expected, "format!({:?}, {value:?}, {width}, {precision})", case.template);
}

/// Every case of a table with every value.
#[track_caller]
fn check_all<T: Recorded + Debug, F: ?Sized>(
    table: &Table<F>,
    erase: fn(&T) -> &F,
    values: impl IntoIterator<Item = T>,
) {
    for (i, value) in values.into_iter().enumerate() {
        for (j, case) in table.cases.iter().enumerate() {
            // Counts on both sides of the lengths that occur, another pair for each case.
            check(case, erase(&value), &value, (i + j) % 23, (i + j / 7) % 13);
        }
    }
}

/// Random values, each with some random cases of a table.
fn check_random<T, F: ?Sized>(
    table: &Table<F>,
    erase: fn(&T) -> &F,
    values: impl Strategy<Value = T>,
) where
    T: Recorded + Debug,
{
    let cases = prop::collection::vec((any::<prop::sample::Index>(), 0..40usize, 0..20usize), 40);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(200));
    let result = runner.run(&(values, cases), |(value, cases)| {
        for (case, width, precision) in cases {
            check(case.get(&table.cases), erase(&value), &value, width, precision);
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[track_caller]
fn printed(template: &str, values: &[Value<'_>]) -> String {
    let mut out = String::from("> ");
    CompiledTemplate::new(template, values.len()).unwrap().write(&mut out, values);
    out.split_off(2)
}

#[test]
fn text_and_placeholders_in_order() {
    let values = [Value::U32(7), Value::Str("x"), Value::F64(2.5)];
    assert_eq!(printed("{{{1}}} {0:03}, {0:?} {2:.2}!", &values), "{x} 007, 7 2.50!");
    assert_eq!(printed("no argument", &[]), "no argument");
    assert_eq!(printed("", &[]), "");
    assert_eq!(CompiledTemplate::new("a{{", 0).unwrap().as_literal(), Some("a{"));
    assert_eq!(CompiledTemplate::new("{0}", 1).unwrap().as_literal(), None);
}

#[test]
fn formatted_text_stands_whatever_the_spec() {
    for template in ["{0}", "{0:?}", "{0:>+#09.1}", "{0:x}", "{0:#?}"] {
        assert_eq!(printed(template, &[Value::Formatted("a\"b\n")]), "a\"b\n", "{template}");
    }
}

#[test]
fn display_and_debug_of_fields() {
    let value = Value::Some(Box::new(Value::Str("a\"")));
    let mut out = String::new();
    write_display(&mut out, &Value::Str("a\""));
    write_display(&mut out, &value);
    write_debug(&mut out, &Value::Str("a\""));
    write_debug(&mut out, &Value::Char('\''));
    assert_eq!(out, r#"a"Some("a\"")"a\""'\''"#);
}

#[test]
fn templates_that_are_not_normalised_are_refused() {
    let not_indexed = |offset| CompileError::NotIndexed { offset };
    let no_slot = |offset, slot| CompileError::NoSlot { offset, slot, slots: 2 };
    for (template, error) in [
        ("a {}", not_indexed(2)),
        ("a {name}", not_indexed(2)),
        ("{0:.*}", not_indexed(0)),
        ("{0:width$}", not_indexed(0)),
        ("{0} {2}", no_slot(4, 2)),
        ("{0:2$}", no_slot(0, 2)),
        ("{0:.9$}", no_slot(0, 9)),
        ("{0:y}", Template::parse("{0:y}").unwrap_err().into()),
    ] {
        assert_eq!(CompiledTemplate::new(template, 2).unwrap_err(), error, "{template}");
    }
}
