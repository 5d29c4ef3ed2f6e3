//! Builder methods for a console, with or without a dump.

use std::path::PathBuf;

use crate::config::console::Console;
use crate::config::{Compression, Rings};
use crate::handle::builder::Builder;

impl Builder {
    /// Prints records as text while the program runs, beside writing the dump (feature `console`). See [`Console`].
    ///
    /// Calls cost what they cost without. The drain copies each record once more, and a thread of its own renders
    /// the text.
    pub fn console(mut self, console: Console) -> Self {
        self.config.console = Some(console);
        self
    }

    /// Creates the configuration of a logger without a dump, which only prints (feature `console`): to standard
    /// error, unless [`console`](Self::console) says otherwise.
    ///
    /// Its rings are in memory. [`Logger::path`](crate::Logger::path) is empty.
    ///
    /// ```
    /// use stenolog::{Builder, Console};
    ///
    /// let _log = Builder::console_only().console(Console::stdout()).start()?;
    /// stenolog::info!("ready");
    /// # Ok::<(), stenolog::StartError>(())
    /// ```
    pub fn console_only() -> Self {
        let mut builder = Self::new(PathBuf::new())
            .rings(Rings::Memory)
            .compression(Compression::None)
            .console(Console::stderr());
        builder.config.is_console_only = true;
        builder
    }
}
