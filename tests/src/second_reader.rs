//! The second reader: one in Python, written from `FORMAT.md` alone.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What the second reader makes of a dump.
#[derive(Debug)]
pub struct Reading {
    /// A line of JSON for each record and loss.
    pub lines: Vec<String>,
    /// What it wrote to standard error.
    pub complaints: String,
    /// How it ended.
    pub code: Option<i32>,
}

impl Reading {
    /// Has it read a file.
    ///
    /// # Panics
    /// If there is no Python.
    #[must_use]
    #[track_caller]
    pub fn of(path: &Path) -> Self {
        let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/second_reader/steno_reader.py");
        // `-B`: no compiled files beside the sources.
        let output = match Command::new("python3").args(["-B", reader]).arg(path).output() {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("this test runs a reader written in Python: install python3 (3.9 or later)")
            }
            Err(error) => panic!("cannot run python3: {error}"),
        };
        let text = |bytes| String::from_utf8(bytes).expect("the reader prints UTF-8");
        let stdout = text(output.stdout);
        Self {
            lines: stdout.lines().map(str::to_owned).collect(),
            complaints: text(output.stderr),
            code: output.status.code(),
        }
    }

    /// Has it read a dump.
    ///
    /// # Panics
    /// As [`of`](Self::of).
    #[must_use]
    #[track_caller]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), bytes).expect("it can be written");
        Self::of(file.path())
    }

    /// The lines, of a dump without damage.
    ///
    /// # Panics
    /// If there was something to complain of.
    #[must_use]
    #[track_caller]
    pub fn whole(self) -> Vec<String> {
        assert_eq!((self.complaints.as_str(), self.code), ("", Some(0)));
        self.lines
    }
}

/// A line as JSON.
///
/// # Panics
/// If it is not JSON.
#[must_use]
pub fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The values of a record as JSON text: a JSON library would round 128-bit integers.
///
/// # Panics
/// If the line is not of a record.
#[must_use]
pub fn values(line: &str) -> &str {
    let (_, values) = line.split_once(r#","values":["#).expect("a record has values");
    values.strip_suffix("]}").expect("they are the last")
}
