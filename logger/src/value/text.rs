//! Text that the call site had to format, because the decoder does not know the type.

use std::fmt::{self, Write};

use stenolog_format::types::Type;

use super::{SHORT_BYTES, Value, put_counted, signature};

/// Bytes on the stack as long as they are few, on the heap from then on.
#[derive(Debug)]
pub(crate) struct Buffer {
    len: usize,
    inline: [u8; Self::INLINE],
    /// Holds everything as soon as it holds anything.
    heap: Vec<u8>,
}

impl Buffer {
    const INLINE: usize = 192;

    #[inline]
    pub(crate) const fn new() -> Self {
        Self { len: 0, inline: [0; Self::INLINE], heap: Vec::new() }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        match self.inline.get_mut(self.len..end) {
            Some(space) if self.heap.is_empty() => space.copy_from_slice(bytes),
            _ => self.push_to_heap(bytes),
        }
        self.len = end;
    }

    #[cold]
    fn push_to_heap(&mut self, bytes: &[u8]) {
        if self.heap.is_empty() {
            self.heap.reserve(2 * (self.len + bytes.len()));
            self.heap.extend_from_slice(&self.inline[..self.len]);
        }
        self.heap.extend_from_slice(bytes);
    }

    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        if self.heap.is_empty() { &self.inline[..self.len] } else { &self.heap }
    }
}

impl Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// Text formatted at the call, before anything was claimed.
#[derive(Debug)]
pub struct Text(Buffer);

impl Text {
    /// What an implementation of a formatting trait that fails leaves behind.
    const FAILED: &str = "<error: formatting failed>";

    /// Formats. If an implementation reports an error, what it wrote before stands, and a mark
    /// says so: a logger does not panic over data, as `format!` would.
    #[must_use]
    pub fn new(arguments: fmt::Arguments<'_>) -> Self {
        let mut buffer = Buffer::new();
        if buffer.write_fmt(arguments).is_err() {
            buffer.push(Self::FAILED.as_bytes());
        }
        Self(buffer)
    }
}

// SAFETY: a count of four bytes and the text, which does not change any more.
unsafe impl Value for Text {
    const SIGNATURE: u64 = signature::leaf("Formatted");
    const FIXED_SIZE: Option<usize> = None;

    fn describe() -> Type {
        Type::Formatted
    }

    #[inline]
    fn size(&self) -> usize {
        4 + self.0.as_bytes().len()
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.0.as_bytes().len() <= SHORT_BYTES
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the bytes.
        unsafe { put_counted(out, self.0.as_bytes()) }
    }
}
