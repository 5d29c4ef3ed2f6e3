//! Escaping of shown text: no logged string can move the cursor, hide or reorder text.
//!
//! These characters are escaped as Rust writes them (`\n`, `\t`, `\r`, `\u{1b}`):
//! - all control characters: C0 with line feed and tab, DEL, C1;
//! - bidirectional marks, overrides and isolates, which show text in another order;
//! - line and paragraph separators;
//! - characters without width: zero width space, word joiner and invisible operators, byte order mark,
//!   interlinear annotations, tags. Joiners (U+200C, U+200D) are kept, because words and emoji need them; the
//!   tags of a few regional flags are escaped.
//!
//! A backslash is not escaped, as in journalctl: paths and regular expressions stay readable, but a logged
//! `\n` of two characters looks like an escaped line feed. JSON and quoted values, which double
//! backslashes, tell them apart.

use std::fmt::Write as _;

/// Appends `text` on one line, with every character escaped that a terminal could interpret.
///
/// ```
/// use stenolog_decoder::escape::push_escaped;
///
/// let mut out = String::new();
/// push_escaped(&mut out, "C:\\temp größe\n\u{1b}[31m");
/// assert_eq!(out, r"C:\temp größe\n\u{1b}[31m");
/// ```
pub fn push_escaped(out: &mut String, text: &str) {
    push_with(out, text, UNSAFE, push_escape);
}

/// Appends `text` as the value of a `name=value` pair: bare if it is one word, else in quotes.
///
/// In quotes, `"` and `\` are escaped with a backslash, in addition to what [`push_escaped`] escapes. A bare
/// value contains no escapes.
///
/// ```
/// use stenolog_decoder::escape::push_quoted_if_needed;
///
/// let mut out = String::new();
/// push_quoted_if_needed(&mut out, "10.0.0.1:80");
/// out.push(' ');
/// push_quoted_if_needed(&mut out, "say \"hi\"\n");
/// assert_eq!(out, r#"10.0.0.1:80 "say \"hi\"\n""#);
/// ```
pub fn push_quoted_if_needed(out: &mut String, text: &str) {
    if is_word(text) {
        out.push_str(text);
        return;
    }
    out.push('"');
    push_with(out, text, UNSAFE | QUOTED, push_escape);
    out.push('"');
}

/// Whether a text is one word without anything to escape.
pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty() && next_special(text, 0, UNSAFE | NOT_A_WORD).is_none()
}

/// Appends a name as the key of a `key=value` pair: a single word, and not the key of a
/// pair that precedes the fields of a line.
pub(crate) fn push_key(name: &str, out: &mut String) {
    if matches!(name, "time" | "level" | "target" | "thread" | "msg") {
        out.push_str("fields.");
    }
    let is_replaced =
        |c: char| matches!(c, '=' | '"' | '\u{fffd}') || is_unsafe(c) || c.is_whitespace();
    out.extend(name.chars().map(|c| if is_replaced(c) { '_' } else { c }));
}

/// Escaped in every position.
pub(crate) const UNSAFE: u8 = 1;
/// Escaped between quotes.
pub(crate) const QUOTED: u8 = 2;
/// Makes quotes necessary.
const NOT_A_WORD: u8 = 4;

/// For each byte that may begin a special character: the kinds of the character.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        kinds[byte] = UNSAFE;
        byte += 1;
    }
    kinds[0x7f] = UNSAFE;
    kinds[b' ' as usize] = NOT_A_WORD;
    kinds[b'=' as usize] = NOT_A_WORD;
    kinds[b'"' as usize] = NOT_A_WORD | QUOTED;
    kinds[b'\\' as usize] = QUOTED;
    // The characters of `is_unsafe` and `char::is_whitespace` beyond ASCII begin with one of these.
    kinds[0xc2] = UNSAFE | NOT_A_WORD;
    kinds[0xd8] = UNSAFE;
    kinds[0xe1] = UNSAFE | NOT_A_WORD;
    kinds[0xe2] = UNSAFE | NOT_A_WORD;
    kinds[0xe3] = NOT_A_WORD;
    kinds[0xef] = UNSAFE;
    kinds[0xf3] = UNSAFE;
    kinds
};

