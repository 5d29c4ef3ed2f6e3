//! `FORMAT.md` is enough to write a reader from: one in Python, written from it alone, reads what was logged.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use stenolog::{Builder, Compression, OnFull, error, info, trace};
use stenolog_format::block::{BlockBuilder, BlockHeader, Codec};
use stenolog_format::clock::ClockPair;
use stenolog_format::dictionary::{CallSite, Level, Role, Slot, Thread, TimeSource};
use stenolog_format::frame::{FileHeader, FrameHeader, FrameKind, FrameWriter, VERSION};
use stenolog_format::index::End;
use stenolog_format::loss::{Gone, GoneCause, Loss, LossFrame};
use stenolog_format::summary::{Summary, SummaryBuilder};
use stenolog_format::types::{EnumType, Fields, Shape, Type};

/// What the second reader makes of a dump.
struct Reading {
    lines: Vec<String>,
    complaints: String,
    code: Option<i32>,
}

impl Reading {
    #[track_caller]
    fn of(path: &Path) -> Self {
        let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/second_reader/steno_reader.py");
        // `-B`: no compiled files beside the sources.
        let output = match Command::new("python3").args(["-B", reader]).arg(path).output() {
            Ok(output) => output,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                panic!("this test runs a reader written in Python: install python3 (3.9 or later)")
            }
            Err(error) => panic!("cannot run python3: {error}"),
        };
        let text = |bytes| String::from_utf8(bytes).expect("the reader prints UTF-8");
        let stdout = text(output.stdout);
        Self {
            lines: stdout.lines().map(str::to_owned).collect(),
            complaints: text(output.stderr),
            code: output.status.code(),
        }
    }

    #[track_caller]
    fn of_bytes(bytes: &[u8]) -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        Self::of(file.path())
    }

    /// The records, of a dump without damage.
    #[track_caller]
    fn whole(self) -> Vec<String> {
        assert_eq!((self.complaints.as_str(), self.code), ("", Some(0)));
        self.lines
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// The values of a record as JSON text: a JSON library would round 128-bit integers.
fn values(line: &str) -> &str {
    let (_, values) = line.split_once(r#","values":["#).expect("a record has values");
    values.strip_suffix("]}").expect("they are the last")
}

/// Logs each value as a field of its own call site, and gives what the reader should print.
macro_rules! log_each {
    ($($value:expr => $json:literal,)+) => {{
        $(info!(value = $value);)+
        [$($json),+]
    }};
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
    Pair(char, bool),
}

#[derive(stenolog::Record)]
struct Marker;

#[derive(serde::Serialize, postcard_schema::Schema)]
struct Reply {
    code: i32,
    headers: BTreeMap<String, Vec<u16>>,
    kind: Kind,
}

#[derive(serde::Serialize, postcard_schema::Schema)]
enum Kind {
    Empty,
    Wrapped(char),
}

#[test]
fn every_native_type_reads_as_it_was_logged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = Builder::new(&path).filter("trace").start_detached().unwrap();
    let scope = log.enter();
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let headers = BTreeMap::from([("a".to_owned(), vec![1, 300]), ("b".to_owned(), vec![])]);
    let expected = log_each! {
        () => "[]",
        true => "true",
        'ß' => r#""ß""#,
        200_u8 => "200",
        65_535_u16 => "65535",
        4_000_000_000_u32 => "4000000000",
        u64::MAX => "18446744073709551615",
        u128::MAX => "340282366920938463463374607431768211455",
        7_usize => "7",
        i8::MIN => "-128",
        -300_i16 => "-300",
        i32::MIN => "-2147483648",
        i64::MIN => "-9223372036854775808",
        i128::MIN => "-170141183460469231731687303715884105728",
        -8_isize => "-8",
        0.1_f32 => "0.10000000149011612",
        -2.5_f64 => "-2.5",
        f64::NAN => r#""nan""#,
        f32::NEG_INFINITY => r#""-inf""#,
        "text with \"quotes\", ↯ and \0" => r#""text with \"quotes\", ↯ and \u0000""#,
        String::new() => r#""""#,
        b"\x00\xff".as_slice() => "[0,255]",
        [1_u16, 2, 3] => "[1,2,3]",
        vec!["a", "b"] => r#"["a","b"]"#,
        [(); 3] => "[[],[],[]]",
        Some(5_u8) => "5",
        None::<u8> => "null",
        (1_u8, "x", [Some('y'), None]) => r#"[1,"x",["y",null]]"#,
        Duration::new(3, 4) => "[3,4]",
        UNIX_EPOCH + Duration::new(1_700_000_000, 5) => "[1700000000,5]",
        UNIX_EPOCH - Duration::new(1, 1) => "[-2,999999999]",
        Ipv4Addr::LOCALHOST => r#""127.0.0.1""#,
        v6 => r#""2001:db8::1""#,
        IpAddr::V4(Ipv4Addr::BROADCAST) => r#""255.255.255.255""#,
        IpAddr::V6(v6) => r#""2001:db8::1""#,
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080) => r#"["127.0.0.1",8080]"#,
        SocketAddrV6::new(v6, 1, 2, 3) => r#"["2001:db8::1",1,2,3]"#,
        SocketAddr::from((Ipv4Addr::LOCALHOST, 443)) => r#"["127.0.0.1",443]"#,
        SocketAddr::from((v6, 443)) => r#"["2001:db8::1",443,0,0]"#,
        Order { id: 9, side: Side::Buy, legs: vec![(0.5, Some(-1)), (1e300, None)] }
            => r#"{"Order":{"id":9,"side":"Buy","legs":[[0.5,-1],[1e+300,null]]}}"#,
        Side::Limit { price: 1.5 } => r#"{"Limit":{"price":1.5}}"#,
        Side::Pair('z', false) => r#"{"Pair":["z",false]}"#,
        Marker => r#""Marker""#,
        Reply { code: -1, headers, kind: Kind::Wrapped('€') }
            => r#"{"Reply":{"code":-1,"headers":[["a",[1,300]],["b",[]]],"kind":{"Wrapped":["€"]}}}"#,
        Reply { code: 0, headers: BTreeMap::new(), kind: Kind::Empty }
            => r#"{"Reply":{"code":0,"headers":[],"kind":"Empty"}}"#,
    };
    drop(scope);
    log.close().unwrap();
    let lines = Reading::of(&path).whole();
    let found: Vec<_> = lines.iter().map(|line| values(line)).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_stands_beside_the_values_reads_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = Builder::new(&path).filter("trace").start_detached().unwrap();
    let started = SystemTime::now();
    std::thread::scope(|threads| {
        let worker = std::thread::Builder::new().name("worker".to_owned());
        worker
            .spawn_scoped(threads, || {
                let _scope = log.enter();
                error!(target: "risk", order.id = 7_u8, "{:>1$} {{}}", 1.5, 9);
                trace!(at: -5_i64, "early");
            })
            .unwrap();
    });
    log.close().unwrap();
    let ended = SystemTime::now();
    let lines = Reading::of(&path).whole();
    let [first, second] = [0, 1].map(|at| parse(&lines[at]));
    assert_eq!(lines.len(), 2);
    assert_eq!((&first["thread"], &second["thread"]), (&"worker".into(), &"worker".into()));
    assert_eq!((&first["level"], &first["target"]), (&"ERROR".into(), &"risk".into()));
    assert_eq!((&second["level"], &second["target"]), (&"TRACE".into(), &"second_reader".into()));
    assert_eq!(first["template"], "{1:>2$} {{}}");
    assert_eq!((first["names"][0].as_str(), values(&lines[0])), (Some("order.id"), "7,1.5,9"));
    assert_eq!((&second["time_raw"], &second["unix_ns"]), (&(-5).into(), &(-5).into()));
    let unix_ns = first["unix_ns"].as_u64().unwrap();
    let nanos = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    // The wall clock may be set, or slewed, while the test runs.
    let slack = 1_000_000_000;
    assert!((nanos(started) - slack..nanos(ended) + slack).contains(&unix_ns), "{unix_ns}");
}

