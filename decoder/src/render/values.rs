//! Values of several words: addresses and times, written as std prints them.

use super::text_buffer::{Spare, put_chunk, put_digits, put_fixed, put_fraction, put_u64};

/// The numbers of an address and the points after them, and how many bytes they take without the point.
const OCTETS: [([u8; 4], u8); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut n = 0;
    while n < octets.len() {
        let digits = [b'0' + n as u8 / 100, b'0' + n as u8 / 10 % 10, b'0' + n as u8 % 10];
        let skipped = if n < 10 {
            2
        } else if n < 100 {
            1
        } else {
            0
        };
        let mut at = skipped;
        while at < 3 {
            octets[n].0[at - skipped] = digits[at];
            at += 1;
        }
        octets[n].1 = 3 - skipped as u8;
        n += 1;
    }
    octets
};

/// `{}` of an `Ipv4Addr`, whose first byte is the lowest of the word.
#[inline]
pub(super) fn put_ipv4(mut spare: Spare<'_>, word: u64) -> Spare<'_> {
    let [first @ .., last, _, _, _, _] = word.to_le_bytes();
    for octet in first {
        let (text, bytes) = &OCTETS[usize::from(octet)];
        spare = put_chunk(spare, text, usize::from(*bytes) + 1);
    }
    let (text, bytes) = &OCTETS[usize::from(last)];
    put_chunk(spare, text, usize::from(*bytes))
}

/// `{}` of an `Ipv6Addr`, whose first byte is the lowest of the first word.
pub(super) fn put_ipv6<'b>(mut spare: Spare<'b>, words: [u64; 2]) -> Spare<'b> {
    let mut parts = [0; 8];
    for (at, part) in parts.iter_mut().enumerate() {
        *part = u16::swap_bytes((words[at / 4] >> (at % 4 * 16)) as u16);
    }
    if words[0] == 0 && words[1] & 0xffff_ffff == 0xffff_0000 {
        return put_ipv4(put_chunk(spare, b"::ffff: ", 7), words[1] >> 32);
    }
    // The first one of the longest runs of zeros.
    let (mut zeros, mut run) = (0..0, 0..0);
    for (at, part) in parts.iter().enumerate() {
        run = if *part == 0 { run.start..at + 1 } else { at + 1..at + 1 };
        if run.len() > zeros.len() {
            zeros = run.clone();
        }
    }
    if zeros.len() < 2 {
        zeros = 8..8;
    }
    for (at, part) in parts.iter().enumerate() {
        if zeros.contains(&at) {
            continue;
        }
        if at == zeros.end {
            spare = put_chunk(spare, b"::", 2);
        } else if at > 0 {
            spare = put_chunk(spare, b":", 1);
        }
        spare = put_hex(spare, u64::from(*part), 1);
    }
    if zeros.end == 8 && !zeros.is_empty() { put_chunk(spare, b"::", 2) } else { spare }
}

