//! Own spans: every record knows its span, wherever a reader begins.

use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use serde_json::Value;
use stenolog::{
    Builder, Empty, Instrument, Level, Logger, OnFull, Span, SpanHandle, SpanId, debug_span, info,
    info_span, record, span, trace_span,
};
use stenolog_decoder::{Decoder, Dump, Entry, repack};
use stenolog_tests::second_reader::{Reading, parse};

/// The names of the enclosing spans of a record, and the text that the record says they should be.
fn paths(line: &Value) -> (String, Option<String>) {
    let spans = line["spans"].as_array().expect("the dump has spans");
    let names = spans.iter().map(|span| span["name"].as_str().unwrap_or("?"));
    let names: Vec<_> = names.collect();
    let field = |name| {
        let at = line["names"].as_array()?.iter().position(|it| it == name)?;
        line["values"][at].as_str().map(str::to_owned)
    };
    (names.join("/"), field("within"))
}

/// Checks a dump with the second reader, which compares contexts with blocks. Returns its records.
#[track_caller]
fn check(path: &std::path::Path) -> Vec<Value> {
    let lines = Reading::of(path).whole();
    let is_record = |line: &Value| line.get("template").is_some();
    let lines: Vec<_> = lines.iter().map(|line| parse(line)).filter(is_record).collect();
    for line in &lines {
        let (found, within) = paths(line);
        if let Some(within) = within {
            assert_eq!(found, within, "{line}");
        }
    }
    let dump = Dump::open(path).unwrap();
    let frames = dump.frames();
    assert!(frames.spans > 0 && frames.context > 0 && frames.context <= frames.block, "{frames:?}");
    lines
}

#[track_caller]
fn count(lines: &[Value], expected: usize) {
    let count = lines.iter().filter(|line| paths(line).1.is_some()).count();
    assert_eq!(count, expected);
}

/// Logs in a tree of spans.
fn walk(depth: u32, path: &str, seed: &mut u64, left: &mut u32) {
    while *left > 0 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        match *seed >> 60 {
            0..=3 if depth > 0 => return,
            4..=6 if depth < 40 => {
                let path = if depth == 0 { "work".to_owned() } else { format!("{path}/work") };
                let span = info_span!("work", depth, state = Empty);
                walk(depth + 1, &path, seed, left);
                record!(span, state = "done");
            }
            7 => {
                let (outer, inner) = (span!("outer", n = 1), trace_span!("inner"));
                // Left in the wrong order.
                drop(outer);
                let path = if depth == 0 {
                    "outer/inner".to_owned()
                } else {
                    format!("{path}/outer/inner")
                };
                info!(within = path);
                drop(inner);
                *left -= 1;
            }
            _ => {
                info!(within = path);
                *left -= 1;
            }
        }
    }
}

fn logger(path: &std::path::Path, ring_bytes: usize) -> Logger {
    let builder = Builder::new(path).filter("trace").on_full(OnFull::Block);
    builder.ring_capacity_bytes(ring_bytes).start_detached().unwrap()
}

#[test]
fn every_record_knows_its_span() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = logger(&path, 1 << 16);
    thread::scope(|scope| {
        for seed in 1..4 {
            let log = &log;
            scope.spawn(move || {
                let _scope = log.enter();
                walk(0, "", &mut { seed }, &mut 3000);
            });
        }
    });
    drop(log);
    count(&check(&path), 9000);
}

#[test]
fn threads_enter_the_spans_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = logger(&path, 1 << 16);
    thread::scope(|scope| {
        let (send, receive) = mpsc::sync_channel::<(SpanHandle, u32)>(4);
        let log = &log;
        scope.spawn(move || {
            let _scope = log.enter();
            let _own = span!("worker");
            for (task, n) in receive {
                task.in_scope(|| {
                    info!(within = "request/task", n);
                    let _step = debug_span!("step");
                    info!(within = "request/task/step", n);
                });
                info!(within = "worker");
                info!(parent: &task, within = "request/task");
            }
        });
        let _scope = log.enter();
        for n in 0..2000 {
            let request = span!("request", n, path = "/x");
            let task = span!("task").detach();
            info!(within = "request");
            send.send((task, n)).unwrap();
            info!(parent: None, within = "");
            record!(request, n = n + 1);
        }
        drop(send);
    });
    drop(log);
    count(&check(&path), 2000 * 6);
}