#[test]
fn rings_that_are_always_full_read_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let builder = Builder::new(&path).filter("trace").ring_capacity_bytes(1 << 12);
    // Not every Python has Zstandard.
    let builder = builder.compression(Compression::Fast);
    let log = builder.on_full(OnFull::Block).start_detached().unwrap();
    let scope = log.enter();
    (0..20_000_u32).for_each(|n| info!(n, text = &"padding"[..n as usize % 8]));
    drop(scope);
    log.close().unwrap();
    let lines = Reading::of(&path).whole();
    assert_eq!(lines.len(), 20_000);
    for (n, line) in lines.iter().enumerate() {
        assert_eq!(values(line), format!("{n},\"{}\"", &"padding"[..n % 8]));
    }
}

#[test]
fn losses_read_where_they_happened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let builder = Builder::new(&path).filter("trace").ring_capacity_bytes(1 << 12);
    let log = builder.compression(Compression::Fast).start_detached().unwrap();
    let scope = log.enter();
    let huge = "x".repeat(1 << 13);
    info!("before");
    info!("{huge}");
    info!("between");
    error!("{huge}");
    drop(scope);
    log.close().unwrap();
    let lines: Vec<_> = Reading::of(&path).whole().iter().map(|line| parse(line)).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(
        (&lines[0]["template"], &lines[2]["template"]),
        (&"before".into(), &"between".into())
    );
    assert_eq!(lines[1]["lost_too_large"], Value::from(vec![0, 0, 1, 0, 0]));
    assert_eq!(lines[3]["lost_too_large"], Value::from(vec![1, 0, 0, 0, 0]));
}

