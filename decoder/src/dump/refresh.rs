//! Refresh: reads on where a dump's file ended.

use std::sync::Arc;

use super::contents::Contents;
use super::source::{Change, Source};
use super::{Dump, tail};
use crate::error::OpenError;

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
        /// How many bytes were appended; 0 if only the dump's tail has other records.
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

impl Dump {
    /// Reads on where the file ended, if its logger has appended to it.
    ///
    /// Afterwards the dump is what [`open`](Self::open) would read now. A frame that was cut by the end of
    /// the file may be whole; everything else stays where it was: see
    /// [`settled_blocks`](Self::settled_blocks). Clones that were made before keep what they have. Without
    /// clones, the cost depends on what was appended; with them, also on the size of the tables.
    /// While the logger lives, each call also waits about 4 ms: it asks several times whether it does.
    ///
    /// # Errors
    /// If the file cannot be read. The dump stays as it was.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use stenolog_decoder::{Dump, DumpState, Refresh};
    ///
    /// let mut dump = Dump::open("app.steno")?;
    /// while dump.state() == DumpState::Growing {
    ///     std::thread::sleep(std::time::Duration::from_millis(200));
    ///     if let Refresh::Grown { bytes } = dump.refresh()? {
    ///         println!("{bytes} more bytes, {} blocks in all", dump.blocks().len());
    ///     }
    /// }
    /// # Ok::<(), stenolog_decoder::OpenError>(())
    /// ```
    pub fn refresh(&mut self) -> Result<Refresh, OpenError> {
        // Before the file: what is no longer in the tail then is in the file.
        let has_tail = self.end().is_none() && self.source.is_at_path();
        let tail = if has_tail { tail::read_before(&self.path) } else { None };
        let found = self.refresh_file()?;
        if has_tail {
            let before = self.tail.clone();
            self.take_tail(tail.as_ref());
            let is_same = match (&before, &self.tail) {
                (Some(before), Some(tail)) => Arc::ptr_eq(before, tail),
                (None, None) => true,
                _ => false,
            };
            if matches!(found, Refresh::Unchanged) && !is_same {
                return Ok(Refresh::Grown { bytes: 0 });
            }
        }
        Ok(found)
    }

    fn refresh_file(&mut self) -> Result<Refresh, OpenError> {
        let failed = |source| OpenError::Io { path: self.path.to_path_buf(), source };
        let (change, writer_is_alive) = self.source.change(&self.path).map_err(failed)?;
        // It is not known of another file.
        self.writer_is_alive = writer_is_alive.or(self.writer_is_alive);
        let read = self.len_bytes();
        let (file, bytes) = match change {
            Change::Longer { file, bytes } => (file, bytes),
            Change::None => return Ok(Refresh::Unchanged),
            Change::Moved => return Ok(Refresh::Replaced),
            Change::Shorter { bytes } => return Ok(Refresh::Shrunk { read, found: bytes }),
            Change::NoFile => return Ok(Refresh::NotAFile),
        };
        let length = usize::try_from(bytes)
            .map_err(|_| OpenError::TooLarge { path: self.path.to_path_buf(), bytes })?;
        let settled = self.contents.scanned.checkpoint.settled_bytes();
        let (limits, source) = (&self.contents.limits, &mut self.source);
        let has_grown = Source::grow(source, file, length, settled, writer_is_alive, limits);
        if !has_grown.map_err(failed)? {
            return Ok(Refresh::Replaced);
        }
        Contents::refresh(&mut self.contents, &self.name, &self.source)?;
        Ok(Refresh::Grown { bytes: bytes - read })
    }
}
