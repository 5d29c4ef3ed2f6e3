//! Outcomes of a refresh: what has become of a dump's file.

/// The result of [`Dump::refresh`](crate::Dump::refresh).
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, Refresh};
///
/// let mut dump = Dump::open("app.steno")?;
/// match dump.refresh()? {
///     Refresh::Grown { bytes } => println!("{bytes} more bytes"),
///     Refresh::Replaced => dump = Dump::open("app.steno")?,
///     _ => {}
/// }
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refresh {
    /// Nothing was appended. The [state](crate::Dump::state) may be another: the writer may have died.
    Unchanged,
    /// The file has grown, and the dump with it.
    Grown {
        /// How many bytes were appended.
        bytes: u64,
    },
    /// The path leads to another file or to none, or the file was overwritten by another dump. This dump
    /// has everything that was found in its own file, and stays as it is.
    Replaced,
    /// The file is shorter than what was read of it, by another program's doing. The dump stays as it is;
    /// if its file is mapped, the missing bytes cannot be read any more: see
    /// [`survive_shrinking_files`](crate::survive_shrinking_files).
    Shrunk {
        /// How many bytes were read.
        read: u64,
        /// How many the file has.
        found: u64,
    },
    /// The dump is not read from a file that could grow: it was read from a pipe, from memory, or from
    /// rings.
    NotAFile,
}
