//! The answers that choose a tier, and the last tier: text, formatted at the call.

use std::fmt;

use crate::call::registers::{Captured, Nothing};
use crate::value::Text;

/// The type of an open literal whose tier applies: what the literal defaults to.
pub(crate) type Chosen = i32;

/// The type of an open literal whose tier does not apply: the next one is asked.
pub(crate) type Next = i64;

/// A value that prints in one fixed way, whichever formatting trait is used. A closure that formats it
/// therefore compiles for every argument.
#[derive(Clone, Copy)]
pub struct Printed<'a>(&'a dyn Fn(&mut fmt::Formatter<'_>) -> fmt::Result);

/// Formatting traits, as types.
pub mod by {
    use super::{Chosen, FormatTier, Printed, Text, fmt};

    macro_rules! formats {
        ($($format:ident)+) => {$(
            #[doc = concat!("By `", stringify!($format), "`.")]
            #[derive(Debug)]
            pub struct $format;

            impl<T: fmt::$format + ?Sized, R> FormatTier<$format, (Chosen, R)> for T {
                type Captured = Text;

                #[inline]
                fn capture(&self, text: impl FnOnce(Printed<'_>) -> Text) -> Text {
                    text(Printed(&|f| <T as fmt::$format>::fmt(self, f)))
                }
            }

            impl fmt::$format for Printed<'_> {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    (self.0)(f)
                }
            }
        )+};
    }

    formats! { Display Debug LowerHex UpperHex Octal Binary LowerExp UpperExp Pointer }
}

/// Text, if the type has the formatting trait `F`.
pub trait FormatTier<F, A> {
    /// The captured value.
    type Captured: Captured;

    /// Captures it.
    fn capture(&self, text: impl FnOnce(Printed<'_>) -> Text) -> Self::Captured;
}

impl<T: ?Sized, F, R> FormatTier<F, (Next, R)> for T {
    type Captured = Nothing;

    fn capture(&self, _: impl FnOnce(Printed<'_>) -> Text) -> Nothing {
        Nothing
    }
}

/// Not generic: call sites share the code.
pub(super) fn display_text(value: Printed<'_>) -> Text {
    Text::new(format_args!("{value}"))
}

/// As [`display_text`].
pub(super) fn debug_text(value: Printed<'_>) -> Text {
    Text::new(format_args!("{value:?}"))
}
