//! A drain with time sums up what it writes, and a search finds in such dumps what is in the text of
//! all records, without reading all of them.

use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use regex::Regex;
use stenolog::{Builder, Compression, Record, error, info, warn};
use stenolog_decoder::format::dictionary::Level;
use stenolog_decoder::{
    Decoder, Dump, Filter, Format, Levels, RenderOptions, Renderer, Summary, repack, verify,
};

#[derive(Record)]
struct Order {
    id: u64,
    route: Option<String>,
    tags: Vec<&'static str>,
}

/// Rounds in a block: enough for a summary.
const ROUNDS: u32 = 100;

fn log(round: u32) {
    let peer = format!("tcp:host=10.0.{}.{},port={}", round % 7, round % 251, round * 7);
    info!(target: "app::net", "session {round} with {peer} is open");
    let route = round.is_multiple_of(5).then(|| format!("/v1/tenants/{:05}", round * 13));
    let order = Order { id: round.into(), route, tags: vec!["new", "fast"] };
    info!(target: "app::orders", order, "accepted");
    if round % 250 == 117 {
        warn!(target: "app::disk", device = "nvme0n1", "slow: {:?}", Duration::from_micros(1500));
        let what = "Me\u{17f}\u{17f}er, 7 \u{212a}elvin";
        error!(target: "app::disk", code = round as i32, "zanzibar-{round} failed: {what}");
    }
}

/// A dump of many blocks, ten of which, at least, are summed up.
static SUMMED_UP: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let builder = Builder::new(&path).filter("trace");
    let (logger, mut drain) = builder.start_manual().unwrap();
    let scope = logger.enter();
    let start = Instant::now();
    let mut round = 0;
    // It does so when it has rested most of the time for a while.
    while round < 2_000 || Dump::open(&path).unwrap().frames().summary < 10 {
        assert!(start.elapsed() < Duration::from_secs(120), "no block was summed up");
        (0..ROUNDS).for_each(|n| log(round + n));
        round += ROUNDS;
        drain.flush().unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(scope);
    drain.close().unwrap();
    std::fs::read(&path).unwrap()
});

fn lines(dump: &Dump, filter: Filter) -> (Vec<String>, Summary) {
    let mut renderer = Renderer::new(Format::Short, RenderOptions::default());
    let mut decoder = Decoder::new(std::slice::from_ref(dump)).with_filter(filter);
    let mut text = String::new();
    let _ = decoder.for_each(|entry| {
        renderer.write(entry, &mut text);
        ControlFlow::Continue(())
    });
    (text.lines().map(str::to_owned).collect(), decoder.summary())
}

const PATTERNS: [&str; 12] = [
    "zanzibar-117",
    "zanzibar-[0-9]*17",
    "failed: .*kelvin",
    "MESSER",
    "quokka-4242",
    "tenants/00130",
    "host=10[.]0[.]3[.]17,",
    "slow: 1.5ms",
    "device=nvme0n1",
    "session 17 with",
    "id: 250,.*fast",
    "session [0-9]+17 .*port=[0-9]*19 ",
];

/// What is found is what an expression finds in the lines of all records.
fn check(dump: &Dump) {
    assert!(verify(dump).is_intact(), "{:?}", verify(dump).damage);
    let (all, summary) = lines(dump, Filter::default());
    assert!(summary.is_complete(), "{summary:?}");
    assert!(all.len() > 4_000);
    for (pattern, ignores_case) in PATTERNS.into_iter().flat_map(|p| [(p, false), (p, true)]) {
        let regex = Regex::new(&format!("{}{pattern}", if ignores_case { "(?i)" } else { "" }));
        let regex = regex.unwrap();
        let expected: Vec<_> = all.iter().filter(|line| regex.is_match(line)).cloned().collect();
        let filter = Filter::default().with_grep_pattern(pattern, ignores_case).unwrap();
        assert_eq!(lines(dump, filter).0, expected, "{pattern}, case ignored: {ignores_case}");
        let other = pattern != "quokka-4242"
            && (ignores_case || pattern != "MESSER" && !pattern.contains("kelvin"));
        assert_eq!(!expected.is_empty(), other, "{pattern}, case ignored: {ignores_case}");
    }
}