#[test]
fn futures_are_in_their_span_at_each_poll() {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = logger(&path, 1 << 16);
    let scope = log.enter();
    let pending = || {
        let mut is_ready = false;
        poll_fn(move |_| {
            if std::mem::replace(&mut is_ready, true) { Poll::Ready(()) } else { Poll::Pending }
        })
    };
    let of = |name: &'static str| async move {
        info!(within = name);
        pending().await;
        info!(within = name);
    };
    let mut a = pin!(span!("a").within(of("a")));
    let mut b = pin!(of("b").instrument(info_span!(parent: None, "b")));
    let context = &mut Context::from_waker(Waker::noop());
    info!(within = "");
    assert!(a.as_mut().poll(context).is_pending());
    assert!(b.as_mut().poll(context).is_pending());
    assert!(a.as_mut().poll(context).is_ready());
    assert!(b.as_mut().poll(context).is_ready());
    assert_eq!(Span::current(), SpanId::NONE);
    drop((scope, log));
    count(&check(&path), 5);
}

#[test]
fn what_is_disabled_does_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = Builder::new(&path).filter("info").start_detached().unwrap();
    let scope = log.enter();
    let _outer = span!("outer");
    let before = Span::current();
    let off = debug_span!("off", n = unreachable());
    assert!(off.is_disabled() && off.id().is_none() && Span::current() == before);
    off.record("n", 1).follows_from(&_outer);
    record!(off, n = unreachable());
    drop(off);
    info!(within = "outer");
    let level = Level::Debug;
    assert!(span!(level: level, "off").is_disabled());
    assert!(span!(Level::INFO, "on").id() > before);
    assert!(!span!(target: "a", level: Level::Warn, "{on}", a = 1).is_disabled());
    drop(_outer);
    drop((scope, log));
    let lines = check(&path);
    count(&lines, 1);
    assert!(lines.iter().any(|line| line["template"] == "{{on}}"));
}

fn unreachable() -> u32 {
    panic!("fields of a disabled span are not evaluated")
}

#[test]
fn fields_and_causes_that_are_given_later_are_records() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = logger(&path, 1 << 16);
    let scope = log.enter();
    let first = span!("first");
    let second = span!(parent: SpanId::NONE, "second", status = Empty, text = Empty);
    second.record("status", 404_u16).record("text", "gone");
    second.follows_from(&first);
    record!(second, status = 500, ?second);
    let (first, second) = (first.id().get(), second.id().get());
    drop((scope, log));
    let lines = check(&path);
    let of = |flags: u64| lines.iter().filter(move |line| line["event"] == flags);
    let given: Vec<_> =
        of(16).map(|line| (line["values"][0].as_u64(), &line["values"][1])).collect();
    assert_eq!(given.len(), 3);
    assert!(given.iter().all(|(id, _)| *id == Some(second)));
    assert_eq!((given[0].1, given[1].1, given[2].1), (&404.into(), &"gone".into(), &500.into()));
    let follows: Vec<_> = of(32).map(|line| &line["values"]).collect();
    assert_eq!(follows, [&serde_json::json!([second, first])]);
}

/// As in `tracing`: it is the field `message`.
#[test]
fn a_message_of_a_span_is_a_field() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = logger(&path, 1 << 16);
    let scope = log.enter();
    let n = 3;
    drop(span!("plain", "just text"));
    drop(span!(Level::WARN, "formatted", n, "{n} of {total:>3}{}", '!', total = 10));
    drop(debug_span!("braces", "{{}}"));
    drop(info_span!("macro", a = 1, concat!("a", "{}"), "b"));
    drop((scope, log));
    let lines = check(&path);
    let begun: String = lines
        .iter()
        .filter(|line| line["event"] == 3)
        .map(|line| {
            let names = line["names"].as_array().unwrap().iter().skip(3);
            let values = line["values"].as_array().unwrap().iter().skip(3);
            let pairs = names.zip(values).map(|(name, value)| format!("{name}={value} "));
            pairs.collect::<String>()
        })
        .collect();
    let expected =
        r#""message"="just text" "n"=3 "message"="3 of  10!" "message"="{}" "a"=1 "message"="ab" "#;
    assert_eq!(begun, expected);
}

