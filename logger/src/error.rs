//! Errors of starting a logger, writing its dump and flushing it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::filter::FilterError;

/// The error of [`Builder::start`](crate::Builder::start).
///
/// Its text names the path and says what the user can do.
///
/// ```
/// use stenolog::{Builder, StartError};
///
/// let error = Builder::new("/dev/null/app.steno").start().unwrap_err();
/// assert!(matches!(error, StartError::Folder { .. }));
/// assert!(error.to_string().contains("choose another path"));
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A global logger is already running.
    #[error(
        "cannot start a second global logger on {path}: one is already writing to {running} (drop \
         it first, or use `start_detached`)"
    )]
    AlreadyStarted {
        /// The dump of the logger that could not start.
        path: PathBuf,
        /// The dump of the logger that runs.
        running: PathBuf,
    },
    /// Records of `log` were to be captured, and the program has installed another `log::Log`.
    #[cfg(feature = "log")]
    #[error(
        "cannot capture the records of `log` for {path}: another `log::Log` is installed (remove its set-up, \
         such as `env_logger::init`, or compose it with `stenolog::log_bridge`)"
    )]
    LogTaken {
        /// The dump.
        path: PathBuf,
    },
    /// Events of `tracing` were to be captured, and the program has installed another global default
    /// subscriber.
    #[cfg(feature = "tracing")]
    #[error(
        "cannot capture the events of `tracing` for {path}: another global default subscriber is installed \
         (remove its set-up, such as `tracing_subscriber::fmt::init`, or add `stenolog::tracing_layer` to it)"
    )]
    TracingTaken {
        /// The dump.
        path: PathBuf,
    },
    /// The folder of the dump does not exist and cannot be created.
    #[error(
        "cannot create the folder {folder} for the dump {path}: {source} (create it, or choose another path)"
    )]
    Folder {
        /// The dump.
        path: PathBuf,
        /// Its folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The path has a placeholder that does not exist.
    #[error(
        "unknown placeholder `{{{name}}}` in the path {path} (there are `{{app}}`, `{{pid}}` and `{{host}}`)"
    )]
    Placeholder {
        /// The path.
        path: PathBuf,
        /// What is between the braces.
        name: String,
    },
    /// The dump cannot be created.
    #[error("cannot create the dump {path}: {source}{}", hint(source))]
    Create {
        /// The dump.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another logger, in this process or another, writes to the file.
    #[error(
        "cannot write to {path}: another logger has it open (give each process a path of its own, or \
         have it take a numbered one with `Builder::if_busy`)"
    )]
    Busy {
        /// The dump.
        path: PathBuf,
    },
    /// The file exists and is not a dump.
    #[error(
        "will not overwrite {path}: it is not a stenolog dump (remove it, or choose another path)"
    )]
    NotADump {
        /// The file.
        path: PathBuf,
    },
    /// The path is that of a pipe, a terminal or another device.
    #[error("cannot write a dump to {path}: it is not a regular file (choose another path)")]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// The path is a symbolic link, which another user may have planted.
    #[error(
        "cannot write a dump to {path}: it is a symbolic link, which is not followed (give the path \
         that it leads to, or remove it)"
    )]
    Symlink {
        /// The path.
        path: PathBuf,
    },
    /// The dump of an earlier run cannot be moved out of the way.
    #[error("cannot move the earlier dump {path} to {to}: {source}")]
    KeepEarlier {
        /// The dump.
        path: PathBuf,
        /// Its intended new path.
        to: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The filter cannot be parsed.
    #[error("cannot start the logger{}: {source}", variable.as_ref().map(|name| format!(" (environment variable {name})")).unwrap_or_default())]
    Filter {
        /// Always `None`: directives in an environment variable that cannot be parsed are
        /// [ignored](crate::Event::DirectiveIgnored).
        variable: Option<&'static str>,
        /// What is wrong with it.
        source: FilterError,
    },
    /// The drain thread cannot be started.
    #[error("cannot start the drain thread for {path}: {source}")]
    Thread {
        /// The dump.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The drain thread cannot be bound to the configured core, or cannot get the configured niceness.
    #[error("cannot run the drain thread for {path} as configured: {source}")]
    DrainThread {
        /// The dump.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The thread that prints records cannot be started.
    #[error("cannot start the thread of the console: {source}")]
    Console {
        /// What the operating system said.
        source: io::Error,
    },
    /// Rings in files are required and not available.
    #[error(
        "cannot keep the rings of {path} in files: {reason} (name a folder with `Builder::rings_in`, or allow rings in memory with `Builder::rings`)"
    )]
    Rings {
        /// The dump.
        path: PathBuf,
        /// Which folders were tried, and why they failed.
        reason: String,
    },
}

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => " (create its folder first)",
        io::ErrorKind::PermissionDenied => " (choose a path that this user may write)",
        io::ErrorKind::IsADirectory => " (give the path of a file in it)",
        _ => "",
    }
}

