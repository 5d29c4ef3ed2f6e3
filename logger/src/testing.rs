//! Records of a test: what the code under test has logged (feature `console`).
//!
//! ```
//! #[stenolog::test]
//! fn a_retry_is_logged(log: stenolog::testing::Captured) {
//!     stenolog::warn!(attempt = 2, "retrying {}", "10.0.0.7");
//!     assert!(log.contains("retrying 10.0.0.7"));
//!     assert_eq!(log.records()[0].field("attempt").as_deref(), Some("2"));
//! }
//! ```
//!
//! A captured test has the global logger, and so the records of all threads and tasks. Tests that are captured
//! therefore run one after the other within a process; all others run beside them as usual.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use stenolog_decoder::text::write_display;
use stenolog_decoder::{Decoder, Dump, Entry, Format, Losses, RenderOptions, Renderer};

use crate::sync::lock;
use crate::{Builder, Level, Logger, OnFull, Rings};

/// Whether a test captures, and so has the global logger.
static IS_TAKEN: Mutex<bool> = Mutex::new(false);

/// Signalled when a test no longer captures.
static IS_FREE: Condvar = Condvar::new();

/// The right to capture. Not a lock's guard: a test may hand its [`Captured`] to another thread.
struct Turn(());

impl Turn {
    fn wait() -> Self {
        let mut is_taken = lock(&IS_TAKEN);
        while *is_taken {
            is_taken = IS_FREE.wait(is_taken).unwrap_or_else(PoisonError::into_inner);
        }
        *is_taken = true;
        Self(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *lock(&IS_TAKEN) = false;
        IS_FREE.notify_one();
    }
}

/// Captures what is logged from now on, until the result is dropped, for tests that have another attribute, such as
/// `#[tokio::test]`. Waits until no other test captures.
///
/// ```
/// let log = stenolog::testing::capture();
/// stenolog::info!(order_id = 7, "filled");
/// assert_eq!(log.messages(), ["filled"]);
/// ```
///
/// # Panics
/// If there is a global logger already, or if no temporary file can be created.
#[must_use = "the capture ends when this is dropped"]
pub fn capture() -> Captured {
    let turn = Turn::wait();
    let folder = Folder::new();
    let logger = Builder::new(folder.0.join("test.steno"))
        .filter("trace")
        .rings(Rings::Memory)
        .on_full(OnFull::Block)
        .start()
        .unwrap_or_else(|error| panic!("cannot capture what this test logs: {error}"));
    Captured(Arc::new(Capture { logger, _folder: folder, _turn: turn }))
}

/// What the code under test has logged, on all threads, since the test began. If the test panics, its text is
/// printed.
///
/// See [`stenolog::test`](macro@crate::test) and [`capture`].
#[derive(Clone)]
pub struct Captured(Arc<Capture>);

struct Capture {
    logger: Logger,
    _folder: Folder,
    /// The last to be dropped.
    _turn: Turn,
}

/// A record that was captured.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapturedRecord {
    /// Its level.
    pub level: Level,
    /// Its target.
    pub target: String,
    /// Its message, as `format!` gives it.
    pub message: String,
    /// Its named values, as `{}` or `{:?}` prints them, in the order of the call.
    pub fields: Vec<(String, String)>,
    /// The name of its thread.
    pub thread: String,
    /// The source file of the call.
    pub file: String,
    /// The line of the call.
    pub line: u32,
    /// The record as `steno -o json` prints it.
    pub json: String,
}

impl CapturedRecord {
    /// Returns the text of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        self.fields.iter().find(|(of, _)| of == name).map(|(_, value)| value.clone())
    }
}

impl Captured {
    /// Returns all records so far, in the order of time.
    ///
    /// # Panics
    /// If the records cannot be written or read.
    #[must_use]
    pub fn records(&self) -> Vec<CapturedRecord> {
        let mut records = Vec::new();
        let mut renderer = Renderer::new(Format::Json, RenderOptions::default());
        self.each(|entry| {
            let Entry::Record(record) = entry else { return };
            let site = record.call_site();
            let mut json = String::new();
            renderer.write(entry, &mut json);
            let mut message = String::new();
            record.write_message(&mut message);
            records.push(CapturedRecord {
                level: record.level(),
                target: site.target.to_string(),
                message,
                fields: record
                    .fields()
                    .map(|(name, value)| {
                        let mut text = String::new();
                        write_display(&mut text, value);
                        (name.to_owned(), text)
                    })
                    .collect(),
                thread: record.thread_name().to_owned(),
                file: site.file.to_string(),
                line: site.line,
                json: json.trim_end().to_owned(),
            });
        });
        records
    }

    /// Returns the messages of all records so far.
    ///
    /// # Panics
    /// As [`records`](Self::records).
    #[must_use]
    pub fn messages(&self) -> Vec<String> {
        self.records().into_iter().map(|record| record.message).collect()
    }

    /// Returns all records so far as text, as `steno -o short` prints them.
    ///
    /// # Panics
    /// As [`records`](Self::records).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut renderer = Renderer::new(Format::Short, RenderOptions::default());
        self.each(|entry| renderer.write(entry, &mut text));
        text
    }

    /// Whether a line of [`text`](Self::text) contains this.
    ///
    /// # Panics
    /// As [`records`](Self::records).
    #[must_use]
    pub fn contains(&self, what: &str) -> bool {
        self.text().lines().any(|line| line.contains(what))
    }

    /// Returns how many records so far have this level.
    ///
    /// # Panics
    /// As [`records`](Self::records).
    #[must_use]
    pub fn count(&self, level: Level) -> usize {
        self.records().iter().filter(|record| record.level == level).count()
    }

    /// Returns the logger, for example to change its filter.
    pub fn logger(&self) -> &Logger {
        &self.0.logger
    }

    fn each(&self, mut visit: impl FnMut(&Entry<'_>)) {
        self.0.logger.flush().expect("what was logged is written");
        let dump = Dump::open(self.0.logger.path()).expect("the dump of this test can be read");
        let _ = Decoder::new(dump).with_losses(Losses::Inline).for_each(|entry| {
            visit(entry);
            ControlFlow::Continue(())
        });
    }
}

impl Drop for Captured {
    fn drop(&mut self) {
        // One of them tells, when the test has ended.
        if std::thread::panicking() && Arc::strong_count(&self.0) == 1 {
            self.tell();
        }
    }
}

impl Captured {
    #[expect(
        clippy::print_stdout,
        reason = "the test harness captures what goes through the macro"
    )]
    fn tell(&self) {
        if self.0.logger.flush().is_ok() {
            print!("{}", self.text());
        }
    }
}

/// The outcome of a test.
#[doc(hidden)]
pub trait Outcome {
    /// Whether the test has failed.
    fn has_failed(&self) -> bool;
}

impl Outcome for () {
    fn has_failed(&self) -> bool {
        false
    }
}

impl<T, E> Outcome for Result<T, E> {
    fn has_failed(&self) -> bool {
        self.is_err()
    }
}

/// Prints what was logged if a test has failed without a panic.
#[doc(hidden)]
pub fn tell_if_failed(log: &Captured, outcome: &impl Outcome) {
    if outcome.has_failed() {
        log.tell();
    }
}

impl fmt::Debug for Captured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Captured").field("logger", &self.0.logger).finish_non_exhaustive()
    }
}

/// A folder of the test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};

        static NEXT: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("stenolog-test-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            match std::fs::create_dir(&path) {
                Ok(()) => return Self(path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("cannot create the folder {}: {error}", path.display()),
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
