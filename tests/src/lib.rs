//! What the end-to-end tests share: a scene to log in, the reading of what came of it, and the bodies
//! of the fuzz targets.

pub mod fuzz;

#[cfg(unix)]
pub mod kill;

use std::io::{ErrorKind, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use stenolog::{Builder, Logger, Scope};
use stenolog_decoder::{Decoder, Dump, Format, RenderOptions, Renderer, Summary};

/// A logger of this test alone, which the test's thread has entered.
///
/// Tests run side by side in one process, where only one logger can be the global one.
#[derive(Debug)]
pub struct Scene {
    // The order is that of dropping: the scope ends before its logger.
    scope: Option<Scope>,
    logger: Option<Logger>,
    path: PathBuf,
    folder: tempfile::TempDir,
}

impl Scene {
    /// A scene with the default configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// A scene with a configuration of its own.
    ///
    /// # Panics
    /// If the logger does not start.
    #[must_use]
    pub fn with(configure: impl FnOnce(Builder) -> Builder) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("scene.steno");
        let logger = configure(Builder::new(&path).filter("trace"))
            .start_detached()
            .expect("a detached logger starts");
        Self { scope: Some(logger.enter()), logger: Some(logger), path, folder }
    }

    /// The logger, for other threads to enter.
    ///
    /// # Panics
    /// If it has ended.
    pub fn logger(&self) -> &Logger {
        self.logger.as_ref().expect("the logger runs")
    }

    /// The dump.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A folder that lives as long as the scene.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Seals the dump and reads it.
    ///
    /// # Panics
    /// If the dump is not whole.
    pub fn finish(&mut self) -> Vec<Value> {
        self.scope = None;
        self.logger.take().expect("the logger runs").close().expect("the dump is written");
        let (records, summary) = read(&self.path);
        assert!(summary.is_complete(), "{summary:?}");
        records
    }

    /// The messages of what was logged, in order.
    ///
    /// # Panics
    /// As [`finish`](Self::finish).
    pub fn messages(&mut self) -> Vec<String> {
        self.finish().iter().map(|record| message(record).to_owned()).collect()
    }
}

impl Default for Scene {
    fn default() -> Self {
        Self::new()
    }
}

/// The message of a record that was read as JSON.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn message(record: &Value) -> &str {
    record["message"].as_str().expect("each record has a message")
}

/// Reads a dump as JSON objects, and what the reader says of it.
///
/// # Panics
/// If the file cannot be opened, or if the decoder writes a line that is no JSON.
#[must_use]
pub fn read(path: &Path) -> (Vec<Value>, Summary) {
    let (text, summary) = render(path, Format::Json);
    if let Some(values) = count_by_jq(&text) {
        assert_eq!(values, text.lines().count(), "jq takes every line");
    }
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    (text.lines().map(parse).collect(), summary)
}

/// How many JSON values `jq` finds: a second opinion. `None` if there is no jq, but in CI.
fn count_by_jq(text: &str) -> Option<usize> {
    let started = Command::new("jq")
        .args(["-n", "reduce inputs as $each (0; . + 1)"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut jq = match started {
        Err(e) if e.kind() == ErrorKind::NotFound && std::env::var_os("CI").is_none() => {
            return None;
        }
        jq => jq.expect("jq starts: install it with the system's package manager"),
    };
    // It says nothing before it has read all, so that neither waits for the other.
    let mut input = jq.stdin.take().expect("a pipe was asked for");
    let written = input.write_all(text.as_bytes());
    drop(input);
    let output = jq.wait_with_output().expect("jq ends");
    assert!(written.is_ok() && output.status.success(), "jq refuses a line");
    Some(String::from_utf8_lossy(&output.stdout).trim().parse().expect("jq prints a number"))
}

/// Reads a dump in any format, and what the reader says of it.
///
/// # Panics
/// If the file cannot be opened.
#[must_use]
pub fn render(path: &Path, format: Format) -> (String, Summary) {
    let dumps = [Dump::open(path).expect("the dump opens")];
    let mut decoder = Decoder::new(&dumps);
    let mut renderer = Renderer::new(format, RenderOptions::default());
    let mut text = String::new();
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut text);
        ControlFlow::Continue(())
    });
    (text, decoder.summary())
}
