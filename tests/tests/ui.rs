//! What a mistake in a call says, and where; and that what is right compiles under strict lints.

#[test]
fn mistakes_are_reported_where_they_are_made() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/call/*.rs");
    cases.compile_fail("tests/ui/derive/*.rs");
}

#[test]
fn what_is_right_compiles_wherever_it_stands() {
    trybuild::TestCases::new().pass("tests/ui/pass/*.rs");
}
