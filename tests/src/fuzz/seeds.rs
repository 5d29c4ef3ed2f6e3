//! Seeds of the fuzz targets: real dumps, real ring files, and templates as programs have them.

use std::mem;
use std::thread;
use std::time::{Duration, SystemTime};

use stenolog::{OnFull, Record, debug, error, event, info, trace, warn};
use stenolog_decoder::format::block::{BlockBuilder, BlockHeader};
use stenolog_decoder::format::frame::{FileHeader, FrameHeader, FrameKind};
use stenolog_decoder::format::types::Type;
use stenolog_ringbuf::file::Options;

use super::block::SITES;
use super::dump::FRAME_IS_NEW_FILE;
use crate::LogFixture;

/// An input of a target, by the target's name and its own.
pub type Seed = (&'static str, String, Vec<u8>);

/// Inputs for all targets.
///
/// # Panics
/// If a logger or a ring does not work.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    let mut add = |target, name: &str, bytes| seeds.push((target, name.to_owned(), bytes));
    let whole = small_dump();
    add("dump", "file", [&[0], &whole[..]].concat());
    add("dump", "cut", [&[0], &whole[..whole.len() * 2 / 3]].concat());
    add("dump", "frames", frames(&[&whole]));
    let losses = dump_with_losses();
    add("dump", "losses", frames(&[&losses]));
    add("dump", "two-files", frames(&[&whole, &losses]));
    add("block", "raw", blocks(0));
    add("block", "packed", blocks(1));
    add("block", "raw-lz4", blocks(0x10));
    add("block", "packed-zstd", blocks(0x21));
    add("block", "lz4-bytes", made_by(0x31, &lz4_flex::block::compress(&[0; 300])));
    let zstd = zstd::bulk::compress(&[0; 300], 1).expect("zstd compresses anything");
    add("block", "zstd-bytes", made_by(0x41, &zstd));
    for n in 0..12_u8 {
        // Two whole groups.
        let seeds = [u64::from(n), 3, 0, u64::from(n) + 90, 5, 0].map(u64::to_le_bytes).concat();
        let [first, second] = [&seeds[..17], &seeds[24..41]];
        add("group", &format!("whole-{n}"), [&[2 * n], first, second].concat());
    }
    for (n, (which, file)) in rings().iter().enumerate() {
        add("ring_file", &format!("ring-{n}"), ring(*which, file));
    }
    add("ring_file", "file", [&[0], &rings()[0].1[..]].concat());
    for (n, text) in TEMPLATES.iter().enumerate() {
        // An integer, a float, a string, a width.
        let values = b"\x00\x02\x07\xff\xff\xff\xff\x0b\0\0\0\0\0\0\xf8\x3f\x10\x02hi\x01\x08\x00";
        add("template", &format!("text-{n}"), [&values[..], text.as_bytes()].concat());
    }
    for kind in 0..17 {
        let spec = [1, 0x25 ^ kind, kind, kind, 0, 3, 0];
        let value = b"\x40\x09\x21\xfb\x54\x44\x2d\x18\x40\x09\x21\xfb\x54\x44\x2d\x18";
        add("template", &format!("spec-{kind}"), [&spec[..], &[kind], value].concat());
    }
    seeds
}

const TEMPLATES: [&str; 16] = [
    "order {0} filled {1} @ {2:.2}",
    "{{{0}}} {1:?} {2:#?}",
    "{0:>8}|{1:<8}|{2:^8}",
    "{0:*^+#012.5}",
    "{0:#x} {0:#X} {0:#o} {0:#b} {1:e} {1:E}",
    "{0:3$} {1:3$.3$} {2:.3$}",
    "{0:02x?} {0:02X?} {2:p}",
    "{0:}>5} {1:{<7}",
    "größe {2:ß>4} \u{1f980}",
    "{0:65535}",
    "{",
    "}",
    "{0",
    "{name:width$.prec$} {:.*} {}",
    "{4}",
    "{ 0 :> 8 }",
];

#[derive(Clone, Copy, Debug, Record)]
enum Side {
    Buy,
    Limit { price: f64 },
}

fn log_a_little() {
    let text = "a\tb";
    info!(order = 7_u64, "filled {} @ {:>8.2}", 300_u32, 99.5_f64);
    warn!(?text, side = Side::Limit { price: 1.5 }, "{text}: {:?}", Side::Buy);
    error!(at: SystemTime::UNIX_EPOCH + Duration::from_secs(1), "late by {:?}", Duration::from_millis(3));
    trace!("{:1$} {2:?} {3:?}", 5_i16, 4, Some('x'), [1_u8, 2, 3]);
    event!(stenolog::Level::Info, peer = std::net::IpAddr::from([127, 0, 0, 1]), "up");
}

fn small_dump() -> Vec<u8> {
    let mut fixture = LogFixture::new();
    log_a_little();
    let logger = fixture.logger();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _entered = logger.enter();
            log_a_little();
        });
    });
    fixture.finish();
    std::fs::read(fixture.path()).expect("the dump is there")
}

