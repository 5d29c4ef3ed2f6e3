//! Steno: the program, and others that are run beside it.

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// Where `cargo build --release -p stenolog-cli` puts it.
const BUILT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/steno");

/// The program, by `$STENO` or where it was built.
pub fn steno() -> Result<PathBuf, Box<dyn Error>> {
    let path = std::env::var_os("STENO").map_or_else(|| PathBuf::from(BUILT), PathBuf::from);
    if path.is_file() {
        return Ok(path);
    }
    let path = path.display();
    Err(format!("{path} is missing: cargo build --release -p stenolog-cli, or set STENO").into())
}

/// Another program, by a variable or in the path.
pub fn other(variable: &str, name: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Some(path.into());
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// One run of a program.
#[derive(Clone, Copy)]
pub struct Run {
    pub lines: u64,
    /// Milliseconds of the processor, in the program and in the system for it.
    pub cpu_ms: f64,
    pub wall_ms: f64,
    /// The most memory of its own that it had, in megabytes: without the pages of mapped files.
    pub memory_mb: f64,
}

impl Run {
    /// The better of two, each figure by itself; the memory is the worse.
    pub fn min(self, other: Self) -> Self {
        Self {
            lines: other.lines,
            cpu_ms: self.cpu_ms.min(other.cpu_ms),
            wall_ms: self.wall_ms.min(other.wall_ms),
            memory_mb: self.memory_mb.max(other.memory_mb),
        }
    }
}

/// Runs a program with its output to `out`, and counts the lines there.
pub fn run(command: &mut Command, out: &Path) -> Result<Run, Box<dyn Error>> {
    command.stdin(Stdio::null()).stdout(File::create(out)?);
    let before = cpu_ms_of_children();
    let start = Instant::now();
    let mut child = command.spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let has_ended = AtomicBool::new(false);
    let (wall_ms, memory_kb) = std::thread::scope(|scope| {
        // Mapped pages count as memory of a process, so it is asked for the others.
        let watch = scope.spawn(|| {
            let mut most = 0;
            while !has_ended.load(Ordering::Relaxed) {
                most = most.max(anonymous_kb(&status).unwrap_or(0));
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            most
        });
        child.wait()?;
        let wall_ms = start.elapsed().as_secs_f64() * 1e3;
        has_ended.store(true, Ordering::Relaxed);
        let memory_kb = watch.join().map_err(|_| "the watch has panicked")?;
        Ok::<_, Box<dyn Error>>((wall_ms, memory_kb))
    })?;
    let cpu_ms = cpu_ms_of_children() - before;
    let lines = memchr::memchr_iter(b'\n', &std::fs::read(out)?).count() as u64;
    Ok(Run { lines, cpu_ms, wall_ms, memory_mb: memory_kb as f64 / 1e3 })
}

fn anonymous_kb(status: &str) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}

fn cpu_ms_of_children() -> f64 {
    // SAFETY: the structure is plain data on this stack, and all zeros is a value of it.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage);
        usage
    };
    let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    ms(usage.ru_utime) + ms(usage.ru_stime)
}
