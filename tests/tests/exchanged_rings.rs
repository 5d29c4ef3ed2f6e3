//! A thread's records in the thread's order, whatever their times are, though it changed its ring: for a
//! larger one, or as its destructors run.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, SystemTime};

use stenolog::{Builder, Logger, Scope, info};
use stenolog_decoder::{Decoder, Dump, Entry, Format, Limits, RenderOptions, RingDir};

/// A logger on a ring capacity of which threads from the 65th on get half.
fn builder(path: &Path) -> Builder {
    Builder::new(path).filter("trace").ring_capacity_bytes(128 * 1024)
}

/// The messages of a thread, cut after ten bytes, and how many rings it had.
fn of_thread(dumps: &[Dump], thread: &str) -> (Vec<String>, usize) {
    let (mut messages, mut rings) = (Vec::new(), BTreeSet::new());
    let _ = Decoder::new(dumps).for_each(|entry| {
        let Entry::Record(record) = entry else { panic!("there are losses: {entry:?}") };
        if record.thread_name() == thread {
            let mut text = String::new();
            record.write_message(&mut text);
            text.truncate(10);
            messages.push(text);
            rings.insert(record.ring());
        }
        ControlFlow::Continue(())
    });
    (messages, rings.len())
}

/// What a decoder hands text to.
type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> ControlFlow<()>;

/// The same of all ways to read a dump by time.
#[track_caller]
fn check(path: &Path, thread: &str, messages: &[String], rings: usize) {
    let dumps = [Dump::open(path).unwrap()];
    assert_eq!(of_thread(&dumps, thread), (messages.to_vec(), rings));
    let lines = |decode: &dyn Fn(&mut Decoder, Sink<'_>)| {
        let mut text = Vec::new();
        decode(&mut Decoder::new(&dumps), &mut |piece| {
            text.extend_from_slice(piece);
            ControlFlow::Continue(())
        });
        let text = String::from_utf8(text).unwrap();
        let values = text.lines().map(|line| serde_json::from_str(line).unwrap());
        let of_thread = values.filter(|value: &serde_json::Value| value["thread"] == thread);
        let message = |value: serde_json::Value| {
            let mut message = value["message"].as_str().unwrap().to_owned();
            message.truncate(10);
            message
        };
        of_thread.map(message).collect::<Vec<_>>()
    };
    let options = RenderOptions::default();
    for threads in [1, 3].map(|threads| NonZero::new(threads).unwrap()) {
        let rendered =
            lines(&|decoder, sink| _ = decoder.render(Format::Json, &options, threads, sink));
        assert_eq!(rendered, messages, "{threads} threads");
    }
    let last = lines(&|decoder, sink| _ = decoder.render_last(1000, Format::Json, &options, sink));
    assert_eq!(last, messages);
}

/// Threads that hold a ring each, of the capacity that was asked for, until they are dropped.
fn with_many_rings<R>(logger: Option<&Logger>, work: impl FnOnce() -> R) -> R {
    let enter = || logger.map(Logger::enter);
    let (begun, done) = (&Barrier::new(65), &Barrier::new(65));
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(move || {
                let _scope: Option<Scope> = enter();
                info!("hold");
                begun.wait();
                done.wait();
            });
        }
        begun.wait();
        let result = work();
        done.wait();
        result
    })
}

/// Messages that are told apart by their first ten bytes.
fn name(n: u64) -> String {
    format!("record {n:03}")
}

/// Logs as a replay does: times of the caller's, which go back at some places. The last one is too long for
/// a small ring.
fn replay(from: u64, now: SystemTime) {
    let at = |second| now + Duration::from_secs(second);
    for (n, second) in (from..).zip([10, 11, 12, 0, 1]) {
        info!(at: at(second), "record {n:03}");
    }
    let n = from + 5;
    info!(at: at(1), "record {n:03} {}", "x".repeat(80_000));
    let n = from + 6;
    info!(at: at(2), "record {n:03}");
}

fn spawn_named(name: &str, work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(name.to_owned());
        // The end of the scope alone does not wait for the thread's destructors.
        thread.spawn_scoped(scope, work).unwrap().join().unwrap();
    });
}

#[test]
fn a_larger_ring() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let logger = builder(&path).start_detached().unwrap();
    let now = SystemTime::now();
    with_many_rings(Some(&logger), || {
        spawn_named("replay", || {
            let _scope = logger.enter();
            replay(0, now);
        });
    });
    logger.close().unwrap();
    check(&path, "replay", &(0..7).map(name).collect::<Vec<_>>(), 2);
}

/// Threads of the global logger: the drain looks at the second ring before the first one, once the others'
/// rings are gone; and at both only after `Path` is copied, as if the process had been killed before.
#[test]
fn the_rings_of_the_global_logger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let (logger, mut drain) = builder(&path).start_manual().unwrap();
    let now = SystemTime::now();
    with_many_rings(None, || {
        spawn_named("replay", || replay(0, now));
        // Who has entered the global logger goes on in the ring that he has.
        spawn_named("entered", || {
            for n in 0..6 {
                let _scope = (n % 2 == 1).then(|| logger.enter());
                info!(at: now - Duration::from_secs(n), "record {n:03}");
            }
        });
        spawn_named("ended", || {
            // Its destructor runs after that of the thread's rings.
            LAST_WORDS.with(|words| words.0.set(Some(now)));
            info!(at: now, "record 000");
            info!(at: now, "record 001");
        });
    });
    // Nothing was drained yet: a crash's reader must know it too.
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    let rings = logger.ring_dir().unwrap();
    for entry in std::fs::read_dir(rings).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    std::fs::copy(&path, folder.path().join("copy.steno")).unwrap();
    drain.flush().unwrap();
    drop(logger);
    drain.close().unwrap();

    let expected = [("replay", 7, 2), ("entered", 6, 1), ("ended", 5, 4)];
    let dump = Dump::open(folder.path().join("copy.steno")).unwrap();
    let recovery = RingDir::open(&copy).unwrap().read(Some(&dump), &Limits::default()).unwrap();
    let dumps = [recovery.dump, dump];
    for (thread, records, rings) in expected {
        let messages = (0..records).map(name).collect::<Vec<_>>();
        assert_eq!(of_thread(&dumps, thread), (messages.clone(), rings), "in its rings");
        check(&path, thread, &messages, rings);
    }
}

struct LastWords(std::cell::Cell<Option<SystemTime>>);

impl Drop for LastWords {
    fn drop(&mut self) {
        let Some(now) = self.0.get() else { return };
        for n in 2..5 {
            info!(at: now - Duration::from_secs(n), "record {n:03}");
        }
    }
}

thread_local! {
    static LAST_WORDS: LastWords = const { LastWords(std::cell::Cell::new(None)) };
}
