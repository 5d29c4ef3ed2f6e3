//! Self-describing values: of any `serde::Serialize`, and of types that contain themselves.

#[cfg(feature = "serde")]
mod serializer;

use std::cell::Cell;

use stenolog_format::types::Type;
use stenolog_format::value::dynamic::{self, TOO_DEEP, UNREADABLE, Writer};

use super::as_record::{AsRecord, Shown};
use super::bound::Bound;
use super::text::Buffer;
use super::{SHORT_BYTES, Value, put_counted, signature};

#[cfg(feature = "serde")]
pub use self::serializer::serde;

/// A value with its own description: see [`serde`](crate::serde).
#[derive(Clone, Debug)]
pub struct Serialized {
    bytes: Vec<u8>,
}

// SAFETY: a count of four bytes and the bytes, which do not change any more.
unsafe impl Value for Serialized {
    const SIGNATURE: u64 = signature::leaf("Dynamic");
    const FIXED_SIZE: Option<usize> = None;
    const BOUND: Bound =
        Bound::product(stenolog_format::types::reserved::DYNAMIC, &[], &[Bound::list(u8::BOUND)]);

    fn describe() -> Type {
        dynamic::dynamic_type()
    }

    #[inline]
    fn size(&self) -> usize {
        // More bytes than this have a size that no ring can hold.
        self.bytes.len().saturating_add(4)
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.bytes.len() <= SHORT_BYTES
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the bytes.
        unsafe { put_counted(out, &self.bytes) }
    }
}

impl AsRecord for Serialized {
    type As<'a> = &'a Self;

    fn as_record(&self) -> &Self {
        self
    }
}

impl Shown for Serialized {}

/// How many values of types that contain themselves are within each other at most.
const MAX_RECURSION: usize = 24;

/// The value of a field whose type contains the field's own. Values that are nested too deep become a text.
pub fn recursive<T: AsRecord + ?Sized>(value: &T) -> Serialized {
    thread_local! {
        static DEPTH: Cell<usize> = const { Cell::new(0) };
    }

    /// Leaves a level, also if `as_record` of a field panics.
    struct Level(usize);

    impl Drop for Level {
        fn drop(&mut self) {
            // Without thread-locals nothing is left to be counted.
            let _ = DEPTH.try_with(|depth| depth.set(self.0));
        }
    }

    let before = DEPTH.try_with(Cell::get).unwrap_or(MAX_RECURSION);
    let mut writer = Writer::default();
    if before >= MAX_RECURSION {
        writer.formatted(TOO_DEEP);
        return Serialized { bytes: writer.into_bytes() };
    }
    let _ = DEPTH.try_with(|depth| depth.set(before + 1));
    let level = Level(before);
    let mut raw = Buffer::new();
    value.prepare(&mut raw);
    drop(level);
    let ty = <T::As<'_> as Value>::describe();
    let is_written = writer.value(&ty, raw.as_bytes()).is_ok();
    // The outermost one is what readers take, or not.
    if !is_written || before == 0 && dynamic::read(writer.bytes()).is_err() {
        writer.truncate(0);
        writer.formatted(if is_written { TOO_DEEP } else { UNREADABLE });
    }
    Serialized { bytes: writer.into_bytes() }
}
