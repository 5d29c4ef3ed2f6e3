use std::str::FromStr as _;

use super::*;

/// What the body becomes if the content of its future becomes `X`; empty if it makes none.
#[track_caller]
fn check(body: &str, expected: &str) {
    let made = Made::find(&TokenStream::from_str(body).unwrap());
    let found = made.map(|made| made.with(&quote!(X)).to_string()).unwrap_or_default();
    let expected = TokenStream::from_str(expected).unwrap().to_string();
    assert_eq!(found, expected, "{body}");
}

#[test]
fn a_future_in_the_last_expression_is_found() {
    check("async move { a }", "async move { X }");
    check("async { a }", "async move { X }");
    check("let a = 1; async move { a }", "let a = 1; async move { X }");
    check("if a { b } async move { a }", "if a { b } async move { X }");
    check("m![1]; #[cfg(x)] async move { a }", "m![1]; #[cfg(x)] async move { X }");
    check("return async move { a }", "return async move { X }");
    check("Box::pin(async move { a })", "Box::pin(async move { X })");
    check("a(); Box::pin(async move { a },)", "a(); Box::pin(async move { X })");
    check("::std::boxed::Box::pin(async { a })", "::std::boxed::Box::pin(async move { X })");
    check(
        "return std::boxed::Box::pin(async { a })",
        "return std::boxed::Box::pin(async move { X })",
    );
    check("async move { a }.boxed()", "async move { X }.boxed()");
    check("a; async move { a }.boxed_local()", "a; async move { X }.boxed_local()");
}

#[test]
fn other_last_expressions_are_left() {
    for body in [
        "",
        "a",
        "{ a }",
        "async move { a };",
        "|| async move { a }",
        "spawn(async move { a })",
        "a = Box::pin(async move { a })",
        "Other::pin(async move { a })",
        "Box::new(async move { a })",
        "Box::pin(other(async move { a }))",
        "Box::pin(|| async move { a })",
        "x + async move { a }.boxed()",
        "async move { a }.map(f)",
        "unsafe { a }",
    ] {
        check(body, "");
    }
}

#[track_caller]
fn check_output(of: &str, expected: Option<&str>) {
    let of = syn::parse_str(of).unwrap();
    let found = output(&of).map(|ty| ty.to_token_stream().to_string().replace(' ', ""));
    assert_eq!(found, expected.map(|text| text.replace(' ', "")));
}

#[test]
fn what_a_future_yields_is_read_off_the_type() {
    check_output("-> impl Future<Output = u32>", Some("u32"));
    check_output(
        "-> Pin<Box<dyn Future<Output = Result<Vec<u8>, E>> + Send + 'a>>",
        Some("Result<Vec<u8>, E>"),
    );
    check_output("-> impl Future<Output = fn(u8) -> u16> + Send", Some("fn(u8) -> u16"));
    check_output("-> impl Future<Output = (A, B)>", Some("(A, B)"));
    check_output("-> BoxFuture<'a, Result<A, B>>", Some("Result<A, B>"));
    check_output("-> futures::future::LocalBoxFuture<'static, ()>", Some("()"));
    check_output("-> impl Future<Output = impl Display>", None);
    check_output("-> Pin<Box<Timer>>", None);
}