// --- dumps made by hand ---------------------------------------------------------------------------

const UNIX_NS: i64 = 1_700_000_000_000_000_000;

/// A dump with a clock that counts nanoseconds and was 0 at [`UNIX_NS`], and with one thread.
struct Hand {
    bytes: Vec<u8>,
    frames: FrameWriter,
}

impl Hand {
    fn new() -> Self {
        let header = FileHeader {
            version: VERSION,
            session: [7; 16],
            created_unix_ns: UNIX_NS,
            sequence: 0,
            process_id: 42,
            counter_hz: 1_000_000_000,
        };
        let mut hand = Self { bytes: header.encode().to_vec(), frames: FrameWriter::default() };
        let pair = ClockPair { counter: 0, unix_ns: UNIX_NS, uncertainty_ticks: 20 };
        hand.frame(FrameKind::Clock, |out| pair.encode(out));
        let thread = Thread { ring: 1, os_id: 300, name: "main".into(), continues: None };
        hand.frame(FrameKind::Thread, |out| thread.encode(out));
        hand
    }

    /// Appends a frame, and says where it begins.
    fn frame(&mut self, kind: FrameKind, fill: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.bytes.len();
        self.frames.frame(&mut self.bytes, kind, fill);
        start
    }

    fn sites(&mut self, sites: &[CallSite]) {
        self.frame(FrameKind::Dictionary, |out| CallSite::encode_all(sites.iter(), out));
    }

    fn finish(mut self) -> Vec<u8> {
        let end = End { index: 0, records: 0, lost: 0, continues: false };
        self.frame(FrameKind::End, |out| end.encode(out));
        self.bytes
    }
}

fn site(id: u32, ty: Type) -> CallSite {
    CallSite {
        id,
        level: Level::Info,
        time: TimeSource::Counter,
        target: "app".into(),
        module: "app".into(),
        file: "a.rs".into(),
        line: 3,
        column: 5,
        template: Some("{0}".into()),
        slots: vec![Slot { name: "value".into(), role: Role::Argument, ty }],
    }
}

fn payload(time: u64, values: &[u8]) -> Vec<u8> {
    [&time.to_le_bytes()[..], values].concat()
}

/// A record as it lies in a ring, with rubbish in the padding.
fn in_ring(len: u32, tag: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = [&len.to_le_bytes()[..], &tag.to_le_bytes(), payload].concat();
    out.resize(out.len().next_multiple_of(8), 0xaa);
    out
}

fn boxed(ty: Type) -> Box<Type> {
    Box::new(ty)
}

