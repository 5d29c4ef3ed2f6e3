//! Records have fields of nearly every type of std.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::error::Error;
use std::ffi::{CString, OsString};
use std::io;
use std::marker::PhantomData;
use std::num::{NonZeroU32, Saturating, Wrapping};
use std::ops::{Bound, ControlFlow, Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use stenolog::{Record, info};
use stenolog_tests::LogFixture;

trait Venue {
    type Id;
    const NAME: &'static str;
}

#[derive(Debug)]
struct Lit;

impl Venue for Lit {
    type Id = u16;
    const NAME: &'static str = "lit";
}

/// All that prints as its `Debug` does.
#[derive(Debug, Record)]
struct Exact<'a, V: Venue, T, const N: usize> {
    path: PathBuf,
    borrowed: &'a Path,
    cow: Cow<'a, Path>,
    os: OsString,
    c: CString,
    range: Range<u8>,
    inclusive: RangeInclusive<i64>,
    from: RangeFrom<T>,
    to: RangeTo<&'a str>,
    to_inclusive: RangeToInclusive<u16>,
    paths: Vec<Range<Option<PathBuf>>>,
    wrapping: Wrapping<u8>,
    saturating: Saturating<i32>,
    ordering: Ordering,
    reverse: Reverse<u8>,
    phantom: PhantomData<V>,
    result: Result<u8, String>,
    map: BTreeMap<String, PathBuf>,
    set: BTreeSet<u8>,
    hash: HashMap<u8, Range<u8>>,
    hash_set: HashSet<char>,
    deque: VecDeque<Wrapping<u8>>,
    flag: AtomicBool,
    count: Arc<AtomicU64>,
    non_zero: Option<NonZeroU32>,
    poll: Poll<u8>,
    flow: ControlFlow<u8, ()>,
    bound: Bound<PathBuf>,
    layout: std::alloc::Layout,
    id: std::thread::ThreadId,
    ty: std::any::TypeId,
    kind: io::ErrorKind,
    venue: V::Id,
    array: [T; N],
    rc: Rc<str>,
    boxed: Box<[Rc<u8>]>,
    duration: Duration,
    weak: std::sync::Weak<u8>,
}

fn exact() -> Exact<'static, Lit, u32, 2> {
    Exact {
        path: "/tmp/it's \"here\"\n".into(),
        borrowed: Path::new("/b"),
        cow: Path::new("c").into(),
        os: "os".into(),
        c: CString::new("c text").unwrap(),
        range: 1..5,
        inclusive: -1..=7,
        from: 3..,
        to: .."x",
        to_inclusive: ..=9,
        paths: vec![None..Some("p".into())],
        wrapping: Wrapping(255),
        saturating: Saturating(-5),
        ordering: Ordering::Less,
        reverse: Reverse(4),
        phantom: PhantomData,
        result: Err("no".into()),
        map: [("k".to_owned(), "/v".into())].into(),
        set: [3, 4].into(),
        hash: [(1, 2..3)].into(),
        hash_set: ['h'].into(),
        deque: [Wrapping(1)].into(),
        flag: true.into(),
        count: Arc::new(12.into()),
        non_zero: NonZeroU32::new(5),
        poll: Poll::Ready(1),
        flow: ControlFlow::Break(2),
        bound: Bound::Excluded("b".into()),
        layout: std::alloc::Layout::new::<u64>(),
        id: std::thread::current().id(),
        ty: std::any::TypeId::of::<u8>(),
        kind: io::ErrorKind::NotFound,
        venue: 77,
        array: [1, 2],
        rc: "rc".into(),
        boxed: Box::new([Rc::new(1)]),
        duration: Duration::from_millis(1500),
        weak: std::sync::Weak::new(),
    }
}

