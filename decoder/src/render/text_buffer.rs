//! Text buffer that is written in chunks of constant length.
//!
//! Most pieces of a line are shorter than a cache line: a call of `memcpy` costs more than the copy. The
//! buffer therefore has spare capacity after its end, and each piece is copied as a whole chunk. The next
//! piece overwrites the excess:
//!
//! ```text
//!   ▒▒▒▒▒▒▒▒ text ▒▒▒▒▒▒▒▒▒▒▒▒▒▒│▓▓▓ piece ▓▓▓│░░ rest of its chunk ░░│     spare      │
//!                               end ──────────▶ the next end
//! ```
//!
//! Each function here takes the spare capacity and returns the rest of it: nothing if there was too
//! little, so nothing more is written. [`TextBuffer::write`] then starts again with more.

/// Bytes of text, and initialized spare capacity after them.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextBuffer {
    bytes: Vec<u8>,
    end: usize,
}

/// The rest of the spare capacity.
pub(crate) type Spare<'b> = &'b mut [u8];

/// The length of the chunks in which padded text is copied.
pub(crate) const CHUNK: usize = 32;

impl TextBuffer {
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

    /// The memory that it takes.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    pub(crate) fn clear(&mut self) {
        self.end = 0;
    }

    /// Appends what `write` writes, about `bytes` bytes. It is called again if there was too little spare
    /// capacity.
    #[inline]
    pub(crate) fn write(&mut self, bytes: usize, mut write: impl FnMut(Spare<'_>) -> Spare<'_>) {
        self.write_up_to(usize::MAX, bytes, |spare| Some(write(spare)));
    }

    /// Appends what `write` writes, about `bytes` bytes, unless it is more than `most` or `write` gives up.
    /// Says whether it was appended.
    #[inline]
    pub(crate) fn write_up_to(
        &mut self,
        most: usize,
        bytes: usize,
        mut write: impl FnMut(Spare<'_>) -> Option<Spare<'_>>,
    ) -> bool {
        let mut needed = bytes + CHUNK;
        loop {
            if self.bytes.len() - self.end < needed {
                self.grow(needed);
            }
            let spare = self.bytes.get_mut(self.end..).unwrap_or_default();
            let length = spare.len();
            let Some(left) = write(spare) else { return false };
            let written = length - left.len();
            if written < length && written <= most {
                self.end += written;
                return true;
            }
            if written > most {
                return false;
            }
            needed = needed.max(length).saturating_mul(2);
        }
    }

    #[cold]
    fn grow(&mut self, needed: usize) {
        let length = (self.end + needed).max(2 * self.bytes.len()).max(4096);
        self.bytes.resize(length, 0);
    }

    /// Inserts bytes at a place within the text.
    pub(crate) fn insert(&mut self, at: usize, bytes: &[u8]) {
        if self.bytes.len() - self.end < bytes.len() {
            self.grow(bytes.len());
        }
        let (at, after) = (at.min(self.end), at.min(self.end) + bytes.len());
        self.bytes.copy_within(at..self.end, after);
        if let Some(place) = self.bytes.get_mut(at..after) {
            place.copy_from_slice(bytes);
        }
        self.end += bytes.len();
    }

    /// Appends any bytes.
    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.write(bytes.len(), |spare| put(spare, bytes));
    }
}

/// Writes any bytes; a few without a call.
#[inline]
pub(crate) fn put<'b>(spare: Spare<'b>, bytes: &[u8]) -> Spare<'b> {
    let length = bytes.len();
    if length > CHUNK || spare.len() < CHUNK {
        return put_many(spare, bytes);
    }
    // Two pieces, which overlap unless there are exactly as many bytes.
    match length {
        16.. => put_ends::<16>(spare, bytes),
        8.. => put_ends::<8>(spare, bytes),
        4.. => put_ends::<4>(spare, bytes),
        _ => spare.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte),
    }
    spare.get_mut(length..).unwrap_or_default()
}

#[inline]
fn put_ends<const N: usize>(spare: &mut [u8], bytes: &[u8]) {
    let place = spare.get_mut(..bytes.len()).unwrap_or_default();
    if let (Some(place), Some(first)) = (place.first_chunk_mut::<N>(), bytes.first_chunk()) {
        *place = *first;
    }
    if let (Some(place), Some(last)) = (place.last_chunk_mut::<N>(), bytes.last_chunk()) {
        *place = *last;
    }
}

fn put_many<'b>(spare: Spare<'b>, bytes: &[u8]) -> Spare<'b> {
    match spare.split_at_mut_checked(bytes.len()) {
        Some((place, rest)) => {
            place.copy_from_slice(bytes);
            rest
        }
        None => &mut [],
    }
}

