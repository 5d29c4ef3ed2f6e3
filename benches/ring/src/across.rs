//! Across two cores: a producer on one, a consumer on the other, which looks at one byte of each record or
//! copies it.
//!
//! Rings take turns, some milliseconds each, in which the ring wraps dozens of times. The time that a cache line
//! takes there and back is measured before and after each turn: it changes between two classes while a process
//! runs, as virtual cores move. Turns count only if both measurements are of one class, and each class has its own
//! table. A cell shows the ninth decile of the turns and their median: on a machine that does other things as well,
//! the former is what the ring can do.
//!
//! With the right to do so (as root), both threads run before all others, for some milliseconds at a time.

use crate::lengths::*;
use crate::rings::*;
use crate::{CAPACITY, pin};
use std::hint::spin_loop;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Alone on its cache lines: the ends of a ring write to themselves all the time, and must not share lines.
#[repr(align(256))]
struct Apart<T>(T);

/// Nanoseconds that a cache line takes there and back.
fn round_trip() -> f64 {
    const TURNS: u32 = 2_000;
    let line = Apart(AtomicU32::new(0));
    let wait = |value| while line.0.load(Ordering::Acquire) != value {};
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(0);
            barrier.wait();
            for turn in 0..TURNS {
                wait(2 * turn + 1);
                line.0.store(2 * turn + 2, Ordering::Release);
            }
        });
        pin(1);
        barrier.wait();
        let start = Instant::now();
        for turn in 0..TURNS {
            line.0.store(2 * turn + 1, Ordering::Release);
            wait(2 * turn + 2);
        }
        start.elapsed().as_nanos() as f64 / f64::from(TURNS)
    })
}

/// Both threads before all others, if that is allowed.
fn run_first() {
    #[cfg(target_os = "linux")]
    {
        let first = libc::sched_param { sched_priority: 1 };
        // SAFETY: it reads what it is given. Without the right it does nothing.
        unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &first) };
    }
}

/// One turn: millions of records a second.
fn transfer(
    writer: &mut impl Write,
    reader: &mut impl Read,
    visit: &mut impl Visit,
    len: impl Len,
    records: usize,
) -> f64 {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            pin(0);
            barrier.wait();
            for index in 0..records {
                while !writer.write(len.payload(index)) {
                    spin_loop();
                }
            }
        });
        pin(1);
        barrier.wait();
        let mut start = Instant::now();
        let (mut read, mut before) = (0, 0);
        while read < records {
            let found = reader.read(visit);
            read += found;
            // Until then, the threads wake up, and the memory comes back to the caches.
            if before == 0 && read >= records / 8 {
                (start, before) = (Instant::now(), read);
            }
            if found == 0 {
                // A consumer that polls hard slows the producer down: the same pause for all.
                for _ in 0..100 {
                    spin_loop();
                }
            }
        }
        (records - before) as f64 / start.elapsed().as_nanos() as f64 * 1e3
    })
}

type Turn = Box<dyn FnMut() -> f64>;

fn turn<R: Ring>(len: impl Len, visit: impl Visit + 'static) -> Turn
where
    R::Writer: 'static,
    R::Reader: 'static,
{
    let (writer, reader) = R::new(CAPACITY);
    let (mut writer, mut reader) = (Box::new(Apart(writer)), Box::new(Apart(reader)));
    let mut visit = Box::new(Apart(visit));
    let records = 40_000_000 / (len.mean() + 64);
    Box::new(move || transfer(&mut writer.0, &mut reader.0, &mut visit.0, len, records))
}

/// By how long a cache line takes: both cores below one cache, or not.
const CLASSES: [(&str, std::ops::Range<f64>); 2] = [("near", 0.0..120.0), ("far", 200.0..450.0)];

fn class(round_trip: f64) -> Option<usize> {
    CLASSES.iter().position(|(_, range)| range.contains(&round_trip))
}

/// Ours, nexus-logbuf's, and others that are compared with none.
fn row(rings: &mut [Turn], name: &str, turns: usize, rows: &mut [Vec<String>; 2]) {
    let mut results = [const { Vec::new() }; 2].map(|mut rates: Vec<Vec<f64>>| {
        rates.resize(rings.len(), Vec::new());
        rates
    });
    let mut trips = [const { Vec::new() }; 2];
    let mut before = class(round_trip());
    for _ in 0..turns {
        for (index, ring) in rings.iter_mut().enumerate() {
            let rate = ring();
            let trip = round_trip();
            let after = class(trip);
            if let Some(class) = after
                && before == after
            {
                results[class][index].push(rate);
                trips[class].push(trip);
            }
            before = after;
        }
        // Others want to run as well.
        thread::sleep(Duration::from_millis(3));
    }
    for ((rates, trips), rows) in results.iter_mut().zip(&mut trips).zip(rows) {
        if rates.iter().any(|rates| rates.len() < 5) {
            continue;
        }
        let [ninths, medians] = [9, 5].map(|tenths| {
            let quantile = |rates: &mut Vec<f64>| {
                rates.sort_by(f64::total_cmp);
                rates[(rates.len() - 1) * tenths / 10]
            };
            rates.iter_mut().map(quantile).collect::<Vec<_>>()
        });
        trips.sort_by(f64::total_cmp);
        let mut row = format!("| {name} | {:.0} |", trips[trips.len() / 2]);
        for (ninth, median) in ninths.iter().zip(&medians) {
            row += &format!(" {ninth:.1} ({median:.1}) |");
        }
        row += &format!(" **{:.2}** ({:.2}) |", ninths[0] / ninths[1], medians[0] / medians[1]);
        rows.push(row);
    }
}

fn table(many: bool, copies: bool, turns: usize) {
    let mut rows = [const { Vec::new() }; 2];
    macro_rules! row {
        ($len:expr, $name:expr) => {{
            macro_rules! rings {
                ($visit:expr) => {
                    if many {
                        vec![
                            turn::<Mpsc>($len, $visit),
                            turn::<NexusMpsc>($len, $visit),
                            turn::<Crossbeam>($len, $visit),
                        ]
                    } else {
                        vec![
                            turn::<Spsc>($len, $visit),
                            turn::<NexusSpsc>($len, $visit),
                            turn::<Rtrb>($len, $visit),
                            turn::<Bb>($len, $visit),
                        ]
                    }
                };
            }
            let mut rings = if copies { rings!(Copying::new()) } else { rings!(Look) };
            row(&mut rings, $name, turns, &mut rows);
        }};
    }
    macro_rules! constant {
        ($($n:literal)*) => {$(row!(Constant::<$n>, stringify!($n));)*};
    }
    constant!(8 32 64 128 256 512 1024 2048);
    row!(Random, "random 8–1024");
    for ((class, _), rows) in CLASSES.iter().zip(rows) {
        if !rows.is_empty() {
            let kind = if many { "many producers" } else { "one producer" };
            let reader = if copies { "copies" } else { "looks" };
            println!("\n### Across two cores, {class}: {kind}, the reader {reader}, M records/s\n");
            let others = if many { "crossbeam" } else { "rtrb | bbqueue" };
            println!("| bytes | line, ns | ours | nexus | {others} | ours : nexus |");
            println!("|---|---|---|---|---|---|{}", if many { "" } else { "---|" });
            println!("{}", rows.join("\n"));
        }
    }
}

/// All tables, each cell of this many turns.
pub(crate) fn tables(turns: usize) {
    // On a thread of its own, which is not pinned afterwards.
    thread::scope(|scope| {
        scope.spawn(|| {
            run_first();
            for many in [false, true] {
                for copies in [false, true] {
                    table(many, copies, turns);
                }
            }
        });
    });
}
