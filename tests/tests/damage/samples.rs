//! Dumps that the real logger wrote, and where everything lies in them.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use stenolog::{Builder, Compression, Logger, OnFull, debug, error, info, trace, warn};

use crate::oracle::Reading;
use crate::walk::{self, Frame};

/// A dump, undamaged.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) frames: Vec<Frame>,
    /// What the reader makes of it.
    pub(crate) whole: Reading,
}

impl Sample {
    fn new(name: &'static str, bytes: Vec<u8>) -> Self {
        let frames = walk::frames(&bytes);
        let whole = Reading::of(&bytes).unwrap();
        Self { name, bytes, frames, whole }
    }
}

/// The smallest first.
pub(crate) static SAMPLES: LazyLock<[Sample; 6]> = LazyLock::new(|| {
    let [losses, unsealed] = losses();
    [
        Sample::new("small", small()),
        Sample::new("unsealed", unsealed),
        Sample::new("losses", losses),
        Sample::new("threads", threads()),
        Sample::new("columns", columns()),
        Sample::new("raw", raw()),
    ]
});

/// Runs `log` with a logger, and gives its dump, and the dump as it was just before the end.
fn dump_of(
    configure: impl FnOnce(Builder) -> Builder,
    log: impl FnOnce(&Logger) -> Vec<u8>,
) -> [Vec<u8>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sample.steno");
    // Passes happen when they are asked for, so the samples are much the same in each run.
    let builder = Builder::new(&path)
        .filter("trace")
        .compression(Compression::None)
        .deliver_within(Duration::from_secs(3600));
    let logger = configure(builder).start_detached().unwrap();
    let before = log(&logger);
    logger.close().unwrap();
    [std::fs::read(&path).unwrap(), before]
}

fn now(logger: &Logger) -> Vec<u8> {
    logger.flush().unwrap();
    std::fs::read(logger.path()).unwrap()
}

/// One thread, three call sites, two blocks.
fn small() -> Vec<u8> {
    let [dump, _] = dump_of(
        |builder| builder,
        |logger| {
            let _scope = logger.enter();
            info!("a {}", 300);
            error!(at: -5_i64, "b");
            logger.flush().unwrap();
            info!(on = true);
            Vec::new()
        },
    );
    dump
}

#[derive(stenolog::Record)]
struct Order {
    id: u64,
    side: Side,
    legs: Vec<(f64, Option<i8>)>,
}

#[derive(stenolog::Record)]
enum Side {
    Buy,
    Limit { price: f32 },
}

#[derive(serde::Serialize, postcard_schema::Schema)]
struct Reply {
    code: i32,
    headers: BTreeMap<String, Vec<u16>>,
}

/// Three rings, whose blocks lie among each other, and a fourth one that lost its thread.
fn threads() -> Vec<u8> {
    let [dump, _] = dump_of(
        |builder| builder,
        |logger| {
            let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
            for turn in 0..2_u64 {
                std::thread::scope(|threads| {
                    let worker = move || {
                        let _scope = logger.enter();
                        let order = Order {
                            id: turn,
                            side: Side::Buy,
                            legs: vec![(0.5, Some(-1)), (1e300, None)],
                        };
                        info!(target: "market", order, "turn {turn:>5} of {}", "↯ \n \x1b[31m");
                        trace!(at: turn as i64, side = Side::Limit { price: 1.5 });
                        logger.flush().unwrap();
                        let headers = BTreeMap::from([("a".to_owned(), vec![1, 300])]);
                        warn!(reply = Reply { code: -1, headers }, units = [(); 3]);
                    };
                    named("market").spawn_scoped(threads, worker).unwrap();
                });
                let _scope = logger.enter();
                // What looks like a frame, but is not one.
                let looks_like_a_frame = b"\xF5\x9Dst\x04\0\0\0\0\0\0\0\0\0\0\0".as_slice();
                debug!(looks_like_a_frame, text = "x".repeat(60), "{:?}", Some('ß'));
                logger.flush().unwrap();
            }
            Vec::new()
        },
    );
    dump
}

