//! Specs: how one value is printed.

use stenolog_format::template::{Align, Trait};

/// The part of a placeholder after the colon, with its width and precision resolved.
///
/// ```
/// use stenolog_decoder::text::{ResolvedSpec, write_value};
/// use stenolog_format::template::Trait;
/// use stenolog_format::value::Value;
///
/// let mut out = String::new();
/// let spec = ResolvedSpec { alternate: true, width: 6, ..ResolvedSpec::new(Trait::LowerHex) };
/// write_value(&mut out, &Value::U8(10), &spec);
/// assert_eq!(out, "   0xa");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedSpec {
    /// The character that pads.
    pub fill: char,
    /// Where the padding goes; depends on the type if absent.
    pub align: Option<Align>,
    /// `+`: print the sign of positive numbers too.
    pub plus: bool,
    /// `#`: pretty printing, or the prefix of the radix.
    pub alternate: bool,
    /// `0`: pad numbers with zeros, after the sign.
    pub zero: bool,
    /// The least number of characters.
    pub width: u16,
    /// Digits after the point, or the most characters of a string.
    pub precision: Option<u16>,
    /// The trait that prints the value.
    pub format: Trait,
}

impl ResolvedSpec {
    /// Nothing but a trait: what `{}` or `{:?}` say.
    #[must_use]
    pub const fn new(format: Trait) -> Self {
        Self {
            fill: ' ',
            align: None,
            plus: false,
            alternate: false,
            zero: false,
            width: 0,
            precision: None,
            format,
        }
    }

    /// Whether nothing is asked for but, perhaps, a precision.
    pub(crate) fn has_only_precision(&self) -> bool {
        self.width == 0 && !self.plus && !self.alternate
    }
}
