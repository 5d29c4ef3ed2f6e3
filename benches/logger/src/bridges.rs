//! Bridges: events, spans and records of `tracing` and `log`, beside the subscribers and loggers that programs run.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use log::LevelFilter;
use tracing::Level;
use tracing_appender::non_blocking::NonBlockingBuilder;
use tracing_subscriber::layer::SubscriberExt;

use crate::bench::Bench;
use crate::machine::{CONSUMER, PRODUCER, clock, pin};
use crate::protocol::{self, Figures, tell};
use crate::table::{Table, number};

/// Calls of a burst: four records each, at most, fit a ring.
const BURST: u32 = 1000;

/// A set-up of a program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SetUp {
    Macros,
    Tracing,
    Layer,
    NoSubscriber,
    Fmt,
    EnvLogger,
    Fastrace,
}

const SET_UPS: [(SetUp, &str, &str); 7] = [
    (SetUp::Macros, "macros", "`stenolog`'s own macros"),
    (SetUp::Tracing, "tracing", "`capture_log()`, `capture_tracing()`"),
    (SetUp::Layer, "layer", "`capture_log()`, `tracing_layer()` on `Registry`"),
    (SetUp::NoSubscriber, "none", "`tracing` and `log` alone"),
    (SetUp::Fmt, "fmt", "`tracing_subscriber::fmt` + `tracing_appender`"),
    (SetUp::EnvLogger, "env_logger", "`env_logger` into a file"),
    (SetUp::Fastrace, "fastrace", "`fastrace`, spans reported to nothing"),
];

const CASES: [(&str, &str); 7] = [
    ("event", "event, two fields"),
    ("message", "event, `\"{a} {b}\"`"),
    ("span", "span"),
    ("disabled", "disabled"),
    ("plain", "`log`, plain"),
    ("arguments", "`log`, `\"{a} {b}\"`"),
    ("pairs", "`log`, key-values"),
];

#[inline(never)]
fn event(n: u32) {
    tracing::info!(n, share = 0.5, "filled");
}

#[inline(never)]
fn message(n: u32) {
    tracing::info!("filled {} {}", n, 0.5);
}

#[inline(never)]
fn span(n: u32) {
    let _span = tracing::info_span!("request", n).entered();
}

#[inline(never)]
fn disabled(n: u32) {
    tracing::trace!(n, "filled");
}

#[inline(never)]
fn plain(_: u32) {
    log::info!("filled");
}

#[inline(never)]
fn arguments(n: u32) {
    log::info!("{} {}", n, 0.5);
}

#[inline(never)]
fn pairs(n: u32) {
    log::info!(n, share = 0.5; "filled");
}

#[inline(never)]
fn own_event(n: u32) {
    stenolog::info!(n, share = 0.5, "filled");
}

#[inline(never)]
fn own_message(n: u32) {
    stenolog::info!("filled {} {}", n, 0.5);
}

#[inline(never)]
fn own_span(n: u32) {
    let _span = stenolog::span!("request", n);
}

#[inline(never)]
fn own_disabled(n: u32) {
    stenolog::trace!(n, "filled");
}

type Call = (&'static str, fn(u32));

fn calls(set_up: SetUp) -> Vec<Call> {
    let of_tracing: [Call; 4] =
        [("event", event), ("message", message), ("span", span), ("disabled", disabled)];
    let of_log: [Call; 3] = [("plain", plain), ("arguments", arguments), ("pairs", pairs)];
    match set_up {
        SetUp::Macros => vec![
            ("event", own_event),
            ("message", own_message),
            ("span", own_span),
            ("disabled", own_disabled),
        ],
        SetUp::Tracing | SetUp::Layer | SetUp::NoSubscriber => [&of_tracing[..], &of_log].concat(),
        SetUp::Fmt => of_tracing.to_vec(),
        SetUp::EnvLogger => of_log.to_vec(),
        SetUp::Fastrace => Vec::new(),
    }
}

/// Costs of all set-ups.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let rounds = bench.options.quick_or(1, 5);
    let bursts = bench.options.quick_or(200, 1000).to_string();
    let mut runs: Vec<(&str, Figures)> =
        SET_UPS.iter().map(|(_, _, title)| (*title, Figures::default())).collect();
    for round in 0..rounds {
        for ((_, word, _), (_, figures)) in SET_UPS.iter().zip(&mut runs) {
            eprintln!("bridges: {word} ({} of {rounds})", round + 1);
            let words = [(*word).to_owned(), bursts.clone()];
            figures.extend(protocol::run("bridges", &words)?);
        }
    }
    let mut table = Table {
        name: "bridges",
        title: "A call of `tracing` and `log` by set-up, in bursts that fit the ring".into(),
        header: std::iter::once("ns (times the clock)".to_owned())
            .chain(CASES.iter().map(|(_, title)| (*title).to_owned()))
            .collect(),
        rows: Vec::new(),
        notes: vec![format!(
            "The fastest of {bursts} bursts of {BURST} calls, the median of {rounds} processes. A span is new, enter, \
             exit and close, with one field: four records, or two by Stenolog's own macro. The clock is one reading \
             of the counter, measured in turn with the calls."
        )],
    };
    for (title, figures) in &runs {
        let clock = figures.median("clock");
        let cell = |(case, _): &(&str, &str)| match figures.median(case) {
            ns if ns.is_nan() => String::new(),
            ns => format!("{} ({})", number(ns), number(ns / clock)),
        };
        let row = std::iter::once((*title).to_owned()).chain(CASES.iter().map(cell));
        table.rows.push(row.collect());
    }
    Ok(vec![table])
}

