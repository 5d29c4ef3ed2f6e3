//! Dumps of the logger read as they were logged.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use stenolog::{Builder, Compression, OnFull, error, info, trace};
use stenolog_tests::second_reader::{Reading, parse, values};

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
struct Node {
    next: Option<Box<Node>>,
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
fn values_that_describe_themselves_read_as_they_were_logged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = Builder::new(&path).filter("trace").start_detached().unwrap();
    let scope = log.enter();
    let expected = log_each! {
        1..300_u16 => r#"{"std::Range":{"start":1,"end":300}}"#,
        stenolog::serde(&Reply { code: -2, headers: BTreeMap::from([("a".to_owned(), vec![7])]), kind: Kind::Empty })
            => r#"{"Reply":{"code":-2,"headers":[["a",[7]]],"kind":"Empty"}}"#,
        stenolog::serde(&(Some(1.5), None::<u8>, Kind::Wrapped('x'), [true]))
            => r#"[1.5,null,{"Wrapped":["x"]},[true]]"#,
        Node { next: Some(Box::new(Node { next: None })) } => r#"{"Node":{"next":{"Node":{"next":null}}}}"#,
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
    assert_eq!((&second["level"], &second["target"]), (&"TRACE".into(), &module_path!().into()));
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