/// Writes the first `length` bytes of a chunk.
#[inline]
pub(crate) fn put_chunk<'b, const N: usize>(
    spare: Spare<'b>,
    chunk: &[u8; N],
    length: usize,
) -> Spare<'b> {
    match spare.first_chunk_mut::<N>() {
        Some(place) => *place = *chunk,
        None => return &mut [],
    }
    spare.get_mut(length..).unwrap_or_default()
}

/// Writes padded text.
#[inline]
pub(crate) fn put_padded<'b>(mut spare: Spare<'b>, text: &PaddedStr) -> Spare<'b> {
    for chunk in &text.chunks {
        spare = put_chunk(spare, chunk, CHUNK);
    }
    put_chunk(spare, &text.tail, text.tail_bytes)
}

/// Writes a part of other bytes.
#[inline]
pub(crate) fn put_from<'b>(
    spare: Spare<'b>,
    bytes: &[u8],
    start: usize,
    length: usize,
) -> Spare<'b> {
    let rest = bytes.get(start..).unwrap_or_default();
    match rest.first_chunk::<CHUNK>() {
        Some(chunk) if length <= CHUNK => put_chunk(spare, chunk, length),
        _ => put_chunks(spare, rest, length),
    }
}

/// Up to this length, chunks are sooner copied than `memcpy` is called.
const MAX_CHUNKS_BYTES: usize = 4 * CHUNK;

/// Writes the first `length` of some bytes, more than a chunk.
#[inline]
fn put_chunks<'b>(mut spare: Spare<'b>, bytes: &[u8], length: usize) -> Spare<'b> {
    if length > MAX_CHUNKS_BYTES || bytes.len() < length.next_multiple_of(CHUNK) {
        return put_many(spare, bytes.get(..length).unwrap_or(bytes));
    }
    let mut left = length;
    for chunk in bytes.as_chunks::<CHUNK>().0 {
        spare = put_chunk(spare, chunk, left.min(CHUNK));
        left = left.saturating_sub(CHUNK);
        if left == 0 {
            break;
        }
    }
    spare
}

