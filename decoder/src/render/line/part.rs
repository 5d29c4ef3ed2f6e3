//! Parts of lines: one value each, and how it is printed.

use stenolog_format::value::{HAS_SPACE, IS_CLEAN, IS_WORD, Words};

use crate::escape::{Dirt, is_free_of};
use crate::render::text_buffer::{Spare, put, put_chunk, put_fixed, put_from, put_sign, put_u64};
use crate::render::values::{
    put_hex, put_ipv4, put_ipv6, put_moment, put_rounded_duration, put_seconds, put_socket_v4,
    put_socket_v6,
};
use crate::text::{self, Style};

/// A piece of the text that all records of a call site share: its start and its length.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Literal {
    pub(super) start: u32,
    pub(super) bytes: u32,
}

/// Literal text, then a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) literal: Literal,
    /// The first word of the value.
    pub(super) word: u32,
    pub(super) print: Print,
    /// How the value is printed if `print` cannot: the index of a [`Placement`](super::slow::Placement).
    pub(super) slow: u32,
}

/// How the words of a value are printed. Most ways print only some of the values.
#[derive(Clone, Copy, Debug)]
pub(super) enum Print {
    /// Only the literal.
    Nothing,
    /// Whatever it is, slowly.
    Slow,
    Unsigned,
    Signed,
    Wide,
    SignedWide,
    /// `{:x}` with at least this many digits.
    Hex(u8),
    /// `{:width}` of an integer, filled with spaces or zeros on the left.
    Padded {
        width: u8,
        is_signed: bool,
        is_zero: bool,
    },
    Bool,
    Decimals(u16),
    DecimalsF32(u16),
    Shortest(Style),
    ShortestF32(Style),
    /// Text without any of these.
    Text(Dirt),
    /// A character that is a letter or a digit.
    Char,
    Duration,
    RoundedDuration(u8),
    Seconds,
    Moment,
    Ipv4,
    Ipv6,
    Ip,
    SocketV4,
    SocketV6,
    Socket,
    /// Numbers, with this text between them.
    Bytes(Literal),
    /// One of the texts from this index on.
    Variant(u32),
    /// The next parts if there is a value, otherwise this text and not the next parts.
    Option {
        none: Literal,
        parts: u16,
    },
    /// The thread.
    Thread,
    /// The start of a message that may be empty.
    MessageStart,
    /// Its end: a space follows unless it is empty.
    MessageEnd,
}

/// A value that was not printed.
pub(super) struct NotPrinted<'b>(pub(super) Spare<'b>);

type Printed<'b> = Result<Spare<'b>, NotPrinted<'b>>;

/// The longest number and its padding.
const WIDE_BYTES: usize = 64;

impl Print {
    /// Prints a value whose words begin at `at`, unless the line does that itself.
    #[inline(never)]
    pub(super) fn put_rare<'b>(
        self,
        spare: Spare<'b>,
        words: &Words<'_>,
        at: usize,
        literals: &[u8],
    ) -> Printed<'b> {
        let word = |n| words.word(at + n);
        let nanos = || words.word(at + 1) as u32;
        Ok(match self {
            Self::Wide => {
                let number = u128::from(word(0)) | u128::from(word(1)) << 64;
                put(spare, itoa::Buffer::new().format(number).as_bytes())
            }
            Self::SignedWide => {
                let number = (u128::from(word(0)) | u128::from(word(1)) << 64) as i128;
                put(spare, itoa::Buffer::new().format(number).as_bytes())
            }
            Self::Padded { width, is_signed, is_zero } => {
                put_padded_number(spare, word(0), width.into(), (is_signed, is_zero))
            }
            Self::DecimalsF32(digits) => {
                let number = f64::from(f32::from_bits(word(0) as u32));
                return put_decimals(spare, number.to_bits(), digits);
            }
            Self::ShortestF32(style) => {
                let mut digits = zmij::Buffer::new();
                match text::shortest_f32(&mut digits, f32::from_bits(word(0) as u32), style) {
                    Some(text) => put(spare, text.as_bytes()),
                    None => return Err(NotPrinted(spare)),
                }
            }
            Self::Char => match u8::try_from(word(0)) {
                Ok(byte) if byte.is_ascii_alphanumeric() => put_chunk(spare, &[byte], 1),
                _ => return Err(NotPrinted(spare)),
            },
            Self::RoundedDuration(decimals) => {
                let rounded = put_rounded_duration(spare, (word(0), nanos()), decimals.into());
                return rounded.map_err(NotPrinted);
            }
            Self::Seconds => put_seconds(spare, word(0), nanos()),
            Self::Moment => return put_moment(spare, word(0) as i64, nanos()).map_err(NotPrinted),
            Self::Ip if word(0) == 4 => put_ipv4(spare, word(1)),
            Self::Ip => put_ipv6(spare, [word(1), word(2)]),
            Self::Hex(least) => put_hex(spare, word(0), least.into()),
            Self::Ipv6 => put_ipv6(spare, [word(0), word(1)]),
            Self::SocketV4 => put_socket_v4(spare, word(0)),
            Self::Socket if word(0) == 4 => put_socket_v4(spare, word(1)),
            Self::SocketV6 => put_socket_v6(spare, [word(0), word(1), word(2), word(3)]),
            Self::Socket => put_socket_v6(spare, [word(1), word(2), word(3), word(4)]),
            Self::Bytes(between) => put_list(spare, words.bytes(at), between, literals),
            _ => return Err(NotPrinted(spare)),
        })
    }
}

