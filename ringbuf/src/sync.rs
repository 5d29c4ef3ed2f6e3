//! The only module that names an atomic type: that of `core` in a build, that of loom in a model.
//!
//! In a build, a header is a word of the ring's bytes. loom's atomic is a handle that cannot be placed on the
//! bytes that it describes, so a model keeps the headers beside the bytes. [`Words`] hides the difference:
//! everything outside this file is the same code in both.

#[cfg(not(loom))]
mod imp {
    use crate::cpu;
    pub(crate) use alloc::sync::Arc;
    use core::ptr::NonNull;
    pub(crate) use core::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
    pub(crate) use crossbeam_utils::Backoff;
    #[cfg(feature = "std")]
    pub(crate) use crossbeam_utils::sync::{Parker, Unparker};

    /// A copyable, unchecked view of a ring's memory, addressed by byte offset.
    #[derive(Clone, Copy)]
    pub(crate) struct Words {
        base: NonNull<u8>,
    }

    impl Words {
        /// A view of no memory: no offset is valid.
        pub(crate) const fn dangling() -> Self {
            Self { base: NonNull::<u64>::dangling().cast() }
        }

        pub(crate) fn new(base: NonNull<u8>) -> Self {
            Self { base }
        }

        /// The header word at `offset`.
        ///
        /// # Safety
        ///
        /// The memory lives for `'a`, `offset` is a multiple of 8 and below its size, and nothing
        /// accesses the word's bytes as payload at the same time.
        #[inline]
        pub(crate) unsafe fn header<'a>(self, offset: usize) -> &'a AtomicU64 {
            debug_assert!(offset.is_multiple_of(8), "a header at {offset} is not aligned");
            // SAFETY: the caller vouches for the range, the alignment and the absence of
            // overlapping plain accesses.
            unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(offset).cast()) }
        }

        /// The address of the byte at `offset`.
        ///
        /// # Safety
        ///
        /// `offset` is at most the size of the memory.
        #[inline]
        pub(crate) unsafe fn as_ptr(self, offset: usize) -> *mut u8 {
            // SAFETY: the caller vouches for the range.
            unsafe { self.base.as_ptr().add(offset) }
        }

        /// Zeroes `len` bytes at `offset`, headers and payload alike.
        ///
        /// # Safety
        ///
        /// The range is inside the memory, which is alive, and no other thread accesses it.
        #[inline]
        pub(crate) unsafe fn zero(self, offset: usize, len: usize) {
            // SAFETY: the caller vouches for the range and for being alone.
            unsafe { self.base.as_ptr().add(offset).write_bytes(0, len) };
        }

        /// Asks for the line at `offset`, which will be read and then written. Only a hint.
        #[inline]
        pub(crate) fn prefetch(self, offset: usize) {
            cpu::prefetch(self.base.as_ptr().wrapping_add(offset));
        }

        /// Tells a model that the caller becomes the only one to access `len` bytes at `offset`.
        #[inline]
        pub(crate) fn begin_write(self, _offset: usize, _len: usize) {}

        /// Tells a model that the caller writes `len` bytes at `offset`.
        #[inline]
        pub(crate) fn note_write(self, _offset: usize, _len: usize) {}

        /// Tells a model that the caller reads `len` bytes at `offset`.
        #[inline]
        pub(crate) fn note_read(self, _offset: usize, _len: usize) {}
    }
}

