//! Values with a special form in every output: errors with their sources, and the absent value.

use std::error::Error;
use std::fmt;

use stenolog_format::types::{Type, empty_type, error_type};

use super::as_record::{AsRecord, Shown};
use super::bound::Bound;
use super::text::Buffer;
use super::{SHORT_BYTES, Text, Value, put_bytes, signature};

/// An error and its sources, formatted at the call.
#[derive(Debug)]
pub struct ErrorChain(Buffer);

impl ErrorChain {
    /// The most sources of a chain: one that leads back to itself would never end.
    pub(crate) const MAX_SOURCES: u32 = 64;

    /// Formats an error, and the errors that it came from.
    #[must_use]
    pub fn new(error: &dyn ErrorText) -> Self {
        let mut sources = Buffer::new();
        let mut count = 0_u32;
        let mut next = error.origin();
        while let Some(source) = next
            && count < Self::MAX_SOURCES
        {
            sources.put(&Text::new(format_args!("{source}")));
            next = source.source();
            count += 1;
        }
        if next.is_some() {
            sources.put(&Text::new(format_args!("…")));
            count += 1;
        }
        let mut all = Buffer::new();
        all.put(&Text::new(format_args!("{error}")));
        all.put(&count);
        all.append(&sources);
        Self(all)
    }
}

/// An error of any type, sized or not.
pub trait ErrorText: fmt::Display {
    /// Its source.
    fn origin(&self) -> Option<&(dyn Error + 'static)>;
}

impl<E: Error + ?Sized> ErrorText for &E {
    fn origin(&self) -> Option<&(dyn Error + 'static)> {
        E::source(self)
    }
}

// SAFETY: the bytes, which do not change any more.
unsafe impl Value for ErrorChain {
    const SIGNATURE: u64 = signature::leaf("Error");
    const FIXED_SIZE: Option<usize> = None;
    const BOUND: Bound =
        Bound::product("", &["message", "sources"], &[Text::BOUND, Bound::list(Text::BOUND)]);

    fn describe() -> Type {
        error_type()
    }

    #[inline]
    fn size(&self) -> usize {
        self.0.size()
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.size() <= SHORT_BYTES
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        let bytes = self.0.as_bytes();
        // SAFETY: the caller grants the bytes, which are new space and overlap nothing.
        unsafe { put_bytes(out, bytes.as_ptr(), bytes.len()) }
    }
}

/// A value that was computed at the call, to be recorded.
#[derive(Debug)]
pub struct Recorded<V>(pub(crate) V);

/// Formatted text that is shown as a string: in quotes within `Some(..)`.
#[derive(Debug)]
pub struct AsString(pub(crate) Text);

// SAFETY: what is written is the text, as the text itself writes it.
unsafe impl Value for AsString {
    const SIGNATURE: u64 = str::SIGNATURE;
    const FIXED_SIZE: Option<usize> = None;

    fn describe() -> Type {
        Type::Str
    }

    #[inline]
    fn size(&self) -> usize {
        self.0.size()
    }

    #[inline]
    fn is_short(&self) -> bool {
        self.0.is_short()
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        // SAFETY: the caller grants the bytes.
        unsafe { self.0.write(out) }
    }
}

/// The value of a field that has none; the field is left out of the record.
///
/// ```
/// use stenolog::{Empty, info};
///
/// info!(peer = Empty, "listening"); // the message, and no field
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Empty;

// SAFETY: nothing is written, and the size is 0.
unsafe impl Value for Empty {
    const SIGNATURE: u64 = signature::leaf("Empty");
    const FIXED_SIZE: Option<usize> = Some(0);

    fn describe() -> Type {
        empty_type()
    }

    #[inline]
    fn size(&self) -> usize {
        0
    }

    #[inline]
    unsafe fn write(&self, out: *mut u8) -> *mut u8 {
        out
    }
}

impl AsRecord for Empty {
    type As<'a> = Self;

    fn as_record(&self) -> Self {
        *self
    }
}

impl Shown for Empty {}
