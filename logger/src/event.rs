//! Events that a running logger reports to its operator.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{DrainError, FileEvent, ReplacedText, ResumedText};

/// An event that a logger reports to its operator through [`Builder::on_event`].
///
/// Its `Display` is one line of text, without a line feed, that names the dump and says what the
/// operator can do. Future versions may add variants and fields.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::Event;
///
/// let log = stenolog::Builder::new(path)
///     .on_event(|event| match event {
///         Event::Lost { records, .. } => eprintln!("lost {records} more records"),
///         other => eprintln!("logging: {other}"),
///     })
///     .start_detached()?;
/// # log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Builder::on_event`]: crate::Builder::on_event
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// Something went wrong with the dump. [`Builder::on_error`](crate::Builder::on_error) receives the
    /// same error.
    Dump(DrainError),
    /// The dump can be written again, from where writing stopped.
    #[non_exhaustive]
    Resumed {
        /// The dump.
        path: PathBuf,
        /// How much of it has been written, in bytes.
        offset: u64,
        /// For how long it could not be written.
        failed_for: Duration,
        /// How many records were lost meanwhile because rings were full; the dump states where.
        lost: u64,
    },
    /// The logger has begun a new file, because something happened to the one before.
    #[non_exhaustive]
    Replaced {
        /// The dump that was written.
        path: PathBuf,
        /// How much had been written to it, in bytes.
        offset: u64,
        /// What happened to it.
        cause: FileEvent,
        /// Where the log continues; usually at the same path.
        to: PathBuf,
        /// An upper bound on the number of records of the file that are gone. The new file states which.
        lost: u64,
    },
    /// Records were dropped because their rings were full. Raised at most once per second, and at the end; the
    /// dump states which threads lost them, and where.
    #[non_exhaustive]
    Lost {
        /// The dump.
        path: PathBuf,
        /// How many records were lost since the previous event of this kind.
        records: u64,
        /// How many were lost since the logger started.
        total: u64,
    },
    /// This logger's start removed the rings of a killed process, perhaps of another program, because
    /// they are no longer needed or exceeded a limit. Raised on the thread that starts the logger.
    #[non_exhaustive]
    RingsRemoved {
        /// The directory that they were in.
        rings: PathBuf,
        /// Their dump, if it was found.
        dump: Option<PathBuf>,
        /// Whether they may have held records that the dump does not have.
        were_unread: bool,
        /// Why they were removed.
        reason: String,
    },
    /// Rings are in memory because no file was available: records in them are lost if the process is killed.
    /// Raised on the thread that starts the logger if no ring can be in a file, and later at most once per
    /// second. The dump states this, too.
    #[non_exhaustive]
    RingsInMemory {
        /// The dump.
        path: PathBuf,
        /// How many such rings were created since the previous event of this kind; 0 if all rings will be in
        /// memory.
        rings: u64,
        /// Why the last of them is not in a file.
        reason: String,
    },
    /// Ring files, or their directory, were deleted while the logger used them. Records in those rings
    /// are lost if the process is killed before they are written. The threads take new rings at their
    /// next calls.
    #[non_exhaustive]
    RingsDeleted {
        /// The dump.
        path: PathBuf,
        /// The directory.
        directory: PathBuf,
        /// How many rings no longer have a file.
        rings: u64,
        /// Why the directory could not be recreated, if so; the logger tries again.
        error: Option<Arc<io::Error>>,
    },
    /// The logger was dropped before it received a record, usually because its value was not kept:
    /// `let _ = builder.start()?;` drops it at once, `let _log = …` at the end of the block. rustc's
    /// lint `let_underscore_drop` finds such lines.
    #[non_exhaustive]
    EndedUnused {
        /// The dump.
        path: PathBuf,
    },
    /// Call sites that are described at run time ([`DynamicSite`](crate::DynamicSite), `log`, `tracing`) exceed
    /// their limits: further ones are not registered, and their records are kept as text. Told once.
    #[non_exhaustive]
    TooManyCallSites {
        /// The dump.
        path: PathBuf,
        /// The target of the first one.
        target: &'static str,
        /// Its source file.
        file: &'static str,
        /// Its line, from 1; 0 if unknown.
        line: u32,
    },
    /// The file of [`Builder::filter_file`](crate::Builder::filter_file) was read, and its filter applies now.
    #[non_exhaustive]
    FilterChanged {
        /// The dump.
        path: PathBuf,
        /// The file.
        file: PathBuf,
        /// Its directives, on one line.
        directives: String,
    },
    /// The file of [`Builder::filter_file`](crate::Builder::filter_file) cannot be read or parsed; the filter is
    /// what it was.
    #[non_exhaustive]
    FilterFileIgnored {
        /// The dump.
        path: PathBuf,
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// An environment variable of [`Builder::configure_from_env`](crate::Builder) could not be parsed and is
    /// ignored. Raised on the thread that starts the logger.
    #[non_exhaustive]
    SettingIgnored {
        /// The dump.
        path: PathBuf,
        /// The variable.
        variable: String,
        /// Its value.
        value: String,
        /// Why it could not be parsed.
        reason: String,
    },
    /// A directive in an environment variable could not be parsed and is ignored. Raised on the thread
    /// that starts the logger.
    #[non_exhaustive]
    DirectiveIgnored {
        /// The dump.
        path: PathBuf,
        /// The variable.
        variable: &'static str,
        /// The directive.
        directive: String,
        /// Why it could not be parsed.
        reason: String,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dump(error) => fmt::Display::fmt(error, f),
            &Self::Resumed { ref path, offset, failed_for, lost } => {
                ResumedText { path, offset, failed_for, lost }.fmt(f)
            }
            &Self::Replaced { ref path, offset, cause, ref to, lost } => {
                ReplacedText { path, offset, cause, to, lost }.fmt(f)
            }
            Self::Lost { path, records, total } => write!(
                f,
                "{records} records of the dump {} were lost because their rings were full, {total} \
                 since the start (larger rings: `Builder::ring_capacity_bytes`; waiting for room: \
                 `Builder::on_full`)",
                path.display()
            ),
            Self::RingsRemoved { rings, dump, were_unread, reason } => {
                let unread = if *were_unread { "unread " } else { "" };
                write!(f, "the {unread}rings that were left in {}", rings.display())?;
                if let Some(dump) = dump {
                    write!(f, " by the writer of the dump {}", dump.display())?;
                }
                write!(f, " were removed: {reason}")
            }
            Self::RingsInMemory { path, rings: 0, reason } => write!(
                f,
                "the rings of the dump {} are in memory, and are lost if the process is killed: {reason} \
                 (`Builder::rings_in` names a folder for them)",
                path.display()
            ),
            Self::RingsInMemory { path, rings, reason } => write!(
                f,
                "{rings} more rings of the dump {} are in memory, and are lost if the process is killed: \
                 {reason} (make room for ring files, or name a folder with `Builder::rings_in`)",
                path.display()
            ),
            Self::RingsDeleted { path, directory, rings, error } => {
                write!(
                    f,
                    "the files of {rings} rings of the dump {} in {} were deleted",
                    path.display(),
                    directory.display()
                )?;
                match error {
                    None => f.write_str(
                        "; new rings take their place (exclude the folder from cleaners)",
                    ),
                    Some(error) => write!(
                        f,
                        ", and the directory cannot be recreated: {error} (retried; until then a kill \
                         loses the records in the rings)"
                    ),
                }
            }
            Self::EndedUnused { path } => write!(
                f,
                "the logger of the dump {} was dropped before it received a record (keep the value that \
                 `start` returns in a variable such as `_log`; `let _ = …` drops it at once)",
                path.display()
            ),
            Self::TooManyCallSites { .. }
            | Self::SettingIgnored { .. }
            | Self::FilterChanged { .. }
            | Self::FilterFileIgnored { .. }
            | Self::DirectiveIgnored { .. } => self.fmt_setting(f),
        }
    }
}

