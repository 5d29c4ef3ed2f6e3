//! Programs of the guides, and fixtures for tests that read what programs of others log.
//!
//! | item | what it is for |
//! |---|---|
//! | [`Program`] | a program of `src/bin/` in a folder of its own |
//! | [`Running`] | one that a test ends |
//! | [`records`], [`text`] | reading a dump, with the rings of a dead writer |
//! | [`page`], [`blocks`], [`shows`] | the guides |

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use stenolog_decoder::{Decoder, Dump, Format, Limits, Order, RenderOptions, Renderer, RingDir};

/// A program, and the folder that it runs in.
#[derive(Debug)]
pub struct Program {
    command: Command,
    folder: tempfile::TempDir,
}

impl Program {
    /// A program at a path, in a new folder. Its environment says nothing to loggers.
    ///
    /// # Panics
    /// If there can be no folder.
    #[must_use]
    pub fn new(path: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder is created");
        let mut command = Command::new(path);
        command.current_dir(&folder).env_remove("STENOLOG").env_remove("RUST_LOG");
        command.env("NO_COLOR", "1").stdin(Stdio::null());
        Self { command, folder }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.command.arg(argument);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end, which must be a success. Returns what it printed: to standard output, to standard error.
    ///
    /// # Panics
    /// If it does not start, or fails.
    #[track_caller]
    pub fn run(&mut self) -> (String, String) {
        let output = self.command.output().expect("the program starts");
        assert!(output.status.success(), "{output:?}");
        let text = |bytes| String::from_utf8(bytes).expect("programs print UTF-8");
        (text(output.stdout), text(output.stderr))
    }

    /// Starts it, for a test that ends it.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(&mut self) -> Running {
        Running(self.command.spawn().expect("the program starts"))
    }

    /// A file in its folder.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// A program that runs, until it is killed or this is dropped.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Whether it has ended by itself.
    ///
    /// # Panics
    /// If the system does not know.
    pub fn has_ended(&mut self) -> bool {
        self.0.try_wait().expect("a child can be asked").is_some()
    }

    /// Kills it.
    ///
    /// # Panics
    /// If that is not possible.
    pub fn kill(mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("a child can be killed");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill().and_then(|()| self.0.wait()));
    }
}

/// What the logger of a killed program left elsewhere.
impl Drop for Program {
    fn drop(&mut self) {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let dumps = files.filter_map(|file| Dump::open(file.path()).ok());
        for rings in dumps.filter_map(|dump| RingDir::find(&dump, &[]).found) {
            drop(rings.remove());
        }
    }
}

/// The records of a dump as JSON objects, in the order of time.
///
/// # Panics
/// If the dump cannot be read, or is not complete.
#[must_use]
#[track_caller]
pub fn records(path: &Path) -> Vec<Value> {
    let text = render(path, Format::Json);
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

/// A dump as `steno` prints it, without the times.
///
/// # Panics
/// If the dump cannot be read, or is not complete.
#[must_use]
#[track_caller]
pub fn text(path: &Path) -> String {
    untimed(&render(path, Format::Short))
}

/// Lines without the first word of each.
#[must_use]
pub fn untimed(text: &str) -> String {
    let untimed =
        |line: &str| line.split_once(' ').map_or(line, |(_, rest)| rest).to_owned() + "\n";
    text.lines().map(untimed).collect()
}

#[track_caller]
fn render(path: &Path, format: Format) -> String {
    let dump = Dump::open(path).expect("the dump opens");
    let mut dumps = Vec::new();
    if let Some(rings) = RingDir::find(&dump, &[]).found {
        let recovery = rings.read(Some(&dump), &Limits::default()).expect("the rings can be read");
        dumps.push(recovery.dump);
    }
    dumps.push(dump);
    let mut decoder = Decoder::new(&dumps).with_order(Order::Time);
    let mut renderer = Renderer::new(format, RenderOptions::default());
    let mut text = String::new();
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut text);
        ControlFlow::Continue(())
    });
    assert!(decoder.summary().is_complete(), "{:?}", decoder.summary());
    text
}

/// A document of the repository.
///
/// # Panics
/// If there is no such file.
#[must_use]
#[track_caller]
pub fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of code of a document whose language begins so, in order, without the lines that readers do not see.
#[must_use]
pub fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(opened) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if opened.split(',').next() == Some(language) {
            let seen = block.iter().filter(|line| !line.starts_with("# "));
            blocks.push(seen.map(|line| format!("{line}\n")).collect());
        }
    }
    blocks
}

/// Whether a block of text of the guide has these lines; times are left out, and the values of some fields.
///
/// # Panics
/// If no block has them.
#[track_caller]
pub fn shows(guide: &str, log: &str, unlike: &[&str]) {
    let shown = blocks(&page(guide), "text");
    let log = masked(log, unlike);
    let is_there = shown.iter().any(|block| masked(&untimed(block), unlike) == log);
    assert!(is_there, "{guide} does not show:\n{log}");
}

/// A log in which these fields have no values.
fn masked(log: &str, unlike: &[&str]) -> String {
    let mut masked = String::new();
    for word in log.split_inclusive([' ', '\n', '{', '}']) {
        let field = word.split_once('=').filter(|(name, _)| unlike.contains(name));
        let end = &word[word.trim_end().len()..];
        masked += &field.map_or(word.to_owned(), |(name, _)| format!("{name}={end}"));
    }
    masked
}

/// The guides, whose code is compiled, and run unless it says `no_run`.
#[cfg(doctest)]
mod guides {
    #[doc = include_str!("../../../docs/from-log.md")]
    mod from_log {}

    #[doc = include_str!("../../../docs/from-tracing.md")]
    mod from_tracing {}

    #[doc = include_str!("../../../docs/from-println.md")]
    mod from_println {}

    #[doc = include_str!("../../../docs/guides/async-services.md")]
    mod async_services {}

    #[doc = include_str!("../../../docs/guides/containers.md")]
    mod containers {}

    #[doc = include_str!("../../../docs/guides/games.md")]
    mod games {}

    #[doc = include_str!("../../../docs/guides/low-latency.md")]
    mod low_latency {}

    #[doc = include_str!("../../../docs/guides/tests.md")]
    mod tests {}

    #[doc = include_str!("../../../docs/calls.md")]
    mod calls {}
}
