//! Small dumps, written frame by frame as the logger does it.

use stenolog_format::block::BlockBuilder;
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Level, Role, Slot, Thread, TimeSource};
use stenolog_format::frame::{FileHeader, FrameKind, FrameWriter, VERSION};
use stenolog_format::index::End;
use stenolog_format::loss::{Loss, LossFrame};
use stenolog_format::types::Type;

/// 2026-05-31 12:00:00 UTC, when all dumps here begin.
pub(crate) const NOON_NS: i64 = 1_780_228_800_000_000_000;

/// The raw counter at [`NOON_NS`]; it counts nanoseconds.
const NOON_COUNTER: u64 = 5_000_000_000;

/// A dump in the making.
pub(crate) struct Dump {
    bytes: Vec<u8>,
    frames: FrameWriter,
    records: u64,
    /// How much each record takes in its ring.
    record_bytes: u64,
}

impl Dump {
    /// A header, and two clock pairs an hour apart.
    pub(crate) fn new(session: u8) -> Self {
        let header = FileHeader {
            version: VERSION,
            session: [session; 16],
            created_unix_ns: NOON_NS,
            sequence: 0,
            // The largest process id of Linux is far smaller: nobody lives there.
            process_id: 1_999_999_999,
            counter_hz: 1_000_000_000,
        };
        let mut dump = Self {
            bytes: header.encode().to_vec(),
            frames: FrameWriter::default(),
            records: 0,
            record_bytes: 64,
        };
        for hour in [0, 1] {
            let ns = hour * 3_600_000_000_000;
            let pair = ClockPair {
                counter: NOON_COUNTER + ns,
                unix_ns: NOON_NS + ns as i64,
                uncertainty_ticks: 20,
            };
            dump.frame(FrameKind::Clock, |out| pair.encode(out));
        }
        let sites = postcard_of(&call_sites());
        dump.frame(FrameKind::Dictionary, |out| out.extend(sites));
        dump
    }

    /// Positions as they are in the ring of records that have no values.
    pub(crate) fn with_ring_positions(mut self) -> Self {
        self.record_bytes = 16;
        self
    }

    pub(crate) fn frame(&mut self, kind: FrameKind, fill: impl FnOnce(&mut Vec<u8>)) {
        self.frames.frame(&mut self.bytes, kind, fill);
    }

    pub(crate) fn thread(&mut self, ring: u32, name: &str) {
        let os_id = 4_000 + u64::from(ring);
        let thread = Thread { ring, os_id, name: name.into(), continues: None };
        let mut payload = Vec::new();
        thread.encode(&mut payload);
        self.frame(FrameKind::Thread, |out| out.extend(payload));
    }

    /// A block: each record is a call site, milliseconds since noon, and raw values.
    pub(crate) fn block(
        &mut self,
        ring: u32,
        position: u64,
        first: u64,
        records: &[(u32, u64, Vec<u8>)],
    ) {
        let sites = call_sites();
        let mut builder = BlockBuilder::default();
        builder.begin(ring, position, first);
        for (id, ms, values) in records {
            let counter = counter(*ms);
            let payload = [&counter.to_le_bytes()[..], values].concat();
            let site = sites.iter().find(|site| site.id == *id).unwrap();
            builder.push(site, &payload).unwrap();
        }
        let end = position + self.record_bytes * records.len() as u64;
        self.frame(FrameKind::Block, |out| {
            builder.finish(end, out);
        });
        self.records += records.len() as u64;
    }

    /// A statement that `count` debug records were lost in a ring that was full.
    pub(crate) fn loss(&mut self, ring: u32, position: u64, ms: u64, count: u64) {
        let loss = Loss {
            counter: NOON_COUNTER + ms * 1_000_000,
            full: [0, 0, 0, count, 0],
            too_large: [0; 5],
        };
        let frame = LossFrame { ring, position, loss, gone: None };
        self.frame(FrameKind::Loss, |out| frame.encode(out));
    }

    /// The dump as it is when its writer dies.
    pub(crate) fn unsealed(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn sealed(self) -> Vec<u8> {
        self.sealed_with_losses(0)
    }

    pub(crate) fn sealed_with_losses(mut self, lost: u64) -> Vec<u8> {
        let end = End { index: 0, records: self.records, lost, continues: false };
        self.frame(FrameKind::End, |out| end.encode(out));
        self.bytes
    }
}

/// The raw counter so many milliseconds after noon.
pub(crate) fn counter(ms: u64) -> u64 {
    NOON_COUNTER + ms * 1_000_000
}

fn postcard_of(value: &impl serde::Serialize) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap()
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

pub(crate) fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
}

pub(crate) fn filled(ms: u64, order: u64, user: &str) -> (u32, u64, Vec<u8>) {
    (FILLED, ms, [&order.to_le_bytes()[..], &text(user)].concat())
}

pub(crate) fn limit(ms: u64, limit: u32) -> (u32, u64, Vec<u8>) {
    (LIMIT, ms, limit.to_le_bytes().to_vec())
}

pub(crate) fn lost_peer(ms: u64, peer: &str) -> (u32, u64, Vec<u8>) {
    (LOST_PEER, ms, text(peer))
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
