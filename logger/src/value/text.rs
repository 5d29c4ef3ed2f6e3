//! Text that the call site had to format, because the decoder does not know the type.

use std::fmt::{self, Write};

use stenolog_format::types::Type;

use super::{SHORT_BYTES, Value, put_counted, signature};

/// Bytes on the stack as long as they are few, on the heap from then on.
#[derive(Debug)]
pub struct Buffer {
    len: usize,
    inline: [u8; Self::INLINE],
    /// Holds everything as soon as it holds anything.
    heap: Vec<u8>,
    /// The text became longer than any ring can hold.
    is_too_large: bool,
}

impl Buffer {
    const INLINE: usize = 192;

    #[inline]
    pub(crate) const fn new() -> Self {
        Self { len: 0, inline: [0; Self::INLINE], heap: Vec::new(), is_too_large: false }
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

    /// Appends a value in raw layout.
    #[inline]
    pub fn put<V: Value + ?Sized>(&mut self, value: &V) {
        let size = value.size();
        match self.space(size) {
            // SAFETY: the space is as long as the value's size.
            Some(space) => unsafe {
                value.write(space);
            },
            None => self.overflow(),
        }
    }

    /// Appends all of another one.
    pub(crate) fn append(&mut self, other: &Self) {
        self.is_too_large |= other.is_too_large;
        self.push(other.as_bytes());
    }

    /// Adds `size` bytes and returns where they are; `None` if no ring can hold them.
    #[inline]
    fn space(&mut self, size: usize) -> Option<*mut u8> {
        let start = self.len;
        let end = start.checked_add(size).filter(|end| *end <= u32::MAX as usize)?;
        self.len = end;
        if self.heap.is_empty() && end <= Self::INLINE {
            return self.inline.get_mut(start..end).map(<[u8]>::as_mut_ptr);
        }
        if self.heap.is_empty() {
            self.heap.reserve(2 * end);
            self.heap.extend_from_slice(&self.inline[..start]);
        }
        self.heap.resize(end, 0);
        self.heap.get_mut(start..end).map(<[u8]>::as_mut_ptr)
    }

    /// Notes that there is more than any ring can hold.
    #[cold]
    pub(crate) fn overflow(&mut self) {
        self.is_too_large = true;
    }

    /// The size of the bytes as a value: one that no ring holds if they are not all there.
    #[inline]
    pub(crate) fn size(&self) -> usize {
        if self.is_too_large { usize::MAX } else { self.len }
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
    /// The mark after the text of a formatting trait that reported an error.
    pub(crate) const FAILED: &str = "<error: formatting failed>";

    /// Formats. If an implementation reports an error, what it wrote before is kept, and a mark
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