#[test]
fn what_is_found_is_what_is_there() {
    let dump = Dump::from_bytes("app.steno", SUMMED_UP.clone()).unwrap();
    assert!(dump.frames().summary >= 10);
    check(&dump);
    let mut smaller = Vec::new();
    repack(&dump, 3, &mut smaller).unwrap();
    let smaller = Dump::from_bytes("smaller.steno", smaller).unwrap();
    assert_eq!(smaller.frames().summary, smaller.frames().block);
    check(&smaller);
}

#[test]
fn what_is_found_is_what_is_there_in_columns_without_summaries_of_text() {
    for compression in [Compression::Fast, Compression::None] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        let builder = Builder::new(&path).filter("trace").compression(compression);
        let logger = builder.deliver_within(Duration::from_secs(3600)).start_detached().unwrap();
        let scope = logger.enter();
        for round in 0..2_500 {
            log(round);
            if round % ROUNDS == 0 {
                logger.flush().unwrap();
            }
        }
        drop(scope);
        logger.close().unwrap();
        check(&Dump::open(&path).unwrap());
    }
}

#[test]
fn errors_that_are_rare_have_blocks_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    // Passes happen when they are asked for.
    let builder = Builder::new(&path).filter("trace").deliver_within(Duration::from_secs(3600));
    let logger = builder.start_detached().unwrap();
    let scope = logger.enter();
    // Two errors after some thousand other records, and errors between others.
    for n in 0..5_000_u32 {
        info!("of many: {n}");
        if n == 3_000 {
            error!("of few: {n}");
            error!(code = 7, "of few: {n}");
        }
    }
    logger.flush().unwrap();
    for n in 0..5_000_u32 {
        error!("one of two: {n}");
        info!("the other: {n}");
    }
    drop(scope);
    logger.close().unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let dump = Dump::from_bytes("app.steno", bytes.clone()).unwrap();
    let errors = Levels::only(&[Level::Error]);
    let (all, summary) = lines(&dump, Filter::default());
    assert!(summary.is_complete() && verify(&dump).is_intact(), "{summary:?}");
    assert_eq!(all.len(), 15_002);
    let has_errors =
        |block: &stenolog_decoder::Block| block.header.levels & Level::Error.bit() != 0;
    let first: Vec<_> = dump.blocks().iter().filter(has_errors).take(1).collect();
    assert_eq!((first[0].header.count, first[0].header.first_record), (2, 3_001));
    let mixed = dump.blocks().iter().filter(has_errors).count() - 1;
    assert!(mixed < 20, "{mixed} blocks of 10,000 records");
    // A search for errors reads no others.
    for block in dump.blocks().iter().filter(|block| !has_errors(block)) {
        bytes[block.offset as usize + 24 + 72 + 4] ^= 1;
    }
    let damaged = Dump::from_bytes("app.steno", bytes).unwrap();
    assert!(!lines(&damaged, Filter::default()).1.damage.is_empty());
    let (found, summary) = lines(&damaged, Filter::default().with_levels(errors));
    assert_eq!((found.len(), summary.damage.len()), (5_002, 0));
    let expected = all.iter().filter(|line| line.contains("one of two") || line.contains("few"));
    assert!(found.iter().eq(expected));
    // A repacked dump has them in groups with other records: of these a search reads their columns only.
    let mut smaller = Vec::new();
    repack(&dump, 3, &mut smaller).unwrap();
    let smaller = Dump::from_bytes("smaller.steno", smaller).unwrap();
    assert_eq!(lines(&smaller, Filter::default()).0, all);
    assert_eq!(lines(&smaller, Filter::default().with_levels(errors)).0, found);
}

#[test]
fn blocks_without_what_is_looked_for_are_not_read() {
    let mut bytes = SUMMED_UP.clone();
    let dump = Dump::from_bytes("app.steno", bytes.clone()).unwrap();
    let last = dump.blocks().last().unwrap().offset as usize;
    // In the body, after the headers of frame and block.
    bytes[last + 24 + 72 + 40] ^= 1;
    let dump = Dump::from_bytes("app.steno", bytes).unwrap();
    assert_eq!(lines(&dump, Filter::default()).1.damage.len(), 1);
    let find = |pattern| lines(&dump, Filter::default().with_grep_pattern(pattern, false).unwrap());
    let (found, summary) = find("zanzibar-117");
    assert_eq!((found.len(), summary.damage.len()), (1, 0));
    let (found, summary) = find("v1/tenants/01300");
    assert_eq!((found.len(), summary.damage.len()), (1, 0));
    // All blocks may have this.
    assert_eq!(find("with tcp:host").1.damage.len(), 1);
}
