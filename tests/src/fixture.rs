//! A logger of one test, and what it wrote.

use std::path::{Path, PathBuf};

use serde_json::Value;
use stenolog::{Builder, Logger, Scope};

use crate::reading::{message, read};

/// A logger of one test, which the test's thread has entered.
///
/// Tests run side by side in one process, and only one logger can be the global one.
#[derive(Debug)]
pub struct LogFixture {
    // The order is that of dropping: the scope ends before its logger.
    scope: Option<Scope>,
    logger: Option<Logger>,
    path: PathBuf,
    folder: tempfile::TempDir,
}

impl LogFixture {
    /// A fixture with the default configuration.
    #[must_use]
    pub fn new() -> Self {
        Self::with(|builder| builder)
    }

    /// A fixture with a configuration of its own.
    ///
    /// # Panics
    /// If the logger does not start.
    #[must_use]
    pub fn with(configure: impl FnOnce(Builder) -> Builder) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("app.steno");
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

    /// A folder that lives as long as the fixture.
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

impl Default for LogFixture {
    fn default() -> Self {
        Self::new()
    }
}
