//! Floats: exact shortcuts for those that programs log most.
//!
//! Each function prints what std prints, or returns `false` without appending anything, so std prints
//! the number.

/// The trait whose text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// The number without its sign, as `{:.digits}` prints it, in units of the last digit.
///
/// A double is `mantissa / 2^shift`, so `mantissa * 10^digits >> shift` is the number in units of
/// the last digit, and the bits that are shifted out say how to round: to the nearest, ties to
/// even, as std does.
#[inline]
pub(crate) fn decimals(number: f64, digits: u16) -> Option<u64> {
    let unit = *POWERS.get(usize::from(digits))?;
    let bits = number.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let fraction = bits & ((1 << 52) - 1);
    // Whole numbers from 2^52 up, infinities and NaN.
    if exponent >= 1075 {
        return None;
    }
    let (mantissa, shift) =
        if exponent == 0 { (fraction, 1074) } else { (fraction | 1 << 52, 1075 - exponent) };
    // Below 2^103, as the mantissa is below 2^53 and the unit below 2^50.
    let product = u128::from(mantissa) * u128::from(unit);
    // A shift of 128 and more leaves nothing, not even half a unit.
    let scaled = if shift < 128 { round_shift(product, shift as u32) } else { 0 };
    u64::try_from(scaled).ok()
}

/// Appends `number` as `{:.digits}` prints it.
pub(crate) fn push_decimals(out: &mut String, number: f64, digits: u16) -> bool {
    let Some(scaled) = decimals(number, digits) else { return false };
    let unit = POWERS.get(usize::from(digits)).copied().unwrap_or(1);
    if number.is_sign_negative() {
        out.push('-');
    }
    if digits == 0 {
        out.push_str(itoa::Buffer::new().format(scaled));
        return true;
    }
    out.push_str(itoa::Buffer::new().format(scaled / unit));
    out.push('.');
    // The unit is a leading 1 that keeps the zeros after the point.
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

/// The shortest text that reads back as `number`.
///
/// Of several shortest texts, both zmij and std take the one nearest to the number. For a tie, zmij takes
/// the even one and std the larger one. A number ties between two texts of `n` decimals only if it has
/// `n + 1` binary digits after its point: std prints those.
#[inline]
pub(crate) fn shortest(buffer: &mut zmij::Buffer, number: f64, style: Style) -> Option<&str> {
    if !is_without_exponent(number) {
        return None;
    }
    unless_tie(number, buffer.format_finite(number), style)
}

/// Appends the [`shortest`] text.
pub(super) fn push_shortest(out: &mut String, number: f64, style: Style) -> bool {
    let mut buffer = zmij::Buffer::new();
    let text = shortest(&mut buffer, number, style);
    text.inspect(|text| out.push_str(text)).is_some()
}

/// [`shortest`] for a float of 32 bits, whose shortest text is shorter.
pub(crate) fn shortest_f32(buffer: &mut zmij::Buffer, number: f32, style: Style) -> Option<&str> {
    let wide = f64::from(number);
    if !is_without_exponent(wide) {
        return None;
    }
    unless_tie(wide, buffer.format_finite(number), style)
}

/// Appends the [`shortest_f32`] text.
pub(super) fn push_shortest_f32(out: &mut String, number: f32, style: Style) -> bool {
    let mut buffer = zmij::Buffer::new();
    let text = shortest_f32(&mut buffer, number, style);
    text.inspect(|text| out.push_str(text)).is_some()
}

/// Whether there is a number to print, and `{:?}` prints it without an exponent.
fn is_without_exponent(number: f64) -> bool {
    number == 0.0 || (1e-4..1e16).contains(&number.abs())
}

#[inline]
fn unless_tie(number: f64, text: &str, style: Style) -> Option<&str> {
    let bits = bits_behind_point(number);
    // Most floats that were measured: far more binary digits than there are decimals.
    if bits > MOST_DECIMALS + 1
        && number != 0.0
        && let Some(last) = text.as_bytes().last_chunk::<4>()
        && last.iter().all(|byte| *byte != b'e')
    {
        return Some(text);
    }
    unless_short_tie(bits, text, style)
}

/// The most decimals of a shortest text without an exponent: 17 digits, after four zeros.
const MOST_DECIMALS: usize = 21;

fn unless_short_tie(bits: usize, text: &str, style: Style) -> Option<&str> {
    let bytes = text.as_bytes();
    let point = bytes.iter().position(|byte| *byte == b'.')?;
    let decimals = bytes.len() - point - 1;
    // zmij uses exponents for other numbers than std; here they have at most two digits.
    let has_exponent = bytes.iter().rev().take(4).any(|byte| *byte == b'e');
    if has_exponent || bits == decimals + 1 {
        return None;
    }
    let is_whole = style == Style::Display && decimals == 1 && bytes.ends_with(b"0");
    text.get(..if is_whole { point } else { bytes.len() })
}

/// The number of binary digits after the point of a number of moderate size.
fn bits_behind_point(number: f64) -> usize {
    let bits = number.to_bits();
    let exponent = (bits >> 52) & 0x7ff;
    let mantissa = (bits & ((1 << 52) - 1)) | (1 << 52);
    1075usize.saturating_sub(exponent as usize + mantissa.trailing_zeros() as usize)
}