impl Event {
    /// The text of an event about a setting, or about what the program asks for.
    fn fmt_setting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyCallSites { path, target, file, line } => write!(
                f,
                "call sites that are described at run time exceed their limits, first one at {file}:{line} \
                 with the target `{}`: their records in the dump {} are text (keep call sites, and put what \
                 varies into values, not into messages, targets and names)",
                target.escape_debug(),
                path.display()
            ),
            Self::SettingIgnored { path, variable, value, reason } => write!(
                f,
                "the environment variable {variable}=`{}` is ignored for the dump {}: {}",
                value.escape_debug(),
                path.display(),
                reason.escape_debug()
            ),
            Self::FilterChanged { path, file, directives } => write!(
                f,
                "the dump {} is filtered by {} from now on: `{}`",
                path.display(),
                file.display(),
                directives.escape_debug()
            ),
            Self::FilterFileIgnored { path, file, reason } => write!(
                f,
                "the filter in {} is ignored for the dump {}, which is filtered as before: {} (a filter \
                 looks like `info,my_crate::net=trace`)",
                file.display(),
                path.display(),
                reason.escape_debug()
            ),
            Self::DirectiveIgnored { path, variable, directive, reason } => write!(
                f,
                "`{}` in the environment variable {variable} is ignored for the dump {}: {} (a filter \
                 looks like `info,my_crate::net=trace`; STENOLOG comes before RUST_LOG)",
                directive.escape_debug(),
                path.display(),
                reason.escape_debug()
            ),
            _ => Ok(()),
        }
    }

    /// The error that [`Builder::on_error`](crate::Builder::on_error) receives for an event, if any.
    #[expect(deprecated, reason = "programs that listen for errors alone still expect both events")]
    fn as_error(&self) -> Option<DrainError> {
        match self.clone() {
            Self::Dump(error) => Some(error),
            Self::Resumed { path, offset, failed_for, lost } => {
                Some(DrainError::Resumed { path, offset, failed_for, lost })
            }
            Self::Replaced { path, offset, cause, to, lost } => {
                Some(DrainError::Replaced { path, offset, fate: cause, to, lost })
            }
            _ => None,
        }
    }
}

