//! Format strings, parsed as `std::format!` does, for writer and reader.
//!
//! The macros parse what the user wrote. The decoder parses the *normalized* template of the dictionary, in
//! which every placeholder names its slot by index. Both have the same grammar
//! (<https://doc.rust-lang.org/std/fmt/#syntax>).

use std::fmt;
use std::ops::Range;

/// A parsed format string.
///
/// # Examples
///
/// ```
/// use stenolog_format::template::{Argument, Template};
///
/// let template = Template::parse("order {id} filled at {price:>8.2}").unwrap();
/// let names: Vec<_> = template.placeholders().map(|place| place.argument).collect();
/// assert_eq!(names, [Argument::Name("id"), Argument::Name("price")]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template<'a> {
    /// Text and placeholders in the order in which they are printed.
    pub pieces: Vec<Piece<'a>>,
}

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that is printed as it is; `{{` and `}}` are one brace each.
    Literal(&'a str),
    /// A placeholder for an argument.
    Placeholder(Placeholder<'a>),
}

/// `{argument:spec}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placeholder<'a> {
    /// The argument to print.
    pub argument: Argument<'a>,
    /// How to print it.
    pub spec: Spec<'a>,
    /// The range of the placeholder in the format string, in bytes, with its braces.
    pub span: Range<usize>,
}

/// The reference of a placeholder or a `$` count to an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// `{}`: the next positional argument.
    Next,
    /// `{0}`: a positional argument by its index.
    Index(usize),
    /// `{name}`: a named argument, or a variable in scope.
    Name(&'a str),
}

/// The part of a placeholder after the colon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spec<'a> {
    /// The padding character; a space if absent.
    pub fill: Option<char>,
    /// The alignment; depends on the type if absent.
    pub align: Option<Align>,
    /// `+` or `-`.
    pub sign: Option<Sign>,
    /// `#`: pretty printing, or the prefix of the radix.
    pub alternate: bool,
    /// `0`: pad numbers with zeros, after the sign.
    pub zero: bool,
    /// The minimum number of characters.
    pub width: Option<Count<'a>>,
    /// The number of digits after the point, or the maximum number of characters of a string.
    pub precision: Option<Precision<'a>>,
    /// The trait that prints the argument.
    pub format: Trait,
}

/// The alignment of a padded value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// `<`
    Left,
    /// `^`
    Center,
    /// `>`
    Right,
}

/// The sign flag of a [`Spec`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// `+`: print the sign of positive numbers too.
    Plus,
    /// `-`: accepted by the language, without effect.
    Minus,
}

/// A width or a precision: a number, or an argument that holds one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count<'a> {
    /// The number itself.
    Is(usize),
    /// `width$` or `1$`: never [`Argument::Next`].
    Argument(Argument<'a>),
}

/// The part of a [`Spec`] after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision<'a> {
    /// `.3`, `.name$` or `.1$`.
    Count(Count<'a>),
    /// `.*`: the next positional argument, taken before the one that is printed.
    Star,
}

/// The formatting trait of a placeholder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Trait {
    /// `{}`
    #[default]
    Display,
    /// `{:?}`
    Debug,
    /// `{:x?}`: debug with lower-case hexadecimal integers.
    DebugLowerHex,
    /// `{:X?}`: debug with upper-case hexadecimal integers.
    DebugUpperHex,
    /// `{:x}`
    LowerHex,
    /// `{:X}`
    UpperHex,
    /// `{:o}`
    Octal,
    /// `{:b}`
    Binary,
    /// `{:e}`
    LowerExp,
    /// `{:E}`
    UpperExp,
    /// `{:p}`
    Pointer,
}

impl Trait {
    /// The letters that select the trait in a format string.
    #[must_use]
    pub const fn letters(self) -> &'static str {
        match self {
            Self::Display => "",
            Self::Debug => "?",
            Self::DebugLowerHex => "x?",
            Self::DebugUpperHex => "X?",
            Self::LowerHex => "x",
            Self::UpperHex => "X",
            Self::Octal => "o",
            Self::Binary => "b",
            Self::LowerExp => "e",
            Self::UpperExp => "E",
            Self::Pointer => "p",
        }
    }

    fn from_letters(letters: &str) -> Option<Self> {
        Some(match letters {
            "" => Self::Display,
            "?" => Self::Debug,
            "x?" => Self::DebugLowerHex,
            "X?" => Self::DebugUpperHex,
            "x" => Self::LowerHex,
            "X" => Self::UpperHex,
            "o" => Self::Octal,
            "b" => Self::Binary,
            "e" => Self::LowerExp,
            "E" => Self::UpperExp,
            "p" => Self::Pointer,
            _ => return None,
        })
    }
}

/// Why a text is not a format string.
///
/// # Examples
///
/// ```
/// use stenolog_format::template::Template;
///
/// let error = Template::parse("fill {qty").unwrap_err();
/// assert_eq!(error.to_string(), "the `{` at byte 5 is never closed");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// A `{` without its `}`.
    Unclosed {
        /// The offset of the brace.
        offset: usize,
    },
    /// A `}` without its `{`.
    Unmatched {
        /// The offset of the brace.
        offset: usize,
    },
    /// A placeholder that does not follow the grammar.
    Placeholder {
        /// The offset of the placeholder.
        offset: usize,
        /// The text between its braces.
        text: String,
    },
}

// By hand: a user's build host should not need a derive macro for a macro.
impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed { offset } => write!(f, "the `{{` at byte {offset} is never closed"),
            Self::Unmatched { offset } => write!(f, "unmatched `}}` at byte {offset}"),
            Self::Placeholder { offset, text } => {
                write!(f, "the placeholder at byte {offset} is not understood: `{text}`")
            }
        }
    }
}

