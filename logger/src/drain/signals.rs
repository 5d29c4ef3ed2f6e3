//! Signals of the thread that drains: the application's handlers run on the application's threads.

/// Blocks all signals for this thread, and for threads that it spawns.
pub(super) struct SignalsBlocked {
    #[cfg(unix)]
    before: libc::sigset_t,
}

impl SignalsBlocked {
    #[cfg(unix)]
    pub(super) fn new() -> Self {
        // SAFETY: both sets are plain data and live on this stack; the calls only fill and read
        // them, and cannot fail with these arguments.
        unsafe {
            let mut all = std::mem::zeroed();
            let mut before = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self { before }
        }
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` is what the thread's mask was. The sets and the number live on this stack,
        // and a signal that is pending and blocked is waited for in no time.
        unsafe {
            // The write's error reports a file beyond its limit: the signal would end the process.
            let mut pending = std::mem::zeroed();
            libc::sigpending(&raw mut pending);
            if libc::sigismember(&raw const pending, libc::SIGXFSZ) == 1
                && libc::sigismember(&raw const self.before, libc::SIGXFSZ) == 0
            {
                let mut set = std::mem::zeroed();
                let mut signal = 0;
                libc::sigemptyset(&raw mut set);
                libc::sigaddset(&raw mut set, libc::SIGXFSZ);
                libc::sigwait(&raw const set, &raw mut signal);
            }
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut());
        }
    }
}
