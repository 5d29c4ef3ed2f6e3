//! Printing by std itself: the same text as `format!` because it is made by the same code.
//!
//! A [`fmt::Formatter`] with given options comes only from a literal format string, so the options
//! are enumerated: sign, `#`, `0`, alignment, hexadecimal debug, with or without precision make 192
//! literals. Width and precision are arguments of each. The fill character can be any, so all
//! literals fill with [`FILL`], and [`Sink`] puts the wanted one in its place.
//!
//! A width of 0 means none and a `-` is left out: no type that is recorded tells them apart.

use std::fmt::{self, Write};

use stenolog_format::template::{Align, Trait};
use stenolog_format::types::Shape;
use stenolog_format::value::{Product, Value};

use super::reserved::Reserved;
use super::spec::ResolvedSpec;

/// What the literals fill with. std writes padding by `write_char`; all else that it writes in that
/// way is a quote, or printable, which this noncharacter is not. (`concat!` takes no constants, so
/// the literals below spell it out.)
const FILL: char = '\u{10ffff}';

/// Appends `value` as std prints it; returns `false` if `out` would have grown beyond `limit`.
#[must_use]
pub(super) fn print(
    out: &mut String,
    value: &Value<'_>,
    spec: &ResolvedSpec,
    limit: usize,
) -> bool {
    let mut spec = *spec;
    if matches!(spec.format, Trait::LowerExp | Trait::UpperExp) {
        // std itself panics on `{:.65535e}` of a float, as it counts the digit before the point too.
        spec.precision = spec.precision.map(|digits| digits.min(u16::MAX - 1));
    }
    let mut sink = Sink { out, fill: spec.fill, limit };
    let printed = StdPrinted { value, format: spec.format };
    print_with_flags(&mut sink, &printed, &spec).is_ok()
}

/// The output, up to its limit.
struct Sink<'a> {
    out: &'a mut String,
    fill: char,
    limit: usize,
}

impl Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.out.len().saturating_add(text.len()) > self.limit {
            return Err(fmt::Error);
        }
        self.out.push_str(text);
        Ok(())
    }

    fn write_char(&mut self, char: char) -> fmt::Result {
        if self.out.len() >= self.limit {
            return Err(fmt::Error);
        }
        self.out.push(if char == FILL { self.fill } else { char });
        Ok(())
    }
}

/// Writes with the literal that has the flags of a spec. Each step adds one part to the literal.
macro_rules! with_literal {
    ($sink:ident, $printed:ident, $spec:ident) => {
        match $spec.align {
            None => with_literal!(@sign $sink, $printed, $spec, "{:"),
            Some(Align::Left) => with_literal!(@sign $sink, $printed, $spec, "{:\u{10ffff}<"),
            Some(Align::Center) => with_literal!(@sign $sink, $printed, $spec, "{:\u{10ffff}^"),
            Some(Align::Right) => with_literal!(@sign $sink, $printed, $spec, "{:\u{10ffff}>"),
        }
    };
    (@sign $sink:ident, $printed:ident, $spec:ident, $($part:literal)*) => {
        if $spec.plus {
            with_literal!(@alternate $sink, $printed, $spec, $($part)* "+")
        } else {
            with_literal!(@alternate $sink, $printed, $spec, $($part)*)
        }
    };
    (@alternate $sink:ident, $printed:ident, $spec:ident, $($part:literal)*) => {
        if $spec.alternate {
            with_literal!(@zero $sink, $printed, $spec, $($part)* "#")
        } else {
            with_literal!(@zero $sink, $printed, $spec, $($part)*)
        }
    };
    (@zero $sink:ident, $printed:ident, $spec:ident, $($part:literal)*) => {
        if $spec.zero {
            with_literal!(@counts $sink, $printed, $spec, $($part)* "0")
        } else {
            with_literal!(@counts $sink, $printed, $spec, $($part)*)
        }
    };
    (@counts $sink:ident, $printed:ident, $spec:ident, $($part:literal)*) => {{
        let width = usize::from($spec.width);
        if let Some(precision) = $spec.precision {
            let precision = usize::from(precision);
            match $spec.format {
                Trait::DebugLowerHex => {
                    write!($sink, concat!($($part,)* "1$.2$x?}"), $printed, width, precision)
                }
                Trait::DebugUpperHex => {
                    write!($sink, concat!($($part,)* "1$.2$X?}"), $printed, width, precision)
                }
                _ => write!($sink, concat!($($part,)* "1$.2$?}"), $printed, width, precision),
            }
        } else {
            match $spec.format {
                Trait::DebugLowerHex => {
                    write!($sink, concat!($($part,)* "1$x?}"), $printed, width)
                }
                Trait::DebugUpperHex => {
                    write!($sink, concat!($($part,)* "1$X?}"), $printed, width)
                }
                _ => write!($sink, concat!($($part,)* "1$?}"), $printed, width),
            }
        }
    }};
}

