//! The machine: what it is, how far apart its cores are, what a process has used.

use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// One line that belongs to every figure.
pub fn description() -> String {
    format!(
        "{}, {}; {}, release with fat LTO and one codegen unit, no target flags; {} UTC",
        processor(),
        output_of(&["uname", "-sr"]),
        output_of(&["rustc", "-V"]),
        output_of(&["date", "-u", "+%F %R"])
    )
}

/// The same for a figure's foot.
pub fn short_description() -> String {
    let [rustc, date] = [&["rustc", "-V"][..], &["date", "-u", "+%F"]].map(output_of);
    let rustc = rustc.split(" (").next().unwrap_or_default();
    format!("{}, {}, {rustc}, {date}", processor(), std::env::consts::OS)
}

fn processor() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name| {
        let value = |line: &str| Some(line.strip_prefix(name)?.split_once(": ")?.1.to_owned());
        cpuinfo.lines().find_map(value)
    };
    let model = field("model name").unwrap_or_else(|| "unknown processor".into());
    let mhz = field("cpu MHz").and_then(|mhz| mhz.parse::<f64>().ok());
    let ghz = mhz.map_or(String::new(), |mhz| format!(" at {:.1} GHz", mhz / 1000.0));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}{ghz}, {cores} cores")
}

fn output_of(command: &[&str]) -> String {
    let output = Command::new(command[0]).args(&command[1..]).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| format!("{} unknown", command[0]))
}

/// The core of the thread that logs.
pub const PRODUCER: usize = 0;

/// The core of whatever runs beside it.
pub const CONSUMER: usize = 1;

/// Keeps the calling thread on one core, and those that it starts from now on.
pub fn pin(core: usize) {
    #[cfg(target_os = "linux")]
    // SAFETY: the set is plain data on this stack; a core that is not there is refused, which
    // leaves the thread where it was.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = core;
}

/// A cache line from one core to the other and back, in nanoseconds: the median of ten bursts. It
/// changes while a process runs.
pub fn distance() -> f64 {
    const ROUNDS: u64 = 5_000;
    let ball = AtomicU64::new(0);
    let mut figures = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pin(CONSUMER);
            for n in 0..10 * ROUNDS {
                while ball.load(Ordering::Acquire) != 2 * n + 1 {
                    std::hint::spin_loop();
                }
                ball.store(2 * n + 2, Ordering::Release);
            }
        });
        pin(PRODUCER);
        let mut n = 0;
        for _ in 0..10 {
            let start = Instant::now();
            for _ in 0..ROUNDS {
                ball.store(2 * n + 1, Ordering::Release);
                while ball.load(Ordering::Acquire) != 2 * n + 2 {
                    std::hint::spin_loop();
                }
                n += 1;
            }
            figures.push(start.elapsed().as_nanos() as f64 / ROUNDS as f64);
        }
    });
    median(&mut figures)
}

/// The counter that loggers read, and in which single calls are measured.
pub fn clock() -> &'static quanta::Clock {
    static CLOCK: OnceLock<quanta::Clock> = OnceLock::new();
    CLOCK.get_or_init(quanta::Clock::new)
}

/// The median of some figures; of none, not a number.
pub fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Lets the calling thread run on any core.
pub fn unpin() {
    #[cfg(target_os = "linux")]
    // SAFETY: as in `pin`.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        for core in 0..usize::min(libc::CPU_SETSIZE as usize, 1024) {
            libc::CPU_SET(core, &mut set);
        }
        libc::sched_setaffinity(0, size_of_val(&set), &set);
    }
}

/// What the process has used so far.
#[derive(Clone, Copy)]
pub struct Usage {
    /// Processor time of all its threads, in seconds.
    pub cpu_seconds: f64,
    /// The most memory that it had at once.
    pub peak_bytes: u64,
}

impl Usage {
    pub fn now() -> Self {
        // SAFETY: all-zero is a value of this plain data, which the call fills.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_SELF, &mut usage);
            usage
        };
        let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        // In KiB, as Linux has it.
        let peak_bytes = u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024;
        Self { cpu_seconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), peak_bytes }
    }
}

/// Processor time of the calling thread, in seconds.
pub fn thread_cpu() -> f64 {
    // SAFETY: all-zero is a value of this plain data, which the call fills.
    let time = unsafe {
        let mut time: libc::timespec = std::mem::zeroed();
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time);
        time
    };
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Memory of the process that is not a file's.
pub fn private_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let anonymous = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = anonymous.and_then(|text| text.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib * 1024.0)
}

/// One thread of few has a core of its own; more threads than cores are left to the scheduler.
pub fn pin_some(threads: u32, core: usize) {
    if threads <= 2 {
        pin(if core == 0 { PRODUCER } else { CONSUMER });
    } else {
        unpin();
    }
}
