//! Format strings, and values printed by them.

use std::fmt::{Binary, Debug, Display, LowerExp, LowerHex, Octal, UpperExp, UpperHex};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use stenolog_decoder::Value;
use stenolog_decoder::format::template::{Align, Piece, Template, Trait};
use stenolog_decoder::format::types::MAX_TYPE_DEPTH;
use stenolog_decoder::text::{CompiledTemplate, ResolvedSpec, write_value};

use super::input::Input;

/// How many values a template can name.
const SLOTS: usize = 4;

/// A message of four short values gets no longer than this, whatever paddings it asks for.
const MAX_BYTES: usize = 8 << 20;

/// Parses a format string and prints values by it, or prints one value by one spec.
///
/// | first byte | what follows |
/// |---|---|
/// | even | four values (a byte for the kind, then the value), and the format string |
/// | odd | a spec (flags, trait, width, precision), and a value, to be compared with std |
///
/// # Panics
/// If the parser or the printing breaks a promise.
pub fn template(bytes: &[u8]) {
    let mut input = Input(bytes);
    if input.u8() % 2 == 1 {
        return compare_with_std(&mut input);
    }
    let values: [Value<'_>; SLOTS] = std::array::from_fn(|_| value(&mut input, MAX_TYPE_DEPTH));
    let Ok(text) = std::str::from_utf8(input.0) else { return };
    check_grammar(text);
    check_printing(text, &values);
}

/// The pieces are the whole of the text, and an error points into it.
fn check_grammar(text: &str) {
    let template = match Template::parse(text) {
        Ok(template) => template,
        Err(error) => return drop(error.to_string()),
    };
    let mut again = String::new();
    for piece in &template.pieces {
        match piece {
            Piece::Literal(literal) => {
                again.push_str(&literal.replace('{', "{{").replace('}', "}}"));
            }
            Piece::Placeholder(placeholder) => {
                let alone = &text[placeholder.span.clone()];
                let parsed = Template::parse(alone).expect("a placeholder is a format string");
                let [Piece::Placeholder(found)] = &parsed.pieces[..] else {
                    panic!("{alone} is one placeholder");
                };
                assert_eq!((found.argument, found.spec), (placeholder.argument, placeholder.spec));
                again.push_str(alone);
            }
        }
    }
    assert_eq!(again, text);
}

/// A message is its pieces, one after the other, and not longer than it may be.
fn check_printing(text: &str, values: &[Value<'_>]) {
    let compiled = match CompiledTemplate::new(text, SLOTS) {
        Ok(compiled) => compiled,
        Err(error) => return drop(error.to_string()),
    };
    let mut message = String::new();
    compiled.write(&mut message, values);
    assert!(message.len() <= MAX_BYTES + text.len(), "{} bytes of {text}", message.len());
    let pieces = Template::parse(text).expect("it compiles").pieces;
    assert_eq!(compiled.as_literal(), (pieces.iter().all(is_literal)).then_some(&*message));
    // Where it was cut, its pieces are not.
    if message.len() > MAX_BYTES / 8 {
        return;
    }
    let mut rest = &*message;
    for piece in &pieces {
        let mut expected = String::new();
        match piece {
            Piece::Literal(literal) => expected.push_str(literal),
            Piece::Placeholder(placeholder) => {
                CompiledTemplate::new(&text[placeholder.span.clone()], SLOTS)
                    .expect("its whole compiles")
                    .write(&mut expected, values);
            }
        }
        rest = rest.strip_prefix(&*expected).unwrap_or_else(|| panic!("{expected:?} in {rest:?}"));
    }
    assert_eq!(rest, "");
}

fn is_literal(piece: &Piece<'_>) -> bool {
    matches!(piece, Piece::Literal(_))
}

/// A value of any kind, with no more than `depth` values around one another.
fn value<'a>(input: &mut Input<'a>, depth: usize) -> Value<'a> {
    let kind = input.u8() % 25;
    let inner = |input: &mut Input<'a>| match depth {
        0 => Value::None,
        _ => value(input, depth - 1),
    };
    match kind {
        15 => Value::Bytes(short(input)),
        16 => Value::List(vec![scalar(input), scalar(input)]),
        17 => Value::Some(Box::new(inner(input))),
        18 => Value::Tuple(vec![inner(input), Value::None]),
        19 => Value::Map(vec![(scalar(input), inner(input))]),
        20 => Value::Duration(Duration::new(input.u64(), input.u32() % 1_000_000_000)),
        21 => Value::SystemTime(input.u64() as i64, input.u32() % 1_000_000_000),
        22 => Value::Ip(IpAddr::V4(input.u32().into())),
        23 => Value::Socket((Ipv6Addr::from(input.u128()), input.u16()).into()),
        24 => Value::Formatted(text(short(input))),
        _ => scalar_of_kind(kind, input),
    }
}

