//! Small dumps with the call sites of one imagined application.

use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Level, Role, Slot, TimeSource};
use stenolog_format::frame::{FileHeader, VERSION};
use stenolog_format::loss::LossFrame;
use stenolog_format::types::Type;
use stenolog_testkit::{DumpBuilder, Rec, loss, str_bytes};

/// 2026-05-31 12:00:00 UTC, when all dumps here begin.
pub(crate) const NOON_NS: i64 = 1_780_228_800_000_000_000;

/// The raw counter at [`NOON_NS`]; it counts nanoseconds.
const NOON_COUNTER: u64 = 5_000_000_000;

/// A dump of the call sites below, with an explicit place for each block.
pub(crate) struct Dump(DumpBuilder);

impl Dump {
    /// A header, and two clock pairs an hour apart.
    pub(crate) fn new(session: u8) -> Self {
        let mut dump = DumpBuilder::with_header(&FileHeader {
            version: VERSION,
            session: [session; 16],
            created_unix_ns: NOON_NS,
            sequence: 0,
            // The largest process id of Linux is far smaller: there is no such process.
            process_id: 1_999_999_999,
            counter_hz: 1_000_000_000,
        })
        .record_bytes(64);
        for hour in [0, 1] {
            let ns = hour * 3_600_000_000_000;
            dump.clock_pair(&ClockPair {
                counter: NOON_COUNTER + ns,
                unix_ns: NOON_NS + ns as i64,
                uncertainty_ticks: 20,
            });
        }
        dump.call_sites(call_sites());
        Self(dump)
    }

    /// Positions as they are in the ring of records that have no values.
    pub(crate) fn with_ring_positions(self) -> Self {
        Self(self.0.record_bytes(16))
    }

    pub(crate) fn thread(&mut self, ring: u32, name: &str) {
        self.0.thread(ring, 4_000 + u64::from(ring), name);
    }

    /// A block: each record is a call site, milliseconds since noon, and raw values.
    pub(crate) fn block(
        &mut self,
        ring: u32,
        position: u64,
        first: u64,
        records: &[(u32, u64, Vec<u8>)],
    ) {
        self.0.ring_at(ring, position, first);
        let record =
            |(id, ms, values): &(u32, u64, Vec<u8>)| Rec(*id, counter(*ms), values.clone());
        self.0.block(ring, &records.iter().map(record).collect::<Vec<_>>());
    }

    /// A statement that `count` debug records were lost in a ring that was full.
    pub(crate) fn loss(&mut self, ring: u32, position: u64, ms: u64, count: u64) {
        let loss = loss(counter(ms), [0, 0, 0, count, 0]);
        self.0.loss_frame(&LossFrame { ring, position, loss, gone: None });
    }

    /// The dump as it is when its writer dies.
    pub(crate) fn unsealed(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    pub(crate) fn sealed(self) -> Vec<u8> {
        self.sealed_with_losses(0)
    }

    pub(crate) fn sealed_with_losses(mut self, lost: u64) -> Vec<u8> {
        self.0.seal_without_index(lost);
        self.0.into_bytes()
    }
}

/// The raw counter at a number of milliseconds after noon.
pub(crate) fn counter(ms: u64) -> u64 {
    NOON_COUNTER + ms * 1_000_000
}

pub(crate) const FILLED: u32 = 16;
pub(crate) const LIMIT: u32 = 17;
pub(crate) const LOST_PEER: u32 = 18;
pub(crate) const TICK: u32 = 19;

fn call_sites() -> Vec<CallSite> {
    let slot = |name: &str, role, ty| Slot { name: name.into(), role, ty };
    let site = |id, level, target: &str, template: &str, slots| CallSite {
        id,
        level,
        time: TimeSource::Counter,
        target: target.into(),
        module: target.into(),
        file: "src/app.rs".into(),
        line: id,
        column: 5,
        template: Some(template.into()),
        slots,
    };
    vec![
        site(
            FILLED,
            Level::Info,
            "app::net",
            "order {0} filled",
            vec![
                slot("order_id", Role::Argument, Type::U64),
                slot("user.name", Role::Field, Type::Str),
            ],
        ),
        site(
            LIMIT,
            Level::Warn,
            "app::risk",
            "limit {0} exceeded",
            vec![slot("limit", Role::Argument, Type::U32)],
        ),
        site(
            LOST_PEER,
            Level::Error,
            "app",
            "Lost peer",
            vec![slot("peer", Role::Field, Type::Str)],
        ),
        site(TICK, Level::Debug, "app::net", "tick", vec![]),
    ]
}

pub(crate) fn filled(ms: u64, order: u64, user: &str) -> (u32, u64, Vec<u8>) {
    (FILLED, ms, [&order.to_le_bytes()[..], &str_bytes(user)].concat())
}

pub(crate) fn limit(ms: u64, limit: u32) -> (u32, u64, Vec<u8>) {
    (LIMIT, ms, limit.to_le_bytes().to_vec())
}

pub(crate) fn lost_peer(ms: u64, peer: &str) -> (u32, u64, Vec<u8>) {
    (LOST_PEER, ms, str_bytes(peer))
}

pub(crate) fn tick(ms: u64) -> (u32, u64, Vec<u8>) {
    (TICK, ms, vec![])
}

/// Five records of two threads, whose order in the file is not that in time.
pub(crate) fn five() -> Dump {
    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    dump.thread(2, "worker");
    dump.block(1, 0, 0, &[filled(0, 1, "ann"), limit(1_000, 500), filled(3_000, 2, "Bob B")]);
    dump.block(2, 0, 0, &[tick(500), lost_peer(2_000, "10.0.0.1\u{1b}[31m")]);
    dump
}

/// `count` ticks, a second apart each, in blocks of a hundred.
pub(crate) fn ticks(session: u8, count: u64) -> Dump {
    let mut dump = Dump::new(session);
    dump.thread(1, "main");
    let mut first = 0;
    while first < count {
        let last = count.min(first + 100);
        let records: Vec<_> = (first..last).map(|number| tick(number * 1_000)).collect();
        dump.block(1, first * 64, first, &records);
        first = last;
    }
    dump
}
