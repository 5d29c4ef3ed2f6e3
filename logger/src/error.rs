//! What can go wrong, and what to do about it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::filter::FilterError;

/// Why a logger could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// There is a global logger.
    #[error(
        "cannot start a second global logger on {path}: one writes to {running} already (drop it \
         first, or use `start_detached`)"
    )]
    AlreadyStarted {
        /// The dump that was to be written.
        path: PathBuf,
        /// The dump of the logger that runs.
        running: PathBuf,
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
        "cannot write to {path}: another logger has it open (give each process a path of its own)"
    )]
    Busy {
        /// The dump.
        path: PathBuf,
    },
    /// The file exists and is no dump.
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
    /// The dump of an earlier run cannot be moved out of the way.
    #[error("cannot move the earlier dump {path} to {to}: {source}")]
    KeepEarlier {
        /// The dump.
        path: PathBuf,
        /// Where it was to go.
        to: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The filter cannot be understood.
    #[error("cannot start the logger{}: {source}", variable.as_ref().map(|name| format!(" (environment variable {name})")).unwrap_or_default())]
    Filter {
        /// The environment variable that holds the filter, if it comes from one.
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
    /// Rings in files are required and cannot be had.
    #[error(
        "cannot keep the rings of {path} in files: {reason} (name a folder with `Builder::rings_in`, or allow rings in memory with `Builder::rings`)"
    )]
    Rings {
        /// The dump.
        path: PathBuf,
        /// Where they were to be, and why not.
        reason: String,
    },
    /// The process is a fork of one that logs.
    #[error(
        "cannot start a logger in a forked child: use exec, or start it before any logger of the parent"
    )]
    Forked,
}

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => " (create its folder first)",
        io::ErrorKind::PermissionDenied => " (choose a path that this user may write)",
        io::ErrorKind::IsADirectory => " (give the path of a file in it)",
        _ => "",
    }
}

/// Why records are not where they should be.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// No global logger runs.
    #[error("no logger runs: keep the value that `Builder::start` returns")]
    NotStarted,
    /// The operating system refused a write. What was not written stays in the rings as long as
    /// they have room, and is tried again.
    #[error(
        "cannot write to the dump {path}: {source} (what the rings hold is kept and tried again)"
    )]
    Write {
        /// The dump.
        path: PathBuf,
        /// What the operating system said.
        source: Arc<io::Error>,
    },
    /// The drain has ended.
    #[error("the logger of {path} has ended")]
    Ended {
        /// The dump.
        path: PathBuf,
    },
    /// The process is a fork of the one that logs; it has no drain.
    #[error("this process is a forked child: its parent's logger is not its own")]
    Forked,
}
