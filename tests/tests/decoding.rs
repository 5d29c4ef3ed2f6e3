//! Decoding does not allocate for a record. Buffers grow, threads start, blocks are opened; ten times as
//! many records in as many blocks cost no more.

use std::alloc::{GlobalAlloc, Layout, System};
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use stenolog_decoder::format::block::{BlockBuilder, Codec, PlainBody};
use stenolog_decoder::format::dictionary::{CallSite, Level, Role, Slot, TimeSource};
use stenolog_decoder::format::frame::{FileHeader, FrameKind, FrameWriter, VERSION};
use stenolog_decoder::format::types::Type;
use stenolog_decoder::{Decoder, Dump, Format, RenderOptions};

/// The system's allocator, which counts how often it is asked for memory, by any thread.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Tests run side by side, and the count is for all of them.
static ALONE: Mutex<()> = Mutex::new(());

// SAFETY: each call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: what the caller promises is what the system's allocator wants.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as for `alloc`; the block came from there.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, bytes: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as for `dealloc`.
        unsafe { System.realloc(block, layout, bytes) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// How the blocks of a dump are laid out.
#[derive(Clone, Copy, Debug)]
enum Blocks {
    Raw,
    Rows,
    Columns(Codec),
}

const BLOCKS: u64 = 24;

const RINGS: u64 = 3;

/// What a call site's template prints, and its record for a number.
type Statement = (&'static str, Vec<Type>, fn(u64) -> Vec<u8>);

fn statements() -> Vec<Statement> {
    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
    }
    vec![
        ("nothing but text", vec![], |_| Vec::new()),
        ("opened {0}", vec![Type::Str], |n| text(&"a string of some bytes"[..n as usize % 20])),
        ("escaped {0}", vec![Type::Str], |n| text(&"größe\n\u{1b}"[..2 + 5 * (n as usize % 2)])),
        ("{0} of {1}", vec![Type::U32, Type::I64], |n| {
            [&(n as u32).to_le_bytes()[..], &(n as i64 - 50).to_le_bytes()].concat()
        }),
        ("ratio {0:.6} {1}", vec![Type::F64, Type::F32], |n| {
            let (wide, short) = (n as f64 * 0.37, n as f32 / 3.0);
            [&wide.to_le_bytes()[..], &short.to_le_bytes()].concat()
        }),
        ("{0:>12} {1:#06x}", vec![Type::U64, Type::U16], |n| {
            [&n.to_le_bytes()[..], &(n as u16).to_le_bytes()].concat()
        }),
        ("{0} {1} {2:?}", vec![Type::Bool, Type::Char, Type::U8], |n| {
            let char = char::from(b'a' + (n % 26) as u8);
            [&[(n % 2) as u8][..], &u32::from(char).to_le_bytes(), &[n as u8]].concat()
        }),
    ]
}

/// A call site for each statement.
fn sites() -> Vec<CallSite> {
    statements()
        .iter()
        .zip(CallSite::FIRST_ID..)
        .map(|((template, types, _), id)| CallSite {
            id,
            level: Level::Info,
            time: TimeSource::Counter,
            target: "app".into(),
            module: "app".into(),
            file: "main.rs".into(),
            line: id,
            column: 1,
            template: Some((*template).into()),
            slots: types
                .iter()
                .map(|ty| Slot { name: "value".into(), role: Role::Argument, ty: ty.clone() })
                .collect(),
        })
        .collect()
}

fn compress(blocks: Blocks, body: PlainBody<'_>, out: &mut Vec<u8>) -> Codec {
    let (codec, bytes) = match blocks {
        Blocks::Columns(Codec::Lz4) => (Codec::Lz4, lz4_flex::block::compress(body.bytes)),
        Blocks::Columns(Codec::Zstd) => (Codec::Zstd, zstd::bulk::compress(body.bytes, 1).unwrap()),
        _ => (Codec::None, body.bytes.to_vec()),
    };
    out.extend_from_slice(&bytes);
    codec
}

/// A dump of as many blocks, whatever the number of records.
fn dump(blocks: Blocks, records: u64) -> Dump {
    let header = FileHeader {
        version: VERSION,
        session: [7; 16],
        created_unix_ns: 0,
        sequence: 0,
        process_id: 7,
        counter_hz: 1_000_000_000,
    };
    let mut file = header.encode().to_vec();
    let mut frames = FrameWriter::default();
    let (statements, sites) = (statements(), sites());
    frames.frame(&mut file, FrameKind::Dictionary, |out| CallSite::encode_all(sites.iter(), out));
    let mut builder = BlockBuilder::default();
    for block in 0..BLOCKS {
        let (ring, before) = (block % RINGS, block / RINGS * records);
        let begin = match blocks {
            Blocks::Columns(_) => BlockBuilder::begin_columns,
            Blocks::Raw | Blocks::Rows => BlockBuilder::begin,
        };
        begin(&mut builder, ring as u32 + 1, before, before);
        let mut raw = Vec::new();
        for n in 0..records {
            let at = n as usize % sites.len();
            let time = (before + n) * 100 + ring * 7;
            let payload = [&time.to_le_bytes()[..], &statements[at].2(n)].concat();
            if matches!(blocks, Blocks::Raw) {
                builder.note(Level::Info, TimeSource::Counter, time);
                raw.extend((payload.len() as u32).to_le_bytes());
                raw.extend(sites[at].id.to_le_bytes());
                raw.extend_from_slice(&payload);
                raw.resize(raw.len().next_multiple_of(8), 0);
            } else {
                builder.push(&sites[at], &payload).unwrap();
            }
        }
        let compress = |body: PlainBody<'_>, out: &mut Vec<u8>| compress(blocks, body, out);
        frames.frame(&mut file, FrameKind::Block, |out| {
            let end = before + records;
            match blocks {
                Blocks::Raw => builder.finish_raw(end, &[&raw], out),
                Blocks::Rows | Blocks::Columns(_) => builder.finish_with(end, out, compress),
            };
        });
    }
    Dump::from_bytes("decoding.steno", file).unwrap()
}

/// How often memory was asked for to render all, and how many lines came out.
fn allocations(dump: Dump, format: Format, threads: usize) -> (u64, usize) {
    let dumps = [dump];
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let mut lines = 0;
    let mut decoder = Decoder::new(&dumps);
    let threads = NonZero::new(threads).unwrap();
    let _ = decoder.render(format, &RenderOptions::default(), threads, |text| {
        lines += text.iter().filter(|byte| **byte == b'\n').count();
        ControlFlow::Continue(())
    });
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    let summary = decoder.summary();
    assert_eq!((summary.missing, summary.damage.len()), (0, 0));
    (allocations, lines)
}

#[track_caller]
fn check(blocks: Blocks) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for format in [Format::Short, Format::Json] {
        for threads in [1, 3] {
            let (few, lines) = allocations(dump(blocks, 300), format, threads);
            assert_eq!(lines as u64, 300 * BLOCKS);
            let (many, lines) = allocations(dump(blocks, 3_000), format, threads);
            assert_eq!(lines as u64, 3_000 * BLOCKS);
            // Of 64,800 records more. Threads have a number of batches in hand, each with buffers
            // that grow, and how many there come to be at a time is left to chance.
            let most = few + if threads == 1 { 100 } else { 2_000 };
            assert!(many <= most, "{blocks:?}, {format}, {threads} threads: {few}, then {many}");
        }
    }
}

#[test]
fn records_as_the_ring_had_them() {
    check(Blocks::Raw);
}

#[test]
fn records_in_packed_rows() {
    check(Blocks::Rows);
}

#[test]
fn records_in_columns() {
    for codec in [Codec::None, Codec::Lz4, Codec::Zstd] {
        check(Blocks::Columns(codec));
    }
}

/// The measurement itself: an allocation for each line would be seen.
#[test]
fn an_allocation_for_each_record_is_noticed() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let dumps = [dump(Blocks::Rows, 300)];
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    let _ = Decoder::new(&dumps).for_each(|entry| {
        std::hint::black_box(Box::new(entry.unix_ns()));
        ControlFlow::Continue(())
    });
    let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert!(allocations >= 300 * BLOCKS, "{allocations}");
}
