//! The cost of a call: bursts that fit the ring or queue, which is emptied between them.

use std::cell::Cell;
use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use bench_statements::{NAMES, Statement, messages, statement, values_alone};
use stenolog_decoder::{Decoder, Dump, Format, RenderOptions, Renderer};

use crate::bench::{Bench, Run, line_of};
use crate::load::{Load, Source};
use crate::machine::{CONSUMER, PRODUCER, clock, distance, median, pin};
use crate::peers::{self, Peer, Running};
use crate::protocol::{Figures, tell};
use crate::table::{Table, number};

/// Calls in a burst.
pub const BURST: u32 = 4096;

/// The tables of all loggers, and of what changes the cost of Stenolog's calls.
pub fn measure(bench: &Bench) -> Result<Vec<Table>, Box<dyn Error>> {
    let (rounds, bursts) = (bench.options.quick_or(2, 3), bench.options.quick_or(30, 100));
    let all = figures(bench)?;
    let median_of = format!("median of {} bursts of {BURST} calls", rounds * bursts);
    let header = ["ns a call (times the clock)", "s1", "s2", "s3", "s4", "s5", "s6", "disabled"];
    let mut table = Table {
        name: "calls",
        title: format!("A call, {median_of}"),
        header: header.map(String::from).into(),
        rows: Vec::new(),
        notes: Vec::new(),
    };
    let clocks = all.first().map(|(_, figures)| {
        let clock = |s| number(figures.median(&format!("s{s}.clock")));
        std::iter::once("reading the clock".into()).chain((1..=6).map(clock)).collect()
    });
    table.rows.extend(clocks);
    for (peer, figures) in all {
        let mut row = vec![peer.name.to_owned()];
        for s in 1..=6 {
            let ratio = figures.median(&format!("s{s}.ratio"));
            row.push(format!("{} ({ratio:.2})", number(figures.median(&format!("s{s}.call")))));
        }
        row.push(number(figures.median("disabled")));
        table.rows.push(row);
        for s in (1..=6).filter(|s| figures.range(&format!("s{s}.wrong")).1 > 0.0) {
            table
                .notes
                .push(format!("{} does not write the message of s{s} as it should.", peer.name));
        }
        if figures.range("missing").1 > 0.0 {
            table.notes.push(format!("{} lost {} records.", peer.name, figures.range("missing").1));
        }
    }
    table.notes.push(format!(
        "The queue is emptied before each burst. The ratio is to reading the clock (`rdtsc`) as often, \
         in turn with the calls in the same process. The background thread is on the other core; {}. A \
         dash: the level is a constant of the program, so a disabled call does not exist at run time.",
        line_of(all)
    ));
    let setups = all.iter().map(|(peer, _)| format!("{}: {}", peer.name, peer.setup));
    table.notes.push(format!("Set up: {}.", setups.collect::<Vec<_>>().join("; ")));
    let high = high_table(all, &median_of);
    let own = all.iter().find(|(peer, _)| peer.name == "stenolog");
    let own = own.map(|(_, figures)| own_table(figures));
    Ok([table, high].into_iter().chain(own).collect())
}

/// The figures of all loggers, measured once.
pub fn figures(bench: &Bench) -> Result<&[Run], Box<dyn Error>> {
    if let Some(figures) = bench.calls.get() {
        return Ok(figures);
    }
    let (rounds, bursts) = (bench.options.quick_or(2, 3), bench.options.quick_or(30, 100));
    let figures = bench.alternate("calls", rounds, |_| true, |_| vec![bursts.to_string()])?;
    Ok(bench.calls.get_or_init(|| figures))
}

/// What else changes the cost of Stenolog's calls.
fn own_table(figures: &Figures) -> Table {
    let variants = [("call", "as above"), ("at", "with a time of the caller's (`at:`)")];
    let mut rows = Vec::new();
    for (name, label) in variants {
        let mut row = vec![label.to_owned()];
        for s in 1..=6 {
            let call = figures.median(&format!("s{s}.{name}"));
            let clock = figures.median(&format!("s{s}.clock"));
            row.push(format!("{} ({:.2})", number(call), call / clock));
        }
        rows.push(row);
    }
    for (name, label) in [("filtered", "with a filter of 16 directives"), ("disabled", "disabled")]
    {
        let blank = String::new;
        let clock = figures.median("s4.clock");
        let s4 = figures.median(name);
        let s4 = format!("{} ({:.2})", number(s4), s4 / clock);
        rows.push(vec![label.into(), blank(), blank(), blank(), s4]);
    }
    let header = ["Stenolog, ns a call (times the clock)", "s1", "s2", "s3", "s4", "s5", "s6"];
    let legend: Vec<_> =
        NAMES.iter().map(|name| format!("**{}**{}", &name[..2], &name[2..])).collect();
    Table {
        name: "own-calls",
        title: "Stenolog's calls with a given time, with filters, and disabled".into(),
        header: header.map(String::from).into(),
        rows,
        notes: vec![format!("The statements of NanoLog's paper: {}.", legend.join(", "))],
    }
}

