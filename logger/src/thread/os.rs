//! Names and ids that the operating system has for threads.
//!
//! C libraries and runtimes name their threads with `pthread_setname_np`, and a Rust thread may do so too;
//! `top`, `gdb` and `perf` show these names. On Linux a new thread inherits the name of the thread that
//! started it, and the first one has the name of the program. An inherited name distinguishes threads less
//! than their ids do, so it is ignored.

/// The operating system's name of this thread, if it has one.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn name() -> Option<String> {
    let name = linux::own()?;
    (!linux::is_inherited(&name)).then(|| String::from_utf8_lossy(&name).into_owned())
}

/// The operating system's name of this thread, if it has one.
#[cfg(target_vendor = "apple")]
pub(crate) fn name() -> Option<String> {
    let mut name = [0_u8; 64];
    // SAFETY: it writes at most as many bytes as it is told, the last of them zero, for this thread.
    let failed = unsafe {
        libc::pthread_getname_np(libc::pthread_self(), name.as_mut_ptr().cast(), name.len())
    };
    let name = std::ffi::CStr::from_bytes_until_nul(&name).ok()?.to_string_lossy();
    (failed == 0 && !name.is_empty()).then(|| name.into_owned())
}

/// Not known on this platform.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn name() -> Option<String> {
    None
}

/// The operating system's id of this thread.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn id() -> u64 {
    // SAFETY: `gettid` takes nothing and cannot fail.
    unsafe { libc::gettid() }.unsigned_abs().into()
}

/// The operating system's id of this thread.
#[cfg(target_vendor = "apple")]
pub(crate) fn id() -> u64 {
    let mut id = 0;
    // SAFETY: 0 means this thread, and `id` may be written.
    unsafe { libc::pthread_threadid_np(0, &raw mut id) };
    id
}

/// Not known on this platform.
#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
pub(crate) fn id() -> u64 {
    0
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use std::ffi::CStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;

    /// The longest name of a thread, including the terminating zero.
    const NAME_BYTES: usize = 16;

    /// How many other threads' names to read.
    const MAX_OTHERS: usize = 256;

    /// The name of this thread, inherited or not.
    pub(super) fn own() -> Option<Vec<u8>> {
        let mut name = [0_u8; NAME_BYTES];
        // SAFETY: it writes at most 16 bytes, the last of them zero.
        let failed = unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
        let name = CStr::from_bytes_until_nul(&name).ok()?.to_bytes();
        (failed == 0 && !name.is_empty()).then(|| name.to_vec())
    }

    /// Whether the thread has the name of the program, or probably of the thread that started it.
    pub(super) fn is_inherited(name: &[u8]) -> bool {
        if comm("/proc/self/comm").is_some_and(|process| process == name) {
            return true;
        }
        // The first thread may have another name by now.
        let program = fs::read_link("/proc/self/exe").ok();
        let program = program.as_ref().and_then(|path| path.file_name());
        let program = program.map(|program| program.as_bytes());
        if program.is_some_and(|program| program.get(..NAME_BYTES - 1).unwrap_or(program) == name) {
            return true;
        }
        // Threads of C are given names, and many the same one; Rust's without a name inherit.
        is_of_std() && is_of_another_thread(name)
    }

    /// Whether the standard library started this thread: it gives its threads a stack for signals, to tell
    /// of an overflow of their own.
    fn is_of_std() -> bool {
        let mut stack = std::mem::MaybeUninit::<libc::stack_t>::uninit();
        // SAFETY: no stack is set, and `stack` has room for what is told of the one that is.
        let failed = unsafe { libc::sigaltstack(std::ptr::null(), stack.as_mut_ptr()) };
        // SAFETY: it has been written unless the call failed.
        failed == 0 && unsafe { stack.assume_init() }.ss_flags & libc::SS_DISABLE == 0
    }

    fn is_of_another_thread(name: &[u8]) -> bool {
        let own = super::id().to_string();
        let Ok(threads) = fs::read_dir("/proc/self/task") else { return false };
        let others =
            threads.take(MAX_OTHERS).flatten().filter(|thread| *thread.file_name() != *own);
        others.into_iter().any(|thread| comm(thread.path().join("comm")).is_some_and(|c| c == name))
    }

    fn comm(path: impl AsRef<std::path::Path>) -> Option<Vec<u8>> {
        let mut name = fs::read(path).ok()?;
        name.pop_if(|byte| *byte == b'\n');
        Some(name)
    }
}