fn dump_with_losses() -> Vec<u8> {
    let fixture =
        LogFixture::with(|builder| builder.ring_capacity_bytes(1 << 12).on_full(OnFull::Drop));
    for round in 0..3 {
        (0..400_u32).for_each(|n| debug!("{n}"));
        info!("round {round}");
        fixture.logger().flush().expect("the dump is written");
    }
    std::fs::read(fixture.path()).expect("the dump is there")
}

/// Dumps as a list of frames; frames too long for the list are left out.
fn frames(files: &[&[u8]]) -> Vec<u8> {
    let mut out = vec![1];
    for (n, file) in files.iter().enumerate() {
        let (header, mut at) = FileHeader::decode(file).expect("a dump has a header");
        let mut how = FRAME_IS_NEW_FILE;
        if n == 0 {
            out.extend(header.created_unix_ns.to_le_bytes());
            out.extend(header.counter_hz.to_le_bytes());
            how = 0;
        }
        while let Some(frame) = file.get(at..).and_then(FrameHeader::decode) {
            let payload = &file[at + FrameHeader::BYTES..][..frame.payload_bytes as usize];
            at += frame.frame_bytes() as usize;
            // Blocks may be long: a few records of each are enough.
            let is_long_block = frame.kind == FrameKind::Block as u8 && payload.len() > 300;
            let payload = if is_long_block { &payload[..120] } else { payload };
            if let Ok(length) = u16::try_from(payload.len()) {
                out.extend([how, frame.kind]);
                out.extend(length.to_le_bytes());
                out.extend(payload);
                how = 0;
            }
        }
    }
    out
}

/// A block with a body that a codec made of 300 bytes.
fn made_by(how: u8, body: &[u8]) -> Vec<u8> {
    // 20 records, no times.
    let mut out = vec![how, 0, 0, 20, 0];
    out.extend([0; 16]);
    out.extend((body.len() as u16).to_le_bytes());
    out.extend(body);
    out.extend(300_u32.to_le_bytes());
    out
}

/// A block with a record of each call site, encoded and compressed as the fuzz body says.
fn blocks(how: u8) -> Vec<u8> {
    let mut builder = BlockBuilder::default();
    builder.begin(1, 0, 0);
    let mut raw = Vec::new();
    for site in &*SITES {
        let mut payload = 1000_u64.to_le_bytes().to_vec();
        for slot in &site.slots {
            let start = payload.len();
            payload.resize(start + slot.ty.min_size(), 0);
            if matches!(slot.ty, Type::Ip | Type::Socket) {
                payload[start] = 4;
            }
        }
        builder.push(site, &payload).expect("zeros are a value of every other type");
        raw.extend((payload.len() as u32).to_le_bytes());
        raw.extend(site.id.to_le_bytes());
        raw.extend(payload);
        raw.resize(raw.len().next_multiple_of(8), 0);
    }
    let mut packed = Vec::new();
    let header = builder.finish(0, &mut packed);
    let body = if how & 0xf == 0 { &raw } else { &packed[BlockHeader::BYTES..] };
    let mut out = vec![how, header.flags, header.levels];
    out.extend((header.count as u16).to_le_bytes());
    out.extend(header.counter_first.to_le_bytes());
    out.extend(header.unix_first.to_le_bytes());
    out.extend((body.len() as u16).to_le_bytes());
    out.extend(body);
    out
}

/// Used rings of either kind, and which of the empty ones they were.
fn rings() -> Vec<(u8, Vec<u8>)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut files = Vec::new();
    macro_rules! use_ring {
        ($which:expr, $create:ident) => {{
            let path = folder.path().join(format!("ring-{}", $which));
            let ends = Options::new(64 << ($which / 2)).$create(&path);
            let (mut producer, mut consumer) = ends.expect("the ring is created");
            for tag in 1..=20_u32 {
                if let Ok(mut claim) = producer.try_claim(1 + tag as usize * 7 % 30) {
                    claim.fill(tag as u8);
                    claim.commit_tagged(tag);
                }
                if tag % 4 == 0 {
                    drop(producer.try_claim(9));
                    consumer.drain(2, |_| ());
                }
                if tag == 18 {
                    producer.try_claim(5).map(mem::forget).ok();
                }
            }
            files.push(($which, std::fs::read(&path).expect("the ring is there")));
        }};
    }
    use_ring!(2_u8, create_spsc);
    use_ring!(3_u8, create_mpsc);
    use_ring!(6_u8, create_spsc);
    use_ring!(7_u8, create_mpsc);
    files
}

/// A ring's file as positions and memory.
fn ring(which: u8, file: &[u8]) -> Vec<u8> {
    let word = |at: usize| {
        let bytes = file[at..].first_chunk().expect("the header is whole");
        u64::from_le_bytes(*bytes)
    };
    let (head, consumed, tail) = (word(128), word(136), word(256));
    let mut out = vec![1, which];
    out.extend(head.to_le_bytes());
    for position in [consumed, tail] {
        out.extend((position.saturating_sub(head) as u16 / 8).to_le_bytes());
    }
    out.extend(&file[4096..]);
    out
}
