//! Output: standard output in large pieces, messages and progress on standard error, reports, and
//! new files.

pub(crate) mod atomic_write;
pub(crate) mod completeness;
pub(crate) mod messages;
pub(crate) mod progress;
pub(crate) mod report;

use std::io::{self, IsTerminal as _, StdoutLock, Write as _};

use anyhow::Context as _;

/// How many bytes are collected before they are written.
const BUFFER_BYTES: usize = 128 * 1024;

/// Standard output, locked for the whole run.
///
/// Text is collected in one buffer and written in whole lines, which standard output's own line buffer
/// passes through without a copy.
pub(crate) struct Output {
    stdout: StdoutLock<'static>,
    buffer: String,
    limit: usize,
}

impl Output {
    /// Locks standard output.
    pub(crate) fn new() -> Self {
        let stdout = io::stdout().lock();
        // On a terminal, a rare match is shown when it is found, not when the buffer is full.
        let limit = if stdout.is_terminal() { 0 } else { BUFFER_BYTES };
        Self { stdout, buffer: String::with_capacity(2 * limit), limit }
    }

    /// Appends what `write` appends, and writes the buffer when it is full.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut String)) -> anyhow::Result<()> {
        write(&mut self.buffer);
        if self.buffer.len() > self.limit { self.flush() } else { Ok(()) }
    }

    /// Writes the buffer, then `text`.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn write(&mut self, text: &[u8]) -> anyhow::Result<()> {
        self.flush()?;
        let written = self.stdout.write_all(text);
        written.and_then(|()| self.stdout.flush()).context("standard output: cannot be written")
    }

    /// Writes the buffer.
    ///
    /// # Errors
    /// If standard output cannot be written.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        let written = self.stdout.write_all(self.buffer.as_bytes());
        self.buffer.clear();
        written.and_then(|()| self.stdout.flush()).context("standard output: cannot be written")
    }
}

/// Whether the reader of standard output has closed it, as `head` does.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