#[cfg(loom)]
mod imp {
    use alloc::vec::Vec;
    use core::ptr::NonNull;
    use loom::cell::UnsafeCell;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};

    /// Waiting in a model. A model has no time, so a wait either ends by a wake-up or is a deadlock.
    #[cfg(feature = "std")]
    mod wait {
        use core::time::Duration;
        use loom::sync::{Arc, Condvar, Mutex};

        #[derive(Clone)]
        pub(crate) struct Unparker(Arc<(Mutex<bool>, Condvar)>);

        impl Unparker {
            pub(crate) fn unpark(&self) {
                *self.0.0.lock().unwrap() = true;
                self.0.1.notify_one();
            }
        }

        pub(crate) struct Parker(Unparker);

        impl Parker {
            pub(crate) fn new() -> Self {
                Self(Unparker(Arc::new((Mutex::new(false), Condvar::new()))))
            }

            pub(crate) fn unparker(&self) -> &Unparker {
                &self.0
            }

            pub(crate) fn park_timeout(&self, _timeout: Duration) {
                let (token, condvar) = &*self.0.0;
                let mut token = token.lock().unwrap();
                while !*token {
                    token = condvar.wait(token).unwrap();
                }
                *token = false;
            }
        }
    }
    #[cfg(feature = "std")]
    pub(crate) use wait::{Parker, Unparker};

    /// Never spins.
    pub(crate) struct Backoff;

    impl Backoff {
        pub(crate) fn new() -> Self {
            Self
        }

        #[cfg(feature = "std")]
        pub(crate) fn is_completed(&self) -> bool {
            true
        }

        pub(crate) fn snooze(&self) {
            loom::thread::yield_now();
        }
    }

    /// How a payload looks to a reader that takes it for a header: committed, and absurd.
    const PAYLOAD_AS_HEADER: u64 = u64::MAX >> 33;

    /// A header and an access log for each word of the memory.
    pub(crate) struct Shadow {
        headers: Vec<AtomicU64>,
        accesses: Vec<UnsafeCell<()>>,
    }

    impl Shadow {
        pub(crate) fn new(words: usize) -> Self {
            Self {
                headers: (0..words).map(|_| AtomicU64::new(0)).collect(),
                accesses: (0..words).map(|_| UnsafeCell::new(())).collect(),
            }
        }
    }

    /// A copyable, unchecked view of a ring's memory, addressed by byte offset.
    #[derive(Clone, Copy)]
    pub(crate) struct Words {
        base: NonNull<u8>,
        shadow: NonNull<Shadow>,
    }

    impl Words {
        pub(crate) const fn dangling() -> Self {
            Self { base: NonNull::<u64>::dangling().cast(), shadow: NonNull::dangling() }
        }

        pub(crate) fn new(base: NonNull<u8>, shadow: NonNull<Shadow>) -> Self {
            Self { base, shadow }
        }

        fn shadow<'a>(self) -> &'a Shadow {
            // SAFETY: the storage that owns the shadow outlives every view of it that is used,
            // and never hands out an exclusive reference.
            unsafe { self.shadow.as_ref() }
        }

        /// See the other `header`.
        ///
        /// # Safety
        ///
        /// As for the other function.
        pub(crate) unsafe fn header<'a>(self, offset: usize) -> &'a AtomicU64 {
            assert!(offset.is_multiple_of(8), "a header at {offset} is not aligned");
            &self.shadow().headers[offset / 8]
        }

        /// See the other `as_ptr`.
        ///
        /// # Safety
        ///
        /// As for the other function.
        pub(crate) unsafe fn as_ptr(self, offset: usize) -> *mut u8 {
            // SAFETY: the caller vouches for the range.
            unsafe { self.base.as_ptr().add(offset) }
        }

        /// See the other `zero`.
        ///
        /// # Safety
        ///
        /// As for the other function.
        pub(crate) unsafe fn zero(self, offset: usize, len: usize) {
            self.note_write(offset, len);
            for header in &self.shadow().headers[offset / 8..(offset + len).div_ceil(8)] {
                header.store(0, Ordering::Relaxed);
            }
            // SAFETY: the caller vouches for the range and for being alone.
            unsafe { self.base.as_ptr().add(offset).write_bytes(0, len) };
        }

        /// No access that a model could see.
        pub(crate) fn prefetch(self, _offset: usize) {}

        /// Overlays the headers of the range with payload, as a build would.
        pub(crate) fn begin_write(self, offset: usize, len: usize) {
            self.note_write(offset, len);
            for header in &self.shadow().headers[offset / 8..(offset + len).div_ceil(8)] {
                header.store(PAYLOAD_AS_HEADER, Ordering::Relaxed);
            }
        }

        pub(crate) fn note_write(self, offset: usize, len: usize) {
            for cell in &self.shadow().accesses[offset / 8..(offset + len).div_ceil(8)] {
                cell.with_mut(|_| ());
            }
        }

        pub(crate) fn note_read(self, offset: usize, len: usize) {
            for cell in &self.shadow().accesses[offset / 8..(offset + len).div_ceil(8)] {
                cell.with(|_| ());
            }
        }
    }
}

pub(crate) use imp::*;