/// Writes an integer.
#[inline]
pub(crate) fn put_u64(spare: Spare<'_>, number: u64) -> Spare<'_> {
    if number < EIGHT_DIGITS {
        put_few_digits(spare, number as u32)
    } else {
        put_long(spare, number)
    }
}

#[inline]
fn put_few_digits(spare: Spare<'_>, number: u32) -> Spare<'_> {
    let digits = eight_digits(number);
    // One digit at least.
    let zeros = (digits | 1 << 56).trailing_zeros() & !7;
    put_chunk(spare, &((digits | ASCII) >> zeros).to_le_bytes(), 8 - zeros as usize / 8)
}

fn put_long(spare: Spare<'_>, number: u64) -> Spare<'_> {
    let high = number / EIGHT_DIGITS;
    let spare = match u32::try_from(high / EIGHT_DIGITS) {
        Ok(highest @ 1..) => {
            let middle = eight_digits((high % EIGHT_DIGITS) as u32) | ASCII;
            put_chunk(put_few_digits(spare, highest), &middle.to_le_bytes(), 8)
        }
        _ => put_few_digits(spare, high as u32),
    };
    let low = eight_digits((number % EIGHT_DIGITS) as u32) | ASCII;
    put_chunk(spare, &low.to_le_bytes(), 8)
}

/// Writes an integer.
#[inline]
pub(crate) fn put_i64(spare: Spare<'_>, number: i64) -> Spare<'_> {
    put_u64(put_sign(spare, number < 0), number.unsigned_abs())
}

/// Writes a minus sign if the number is negative.
#[inline]
pub(crate) fn put_sign(spare: Spare<'_>, is_negative: bool) -> Spare<'_> {
    put_chunk(spare, b"-", is_negative.into())
}

/// Writes a number in units of `10^-decimals`; there are at most 15 decimals.
#[inline]
pub(crate) fn put_fixed(spare: Spare<'_>, number: u64, decimals: usize) -> Spare<'_> {
    let low = eight_digits((number % EIGHT_DIGITS) as u32);
    let high = number / EIGHT_DIGITS;
    let (highest, middle) = if high < EIGHT_DIGITS {
        (0, eight_digits(high as u32))
    } else {
        (eight_digits((high / EIGHT_DIGITS) as u32), eight_digits((high % EIGHT_DIGITS) as u32))
    };
    // Leading zeros.
    let zeros = match [highest, middle] {
        [0, 0] => 16 + low.trailing_zeros().min(56) / 8,
        [0, middle] => 8 + middle.trailing_zeros() / 8,
        [highest, _] => highest.trailing_zeros() / 8,
    } as usize;
    // 24 digits, and spare bytes after them.
    let mut text = [0; 48];
    for (place, eight) in text.as_chunks_mut::<8>().0.iter_mut().zip([highest, middle, low]) {
        *place = (eight | ASCII).to_le_bytes();
    }
    let point = 24 - decimals.min(23);
    let first = zeros.min(point - 1);
    let part = |start: usize| text.get(start..).and_then(|of| of.first_chunk::<24>());
    let (Some(whole), Some(rest)) = (part(first), part(point)) else { return &mut [] };
    let spare = put_chunk(spare, whole, point - first);
    if decimals == 0 {
        return spare;
    }
    put_chunk(put_chunk(spare, b".", 1), rest, decimals)
}

/// Writes the last `digits` digits of a number, at most 16.
#[inline]
pub(crate) fn put_digits(spare: Spare<'_>, number: u64, digits: usize) -> Spare<'_> {
    let mut text = [0; 32];
    let halves = [number / EIGHT_DIGITS % EIGHT_DIGITS, number % EIGHT_DIGITS];
    for (place, half) in text.as_chunks_mut::<8>().0.iter_mut().zip(halves) {
        *place = (eight_digits(half as u32) | ASCII).to_le_bytes();
    }
    match text.get(16 - digits.min(16)..).and_then(|of| of.first_chunk::<16>()) {
        Some(last) => put_chunk(spare, last, digits.min(16)),
        None => &mut [],
    }
}

/// Writes a point and a number of up to nine `digits` without the zeros at its end; nothing for 0.
#[inline]
pub(crate) fn put_fraction(spare: Spare<'_>, number: u32, digits: usize) -> Spare<'_> {
    if number == 0 {
        return spare;
    }
    // Nine digits, the first of them apart.
    let mut number = u64::from(number);
    (digits..9).for_each(|_| number *= 10);
    let low = eight_digits((number % EIGHT_DIGITS) as u32);
    let used = 1 + if low == 0 { 0 } else { 8 - low.leading_zeros() as usize / 8 };
    let mut text = [b'.'; 10];
    text[1] = b'0' | (number / EIGHT_DIGITS % 10) as u8;
    text[2..].copy_from_slice(&(low | ASCII).to_le_bytes());
    put_chunk(spare, &text, used + 1)
}

/// Text of many lines, padded to whole chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct PaddedStr {
    chunks: Box<[[u8; CHUNK]]>,
    /// The rest, and its length.
    tail: [u8; CHUNK],
    tail_bytes: usize,
}

impl PaddedStr {
    pub(crate) const fn len(&self) -> usize {
        self.chunks.len() * CHUNK + self.tail_bytes
    }
}

impl From<&str> for PaddedStr {
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

/// The digits of a number below 10^8, the first one in the lowest byte. It splits the number into two
/// halves, then four quarters, then eight digits, all at once.
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
    fn check(write: impl Fn(Spare<'_>) -> Spare<'_>, expected: &str) {
        // In little spare capacity and in much.
        for bytes in [0, 100] {
            let mut buffer = TextBuffer::default();
            buffer.push(b"before ");
            buffer.write(bytes, &write);
            buffer.push(b" after");
            let text = std::str::from_utf8(buffer.text()).unwrap();
            assert_eq!(text, format!("before {expected} after"));
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
            check(|spare| put_u64(spare, number), &number.to_string());
            check(|spare| put_i64(spare, number as i64), &(number as i64).to_string());
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
    fn a_point_precedes_the_decimals() {
        for (number, decimals) in numbers().zip((0..16).cycle()) {
            let unit = 10_u64.pow(decimals);
            let (whole, rest) = (number / unit, number % unit);
            let width = decimals as usize;
            let expected =
                if decimals == 0 { whole.to_string() } else { format!("{whole}.{rest:0width$}") };
            check(|spare| put_fixed(spare, number, width), &expected);
        }
    }

    #[test]
    fn texts_of_all_lengths() {
        let long: String = (0..300_u32).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
        for length in 0..long.len() {
            let text = &long[..length];
            check(|spare| put_padded(spare, &text.into()), text);
            check(|spare| put(spare, text.as_bytes()), text);
            for start in [0, 1, long.len() - length] {
                let part = long.get(start..start + length).unwrap_or(&long[start..]);
                check(|spare| put_from(spare, long.as_bytes(), start, part.len()), part);
            }
            let mut buffer = TextBuffer::default();
            buffer.push(text.as_bytes());
            assert_eq!(buffer.text(), text.as_bytes());
        }
    }

    #[test]
    fn what_does_not_fit_is_written_again() {
        let long = "x".repeat(100_000);
        let mut buffer = TextBuffer::default();
        buffer.push(b"before");
        let mut calls = 0;
        buffer.write(1, |spare| {
            calls += 1;
            put(put(spare, long.as_bytes()), b"after")
        });
        assert!(calls > 1);
        assert_eq!(buffer.text(), format!("before{long}after").as_bytes());
    }
}
