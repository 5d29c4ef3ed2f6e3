//! Exit codes.

use std::process::ExitCode;

/// The outcome of a run. The first field that is `true` decides the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// An input could not be read, or an output not be written.
    pub(crate) unreadable: bool,
    /// Something that was read is damaged or incomplete.
    pub(crate) incomplete: bool,
    /// Nothing matched, and the user asked for an exit code (`--exit-status`).
    pub(crate) unmatched: bool,
}

/// The code of an input that cannot be read.
pub(crate) const UNREADABLE: u8 = 1;

/// The code of a wrong command line.
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
