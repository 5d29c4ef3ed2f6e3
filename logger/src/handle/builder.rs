//! Builder: the configuration of a logger.

use std::path::PathBuf;
use std::time::Duration;

use stenolog_format::dictionary::Level;

use crate::config::{
    Compression, Config, Existing, ForkedChild, IfBusy, OnFull, Rings, UnreadRings,
};
use crate::error::DrainError;
use crate::event::{Event, Listeners};

/// Gathers how a logger is to be, and starts it.
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
}

impl Builder {
    /// A logger that will write its dump to `path`.
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
            },
            filter: None,
            default_filter: None,
            existing: Existing::default(),
            if_busy: IfBusy::default(),
            unread_rings: UnreadRings::default(),
            mode: 0o600,
            forked_child: ForkedChild::default(),
        }
    }

    /// Logs what these directives allow, in the language of `RUST_LOG`: a level for all targets,
    /// or for one and its submodules, as in `warn,my_app=info,my_app::net=trace,noisy=off`. As with
    /// `steno -t`, `net` matches `net` and `net::tcp` but not `network`, and `net*` is a pattern. The
    /// longest matching target wins.
    ///
    /// Without a filter the environment variable `STENOLOG` counts, then `RUST_LOG`, then
    /// [`default_filter`](Self::default_filter); without any of these all is logged. Directives
    /// that cannot be parsed here or in the default filter make [`start`](Self::start) fail. The
    /// variables are shared with other programs, so directives in them that Stenolog does not support, such
    /// as regular expressions and spans, are [reported](Event::DirectiveIgnored) and ignored; the rest
    /// applies.
    pub fn filter(mut self, directives: impl Into<String>) -> Self {
        self.filter = Some(directives.into());
        self
    }

    /// The directives for when the environment has none.
    pub fn default_filter(mut self, directives: impl Into<String>) -> Self {
        self.default_filter = Some(directives.into());
        self
    }

    /// What a call does when its thread's ring is full, whatever its level.
    ///
    /// By default errors and warnings wait for a second at the most, and all others are dropped
    /// and counted. What is said here waits for as long as it takes, unless
    /// [`block_timeout`](Self::block_timeout) comes after it.
    pub fn on_full(mut self, policy: OnFull) -> Self {
        self.config.on_full = [policy; 5];
        self.config.block_timeout = None;
        self
    }

    /// What a call of one level does when its thread's ring is full.
    pub fn on_full_at(mut self, level: Level, policy: OnFull) -> Self {
        self.config.on_full[level.index()] = policy;
        self
    }

    /// How long a call waits at the most; it then drops its record.
    pub fn block_timeout(mut self, timeout: Duration) -> Self {
        self.config.block_timeout = Some(timeout);
        self
    }

    /// The capacity of each thread's ring in bytes, rounded up to a power of two between 4 KiB and
    /// 1 GiB. By default 1 MiB. A ring in a file has its memory at once, one [in memory](Rings::Memory) as
    /// it is first used, or [at once](Self::prefault).
    ///
    /// A record cannot be larger than seven eighths of it (warnings and errors: than all of it).
    pub fn ring_capacity_bytes(mut self, bytes: usize) -> Self {
        self.config.ring_capacity_bytes = bytes.clamp(1 << 12, 1 << 30).next_power_of_two();
        self
    }

    /// Where the rings live: by default in files, so that what a thread has committed survives its
    /// process, however that ends.
    ///
    /// The hot path costs the same either way. A file's space is reserved when a thread logs for
    /// the first time, which takes some 0.2 ms for a ring of 1 MiB. The first 64 rings have the whole
    /// [capacity](Self::ring_capacity_bytes), further ones a sixteenth of it (but 64 KiB), until a
    /// thread logs a record that needs more. No ring takes more than a sixteenth of the free space on
    /// the folder's file system: if need be it shrinks to a quarter of the capacity, or to a sixteenth. A
    /// ring that still does not fit goes into the folder of the dump, and into memory as a last resort.
    pub fn rings(mut self, rings: Rings) -> Self {
        self.config.rings = rings;
        self
    }

    /// The folder for rings in files: a directory of the session's own is made in it.
    ///
    /// By default that is `/dev/shm` on Linux, which is memory: pages that lie on a disk are
    /// written back by the system now and then, and a thread that stores to such a page has to
    /// wait. If `/dev/shm` is not available or has no room for a ring, the folder of the dump is used. A
    /// folder that is named here is the only one. Rings in `/dev/shm` survive the process, but not a
    /// reboot. `steno` looks in both of the default folders; it has to be told of any other.
    pub fn rings_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config.rings_in = Some(folder.into());
        self
    }

    /// Whether the pages of rings [in memory](Rings::Memory) are there before the first record is, so
    /// that no call waits for one. Rings in files always are so. By default they are not.
    ///
    /// A ring of 1 MiB then takes a thread's first call, or [`prepare_thread`](crate::prepare_thread),
    /// some 0.4 ms, instead of 256 calls of a lap one to two microseconds each.
    pub fn prefault(mut self, prefault: bool) -> Self {
        self.config.prefault = prefault;
        self
    }

    /// Whether rings [in memory](Rings::Memory) are in huge pages, and there before the first record
    /// is. By default they are not.
    ///
    /// A thread that logs now and then finds the address of its ring's next page in the processor's
    /// tables, where it may have to be looked up. Each ring takes 2 MiB at least. Linux gives huge pages if
    /// `/sys/kernel/mm/transparent_hugepage/enabled` is `madvise` or `always`, and small ones if it
    /// has none; elsewhere they are small. Rings in files have those that their file system has:
    /// `/dev/shm` gives huge ones if it is mounted with `huge=always`.
    pub fn huge_pages(mut self, huge_pages: bool) -> Self {
        self.config.huge_pages = huge_pages;
        self
    }

    /// The longest that a committed record stays in its ring before it is written. By default
    /// 100 ms, and no less than 1 ms nor more than an hour; [`flush`](crate::flush) does not wait for
    /// it.
    pub fn deliver_within(mut self, bound: Duration) -> Self {
        self.config.deliver_within =
            bound.clamp(Duration::from_millis(1), Duration::from_secs(3600));
        self
    }

    /// How small the drain makes the dump. By default as small as there is time for.
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

    /// Binds the drain's thread to one core, counted from 0 as the operating system does. By default
    /// it runs wherever the system puts it.
    ///
    /// Only on Linux and Android; elsewhere without effect. A core that does not exist, or that the
    /// process may not use, is an error of [`start`](Self::start). A [manual](Self::start_manual)
    /// drain runs where its owner does.
    pub fn drain_core(mut self, core: usize) -> Self {
        self.config.drain_core = Some(core);
        self
    }

    /// Sets the niceness of the drain thread: at 19 it runs when no other thread wants to, at −20 before
    /// all others, which takes privileges. By default that of the thread that starts the logger.
    ///
    /// Only on Linux and Android, where threads have a niceness of their own; elsewhere without effect.
    /// A niceness that the process may not have is an error of [`start`](Self::start).
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

    /// Sets a callback for when the dump cannot be written, when it can be again, when a sync fails, and
    /// when the file was deleted, moved or truncated. It runs once for each, not for each attempt.
    ///
    /// It runs on the drain thread, which does nothing else meanwhile: it must not take long, wait for a
    /// thread that logs, or end the logger. Only errors about an [earlier run](DrainError::RingsLeft) are
    /// reported on the thread that starts the logger. Logging calls in it are not logged, and
    /// [`flush`](crate::flush) fails there. If it panics, the drain goes on.
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

    /// Sets a callback for everything that an operator wants to know: losses, and every error that
    /// [`on_error`](Self::on_error) receives. See [`Event`].
    ///
    /// Like `on_error`, it usually runs on the drain thread, which does nothing else meanwhile.
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

    /// What becomes of a dump that is at the path already. By default it is kept under another
    /// name.
    ///
    /// A file that is no dump is never touched, and a symbolic link at the path is not followed:
    /// both are errors of [`start`](Self::start).
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

    /// What becomes of the records that an earlier run on the same path had in its rings when it
    /// was killed. By default they are appended to its dump, which is kept under another name and is
    /// complete then.
    ///
    /// The rings are found by the dump at the path, in the folder of
    /// [`rings_in`](Self::rings_in), `/dev/shm` and the folder of the dump. Those of a logger that
    /// runs are never touched; whether it does, a lock tells. Nor are those of another user.
    ///
    /// In the same folders, starting a logger also removes rings that killed processes have left under
    /// other paths and that are no longer needed: their dump is sealed, is gone, or has everything they
    /// held. Rings with records that their dump lacks are kept for two weeks, up to 64 directories and an
    /// eighth of the file system; those of the last hour are always kept. [`Event::RingsRemoved`] reports
    /// each removal.
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

    /// The permissions of the dump on Unix. By default 0600: its owner's alone. A file that is
    /// there already and is written over keeps no others.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Sets what the log calls of a forked child do. By default they are not logged, unless the child
    /// starts a logger of its own.
    pub fn forked_child(mut self, policy: ForkedChild) -> Self {
        self.forked_child = policy;
        self
    }
}
