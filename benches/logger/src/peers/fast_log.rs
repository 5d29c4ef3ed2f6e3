use std::path::Path;

use bench_statements::{high_entropy, statement, statements};
use bench_workload::service;
use fast_log::Config;
use fast_log::appender::{Command, FastLogRecord, LogAppender};
use fast_log::plugin::file::FileAppender;
use log::LevelFilter;

use super::{Lines, Peer, Started, Text};

pub const PEER: Peer = Peer {
    name: "fast_log",
    setup: "`FileAppender`, a channel of 100,000 records",
    calls: statements!(n: [log::info] []),
    high: high_entropy!(n: [log::info] []),
    service: Some(service!(event: [log::info] [])),
    disabled: Some(statement!(n: [log::debug] [])),
    threads: true,
    queue_records: 100_000,
    count: None,
    start,
};

/// Its own file, and a count of what went into it.
struct Counted {
    file: FileAppender,
    lines: Lines,
}

impl LogAppender for Counted {
    fn do_logs(&mut self, records: &[FastLogRecord]) {
        self.file.do_logs(records);
        let written = records.iter().filter(|record| record.command == Command::CommandRecord);
        let (mut count, mut bytes) = (0, 0);
        for record in written {
            count += 1;
            bytes += record.formated.len();
        }
        self.lines.add(count, bytes);
    }
}

fn start(path: &Path) -> Started {
    let lines = Lines::default();
    let file = FileAppender::new(&path.to_string_lossy())?;
    let appender = Counted { file, lines: lines.clone() };
    let config = Config::new().chan_len(Some(100_000)).level(LevelFilter::Info);
    fast_log::init(config.custom(appender))?;
    Ok(Box::new(Text { lines, guard: () }))
}