/// Measures one logger.
pub fn child(peer: &Peer, bursts: u32) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    tell("line", distance());
    // What the logger starts stays on the core on which it is started.
    pin(CONSUMER);
    let path = folder.path().join("calls.log");
    let log = (peer.start)(&path)?;
    pin(PRODUCER);
    let mut session = Session::new(peer, &*log);
    for (s, call) in peer.calls.into_iter().enumerate() {
        let at = (peer.name == "stenolog").then(|| peers::with_time(s));
        let both: Vec<_> = std::iter::once(call).chain(at).collect();
        let costs = session.compare(|_| {}, &both, bursts);
        let s = s + 1;
        tell(&format!("s{s}.clock"), costs[0]);
        tell(&format!("s{s}.call"), costs[1]);
        tell(&format!("s{s}.ratio"), costs[1] / costs[0]);
        if at.is_some() {
            tell(&format!("s{s}.at"), costs[2]);
        }
    }
    if let Some(disabled) = peer.disabled {
        // Nothing gets into the queue.
        let mut costs: Vec<_> = (0..bursts + 4).map(|_| burst(disabled)).collect();
        tell("disabled", median(&mut costs[4..]));
        let mut costs: Vec<_> = (0..bursts + 4).map(|_| burst(nothing as Statement)).collect();
        tell("nothing", median(&mut costs[4..]));
    }
    if peer.name == "stenolog" {
        // Each of the first fifteen is asked about the target, and is not it.
        let mut directives: Vec<_> = (0..15).map(|n| format!("other::target{n}=debug")).collect();
        directives.push("filtered=info".into());
        stenolog::set_filter(&directives.join(","))?;
        let filtered: Statement = statement!(n: [stenolog::info] [target: "filtered",]);
        tell("filtered", session.compare(|_| {}, &[filtered], bursts)[1]);
        stenolog::set_filter("trace")?;
    }
    high(peer, &mut session, bursts)?;
    peer.calls.iter().for_each(|call| call(CHECKED));
    session.settle(6);
    let logged = session.logged;
    let written = log.finish(logged)?.counted(peer, &path)?;
    tell("missing", logged.abs_diff(written.records) as f64);
    if peer.count.is_some() {
        // Its file has no messages.
        return Ok(());
    }
    let end = if peer.name == "stenolog" { end_of_dump(&path)? } else { end_of_text(&path)? };
    for (s, message) in messages(CHECKED).iter().enumerate() {
        tell(&format!("s{}.wrong", s + 1), f64::from(u8::from(!end.contains(message))));
    }
    Ok(())
}

/// Measures the statements with values of high entropy, and the workload.
fn high(peer: &Peer, session: &mut Session, bursts: u32) -> Result<(), Box<dyn Error>> {
    for (s, (call, values)) in peer.high.into_iter().zip(values_alone()).enumerate() {
        // Each burst has other values.
        let round = Cell::new(0);
        let next = |n| n ^ round.get() << 12;
        let log = |n| {
            if n == 0 {
                round.set(round.get() + 1);
            }
            call(next(n));
        };
        let costs = session.compare(|n| values(next(n)), &[log], bursts);
        tell(&format!("e{}.call", s + 1), costs[1]);
        tell(&format!("e{}.ratio", s + 1), costs[1] / costs[0]);
    }
    if peer.service.is_some() {
        let source = Source::for_threads(peer, Load::Service, 1, (bursts + 4) * BURST)?.remove(0);
        let round = Cell::new(0);
        let log = |n| {
            source.log_one(round.get() * BURST + n);
            if n == BURST - 1 {
                round.set(round.get() + 1);
            }
        };
        let costs = session.compare(|n| source.look(round.get() * BURST + n), &[log], bursts);
        tell("service.call", costs[1]);
        tell("service.ratio", costs[1] / costs[0]);
    }
    Ok(())
}