/// Copies literal text. `literals` has as many more bytes after its text as a chunk has.
#[inline]
pub(super) fn put_literal<'b>(spare: Spare<'b>, literals: &[u8], of: Literal) -> Spare<'b> {
    put_from(spare, literals, of.start as usize, of.bytes as usize)
}

/// `{}` of a truth value.
#[inline]
pub(super) fn put_bool(spare: Spare<'_>, value: bool) -> Spare<'_> {
    let (text, bytes) = if value { (b"true    ", 4) } else { (b"false   ", 5) };
    put_chunk(spare, text, bytes)
}

/// The shortest text that reads back as a float.
#[inline]
pub(super) fn put_shortest(spare: Spare<'_>, word: u64, style: Style) -> Printed<'_> {
    let mut digits = zmij::Buffer::new();
    match text::shortest(&mut digits, f64::from_bits(word), style) {
        Some(text) => Ok(put(spare, text.as_bytes())),
        None => Err(NotPrinted(spare)),
    }
}

#[inline]
pub(super) fn put_text<'b>(
    spare: Spare<'b>,
    words: &Words<'_>,
    at: usize,
    dirt: Dirt,
) -> Printed<'b> {
    let (bytes, start, length) = words.place(at);
    let marks = words.word(at);
    let is_clean = marks & IS_CLEAN != 0;
    let known = if dirt == Dirt::NotAWord { IS_WORD } else { IS_CLEAN };
    if marks & known != 0 {
        return Ok(put_from(spare, bytes, start, length));
    }
    let text = bytes.get(start..).and_then(|rest| rest.get(..length)).unwrap_or_default();
    // What has a space and is known to be clean is in quotes.
    let is_quoted = is_clean && marks & HAS_SPACE != 0;
    if !is_quoted && is_free_of(text, dirt) {
        Ok(put_from(spare, bytes, start, text.len()))
    } else if dirt == Dirt::NotAWord && (is_clean || is_free_of(text, Dirt::Quoted)) {
        let spare = put_from(put_chunk(spare, b"\"", 1), bytes, start, text.len());
        Ok(put_chunk(spare, b"\"", 1))
    } else {
        Err(NotPrinted(spare))
    }
}

/// Whether [`put_escaped`] writes a text.
pub(super) fn has_simple_escapes(text: &[u8]) -> bool {
    let is_simple = |byte: &u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    text.iter().fold(true, |all, byte| all & is_simple(byte))
}

/// Writes a text with the escapes that all formats have in common: a backslash and a letter. `has_quotes` says
/// whether quotes and backslashes are escaped too.
pub(super) fn put_escaped<'b>(mut spare: Spare<'b>, text: &[u8], has_quotes: bool) -> Spare<'b> {
    let dirt = if has_quotes { Dirt::Quoted } else { Dirt::Unsafe };
    for chunk in text.chunks(16) {
        if is_free_of(chunk, dirt) {
            spare = put(spare, chunk);
            continue;
        }
        for &byte in chunk {
            let letter = match byte {
                b'"' | b'\\' if has_quotes => byte,
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                byte => {
                    spare = put_chunk(spare, &[byte], 1);
                    continue;
                }
            };
            spare = put_chunk(spare, &[b'\\', letter], 2);
        }
    }
    spare
}

/// `{:.digits}` of a float.
#[inline]
pub(super) fn put_decimals(spare: Spare<'_>, word: u64, digits: u16) -> Printed<'_> {
    let number = f64::from_bits(word);
    match text::decimals(number, digits) {
        Some(scaled) => {
            let spare = put_sign(spare, number.is_sign_negative());
            Ok(put_fixed(spare, scaled, digits.into()))
        }
        None => Err(NotPrinted(spare)),
    }
}

fn put_padded_number(
    spare: Spare<'_>,
    word: u64,
    width: usize,
    (is_signed, is_zero): (bool, bool),
) -> Spare<'_> {
    let is_negative = is_signed && (word as i64) < 0;
    let number = if is_negative { word.wrapping_neg() } else { word };
    let mut digits = [0; WIDE_BYTES];
    let length = WIDE_BYTES - put_u64(&mut digits, number).len();
    let missing = width.saturating_sub(length + usize::from(is_negative));
    let fill = [if is_zero { b'0' } else { b' ' }; 32];
    // Zeros follow the sign, spaces precede it.
    let spare = put_sign(spare, is_negative && is_zero);
    let spare = put_chunk(spare, &fill, missing.min(fill.len()));
    put_from(put_sign(spare, is_negative && !is_zero), &digits, 0, length)
}

fn put_list<'b>(
    mut spare: Spare<'b>,
    bytes: &[u8],
    between: Literal,
    literals: &[u8],
) -> Spare<'b> {
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            spare = put_literal(spare, literals, between);
        }
        spare = put_u64(spare, (*byte).into());
    }
    spare
}
