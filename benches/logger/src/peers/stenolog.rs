use std::error::Error;
use std::path::Path;

use bench_statements::{Statement, high_entropy, statement, statements};
use bench_workload::Event;
use stenolog::{Builder, Existing, Logger, OnFull, Rings};

use super::{Peer, Running, Started, Written};

pub const PEER: Peer = Peer {
    name: "stenolog",
    setup: "its defaults (one ring of 1 MiB a thread), but calls that wait when it is full",
    calls: statements!(n: [stenolog::info] []),
    high: high_entropy!(n: [stenolog::info] []),
    service: Some(Event::log),
    disabled: Some(statement!(n: [stenolog::info] [target: "quiet",])),
    threads: true,
    queue_records: 1 << 16,
    count: None,
    start,
};

pub const HUGE_PAGES: Peer = Peer {
    name: "stenolog, huge pages",
    setup: "rings in memory, in huge pages (Builder::huge_pages)",
    start: |path| Ok(Box::new(in_huge_pages(path)?)),
    ..PEER
};

/// The six statements with a time that the caller has.
pub const WITH_TIME: [Statement; 6] = statements!(n: [stenolog::info] [at: u64::from(n),]);

fn start(path: &Path) -> Started {
    Ok(Box::new(started(path, "trace,quiet=off")?))
}

/// A logger that waits when a ring is full.
pub fn started(path: &Path, filter: &str) -> Result<Logger, Box<dyn Error>> {
    Ok(builder(path).filter(filter).start()?)
}

fn in_huge_pages(path: &Path) -> Result<Logger, Box<dyn Error>> {
    Ok(builder(path).filter("trace").rings(Rings::Memory).huge_pages(true).start()?)
}

fn builder(path: &Path) -> Builder {
    Builder::new(path).existing(Existing::Replace).on_full(OnFull::Block)
}

impl Running for Logger {
    fn settle(&self, _: u64) {
        // A fault of the disk is seen at the end.
        let _ = self.flush();
    }

    fn finish(self: Box<Self>, _: u64) -> Result<Written, Box<dyn Error>> {
        self.flush()?;
        let records = self.stats().records;
        let path = self.path().to_owned();
        self.close()?;
        Ok(Written { records, bytes: std::fs::metadata(path)?.len() })
    }
}