/// The calls with values of high entropy, and those of the workload.
fn high_table(all: &[Run], median_of: &str) -> Table {
    let mut rows = Vec::new();
    for (peer, figures) in all {
        let cell = |name: &str| {
            let ratio = figures.median(&format!("{name}.ratio"));
            let call = figures.median(&format!("{name}.call"));
            if call.is_nan() { "–".into() } else { format!("{} ({ratio:.2})", number(call)) }
        };
        let row = ["service", "e2", "e3", "e4", "e5", "e6", "e7"].into_iter().map(cell);
        rows.push(std::iter::once(peer.name.to_owned()).chain(row).collect());
    }
    let header =
        ["ns a call (times the floor)", "the workload", "s2", "s3", "s4", "s5", "s6", "s7"];
    Table {
        name: "calls-high",
        title: format!("A call of the workload, and calls with values of high entropy, {median_of}"),
        header: header.map(String::from).into(),
        rows,
        notes: vec![
            "The floor: reading the clock, and making the values or finding the kind of record and reading its texts, in \
             the same loop. **s7** is `order {u64} for {&str} filled in {f64:.3} us`; integers have random bits, floats are \
             log-normal with full mantissas, strings are 16 to 60 bytes from a pool of 10,000. A call of the workload \
             is one of 59 call sites, in an order that no branch predictor knows; loggers of text get the line, which is rendered at the call. A dash: the \
             logger cannot take it."
                .into(),
        ],
    }
}

/// The values that the last round of statements logs.
const CHECKED: u32 = 123_457;

fn end_of_text(path: &Path) -> Result<String, Box<dyn Error>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(1 << 14)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).into_owned())
}

fn end_of_dump(path: &Path) -> Result<String, Box<dyn Error>> {
    let dumps = [Dump::open(path)?];
    let mut renderer = Renderer::new(Format::Short, RenderOptions::default());
    let mut end = String::new();
    let _ = Decoder::new(&dumps).for_each(|entry| {
        // All that is wanted is in the last lines.
        if end.len() > 1 << 16 {
            end.drain(..end.len() - (1 << 12));
        }
        renderer.write(entry, &mut end);
        ControlFlow::Continue(())
    });
    Ok(end)
}

/// Bursts against a logger, and how many records they have made.
pub struct Session<'log> {
    pub logged: u64,
    log: &'log dyn Running,
}

impl<'log> Session<'log> {
    /// Walks through the queue once, so no burst pays for its memory.
    pub fn new(peer: &Peer, log: &'log dyn Running) -> Self {
        let mut session = Self { logged: 0, log };
        for _ in 0..peer.queue_records * 5 / 4 / u64::from(BURST) {
            session.burst(peer.calls[3]);
        }
        session
    }

    /// Nanoseconds a call, with an empty queue before and after.
    pub fn burst(&mut self, call: impl Fn(u32)) -> f64 {
        let cost = burst(call);
        self.settle(BURST);
        cost
    }

    /// Waits until these records and all before have left the queue.
    pub fn settle(&mut self, logged: u32) {
        self.logged += u64::from(logged);
        self.log.settle(self.logged);
    }

    /// Medians of reading the clock, with what else belongs to the floor, and of the calls, in turn.
    fn compare(&mut self, floor: impl Fn(u32), calls: &[impl Fn(u32)], bursts: u32) -> Vec<f64> {
        let mut costs = vec![Vec::new(); calls.len() + 1];
        for round in 0..bursts + 4 {
            let clock = clock();
            let floor = |n| {
                floor(n);
                black_box(clock.raw());
            };
            // The values are in the cache for what comes first as well.
            burst(floor);
            let mut costs_of_round = vec![burst(floor)];
            costs_of_round.extend(calls.iter().map(|call| self.burst(call)));
            // The first rounds are those of a cold site.
            if round >= 4 {
                for (all, cost) in costs.iter_mut().zip(costs_of_round) {
                    all.push(cost);
                }
            }
        }
        costs.iter_mut().map(|costs| median(costs)).collect()
    }
}

/// What a call costs that does nothing, in the loop that all are measured in.
#[inline(never)]
fn nothing(n: u32) {
    black_box(n);
}

/// Nanoseconds a call.
pub fn burst(call: impl Fn(u32)) -> f64 {
    let start = Instant::now();
    for n in 0..BURST {
        call(black_box(n));
    }
    start.elapsed().as_nanos() as f64 / f64::from(BURST)
}
