//! Text in the making, written in pieces of constant length.
//!
//! Most of what a line is made of is shorter than a cache line, so that calling `memcpy` costs more than
//! to copy. A page therefore has room behind its end, and a piece is copied as a whole chunk, of which
//! what is too much is written over by the next one:
//!
//! ```text
//!   ▒▒▒▒▒▒▒▒ text ▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▓▓▓ piece ▓▓▓│░░ rest of its chunk ░░│      room      │
//!                               end ──────────▶ the next end
//! ```
//!
//! Each function here takes the room, and returns what is left of it: nothing if there was too little,
//! so that nothing more is written either. [`Page::write`] then begins anew in more room.

/// Bytes of text, and initialised room behind them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    bytes: Vec<u8>,
    end: usize,
}

/// What is left of the room.
pub(crate) type Room<'p> = &'p mut [u8];

/// The length of the chunks that literal text is copied in.
const CHUNK: usize = 32;

impl Page {
    /// The text.
    #[inline]
    pub(crate) fn text(&self) -> &[u8] {
        self.bytes.get(..self.end).unwrap_or_default()
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.end
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// What it takes in memory.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn clear(&mut self) {
        self.end = 0;
    }

    /// Appends what `write` writes, which takes so many bytes or so; it is called again if there was
    /// too little room.
    #[inline]
    pub(crate) fn write(&mut self, bytes: usize, mut write: impl FnMut(Room<'_>) -> Room<'_>) {
        let mut needed = bytes + CHUNK;
        loop {
            if self.bytes.len() - self.end < needed {
                self.grow(needed);
            }
            let room = self.bytes.get_mut(self.end..).unwrap_or_default();
            let length = room.len();
            let left = write(room).len();
            if left > 0 {
                self.end += length - left;
                return;
            }
            needed = needed.max(length).saturating_mul(2);
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let length = (self.end + needed).max(2 * self.bytes.len()).max(4096);
        self.bytes.resize(length, 0);
    }

    /// Appends any bytes.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.write(bytes.len(), |room| put(room, bytes));
    }
}

/// Writes any bytes: a few without a call.
#[inline]
pub(crate) fn put<'p>(room: Room<'p>, bytes: &[u8]) -> Room<'p> {
    let length = bytes.len();
    if length > CHUNK || room.len() < CHUNK {
        return put_many(room, bytes);
    }
    // Two pieces that overlap unless there are as many bytes as they have.
    match length {
        16.. => put_ends::<16>(room, bytes),
        8.. => put_ends::<8>(room, bytes),
        4.. => put_ends::<4>(room, bytes),
        _ => room.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte),
    }
    room.get_mut(length..).unwrap_or_default()
}

#[inline]
fn put_ends<const N: usize>(room: &mut [u8], bytes: &[u8]) {
    let place = room.get_mut(..bytes.len()).unwrap_or_default();
    if let (Some(place), Some(first)) = (place.first_chunk_mut::<N>(), bytes.first_chunk()) {
        *place = *first;
    }
    if let (Some(place), Some(last)) = (place.last_chunk_mut::<N>(), bytes.last_chunk()) {
        *place = *last;
    }
}

fn put_many<'p>(room: Room<'p>, bytes: &[u8]) -> Room<'p> {
    match room.split_at_mut_checked(bytes.len()) {
        Some((place, rest)) => {
            place.copy_from_slice(bytes);
            rest
        }
        None => &mut [],
    }
}

/// Writes the first `length` bytes of a chunk.
#[inline]
pub(crate) fn put_chunk<'p, const N: usize>(
    room: Room<'p>,
    chunk: &[u8; N],
    length: usize,
) -> Room<'p> {
    match room.first_chunk_mut::<N>() {
        Some(place) => *place = *chunk,
        None => return &mut [],
    }
    room.get_mut(length..).unwrap_or_default()
}

/// Writes literal text.
#[inline]
pub(crate) fn put_literal<'p>(mut room: Room<'p>, literal: &Literal) -> Room<'p> {
    for chunk in &literal.chunks {
        room = put_chunk(room, chunk, CHUNK);
    }
    put_chunk(room, &literal.tail, literal.tail_bytes)
}

