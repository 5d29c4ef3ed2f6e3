//! Configuration of a console: the stream, the records and their format.

use std::io::{self, IsTerminal};

use stenolog_decoder::{Format, Zone};
use stenolog_format::dictionary::Level;

/// Where records are printed as they are logged, and how (feature `console`).
///
/// The lines are those of `steno -o short`, and are printed within about
/// [`deliver_within`](crate::Builder::deliver_within); a flush waits for them. They are coloured if they go to a terminal,
/// unless the environment has `NO_COLOR`. If the terminal cannot keep up, records are left out of it, and a
/// line says how many; the dump has all of them.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// use stenolog::{Builder, Console, Level};
///
/// let _log = Builder::new(path).console(Console::stderr().level(Level::Info)).start()?;
/// stenolog::info!("on the terminal, and in the dump");
/// stenolog::debug!("only in the dump");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a console prints nothing until a builder has it"]
pub struct Console {
    pub(crate) stream: Stream,
    pub(crate) level: Level,
    pub(crate) filter: Option<String>,
    pub(crate) format: Format,
    pub(crate) color: Option<bool>,
    pub(crate) zone: Option<Zone>,
}

/// Where it prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stderr,
    Stdout,
    /// Standard output by `print!`, which the test harness captures.
    Test,
}

impl Console {
    const fn new(stream: Stream) -> Self {
        Self {
            stream,
            level: Level::Trace,
            filter: None,
            format: Format::Short,
            color: None,
            zone: None,
        }
    }

    /// Prints to standard error.
    pub const fn stderr() -> Self {
        Self::new(Stream::Stderr)
    }

    /// Prints to standard output.
    pub const fn stdout() -> Self {
        Self::new(Stream::Stdout)
    }

    /// Prints through `print!`: the test harness shows it if the test fails whose thread started the logger.
    pub const fn test() -> Self {
        Self::new(Stream::Test)
    }

    /// Prints only records that are at least this severe. By default all that are logged are printed.
    pub const fn level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Prints only what these directives let through, in the syntax of [`Builder::filter`](crate::Builder::filter).
    /// If they cannot be parsed, the logger does not start.
    pub fn filter(mut self, directives: impl Into<String>) -> Self {
        self.filter = Some(directives.into());
        self
    }

    /// Sets the format: by default [`Format::Short`].
    pub const fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// Sets whether to colour [`Format::Short`] and [`Format::Verbose`]; by default, terminals are coloured.
    pub const fn color(mut self, color: bool) -> Self {
        self.color = Some(color);
        self
    }

    /// Sets the time zone of the times: by default the local one for people, and UTC in the other formats, as with `steno`.
    pub const fn zone(mut self, zone: Zone) -> Self {
        self.zone = Some(zone);
        self
    }
}

impl Stream {
    /// Whether it is a terminal that wants colours.
    pub(crate) fn is_coloured(self) -> bool {
        let is_terminal = match self {
            Self::Stderr => io::stderr().is_terminal(),
            Self::Stdout => io::stdout().is_terminal(),
            Self::Test => false,
        };
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        is_terminal && !is_unwanted && !is_dumb
    }
}
