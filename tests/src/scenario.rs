//! Scenarios: processes that tests start because what they do cannot be undone in a test's own process.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A [`Scenario`] of the program `child`: `scenario!("losses/full-disk", &dump)`.
///
/// The part before the slash is a file of `src/scenarios/`. Further arguments are passed on.
#[macro_export]
macro_rules! scenario {
    ($name:expr $(, $argument:expr)* $(,)?) => {
        $crate::scenario::Scenario::new(env!("CARGO_BIN_EXE_child"), $name)
            $(.arg($argument))*
    };
}

/// A process of the program `child`, not started yet. Its environment says nothing to the logger.
#[derive(Debug)]
pub struct Scenario(Command);

impl Scenario {
    /// A scenario that the program at `child` knows; see [`scenario!`](crate::scenario!).
    #[must_use]
    pub fn new(child: &str, name: &str) -> Self {
        let mut command = Command::new(child);
        for variable in ["STENOLOG", "RUST_LOG", "STENOLOG_DIE_AFTER"] {
            command.env_remove(variable);
        }
        command.arg(name).stdin(Stdio::null());
        Self(command)
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Has the process die after a step of the logger, named as `Step` names it, perhaps with a count:
    /// `Sealed`, `Sealed:2`.
    #[must_use]
    pub fn die_after(self, step: &str) -> Self {
        self.env("STENOLOG_DIE_AFTER", step)
    }

    /// Runs it in another working folder.
    #[must_use]
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.0.current_dir(folder);
        self
    }

    /// The command, for tests that talk to the process.
    #[must_use]
    pub fn command(self) -> Command {
        self.0
    }

    /// Runs the process to its end, whatever that is.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn output(mut self) -> Output {
        self.0.output().expect("the child starts")
    }

    /// Runs the process, which must succeed, and returns the lines that it printed.
    ///
    /// # Panics
    /// If it fails.
    #[track_caller]
    pub fn run(self) -> Vec<String> {
        let output = self.output();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("scenarios print UTF-8");
        text.lines().map(str::to_owned).collect()
    }
}