/// As in `tracing`: by value or by reference.
#[test]
#[expect(clippy::needless_borrows_for_generic_args, reason = "they must go on to compile")]
fn a_field_is_given_a_value_or_a_reference() {
    #[derive(stenolog::Record)]
    struct Order {
        id: u8,
        #[record(hex)]
        key: u16,
    }

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = logger(&path, 1 << 16);
    let scope = log.enter();
    let span = span!("span");
    let (text, order) = (String::from("text"), Order { id: 1, key: 16 });
    span.record("a", 1_u8).record("b", &1_u8).record("c", "text").record("d", &text);
    span.record("e", text.as_str()).record("f", &"text").record("g", text.clone());
    span.record("h", vec![1_i64, 2]).record("i", &[1, 2][..]).record("j", Some(true));
    span.record("k", std::path::Path::new("/x")).record("l", &order).record("m", order);
    span.id().record("n", 1.5).record("o", &1.5);
    span.record("none", None::<u8>);
    span.detach().record("p", 'x').record("q", &'x');
    drop((scope, log));
    let lines = check(&path);
    let given: String = lines
        .iter()
        .filter(|line| line["event"] == 16)
        .map(|line| format!("{}={} ", line["names"][1].as_str().unwrap(), line["values"][1]))
        .collect();
    let expected = "a=1 b=1 c=\"text\" d=\"text\" e=\"text\" f=\"text\" g=\"text\" h=[1,2] i=[1,2] j=true \
                    k=\"/x\" l={\"Order\":{\"id\":1,\"key\":\"0x10\"}} m={\"Order\":{\"id\":1,\"key\":\"0x10\"}} n=1.5 o=1.5 none=null \
                    p=\"x\" q=\"x\" ";
    assert_eq!(given, expected);
}

#[test]
fn lost_events_derange_no_later_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let builder = Builder::new(&path).filter("trace").on_full(OnFull::Drop);
    let (log, mut drain) = builder.ring_capacity_bytes(1 << 12).start_manual().unwrap();
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let _outer = span!("outer");
            for round in 0..20_usize {
                // The ring is full after a few of them, in another place each time.
                let burst: Vec<_> = (0..round + 100).map(|n| info_span!("burst", n)).collect();
                for (at, span) in burst.into_iter().enumerate() {
                    if at % (round + 2) == 0 {
                        info!("lost, or not");
                    }
                    drop(span);
                }
                drain.flush().unwrap();
                info!("states the loss");
                let _inner = span!("inner", round);
                info!(within = "outer/inner", round);
                let _innermost = debug_span!("innermost");
                info!(within = "outer/inner/innermost", round);
                drain.flush().unwrap();
            }
            info!(within = "outer");
        });
        thread.join().unwrap();
    });
    assert!(log.stats().lost > 1000);
    log.close().unwrap();
    drop(drain);
    count(&check(&path), 41);
}

