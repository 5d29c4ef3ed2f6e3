//! Truncation of strings at character boundaries.

/// The longest beginning of `text` that has at most `max_bytes` bytes and ends between characters.
/// `str::floor_char_boundary` does the same since Rust 1.91.
pub(crate) fn truncate(text: &str, max_bytes: usize) -> &str {
    let end = (0..=max_bytes.min(text.len())).rev().find(|&at| text.is_char_boundary(at));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::truncate;

    #[test]
    fn a_character_is_kept_whole_or_not_at_all() {
        for (max_bytes, kept) in
            [(0, ""), (1, "a"), (2, "a"), (3, "a"), (4, "a€"), (5, "a€b"), (9, "a€b")]
        {
            assert_eq!(truncate("a€b", max_bytes), kept);
        }
    }
}
