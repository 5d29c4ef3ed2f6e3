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

/// Types that are recorded as what an expression makes of them.
macro_rules! recorded_as {
    ($([$($generics:tt)*] $ty:ty => $of:ty: |$value:ident| $made:expr;)+) => {$(
        impl<$($generics)*> AsRecord for $ty {
            type As<'a>
                = $of
            where
                Self: 'a;

            fn as_record(&self) -> Self::As<'_> {
                let $value = self;
                $made
            }
        }
    )+};
}

macro_rules! texts {
    ($($ty:ty: |$value:ident| $bytes:expr;)+) => {
        recorded_as! { $([] $ty => Cow<'a, str>: |$value| text_of($bytes);)+ }
    };
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
    ($($ty:ident: $of:ty;)+) => {
        recorded_as! {
            $([] atomic::$ty => $of: |value| value.load(atomic::Ordering::Relaxed);)+
        }

        $(impl Shown for atomic::$ty {})+
    };
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

/// The time in UTC, according to the system clock as it is now.
fn utc_of(instant: Instant) -> SystemTime {
    let (now, utc) = (Instant::now(), SystemTime::now());
    let time = match now.checked_duration_since(instant) {
        Some(ago) => utc.checked_sub(ago),
        None => utc.checked_add(instant.saturating_duration_since(now)),
    };
    time.unwrap_or(utc)
}

recorded_as! {
    [] Instant => SystemTime: |instant| utc_of(*instant);
    [] crate::Timestamp => SystemTime: |time| time.to_system_time();
    [T: ?Sized] std::rc::Weak<T> => Text: |_weak| Text::new(format_args!("(Weak)"));
    [T: ?Sized] std::sync::Weak<T> => Text: |_weak| Text::new(format_args!("(Weak)"));
}

/// Errors, with their sources.
macro_rules! errors {
    ($($ty:ty,)+) => {
        recorded_as! { $([] $ty => ErrorChain: |error| ErrorChain::new(&error);)+ }
    };
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
    ($($function:ident: $($ty:ty),+;)+) => {
        $(recorded_as! { $([] $ty => Text: |value| $function(value);)+ })+
    };
}

printed! {
    debug_text: std::alloc::Layout, std::any::TypeId, std::thread::ThreadId, std::thread::Thread,
        std::io::ErrorKind, std::num::FpCategory, std::num::IntErrorKind, std::net::Shutdown,
        atomic::Ordering, std::fs::FileType, std::fs::Permissions, std::ops::RangeFull,
        std::path::Component<'_>;
    display_text: std::panic::Location<'_>, std::process::ExitStatus, std::path::Display<'_>,
        std::backtrace::Backtrace, std::fmt::Arguments<'_>;
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

recorded_as! {
    [] std::cmp::Ordering => enums::Ordering: |ordering| match ordering {
        Self::Less => enums::Ordering::Less,
        Self::Equal => enums::Ordering::Equal,
        Self::Greater => enums::Ordering::Greater,
    };
    [T: AsRecord] Poll<T> => enums::Poll<T::As<'a>>: |poll| match poll {
        Self::Ready(value) => enums::Poll::Ready(value.as_record()),
        Self::Pending => enums::Poll::Pending,
    };
    [B: AsRecord, C: AsRecord] ControlFlow<B, C> => enums::ControlFlow<B::As<'a>, C::As<'a>>: |flow| match flow {
        Self::Continue(value) => enums::ControlFlow::Continue(value.as_record()),
        Self::Break(value) => enums::ControlFlow::Break(value.as_record()),
    };
    [T: AsRecord] RangeBound<T> => enums::Bound<T::As<'a>>: |bound| match bound {
        Self::Included(value) => enums::Bound::Included(value.as_record()),
        Self::Excluded(value) => enums::Bound::Excluded(value.as_record()),
        Self::Unbounded => enums::Bound::Unbounded,
    };
    [T: AsRecord] std::cmp::Reverse<T> => enums::Reverse<T::As<'a>>: |value| enums::Reverse(value.0.as_record());
}

impl Shown for std::cmp::Ordering {}
impl<T: Shown> Shown for Poll<T> {}
impl<B: Shown, C: Shown> Shown for ControlFlow<B, C> {}
impl<T: Shown> Shown for RangeBound<T> {}
impl<T: Shown> Shown for std::cmp::Reverse<T> {}
