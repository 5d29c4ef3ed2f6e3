//! Hostile templates and values: nothing panics, and nothing grows without bound.

use proptest::string::string_regex;

use super::*;
use crate::testing::values::values;

/// Any spec with any value, most of which `format!` would not compile.
#[test]
fn any_spec_prints_any_value() {
    let specs =
        "(.?[<^>])?[+-]?#?0?([0-9]{1,2}|1\\$)?(\\.([0-9]{1,2}|1\\$))?(|\\?|x\\?|X\\?|[xXobeEp])";
    let specs = string_regex(specs).unwrap();
    let strategy = (specs, values(), values());
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2000));
    let result = runner.run(&strategy, |(spec, value, count)| {
        if let Ok(template) = CompiledTemplate::new(&format!("{{0:{spec}}}"), 2) {
            template.write(&mut String::new(), &[value, count]);
        }
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
fn counts_are_clamped() {
    for width in [65_536, usize::MAX] {
        assert_eq!(printed(&format!("{{0:{width}}}"), &[Value::U8(1)]).len(), 65_535);
    }
    let wide = |count| printed("{0:1$}", &[Value::U8(1), count]).len();
    assert_eq!(wide(Value::U64(u64::MAX)), 65_535);
    assert_eq!(wide(Value::U32(3)), 3);
    assert_eq!(wide(Value::U16(3)), 3);
    assert_eq!(wide(Value::U8(3)), 3);
    assert_eq!(wide(Value::Str("3")), 1);
    for template in ["{0:.65535}", "{0:.65535e}", "{0:.65535?}", "{0:065535.65535}"] {
        for value in [Value::F64(5e-324), Value::F64(f64::MAX), Value::U8(1)] {
            assert!(printed(template, std::slice::from_ref(&value)).len() < 70_000);
        }
    }
    let duration = Value::Duration(std::time::Duration::MAX);
    assert!(printed("{0:65535.65535?}", &[duration]).len() < 70_000);
}

#[test]
fn a_missing_value_prints_nothing() {
    let template = CompiledTemplate::new("a {0} b {1} c", 2).unwrap();
    let mut out = String::new();
    template.write(&mut out, &[Value::U8(1)]);
    assert_eq!(out, "a 1 b  c");
}

#[test]
fn what_has_no_such_trait_prints_plainly() {
    assert_eq!(printed("{0:x}", &[Value::Str("a")]), "a");
    assert_eq!(printed("{0:#X}", &[Value::F64(1.5)]), "1.5");
    assert_eq!(printed("{0:e}", &[Value::None]), "None");
    assert_eq!(printed("{0:p}", &[Value::U8(1)]), "1");
    assert_eq!(printed("{0:b}", &[Value::Tuple(vec![Value::U8(2)])]), "(2,)");
}

#[test]
fn paddings_end_where_the_values_are_far_shorter() {
    let limit = |values: usize| (1 << 20) + 1024 * values + CUT.len();
    let wide = "{0:65535}".repeat(100);
    let out = printed(&wide, &[Value::U8(1)]);
    assert!(out.ends_with(CUT) && out.len() <= limit(1), "{}", out.len());
    let out = printed("{0:65535?} {0}", &[Value::Bytes(&[0; 4000])]);
    assert!(out.ends_with(CUT) && out.len() <= limit(4001), "{}", out.len());
    let mut out = String::new();
    let spec = ResolvedSpec { width: 65_535, ..ResolvedSpec::new(Trait::Debug) };
    write_value(&mut out, &Value::List(vec![Value::Unit; 100]), &spec);
    assert!(out.ends_with(CUT) && out.len() <= limit(101), "{}", out.len());
}

#[test]
fn long_values_are_printed_whole() {
    let text = "\u{1}".repeat(1 << 20);
    let out = printed("{0:?} {0:?}", &[Value::Str(&text)]);
    assert_eq!(out, format!("{text:?} {text:?}"));
    let bytes = vec![255; 1 << 20];
    let out = printed("{0:#?}", &[Value::Bytes(&bytes)]);
    assert_eq!(out, format!("{bytes:#?}"));
}

/// As deep as the dictionary lets a type be.
#[test]
fn deep_values_fit_the_stack() {
    let mut value = Value::U8(1);
    for _ in 0..stenolog_format::types::MAX_TYPE_DEPTH {
        value = Value::Some(Box::new(value));
    }
    let text = printed("{0:#?}", std::slice::from_ref(&value));
    assert_eq!(text.lines().count(), 2 * stenolog_format::types::MAX_TYPE_DEPTH + 1);
}