/// Whether a character is escaped wherever text is shown.
pub(crate) fn is_unsafe(char: char) -> bool {
    matches!(
        char,
        '\0'..='\x1f' | '\x7f'..='\u{9f}'
            // Bidirectional.
            | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Separators.
            | '\u{2028}' | '\u{2029}'
            // Invisible.
            | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// The next character of one of `kinds` from byte `from` on, and its place.
fn next_special(text: &str, mut from: usize, kinds: u8) -> Option<(usize, char)> {
    let bytes = text.as_bytes();
    loop {
        let distance = bytes[from..].iter().position(|&b| KINDS[usize::from(b)] & kinds != 0)?;
        let at = from + distance;
        if bytes[at].is_ascii() {
            return Some((at, char::from(bytes[at])));
        }
        // Only bytes that begin a character have a kind.
        let char = text[at..].chars().next()?;
        let special = (kinds & UNSAFE != 0 && is_unsafe(char))
            || (kinds & NOT_A_WORD != 0 && char.is_whitespace());
        if special {
            return Some((at, char));
        }
        from = at + char.len_utf8();
    }
}

/// Whether a text is printable ASCII without quotes and backslashes, which nothing escapes.
#[inline]
pub(crate) fn is_clean(bytes: &[u8]) -> bool {
    is_free_of(bytes, Dirt::Quoted)
}

/// What a text must not have to be written as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dirt {
    /// Anything but printable ASCII.
    Unsafe,
    /// That, quotes and backslashes.
    Quoted,
    /// Anything but printable ASCII, quotes, spaces and `=`. An empty text is no word either.
    NotAWord,
}

/// Whether a text has nothing of the kind.
///
/// It compares many bytes at once, as nearly all logged text is clean.
#[inline]
pub(crate) fn is_free_of(bytes: &[u8], dirt: Dirt) -> bool {
    // `|` without an early return compiles to vector instructions.
    match dirt {
        Dirt::Unsafe => has_none(bytes, |byte| !matches!(byte, b' '..=b'~')),
        Dirt::Quoted => {
            has_none(bytes, |byte| !matches!(byte, b' '..=b'~') | (byte == b'"') | (byte == b'\\'))
        }
        Dirt::NotAWord => {
            let is_none = has_none(bytes, |byte| {
                !matches!(byte, b'!'..=b'~') | (byte == b'"') | (byte == b'=')
            });
            is_none && !bytes.is_empty()
        }
    }
}

#[inline(always)]
fn has_none(bytes: &[u8], is_dirty: impl Fn(u8) -> bool) -> bool {
    let any = |bytes: &[u8]| bytes.iter().fold(false, |found, &byte| found | is_dirty(byte));
    // The bytes after the last whole chunk are covered by the last 16 bytes.
    match bytes.last_chunk::<16>() {
        Some(last) => {
            let chunks = bytes.as_chunks::<16>().0;
            !chunks.iter().fold(any(last), |found, chunk| found | any(chunk))
        }
        None => !any(bytes),
    }
}

/// Appends `text` with each character of one of `kinds` replaced by what `escape` appends for it.
pub(crate) fn push_with(out: &mut String, text: &str, kinds: u8, escape: fn(&mut String, char)) {
    if is_clean(text.as_bytes()) {
        out.push_str(text);
        return;
    }
    let mut done = 0;
    while let Some((at, char)) = next_special(text, done, kinds) {
        out.push_str(&text[done..at]);
        escape(out, char);
        done = at + char.len_utf8();
    }
    out.push_str(&text[done..]);
}

/// Appends a character as in a string literal of Rust.
fn push_escape(out: &mut String, char: char) {
    match char {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        _ => {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(char));
        }
    }
}

#[cfg(test)]
mod tests;