/// Losses in a ring, at the end of one, and none.
fn losses() -> [Vec<u8>; 2] {
    dump_of(
        |builder| builder.ring_capacity_bytes(1 << 12),
        |logger| {
            let huge = "x".repeat(1 << 13);
            let _scope = logger.enter();
            info!("before");
            info!("{huge}");
            info!("between");
            logger.flush().unwrap();
            error!("{huge}");
            let unsealed = now(logger);
            info!("and once more {huge}");
            debug!("behind");
            warn!("{huge}");
            unsealed
        },
    )
}

/// Two rings whose blocks are compressed columns, and rows between them.
fn columns() -> Vec<u8> {
    let [dump, _] = dump_of(
        |builder| builder.compression(Compression::Adaptive),
        |logger| {
            for turn in 0..2_u64 {
                std::thread::scope(|threads| {
                    threads.spawn(|| {
                        let _scope = logger.enter();
                        (0..20_i32).for_each(|n| info!(n, "other {}", f64::from(n) * 0.1));
                        logger.flush().unwrap();
                    });
                });
                let _scope = logger.enter();
                for n in 0..20_u64 {
                    info!(at: n as i64, n, text = &"0123456789"[..n as usize % 8], "r");
                    debug!("{:?}", (n % 3 == 0).then_some(turn));
                }
                logger.flush().unwrap();
                warn!("few");
                logger.flush().unwrap();
            }
            Vec::new()
        },
    );
    dump
}

/// A ring that is kept more than half full is drained as it is.
fn raw() -> Vec<u8> {
    let [dump, _] = dump_of(
        |builder| builder.ring_capacity_bytes(1 << 12).on_full(OnFull::Block),
        |logger| {
            let _scope = logger.enter();
            loop {
                (0..24_u64).for_each(|n| info!(n, text = &"0123456789"[..n as usize % 8], "r"));
                let bytes = now(logger);
                let frames = walk::frames(&bytes);
                let blocks = || frames.iter().filter(|frame| frame.kind == walk::BLOCK);
                if blocks().any(|block| block.is_raw) && blocks().any(|block| !block.is_raw) {
                    return Vec::new();
                }
                // As many as make the next pass find the ring more than half full.
                (0..100_u64).for_each(|n| info!(n, "s"));
                logger.flush().unwrap();
            }
        },
    );
    dump
}

#[test]
fn the_samples_have_what_they_are_for() {
    let [small, unsealed, losses, threads, columns, raw] = &*SAMPLES;
    let kinds = |sample: &Sample| -> Vec<u8> {
        let mut kinds: Vec<_> = sample.frames.iter().map(|frame| frame.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds(small), [1, 2, 3, 4, 6, 7, 8, 11]);
    assert_eq!(kinds(losses), [1, 2, 3, 4, 5, 6, 7, 8, 11]);
    assert_eq!(kinds(unsealed), [1, 2, 3, 4, 5, 6]);
    assert!(small.bytes.len() < 2048, "{}", small.bytes.len());
    assert_eq!(threads.whole.rings.len(), 3);
    assert_eq!((losses.whole.lost, unsealed.whole.lost), (4, 2));
    for sample in &*SAMPLES {
        let records: usize = sample.frames.iter().map(|frame| frame.records.len()).sum();
        assert!(records >= 3, "{}", sample.name);
        assert!(sample.whole.damage.is_empty(), "{:?}", sample.whole.damage);
        // The walk and the reader count alike.
        let shown: usize = sample.whole.rings.values().map(Vec::len).sum();
        let statements = sample.frames.iter().flat_map(|frame| &frame.records);
        assert_eq!(shown, records - statements.filter(|record| record.tag == 1).count());
    }
    assert!(raw.frames.iter().any(|frame| frame.is_raw));
    let blocks = columns.frames.iter().filter(|frame| frame.kind == walk::BLOCK);
    let groups = blocks.clone().filter(|block| columns.bytes[block.payload.start + 4] == 3);
    assert_eq!((groups.count(), blocks.count()), (4, 6));
}