fn scalar<'a>(input: &mut Input<'a>) -> Value<'a> {
    let kind = input.u8() % 17;
    scalar_of_kind(kind, input)
}

fn scalar_of_kind<'a>(kind: u8, input: &mut Input<'a>) -> Value<'a> {
    match kind {
        0 => Value::U8(input.u8()),
        1 => Value::U16(input.u16()),
        2 => Value::U32(input.u32()),
        3 => Value::U64(input.u64()),
        4 => Value::U128(input.u128()),
        5 => Value::I8(input.u8() as i8),
        6 => Value::I16(input.u16() as i16),
        7 => Value::I32(input.u32() as i32),
        8 => Value::I64(input.u64() as i64),
        9 => Value::I128(input.u128() as i128),
        10 => Value::F32(f32::from_bits(input.u32())),
        11 => Value::F64(f64::from_bits(input.u64())),
        // Prices, and numbers in the middle between two shorter ones.
        12 => Value::F64(f64::from(input.u32() as i32) / f64::from(input.u16())),
        13 => Value::Bool(input.u8() & 1 == 1),
        14 => Value::Char(char::from_u32(input.u32()).unwrap_or('\u{1b}')),
        15 => Value::F32((f64::from(input.u32() as i32) / f64::from(input.u16())) as f32),
        _ => Value::Str(text(short(input))),
    }
}

fn short<'a>(input: &mut Input<'a>) -> &'a [u8] {
    let length = input.u8();
    input.bytes(length.into())
}

/// As much of the bytes as is text.
fn text(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&bytes[..error.valid_up_to()]).expect("as it says"),
    }
}

/// What is printed by the engine must be what std prints, by the same flags and the same trait.
fn compare_with_std(input: &mut Input<'_>) {
    let flags = input.u8();
    let traits = [
        Trait::Display,
        Trait::Debug,
        Trait::DebugLowerHex,
        Trait::DebugUpperHex,
        Trait::LowerHex,
        Trait::UpperHex,
        Trait::Octal,
        Trait::Binary,
        Trait::LowerExp,
        Trait::UpperExp,
    ];
    let spec = ResolvedSpec {
        // The one fill that the literals below have, and a space where they have none.
        fill: if flags & 3 == 0 { ' ' } else { '*' },
        align: [None, Some(Align::Left), Some(Align::Center), Some(Align::Right)]
            [usize::from(flags & 3)],
        plus: flags & 4 != 0,
        alternate: flags & 8 != 0,
        zero: flags & 16 != 0,
        format: traits[usize::from(input.u8()) % traits.len()],
        width: input.u16() % 300,
        precision: Some(input.u16() % 400).filter(|_| flags & 32 != 0),
    };
    let value = scalar(input);
    let Some(expected) = by_std(&value, &spec) else { return };
    let mut found = String::new();
    write_value(&mut found, &value, &spec);
    assert_eq!(found, expected, "{value:?} by {spec:?}");
}

/// What std prints; `None` if the type has not the trait.
fn by_std(value: &Value<'_>, spec: &ResolvedSpec) -> Option<String> {
    match value {
        Value::U8(n) => Some(integer(n, spec)),
        Value::U16(n) => Some(integer(n, spec)),
        Value::U32(n) => Some(integer(n, spec)),
        Value::U64(n) => Some(integer(n, spec)),
        Value::U128(n) => Some(integer(n, spec)),
        Value::I8(n) => Some(integer(n, spec)),
        Value::I16(n) => Some(integer(n, spec)),
        Value::I32(n) => Some(integer(n, spec)),
        Value::I64(n) => Some(integer(n, spec)),
        Value::I128(n) => Some(integer(n, spec)),
        Value::F32(n) => float(n, spec),
        Value::F64(n) => float(n, spec),
        Value::Bool(truth) => shown(truth, truth, spec),
        Value::Char(char) => shown(char, char, spec),
        Value::Str(text) => shown(text, text, spec),
        _ => None,
    }
}