impl std::error::Error for TemplateError {}

impl<'a> Template<'a> {
    /// Parses a format string.
    ///
    /// # Errors
    /// If `std::format!` would not accept `text`. The error has the offset.
    pub fn parse(text: &'a str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let bytes = text.as_bytes();
        let mut start = 0;
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                brace @ (b'{' | b'}') if bytes.get(at + 1) == Some(&brace) => {
                    // The first brace of the pair stays in the text, the second is skipped.
                    push_literal(&mut pieces, &text[start..=at]);
                    at += 2;
                    start = at;
                }
                b'{' => {
                    push_literal(&mut pieces, &text[start..at]);
                    let inner = &text[at + 1..];
                    let length =
                        placeholder_length(inner).ok_or(TemplateError::Unclosed { offset: at })?;
                    let inner = &inner[..length];
                    let end = at + 1 + length + 1;
                    let placeholder = parse_placeholder(inner, at..end).ok_or_else(|| {
                        TemplateError::Placeholder { offset: at, text: inner.to_owned() }
                    })?;
                    pieces.push(Piece::Placeholder(placeholder));
                    at = end;
                    start = at;
                }
                b'}' => return Err(TemplateError::Unmatched { offset: at }),
                _ => at += 1,
            }
        }
        push_literal(&mut pieces, &text[start..]);
        Ok(Self { pieces })
    }

    /// The placeholders, in order.
    pub fn placeholders(&self) -> impl Iterator<Item = &Placeholder<'a>> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Placeholder(placeholder) => Some(placeholder),
            Piece::Literal(_) => None,
        })
    }
}

fn push_literal<'a>(pieces: &mut Vec<Piece<'a>>, text: &'a str) {
    if !text.is_empty() {
        pieces.push(Piece::Literal(text));
    }
}

/// The length of the text before the closing brace. A brace may itself be the fill character.
fn placeholder_length(inner: &str) -> Option<usize> {
    let colon = inner.find([':', '}'])?;
    if inner[colon..].starts_with('}') {
        return Some(colon);
    }
    let spec = &inner[colon + 1..];
    let mut chars = spec.chars();
    let skip = match (chars.next(), chars.next()) {
        (Some(fill @ ('{' | '}')), Some('<' | '^' | '>')) => fill.len_utf8() + 1,
        _ => 0,
    };
    Some(colon + 1 + skip + spec[skip..].find('}')?)
}

fn parse_placeholder(inner: &str, span: Range<usize>) -> Option<Placeholder<'_>> {
    let (argument, spec) = match inner.split_once(':') {
        Some((argument, spec)) => (argument, parse_spec(spec.trim_end())?),
        None => (inner, Spec::default()),
    };
    let argument = match argument.trim() {
        "" => Argument::Next,
        name => parse_argument(name)?,
    };
    Some(Placeholder { argument, spec, span })
}

fn parse_argument(text: &str) -> Option<Argument<'_>> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        text.parse().ok().map(Argument::Index)
    } else {
        is_identifier(text).then_some(Argument::Name(text))
    }
}

fn is_identifier(text: &str) -> bool {
    let text = text.strip_prefix("r#").unwrap_or(text);
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
        && text != "_"
}

fn parse_spec(text: &str) -> Option<Spec<'_>> {
    let mut spec = Spec::default();
    let mut rest = text;
    let mut chars = rest.chars();
    if let Some(first) = chars.next() {
        if let Some(align) = chars.next().and_then(align_of) {
            spec.fill = Some(first);
            spec.align = Some(align);
            rest = chars.as_str();
        } else if let Some(align) = align_of(first) {
            spec.align = Some(align);
            rest = &rest[1..];
        }
    }
    if let Some(after) = rest.strip_prefix('+') {
        spec.sign = Some(Sign::Plus);
        rest = after;
    } else if let Some(after) = rest.strip_prefix('-') {
        spec.sign = Some(Sign::Minus);
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('#') {
        spec.alternate = true;
        rest = after;
    }
    // `0$` is the argument with index 0 as the width, not the flag.
    if let Some(after) = rest.strip_prefix('0').filter(|after| !after.starts_with('$')) {
        spec.zero = true;
        rest = after;
    }
    if let Some((count, after)) = parse_count(rest)? {
        spec.width = Some(count);
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('.') {
        if let Some(after) = after.strip_prefix('*') {
            spec.precision = Some(Precision::Star);
            rest = after;
        } else {
            let (count, after) = parse_count(after)??;
            spec.precision = Some(Precision::Count(count));
            rest = after;
        }
    }
    spec.format = Trait::from_letters(rest)?;
    Some(spec)
}

fn align_of(c: char) -> Option<Align> {
    match c {
        '<' => Some(Align::Left),
        '^' => Some(Align::Center),
        '>' => Some(Align::Right),
        _ => None,
    }
}

/// The outer `None` is an error, the inner one means that there is no count.
#[expect(clippy::option_option, reason = "an absent count is not an error")]
fn parse_count(text: &str) -> Option<Option<(Count<'_>, &str)>> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    if digits > 0 {
        let number: usize = text[..digits].parse().ok()?;
        let rest = &text[digits..];
        return Some(Some(match rest.strip_prefix('$') {
            Some(rest) => (Count::Argument(Argument::Index(number)), rest),
            None => (Count::Is(number), rest),
        }));
    }
    let end =
        text.find(|c: char| !(c == '_' || c == '#' || c.is_alphanumeric())).unwrap_or(text.len());
    if text[end..].starts_with('$') && is_identifier(&text[..end]) {
        let name = Count::Argument(Argument::Name(&text[..end]));
        return Some(Some((name, &text[end + 1..])));
    }
    Some(None)
}

#[cfg(test)]
mod tests;
