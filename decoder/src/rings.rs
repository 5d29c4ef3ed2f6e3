//! The rings of a dead writer, and the records that only they have.
//!
//! ```text
//!   stenolog-<session>.rings/
//!     meta.steno   call sites, threads, clock     ─┐
//!     ring-*       records, position and number   ─┼─▶ a dump in memory, of the same session, that
//!     progress     how much of the dump is whole  ─┘   a decoder reads together with the file
//! ```
//!
//! Rings are untrusted, like any other file: the directory must not be a link, and must belong to a user who
//! could have written the dump. Its files are opened without following links, nothing is read beyond the
//! [`Limits`](crate::Limits), and anything wrong is damage, not an error. `stenolog_session::unread` judges
//! each ring.

mod dir;
mod error;
mod judgement;
mod left;
mod read;
mod recovery;

pub use dir::{RingDir, RingSearch};
pub use error::{RefusalReason, RefusedDir, RingsError};
pub use left::{LeftRings, LeftState};
pub use recovery::{Recovery, UnreadRing};

/// The former name of [`UnreadRing`].
#[deprecated(note = "renamed to `UnreadRing`")]
pub type RingShare = UnreadRing;

/// The former name of [`RefusalReason`].
#[deprecated(note = "renamed to `RefusalReason`")]
pub type Why = RefusalReason;

#[cfg(test)]
mod tests;
