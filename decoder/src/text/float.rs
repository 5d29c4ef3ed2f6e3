//! Exact shortcuts for the floats that programs log most.
//!
//! Each function prints what std prints or leaves the number to std: it returns `false` and has
//! appended nothing.

/// Which trait's text is wanted where the two differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `{}`: a whole number has no point.
    Display,
    /// `{:?}`: it ends in `.0`.
    Debug,
}

/// Powers of ten up to the most decimals that [`push_decimals`] prints.
const POWERS: [u64; 16] = {
    let mut powers = [1; 16];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Appends `number` as `{:.digits}` prints it.
///
/// A double is `mantissa / 2^shift`, so that `mantissa * 10^digits >> shift` is the number in units
/// of the last digit, and what was shifted out says exactly how to round: to the nearest, and from
/// the middle to the even neighbour, as std does.
pub(crate) fn push_decimals(out: &mut String, number: f64, digits: u16) -> bool {
    let Some(&unit) = POWERS.get(usize::from(digits)) else { return false };
    let bits = number.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    // Whole numbers from 2^52 up, infinities and NaN.
    if exponent >= 1075 {
        return false;
    }
    let (mantissa, shift) =
        if exponent == 0 { (fraction, 1074) } else { (fraction | 1 << 52, 1075 - exponent) };
    // Below 2^103, as the mantissa is below 2^53 and the unit below 2^50.
    let product = u128::from(mantissa) * u128::from(unit);
    // A shift of 128 and more leaves nothing, not even half a unit.
    let scaled = if shift < 128 { round_shift(product, shift as u32) } else { 0 };
    let Ok(scaled) = u64::try_from(scaled) else { return false };
    if number.is_sign_negative() {
        out.push('-');
    }
    if digits == 0 {
        out.push_str(itoa::Buffer::new().format(scaled));
        return true;
    }
    out.push_str(itoa::Buffer::new().format(scaled / unit));
    out.push('.');
    // The unit in front is a 1 that keeps the zeros behind the point.
    out.push_str(&itoa::Buffer::new().format(scaled % unit + unit)[1..]);
    true
}

/// `value / 2^shift`, rounded half to even; `shift` is 1 to 127.
fn round_shift(value: u128, shift: u32) -> u128 {
    let quotient = value >> shift;
    let rest = value & ((1 << shift) - 1);
    let half = 1 << (shift - 1);
    let up = rest > half || (rest == half && quotient & 1 == 1);
    quotient + u128::from(up)
}

/// Appends the shortest text that reads back as `number`.
///
/// Of several shortest texts both zmij and std take the one nearest to the number. From the middle
/// between two, zmij goes to the even one and std up. A number is in the middle between two texts of
/// `n` decimals only if it has `n + 1` binary digits behind its point: those are left to std.
pub(crate) fn push_shortest(out: &mut String, number: f64, style: Style) -> bool {
    is_without_exponent(number)
        && push_unless_tie(out, number, zmij::Buffer::new().format_finite(number), style)
}

/// [`push_shortest`] for a float of 32 bits, whose shortest text is shorter.
pub(super) fn push_shortest_f32(out: &mut String, number: f32, style: Style) -> bool {
    let wide = f64::from(number);
    is_without_exponent(wide)
        && push_unless_tie(out, wide, zmij::Buffer::new().format_finite(number), style)
}

/// Whether there is a number to print, and `{:?}` prints it without an exponent.
fn is_without_exponent(number: f64) -> bool {
    number == 0.0 || (1e-4..1e16).contains(&number.abs())
}

fn push_unless_tie(out: &mut String, number: f64, text: &str, style: Style) -> bool {
    let Some((whole, decimals)) = text.split_once('.') else { return false };
    // zmij's exponents begin where it sees fit.
    if decimals.contains('e') || bits_behind_point(number) == decimals.len() + 1 {
        return false;
    }
    out.push_str(if style == Style::Display && decimals == "0" { whole } else { text });
    true
}

/// How many binary digits a number of moderate size has behind its point.
fn bits_behind_point(number: f64) -> usize {
    let bits = number.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    1075usize.saturating_sub(exponent as usize + mantissa.trailing_zeros() as usize)
}
