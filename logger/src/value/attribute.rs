//! Fields with attributes: what `#[record(with | display | debug | hex | ascii)]` record.

use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use stenolog_format::types::Type;

use super::bound::Bound;
use super::{AsRecord, Text, Value};

/// The layout of what a function makes of a field (`#[record(with = path)]`).
pub struct With {
    /// As in [`Value`].
    pub signature: u64,
    /// As in [`Value`].
    pub fixed_size: Option<usize>,
    /// As in [`Value`].
    pub bound: Bound,
    /// As in [`Value`].
    pub describe: fn() -> Type,
}

/// The layout of what a function makes of a field.
#[must_use]
pub const fn with<'a, T: ?Sized + 'a, R: AsRecord + 'a>(_: fn(&'a T) -> R) -> With {
    With {
        signature: <R::As<'a> as Value>::SIGNATURE,
        fixed_size: <R::As<'a> as Value>::FIXED_SIZE,
        bound: <R::As<'a> as Value>::BOUND,
        describe: <R::As<'a> as Value>::describe,
    }
}

/// The text of a field with `#[record(display)]`.
pub fn display_text<T: fmt::Display + ?Sized>(value: &T) -> Text {
    Text::new(format_args!("{value}"))
}

/// The text of a field with `#[record(debug)]`.
pub fn debug_text<T: fmt::Debug + ?Sized>(value: &T) -> Text {
    Text::new(format_args!("{value:?}"))
}

/// Types that `#[record(hex)]` accepts: integers and containers of bytes.
#[diagnostic::on_unimplemented(
    message = "`#[record(hex)]` takes integers and bytes, not `{Self}`",
    label = "neither an integer nor bytes"
)]
pub trait Hex {
    /// Appends digits: of an integer as `{:#x}` does, of bytes two for each.
    fn write_hex(&self, out: &mut dyn fmt::Write) -> fmt::Result;
}

/// Types that `#[record(ascii)]` accepts: containers of bytes.
#[diagnostic::on_unimplemented(
    message = "`#[record(ascii)]` takes bytes, not `{Self}`",
    label = "neither `[u8]` nor what holds one"
)]
pub trait Ascii {
    /// Appends text, with an escape for each byte that is not printable ASCII.
    fn write_ascii(&self, out: &mut dyn fmt::Write) -> fmt::Result;
}

macro_rules! hex_integers {
    ($($ty:ty)+) => {$(
        impl Hex for $ty {
            fn write_hex(&self, out: &mut dyn fmt::Write) -> fmt::Result {
                write!(out, "{self:#x}")
            }
        }
    )+};
}

hex_integers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

impl Hex for [u8] {
    fn write_hex(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        self.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl Ascii for [u8] {
    fn write_ascii(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        write!(out, "{}", self.escape_ascii())
    }
}

macro_rules! of_bytes {
    ($([$($generics:tt)*] $ty:ty => $target:ty;)+) => {$(
        impl<$($generics)*> Hex for $ty where $target: Hex {
            fn write_hex(&self, out: &mut dyn fmt::Write) -> fmt::Result {
                <$target>::write_hex(self, out)
            }
        }

        impl<$($generics)*> Ascii for $ty where $target: Ascii {
            fn write_ascii(&self, out: &mut dyn fmt::Write) -> fmt::Result {
                <$target>::write_ascii(self, out)
            }
        }
    )+};
}

of_bytes! {
    [] Vec<u8> => [u8];
    [const N: usize] [u8; N] => [u8];
    [T: ?Sized] &T => T;
    [T: ?Sized] Box<T> => T;
    [T: ?Sized] Rc<T> => T;
    [T: ?Sized] Arc<T> => T;
}

/// Prints by a function.
struct By<F>(F);

impl<F: Fn(&mut dyn fmt::Write) -> fmt::Result> fmt::Display for By<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}

/// The text of a field with `#[record(hex)]`.
pub fn hex_text<T: Hex + ?Sized>(value: &T) -> Text {
    display_text(&By(|out: &mut dyn fmt::Write| value.write_hex(out)))
}

/// The text of a field with `#[record(ascii)]`.
pub fn ascii_text<T: Ascii + ?Sized>(value: &T) -> Text {
    display_text(&By(|out: &mut dyn fmt::Write| value.write_ascii(out)))
}
