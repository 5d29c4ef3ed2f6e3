use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench_statements::{high_entropy, statement, statements};
use bench_workload::service;
use spdlog::formatter::Formatter;
use spdlog::sink::{AsyncPoolSink, FileSink, OverflowPolicy, Sink, SinkPropAccess};
use spdlog::{ErrorHandler, Level, LevelFilter, Logger, Record, ThreadPool};

use super::{Lines, Peer, Started, Text};

pub const PEER: Peer = Peer {
    name: "spdlog-rs",
    setup: "`AsyncPoolSink` of 65,536 records over `FileSink` with 256 KiB, `OverflowPolicy::Block`",
    calls: statements!(n: [spdlog::info] []),
    high: high_entropy!(n: [spdlog::info] []),
    service: Some(service!(event: [spdlog::info] [])),
    disabled: Some(statement!(n: [spdlog::debug] [])),
    threads: true,
    queue_records: 1 << 16,
    count: None,
    start,
};

/// Its own file, and a count of what went into it.
struct Counted {
    file: FileSink,
    path: PathBuf,
    lines: Lines,
}

impl SinkPropAccess for Counted {
    fn level_filter(&self) -> LevelFilter {
        self.file.level_filter()
    }

    fn set_level_filter(&self, filter: LevelFilter) {
        self.file.set_level_filter(filter);
    }

    fn set_formatter(&self, formatter: Box<dyn Formatter>) {
        self.file.set_formatter(formatter);
    }

    fn set_error_handler(&self, handler: ErrorHandler) {
        self.file.set_error_handler(handler);
    }
}

impl Sink for Counted {
    fn log(&self, record: &Record) -> spdlog::Result<()> {
        self.file.log(record)?;
        self.lines.add(1, 0);
        Ok(())
    }

    /// Comes after all that was logged before; then the file's length is known.
    fn flush(&self) -> spdlog::Result<()> {
        self.file.flush()?;
        let bytes = std::fs::metadata(&self.path).map_or(0, |file| file.len());
        self.lines.add(0, bytes as usize);
        Ok(())
    }
}

/// Has the length of the file counted when it is dropped.
struct Flush(Lines);

impl Drop for Flush {
    fn drop(&mut self) {
        spdlog::default_logger().flush();
        let asked = Instant::now();
        while self.0.written().bytes == 0 && asked.elapsed() < Duration::from_secs(1) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn start(path: &Path) -> Started {
    let lines = Lines::default();
    let file = FileSink::builder().path(path).truncate(true).capacity(1 << 18).build()?;
    let mut pool = ThreadPool::builder();
    let pool = pool.capacity(NonZeroUsize::new(1 << 16).ok_or("no capacity")?).build_arc()?;
    let sink = AsyncPoolSink::builder()
        .sink(Arc::new(Counted { file, path: path.to_owned(), lines: lines.clone() }))
        .overflow_policy(OverflowPolicy::Block)
        .thread_pool(pool)
        .build_arc()?;
    let logger = Logger::builder()
        .sink(sink)
        .level_filter(LevelFilter::MoreSevereEqual(Level::Info))
        .build_arc()?;
    spdlog::set_default_logger(logger);
    Ok(Box::new(Text { guard: Flush(lines.clone()), lines }))
}
