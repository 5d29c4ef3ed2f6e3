//! Standard output, in large pieces, and standard error, a line at a time.

pub(crate) mod atomic_write;
pub(crate) mod completeness;
pub(crate) mod damage;

use std::fmt::Display;
use std::io::{self, IsTerminal as _, StdoutLock, Write as _};

use anyhow::Context as _;
use stenolog_decoder::escape::push_escaped;

/// How much is gathered before it is written.
const BUFFER_BYTES: usize = 128 * 1024;

/// Standard output, locked for the whole run.
///
/// Text is gathered in one buffer and handed on in whole lines, which standard output's own line
/// buffer passes through without a copy.
pub(crate) struct Output {
    stdout: StdoutLock<'static>,
    buffer: String,
    limit: usize,
}

impl Output {
    /// Locks standard output.
    pub(crate) fn new() -> Self {
        let stdout = io::stdout().lock();
        // Who watches wants to see a rare match when it is found, not when the buffer is full.
        let limit = if stdout.is_terminal() { 0 } else { BUFFER_BYTES };
        Self { stdout, buffer: String::with_capacity(2 * limit), limit }
    }

    /// Appends what `write` appends, and hands the buffer on when it is full.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut String)) -> anyhow::Result<()> {
        write(&mut self.buffer);
        if self.buffer.len() > self.limit { self.flush() } else { Ok(()) }
    }

    /// Hands on what was gathered, and this behind it.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub(crate) fn write(&mut self, text: &[u8]) -> anyhow::Result<()> {
        self.flush()?;
        let written = self.stdout.write_all(text);
        written.and_then(|()| self.stdout.flush()).context("standard output: cannot be written")
    }

    /// Hands on all that was gathered.
    ///
    /// # Errors
    /// If standard output takes no more.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        let written = self.stdout.write_all(self.buffer.as_bytes());
        self.buffer.clear();
        written.and_then(|()| self.stdout.flush()).context("standard output: cannot be written")
    }
}

/// Writes one line to standard error, with the program's name before it.
///
/// If standard error is closed, there is no way to report that, so it is not an error.
pub(crate) fn complain(message: impl Display) {
    let mut line = String::from("steno: ");
    // File names come from anywhere: none may move the cursor or fake a second line.
    push_escaped(&mut line, &message.to_string());
    line.push('\n');
    // One call, so that lines of several programs do not mix.
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Whether the reader of standard output has closed it, as `head` does.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
