//! Capture: what a builder installs for `log` and `tracing`, and what follows the filter from then on.
//!
//! Both crates ask their own caches first: a level above which nothing is logged, and for each call site of
//! `tracing` whether it is of interest. These follow the filter, so a disabled call costs what it costs there.

#[cfg(feature = "log")]
use std::sync::Mutex;
#[cfg(unix)]
use std::sync::MutexGuard;
#[cfg(feature = "log")]
use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::StartError;
#[cfg(any(feature = "log", feature = "tracing"))]
use crate::handle::builder::Builder;
#[cfg(feature = "log")]
use crate::registry;
#[cfg(feature = "log")]
use crate::sync::lock;

/// What a builder captures.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Capture {
    #[cfg(feature = "log")]
    log: bool,
    #[cfg(feature = "tracing")]
    tracing: bool,
}

#[cfg(any(feature = "log", feature = "tracing"))]
impl Builder {
    /// Captures the records of the crate `log`: [`start`](Self::start) installs a `log::Log` that hands them to
    /// the running logger, and keeps `log::max_level` in step with its filter.
    ///
    /// Key-values keep their types, and errors their sources. A message with arguments is formatted at the call. What
    /// is installed stays for the life of the process, as `log` requires; another logger that starts later
    /// takes over. If another `log::Log` is installed, starting is an
    /// [error](StartError::LogTaken).
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let _log = stenolog::Builder::new(path).capture_log().start()?;
    /// log::info!(user_id = 7; "from a library");
    /// stenolog::flush()?;
    /// assert_eq!(stenolog::stats().records, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "log")]
    pub fn capture_log(mut self) -> Self {
        self.capture.log = true;
        self
    }

    /// Captures the events and spans of the crate `tracing`: [`start`](Self::start) installs a global default
    /// subscriber that hands them to the running logger, whose filter decides what is of interest.
    ///
    /// Fields keep their types, and errors their sources. Only `?debug`, `%display` and messages with arguments are
    /// formatted at the call. What is installed stays for the life of the process, as `tracing` requires;
    /// another logger that starts later takes over. If another global default is installed, starting is an
    /// [error](StartError::TracingTaken).
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let _log = stenolog::Builder::new(path).capture_tracing().start()?;
    /// tracing::info!(user_id = 7, "from a library");
    /// stenolog::flush()?;
    /// assert_eq!(stenolog::stats().records, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tracing")]
    pub fn capture_tracing(mut self) -> Self {
        self.capture.tracing = true;
        self
    }
}

impl Capture {
    /// Installs what is to be captured, unless it is installed already. Before the logger starts: what it begins
    /// on disk needs no undoing then.
    pub(crate) fn install(self, path: &std::path::Path) -> Result<(), StartError> {
        #[cfg(feature = "log")]
        if self.log {
            install_log().map_err(|()| StartError::LogTaken { path: path.to_owned() })?;
        }
        #[cfg(feature = "tracing")]
        if self.tracing {
            super::tracing::install()
                .map_err(|()| StartError::TracingTaken { path: path.to_owned() })?;
        }
        let _ = path;
        Ok(())
    }
}

/// The bridge of `log` is not in use.
#[cfg(feature = "log")]
const UNUSED: u8 = 0;
/// A program composes it with others.
#[cfg(feature = "log")]
const COMPOSED: u8 = 1;
/// It is installed alone.
#[cfg(feature = "log")]
const CAPTURED: u8 = 2;

#[cfg(feature = "log")]
static LOG: AtomicU8 = AtomicU8::new(UNUSED);

/// Held by a thread that installs the bridge.
#[cfg(feature = "log")]
static INSTALLING: Mutex<()> = Mutex::new(());

/// Locks out other threads that install what is to be captured, for as long as this one forks.
#[cfg(unix)]
pub(crate) fn hold_installing() -> [Option<MutexGuard<'static, ()>>; 2] {
    [
        #[cfg(feature = "log")]
        Some(lock(&INSTALLING)),
        #[cfg(not(feature = "log"))]
        None,
        #[cfg(feature = "tracing")]
        Some(super::tracing::hold_installing()),
        #[cfg(not(feature = "tracing"))]
        None,
    ]
}

#[cfg(feature = "log")]
fn install_log() -> Result<(), ()> {
    static BRIDGE: super::log::LogBridge = super::log::LogBridge;
    // Held until it is known: another thread may start a logger at the same time.
    let _installing = lock(&INSTALLING);
    if LOG.load(Ordering::Acquire) == CAPTURED {
        return Ok(());
    }
    log::set_logger(&BRIDGE).map_err(|_| ())?;
    LOG.store(CAPTURED, Ordering::Release);
    let _ = registry::LOG_WATCHER.set(set_max_level);
    set_max_level();
    Ok(())
}

/// Has `log::max_level` follow the filter upwards, for a bridge that is composed with others.
#[cfg(feature = "log")]
pub(super) fn follow_log() {
    let _ = LOG.compare_exchange(UNUSED, COMPOSED, Ordering::AcqRel, Ordering::Acquire);
    let _ = registry::LOG_WATCHER.set(set_max_level);
    set_max_level();
}

#[cfg(feature = "log")]
fn set_max_level() {
    use stenolog_format::dictionary::Level;

    let level = match registry::max_level() {
        None => log::LevelFilter::Off,
        Some(Level::Error) => log::LevelFilter::Error,
        Some(Level::Warn) => log::LevelFilter::Warn,
        Some(Level::Info) => log::LevelFilter::Info,
        Some(Level::Debug) => log::LevelFilter::Debug,
        Some(Level::Trace) => log::LevelFilter::Trace,
    };
    if LOG.load(Ordering::Acquire) == CAPTURED || level > log::max_level() {
        log::set_max_level(level);
    }
}