/// Every type, the raw bytes of a value, and what the reader prints.
fn every_type() -> Vec<(Type, Vec<u8>, &'static str)> {
    let product = |name: &str, shape, fields: &[(&str, Type)]| Fields {
        name: name.into(),
        shape,
        fields: fields.iter().map(|(name, ty)| ((*name).into(), ty.clone())).collect(),
    };
    let point = product("Point", Shape::Struct, &[("x", Type::I32), ("y", Type::Str)]);
    let either = Type::Enum(EnumType {
        name: "Either".into(),
        variants: vec![
            product("Left", Shape::Tuple, &[("", Type::U64), ("", Type::Char)]),
            product("Right", Shape::Struct, &[("b", Type::Bool)]),
        ],
    });
    let map = Type::Map(boxed(Type::Str), boxed(Type::Option(boxed(Type::I32))));
    let mut rows: Vec<(Type, Vec<u8>, &str)> = vec![
        (Type::Unit, vec![], "[]"),
        (Type::Bool, vec![1], "true"),
        (Type::Char, 0x20ac_u32.to_le_bytes().into(), r#""€""#),
        (Type::U8, vec![200], "200"),
        (Type::U16, vec![0x34, 0x12], "4660"),
        (Type::U32, vec![0xff; 4], "4294967295"),
        (Type::U64, vec![0xff; 8], "18446744073709551615"),
        (Type::U128, vec![0xff; 16], "340282366920938463463374607431768211455"),
        (Type::I8, vec![0x80], "-128"),
        (Type::I16, vec![0xff; 2], "-1"),
        (Type::I32, vec![0, 0, 0, 0x80], "-2147483648"),
        (Type::I64, i64::MAX.to_le_bytes().into(), "9223372036854775807"),
        (Type::I128, i128::MIN.to_le_bytes().into(), "-170141183460469231731687303715884105728"),
        (Type::F32, 0.5_f32.to_le_bytes().into(), "0.5"),
        (Type::F64, 1e-7_f64.to_le_bytes().into(), "1e-07"),
        (Type::Str, b"\x03\0\0\0abc".into(), r#""abc""#),
        (Type::Formatted, b"\x02\0\0\0{}".into(), r#""{}""#),
        (Type::Duration, b"\x01\0\0\0\0\0\0\0\x02\0\0\0".into(), "[1,2]"),
        (Type::SystemTime, [&[0xff; 8][..], &[3, 0, 0, 0]].concat(), "[-1,3]"),
        (Type::Ipv4, vec![10, 0, 0, 1], r#""10.0.0.1""#),
        (Type::Ipv6, vec![0; 16], r#""::""#),
        (Type::Ip, [&[6][..], &[0; 15], &[1]].concat(), r#""::1""#),
        (Type::SocketV4, vec![10, 0, 0, 1, 0x90, 0x1f], r#"["10.0.0.1",8080]"#),
        (
            Type::SocketV6,
            [&[0; 16][..], &[80, 0, 1, 0, 0, 0, 2, 0, 0, 0]].concat(),
            r#"["::",80,1,2]"#,
        ),
        (Type::Socket, vec![4, 10, 0, 0, 1, 80, 0], r#"["10.0.0.1",80]"#),
        (Type::Option(boxed(Type::U16)), vec![1, 44, 1], "300"),
        (Type::Slice(boxed(Type::I16)), b"\x02\0\0\0\x01\0\xfe\xff".into(), "[1,-2]"),
        (Type::Array(boxed(Type::U8), 2), vec![8, 9], "[8,9]"),
        (Type::Tuple(vec![Type::U8, Type::Tuple(vec![]), Type::I8]), vec![1, 255], "[1,[],-1]"),
        (
            Type::Struct(point),
            b"\xff\xff\xff\xff\x01\0\0\0y".into(),
            r#"{"Point":{"x":-1,"y":"y"}}"#,
        ),
        (either.clone(), b"\0\0\x07\0\0\0\0\0\0\0z\0\0\0".into(), r#"{"Left":[7,"z"]}"#),
        (either, b"\x01\0\0".into(), r#"{"Right":{"b":false}}"#),
        (
            Type::Serde(boxed(map)),
            b"\x08\0\0\0\x02\x01a\x01\x04\x01b\0".into(),
            r#"[["a",2],["b",null]]"#,
        ),
        (
            Type::Serde(boxed(Type::Bool)),
            b"\x01\0\0\0\x02".into(),
            r#""<not readable: serialised otherwise than its schema says>""#,
        ),
        (
            Type::Serde(boxed(Type::Bool)),
            b"\x02\0\0\0\x01\x01".into(),
            r#""<not readable: serialised otherwise than its schema says>""#,
        ),
    ];
    let all: Vec<_> = rows.iter().map(|(ty, ..)| ty.clone()).collect();
    let bytes = rows.iter().flat_map(|(_, raw, _)| raw.clone()).collect();
    let text = rows.iter().map(|(.., json)| *json).collect::<Vec<_>>().join(",");
    rows.push((Type::Tuple(all), bytes, format!("[{text}]").leak()));
    rows
}

#[test]
fn every_type_reads_in_all_encodings() {
    let rows = every_type();
    let sites: Vec<_> = (16..).zip(&rows).map(|(id, (ty, ..))| site(id, ty.clone())).collect();
    let mut hand = Hand::new();
    hand.sites(&sites);
    let mut builder = BlockBuilder::default();
    builder.begin(1, 64, 0);
    // Each record a tick earlier than the one before it.
    let payloads: Vec<_> =
        (0_u64..).zip(&rows).map(|(n, (_, raw, _))| payload(1_000 - n, raw)).collect();
    for (site, payload) in sites.iter().zip(&payloads) {
        builder.push(site, payload).unwrap();
    }
    hand.frame(FrameKind::Block, |out| _ = builder.finish(4096, out));
    builder.begin(1, 4096, rows.len() as u64);
    let mut ring = Vec::new();
    for (site, payload) in sites.iter().zip(&payloads) {
        builder.note(site.level, site.time, 1_000);
        ring.extend(in_ring(payload.len() as u32, site.id, payload));
        ring.extend(in_ring(1 << 31 | 5, 0, b"waste"));
        ring.extend(in_ring(1 << 31, 0, b""));
    }
    hand.frame(FrameKind::Block, |out| _ = builder.finish_raw(8192, &[&ring], out));
    builder.begin_columns(1, 8192, 2 * rows.len() as u64);
    for (site, payload) in sites.iter().zip(&payloads) {
        builder.push(site, payload).unwrap();
    }
    hand.frame(FrameKind::Block, |out| _ = builder.finish(16384, out));
    let lines = Reading::of_bytes(&hand.finish()).whole();
    let found: Vec<_> = lines.iter().map(|line| values(line)).collect();
    let expected: Vec<_> = rows.iter().chain(&rows).chain(&rows).map(|(.., json)| *json).collect();
    assert_eq!(found, expected);
    for (n, line) in lines.iter().enumerate() {
        let time = 1_000 - (n % rows.len()) as i64;
        let line = parse(line);
        assert_eq!((&line["time_raw"], &line["unix_ns"]), (&time.into(), &(UNIX_NS + time).into()));
    }
}

#[test]
fn losses_read_in_all_encodings_and_as_frames() {
    let site = site(16, Type::U8);
    let loss = |n| Loss { counter: 5, full: [0, 0, 0, n, 0], too_large: [n, 0, 0, 0, 0] };
    let mut hand = Hand::new();
    hand.sites(std::slice::from_ref(&site));
    let mut builder = BlockBuilder::default();
    builder.begin(1, 0, 0);
    builder.push_loss(&loss(1).encode()).unwrap();
    builder.push(&site, &payload(6, &[7])).unwrap();
    hand.frame(FrameKind::Block, |out| _ = builder.finish(120, out));
    builder.begin(1, 120, 2);
    builder.note_loss(5);
    let ring = in_ring(88, CallSite::LOSS_ID, &loss(300).encode());
    hand.frame(FrameKind::Block, |out| _ = builder.finish_raw(216, &[&ring], out));
    builder.begin_columns(1, 216, 3);
    builder.push(&site, &payload(6, &[7])).unwrap();
    builder.push_loss(&loss(302).encode()).unwrap();
    builder.push_loss(&loss(304).encode()).unwrap();
    hand.frame(FrameKind::Block, |out| _ = builder.finish(512, out));
    // The first one states what the ring has stated already.
    for n in [304, 305] {
        let frame = LossFrame { ring: 1, position: 512, loss: loss(n), gone: None };
        hand.frame(FrameKind::Loss, |out| frame.encode(out));
    }
    let lines = Reading::of_bytes(&hand.finish()).whole();
    let lost: Vec<_> = lines.iter().map(|line| parse(line)["lost_full"][3].as_u64()).collect();
    assert_eq!(lost, [Some(1), None, Some(299), None, Some(2), Some(2), Some(1)]);
}

/// A dump of one block with a thousand records, whose body is `stored` in place of what it was.
fn compressed(codec: Codec, stored: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let site = site(16, Type::U16);
    let mut hand = Hand::new();
    hand.sites(std::slice::from_ref(&site));
    let mut builder = BlockBuilder::default();
    builder.begin(1, 0, 0);
    for n in 0..1000_u16 {
        builder.push(&site, &payload(n.into(), &n.to_le_bytes())).unwrap();
    }
    let mut block = Vec::new();
    let header = BlockHeader { codec: codec.number(), ..builder.finish(24_000, &mut block) };
    hand.frame(FrameKind::Block, |out| {
        out.extend(header.encode());
        out.extend(stored(&block[BlockHeader::BYTES..]));
    });
    hand.finish()
}

/// A dump of one block in columns with a thousand records of two kinds; its body as `change` has it.
fn in_columns(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let sites = [
        site(16, Type::Tuple(vec![Type::U16, Type::F64, Type::F32, Type::Bool])),
        site(300, Type::Tuple(vec![Type::Str, Type::Option(boxed(Type::I64)), Type::I64])),
    ];
    let mut hand = Hand::new();
    hand.sites(&sites);
    let mut builder = BlockBuilder::default();
    builder.begin_columns(1, 0, 0);
    for n in 0..1000_u16 {
        let values = if n % 3 == 0 {
            let text = n.to_string();
            let length = (text.len() as u32).to_le_bytes();
            let some = i64::from(n).to_le_bytes();
            [&length[..], text.as_bytes(), &[1], &some, &(-i64::from(n)).to_le_bytes()].concat()
        } else {
            // Steady floats, and others.
            let other = f32::from_bits(u32::from(n).wrapping_mul(0x9e37_79b9) & 0x3fff_ffff);
            let floats = [&f64::from(n).to_le_bytes()[..], &other.to_le_bytes()].concat();
            [&n.to_le_bytes()[..], &floats, &[u8::from(n % 2 == 0)]].concat()
        };
        builder.push(&sites[usize::from(n % 3 == 0)], &payload(n.into(), &values)).unwrap();
    }
    let mut block = Vec::new();
    builder.finish(24_000, &mut block);
    let mut body = block.split_off(BlockHeader::BYTES);
    change(&mut body);
    hand.frame(FrameKind::Block, |out| out.extend([block, body].concat()));
    hand.finish()
}

#[test]
fn columns_read_as_they_were_written() {
    let lines = Reading::of_bytes(&in_columns(|_| ())).whole();
    assert_eq!(lines.len(), 1000);
    for (n, line) in (0_i64..).zip(&lines) {
        let value = parse(&format!("[{}]", values(line)))[0].clone();
        if n % 3 == 0 {
            assert_eq!(value, serde_json::json!([n.to_string(), n, -n]));
        } else {
            assert_eq!(
                (&value[0], &value[1], &value[3]),
                (&n.into(), &(n as f64).into(), &(n % 2 == 0).into())
            );
        }
    }
}

#[test]
fn columns_that_are_not_what_they_say_are_damage() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut Vec<u8>)) {
        let reading = Reading::of_bytes(&in_columns(change));
        assert_eq!((reading.lines.len(), reading.code), (0, Some(3)), "{}", reading.complaints);
    }
    check(Vec::clear);
    check(|body| body.truncate(body.len() / 2));
    check(|body| body.push(0));
    check(|body| body[2] = 3); // kinds
    check(|body| body[5] = 9); // a layout
}

#[test]
fn compressed_blocks_read_as_they_were_written() {
    let all: Vec<_> = (0..1000).map(|n: u16| n.to_string()).collect();
    let lines = Reading::of_bytes(&compressed(Codec::Lz4, lz4_flex::block::compress)).whole();
    assert_eq!(lines.iter().map(|line| values(line)).collect::<Vec<_>>(), all);
    let zstd = |body: &[u8]| zstd::bulk::compress(body, 1).unwrap();
    let reading = Reading::of_bytes(&compressed(Codec::Zstd, zstd));
    if reading.complaints.contains("this Python does not have") {
        // The records are passed over, and named.
        assert!(reading.complaints.contains("1000 records"), "{}", reading.complaints);
        assert_eq!((reading.lines.len(), reading.code), (0, Some(3)));
    } else {
        let lines = reading.whole();
        assert_eq!(lines.iter().map(|line| values(line)).collect::<Vec<_>>(), all);
    }
}

#[test]
fn a_compressed_body_that_is_not_what_it_says_is_damage() {
    #[track_caller]
    fn check(stored: impl FnOnce(Vec<u8>) -> Vec<u8>) {
        let bytes = compressed(Codec::Lz4, |body| stored(lz4_flex::block::compress(body)));
        let reading = Reading::of_bytes(&bytes);
        assert_eq!((reading.lines.len(), reading.code), (0, Some(3)), "{}", reading.complaints);
        assert!(reading.complaints.contains("1000 records"), "{}", reading.complaints);
    }
    check(|stored| stored[..stored.len() / 2].to_vec()); // cut
    check(|_| vec![]);
    check(|_| lz4_flex::block::compress(b"shorter"));
    check(|_| lz4_flex::block::compress(&[16; 100_000])); // longer
    check(|_| vec![0x1f, 16, 0, 0, 255, 255, 0]); // a match before the beginning
}

/// A dump with a block of every type and of many texts, and the summary that a writer makes of it, as
/// `change` has it.
fn summed_up(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let rows = every_type();
    let mut sites: Vec<_> = (16..).zip(&rows).map(|(id, (ty, ..))| site(id, ty.clone())).collect();
    let texts: Vec<_> = (0..500).map(|n| format!("/v1/{}/\u{17f}{}", n * 7919, n % 7)).collect();
    sites.push(site(500, Type::Str));
    let mut hand = Hand::new();
    hand.sites(&sites);
    let mut builder = BlockBuilder::default();
    let mut summary = SummaryBuilder::default();
    builder.begin_columns(1, 64, 0);
    let values = rows.iter().map(|(_, raw, _)| raw.clone());
    let long = texts.iter().map(|t| [&(t.len() as u32).to_le_bytes(), t.as_bytes()].concat());
    let last = sites.len() - 1;
    for (n, raw) in values.chain(long).enumerate() {
        let site = &sites[n.min(last)];
        builder.push(site, &payload(n as u64, &raw)).unwrap();
        summary.note(site.id, &raw, || site.has_text());
    }
    let block = hand.frame(FrameKind::Block, |out| _ = builder.finish(4096, out));
    let crc = FrameHeader::decode(&hand.bytes[block..]).unwrap().payload_crc;
    let mut said = Vec::new();
    summary.encode(crc, &mut said);
    change(&mut said);
    hand.frame(FrameKind::Summary, |out| out.extend(said));
    hand.finish()
}

#[test]
fn a_summary_says_no_less_than_the_block_holds() {
    assert_eq!(Reading::of_bytes(&summed_up(|_| ())).whole().len(), every_type().len() + 500);
    // One of another block says nothing.
    Reading::of_bytes(&summed_up(|summary| summary[..4].fill(0))).whole();
    let lacks = |change: fn(&mut Vec<u8>)| {
        let reading = Reading::of_bytes(&summed_up(change));
        assert!(reading.complaints.contains("summary lacks"), "{}", reading.complaints);
    };
    // The mark of the letters that fold, a byte of the filter, and the last call site.
    lacks(|summary| summary[8] = 0);
    lacks(|summary| {
        let at = summary[16..].iter().position(|&byte| byte != 0).unwrap();
        summary[16 + at] = 0;
    });
    lacks(|summary| *summary.last_mut().unwrap() -= 1);
    let mut sites = 0;
    summed_up(|summary| sites = Summary::decode(summary).unwrap().sites().flatten().count());
    assert_eq!(sites, every_type().len() + 1);
}

#[test]
fn records_that_are_gone_with_a_file_are_told_once() {
    let site = site(16, Type::U8);
    let mut hand = Hand::new();
    hand.sites(std::slice::from_ref(&site));
    let gone = |first, count| Some(Gone { first, count, cause: GoneCause::Truncated as u8 });
    let frame = |position, gone| LossFrame { ring: 1, position, loss: Loss::default(), gone };
    // The second one states what the first does, and more.
    for frame in [frame(64, gone(0, 3)), frame(128, gone(0, 5)), frame(128, None)] {
        hand.frame(FrameKind::Loss, |out| frame.encode(out));
    }
    let mut builder = BlockBuilder::default();
    builder.begin(1, 128, 5);
    builder.push(&site, &payload(6, &[7])).unwrap();
    hand.frame(FrameKind::Block, |out| _ = builder.finish(152, out));
    let bytes = hand.finish();
    let lines = Reading::of_bytes(&bytes).whole();
    let told: Vec<_> = lines.iter().map(|line| parse(line)["gone"].as_u64()).collect();
    assert_eq!(told, [Some(3), Some(2), None]);
    // The first reader agrees.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let (entries, summary) = stenolog_tests::read(file.path());
    let told: Vec<_> = entries.iter().map(|entry| entry["fields"]["lost"].as_u64()).collect();
    assert_eq!((told, summary.missing), (vec![Some(3), Some(2), None], 5));
    assert_eq!(entries[0]["fields"]["why"], "truncated");
}

#[test]
fn a_ring_that_continues_another_one_is_read_behind_it() {
    let site = site(16, Type::U8);
    let mut hand = Hand::new();
    hand.sites(std::slice::from_ref(&site));
    for (ring, os_id, continues) in [(2, 301, None), (3, 300, Some(1)), (4, 300, Some(3))] {
        let thread = Thread { ring, os_id, name: String::new(), continues };
        hand.frame(FrameKind::Thread, |out| thread.encode(out));
    }
    // Times go back from ring to ring.
    for (ring, time) in [(1, 900), (2, 950), (3, 800), (4, 700)] {
        let mut builder = BlockBuilder::default();
        builder.begin(ring, 0, 0);
        builder.push(&site, &payload(time, &[ring as u8])).unwrap();
        hand.frame(FrameKind::Block, |out| _ = builder.finish(24, out));
    }
    let bytes = hand.finish();
    let lines = Reading::of_bytes(&bytes).whole();
    assert_eq!(lines.iter().map(|line| values(line)).collect::<Vec<_>>(), ["1", "3", "4", "2"]);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let (entries, _) = stenolog_tests::read(file.path());
    let messages: Vec<_> = entries.iter().map(|entry| entry["message"].as_str()).collect();
    assert_eq!(messages, ["1", "3", "4", "2"].map(Some));
}

#[test]
fn what_a_later_minor_version_adds_is_passed_over() {
    let site = site(16, Type::U8);
    let mut hand = Hand::new();
    // A longer header of version 1.9, with something in the reserved field.
    let mut header: Vec<u8> = hand.bytes.drain(..64).collect();
    header[10] = 9;
    header[12] = 80;
    header[56] = 1;
    let crc = crc_of_header(&header);
    header[60..64].copy_from_slice(&crc);
    header.extend([0xee; 16]);
    hand.bytes.splice(0..0, header);
    let unknown = hand.frame(FrameKind::Watermark, |out| out.extend(b"from the future"));
    rename_frame(&mut hand.bytes[unknown..], 200);
    hand.frame(FrameKind::Clock, |out| {
        ClockPair { counter: 1 << 40, unix_ns: UNIX_NS + (1 << 40), uncertainty_ticks: 0 }
            .encode(out);
        out.extend(b"more");
    });
    hand.frame(FrameKind::Dictionary, |out| {
        CallSite::encode_all(std::iter::once(&site), out);
        out.extend(b"more");
    });
    let mut builder = BlockBuilder::default();
    builder.begin(1, 0, 0);
    builder.push(&site, &payload(6, &[7])).unwrap();
    hand.frame(FrameKind::Block, |out| _ = builder.finish(24, out));
    let mut bytes = hand.finish();
    let lines = Reading::of_bytes(&bytes).whole();
    assert_eq!(lines.iter().map(|line| values(line)).collect::<Vec<_>>(), ["7"]);
    // A greater major version is another matter.
    bytes[8] = 2;
    let reading = Reading::of_bytes(&bytes);
    assert_eq!((reading.lines.len(), reading.code), (0, Some(1)));
    assert!(reading.complaints.contains("2.9"), "{}", reading.complaints);
}

/// The frames are there, and one of them says what the header was.
#[test]
fn a_file_that_has_lost_its_beginning_reads_from_its_first_whole_frame_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = Builder::new(&path).start_detached().unwrap();
    let scope = log.enter();
    (0..100).for_each(|n| info!("record {n}"));
    drop(scope);
    log.close().unwrap();
    let bytes = std::fs::read(path).unwrap();
    let whole = Reading::of_bytes(&bytes).whole();
    for lost in [1, 8, 32, 63, 64] {
        let zeros = [&vec![0; lost][..], &bytes[lost..]].concat();
        for damaged in [zeros, bytes[lost..].to_vec()] {
            let reading = Reading::of_bytes(&damaged);
            assert_eq!(reading.code, Some(3), "{lost} bytes: {}", reading.complaints);
            assert_eq!(reading.lines, whole, "{lost} bytes");
        }
    }
}

/// The checksum of a file header, by way of a frame that has its bytes as the payload.
fn crc_of_header(header: &[u8]) -> [u8; 4] {
    let mut frame = Vec::new();
    FrameWriter::default()
        .frame(&mut frame, FrameKind::Clock, |out| out.extend_from_slice(&header[..60]));
    FrameHeader::decode(&frame).unwrap().payload_crc.to_le_bytes()
}

fn rename_frame(frame: &mut [u8], kind: u8) {
    let header = FrameHeader { kind, ..FrameHeader::decode(frame).unwrap() };
    frame[..FrameHeader::BYTES].copy_from_slice(&header.encode());
}

/// The bytes of the example in the specification.
fn example() -> Vec<u8> {
    let text = include_str!("../../FORMAT.md");
    let (_, text) = text.split_once("## 13. An example").expect("the specification has an example");
    let (_, text) = text.split_once("```text\n").expect("which is a block of text");
    let (text, _) = text.split_once("```").expect("that ends");
    let bytes = text.lines().flat_map(|line| line[5..52].split_whitespace());
    bytes.map(|byte| u8::from_str_radix(byte, 16).expect("a byte in hexadecimal")).collect()
}

#[test]
fn the_example_of_the_specification_reads_as_it_says() {
    let lines = Reading::of_bytes(&example()).whole();
    assert_eq!(
        lines,
        [(1500, "300"), (1480, "null")].map(|(time, value)| format!(
            r#"{{"ring":1,"thread":"main","level":"INFO","target":"app","time_raw":{time},"unix_ns":{},"template":"fill {{0}}","names":["qty"],"values":[{value}]}}"#,
            UNIX_NS + time - 1000
        ))
    );
}

#[test]
fn every_torn_write_shows_what_the_specification_says() {
    let whole = example();
    let lines = Reading::of_bytes(&whole).whole();
    #[track_caller]
    fn check(bytes: &[u8], code: i32, records: &[String]) {
        let reading = Reading::of_bytes(bytes);
        assert_eq!(
            (reading.code, &reading.lines[..]),
            (Some(code), records),
            "{}",
            reading.complaints
        );
        assert_ne!(reading.complaints, "");
        // The first reader must come to the same end.
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        if code == 3 {
            let (entries, summary) = stenolog_tests::read(file.path());
            // Which also says, in an entry of its own, what is missing.
            let shown = entries.iter().filter(|entry| entry["target"] != "stenolog").count();
            assert_eq!(shown, records.len(), "{entries:?}");
            assert!(!summary.is_complete(), "{summary:?}");
        } else {
            assert!(stenolog_decoder::Dump::open(file.path()).is_err());
        }
    }
    let zeros = |at: usize, length: usize| {
        let mut bytes = whole[..at].to_vec();
        bytes.resize(length, 0);
        bytes
    };
    // The block's frame is at d0, its body at 130; the records end at 138 and 13c; the end frame is at 140.
    check(&whole[..0], 1, &[]);
    check(&whole[..5], 1, &[]);
    check(&whole[..63], 1, &[]);
    check(&whole[..64], 3, &[]);
    check(&whole[..0x60], 3, &[]); // a cut clock frame
    check(&whole[..0xd0], 3, &[]); // between frames
    check(&whole[..0xd5], 3, &[]); // in a frame header
    check(&whole[..0x120], 3, &[]); // in the header of a block
    check(&whole[..0x137], 3, &[]);
    check(&whole[..0x138], 3, &lines[..1]);
    check(&whole[..0x13b], 3, &lines[..1]);
    check(&whole[..0x13c], 3, &lines); // in the padding
    check(&whole[..0x140], 3, &lines);
    check(&whole[..0x170], 3, &lines); // a cut end
    check(&zeros(0x140, 0x1000), 3, &lines);
    check(&zeros(0x14a, 0x1000), 3, &lines);
    check(&zeros(0x138, 0x1000), 3, &[]); // the block has a wrong checksum
    check(&zeros(0x138, 0x13a), 3, &lines[..1]); // the block is cut, in zeros
    // A hole in the middle: the block behind it is found, and its call site is not.
    let mut hole = whole.clone();
    hole[0x93] = 0;
    check(&hole, 3, &[]);
}