impl From<DrainError> for Event {
    fn from(error: DrainError) -> Self {
        Self::Dump(error)
    }
}

/// A callback.
type Listener<T> = Arc<dyn Fn(&T) + Send + Sync>;

/// The callbacks that the builder was given.
#[derive(Clone, Default)]
pub(crate) struct Listeners {
    on_error: Option<Listener<DrainError>>,
    on_event: Option<Listener<Event>>,
}

impl Listeners {
    pub(crate) fn set_on_error(&mut self, call: impl Fn(&DrainError) + Send + Sync + 'static) {
        self.on_error = Some(Arc::new(call));
    }

    pub(crate) fn set_on_event(&mut self, call: impl Fn(&Event) + Send + Sync + 'static) {
        self.on_event = Some(Arc::new(call));
    }

    /// Calls the listeners. A panic in one must not end the drain; the panic hook has reported it.
    pub(crate) fn tell(&self, event: impl Into<Event>) {
        let event = event.into();
        if let Some(call) = &self.on_error
            && let Some(error) = event.as_error()
        {
            let _ = catch_unwind(AssertUnwindSafe(|| call(&error)));
        }
        if let Some(call) = &self.on_event {
            let _ = catch_unwind(AssertUnwindSafe(|| call(&event)));
        }
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = |is_set| if is_set { "_" } else { "None" };
        f.debug_struct("Listeners")
            .field("on_error", &format_args!("{}", set(self.on_error.is_some())))
            .field("on_event", &format_args!("{}", set(self.on_event.is_some())))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::sync::lock;

    #[test]
    #[expect(deprecated, reason = "what the former listeners get")]
    fn a_listener_for_errors_alone_hears_of_resumed_and_replaced_dumps() {
        let heard = Arc::<Mutex<Vec<(DrainError, String)>>>::default();
        let hears = Arc::clone(&heard);
        let mut listeners = Listeners::default();
        listeners.set_on_error(move |error| lock(&hears).push((error.clone(), error.to_string())));
        let path = PathBuf::from("app.steno");
        let (to, offset, lost) = (path.clone(), 7, 3);
        let failed_for = Duration::from_secs(1);
        let cause = FileEvent::Moved;
        let events = [
            Event::Resumed { path: path.clone(), offset, failed_for, lost },
            Event::Replaced { path: path.clone(), offset, cause, to, lost },
            Event::EndedUnused { path: path.clone() },
            Event::Dump(DrainError::Panicked { path }),
        ];
        for event in &events {
            listeners.tell(event.clone());
        }
        let heard = lock(&heard);
        assert_eq!(heard.len(), 3);
        assert!(matches!(heard[0].0, DrainError::Resumed { offset: 7, lost: 3, .. }));
        assert!(matches!(heard[1].0, DrainError::Replaced { fate: FileEvent::Moved, .. }));
        assert_eq!(heard[0].1, events[0].to_string());
        assert_eq!(heard[1].1, events[1].to_string());
    }
}
