//! Names, user words and limits of the files that a run leaves on disk.
//!
//! ```text
//!   stenolog-<session>.rings/     in /dev/shm, or beside the dump
//!     meta.steno     a dump without blocks: call sites, threads, a clock pair
//!     progress       how long the dump is, and where each ring is
//!     ring-<n>       a ring, with its session, thread, numbers and losses in its user words
//!     dump           which dump the rings belong to
//!     left           empty: the directory was found without its writer
//!   stenolog-<session>.tail       beside the dump: a copy of the records that only the rings have
//! ```
//!
//! `FORMAT.md` §14 and §15 specify these files; this module is the only place in the code that does.

mod location;
mod progress;
mod words;

use std::path::{Path, PathBuf};

pub use location::DumpLocation;
pub use progress::{Progress, RingList, RingPlace};
pub use words::{RingWords, word};

const SESSION_PREFIX: &str = "stenolog-";
const DIRECTORY_SUFFIX: &str = ".rings";
const TAIL_SUFFIX: &str = ".tail";

/// The file with call sites, threads and clock.
pub const META_FILE: &str = "meta.steno";

/// The file that says how long the dump is and where each ring is: [`Progress`].
pub const PROGRESS_FILE: &str = "progress";

/// The file that names the dump: [`DumpLocation`].
pub const LOCATION_FILE: &str = "dump";

/// The empty file that a logger creates when it first finds the directory without its writer. The rings
/// were abandoned at the time of that file at the latest.
pub const LEFT_FILE: &str = "left";

const RING_PREFIX: &str = "ring-";
const TEMPORARY_PREFIX: &str = ".new-ring-";

/// The folder in which loggers keep their rings on Linux: memory, which is never written back to a disk.
pub const SHARED_MEMORY: &str = "/dev/shm";

/// The sequence in the header of a file that has no place in the order of a session's dumps, such as
/// `meta.steno`.
pub const META_SEQUENCE: u32 = u32::MAX;

/// The sequence in the header of a tail.
pub const TAIL_SEQUENCE: u32 = u32::MAX - 1;

/// The most bytes of a tail that are read. Loggers begin it again long before.
pub const MAX_TAIL_BYTES: u64 = 64 << 20;

/// The length of the header of a ring file, which has the user words.
pub const RING_HEADER_BYTES: u64 = 4096;

/// The length of the longest ring file: a header, and the greatest capacity.
pub const MAX_RING_FILE_BYTES: u64 = RING_HEADER_BYTES + (1 << 30);

/// The name of the ring directory of a session.
///
/// # Examples
///
/// ```
/// use stenolog_session::layout::{directory_name, is_directory_name, session_of};
///
/// let name = directory_name(&[0xa1; 16]);
/// assert_eq!(name, "stenolog-a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1.rings");
/// assert!(is_directory_name(&name));
/// assert_eq!(session_of(&name), Some([0xa1; 16]));
/// ```
#[must_use]
pub fn directory_name(session: &[u8; 16]) -> String {
    named(session, DIRECTORY_SUFFIX)
}

/// Whether a directory of this name may be a ring directory.
#[must_use]
pub fn is_directory_name(name: &str) -> bool {
    name.strip_prefix(SESSION_PREFIX).is_some_and(|rest| rest.ends_with(DIRECTORY_SUFFIX))
}

/// The session of a ring directory, if its name is one that [`directory_name`] returns.
///
/// # Examples
///
/// ```
/// assert_eq!(stenolog_session::layout::session_of("stenolog-a1.rings"), None);
/// ```
#[must_use]
pub fn session_of(name: &str) -> Option<[u8; 16]> {
    session_named(name, DIRECTORY_SUFFIX)
}

/// The name of the tail of a session's dump.
///
/// # Examples
///
/// ```
/// use stenolog_session::layout::{tail_file, tail_session_of};
///
/// let name = tail_file(&[0xa1; 16]);
/// assert_eq!(name, "stenolog-a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1.tail");
/// assert_eq!(tail_session_of(&name), Some([0xa1; 16]));
/// ```
#[must_use]
pub fn tail_file(session: &[u8; 16]) -> String {
    named(session, TAIL_SUFFIX)
}

/// The session of a tail, if its name is one that [`tail_file`] returns.
#[must_use]
pub fn tail_session_of(name: &str) -> Option<[u8; 16]> {
    session_named(name, TAIL_SUFFIX)
}

fn named(session: &[u8; 16], suffix: &str) -> String {
    let digits = u128::from_be_bytes(*session);
    format!("{SESSION_PREFIX}{digits:032x}{suffix}")
}

fn session_named(name: &str, suffix: &str) -> Option<[u8; 16]> {
    let digits = name.strip_prefix(SESSION_PREFIX)?.strip_suffix(suffix)?;
    let session = u128::from_str_radix(digits, 16).ok()?.to_be_bytes();
    (named(&session, suffix) == name).then_some(session)
}

/// The name of the ring file with this number.
#[must_use]
pub fn ring_file(number: u32) -> String {
    format!("{RING_PREFIX}{number}")
}

/// Whether a file of this name is a ring.
#[must_use]
pub fn is_ring_file(name: &str) -> bool {
    name.starts_with(RING_PREFIX)
}

/// The name that a file has while it is created. Readers ignore it.
///
/// # Examples
///
/// ```
/// use stenolog_session::layout::{is_ring_file, ring_file, temporary_file};
///
/// assert!(is_ring_file(&ring_file(3)) && !is_ring_file(&temporary_file(3)));
/// ```
#[must_use]
pub fn temporary_file(what: impl std::fmt::Display) -> String {
    format!("{TEMPORARY_PREFIX}{what}")
}

/// Whether a file of this name was being created.
#[must_use]
pub fn is_temporary_file(name: &str) -> bool {
    name.starts_with(TEMPORARY_PREFIX)
}

/// The order in which files are removed with their directory, the lowest rank first; `None` if loggers do
/// not create files of this name, which are therefore kept.
///
/// `meta.steno` goes last: if the removal is interrupted, the rest can still be read.
#[must_use]
pub fn removal_rank(name: &str) -> Option<u8> {
    match name {
        META_FILE => Some(3),
        LOCATION_FILE => Some(2),
        PROGRESS_FILE | LEFT_FILE => Some(1),
        _ if is_ring_file(name) || is_temporary_file(name) => Some(0),
        _ => None,
    }
}

/// Whether a directory that holds a file of this name may hold records.
#[must_use]
pub fn hints_at_records(name: &str) -> bool {
    ![META_FILE, LOCATION_FILE, LEFT_FILE].contains(&name)
}

/// The folder that a path is in: `.` if the path is a bare name.
#[must_use]
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The folders in which a logger tries to create its ring directory, in this order.
///
/// # Examples
///
/// ```
/// let folders = stenolog_session::layout::writer_folders("logs/app.steno".as_ref());
/// assert_eq!(folders.last().unwrap(), std::path::Path::new("logs"));
/// ```
#[must_use]
pub fn writer_folders(dump: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder_of(dump)];
    if cfg!(target_os = "linux") {
        folders.insert(0, PathBuf::from(SHARED_MEMORY));
    }
    folders
}

/// The folders in which a reader looks for the ring directory of a dump, in this order.
#[must_use]
pub fn reader_folders(dump: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder_of(dump)];
    // The rings are beside the file that a link leads to.
    folders.extend(dump.canonicalize().iter().map(|path| folder_of(path)));
    if cfg!(unix) {
        folders.push(SHARED_MEMORY.into());
    }
    folders
}
