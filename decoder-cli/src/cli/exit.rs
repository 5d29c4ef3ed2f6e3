//! What the exit code says.

use std::process::ExitCode;

/// How a run went. The first of these that is true decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// An input could not be read at all.
    pub(crate) unreadable: bool,
    /// What was read is damaged, or something is missing from it.
    pub(crate) incomplete: bool,
    /// Nothing matched, and the user asked to be told (`--exit-status`).
    pub(crate) unmatched: bool,
}

/// An input cannot be read.
pub(crate) const UNREADABLE: u8 = 1;

/// The command line makes no sense.
pub(crate) const USAGE: u8 = 2;

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        Self::from(match outcome {
            Outcome { unreadable: true, .. } => UNREADABLE,
            Outcome { incomplete: true, .. } => 3,
            Outcome { unmatched: true, .. } => 1,
            _ => 0,
        })
    }
}
