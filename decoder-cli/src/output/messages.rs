//! Messages on standard error, one line each.

use std::fmt::Display;
use std::io::{self, Write as _};

use stenolog_decoder::escape::push_escaped;

/// Writes one line to standard error, prefixed with the program's name.
///
/// Does nothing if standard error is closed.
pub(crate) fn warn(message: impl Display) {
    let mut line = String::from("steno: ");
    // File names are untrusted: they must not move the cursor or fake a second line.
    push_escaped(&mut line, &message.to_string());
    line.push('\n');
    // In one call: lines of several programs must not mix.
    let _ = io::stderr().write_all(line.as_bytes());
}
