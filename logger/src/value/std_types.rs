//! Types of std that are converted when they are recorded: paths, atomics, cells, errors and others.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::error::Error;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::fmt::Write as _;
use std::ops::{Bound as RangeBound, ControlFlow};
use std::path::{Path, PathBuf};
use std::sync::atomic;
use std::sync::{Mutex, OnceLock, RwLock, TryLockError};
use std::task::Poll;
use std::time::{Instant, SystemTime};

use stenolog_macros::Record;

use super::as_record::{AsRecord, Prepared, Shown};
use super::special::ErrorChain;
use super::text::Buffer;
use super::{Text, debug_text, display_text};

/// Text of bytes that are nearly always UTF-8; others become escapes.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => {
            let mut text = String::new();
            for chunk in bytes.utf8_chunks() {
                text.push_str(chunk.valid());
                for byte in chunk.invalid() {
                    // Writing to a string cannot fail.
                    let _ = write!(text, "\\x{byte:02X}");
                }
            }
            Cow::Owned(text)
        }
    }
}

macro_rules! texts {
    ($($ty:ty: |$value:ident| $bytes:expr;)+) => {$(
        impl AsRecord for $ty {
            type As<'a>
                = Cow<'a, str>
            where
                Self: 'a;

            fn as_record(&self) -> Cow<'_, str> {
                let $value = self;
                text_of($bytes)
            }
        }
    )+};
}

texts! {
    OsStr: |text| text.as_encoded_bytes();
    OsString: |text| text.as_encoded_bytes();
    Path: |path| path.as_os_str().as_encoded_bytes();
    PathBuf: |path| path.as_os_str().as_encoded_bytes();
    Cow<'_, Path>: |path| path.as_os_str().as_encoded_bytes();
    Cow<'_, OsStr>: |text| text.as_encoded_bytes();
    CStr: |text| text.to_bytes();
    CString: |text| text.to_bytes();
}

macro_rules! atomics {
    ($($ty:ident: $of:ty;)+) => {$(
        impl AsRecord for atomic::$ty {
            type As<'a> = $of;

            fn as_record(&self) -> $of {
                self.load(atomic::Ordering::Relaxed)
            }
        }

        impl Shown for atomic::$ty {}
    )+};
}

atomics! {
    AtomicBool: bool;
    AtomicU8: u8;
    AtomicU16: u16;
    AtomicU32: u32;
    AtomicUsize: usize;
    AtomicI8: i8;
    AtomicI16: i16;
    AtomicI32: i32;
    AtomicIsize: isize;
}

#[cfg(target_has_atomic = "64")]
atomics! {
    AtomicU64: u64;
    AtomicI64: i64;
}

/// Recorded as the time in UTC, according to the system clock as it is now.
impl AsRecord for Instant {
    type As<'a> = SystemTime;

    fn as_record(&self) -> SystemTime {
        let (now, utc) = (Self::now(), SystemTime::now());
        let time = match now.checked_duration_since(*self) {
            Some(ago) => utc.checked_sub(ago),
            None => utc.checked_add(self.saturating_duration_since(now)),
        };
        time.unwrap_or(utc)
    }
}

impl AsRecord for crate::Timestamp {
    type As<'a> = SystemTime;

    fn as_record(&self) -> SystemTime {
        self.to_system_time()
    }
}

/// Errors, with their sources.
macro_rules! errors {
    ($($ty:ty,)+) => {$(
        impl AsRecord for $ty {
            type As<'a>
                = ErrorChain
            where
                Self: 'a;

            fn as_record(&self) -> ErrorChain {
                ErrorChain::new(&self)
            }
        }
    )+};
}

errors! {
    dyn Error + '_,
    dyn Error + Send + '_,
    dyn Error + Sync + '_,
    dyn Error + Send + Sync + '_,
    std::io::Error,
    std::fmt::Error,
    std::num::ParseIntError,
    std::num::ParseFloatError,
    std::num::TryFromIntError,
    std::str::ParseBoolError,
    std::str::Utf8Error,
    std::string::FromUtf8Error,
    std::string::FromUtf16Error,
    std::char::ParseCharError,
    std::char::CharTryFromError,
    std::array::TryFromSliceError,
    std::net::AddrParseError,
    std::env::VarError,
    std::time::SystemTimeError,
    std::cell::BorrowError,
    std::cell::BorrowMutError,
    std::thread::AccessError,
    std::sync::mpsc::RecvError,
    std::sync::mpsc::TryRecvError,
    std::sync::mpsc::RecvTimeoutError,
    std::ffi::NulError,
    std::alloc::LayoutError,
    std::collections::TryReserveError,
    std::convert::Infallible,
}

/// Types that are recorded as the text that they print.
macro_rules! printed {
    ($($function:ident: $($ty:ty),+;)+) => {$($(
        impl AsRecord for $ty {
            type As<'a>
                = Text
            where
                Self: 'a;

            fn as_record(&self) -> Text {
                $function(self)
            }
        }
    )+)+};
}

