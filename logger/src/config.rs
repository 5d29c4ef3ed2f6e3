//! Configuration: the policies that a [`Builder`](crate::Builder) accepts, and the settings that it collects.

#[cfg(feature = "console")]
pub(crate) mod console;

use std::path::PathBuf;
use std::time::Duration;

use crate::event::Listeners;

/// What a call does when its thread's ring is full.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnFull {
    /// Wait until the drain has made room.
    Block,
    /// Drop the record and count it. The dump states the loss where the record would have been.
    Drop,
}

/// How hard a logger compresses its dump.
///
/// The busier the drain, the less time it spends on compression. No thread ever waits for a codec: records of a
/// ring that stays full although they hardly shrink are written as the ring has them.
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// As small as there is time for: Zstandard while the drain thread rests most of the time, LZ4
    /// when more is logged. Without the feature `zstd`: always LZ4.
    #[default]
    Adaptive,
    /// LZ4 at most, which costs the drain thread the least time of all three.
    Fast,
    /// No compression. Readers of format 1.1 understand such a dump. If a power loss cuts a block short, they
    /// show its records before the cut.
    None,
}

/// What happens to a dump that an earlier run left at the path.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{Builder, Existing};
///
/// let log = Builder::new(path).existing(Existing::Replace).start_detached()?;
/// # log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Existing {
    /// It is renamed: `app.steno` becomes `app.1.steno`, or the next number that is free.
    #[default]
    Keep,
    /// A new file takes its place; readers that have the old one open keep it. If its folder is not
    /// writable, or the file is a mount point, the file is emptied instead.
    Replace,
}

/// What a logger does if another one, in this process or another, is writing to its path.
///
/// See [`Builder::if_busy`](crate::Builder::if_busy) for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IfBusy {
    /// The logger does not start: [`StartError::Busy`](crate::StartError::Busy).
    #[default]
    Error,
    /// The logger writes beside that dump: to `app.1.steno` for `app.steno`, or to the next free number.
    /// [`Logger::path`](crate::Logger::path) says which. `steno` reads all dumps of a folder together.
    NumberedPath,
}

/// Where the rings are, which decides whether committed records survive the process.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{Builder, Rings};
///
/// let log = Builder::new(path).rings(Rings::Memory).start_detached()?;
/// assert_eq!(log.ring_dir(), None);
/// # log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rings {
    /// In files: committed records survive even `kill -9`. A ring for which no file is available is in
    /// the process's own memory. The logger reports such rings in the ring directory (before the first
    /// record of the ring is committed), in the dump, in [`Stats`](crate::Stats) and by
    /// [`Event::RingsInMemory`](crate::Event::RingsInMemory).
    #[default]
    PreferFiles,
    /// In files; otherwise the logger does not start. This applies to the start only: if no file is available
    /// later, when a thread first logs, its ring is in memory, because a log call must not fail. This is
    /// reported and counted as with [`PreferFiles`](Self::PreferFiles).
    RequireFiles,
    /// In the process's own memory: if the process is killed, records that the drain has not written are
    /// lost.
    Memory,
}

/// What happens to rings of a killed process that was writing to the same path.
///
/// Unread rings are never destroyed, not even with [`Existing::Replace`], which then keeps the earlier dump.
/// See [`Builder::unread_rings`](crate::Builder::unread_rings) for an example.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UnreadRings {
    /// Their records are appended to the earlier dump, which is then sealed, complete and synced to disk; the
    /// rings are removed. [`start`](crate::Builder::start) takes about as long as it takes to write the
    /// contents of the rings and to read the frame headers of the earlier dump. If the kill interrupted a
    /// write, the dump is also copied (by reference if its file system supports that).
    ///
    /// If the files are not in the state in which a logger leaves them, only the name of the dump changes, and
    /// [`Builder::on_error`](crate::Builder::on_error) is called; `steno` then reads everything readable.
    #[default]
    Recover,
    /// They are left for `steno` to find. Rings in `/dev/shm` are gone after a reboot.
    Keep,
}

/// What the calls of a forked child do until it starts a logger of its own.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{Builder, ForkedChild};
///
/// let log = Builder::new(path).forked_child(ForkedChild::OwnDump).start_detached()?;
/// # log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ForkedChild {
    /// They are not logged, but counted.
    #[default]
    Silent,
    /// The first of them starts a logger like the parent's, which writes beside the parent's dump:
    /// to `app.1234.steno` for `app.steno` in process 1234. It ends with the child's copy of the
    /// [`Logger`](crate::Logger). It is not available if the process was forked within a call.
    OwnDump,
}

/// The settings of a builder, for the logger's threads and its drain.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) path: PathBuf,
    pub(crate) ring_capacity_bytes: usize,
    pub(crate) rings: Rings,
    pub(crate) rings_in: Option<PathBuf>,
    pub(crate) on_full: [OnFull; 5],
    pub(crate) block_timeout: Option<Duration>,
    pub(crate) deliver_within: Duration,
    pub(crate) prefault: bool,
    pub(crate) huge_pages: bool,
    pub(crate) compression: Compression,
    pub(crate) drain_core: Option<usize>,
    pub(crate) drain_nice: Option<i32>,
    pub(crate) listeners: Listeners,
    pub(crate) filter_file: Option<PathBuf>,
    pub(crate) capture_panics: bool,
    #[cfg(feature = "console")]
    pub(crate) console: Option<console::Console>,
    /// There is no dump.
    #[cfg(feature = "console")]
    pub(crate) is_console_only: bool,
}

impl Config {
    /// Whether the logger only prints.
    #[cfg_attr(
        not(feature = "console"),
        expect(clippy::unused_self, reason = "without a console never")
    )]
    pub(crate) const fn has_no_dump(&self) -> bool {
        #[cfg(feature = "console")]
        return self.is_console_only;
        #[cfg(not(feature = "console"))]
        false
    }
}
