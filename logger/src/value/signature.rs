//! Hashes of type descriptions, computed by the compiler.
//!
//! A type's hash starts from a word for its kind and takes in what makes it that type: inner
//! hashes, names, lengths. Each step is a bijection of the word that it takes in, and of the state
//! before it: two types that differ in one place never collide in that place.

/// The hash of no type at all: the end of a list.
pub(super) const EMPTY: u64 = 0x5354_454e_4f4c_4f47;

/// Takes `word` into `state`.
pub(super) const fn mix(state: u64, word: u64) -> u64 {
    let mut x = state.rotate_left(23) ^ word;
    x = x.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 32;
    x = x.wrapping_mul(0xd6e8_feb8_6659_fd93);
    x ^ (x >> 29)
}

/// Takes a string and its length into `state`.
pub(super) const fn mix_str(state: u64, text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut state = mix(state, bytes.len() as u64);
    let mut at = 0;
    while at < bytes.len() {
        let mut word = 0;
        let mut shift = 0;
        while shift < 64 && at < bytes.len() {
            word |= (bytes[at] as u64) << shift;
            shift += 8;
            at += 1;
        }
        state = mix(state, word);
    }
    state
}

/// A type without inner types.
pub(super) const fn leaf(kind: &str) -> u64 {
    mix_str(EMPTY, kind)
}

/// A type that says something about one other type.
pub(super) const fn of(kind: &str, inner: u64) -> u64 {
    mix(leaf(kind), inner)
}

/// Two in a row.
pub(super) const fn pair(first: u64, rest: u64) -> u64 {
    mix(mix(EMPTY, first), rest)
}
