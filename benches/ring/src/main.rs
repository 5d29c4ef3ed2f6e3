//! Rings of byte records beside each other. `cargo run --release -p ring-bench [quick] [TABLE…]`
//! prints the tables, or those that are named: burst, alternating, across, together.
//!
//! - **burst**: a ring of 1 MiB is filled with up to 4096 records and then emptied, each timed as
//!   a whole. Rings take turns, and the median of the rounds counts. Beside them the floors: the
//!   copy alone, and one look at each record or zeroing them all, in memory without a ring.
//! - **alternating**: the method of nexus-logbuf's own examples: a record is written and read, in
//!   a ring of 64 KiB, with each step between two readings of the counter; the median, less that
//!   of an empty step.
//! - **across**: a producer and a consumer, each on a core of its own; see the module.
//! - **two producers**: at once, on two cores, while no consumer reads.

mod across;
mod lengths;
mod rings;

use lengths::*;
use rings::*;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

const CAPACITY: usize = 1 << 20;

fn burst_records(max_len: usize) -> usize {
    4096.min(CAPACITY * 9 / 10 / (max_len + 16))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn pin(core: usize) {
    // SAFETY: a set of cores is plain bits, and zero is one of them.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: the core is below the size of the set, and the set as large as it is said to be.
    let failed = unsafe {
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set)
    };
    assert_eq!(failed, 0, "needs cores 0 and 1");
}

// --- burst ---

#[inline(never)]
fn write_burst<W: Write>(writer: &mut W, len: impl Len, records: usize) {
    for index in 0..records {
        while !writer.write(len.payload(index)) {}
    }
}

#[inline(never)]
fn read_burst<R: Read>(reader: &mut R, records: usize) {
    let mut read = 0;
    while read < records {
        let found = reader.read(&mut Look);
        if found == 0 {
            return;
        }
        read += found;
    }
}

/// What is timed once a round: nanoseconds a record to write and to read.
type Round = Box<dyn FnMut() -> (f64, f64)>;

fn per_record(from: Instant, to: Instant, records: usize) -> f64 {
    (to - from).as_nanos() as f64 / records as f64
}

/// A ring kept for all rounds.
fn burst<R: Ring>(len: impl Len) -> impl FnMut() -> (f64, f64) {
    let (mut writer, mut reader) = R::new(CAPACITY);
    let records = burst_records(len.max());
    move || {
        // What the ring before has left in the caches is not this one's doing.
        write_burst(&mut writer, len, records);
        read_burst(&mut reader, records);
        let start = Instant::now();
        write_burst(&mut writer, len, records);
        let written = Instant::now();
        read_burst(&mut reader, records);
        let read = Instant::now();
        (per_record(start, written, records), per_record(written, read, records))
    }
}

/// What to do to records that are read, at least.
#[derive(Clone, Copy, PartialEq)]
enum Floor {
    /// One look at each.
    Look,
    /// All bytes become zero again, of many records together.
    Zero,
}

/// No ring, but the least that any could do with the same bytes in the same places, which are
/// known beforehand: a copy to write, and the given to read.
fn floor(len: impl Len, floor: Floor) -> impl FnMut() -> (f64, f64) {
    let mut memory = vec![0xff_u8; CAPACITY];
    let records = burst_records(len.max());
    let mut start = 0;
    // A header, and the payload padded to 8; the end is left out if it is too short.
    let place = |at: usize, len: usize| if at + len + 16 > CAPACITY { 0 } else { at };
    let next = |at: usize, len: usize| at + 8 + len.next_multiple_of(8);
    let mut round = move || {
        let begin = Instant::now();
        let mut at = start;
        for index in 0..records {
            let payload = len.payload(index);
            at = place(at, payload.len());
            memory[at + 8..][..payload.len()].copy_from_slice(payload);
            at = next(at, payload.len());
        }
        black_box(&mut memory);
        let written = Instant::now();
        let mut at = start;
        let mut zeroed = start;
        for index in 0..records {
            let payload = len.payload(index);
            let here = place(at, payload.len());
            if floor == Floor::Zero && (here != at || at - zeroed > 16 * 1024) {
                memory[zeroed..at].fill(0);
                zeroed = here;
            }
            at = here;
            if floor == Floor::Look {
                black_box(memory[at + 8]);
            }
            at = next(at, payload.len());
        }
        if floor == Floor::Zero {
            memory[zeroed..at].fill(0);
        }
        black_box(&mut memory);
        let read = Instant::now();
        start = at;
        (per_record(begin, written, records), per_record(written, read, records))
    };
    move || {
        round();
        round()
    }
}