/// The error of [`flush`](crate::flush) and [`sync`](crate::sync).
///
/// ```
/// // No logger runs.
/// assert!(matches!(stenolog::flush(), Err(stenolog::FlushError::NotStarted)));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// No global logger is running.
    #[error("no logger is running: keep the value that `Builder::start` returns")]
    NotStarted,
    /// The dump cannot be written, or cannot be put on the disk.
    #[error(transparent)]
    Drain(DrainError),
    /// The drain has ended.
    #[error("the logger of {path} has ended")]
    Ended {
        /// The dump.
        path: PathBuf,
    },
    /// The process is a forked child, which has no drain.
    #[error("this process is a forked child: its parent's logger is not its own")]
    Forked,
}

/// An error of a running logger: what went wrong with its dump. [`Builder::on_event`] and
/// [`Builder::on_error`] receive it.
///
/// Paths are absolute, offsets are in bytes. The text names the dump and says what the user can do.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{DrainError, Event};
///
/// let log = stenolog::Builder::new(path)
///     .on_event(|event| match event {
///         Event::Dump(error @ DrainError::Write { .. }) => eprintln!("disk trouble: {error}"),
///         other => eprintln!("logging: {other}"),
///     })
///     .start_detached()?;
/// # log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Builder::on_event`]: crate::Builder::on_event
/// [`Builder::on_error`]: crate::Builder::on_error
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrainError {
    /// Writing has begun to fail, or fails for a new reason. Unwritten records stay in the rings while they
    /// have room, and the write is retried about 20 times per second.
    #[error(
        "cannot write to the dump {path} at byte {offset}: {source}{} (records stay in \
         the rings, and the write is retried)",
        remedy(source)
    )]
    Write {
        /// The dump.
        path: PathBuf,
        /// How much of it has been written.
        offset: u64,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// An event, which [`Event::Resumed`](crate::Event::Resumed) reports. Only
    /// [`Builder::on_error`](crate::Builder::on_error) still gets this variant, until the next version.
    #[deprecated(note = "no error: use `Builder::on_event` and `Event::Resumed`")]
    #[error("{}", ResumedText { path, offset: *offset, failed_for: *failed_for, lost: *lost })]
    Resumed {
        /// The dump.
        path: PathBuf,
        /// How much of it has been written.
        offset: u64,
        /// For how long it could not be written.
        failed_for: Duration,
        /// How many records were lost meanwhile because rings were full.
        lost: u64,
    },
    /// An event, which [`Event::Replaced`](crate::Event::Replaced) reports. Only
    /// [`Builder::on_error`](crate::Builder::on_error) still gets this variant, until the next version.
    #[deprecated(note = "no error: use `Builder::on_event` and `Event::Replaced`")]
    #[error("{}", ReplacedText { path, offset: *offset, cause: *fate, to, lost: *lost })]
    Replaced {
        /// The dump that was written.
        path: PathBuf,
        /// How much had been written to it.
        offset: u64,
        /// What happened to it.
        fate: FileEvent,
        /// Where the log continues; usually at the same path.
        to: PathBuf,
        /// An upper bound on the number of records of the file that are gone.
        lost: u64,
    },
    /// Something happened to the file, and no new one can be created. The logger retries as after a failed
    /// write, unless the file was only moved and can still be written.
    #[error(
        "the dump {path} {fate} at byte {offset}, and no new one can be created: {source}{} \
         (retried)",
        remedy(source)
    )]
    Replace {
        /// The dump.
        path: PathBuf,
        /// How much had been written to it.
        offset: u64,
        /// What happened to it.
        fate: FileEvent,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The dump, or its name in its folder, cannot be put on the disk. The next sync writes it again from
    /// `offset` on.
    #[error(
        "cannot sync the dump {path} to disk from byte {offset} on: {source}{} (the next sync writes \
         it again)",
        remedy(source)
    )]
    Sync {
        /// The dump.
        path: PathBuf,
        /// The number of bytes that are on the disk.
        offset: u64,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The logger has ended and could not write the dump to its end.
    #[error("gave up writing the dump {path} at byte {offset}: {source}{}", remedy(source))]
    GivenUp {
        /// The dump.
        path: PathBuf,
        /// How much of it has been written.
        offset: u64,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// Records in the rings of an earlier run that was killed could not be appended to its dump, or the rings
    /// could not be removed afterwards. Both are unchanged except for the dump's name; `steno` finds the rings
    /// by the dump. Reported on the thread that starts the logger.
    #[error(
        "the rings of the earlier dump {path} are left in {rings}: {reason} (`steno` reads both)"
    )]
    RingsLeft {
        /// The earlier dump, under its new name.
        path: PathBuf,
        /// The directory of its rings.
        rings: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another program, or another part of this one, has written to the file of a thread's ring. The records
    /// after `position` cannot be read, and at least one is lost. The thread gets another ring at its next call.
    #[error(
        "another program has written to ring {ring} (thread {thread:?}) of the dump {path}: its \
         records after byte {position} are lost, and the thread gets another ring (keep other programs \
         from writing to ring files)"
    )]
    RingOverwritten {
        /// The dump.
        path: PathBuf,
        /// The ring's id in the dump.
        ring: u32,
        /// The thread's name.
        thread: String,
        /// Up to where the ring was read, in bytes since its beginning.
        position: u64,
    },
    /// The drain thread panicked. The dump is no longer written.
    #[error("the drain thread of the dump {path} panicked (please report this)")]
    Panicked {
        /// The dump.
        path: PathBuf,
    },
}