/// Where the words of a socket address have what follows the IP address.
pub(super) fn put_socket_v4(spare: Spare<'_>, word: u64) -> Spare<'_> {
    let port = u16::from_le_bytes([(word >> 32) as u8, (word >> 40) as u8]);
    put_u64(put_chunk(put_ipv4(spare, word), b":", 1), port.into())
}

/// `{}` of a `SocketAddrV6`, whose bytes are those of the address, the port, the flow label and the scope.
pub(super) fn put_socket_v6(spare: Spare<'_>, words: [u64; 4]) -> Spare<'_> {
    let [first, second, third, fourth] = words;
    let port = third as u16;
    let scope = (third >> 48) as u32 | (fourth as u32) << 16;
    let mut spare = put_ipv6(put_chunk(spare, b"[", 1), [first, second]);
    if scope != 0 {
        spare = put_u64(put_chunk(spare, b"%", 1), scope.into());
    }
    put_u64(put_chunk(spare, b"]:", 2), port.into())
}

/// `{:x}` of an integer with at least `least` digits, which may be 1 to 16.
#[inline]
pub(super) fn put_hex(spare: Spare<'_>, number: u64, least: usize) -> Spare<'_> {
    let digits = (16 - number.leading_zeros() as usize / 4).max(least);
    let spread = |half: u32| {
        let mut word = u64::from(half);
        word = (word | word << 16) & 0x0000_ffff_0000_ffff;
        word = (word | word << 8) & 0x00ff_00ff_00ff_00ff;
        word = (word | word << 4) & 0x0f0f_0f0f_0f0f_0f0f;
        // 6 more than a digit has the bit 16 if the digit is a letter.
        let letters = (word + 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101;
        word + 0x3030_3030_3030_3030 + letters * 0x27
    };
    let shifted = number << (64 - 4 * digits.min(16));
    let mut text = [0; 16];
    text[..8].copy_from_slice(&spread((shifted >> 32) as u32).to_be_bytes());
    text[8..].copy_from_slice(&spread(shifted as u32).to_be_bytes());
    put_chunk(spare, &text, digits)
}

/// `{:?}` of a `Duration`.
#[inline]
pub(super) fn put_duration(spare: Spare<'_>, seconds: u64, nanos: u32) -> Spare<'_> {
    let (whole, rest, digits, unit) = if seconds > 0 {
        return put_chunk(put_fraction(put_u64(spare, seconds), nanos, 9), b"s", 1);
    } else if nanos >= 1_000_000 {
        (nanos / 1_000_000, nanos % 1_000_000, 6, b"ms ")
    } else if nanos >= 1000 {
        (nanos / 1000, nanos % 1000, 3, "µs".as_bytes().first_chunk().unwrap_or(b"us "))
    } else {
        (nanos, 0, 0, b"ns ")
    };
    let spare = put_fraction(put_u64(spare, whole.into()), rest, digits);
    put_chunk(spare, unit, if digits == 3 { 3 } else { 2 })
}

/// `{:.decimals?}` of a `Duration`, for at most 9 decimals; `None` for those that are not certain to fit.
pub(super) fn put_rounded_duration(
    spare: Spare<'_>,
    (seconds, nanos): (u64, u32),
    decimals: usize,
) -> Result<Spare<'_>, Spare<'_>> {
    const POWERS: [u64; 10] =
        [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
    if seconds >= 1_000_000_000 {
        return Err(spare);
    }
    let (nanos, digits, unit, unit_bytes): (_, usize, _, _) = if seconds > 0 {
        (seconds * POWERS[9] + u64::from(nanos), 9, *b"s  ", 1)
    } else if nanos >= 1_000_000 {
        (nanos.into(), 6, *b"ms ", 2)
    } else if nanos >= 1000 {
        (nanos.into(), 3, [0xc2, 0xb5, b's'], 3)
    } else {
        (nanos.into(), 0, *b"ns ", 2)
    };
    let Some(&unit_of_kept) = digits.checked_sub(decimals).and_then(|left| POWERS.get(left)) else {
        // Zeros follow the digits that there are.
        let spare = put_fixed(spare, nanos, digits);
        let spare = if digits == 0 { put_chunk(spare, b".", 1) } else { spare };
        let spare = put_digits(spare, 0, decimals - digits);
        return Ok(put_chunk(spare, &unit, unit_bytes));
    };
    let (mut kept, rest) = (nanos / unit_of_kept, nanos % unit_of_kept);
    // To the nearest, ties to even.
    kept += u64::from(rest * 2 > unit_of_kept || (rest * 2 == unit_of_kept && kept % 2 == 1));
    Ok(put_chunk(put_fixed(spare, kept, decimals), &unit, unit_bytes))
}

/// A number of seconds as JSON has it: with a point, and the decimals that are needed.
#[inline]
pub(super) fn put_seconds(spare: Spare<'_>, seconds: u64, nanos: u32) -> Spare<'_> {
    let spare = put_u64(spare, seconds);
    if nanos == 0 { put_chunk(spare, b".0", 2) } else { put_fraction(spare, nanos, 9) }
}

/// The seconds of years that RFC 3339 can write.
const YEARS: std::ops::Range<i64> = -62_167_219_200..253_402_300_800;

/// A time in UTC by RFC 3339 with nanoseconds; an error if the year has no four digits.
pub(super) fn put_moment(
    spare: Spare<'_>,
    seconds: i64,
    nanos: u32,
) -> Result<Spare<'_>, Spare<'_>> {
    if !YEARS.contains(&seconds) {
        return Err(spare);
    }
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Days since the first of March of the year 0, in cycles of 400 years: a year ends with its leap day.
    let days = (days + 719_468) as u64;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let of_cycle = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = cycle * 400 + of_cycle + u64::from(month <= 2);
    let of_day = of_day as u64;
    let parts = [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (of_day / 3600, 2, b':'),
        (of_day / 60 % 60, 2, b':'),
        (of_day % 60, 2, b'.'),
        (nanos.into(), 9, b'Z'),
    ];
    let put =
        |spare, (number, digits, after)| put_chunk(put_digits(spare, number, digits), &[after], 1);
    Ok(parts.into_iter().fold(spare, put))
}

#[cfg(test)]
mod tests;
