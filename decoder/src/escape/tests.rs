use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let mut out = String::from("> ");
    push_escaped(&mut out, text);
    assert_eq!(out, format!("> {expected}"));
}

#[track_caller]
fn check_quoted(text: &str, expected: &str) {
    let mut out = String::new();
    push_quoted_if_needed(&mut out, text);
    assert_eq!(out, expected);
}

#[test]
fn plain_text_stays() {
    check("", "");
    check("a \"b\" c:\\d=1", "a \"b\" c:\\d=1");
    check("größe 価格 👩‍💻 نص", "größe 価格 👩‍💻 نص");
}

#[test]
fn controls_are_escaped() {
    check("a\nb\tc\r\0", r"a\nb\tc\r\u{0}");
    check("\x1b[31mred\x1b[0m\x07\x7f", r"\u{1b}[31mred\u{1b}[0m\u{7}\u{7f}");
    check("ä\u{9b}31mö\u{85}", r"ä\u{9b}31mö\u{85}");
}

#[test]
fn invisible_and_reordering_characters_are_escaped() {
    check("user\u{202e}nimda\u{2066}", r"user\u{202e}nimda\u{2066}");
    check("\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}", r"\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}");
    check("\u{feff}a\u{200b}b\u{2060}\u{e0041}", r"\u{feff}a\u{200b}b\u{2060}\u{e0041}");
}

#[test]
fn one_word_is_bare() {
    for word in ["1", "-1.5", "a/b", "größe", "C:\\x", "{1,2}", "a'b", "10.0.0.1:80"] {
        check_quoted(word, word);
    }
}

#[test]
fn all_else_is_quoted() {
    check_quoted("", "\"\"");
    check_quoted("a b", "\"a b\"");
    check_quoted("a=b", "\"a=b\"");
    check_quoted("a\"b", "\"a\\\"b\"");
    check_quoted("a \\b", "\"a \\\\b\"");
    check_quoted("a\nb", "\"a\\nb\"");
    check_quoted("a\u{3000}b", "\"a\u{3000}b\"");
    check_quoted("a\u{a0}b", "\"a\u{a0}b\"");
    check_quoted("a\u{202e}b", "\"a\\u{202e}b\"");
}

/// The table of first bytes covers every character that is special.
#[test]
fn no_special_character_slips_through() {
    for char in '\0'..=char::MAX {
        let text = format!("a{char}");
        let found = next_special(&text, 1, UNSAFE).is_some();
        assert_eq!(found, is_unsafe(char), "{char:?}");
        let found = next_special(&text, 1, NOT_A_WORD).is_some();
        let expected = char.is_whitespace() && !char.is_control() || "=\"".contains(char);
        assert!(found || !expected, "{char:?}");
        assert!(!char.is_control() || is_unsafe(char), "{char:?}");
    }
}

proptest! {
    #[test]
    fn nothing_unsafe_is_left(text in any::<String>()) {
        let mut out = String::new();
        push_escaped(&mut out, &text);
        prop_assert!(!out.contains(is_unsafe));
    }

    /// Escapes between quotes are Rust's, so a reader can undo them.
    #[test]
    fn quotes_can_be_undone(text in any::<String>()) {
        let mut out = String::new();
        push_quoted_if_needed(&mut out, &text);
        if let Some(inner) = out.strip_prefix('"') {
            let inner = inner.strip_suffix('"').unwrap();
            prop_assert_eq!(unescape(inner), text);
        } else {
            prop_assert_eq!(&out, &text);
            let splits = |c: char| c.is_whitespace() || c == '=' || c == '"' || c.is_control();
            prop_assert!(!out.contains(splits));
        }
    }
}

fn unescape(text: &str) -> String {
    let mut chars = text.chars();
    let mut out = String::new();
    while let Some(char) = chars.next() {
        assert_ne!(char, '"', "a bare quote in {text}");
        out.push(if char != '\\' {
            char
        } else {
            match chars.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    assert_eq!(chars.next(), Some('{'));
                    let digits: String = chars.by_ref().take_while(|&c| c != '}').collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
                }
                other => other,
            }
        });
    }
    out
}
