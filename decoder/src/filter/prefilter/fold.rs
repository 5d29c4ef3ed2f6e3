//! Case folding, and lists of pieces without redundant ones.

/// Removes the pieces that contain another one.
pub(super) fn minimal(mut pieces: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    pieces.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for piece in pieces {
        let holds = |inner: &Vec<u8>| piece.windows(inner.len()).any(|part| part == *inner);
        if !kept.iter().any(holds) {
            kept.push(piece);
        }
    }
    kept
}

/// Folds case: ASCII letters, and the two letters beyond ASCII that regular expressions take for one of
/// them, become lower case.
pub(crate) fn fold(text: &str) -> Vec<u8> {
    let mut folded = String::with_capacity(text.len());
    folded.extend(text.chars().map(fold_char));
    folded.into_bytes()
}

pub(super) fn fold_char(char: char) -> char {
    match char {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        _ => char.to_ascii_lowercase(),
    }
}
