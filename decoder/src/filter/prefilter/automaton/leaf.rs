//! Leaves of an automaton: values that are printed, and what their text can contain.

use stenolog_format::template::Trait;
use stenolog_format::types::Type;

use super::graph::ByteSet;
use crate::text::ResolvedSpec;

/// The most digits of a duration's seconds, of the exponent of a float, of a port and of a scope id.
const SECONDS_DIGITS: usize = 20;
const EXPONENT_DIGITS: usize = 3;
const PORT_DIGITS: usize = 5;
const SCOPE_DIGITS: usize = 10;

/// The most digits of `\u{10ffff}`, and the most bytes of a character.
const ESCAPE_DIGITS: usize = 6;
const CHAR_BYTES: usize = 4;

/// The most hexadecimal digits of an address without a sign between them.
const GROUP_DIGITS: usize = 4;

/// A value that is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// The slot that has the value, or a value with this one in it.
    pub(crate) slot: usize,
    pub(crate) kind: LeafKind,
    /// How to print the value of the slot, with the text of this leaf in it: without padding if the leaf is all of
    /// the value. `None` if it depends on other values.
    pub(crate) spec: Option<ResolvedSpec>,
    /// Whether the leaf is all that is printed so. Otherwise it lacks the sign.
    pub(crate) is_whole: bool,
}

/// What a value is printed as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeafKind {
    /// The bytes of a string.
    Text,
    /// The letter or the digits of a character in a string that is escaped.
    Escape,
    Char,
    Bool,
    /// An integer, with the most digits that it has.
    Integer(usize),
    Float,
    /// A duration, with the most digits on either side of the point.
    Duration(usize),
    /// Numbers with signs between them, with the most decimal digits of one. Hexadecimal ones are short.
    Address(usize),
}

impl LeafKind {
    /// What a value of the type is printed as, and the bytes of that; `None` if it is no leaf.
    pub(super) fn of(
        ty: &Type,
        format: Trait,
        precision: Option<usize>,
    ) -> Option<(Self, ByteSet)> {
        const HEX: &[u8] = b"0123456789abcdef";
        const DECIMAL: &[u8] = b"0123456789";
        let bits = match ty {
            Type::Bool => return Some((Self::Bool, ByteSet::of(b"truefalse"))),
            Type::U8 | Type::I8 => 8,
            Type::U16 | Type::I16 => 16,
            Type::U32 | Type::I32 => 32,
            Type::U64 | Type::I64 => 64,
            Type::U128 | Type::I128 => 128,
            Type::F32 | Type::F64 => {
                // `Display` never prints an exponent.
                let bytes: &[u8] = match format {
                    Trait::Display => b"-.0123456789",
                    _ => b"-.0123456789e",
                };
                return Some((Self::Float, ByteSet::of(bytes)));
            }
            Type::Duration => {
                let most = SECONDS_DIGITS.max(precision.unwrap_or(0));
                return Some((Self::Duration(most), ByteSet::of("0123456789.nµms".as_bytes())));
            }
            Type::Ipv4 => return Some((Self::Address(3), ByteSet::of(b".0123456789"))),
            Type::SocketV4 => {
                return Some((Self::Address(PORT_DIGITS), ByteSet::of(b".:0123456789")));
            }
            Type::Ipv6 | Type::Ip => {
                return Some((Self::Address(GROUP_DIGITS), ByteSet::of(b".:0123456789abcdef")));
            }
            Type::SocketV6 | Type::Socket => {
                let bytes = ByteSet::of(b".:%[]0123456789abcdef");
                return Some((Self::Address(SCOPE_DIGITS), bytes));
            }
            _ => return None,
        };
        let (most, bytes) = match format {
            Trait::LowerHex | Trait::UpperHex | Trait::DebugLowerHex | Trait::DebugUpperHex => {
                (bits / 4, ByteSet::of(HEX))
            }
            Trait::Octal => (bits / 3 + 1, ByteSet::of(DECIMAL)),
            Trait::Binary => (bits, ByteSet::of(DECIMAL)),
            // 1.234e5, with any precision.
            Trait::LowerExp | Trait::UpperExp => (usize::MAX, ByteSet::of(b".0123456789e-")),
            _ => (bits * 31 / 100 + 1, ByteSet::of(DECIMAL)),
        };
        Some((Self::Integer(most), bytes))
    }

    /// Whether such a value may print the piece. If not, it prints no text that contains the piece.
    pub(super) fn can_show(self, piece: &[u8]) -> bool {
        let runs = || piece.split(|byte| !byte.is_ascii_hexdigit());
        match self {
            Self::Text => true,
            Self::Escape => piece.len() <= ESCAPE_DIGITS,
            Self::Char => piece.len() <= CHAR_BYTES,
            Self::Bool => ["true", "false"].iter().any(|word| {
                let mut parts = word.as_bytes().windows(piece.len());
                parts.any(|part| part == piece)
            }),
            Self::Integer(most) => {
                let signs = piece.iter().filter(|byte| !byte.is_ascii_hexdigit()).count();
                piece.len() - signs <= most && signs <= 3
            }
            Self::Float => {
                let mut parts = piece.split(|&byte| byte == b'e');
                let (_, exponent, rest) = (parts.next(), parts.next(), parts.next());
                let exponent = exponent.unwrap_or_default();
                let digits = exponent.strip_prefix(b"-").unwrap_or(exponent);
                rest.is_none()
                    && digits.len() <= EXPONENT_DIGITS
                    && piece.iter().filter(|&&byte| byte == b'.').count() <= 1
            }
            Self::Duration(most) => runs().all(|run| run.len() <= most),
            Self::Address(most) => runs().all(|run| {
                run.len() <= GROUP_DIGITS || run.len() <= most && run.iter().all(u8::is_ascii_digit)
            }),
        }
    }
}
