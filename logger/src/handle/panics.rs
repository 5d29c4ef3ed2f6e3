//! Panics: a hook that logs a panic, flushes, and then calls the hook that was there before.

use std::any::Any;
use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;
use std::sync::Once;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::handle::builder::Builder;
use crate::handle::logger::flush_within;

impl Builder {
    /// Logs panics, at level ERROR and target `panic`, with the place and, if `RUST_BACKTRACE` asks for it, the
    /// backtrace; then flushes the global logger, and calls the panic hook that was installed before.
    ///
    /// The hook is installed at the start, once in a process, and does nothing when no such logger runs. A
    /// panic waits for the flush; one with `panic = "abort"` too.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).capture_panics().start()?;
    /// std::thread::spawn(|| panic!("out of cheese")).join().unwrap_err();
    /// assert_eq!(log.stats().records, 1);
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn capture_panics(mut self) -> Self {
        self.config.capture_panics = true;
        self
    }
}

/// How long a panic waits for what was logged before it.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// The target of the records.
const TARGET: &str = "panic";

/// How many running loggers want panics to be logged.
static WANTED: AtomicUsize = AtomicUsize::new(0);

/// A logger's wish that panics are logged, until it is dropped.
#[derive(Debug)]
pub(super) struct Captured(());

impl Captured {
    /// Installs the hook, once in a process: another library may have taken a hook that was installed before as
    /// the one that it calls.
    pub(super) fn new() -> Self {
        static INSTALLED: Once = Once::new();
        WANTED.fetch_add(1, Ordering::Relaxed);
        INSTALLED.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                if WANTED.load(Ordering::Relaxed) > 0 {
                    log(info);
                }
                before(info);
            }));
        });
        Self(())
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        WANTED.fetch_sub(1, Ordering::Relaxed);
    }
}

fn log(info: &PanicHookInfo<'_>) {
    let message = message_of(info.payload());
    let location = info.location();
    let (file, line) = location.map_or(("", 0), |location| (location.file(), location.line()));
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        crate::error!(target: TARGET, file, line, %backtrace, "panicked: {message}");
    } else {
        crate::error!(target: TARGET, file, line, "panicked: {message}");
    }
    // The drain may wait for a lock that this thread holds until it unwinds.
    flush_within(FLUSH_WITHIN);
}

fn message_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&'static str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a value that is no text")
}
