//! Bench for the drain: a logger on a disk that fails on command, and a reading of what is left.

use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stenolog_decoder::{Damage, DamageCause, Decoder, Dump, Entry, LossCause, Summary};

use crate::config::{OnFull, Rings};
use crate::drain::testing::disk::{Disk, Files};
use crate::error::FlushError;
use crate::event::Event;
use crate::handle::logger::Logger;
use crate::handle::scope::Scope;
use crate::stats::Stats;
use crate::sync::lock;
use crate::{Builder, info};

pub(super) const PATH: &str = "app.steno";

/// A logger that writes on request, or when a ring is half full.
pub(super) struct Bench {
    pub(super) disk: Disk,
    // The order is that of dropping.
    scope: Option<Scope>,
    logger: Option<Logger>,
    told: Arc<Mutex<Vec<Event>>>,
    next: Cell<u64>,
    committed: RefCell<Vec<u64>>,
    last_stats: Stats,
}

impl Bench {
    pub(super) fn new(seed: u64) -> Self {
        Self::with(seed, |builder| builder)
    }

    pub(super) fn with(seed: u64, configure: impl FnOnce(Builder) -> Builder) -> Self {
        let disk = Disk::new(seed);
        let told = Arc::<Mutex<Vec<Event>>>::default();
        let hears = Arc::clone(&told);
        let builder = Builder::new(PATH)
            .filter("trace")
            .rings(Rings::Memory)
            .ring_capacity_bytes(1 << 17)
            .on_full(OnFull::Drop)
            .deliver_within(Duration::from_secs(3600))
            .on_event(move |event| {
                let is_about_file = matches!(
                    event,
                    Event::Dump(_) | Event::Resumed { .. } | Event::Replaced { .. }
                );
                if is_about_file {
                    lock(&hears).push(event.clone());
                }
            });
        let logger = configure(builder).start_detached_on(disk.create(PATH));
        Self {
            disk,
            scope: Some(logger.enter()),
            logger: Some(logger),
            told,
            next: Cell::new(0),
            committed: RefCell::default(),
            last_stats: Stats::default(),
        }
    }

    pub(super) fn logger(&self) -> &Logger {
        self.logger.as_ref().expect("it runs")
    }

    /// Logs `count` numbers, and notes which of them found room.
    pub(super) fn log(&self, count: u64) {
        for _ in 0..count {
            let n = self.next.replace(self.next.get() + 1);
            let lost = self.logger().stats().lost;
            info!("record {n} {}", seal(n));
            if self.logger().stats().lost == lost {
                self.committed.borrow_mut().push(n);
            }
        }
    }

    /// The numbers that found room.
    pub(super) fn committed(&self) -> Vec<u64> {
        self.committed.borrow().clone()
    }

    pub(super) fn flush(&self) -> Result<(), FlushError> {
        self.logger().flush()
    }

    pub(super) fn sync(&self) -> Result<(), FlushError> {
        self.logger().sync()
    }

    pub(super) fn told(&self) -> Vec<Event> {
        lock(&self.told).clone()
    }

    pub(super) fn close(&mut self) -> Result<(), FlushError> {
        self.scope = None;
        let logger = self.logger.take().expect("it runs");
        let core = Arc::clone(logger.core());
        let result = logger.close();
        self.last_stats = crate::handle::logger::stats_of(&core);
        result
    }

    pub(super) fn stats_at_close(&self) -> Stats {
        self.last_stats
    }
}

/// What a reader finds in all files.
pub(super) struct Found {
    /// The numbers of the records, in their order.
    pub(super) numbers: Vec<u64>,
    /// Records with zeros in place of bytes that were not synced: the format lets readers show them.
    garbled: u64,
    /// How many records are stated to be gone with a file.
    pub(super) gone: u64,
    /// All entries as text.
    pub(super) lines: Vec<String>,
    pub(super) summary: Summary,
}

/// A seal that tells a number from the remains of one.
pub(super) const fn seal(n: u64) -> u64 {
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 << 63
}

impl Found {
    /// How many records cannot be understood, because the file lost what explains them, or their end.
    pub(super) fn unreadable(&self) -> u64 {
        let records = |damage: &Damage| match damage.cause {
            DamageCause::UnknownSite { records, .. } | DamageCause::Values { records, .. } => {
                records.into()
            }
            _ => 0,
        };
        self.summary.damage.iter().map(records).sum::<u64>() + self.garbled
    }
}

pub(super) fn read(files: &Files) -> Found {
    let open = |(path, bytes): (_, &Vec<u8>)| {
        let dump = Dump::from_bytes(path, bytes.clone()).ok()?;
        // Without the session, records of two files cannot be matched.
        dump.is_session_known().then_some(dump)
    };
    let dumps: Vec<_> = files.iter().filter_map(open).collect();
    let mut decoder = Decoder::new(&dumps);
    let (mut numbers, mut garbled, mut gone, mut lines) = (Vec::new(), 0, 0, Vec::new());
    let _ = decoder.for_each(|entry| {
        let mut text = String::new();
        match entry {
            Entry::Record(record) => record.write_message(&mut text),
            Entry::Loss(loss) => {
                if let LossCause::Gone { count, .. } = loss.cause() {
                    gone += count;
                }
                text = loss.to_string();
            }
            _ => {}
        }
        let words: Vec<_> = text.split(' ').collect();
        if let ["record", number, sealed] = words[..] {
            match number.parse::<u64>() {
                Ok(n) if sealed.parse() == Ok(seal(n)) => numbers.push(n),
                _ => garbled += 1,
            }
        }
        lines.push(text);
        ControlFlow::Continue(())
    });
    Found { numbers, garbled, gone, lines, summary: decoder.summary() }
}