impl DrainError {
    /// Returns the error of the operating system, if there is one.
    #[must_use]
    pub fn io_error(&self) -> Option<&io::Error> {
        match self {
            Self::Write { source, .. }
            | Self::Replace { source, .. }
            | Self::Sync { source, .. }
            | Self::GivenUp { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What happened to the file of a dump that its logger could no longer write to.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{Event, FileEvent};
///
/// let log = stenolog::Builder::new(path)
///     .on_event(|event| {
///         if let Event::Replaced { cause: FileEvent::Moved, to, .. } = event {
///             eprintln!("the dump was rotated; the log continues in {}", to.display());
///         }
///     })
///     .start_detached()?;
/// # log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileEvent {
    /// It was deleted, or another file was renamed over it. Its contents are gone.
    Removed,
    /// It was moved away, or its path now names another file. It is complete and was sealed.
    Moved,
    /// It is shorter than what was written to it. The rest was kept under another name.
    Truncated,
    /// The operating system lost data that it could not write to the disk. The rest of the file was
    /// kept under another name.
    Unsaved,
}

/// The former name of [`FileEvent`].
#[deprecated(note = "renamed to `FileEvent`")]
pub type FileFate = FileEvent;

impl fmt::Display for FileEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "was deleted",
            Self::Moved => "was moved away",
            Self::Truncated => "was truncated",
            Self::Unsaved => "has parts that the operating system did not put on the disk",
        })
    }
}

/// The text of a dump that can be written again.
pub(crate) struct ResumedText<'a> {
    pub(crate) path: &'a Path,
    pub(crate) offset: u64,
    pub(crate) failed_for: Duration,
    pub(crate) lost: u64,
}

impl fmt::Display for ResumedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, offset, failed_for, lost } = self;
        write!(
            f,
            "writing to the dump {} resumed at byte {offset} after {failed_for:.1?}; {lost} records \
             were lost meanwhile",
            path.display()
        )
    }
}

/// The text of a dump that a new one replaces.
pub(crate) struct ReplacedText<'a> {
    pub(crate) path: &'a Path,
    pub(crate) offset: u64,
    pub(crate) cause: FileEvent,
    pub(crate) to: &'a Path,
    pub(crate) lost: u64,
}

impl fmt::Display for ReplacedText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, offset, cause, to, lost } = self;
        write!(
            f,
            "the dump {} {cause} at byte {offset}: the log continues in {}; {lost} records are lost",
            path.display(),
            to.display()
        )
    }
}

/// What the user can do about it.
fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull => "; make room on its file system",
        io::ErrorKind::QuotaExceeded => "; make room in this user's quota",
        io::ErrorKind::FileTooLarge => "; raise the limit of the file size (ulimit -f)",
        io::ErrorKind::ReadOnlyFilesystem => "; have its file system mounted for writing",
        io::ErrorKind::NotFound => "; create its folder again",
        io::ErrorKind::PermissionDenied => "; let this user write to its folder",
        #[cfg(unix)]
        _ if source.raw_os_error() == Some(libc::EIO) => "; look for the disk in the system's log",
        _ => "",
    }
}
