//! Messages on standard error, one line each.

use std::fmt::Display;
use std::io::{self, Write as _};

use stenolog_decoder::escape::push_escaped;

/// Writes one line to standard error, prefixed with the program's name.
///
/// If standard error is closed, nobody can be told, so that is not an error.
pub(crate) fn warn(message: impl Display) {
    let mut line = String::from("steno: ");
    // File names are untrusted: they must not move the cursor or fake a second line.
    push_escaped(&mut line, &message.to_string());
    line.push('\n');
    // One call, so that lines of several programs do not mix.
    let _ = io::stderr().write_all(line.as_bytes());
}