fn print_with_flags(
    sink: &mut Sink<'_>,
    printed: &StdPrinted<'_>,
    spec: &ResolvedSpec,
) -> fmt::Result {
    with_literal!(sink, printed, spec)
}

/// A value that prints by the trait that `format` names, with the options of any formatter.
///
/// Its own trait is [`fmt::Debug`], whichever that is, as only that one has the options `x?`, `X?`.
struct StdPrinted<'a> {
    value: &'a Value<'a>,
    format: Trait,
}

/// `$trait::fmt` of the variants named, `$other` of all others.
macro_rules! delegate {
    ($value:expr, $f:expr, $trait:ident, $($variant:ident)*, $other:expr) => {
        match $value {
            $(Value::$variant(inner) => fmt::$trait::fmt(inner, $f),)*
            other => $other(other, $f),
        }
    };
}

impl fmt::Debug for StdPrinted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        macro_rules! of_integers {
            ($trait:ident) => {
                delegate!(
                    self.value, f, $trait,
                    U8 U16 U32 U64 U128 I8 I16 I32 I64 I128, display
                )
            };
        }
        macro_rules! of_numbers {
            ($trait:ident) => {
                delegate!(
                    self.value, f, $trait,
                    U8 U16 U32 U64 U128 I8 I16 I32 I64 I128 F32 F64, display
                )
            };
        }
        if let Value::Struct(product) = self.value
            && let Some(reserved) = Reserved::of(product)
        {
            return reserved.fmt(self.format, f);
        }
        match self.format {
            Trait::Display | Trait::Pointer => display(self.value, f),
            Trait::Debug | Trait::DebugLowerHex | Trait::DebugUpperHex => debug(self.value, f),
            Trait::LowerHex => of_integers!(LowerHex),
            Trait::UpperHex => of_integers!(UpperHex),
            Trait::Octal => of_integers!(Octal),
            Trait::Binary => of_integers!(Binary),
            Trait::LowerExp => of_numbers!(LowerExp),
            Trait::UpperExp => of_numbers!(UpperExp),
        }
    }
}

/// Values without a `Display` in Rust print by `Debug`.
fn display(value: &Value<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    delegate!(
        value, f, Display,
        U8 U16 U32 U64 U128 I8 I16 I32 I64 I128 F32 F64 Bool Char Str Ip Socket, debug
    )
}

/// As [`fmt::Debug`], derived or std's, prints a value: each leaf with the options of `f`.
pub(super) fn debug(value: &Value<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Value::Unit => fmt::Debug::fmt(&(), f),
        Value::Formatted(text) => f.write_str(text),
        Value::None => f.write_str("None"),
        Value::Some(inner) => f.debug_tuple("Some").field(&Debug(inner)).finish(),
        Value::List(items) => f.debug_list().entries(items.iter().map(Debug)).finish(),
        Value::Set(items) => f.debug_set().entries(items.iter().map(Debug)).finish(),
        Value::Tuple(items) => {
            let mut tuple = f.debug_tuple("");
            for item in items {
                tuple.field(&Debug(item));
            }
            tuple.finish()
        }
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (Debug(key), Debug(value)));
            f.debug_map().entries(entries).finish()
        }
        Value::Struct(product) | Value::Variant(product) => debug_product(product, f),
        Value::SystemTime(seconds, nanos) => {
            f.debug_struct("SystemTime").field("tv_sec", seconds).field("tv_nsec", nanos).finish()
        }
        other => delegate!(
            other, f, Debug,
            U8 U16 U32 U64 U128 I8 I16 I32 I64 I128 F32 F64 Bool Char Str Bytes Duration Ip Socket,
            fmt::Debug::fmt
        ),
    }
}

fn debug_product(product: &Product<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(reserved) = Reserved::of(product) {
        return reserved.fmt(Trait::Debug, f);
    }
    if let Some((message, sources)) = product.as_error() {
        return debug_error(message, sources, f);
    }
    match product.shape {
        Shape::Unit => f.write_str(product.name),
        Shape::Tuple => {
            let mut tuple = f.debug_tuple(product.name);
            for (_, value) in &product.fields {
                tuple.field(&Debug(value));
            }
            tuple.finish()
        }
        Shape::Struct => {
            let mut fields = f.debug_struct(product.name);
            for (name, value) in &product.fields {
                fields.field(name, &Debug(value));
            }
            fields.finish()
        }
    }
}

/// An error and its sources, each after a colon, except a source that the text ends with already: many errors
/// print their source themselves.
fn debug_error(
    message: &Value<'_>,
    sources: &[Value<'_>],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut last = "";
    for (index, part) in std::iter::once(message).chain(sources).enumerate() {
        let Value::Formatted(text) = *part else { continue };
        if index > 0 && last.ends_with(text) {
            continue;
        }
        if index > 0 {
            f.write_str(": ")?;
        }
        f.write_str(text)?;
        last = text;
    }
    Ok(())
}

/// An element for std's builders.
struct Debug<'a>(&'a Value<'a>);

impl fmt::Debug for Debug<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug(self.0, f)
    }
}