#[test]
fn nearly_every_type_prints_as_its_debug() {
    let mut fixture = LogFixture::new();
    let exact = exact();
    info!(exact, "{exact:?} {:?} {:04?} {:?}", 1..5, (2..=3, ..9), Wrapping(3));
    let records = fixture.finish();
    let expected = format!("{exact:?} {:?} {:04?} {:?}", 1..5, (2..=3, ..9), Wrapping(3));
    assert_eq!(stenolog_tests::message(&records[0]), expected);
    let fields = &records[0]["fields"]["exact"];
    assert_eq!(Lit::NAME, "lit");
    for (name, value) in [
        ("path", json!("/tmp/it's \"here\"\n")),
        ("borrowed", json!("/b")),
        ("range", json!({"start": 1, "end": 5})),
        ("from", json!({"start": 3})),
        ("to", json!({"end": "x"})),
        ("paths", json!([{"start": null, "end": "p"}])),
        ("wrapping", json!(255)),
        ("ordering", json!("Less")),
        ("reverse", json!(4)),
        ("phantom", json!(null)),
        ("result", json!({"Err": "no"})),
        ("map", json!({"k": "/v"})),
        ("deque", json!([1])),
        ("flag", json!(true)),
        ("count", json!(12)),
        ("poll", json!({"Ready": 1})),
        ("flow", json!({"Break": 2})),
        ("venue", json!(77)),
        ("array", json!([1, 2])),
    ] {
        assert_eq!(fields[name], value, "{name}");
    }
}

#[derive(Record)]
struct Converted {
    started: Instant,
    stamp: stenolog::Timestamp,
    cell: Cell<u8>,
    ref_cell: RefCell<String>,
    lock: Mutex<Vec<u8>>,
    rw: RwLock<u8>,
    once: OnceLock<u8>,
    io: io::Error,
    boxed: Box<dyn Error + Send + Sync>,
    maybe: Option<Box<dyn Error>>,
    parse: std::num::ParseIntError,
    report: Result<(), Arc<dyn Error>>,
}

#[derive(Debug)]
struct Outer(io::Error);

impl std::fmt::Display for Outer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("outer")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[test]
fn errors_keep_their_sources_and_cells_show_their_content() {
    let mut fixture = LogFixture::new();
    let converted = Converted {
        started: Instant::now(),
        stamp: stenolog::Timestamp::now(),
        cell: Cell::new(1),
        ref_cell: RefCell::new("x".into()),
        lock: Mutex::new(vec![1]),
        rw: RwLock::new(2),
        once: OnceLock::new(),
        io: io::Error::other("disk"),
        boxed: Box::new(Outer(io::Error::other("disk"))),
        maybe: Some("text".into()),
        parse: "x".parse::<u8>().unwrap_err(),
        report: Err(Arc::new(Outer(io::Error::other("disk")))),
    };
    let path = PathBuf::from("/var/log");
    let guard = converted.rw.write().unwrap();
    let minute = Duration::from_secs(60);
    let [before, after] = [SystemTime::now() - minute, SystemTime::now() + minute];
    info!(converted, path, at = converted.started, cause = converted.io, before, after, "one");
    drop(guard);
    let records = fixture.finish();
    let fields = &records[0]["fields"];
    assert_eq!(fields["path"], "/var/log");
    let at = fields["at"].as_str().unwrap();
    assert!(at.starts_with("20") && at.ends_with('Z'), "{at}");
    let mut converted = fields["converted"].clone();
    let times = [converted["started"].take(), converted["stamp"].take()];
    for time in times {
        // All have the same form.
        let time = time.as_str().unwrap();
        let [before, after] = ["before", "after"].map(|name| fields[name].as_str().unwrap());
        assert!(before < time && time < after, "{before} {time} {after}");
    }
    let outer = json!({"message": "outer", "sources": ["disk"]});
    assert_eq!(
        converted,
        json!({
            "started": null,
            "stamp": null,
            "cell": 1,
            "ref_cell": "x",
            "lock": [1],
            "rw": null,
            "once": null,
            "io": {"message": "disk", "sources": []},
            "boxed": outer,
            "maybe": {"message": "text", "sources": []},
            "parse": {"message": "invalid digit found in string", "sources": []},
            "report": {"Err": outer},
        })
    );
}

#[cfg(unix)]
#[test]
fn paths_that_are_not_utf_8_have_escapes() {
    use std::os::unix::ffi::OsStrExt as _;

    let mut fixture = LogFixture::new();
    let path = Path::new(std::ffi::OsStr::from_bytes(b"a\xffb"));
    info!(path, "{path:?}");
    let records = fixture.finish();
    assert_eq!(records[0]["fields"]["path"], "a\\xFFb");
    assert_eq!(stenolog_tests::message(&records[0]), format!("{path:?}"));
}
