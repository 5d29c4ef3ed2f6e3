//! ticklog's side of the comparison, apart from the others because its macros look for what
//! `configure!` defines in the root of the crate.

use std::io;
use std::path::Path;

use bench_statements::{Statement, high_entropy, statements};
use bench_workload::{Event, service};
use ticklog::{FileSink, Guard, Level, LogSink};

/// A file as `FileSink` writes it, and who is told of each line.
struct Counted<F> {
    file: FileSink,
    count: F,
}

impl<F: FnMut(usize) + Send + 'static> LogSink for Counted<F> {
    fn accept(&mut self, line: &[u8], level: Level) -> io::Result<()> {
        self.file.accept(line, level)?;
        (self.count)(line.len() + 1);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Starts the logger: its own file sink, and a caller that waits rather than lose a record. The
/// length of a ring, 1 MiB for each thread, is fixed. `count` is told the length of each line.
///
/// # Errors
/// If the file cannot be created.
pub fn start(path: &Path, count: impl FnMut(usize) + Send + 'static) -> io::Result<Guard> {
    let file = FileSink::truncate(path)?;
    ticklog::configure! {
        sink: Counted { file, count },
        max_level: Level::Info,
        backpressure: ticklog::Backpressure::Block,
    }
    .map_err(io::Error::other)
}

/// The six statements, below `start`: the compiler looks for the macros of `configure!` in order.
pub const ALL: [Statement; 6] = statements!(n: [ticklog::info] []);

/// The statements with values of high entropy.
pub const HIGH: [Statement; 7] = high_entropy!(n: [ticklog::info] []);

/// The workload's records.
pub const SERVICE: fn(&Event) = service!(event: [ticklog::info] []);
