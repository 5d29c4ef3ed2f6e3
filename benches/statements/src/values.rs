//! Values of high entropy, computed from a loop's counter: cheap to make, hard to compress.

use std::sync::OnceLock;

/// How many strings there are.
const STRINGS: usize = 10_000;

/// How many log-normal values are computed; each is varied in its lower bits. They fit the first cache, because
/// a program that computes a value has it in a register.
const FLOATS: usize = 1 << 10;

/// The bytes from one string to the next: a cache line, so that a string costs one miss at the most.
const STRIDE: usize = 64;

/// How many counters ahead a string is fetched.
const AHEAD: u32 = 16;

/// A random 64-bit number: the finalizer of SplitMix64.
#[inline]
#[must_use]
pub fn id(n: u32) -> u64 {
    let x = (u64::from(n) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let x = (x ^ x >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ x >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ x >> 31
}

/// A log-normal value with all bits of its mantissa.
#[inline]
#[must_use]
pub fn float(n: u32) -> f64 {
    static TABLE: OnceLock<Vec<f64>> = OnceLock::new();
    let table = TABLE.get_or_init(|| (0..FLOATS as u32).map(log_normal).collect());
    let bits = id(n ^ 0x5555_5555);
    let near = 1.0 + (bits >> 32) as f64 * f64::EPSILON * f64::from(1 << 12);
    table[bits as usize % FLOATS] * near
}

/// By Box and Muller.
fn log_normal(n: u32) -> f64 {
    let share = |bits: u64| ((bits >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
    let radius = (-2.0 * share(id(2 * n)).ln()).sqrt();
    let normal = radius * (std::f64::consts::TAU * share(id(2 * n + 1))).cos();
    340.0 * normal.exp()
}

/// One of 10,000 strings of 16 to 60 letters and digits. Those of the next counters are on their way to the
/// cache meanwhile: a bench that waits for memory cannot tell loggers apart.
#[inline]
#[must_use]
pub fn text(n: u32) -> &'static str {
    static POOL: OnceLock<String> = OnceLock::new();
    let pool = POOL.get_or_init(letters);
    prefetch(&pool.as_bytes()[number(n.wrapping_add(AHEAD)) * STRIDE]);
    let string = number(n);
    // Of its number, so that the length is not another miss.
    let length = 16 + string * 7919 % 45;
    &pool[string * STRIDE..][..length]
}

#[inline]
fn number(n: u32) -> usize {
    id(n ^ 0xAAAA_AAAA) as usize % STRINGS
}

#[inline]
fn prefetch(byte: &u8) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: every processor of this kind has the instruction, which reads nothing that the program sees.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(byte).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = byte;
}

fn letters() -> String {
    const LETTERS: &[u8; 64] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    let letter = |at: u32| char::from(LETTERS[(id(at) >> 58) as usize]);
    (0..(STRINGS * STRIDE) as u32).map(letter).collect()
}