/// Writes so many bytes that stand in others.
#[inline]
pub(crate) fn put_from<'p>(room: Room<'p>, bytes: &[u8], start: usize, length: usize) -> Room<'p> {
    let behind = bytes.get(start..).unwrap_or_default();
    match behind.split_first_chunk::<CHUNK>() {
        Some((chunk, _)) if length <= CHUNK => put_chunk(room, chunk, length),
        Some((first, rest)) if length <= 2 * CHUNK => match rest.first_chunk::<CHUNK>() {
            Some(second) => put_chunk(put_chunk(room, first, CHUNK), second, length - CHUNK),
            None => put_many(room, behind.get(..length).unwrap_or(behind)),
        },
        _ => put_many(room, behind.get(..length).unwrap_or(behind)),
    }
}

/// Writes an integer.
#[inline]
pub(crate) fn put_u64(room: Room<'_>, number: u64) -> Room<'_> {
    if number < EIGHT_DIGITS { put_few_digits(room, number as u32) } else { put_long(room, number) }
}

#[inline]
fn put_few_digits(room: Room<'_>, number: u32) -> Room<'_> {
    let digits = eight_digits(number);
    // One digit at least.
    let zeros = (digits | 1 << 56).trailing_zeros() & !7;
    put_chunk(room, &((digits | ASCII) >> zeros).to_le_bytes(), 8 - zeros as usize / 8)
}

fn put_long(room: Room<'_>, number: u64) -> Room<'_> {
    let high = number / EIGHT_DIGITS;
    let room = match u32::try_from(high / EIGHT_DIGITS) {
        Ok(highest @ 1..) => {
            let middle = eight_digits((high % EIGHT_DIGITS) as u32) | ASCII;
            put_chunk(put_few_digits(room, highest), &middle.to_le_bytes(), 8)
        }
        _ => put_few_digits(room, high as u32),
    };
    let low = eight_digits((number % EIGHT_DIGITS) as u32) | ASCII;
    put_chunk(room, &low.to_le_bytes(), 8)
}

/// Writes an integer.
#[inline]
pub(crate) fn put_i64(room: Room<'_>, number: i64) -> Room<'_> {
    put_u64(put_sign(room, number < 0), number.unsigned_abs())
}

/// Writes a minus if there is one.
#[inline]
pub(crate) fn put_sign(room: Room<'_>, is_negative: bool) -> Room<'_> {
    put_chunk(room, b"-", is_negative.into())
}

/// Writes a number of units of which `10^decimals` make a whole; there are no more than 15 decimals.
#[inline]
pub(crate) fn put_fixed(room: Room<'_>, number: u64, decimals: usize) -> Room<'_> {
    let low = eight_digits((number % EIGHT_DIGITS) as u32);
    let high = number / EIGHT_DIGITS;
    let (highest, middle) = if high < EIGHT_DIGITS {
        (0, eight_digits(high as u32))
    } else {
        (eight_digits((high / EIGHT_DIGITS) as u32), eight_digits((high % EIGHT_DIGITS) as u32))
    };
    // The zeros in front.
    let zeros = match [highest, middle] {
        [0, 0] => 16 + low.trailing_zeros().min(56) / 8,
        [0, middle] => 8 + middle.trailing_zeros() / 8,
        [highest, _] => highest.trailing_zeros() / 8,
    } as usize;
    // 24 digits, and room behind them.
    let mut text = [0; 48];
    for (place, eight) in text.as_chunks_mut::<8>().0.iter_mut().zip([highest, middle, low]) {
        *place = (eight | ASCII).to_le_bytes();
    }
    let point = 24 - decimals.min(23);
    let first = zeros.min(point - 1);
    let part = |start: usize| text.get(start..).and_then(|of| of.first_chunk::<24>());
    let (Some(whole), Some(rest)) = (part(first), part(point)) else { return &mut [] };
    let room = put_chunk(room, whole, point - first);
    if decimals == 0 {
        return room;
    }
    put_chunk(put_chunk(room, b".", 1), rest, decimals)
}

/// Text that is the same for many lines, in whole chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Literal {
    chunks: Box<[[u8; CHUNK]]>,
    /// What stands behind these, and how long it is.
    tail: [u8; CHUNK],
    tail_bytes: usize,
}

impl Literal {
    pub(crate) const fn len(&self) -> usize {
        self.chunks.len() * CHUNK + self.tail_bytes
    }
}

impl From<&str> for Literal {
    fn from(text: &str) -> Self {
        let (chunks, rest) = text.as_bytes().as_chunks();
        let mut tail = [0; CHUNK];
        tail.iter_mut().zip(rest).for_each(|(place, byte)| *place = *byte);
        Self { chunks: chunks.into(), tail, tail_bytes: rest.len() }
    }
}

const EIGHT_DIGITS: u64 = 100_000_000;

/// The character `0` in each byte.
const ASCII: u64 = 0x3030_3030_3030_3030;

/// The digits of a number below 10^8, the first one in the lowest byte: two halves of four digits,
/// then four quarters, then eight digits are worked on at once.
#[inline]
const fn eight_digits(number: u32) -> u64 {
    let halves = (number / 10_000) as u64 | ((number % 10_000) as u64) << 32;
    // 10486 / 2^20 is 1/100 for what is below 10^4, and 103 / 2^10 is 1/10 for what is below 100.
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let quarters = hundreds | (halves - 100 * hundreds) << 16;
    let tens = ((quarters * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (quarters - 10 * tens) << 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(write: impl Fn(Room<'_>) -> Room<'_>, expected: &str) {
        // In little room and in much.
        for bytes in [0, 100] {
            let mut page = Page::default();
            page.push(b"before ");
            page.write(bytes, &write);
            page.push(b" behind");
            let text = std::str::from_utf8(page.text()).unwrap();
            assert_eq!(text, format!("before {expected} behind"));
        }
    }

    /// Numbers of each length.
    fn numbers() -> impl Iterator<Item = u64> {
        let mut state = 7_u64;
        (0..200_000_u32).map(move |n| {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            let scrambled = state ^ state >> 29;
            match n % 5 {
                0 => 10_u64.pow(scrambled as u32 % 20),
                1 => 10_u64.pow(scrambled as u32 % 20) - 1,
                _ => scrambled >> (n % 64),
            }
        })
    }

    #[test]
    fn integers_are_what_display_prints() {
        for number in numbers().chain([0, 1, u64::MAX]) {
            check(|room| put_u64(room, number), &number.to_string());
            check(|room| put_i64(room, number as i64), &(number as i64).to_string());
        }
    }

    #[test]
    fn all_numbers_of_four_digits() {
        for number in 0..10_000 {
            let digits = format!("{number:04}");
            let halves = (eight_digits(number * 10_001) | ASCII).to_le_bytes();
            assert_eq!(std::str::from_utf8(&halves).unwrap(), digits.repeat(2));
        }
    }

    #[test]
    fn a_point_stands_before_the_decimals() {
        for (number, decimals) in numbers().zip((0..16).cycle()) {
            let unit = 10_u64.pow(decimals);
            let (whole, rest) = (number / unit, number % unit);
            let width = decimals as usize;
            let expected =
                if decimals == 0 { whole.to_string() } else { format!("{whole}.{rest:0width$}") };
            check(|room| put_fixed(room, number, width), &expected);
        }
    }

    #[test]
    fn texts_of_all_lengths() {
        let long: String = (0..300_u32).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        for length in 0..long.len() {
            let text = &long[..length];
            check(|room| put_literal(room, &text.into()), text);
            check(|room| put(room, text.as_bytes()), text);
            for start in [0, 1, long.len() - length] {
                let part = long.get(start..start + length).unwrap_or(&long[start..]);
                check(|room| put_from(room, long.as_bytes(), start, part.len()), part);
            }
            let mut page = Page::default();
            page.push(text.as_bytes());
            assert_eq!(page.text(), text.as_bytes());
        }
    }

    #[test]
    fn what_does_not_fit_is_written_in_more_room() {
        let long = "x".repeat(100_000);
        let mut page = Page::default();
        page.push(b"before");
        let mut calls = 0;
        page.write(1, |room| {
            calls += 1;
            put(put(room, long.as_bytes()), b"behind")
        });
        assert!(calls > 1);
        assert_eq!(page.text(), format!("before{long}behind").as_bytes());
    }
}