/// Measures one set-up.
pub fn child(word: &str, bursts: u32) -> Result<(), Box<dyn Error>> {
    let known = SET_UPS.iter().find(|(_, name, _)| *name == word);
    let (set_up, ..) = *known.ok_or_else(|| format!("there is no set-up {word}"))?;
    let folder = tempfile::tempdir()?;
    pin(CONSUMER);
    let settle = start(set_up, &folder.path().join("bridges.log"))?;
    pin(PRODUCER);
    let clock = clock();
    let mut fastest_clock = f64::INFINITY;
    let ns = |ticks: u64| clock.delta_as_nanos(0, ticks) as f64 / f64::from(BURST);
    let mut fastest = |call: &dyn Fn(u32)| {
        let mut fastest = f64::INFINITY;
        for _ in 0..bursts {
            let began = clock.raw();
            (0..BURST).for_each(|n| call(black_box(n)));
            let between = clock.raw();
            (0..BURST).for_each(|_| _ = black_box(clock.raw()));
            let ended = clock.raw();
            fastest = fastest.min(ns(between - began));
            fastest_clock = fastest_clock.min(ns(ended - between));
            settle();
        }
        fastest
    };
    for (name, call) in calls(set_up) {
        tell(name, fastest(&call));
    }
    if set_up == SetUp::Fastrace {
        let root = fastrace::Span::root("root", fastrace::prelude::SpanContext::random());
        let _parent = root.set_local_parent();
        tell("span", fastest(&fastrace_span));
    }
    tell("clock", fastest_clock);
    Ok(())
}

#[inline(never)]
fn fastrace_span(n: u32) {
    let span = fastrace::local::LocalSpan::enter_with_local_parent("request");
    drop(span.with_property(|| ("n", n.to_string())));
}

/// Sets the program up; returns what empties the queues.
fn start(set_up: SetUp, path: &Path) -> Result<Box<dyn Fn()>, Box<dyn Error>> {
    let own = || stenolog::Builder::new(path).filter("info");
    let flush = |log: stenolog::Logger| -> Box<dyn Fn()> {
        Box::new(move || log.flush().expect("the dump is written"))
    };
    let rest: Box<dyn Fn()> = Box::new(|| std::thread::sleep(Duration::from_millis(1)));
    Ok(match set_up {
        SetUp::Macros => flush(own().start()?),
        SetUp::Tracing => flush(own().capture_log().capture_tracing().start()?),
        SetUp::Layer => {
            let log = own().capture_log().start()?;
            let layers = tracing_subscriber::registry().with(stenolog::tracing_layer());
            tracing::subscriber::set_global_default(layers)?;
            flush(log)
        }
        SetUp::NoSubscriber => Box::new(|| ()),
        SetUp::Fmt => {
            let (writer, guard) =
                NonBlockingBuilder::default().lossy(false).finish(File::create(path)?);
            let subscriber = tracing_subscriber::fmt().with_max_level(Level::INFO).with_ansi(false);
            subscriber.with_writer(writer).try_init().map_err(|error| error.to_string())?;
            Box::new(move || {
                rest();
                let _ = &guard;
            })
        }
        SetUp::EnvLogger => {
            let target = env_logger::Target::Pipe(Box::new(File::create(path)?));
            env_logger::Builder::new().filter_level(LevelFilter::Info).target(target).try_init()?;
            rest
        }
        SetUp::Fastrace => {
            fastrace::set_reporter(Discard, fastrace::collector::Config::default());
            rest
        }
    })
}

/// A reporter that discards what it is given.
struct Discard;

impl fastrace::collector::Reporter for Discard {
    fn report(&mut self, spans: Vec<fastrace::prelude::SpanRecord>) {
        black_box(spans.len());
    }
}
