//! Call sites and threads, as a dump states them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use crate::shape::Role;
use crate::types::Type;

/// The severity of a record, most severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Something failed.
    Error = 1,
    /// Something is about to fail, or had to be worked around.
    Warn = 2,
    /// Something worth knowing happened.
    Info = 3,
    /// Details for developers.
    Debug = 4,
    /// Fine details for developers.
    Trace = 5,
}

impl Level {
    /// [`Level::Error`], by the name that `tracing` uses.
    pub const ERROR: Self = Self::Error;
    /// [`Level::Warn`], by the name that `tracing` uses.
    pub const WARN: Self = Self::Warn;
    /// [`Level::Info`], by the name that `tracing` uses.
    pub const INFO: Self = Self::Info;
    /// [`Level::Debug`], by the name that `tracing` uses.
    pub const DEBUG: Self = Self::Debug;
    /// [`Level::Trace`], by the name that `tracing` uses.
    pub const TRACE: Self = Self::Trace;

    /// All levels, most severe first.
    pub const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The place of the level in [`Level::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize - 1
    }

    /// The bit of the level in a block's set of levels.
    #[must_use]
    pub const fn bit(self) -> u8 {
        1 << self.index()
    }

    /// The name in capitals: `ERROR` … `TRACE`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
            Self::Trace => "TRACE",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that is not the name of a level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a level: use error, warn, info, debug or trace")]
pub struct ParseLevelError(String);

impl FromStr for Level {
    type Err = ParseLevelError;

    /// Reads a level by its name, in any case, or by its number from 1 (error) to 5 (trace).
    fn from_str(text: &str) -> Result<Self, ParseLevelError> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "error" | "err" | "1" => Self::Error,
            "warn" | "warning" | "2" => Self::Warn,
            "info" | "3" => Self::Info,
            "debug" | "4" => Self::Debug,
            "trace" | "5" => Self::Trace,
            _ => return Err(ParseLevelError(text.to_owned())),
        })
    }
}

/// A value that each record of a call site carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// The name of the argument or field. Empty if the same argument is printed again in another way.
    pub name: String,
    /// The use of the value.
    pub role: Role,
    /// Its type.
    pub ty: Type,
}

/// The source of the times of a call site's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TimeSource {
    /// The raw counter that the clock frames relate to UTC.
    Counter,
    /// The caller (`at:`), as signed nanoseconds since the Unix epoch.
    UnixNanos,
}

/// A place in a program that logs, with one list of types.
///
/// A call site in a generic function has an entry for each list of types that it ran with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallSite {
    /// The tag of its records: at least [`CallSite::FIRST_ID`], unique in a file.
    pub id: u32,
    /// The severity of the records.
    pub level: Level,
    /// The source of its records' times.
    pub time: TimeSource,
    /// The target, by which filters select: the module path, unless the call states another.
    pub target: String,
    /// The module path.
    pub module: String,
    /// The source file, as the compiler was given it.
    pub file: String,
    /// The line in the source file, from 1.
    pub line: u32,
    /// The column in the source file, from 1.
    pub column: u32,
    /// The message as a format string whose placeholders name slots by index.
    pub template: Option<String>,
    /// The values of a record, in the order in which they are stored.
    pub slots: Vec<Slot>,
}

impl CallSite {
    /// Smaller ids are reserved: 0 is no record, 1 a [loss](crate::loss) in a ring.
    pub const FIRST_ID: u32 = 16;

    /// The tag of a loss record.
    pub const LOSS_ID: u32 = 1;

    /// Appends the payload of a dictionary frame.
    pub fn encode_all<'a>(sites: impl Iterator<Item = &'a Self>, out: &mut Vec<u8>) {
        let sites: Vec<&Self> = sites.collect();
        put_postcard(&sites, out);
    }

    /// Reads the payload of a dictionary frame.
    ///
    /// # Errors
    /// If the payload holds no list of call sites.
    pub fn decode_all(payload: &[u8]) -> Result<Vec<Self>, postcard::Error> {
        take_postcard(payload)
    }
}

/// A call site whose records have values of these types, for tests.
#[cfg(test)]
pub(crate) fn site(id: u32, level: Level, time: TimeSource, types: &[Type]) -> CallSite {
    let slot = |ty: &Type| Slot { name: String::new(), role: Role::Field, ty: ty.clone() };
    CallSite {
        id,
        level,
        time,
        target: "t".into(),
        module: "m".into(),
        file: "f".into(),
        line: 1,
        column: 1,
        template: None,
        slots: types.iter().map(slot).collect(),
    }
}

/// The thread that writes a ring.
///
/// A ring serves one thread after another, under a new ring id each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The ring that its records come from.
    pub ring: u32,
    /// The thread's id in the operating system; 0 if unknown.
    pub os_id: u64,
    /// The name given in the program; may be empty.
    pub name: String,
    /// The ring that the thread gave back to take this one, if any: all its records come before those of
    /// this one. Its id is smaller than this ring's. Since format 1.3.
    pub continues: Option<u32>,
}

impl Thread {
    /// The entry for threads that got no ring: see [`Loss::NO_RING`](crate::loss::Loss::NO_RING).
    #[must_use]
    pub fn no_ring() -> Self {
        Self {
            ring: crate::loss::Loss::NO_RING,
            os_id: 0,
            name: "(no ring)".to_owned(),
            continues: None,
        }
    }

    /// Appends the payload of a thread frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_postcard(&(self.ring, self.os_id, &self.name), out);
        if let Some(ring) = self.continues {
            put_postcard(&ring, out);
        }
    }

    /// Reads the payload of a thread frame.
    ///
    /// # Errors
    /// If the payload holds no thread.
    pub fn decode(payload: &[u8]) -> Result<Self, postcard::Error> {
        let ((ring, os_id, name), rest) = postcard::take_from_bytes(payload)?;
        // Before format 1.3 nothing follows. Ids grow, so a ring cannot continue itself in a circle.
        let continues = take_postcard(rest).ok().filter(|before| (1..ring).contains(before));
        Ok(Self { ring, os_id, name, continues })
    }
}

pub(crate) fn put_postcard(value: &impl Serialize, out: &mut Vec<u8>) {
    let bytes = postcard::to_allocvec(value)
        .expect("a vector takes all bytes, and our types serialise without fail");
    out.extend_from_slice(&bytes);
}

/// Reads a value, and ignores what a later minor version appended to it.
pub(crate) fn take_postcard<'a, T: Deserialize<'a>>(
    payload: &'a [u8],
) -> Result<T, postcard::Error> {
    postcard::take_from_bytes(payload).map(|(value, _)| value)
}
