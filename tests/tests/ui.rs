//! A mistake in a call is named where it is, and correct code compiles under strict lints.

#[test]
fn mistakes_are_reported_where_they_are_made() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/call/*.rs");
    cases.compile_fail("tests/ui/derive/*.rs");
}

#[test]
fn what_is_right_compiles_everywhere() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
