//! What a call costs, what a program reaches end to end, and how fast a dump is read.
//!
//! ```sh
//! cargo run --release --manifest-path benches/Cargo.toml -p stenolog-bench
//! ```
//!
//! Every figure is a median and stands next to its floor, taken in turn with it in the same run:
//! machines differ, and one machine differs from minute to minute. Quote ratios.

mod call;
mod distance;
mod end_to_end;
mod statements;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("{}", machine());
    distance::print();
    call::print()?;
    end_to_end::print()?;
    Ok(())
}

fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, name)| name);
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{model}, {cores} cores, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// The median of some figures.
fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Keeps the calling thread on one core, so that two threads are on two.
fn pin(core: usize) {
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
