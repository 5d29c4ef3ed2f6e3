//! Tables of every spec that the format language has, each with `format!`'s own code for it.

use std::fmt::{self, Binary, Debug, Display, LowerExp, LowerHex, Octal, UpperExp, UpperHex};

use crate::text::CompiledTemplate;

/// One format string and what std makes of it.
pub(super) struct Case<F: ?Sized> {
    pub(super) template: &'static str,
    pub(super) compiled: CompiledTemplate,
    /// `format!` of a value, a width and a precision.
    pub(super) format: fn(&F, usize, usize) -> String,
}

pub(super) struct Table<F: ?Sized> {
    pub(super) cases: Vec<Case<F>>,
}

impl<F: ?Sized> Table<F> {
    fn new() -> Self {
        Self { cases: Vec::new() }
    }

    fn push(&mut self, template: &'static str, format: fn(&F, usize, usize) -> String) {
        let compiled = CompiledTemplate::new(template, 3).unwrap();
        self.cases.push(Case { template, compiled, format });
    }
}

/// Pushes a case for each combination of flags and counts with one trait's letters.
///
/// Each step appends one part to the literal; the last one calls `format!` with the arguments that
/// the literal names, as it refuses others.
macro_rules! push_specs {
    ($table:ident, $letters:literal) => {
        push_specs!(@sign $table, $letters, "");
        push_specs!(@sign $table, $letters, "<");
        push_specs!(@sign $table, $letters, "^");
        push_specs!(@sign $table, $letters, "*>");
        push_specs!(@sign $table, $letters, "é^");
        push_specs!(@sign $table, $letters, "}<");
    };
    (@sign $table:ident, $letters:literal, $($part:literal)*) => {
        push_specs!(@alternate $table, $letters, $($part)*);
        push_specs!(@alternate $table, $letters, $($part)* "+");
        push_specs!(@alternate $table, $letters, $($part)* "-");
    };
    (@alternate $table:ident, $letters:literal, $($part:literal)*) => {
        push_specs!(@zero $table, $letters, $($part)*);
        push_specs!(@zero $table, $letters, $($part)* "#");
    };
    (@zero $table:ident, $letters:literal, $($part:literal)*) => {
        push_specs!(@counts $table, $letters, $($part)*);
        push_specs!(@counts $table, $letters, $($part)* "0");
    };
    (@counts $table:ident, $letters:literal, $($part:literal)*) => {
        push_specs!(@push $table, $letters, [], $($part)*);
        push_specs!(@push $table, $letters, [], $($part)* "9");
        push_specs!(@push $table, $letters, [w], $($part)* "1$");
        push_specs!(@push $table, $letters, [], $($part)* ".2");
        push_specs!(@push $table, $letters, [], $($part)* "12.0");
        push_specs!(@push $table, $letters, [w], $($part)* "1$.5");
        push_specs!(@push $table, $letters, [p], $($part)* ".2$");
        push_specs!(@push $table, $letters, [p], $($part)* "7.2$");
        push_specs!(@push $table, $letters, [w p], $($part)* "1$.2$");
    };
    (@push $table:ident, $letters:literal, [], $($part:literal)*) => {
        $table.push(concat!("{0:", $($part,)* $letters, "}"), |value, _, _| {
            format!(concat!("{0:", $($part,)* $letters, "}"), value)
        });
    };
    (@push $table:ident, $letters:literal, [w], $($part:literal)*) => {
        $table.push(concat!("{0:", $($part,)* $letters, "}"), |value, width, _| {
            format!(concat!("{0:", $($part,)* $letters, "}"), value, width)
        });
    };
    (@push $table:ident, $letters:literal, [p], $($part:literal)*) => {
        $table.push(concat!("{0:", $($part,)* $letters, "}"), |value, _, precision| {
            // Argument 1 is the width, which these do not name but with no character of text.
            format!(
                concat!("{1:.0}{0:", $($part,)* $letters, "}"),
                value, "", precision
            )
        });
    };
    (@push $table:ident, $letters:literal, [w p], $($part:literal)*) => {
        $table.push(concat!("{0:", $($part,)* $letters, "}"), |value, width, precision| {
            format!(concat!("{0:", $($part,)* $letters, "}"), value, width, precision)
        });
    };
}

macro_rules! table {
    ($(#[$doc:meta])* $function:ident, $type:ty, $($letters:literal)*) => {
        $(#[$doc])*
        pub(super) fn $function() -> Table<$type> {
            let mut table = Table::new();
            $({
                // A function for each trait keeps them within what the compiler likes.
                fn push(table: &mut Table<$type>) {
                    push_specs!(table, $letters);
                }
                push(&mut table);
            })*
            table
        }
    };
}

table!(display, dyn Display, "");
table!(debug, dyn Debug, "?" "x?" "X?");

/// The traits of integers beyond `Display` and `Debug`.
pub(super) trait Radix: LowerHex + UpperHex + Octal + Binary {}
impl<T: LowerHex + UpperHex + Octal + Binary> Radix for T {}
table!(radix, dyn Radix, "x" "X" "o" "b");

pub(super) trait Exp: LowerExp + UpperExp {}
impl<T: LowerExp + UpperExp> Exp for T {}
table!(exp, dyn Exp, "e" "E");

// A sanity check of the tables themselves.
#[test]
fn tables_hold_what_they_say() {
    let table = display();
    assert_eq!(table.cases.len(), 6 * 3 * 2 * 2 * 9);
    let find = |template: &str| {
        let case = table.cases.iter().find(|case| case.template == template).unwrap();
        (case.format)(&fmt::from_fn(|f| f.pad("abc")), 5, 1)
    };
    assert_eq!(find("{0:é^+1$.2$}"), "ééaéé");
    assert_eq!(find("{0:.2$}"), "a");
    assert_eq!(find("{0:*>9}"), "******abc");
}
