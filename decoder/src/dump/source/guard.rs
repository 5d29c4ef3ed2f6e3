//! Guard for mapped files that another program shortens while they are read.
//!
//! ```text
//!   mapped:   ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭
//!   the file: ▭▭▭▭▭▭▭▭▭╴                    truncated meanwhile
//!   a read    ─────────────────▲            raises SIGBUS
//!   then:     ▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭▭00000000      zeros from that page on, and the read goes on
//! ```
//!
//! - **G1 (regions).** A region in use has the bounds of a live mapping: it is taken after the mapping is
//!   made, and released before it is unmapped. Regions are never freed, so the handler can go through
//!   them at any time.
//! - **G2 (handler).** The handler reads and stores atomics, and calls `mmap` and `sigaction`. A signal
//!   outside all regions goes to the previous handler.

use std::io;

/// Installs a handler for `SIGBUS`, once, so this process survives if another program shortens a
/// mapped dump.
///
/// The missing part of such a file then reads as zeros and is reported as
/// [damage](crate::DamageCause::Shrunk). Without the handler, the signal kills the process. Signals for any
/// other memory go to the previous handler. Works on Linux and Android, and has no effect elsewhere. A
/// library should leave this call to the program, and open files that others may truncate with
/// [`Limits::with_copies`](crate::Limits::with_copies).
///
/// # Errors
/// If the operating system refuses.
///
/// # Examples
///
/// ```no_run
/// stenolog_decoder::survive_shrinking_files()?;
/// let dump = stenolog_decoder::Dump::open("app.steno")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn survive_shrinking_files() -> io::Result<()> {
    imp::install()
}