fn integer<T>(n: &T, spec: &ResolvedSpec) -> String
where
    T: Display + Debug + LowerHex + UpperHex + Octal + Binary + LowerExp + UpperExp,
{
    match spec.format {
        Trait::LowerHex => by_trait::lower_hex(n, spec),
        Trait::UpperHex => by_trait::upper_hex(n, spec),
        Trait::Octal => by_trait::octal(n, spec),
        Trait::Binary => by_trait::binary(n, spec),
        Trait::LowerExp => by_trait::lower_exp(n, spec),
        Trait::UpperExp => by_trait::upper_exp(n, spec),
        _ => shown(n, n, spec).unwrap_or_default(),
    }
}

fn float<T: Display + Debug + LowerExp + UpperExp>(n: &T, spec: &ResolvedSpec) -> Option<String> {
    match spec.format {
        Trait::LowerExp => Some(by_trait::lower_exp(n, spec)),
        Trait::UpperExp => Some(by_trait::upper_exp(n, spec)),
        _ => shown(n, n, spec),
    }
}

fn shown(as_display: &dyn Display, as_debug: &dyn Debug, spec: &ResolvedSpec) -> Option<String> {
    match spec.format {
        Trait::Display => Some(by_trait::display(as_display, spec)),
        Trait::Debug => Some(by_trait::debug(as_debug, spec)),
        Trait::DebugLowerHex => Some(by_trait::debug_lower_hex(as_debug, spec)),
        Trait::DebugUpperHex => Some(by_trait::debug_upper_hex(as_debug, spec)),
        _ => None,
    }
}

/// `format!` with each combination of flags, for each trait.
mod by_trait {
    use super::*;

    macro_rules! by_trait {
        ($($name:ident $trait:ident $letters:literal,)*) => {
            $(pub(super) fn $name(value: &dyn $trait, spec: &ResolvedSpec) -> String {
                by_trait!(@align value, spec, $letters)
            })*
        };
        (@align $value:ident, $spec:ident, $letters:literal) => {
            match $spec.align {
                None => by_trait!(@plus $value, $spec, $letters, "{:"),
                Some(Align::Left) => by_trait!(@plus $value, $spec, $letters, "{:*<"),
                Some(Align::Center) => by_trait!(@plus $value, $spec, $letters, "{:*^"),
                Some(Align::Right) => by_trait!(@plus $value, $spec, $letters, "{:*>"),
            }
        };
        (@plus $value:ident, $spec:ident, $letters:literal, $($part:literal)*) => {
            if $spec.plus {
                by_trait!(@alternate $value, $spec, $letters, $($part)* "+")
            } else {
                by_trait!(@alternate $value, $spec, $letters, $($part)*)
            }
        };
        (@alternate $value:ident, $spec:ident, $letters:literal, $($part:literal)*) => {
            if $spec.alternate {
                by_trait!(@zero $value, $spec, $letters, $($part)* "#")
            } else {
                by_trait!(@zero $value, $spec, $letters, $($part)*)
            }
        };
        (@zero $value:ident, $spec:ident, $letters:literal, $($part:literal)*) => {
            if $spec.zero {
                by_trait!(@counts $value, $spec, $letters, $($part)* "0")
            } else {
                by_trait!(@counts $value, $spec, $letters, $($part)*)
            }
        };
        (@counts $value:ident, $spec:ident, $letters:literal, $($part:literal)*) => {{
            let width = usize::from($spec.width);
            match $spec.precision.map(usize::from) {
                None => format!(concat!($($part,)* "1$", $letters, "}"), $value, width),
                Some(precision) => {
                    format!(concat!($($part,)* "1$.2$", $letters, "}"), $value, width, precision)
                }
            }
        }};
    }

    by_trait! {
        display Display "",
        debug Debug "?",
        debug_lower_hex Debug "x?",
        debug_upper_hex Debug "X?",
        lower_hex LowerHex "x",
        upper_hex UpperHex "X",
        octal Octal "o",
        binary Binary "b",
        lower_exp LowerExp "e",
        upper_exp UpperExp "E",
    }
}