fn burst_row(len: impl Len, name: &str, rounds: usize) {
    let mut rings: Vec<(&str, Round)> = vec![
        (Spsc::NAME, Box::new(burst::<Spsc>(len))),
        (SpscSingle::NAME, Box::new(burst::<SpscSingle>(len))),
        (NexusSpsc::NAME, Box::new(burst::<NexusSpsc>(len))),
        (Rtrb::NAME, Box::new(burst::<Rtrb>(len))),
        (Bb::NAME, Box::new(burst::<Bb>(len))),
        (Mpsc::NAME, Box::new(burst::<Mpsc>(len))),
        (MpscSingle::NAME, Box::new(burst::<MpscSingle>(len))),
        (NexusMpsc::NAME, Box::new(burst::<NexusMpsc>(len))),
        (Crossbeam::NAME, Box::new(burst::<Crossbeam>(len))),
        (Overwrite::NAME, Box::new(burst::<Overwrite>(len))),
        ("a copy, a look", Box::new(floor(len, Floor::Look))),
        ("zeroing", Box::new(floor(len, Floor::Zero))),
    ];
    let mut times = vec![(Vec::new(), Vec::new()); rings.len()];
    for round in 0..rounds {
        for ((_, ring), times) in rings.iter_mut().zip(&mut times) {
            let (write, read) = ring();
            // The first rounds fetch the memory.
            if round >= rounds / 5 {
                times.0.push(write);
                times.1.push(read);
            }
        }
    }
    let medians: Vec<_> = times.into_iter().map(|(w, r)| (median(w), median(r))).collect();
    let [spsc, spsc1, nexus, rtrb, bb, mpsc, mpsc1, nexus_mpsc, crossbeam, overwrite, look, zero] =
        medians[..].try_into().expect("one for each ring");
    println!(
        "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | **{:.2}** | {:.1} | {:.1} | {:.1} | **{:.2}** | {:.1} |",
        look.0,
        spsc.0,
        nexus.0,
        rtrb.0,
        bb.0,
        spsc.0 / nexus.0.min(rtrb.0),
        mpsc.0,
        nexus_mpsc.0,
        crossbeam.0,
        mpsc.0 / nexus_mpsc.0,
        overwrite.0
    );
    READS.with_borrow_mut(|reads| {
        reads.push(format!(
            "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | **{:.2}** | {:.1} | {:.1} | {:.1} | {:.1} | **{:.2}** |",
            look.1, zero.1, spsc.1, spsc1.1, nexus.1, rtrb.1, bb.1, spsc.1 / nexus.1,
            mpsc.1, mpsc1.1, nexus_mpsc.1, crossbeam.1, mpsc.1 / nexus_mpsc.1
        ));
    });
}

thread_local! {
    /// The table of reads, which comes after that of writes.
    static READS: std::cell::RefCell<Vec<String>> = const { std::cell::RefCell::new(Vec::new()) };
}

