use quote::ToTokens as _;

use super::*;

/// The recorded values and the template, or the errors.
fn model(call: &str) -> String {
    let call: Call = match syn::parse_str(&format!("stenolog {call}")) {
        Ok(call) => call,
        Err(error) => return describe_errors(error),
    };
    let site = match CallSite::check(&call) {
        Ok(site) => site,
        Err(error) => return describe_errors(error),
    };
    let template = match &site.message {
        Text::None => "none".to_owned(),
        Text::Template { text, .. } => text
            .iter()
            .map(|part| match part {
                TextPart::Is(text) => format!("{text:?}"),
                TextPart::Opaque(index) => format!(" <{index}> "),
            })
            .collect(),
        Text::Whole(_) => "formatted at the call".to_owned(),
        Text::Refused(_) => return "for rustc to refuse".to_owned(),
    };
    let slots = site.slots.iter().map(|slot| {
        let value = match &site.inputs[slot.input] {
            Input::Field(field) => field.value.to_string(),
            Input::Argument(arg) => arg.value.to_token_stream().to_string(),
            Input::Captured(ident) => format!("captured {ident}"),
        };
        let name = match &slot.name {
            FieldName::Is(name) => format!("{name:?}"),
            FieldName::Constant(name) => name.to_token_stream().to_string(),
        };
        format!("; {:?} {name} = {value}", slot.role)
    });
    template + &slots.collect::<String>()
}

