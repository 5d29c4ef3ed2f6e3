//! Values of `rust_decimal`, printed as it does: more digits than asked for are cut, not rounded.

use std::fmt;

use stenolog_format::template::Trait;
use stenolog_format::types::reserved::NEGATIVE_ZERO;
use stenolog_format::value::{Product, Value};

/// A decimal number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal {
    digits: u128,
    is_negative: bool,
    /// How many digits are after the point.
    scale: usize,
}

/// The most digits after the point that the package pads itself.
const MAX_SCALE: usize = 28;

impl Decimal {
    pub(super) fn of(product: &Product<'_>) -> Option<Self> {
        match product.fields.as_slice() {
            [(_, Value::I128(number)), (_, Value::U8(scale))] => Some(Self {
                digits: number.unsigned_abs(),
                is_negative: *number < 0 || scale & NEGATIVE_ZERO != 0,
                scale: usize::from(scale & !NEGATIVE_ZERO),
            }),
            _ => None,
        }
    }

    /// Reads `-12.50`, and integers.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_number = !(whole.is_empty() && part.is_empty())
            && whole.bytes().chain(part.bytes()).all(|byte| byte.is_ascii_digit());
        let digits = if is_number { format!("{whole}{part}").parse().ok()? } else { return None };
        Some(Self { digits, is_negative, scale: part.len() })
    }

    /// Whether both are the same number, however many zeros they end with.
    pub(crate) fn equals(self, other: Self) -> bool {
        let least = |mut of: Self| {
            while of.scale > 0 && of.digits.is_multiple_of(10) {
                of.digits /= 10;
                of.scale -= 1;
            }
            (of.digits, of.is_negative && of.digits != 0, of.scale)
        };
        least(self) == least(other)
    }

    pub(super) fn fmt(&self, format: Trait, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match format {
            Trait::LowerExp => self.write_exponent("e", f),
            Trait::UpperExp => self.write_exponent("E", f),
            _ => self.write(f),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = match self.digits {
            0 => String::new(),
            digits => digits.to_string(),
        };
        let digits = format!("{digits:0>width$}", width = self.scale);
        let (whole, part) = digits.split_at(digits.len() - self.scale);
        let whole = if whole.is_empty() { "0" } else { whole };
        let precision = f.precision().unwrap_or(self.scale);
        let mut text = whole.to_owned();
        if precision > 0 {
            text.push('.');
            let shown = part.get(..precision.min(part.len())).unwrap_or_default();
            text.push_str(&format!("{shown:0<precision$}"));
        }
        f.pad_integral(!self.is_negative, "", &text)
    }

    fn write_exponent(&self, symbol: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.digits == 0 {
            return f.write_str("0e0");
        }
        let digits = self.digits.to_string();
        let (first, rest) = digits.split_at(1);
        let exponent = rest.len() as i64 - self.scale as i64;
        let has_zeros = rest.bytes().all(|byte| byte == b'0');
        let number = match f.precision() {
            Some(0) => first.to_owned(),
            // As the package writes it: the digit comes with the point, then zeros.
            Some(precision) => {
                let rest: String = rest.chars().take(precision).collect();
                format!("{first}.{rest:0<precision$}")
            }
            None if has_zeros => first.to_owned(),
            None => format!("{first}.{rest}"),
        };
        f.pad_integral(!self.is_negative, "", &format!("{number}{symbol}{exponent}"))
    }
}

/// The package prints more digits than this in two steps, with the same result.
const _: () = assert!(MAX_SCALE < NEGATIVE_ZERO as usize);