#[test]
fn a_file_that_replaces_a_deleted_one_knows_the_open_spans() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = logger(&path, 1 << 16);
    let scope = log.enter();
    let outer = span!("outer", id = 7, state = Empty);
    let inner = info_span!("inner");
    record!(outer, state = "early");
    info!("in the first file");
    log.flush().unwrap();
    std::fs::remove_file(&path).unwrap();
    info!("in the second one");
    drop(inner);
    info!("outside of one");
    log.flush().unwrap();
    drop((outer, scope, log));
    let (entries, _) = stenolog_tests::read(&path);
    let of = |message: &str| {
        let entry = entries.iter().find(|entry| entry["message"] == message).unwrap();
        let spans = entry["spans"].as_array().unwrap().clone();
        spans
            .iter()
            .map(|span| (span["name"].clone(), span["fields"]["state"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("in the second one"),
        [("outer".into(), "early".into()), ("inner".into(), Value::Null)]
    );
    assert_eq!(of("outside of one"), [("outer".into(), "early".into())]);
}

#[test]
fn events_of_a_span_go_to_the_logger_that_it_began_in() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.steno", "b.steno"].map(|name| folder.path().join(name));
    let [a, b] = [&paths[0], &paths[1]].map(|path| logger(path, 1 << 16));
    let in_a = a.enter();
    let ends_in_b = span!("ends in b", state = Empty);
    let handle = span!("handle").detach();
    let outlives = span!("outlives all scopes");
    {
        let _in_b = b.enter();
        info!(within = "");
        let own = span!("own");
        info!(within = "own");
        record!(ends_in_b, state = 1);
        ends_in_b.record("state", 2).follows_from(&handle);
        drop(ends_in_b);
        handle.in_scope(|| info!(within = "own"));
        drop((handle, own));
        info!(within = "");
    }
    info!(within = "ends in b/outlives all scopes");
    drop(in_a);
    drop(outlives);
    let in_a = a.enter();
    info!(within = "");
    drop((in_a, a, b));
    let of = |path| {
        let lines = check(path);
        count(&lines, if *path == paths[0] { 2 } else { 4 });
        let events = lines.iter().filter_map(|line| line["event"].as_u64());
        let mut events: Vec<_> = events.filter(|event| *event != 0).collect();
        events.sort_unstable();
        events
    };
    // Enters and exits of the handle, its close, two records, follows, three spans that begin, two that end.
    assert_eq!(of(&paths[0]), [2, 3, 3, 3, 4, 4, 8, 12, 12, 16, 16, 32]);
    assert_eq!(of(&paths[1]), [3, 12]);
}

/// Checks the `state` that is shown in the spans of each record with a `round`: never one that was given later; and the
/// last one if the record is of the thread that gave it.
#[track_caller]
fn check_states(bytes: &[u8], expected: usize) {
    let dump = Dump::from_bytes("app.steno", bytes.to_vec()).unwrap();
    let mut count = 0;
    let number = |of: &str, fields: Vec<(&str, String)>| {
        let (_, text) = fields.into_iter().find(|(name, _)| *name == of)?;
        text.trim_start_matches("U32(").trim_end_matches(')').parse::<u32>().ok()
    };
    let _ = Decoder::new(dump).for_each(|entry| {
        let Entry::Record(record) = entry else { return ControlFlow::Continue(()) };
        let of_record = record.fields().map(|(name, value)| (name, format!("{value:?}")));
        let Some(round) = number("round", of_record.collect()) else {
            return ControlFlow::Continue(());
        };
        let of_spans = record.spans().flat_map(|span| {
            span.fields().into_iter().map(|(name, value)| (name, format!("{value:?}")))
        });
        let state = number("state", of_spans.collect());
        let is_of_giver = record.thread_name() != "asked";
        assert!(
            if is_of_giver { state == Some(round) } else { state <= Some(round) },
            "record {} of ring {}, round {round}: {state:?}",
            record.number(),
            record.ring()
        );
        count += 1;
        ControlFlow::Continue(())
    });
    assert_eq!(count, expected);
}

/// One thread gives a span its state; others log in the span, and each knows the state.
#[test]
fn values_that_are_given_later_show_in_no_record_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let log = logger(&path, 1 << 16);
    // Enough for several windows of repacking.
    let (rounds, text) = (1500_u32, "x".repeat(2000));
    thread::scope(|scope| {
        let (ask, asked) = mpsc::sync_channel::<(SpanHandle, u32)>(0);
        let (answer, answered) = mpsc::sync_channel(0);
        let (log, text) = (&log, &text);
        let thread = thread::Builder::new().name("asked".into());
        let work = move || {
            let _scope = log.enter();
            for (span, round) in asked {
                span.in_scope(|| (0..round % 4).for_each(|_| info!(round, text)));
                info!(parent: &span, round);
                answer.send(()).unwrap();
            }
        };
        thread.spawn_scoped(scope, work).unwrap();
        let _scope = log.enter();
        let span = span!("shared", state = Empty).detach();
        for round in 0..rounds {
            record!(span, state = round);
            ask.send((span.clone(), round)).unwrap();
            answered.recv().unwrap();
            if round % 97 == 13 {
                log.flush().unwrap();
            }
            span.in_scope(|| info!(round, text));
        }
    });
    drop(log);
    let bytes = std::fs::read(&path).unwrap();
    let expected = (0..rounds).map(|round| round as usize % 4 + 2).sum();
    check_states(&bytes, expected);
    let mut repacked = Vec::new();
    repack(&Dump::open(&path).unwrap(), 3, &mut repacked).unwrap();
    check_states(&repacked, expected);
}
