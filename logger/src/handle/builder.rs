//! Builder: the configuration of a logger.

use std::path::PathBuf;
use std::time::Duration;

use stenolog_format::dictionary::Level;

use crate::bridge::capture::Capture;
use crate::config::{
    Compression, Config, Existing, ForkedChild, IfBusy, OnFull, Rings, UnreadRings,
};
use crate::error::DrainError;
use crate::event::{Event, Listeners};

/// The configuration of a logger, and its start.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{Builder, Level, OnFull};
///
/// let log = Builder::new(path)
///     .filter("info,my_app::net=trace")
///     .on_full_at(Level::Info, OnFull::Block)
///     .start()?;
/// stenolog::info!("ready");
/// log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct Builder {
    pub(super) config: Config,
    pub(super) filter: Option<String>,
    pub(super) default_filter: Option<String>,
    pub(super) existing: Existing,
    pub(super) if_busy: IfBusy,
    pub(super) unread_rings: UnreadRings,
    pub(super) mode: u32,
    pub(super) forked_child: ForkedChild,
    pub(crate) capture: Capture,
    /// Settings of the environment that cannot be parsed: the variable, its value, and why.
    pub(super) ignored: Vec<(String, String, String)>,
}

impl Builder {
    /// Creates the configuration of a logger that writes its dump to `path`.
    ///
    /// When the logger starts, it replaces `{app}` in the path by the name of the program's file, `{pid}` by the
    /// process id and `{host}` by the machine's name, and creates the folders of the path that do not exist.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// let log = stenolog::Builder::new(folder.path().join("{host}/app-{pid}.steno")).start_detached()?;
    /// assert!(log.path().ends_with(format!("app-{}.steno", std::process::id())));
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let mut on_full = [OnFull::Drop; 5];
        on_full[Level::Error.index()] = OnFull::Block;
        on_full[Level::Warn.index()] = OnFull::Block;
        Self {
            config: Config {
                path: path.into(),
                ring_capacity_bytes: 1 << 20,
                rings: Rings::default(),
                rings_in: None,
                on_full,
                block_timeout: Some(Duration::from_secs(1)),
                deliver_within: Duration::from_millis(100),
                compression: Compression::default(),
                prefault: false,
                huge_pages: false,
                drain_core: None,
                drain_nice: None,
                listeners: Listeners::default(),
                filter_file: None,
                capture_panics: false,
                #[cfg(feature = "console")]
                console: None,
                #[cfg(feature = "console")]
                is_console_only: false,
            },
            filter: None,
            default_filter: None,
            existing: Existing::default(),
            if_busy: IfBusy::default(),
            unread_rings: UnreadRings::default(),
            mode: 0o600,
            forked_child: ForkedChild::default(),
            capture: Capture::default(),
            ignored: Vec::new(),
        }
    }

    /// Sets which records are logged, in the syntax of `RUST_LOG`: a level for all targets, or for one target
    /// and its submodules, as in `warn,my_app=info,my_app::net=trace,noisy=off`. As with `steno -t`, `net`
    /// matches `net` and `net::tcp` but not `network`, and `net*` is a pattern. The longest matching target
    /// wins.
    ///
    /// Without this filter the environment variable `STENOLOG` applies, then `RUST_LOG`, then
    /// [`default_filter`](Self::default_filter). Without any of these everything is logged. If a directive here
    /// or in the default filter cannot be parsed, [`start`](Self::start) fails. Other programs share the
    /// variables, so directives that Stenolog does not support, such as regular expressions and spans, are
    /// [reported](Event::DirectiveIgnored) and ignored; the rest applies.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).filter("warn,my_app=info").start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn filter(mut self, directives: impl Into<String>) -> Self {
        self.filter = Some(directives.into());
        self
    }

    /// Reads the filter from a file, and again within about a second of each change.
    ///
    /// The file has directives as [`filter`](Self::filter) takes them, separated by commas or line feeds; what
    /// follows a `#` is a comment. While there is no such file, or nothing in it, the other filter applies. What is wrong with the
    /// file is [reported](Event::FilterFileIgnored), and the filter stays what it was. Costs a `stat` a second.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let file = folder.path().join("filter");
    /// std::fs::write(&file, "info\nmy_app::net=trace # since Tuesday\n")?;
    /// let log = stenolog::Builder::new(path).filter_file(file).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn filter_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.config.filter_file = Some(file.into());
        self
    }

    /// Sets the directives that apply if neither `STENOLOG` nor `RUST_LOG` is set.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).default_filter("info").start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn default_filter(mut self, directives: impl Into<String>) -> Self {
        self.default_filter = Some(directives.into());
        self
    }

    /// Sets what a call does when its thread's ring is full, for all levels.
    ///
    /// By default errors and warnings wait for at most a second, and all other records are dropped and
    /// counted. [`OnFull::Block`] set here waits without a limit, unless
    /// [`block_timeout`](Self::block_timeout) is called after it.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use stenolog::{Builder, OnFull};
    ///
    /// let log = Builder::new(path).on_full(OnFull::Block).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_full(mut self, policy: OnFull) -> Self {
        self.config.on_full = [policy; 5];
        self.config.block_timeout = None;
        self
    }

    /// Sets what a call of one level does when its thread's ring is full. Entering, leaving and ending a span
    /// wait if `INFO` does.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use stenolog::{Builder, Level, OnFull};
    ///
    /// let log = Builder::new(path).on_full_at(Level::Info, OnFull::Block).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_full_at(mut self, level: Level, policy: OnFull) -> Self {
        self.config.on_full[level.index()] = policy;
        self
    }

    /// Sets how long a call waits for room at most. After that it drops its record and counts the loss.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use std::time::Duration;
    ///
    /// let log = stenolog::Builder::new(path).block_timeout(Duration::from_millis(10)).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn block_timeout(mut self, timeout: Duration) -> Self {
        self.config.block_timeout = Some(timeout);
        self
    }

    /// Sets the capacity of each thread's ring in bytes, rounded up to a power of two from 4 KiB to 1 GiB. The
    /// default is 1 MiB. The memory of a ring in a file is reserved when the ring is created. The memory of a
    /// ring [in memory](Rings::Memory) is reserved on first use, or [when it is created](Self::prefault).
    ///
    /// A record cannot be larger than seven eighths of its ring (warnings and errors: the whole ring).
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).ring_capacity_bytes(4 << 20).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ring_capacity_bytes(mut self, bytes: usize) -> Self {
        self.config.ring_capacity_bytes = bytes.clamp(1 << 12, 1 << 30).next_power_of_two();
        self
    }

    /// Sets where the rings are. By default they are in files, so committed records survive the process however
    /// it ends.
    ///
    /// The hot path costs the same either way. A file's space is reserved when a thread logs for the first
    /// time, which takes about 0.2 ms for a ring of 1 MiB. The first 64 rings have the whole
    /// [capacity](Self::ring_capacity_bytes); further ones have a sixteenth of it, and at least 64 KiB, until a
    /// thread logs a record that needs more. No ring takes more than a sixteenth of the free space on the
    /// folder's file system: it shrinks to a quarter or a sixteenth of the capacity if necessary. A ring that
    /// still does not fit goes into the folder of the dump, or else into memory.
    pub fn rings(mut self, rings: Rings) -> Self {
        self.config.rings = rings;
        self
    }

    /// Sets the folder for rings in files. The logger creates a directory for its session there.
    ///
    /// The default on Linux is `/dev/shm`, which is in memory. On a disk, the system writes pages back from
    /// time to time, and a thread that stores to such a page has to wait. If `/dev/shm` is not available or has
    /// no room for a ring, the folder of the dump is used. A folder that is set here is the only one. Rings in
    /// `/dev/shm` survive the process, but not a reboot. `steno` looks in both default folders; pass any other
    /// folder to it with `--rings`.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).rings_in(folder.path()).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rings_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config.rings_in = Some(folder.into());
        self
    }

    /// Sets whether the pages of rings [in memory](Rings::Memory) are mapped when a ring is created, so no call
    /// waits for a page fault. The default is `false`. Rings in files are always mapped.
    ///
    /// For a ring of 1 MiB this costs a thread's first call, or [`prepare_thread`](crate::prepare_thread),
    /// about 0.4 ms; otherwise, 256 calls of the first lap cost one to two microseconds each.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use stenolog::{Builder, Rings};
    ///
    /// let log = Builder::new(path).rings(Rings::Memory).prefault(true).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.config.prefault = prefault;
        self
    }

    /// Sets whether rings [in memory](Rings::Memory) use huge pages, which are mapped when a ring is created.
    /// The default is `false`.
    ///
    /// A thread that logs rarely then avoids a page walk for the next page of its ring. Each ring takes at
    /// least 2 MiB. Linux provides huge pages if `/sys/kernel/mm/transparent_hugepage/enabled` is `madvise` or
    /// `always`; if none is free, and on other systems, pages are small. Rings in files use the pages of their
    /// file system: `/dev/shm` provides huge ones if it is mounted with `huge=always`.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use stenolog::{Builder, Rings};
    ///
    /// let log = Builder::new(path).rings(Rings::Memory).huge_pages(true).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn huge_pages(mut self, huge_pages: bool) -> Self {
        self.config.huge_pages = huge_pages;
        self
    }

    /// Sets how long it takes at most until a reader of the dump sees a committed record: from 1 ms to an hour,
    /// 100 ms by default. [`flush`](crate::flush) does not wait for it.
    ///
    /// Where there are few records, the drain packs them only about every five minutes, because records that are
    /// packed together take far fewer bytes. Until then a copy is in a file beside the dump, its *tail*
    /// (`stenolog-<session>.tail`), which readers of the dump read too. If there can be no such file, records
    /// are packed within this time.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use std::time::Duration;
    ///
    /// let log = stenolog::Builder::new(path).deliver_within(Duration::from_millis(10)).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn deliver_within(mut self, bound: Duration) -> Self {
        self.config.deliver_within =
            bound.clamp(Duration::from_millis(1), Duration::from_secs(3600));
        self
    }

    /// Sets how hard the drain compresses the dump. By default it compresses as hard as it has time for.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use stenolog::{Builder, Compression};
    ///
    /// let log = Builder::new(path).compression(Compression::Fast).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn compression(mut self, compression: Compression) -> Self {
        self.config.compression = compression;
        self
    }

    /// Binds the drain thread to one core, counted from 0 as the operating system does. By default it runs on
    /// any core.
    ///
    /// Has an effect on Linux and Android only. If the core does not exist, or the process may not use it,
    /// [`start`](Self::start) fails. A [manual](Self::start_manual) drain runs on its owner's thread.
    ///
    /// ```no_run
    /// let log = stenolog::Builder::new("app.steno").drain_core(3).start()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain_core(mut self, core: usize) -> Self {
        self.config.drain_core = Some(core);
        self
    }

    /// Sets the niceness of the drain thread: at 19 it runs when no other thread wants to; at −20, which
    /// requires privileges, it runs before all others. By default it has the niceness of the thread that starts
    /// the logger.
    ///
    /// Has an effect on Linux and Android only, where each thread has its own niceness. If the process may not
    /// set it, [`start`](Self::start) fails.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).drain_nice(10).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain_nice(mut self, nice: i32) -> Self {
        self.config.drain_nice = Some(nice);
        self
    }

    /// Sets a callback for errors only: the dump cannot be written, a sync fails, or the file was deleted,
    /// moved or truncated and cannot be replaced. It runs once for each failure, not for each attempt. Use
    /// [`on_event`](Self::on_event) for these and for all other events. Until the next version, the deprecated
    /// variants of [`DrainError`] are passed to it as well.
    ///
    /// It runs on the drain thread and blocks it meanwhile: it must not take long, wait for a thread that logs,
    /// or end the logger. Only errors about an [earlier run](DrainError::RingsLeft) are reported on the thread
    /// that starts the logger. Log calls in it are not recorded, and [`flush`](crate::flush) fails there. If it
    /// panics, the drain continues.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path)
    ///     .on_error(|error| eprintln!("logging: {error}"))
    ///     .start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_error(mut self, call: impl Fn(&DrainError) + Send + Sync + 'static) -> Self {
        self.config.listeners.set_on_error(call);
        self
    }

    /// Sets a callback for everything that an operator may want to know: errors, recoveries, losses. See
    /// [`Event`].
    ///
    /// It runs on the drain thread, under the same rules as the callback of [`on_error`](Self::on_error). Some
    /// events are reported on the thread that starts the logger; their documentation says so.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path)
    ///     .on_event(|event| eprintln!("logging: {event}"))
    ///     .start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_event(mut self, call: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.config.listeners.set_on_event(call);
        self
    }

    /// Sets what happens to a dump that already exists at the path. By default it is kept under another name.
    ///
    /// A file that is not a dump is never touched, and a symbolic link at the path is not followed: in both
    /// cases [`start`](Self::start) fails. See [`Existing`] for an example.
    pub fn existing(mut self, existing: Existing) -> Self {
        self.existing = existing;
        self
    }

    /// Sets what happens if another logger, in this process or another, is writing to the path. By
    /// default [`start`](Self::start) fails.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use stenolog::{Builder, IfBusy};
    ///
    /// let start = || Builder::new(&path).if_busy(IfBusy::NumberedPath).start_detached();
    /// let (first, second) = (start()?, start()?);
    /// assert_eq!(first.path(), path);
    /// assert_eq!(second.path(), folder.path().join("app.1.steno"));
    /// # first.close()?;
    /// # second.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn if_busy(mut self, if_busy: IfBusy) -> Self {
        self.if_busy = if_busy;
        self
    }

    /// Sets what happens to records that were still in the rings of an earlier run on the same path when it was
    /// killed. By default they are appended to its dump, which is then complete and is kept under another name.
    ///
    /// The logger finds the rings by the dump at the path, in the folder of [`rings_in`](Self::rings_in),
    /// `/dev/shm` and the folder of the dump. It never touches the rings of another user, or of a running
    /// logger, which it recognizes by a lock.
    ///
    /// In the same folders, starting a logger also removes rings that killed processes have left for other
    /// paths if they are no longer needed: their dump is sealed, is gone, or has all their records. Rings with
    /// records that their dump lacks are kept for two weeks, in up to 64 directories and an eighth of the file
    /// system; rings of the last hour are always kept. [`Event::RingsRemoved`] reports each removal.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// use stenolog::{Builder, UnreadRings};
    ///
    /// // Leave it to `steno recover`:
    /// let log = Builder::new(path).unread_rings(UnreadRings::Keep).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn unread_rings(mut self, policy: UnreadRings) -> Self {
        self.unread_rings = policy;
        self
    }

    /// Sets the permissions of the dump on Unix. The default is 0600: only its owner may read it. An existing
    /// file that is overwritten gets these permissions too.
    ///
    /// ```
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("app.steno");
    /// let log = stenolog::Builder::new(path).mode(0o640).start_detached()?;
    /// # log.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Sets what the log calls of a forked child do. By default they are not logged, unless the child
    /// starts a logger of its own. See [`ForkedChild`] for an example.
    pub fn forked_child(mut self, policy: ForkedChild) -> Self {
        self.forked_child = policy;
        self
    }
}