fn describe_errors(errors: syn::Error) -> String {
    errors.into_iter().map(|error| error.to_string()).collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn check(call: &str, expected: &str) {
    assert_eq!(model(call), expected, "{call}");
}

#[test]
fn placeholders_name_slots_in_the_order_of_evaluation() {
    check(r#"Info "placed""#, r#""placed""#);
    check(
        r#"Info "order {id} filled {} @ {price:.2}", qty"#,
        r#""order {1} filled {0} @ {2:.2}"; Argument "qty" = qty; Argument "id" = captured id; Argument "price" = captured price"#,
    );
    check(r#"Info "{1} {} {0}", a, b,"#, r#""{1} {0} {0}"; Argument "a" = a; Argument "b" = b"#);
    check(r#"Info "{{}} {x}}}", x = 1 + 2"#, r#""{{}} {0}}}"; Argument "x" = 1 + 2"#);
}

#[test]
fn an_argument_has_a_slot_for_each_spec() {
    check(
        r#"Info "{x} {x:?} {x} {x:>5}""#,
        r#""{0} {1:?} {0} {2:>5}"; Argument "x" = captured x; Argument "" = captured x; Argument "" = captured x"#,
    );
    // The order of slots is that of arguments, not of placeholders.
    check(
        r#"Info "{1} {0} {1:?}", a, b"#,
        r#""{1} {0} {2:?}"; Argument "a" = a; Argument "b" = b; Argument "" = b"#,
    );
}

#[test]
fn counts_are_slots() {
    check(
        r#"Info "{:w$.p$}", x, w = 5, p = 2"#,
        r#""{0:1$.2$}"; Argument "x" = x; Count "w" = 5; Count "p" = 2"#,
    );
    check(
        r#"Info "{:.*} {:+#010.3}", 3, x, y"#,
        r#""{1:.0$} {2:+#010.3}"; Count "0" = 3; Argument "x" = x; Argument "y" = y"#,
    );
    check(
        r#"Info "{x:.*} {:*^1$}", n, m"#,
        r#""{2:.0$} {1:*^1$}"; Count "n" = n; Argument "m" = m; Argument "x" = captured x"#,
    );
    // A count that is printed as well needs no slot of its own.
    check(r#"Info "{:1$} {}", x, w"#, r#""{0:1$} {1}"; Argument "x" = x; Argument "w" = w"#);
    check(
        r#"Info "{x:0width$}""#,
        r#""{0:01$}"; Argument "x" = captured x; Count "width" = captured width"#,
    );
}

#[test]
fn slots_are_named_by_what_is_printed() {
    check(
        r#"Info "{} {} {} {} {}", a.b, &self.c, f(x), 7, (d)"#,
        r#""{0} {1} {2} {3} {4}"; Argument "b" = a . b; Argument "c" = & self . c; Argument "2" = f (x); Argument "3" = 7; Argument "d" = (d)"#,
    );
    check(r#"Info "{type}""#, r#""{0}"; Argument "type" = captured r#type"#);
    check(r#"Info "{self}""#, r#""{0}"; Argument "self" = captured self"#);
    check(r#"Info "{type}", type = 1"#, r#""{0}"; Argument "type" = 1"#);
    check(r#"Info "{}", r#type"#, r#""{0}"; Argument "type" = r#type"#);
}

#[test]
fn a_name_that_is_taken_becomes_an_index() {
    check(
        r#"Info x, "{} {x}", a.x"#,
        r#""{1} {2}"; Field "x" = x; Argument "0" = a . x; Argument "1" = captured x"#,
    );
}

#[test]
fn fields_are_recorded_as_they_ask() {
    check(
        r#"Info a, ?b, %c.d, e = 1, f = ?g(), h.i = %j, "k l" = m, type = n, r#in = o"#,
        r#"none; Field "a" = a; DebugField "b" = b; Field "c.d" = c . d; Field "e" = 1; DebugField "f" = g (); Field "h.i" = j; Field "k l" = m; Field "type" = n; Field "in" = o"#,
    );
    check(
        r#"Info self.pair.0, t.1.2, "{}", 1,"#,
        r#""{2}"; Field "self.pair.0" = self . pair . 0; Field "t.1.2" = t . 1.2; Argument "0" = 1"#,
    );
    check(
        r#"Info a == b, "x""#,
        "expected `,` or `=`: a value that is not just a variable or a field of one needs a name: `name = value`",
    );
}

#[test]
fn keys_stand_anywhere_before_the_message() {
    check(r#"Info target: "x", at: t, a, "m""#, r#""m"; Field "a" = a"#);
    check(r#"Info a, target: "x", b, at: t, "m""#, r#""m"; Field "a" = a; Field "b" = b"#);
    check(r#"event target: "x", level, a, "m""#, r#""m"; Field "a" = a"#);
    check(r#"event level(), at: t, "m""#, r#""m""#);
    check(r#"Info target, at, "m""#, r#""m"; Field "target" = target; Field "at" = at"#);
    check(r#"Info target: a::b, "m""#, r#""m""#);
}

#[test]
fn mistakes_are_found_together() {
    check(
        r#"Info target: "a", target: "b", nme: "c", a, ?a, "a" = 1, "" = 2"#,
        "`target:` is given twice; unknown key `nme:`, expected `target:`, `at:`, `every_n:`, `per_second:`, `once:`, `name:` or `parent:`; the field `a` \
         is given twice; the field `a` is given twice; a field needs a name",
    );
    check("Info", "none");
    check(r#"Info target: "x""#, "none");
    check("event", "the level comes first: `event!(level, …)`");
    check(r#"event "x""#, "the level comes first: `event!(level, …)`");
    check("event level", "none");
}

#[test]
fn what_format_would_refuse_is_for_rustc() {
    for message in [
        r#""{""#,
        r#""}""#,
        r#""{}""#,
        r#""{0} {2}", a, b"#,
        r#""{}", a, b"#,
        r#""{}", a, b = 1"#,
        r#""{b} {}", b = 1, a"#,
        r#""{a}", a = 1, a = 2"#,
        r#""{:y}", a"#,
        r#""{:.*}", a"#,
        r#""{:1$}", a"#,
        r#""{}" a"#,
        r#""{}", a +"#,
        r#""{super}""#,
        r#""{r#type}""#,
        r#""x"suffix"#,
    ] {
        check(&format!("Info {message}"), "for rustc to refuse");
    }
}

#[test]
fn messages_of_macros_are_typed_as_far_as_they_can_be_read() {
    check(r#"Info concat!("a", "{}", x!()), n"#, r#""a{0}" <2> ""; Argument "n" = n"#);
    check(
        r#"Info concat!("{", "}", concat!(" {:?}")), n, m"#,
        r#""{0} {1:?}"; Argument "n" = n; Argument "m" = m"#,
    );
    check(r#"Info env!("X")"#, r#""" <0> """#);
    check(r#"Info text!(), n, m"#, r#"formatted at the call; Argument "" = n"#);
    check(r#"Info concat!("{", x!(), "}"), n"#, r#"formatted at the call; Argument "" = n"#);
}

#[test]
fn fields_are_those_of_tracing_and_log() {
    check(r#"Info { n, s = %s }, "m""#, r#""m"; Field "n" = n; Field "s" = s"#);
    check(r#"Info { KEY } = n"#, "none; Field KEY = n");
    check(
        r#"Info a:? = n, b:err = e, c:%; "m""#,
        r#""m"; DebugField "a" = n; Field "b" = e; Field "c" = c"#,
    );
    check(
        r#"Info a = debug(n), b = display(n), c = other(n)"#,
        r#"none; DebugField "a" = n; Field "b" = n; Field "c" = other (n)"#,
    );
    check(
        r#"Info logger: x, "m""#,
        "`logger:` is not supported: `Logger::enter` says which logger a thread's calls go to",
    );
}
