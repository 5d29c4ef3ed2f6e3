//! States of a dump: how the file ends, and whether more may come.

/// How a dump ends. A torn tail is not an error: all records before it are read.
///
/// # Examples
///
/// ```
/// use stenolog_decoder::Tail;
///
/// fn describe(tail: Tail) -> String {
///     match tail {
///         Tail::Sealed => "the logger closed it".to_owned(),
///         Tail::Unfinished => "the logger runs, or died between two writes".to_owned(),
///         Tail::Torn { offset, bytes } => format!("{bytes} bytes of a write at {offset}"),
///         _ => "a newer library knows".to_owned(),
///     }
/// }
/// assert_eq!(describe(Tail::Torn { offset: 4096, bytes: 17 }), "17 bytes of a write at 4096");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tail {
    /// The logger closed the file.
    Sealed,
    /// All frames are whole, but none says that it is the last: the logger still runs, or died.
    Unfinished,
    /// The bytes from `offset` on hold no whole frame. If they begin with a block, its whole records are
    /// read.
    Torn {
        /// Where the cut frame begins.
        offset: u64,
        /// How many bytes there are of it.
        bytes: u64,
    },
}

/// Whether a dump is finished, and whether it can still be.
///
/// Combines the [`Tail`] of a file with the liveness of its writer; see
/// [`Dump::state`](crate::Dump::state).
///
/// # Examples
///
/// ```no_run
/// use stenolog_decoder::{Dump, DumpState};
///
/// let dump = Dump::open("app.steno")?;
/// if dump.state() == DumpState::Unfinished {
///     println!("its logger died; its rings may hold more records");
/// }
/// # Ok::<(), stenolog_decoder::OpenError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DumpState {
    /// The file has its end: the logger closed it.
    Sealed,
    /// The file has no end yet, and its writer is alive: it may grow.
    Growing,
    /// The file has no end, and no writer is known to be alive: records that the writer had not written are
    /// missing, unless they are in its [rings](crate::RingDir).
    Unfinished,
}

impl DumpState {
    /// The state of a file with this tail. `writer_is_alive` is `None` if that is unknown.
    #[must_use]
    pub const fn new(tail: Tail, writer_is_alive: Option<bool>) -> Self {
        match (tail, writer_is_alive) {
            (Tail::Sealed, _) => Self::Sealed,
            (_, Some(true)) => Self::Growing,
            (_, Some(false) | None) => Self::Unfinished,
        }
    }
}