fn burst_tables(rounds: usize) {
    println!("\n### Writing alone, ns a record\n");
    println!(
        "| bytes | a copy | spsc | nexus spsc | rtrb | bbqueue | spsc : best | mpsc | nexus mpsc | crossbeam | mpsc : nexus | overwrite |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    macro_rules! constant {
        ($($n:literal)*) => {$(burst_row(Constant::<$n>, stringify!($n), rounds);)*};
    }
    constant!(8 16 32 64 128 256 1024 2048);
    for len in [8, 32, 64, 128, 256, 1024, 2048] {
        burst_row(RunTime(len), &format!("{len}, run time"), rounds);
    }
    burst_row(Random, "random 8–1024", rounds);

    println!("\n### Reading alone, ns a record\n");
    println!(
        "| bytes | a look | zeroing | spsc drain | spsc one by one | nexus spsc | rtrb | bbqueue | drain : nexus | mpsc drain | mpsc one by one | nexus mpsc | crossbeam | drain : nexus |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    READS.with_borrow(|reads| reads.iter().for_each(|row| println!("{row}")));
}

// --- alternating ---

#[cfg(target_arch = "x86_64")]
fn counter() -> u64 {
    let mut core = 0;
    // SAFETY: every processor of this architecture has it.
    unsafe { core::arch::x86_64::__rdtscp(&mut core) }
}

#[cfg(target_arch = "x86_64")]
fn alternating<R: Ring>(len: impl Len) -> (f64, f64) {
    let (mut writer, mut reader) = R::new(64 * 1024);
    let mut times = [const { Vec::new() }; 3];
    for index in 0..60_000 {
        let counts = [
            counter(),
            counter(),
            {
                writer.write(len.payload(index));
                counter()
            },
            {
                reader.read(&mut Look);
                counter()
            },
        ];
        if index > 10_000 {
            for (times, pair) in times.iter_mut().zip(counts.windows(2)) {
                times.push((pair[1] - pair[0]) as f64);
            }
        }
    }
    let [empty, write, read] = times.map(median);
    (write - empty, read - empty)
}

#[cfg(target_arch = "x86_64")]
fn alternating_table() {
    println!("\n### Alternating, counter ticks, less those of an empty step\n");
    println!(
        "| bytes | spsc write | nexus | mpsc write | nexus | spsc read | nexus | mpsc read | nexus |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    macro_rules! row {
        ($($n:literal)*) => {$(
            let (spsc, nexus) = (alternating::<SpscSingle>(Constant::<$n>), alternating::<NexusSpsc>(Constant::<$n>));
            let (mpsc, nexus_mpsc) = (alternating::<MpscSingle>(Constant::<$n>), alternating::<NexusMpsc>(Constant::<$n>));
            println!("| {} | {} | {} | {} | {} | {} | {} | {} | {} |", $n, spsc.0, nexus.0,
                mpsc.0, nexus_mpsc.0, spsc.1, nexus.1, mpsc.1, nexus_mpsc.1);
        )*};
    }
    row!(8 32 64 128 256 1024 2048);
}

#[cfg(not(target_arch = "x86_64"))]
fn alternating_table() {}

// --- two producers ---

/// A ring kept for all rounds; each gives the nanoseconds a record of each producer.
fn together<R: Ring>(len: impl Len) -> impl FnMut() -> f64
where
    R::Writer: Clone,
{
    let (writer, mut reader) = R::new(CAPACITY);
    let records = burst_records(len.max()) / 2;
    move || {
        let barrier = &Barrier::new(2);
        let times = thread::scope(|scope| {
            let run = |core, mut writer: R::Writer| {
                scope.spawn(move || {
                    pin(core);
                    barrier.wait();
                    // To be sure that both are there: one is woken later than the other.
                    write_burst(&mut writer, len, records / 2);
                    let start = Instant::now();
                    write_burst(&mut writer, len, records / 2);
                    start.elapsed().as_nanos() as f64 / (records / 2) as f64
                })
            };
            [run(0, writer.clone()), run(1, writer.clone())]
                .map(|thread| thread.join().expect("it does not panic"))
        });
        read_burst(&mut reader, usize::MAX);
        (times[0] + times[1]) / 2.0
    }
}

fn together_table(rounds: usize) {
    println!("\n### Two producers at once, ns a record of each\n");
    println!("| bytes | stenolog mpsc | nexus mpsc | ratio | crossbeam |");
    println!("|---|---|---|---|---|");
    macro_rules! row {
        ($($n:literal)*) => {$(
            let mut rings = (
                together::<Mpsc>(Constant::<$n>),
                together::<NexusMpsc>(Constant::<$n>),
                together::<Crossbeam>(Constant::<$n>),
            );
            let mut times = [const { Vec::new() }; 3];
            for _ in 0..rounds {
                times[0].push(rings.0());
                times[1].push(rings.1());
                times[2].push(rings.2());
            }
            let [ours, nexus, crossbeam] = times.map(median);
            println!("| {} | {ours:.1} | {nexus:.1} | **{:.2}** | {crossbeam:.1} |", $n, ours / nexus);
        )*};
    }
    row!(8 32 64 256 1024);
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let quick = args.iter().any(|arg| arg == "quick");
    // With names of tables, only those.
    let wants =
        |name: &str| args.iter().all(|arg| arg == "quick") || args.iter().any(|arg| arg == name);
    pin(0);
    if wants("burst") {
        burst_tables(if quick { 51 } else { 301 });
    }
    if wants("alternating") {
        alternating_table();
    }
    if wants("across") {
        across::tables(if quick { 60 } else { 300 });
    }
    if wants("together") {
        together_table(if quick { 51 } else { 301 });
    }
}
