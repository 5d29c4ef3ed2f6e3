//! Errors about ring directories.

use std::io;
use std::path::PathBuf;

use stenolog_session::dir::DirError;

/// A directory that has the name of the rings but is not trusted.
///
/// # Examples
///
/// ```
/// use stenolog_decoder::{RefusalReason, RingDir};
///
/// let refused = RingDir::open("no/such/directory").unwrap_err();
/// assert!(matches!(refused.why, RefusalReason::Io(_)));
/// assert!(refused.to_string().starts_with("no/such/directory: cannot be read"));
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
#[non_exhaustive]
pub struct RefusedDir {
    /// The directory.
    pub path: PathBuf,
    /// The reason.
    pub why: RefusalReason,
}

/// The reason why a directory is not trusted.
///
/// See [`RefusedDir`] for an example.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RefusalReason {
    /// It may lead anywhere.
    #[error("is a symbolic link; name the directory that it leads to")]
    Link,
    /// It belongs to another user, who could have planted it.
    #[error("belongs to user {owner}, who did not write the dump")]
    Owner {
        /// The user id.
        owner: u32,
    },
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// The reason why rings cannot be read at all.
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Limits, RingDir, RingsError};
///
/// let rings = RingDir::open("stenolog-a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1.rings")?;
/// match rings.read(None, &Limits::default()) {
///     Ok(recovery) => println!("{} records", recovery.records),
///     Err(RingsError::Alive { .. }) => println!("the logger writes them itself"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RingsError {
    /// The logger is still running, and writes the records itself.
    #[error("{}: the writer is still running; its rings are left alone", path.display())]
    Alive {
        /// The ring directory.
        path: PathBuf,
    },
    /// The directory cannot be read, or is not trusted.
    #[error(transparent)]
    Dir(#[from] RefusedDir),
    /// There is no dump, and no `meta.steno` that can be read instead.
    #[error("{}: is not a ring directory: its meta.steno {why}", path.display())]
    NoMeta {
        /// The ring directory.
        path: PathBuf,
        /// What is wrong with the file.
        why: Box<str>,
    },
    /// The records do not fit in a dump.
    #[error("{}: cannot be turned into a dump: {why}", path.display())]
    Unusable {
        /// The ring directory.
        path: PathBuf,
        /// The reason.
        why: Box<str>,
    },
}

impl From<DirError> for RefusalReason {
    fn from(error: DirError) -> Self {
        match error {
            DirError::Link => Self::Link,
            DirError::Io(error) => Self::Io(error),
        }
    }
}