printed! {
    debug_text: std::alloc::Layout, std::any::TypeId, std::thread::ThreadId, std::thread::Thread,
        std::io::ErrorKind, std::num::FpCategory, std::num::IntErrorKind, std::net::Shutdown,
        atomic::Ordering, std::fs::FileType, std::fs::Permissions, std::ops::RangeFull,
        std::path::Component<'_>;
    display_text: std::panic::Location<'_>, std::process::ExitStatus, std::path::Display<'_>,
        std::backtrace::Backtrace, std::fmt::Arguments<'_>;
}

impl<T: ?Sized> AsRecord for std::rc::Weak<T> {
    type As<'a>
        = Text
    where
        Self: 'a;

    fn as_record(&self) -> Text {
        Text::new(format_args!("(Weak)"))
    }
}

impl<T: ?Sized> AsRecord for std::sync::Weak<T> {
    type As<'a>
        = Text
    where
        Self: 'a;

    fn as_record(&self) -> Text {
        Text::new(format_args!("(Weak)"))
    }
}

impl<T: AsRecord + Copy> AsRecord for Cell<T> {
    type As<'a>
        = Prepared<T::As<'a>>
    where
        Self: 'a;

    fn as_record(&self) -> Self::As<'_> {
        Prepared::of(self)
    }

    fn prepare(&self, into: &mut Buffer) {
        self.get().prepare(into);
    }
}

/// Cells and locks are recorded as an option of their content: `None` if it cannot be had without waiting.
macro_rules! cells {
    ($($ty:ident: |$cell:ident| $content:expr;)+) => {$(
        impl<T: AsRecord> AsRecord for $ty<T> {
            type As<'a>
                = Prepared<Option<T::As<'a>>>
            where
                Self: 'a;

            fn as_record(&self) -> Self::As<'_> {
                Prepared::of(self)
            }

            fn prepare(&self, into: &mut Buffer) {
                let $cell = self;
                let content = $content;
                into.put(&content.is_some());
                if let Some(content) = content {
                    content.prepare(into);
                }
            }
        }
    )+};
}

cells! {
    RefCell: |cell| cell.try_borrow().ok();
    OnceCell: |cell| cell.get();
    OnceLock: |cell| cell.get();
    Mutex: |lock| match lock.try_lock() {
        Ok(content) => Some(content),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    };
    RwLock: |lock| match lock.try_read() {
        Ok(content) => Some(content),
        Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    };
}

/// Enums of std as a derived enum of the same name and variants has them.
mod enums {
    use super::Record;

    #[derive(Debug, Record)]
    #[record(crate = crate)]
    pub enum Ordering {
        Less,
        Equal,
        Greater,
    }

    #[derive(Debug, Record)]
    #[record(crate = crate)]
    pub enum Poll<T> {
        Ready(T),
        Pending,
    }

    #[derive(Debug, Record)]
    #[record(crate = crate)]
    pub enum ControlFlow<B, C> {
        Continue(C),
        Break(B),
    }

    #[derive(Debug, Record)]
    #[record(crate = crate)]
    pub enum Bound<T> {
        Included(T),
        Excluded(T),
        Unbounded,
    }

    #[derive(Debug, Record)]
    #[record(crate = crate)]
    pub struct Reverse<T>(pub T);
}

impl AsRecord for std::cmp::Ordering {
    type As<'a> = enums::Ordering;

    fn as_record(&self) -> enums::Ordering {
        match self {
            Self::Less => enums::Ordering::Less,
            Self::Equal => enums::Ordering::Equal,
            Self::Greater => enums::Ordering::Greater,
        }
    }
}

impl Shown for std::cmp::Ordering {}

impl<T: AsRecord> AsRecord for Poll<T> {
    type As<'a>
        = enums::Poll<T::As<'a>>
    where
        Self: 'a;

    fn as_record(&self) -> Self::As<'_> {
        match self {
            Self::Ready(value) => enums::Poll::Ready(value.as_record()),
            Self::Pending => enums::Poll::Pending,
        }
    }
}

impl<B: AsRecord, C: AsRecord> AsRecord for ControlFlow<B, C> {
    type As<'a>
        = enums::ControlFlow<B::As<'a>, C::As<'a>>
    where
        Self: 'a;

    fn as_record(&self) -> Self::As<'_> {
        match self {
            Self::Continue(value) => enums::ControlFlow::Continue(value.as_record()),
            Self::Break(value) => enums::ControlFlow::Break(value.as_record()),
        }
    }
}

impl<T: AsRecord> AsRecord for RangeBound<T> {
    type As<'a>
        = enums::Bound<T::As<'a>>
    where
        Self: 'a;

    fn as_record(&self) -> Self::As<'_> {
        match self {
            Self::Included(value) => enums::Bound::Included(value.as_record()),
            Self::Excluded(value) => enums::Bound::Excluded(value.as_record()),
            Self::Unbounded => enums::Bound::Unbounded,
        }
    }
}

impl<T: AsRecord> AsRecord for std::cmp::Reverse<T> {
    type As<'a>
        = enums::Reverse<T::As<'a>>
    where
        Self: 'a;

    fn as_record(&self) -> Self::As<'_> {
        enums::Reverse(self.0.as_record())
    }
}

impl<T: Shown> Shown for Poll<T> {}
impl<B: Shown, C: Shown> Shown for ControlFlow<B, C> {}
impl<T: Shown> Shown for RangeBound<T> {}
impl<T: Shown> Shown for std::cmp::Reverse<T> {}