pub(super) use imp::Guard;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::io;
    use std::mem::MaybeUninit;
    use std::ptr::{null, null_mut};
    use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
    use std::sync::{Mutex, OnceLock, PoisonError};

    /// The region is intact.
    const WHOLE: usize = usize::MAX;

    /// The bounds of a mapping.
    #[derive(Debug)]
    struct Region {
        /// 0 if it is not in use.
        start: AtomicUsize,
        end: AtomicUsize,
        /// Where its zeros begin.
        shrunk_at: AtomicUsize,
        next: *const Self,
    }

    // SAFETY: `next` is written before others see the region, and leads to one that is never freed (G1).
    unsafe impl Sync for Region {}

    static REGIONS: AtomicPtr<Region> = AtomicPtr::new(null_mut());

    /// Held while a region is taken or released. The handler does not lock it.
    static CHANGES: Mutex<()> = Mutex::new(());

    /// The previous action for the signal.
    static BEFORE: OnceLock<libc::sigaction> = OnceLock::new();

    fn regions() -> impl Iterator<Item = &'static Region> {
        let mut next: *const Region = REGIONS.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: it is null or a region, which is never freed (G1).
            let region = unsafe { next.as_ref() }?;
            next = region.next;
            Some(region)
        })
    }

    /// Notes a mapping for as long as it lives.
    #[derive(Debug)]
    pub(crate) struct Guard(&'static Region);

    impl Guard {
        /// Guards the mapping of `bytes`, which must outlive it.
        pub(crate) fn new(bytes: &[u8]) -> Self {
            let _changes = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
            let start = bytes.as_ptr() as usize;
            let free = regions().find(|region| region.start.load(Ordering::Relaxed) == 0);
            let region = free.unwrap_or_else(|| {
                let next = REGIONS.load(Ordering::Relaxed);
                let new = Box::leak(Box::new(Region {
                    start: AtomicUsize::new(0),
                    end: AtomicUsize::new(0),
                    shrunk_at: AtomicUsize::new(WHOLE),
                    next,
                }));
                REGIONS.store(new, Ordering::Release);
                new
            });
            region.shrunk_at.store(WHOLE, Ordering::Relaxed);
            region.end.store(start + bytes.len(), Ordering::Relaxed);
            region.start.store(start, Ordering::Release);
            Self(region)
        }

        /// The offset from which the file turned out to be gone.
        pub(crate) fn shrunk_at(&self) -> Option<usize> {
            Some(self.0.shrunk_at.load(Ordering::Relaxed)).filter(|&at| at != WHOLE)
        }
    }

    impl Drop for Guard {
        fn drop(&mut self) {
            let _changes = CHANGES.lock().unwrap_or_else(PoisonError::into_inner);
            self.0.start.store(0, Ordering::Release);
        }
    }

    pub(super) fn install() -> io::Result<()> {
        static INSTALLED: Mutex<bool> = Mutex::new(false);
        let mut is_installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_installed {
            return Ok(());
        }
        let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) = handle;
        // SAFETY: both actions are plain data and live on this stack; the calls only read and fill them.
        // The handler does only what a handler may do (G2).
        unsafe {
            let mut before = MaybeUninit::zeroed();
            if libc::sigaction(libc::SIGBUS, null(), before.as_mut_ptr()) == -1 {
                return Err(io::Error::last_os_error());
            }
            // Before the handler can be called.
            let _ = BEFORE.set(before.assume_init());
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = handler as libc::sighandler_t;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
            libc::sigemptyset(&raw mut action.sa_mask);
            if libc::sigaction(libc::SIGBUS, &raw const action, null_mut()) == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        *is_installed = true;
        Ok(())
    }

    extern "C" fn handle(
        signal: libc::c_int,
        info: *mut libc::siginfo_t,
        context: *mut libc::c_void,
    ) {
        // SAFETY: the kernel gives a handler with `SA_SIGINFO` the facts of the signal; `sysconf` with
        // this argument only reads.
        let (address, page) =
            unsafe { ((*info).si_addr() as usize, libc::sysconf(libc::_SC_PAGESIZE) as usize) };
        let is_in = |region: &&Region| {
            let start = region.start.load(Ordering::Acquire);
            start != 0 && (start..region.end.load(Ordering::Relaxed)).contains(&address)
        };
        if let Some(region) = regions().find(is_in) {
            let from = address & !(page - 1);
            let start = region.start.load(Ordering::Relaxed);
            let end = region.end.load(Ordering::Relaxed).next_multiple_of(page);
            // SAFETY: the range is the end of a mapping that lives, from a page of it on (G1). Its bytes cannot
            // be read any more; their replacement is private to this process.
            let mapped = unsafe {
                libc::mmap(
                    from as *mut libc::c_void,
                    end - from,
                    libc::PROT_READ,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
                    -1,
                    0,
                )
            };
            if mapped != libc::MAP_FAILED {
                region.shrunk_at.fetch_min(from - start, Ordering::Relaxed);
                return;
            }
        }
        pass_on(signal, info, context);
    }

    /// Leaves a signal to the previous handler, or to the system.
    fn pass_on(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
        let before = BEFORE.get();
        let handler = before.map_or(libc::SIG_DFL, |before| before.sa_sigaction);
        if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
            // SAFETY: the action is plain data. What raised the signal is done again, and ends the process.
            unsafe {
                let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
                action.sa_sigaction = libc::SIG_DFL;
                libc::sigaction(signal, &raw const action, null_mut());
            }
            return;
        }
        let with_info = before.is_some_and(|before| before.sa_flags & libc::SA_SIGINFO != 0);
        // SAFETY: it is the address of a handler of one kind or the other, as its flags say, and gets what
        // this one got.
        unsafe {
            if with_info {
                let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                    std::mem::transmute(handler);
                handler(signal, info, context);
            } else {
                let handler: extern "C" fn(libc::c_int) = std::mem::transmute(handler);
                handler(signal);
            }
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    use std::io;

    #[derive(Debug)]
    pub(crate) struct Guard;

    impl Guard {
        pub(crate) const fn new(_: &[u8]) -> Self {
            Self
        }

        pub(crate) const fn shrunk_at(&self) -> Option<usize> {
            None
        }
    }

    pub(super) const fn install() -> io::Result<()> {
        Ok(())
    }
}
