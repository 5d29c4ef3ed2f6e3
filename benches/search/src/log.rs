//! A log such as a busy server writes: the six statements of NanoLog's paper, requests with paths and
//! ids, warnings, errors now and then, and what is searched for.

use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use stenolog::{Builder, Existing, OnFull, debug, error, info, warn};

/// Threads that log requests; one more, `audit`, logs little.
const WORKERS: u64 = 4;

/// How many records a worker logs before it waits.
const BURST: u64 = 1000;

/// How long it waits: the drain is to keep up with ease, as in a program that does other work, too.
const PAUSE: Duration = Duration::from_millis(5);

/// One record in this many is an error.
const ERROR_EVERY: u64 = 20_000;

/// How many records have the rare word.
const RARE_RECORDS: u64 = 10;

/// The word that `RARE_RECORDS` paths contain.
pub const RARE: &str = "zanzibar-7731";

/// Writes the log. Returns the time, in nanoseconds since the Unix epoch, after which the last
/// hundredth of the records was logged.
pub fn write(path: &Path, records: u64) -> Result<u128, Box<dyn Error>> {
    let log = Builder::new(path)
        .existing(Existing::Replace)
        .filter("trace")
        .on_full(OnFull::Block)
        .block_timeout(Duration::from_secs(60))
        .start()?;
    let each = records / WORKERS;
    let last_hundredth = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let last_hundredth = &last_hundredth;
            let thread = std::thread::Builder::new().name(format!("worker-{worker}"));
            let work = move || {
                let mut random = fastrand::Rng::with_seed(worker);
                for n in 0..each {
                    record(&mut random, worker, n, each);
                    if n % BURST == 0 {
                        std::thread::sleep(PAUSE);
                    }
                    if worker == 0 && n == each - each / 100 {
                        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                        last_hundredth.store(now.as_nanos() as u64, Ordering::Relaxed);
                    }
                }
            };
            thread.spawn_scoped(scope, work)?;
        }
        let audit = std::thread::Builder::new().name("audit".to_owned());
        audit.spawn_scoped(scope, || {
            for n in 0..100_u32 {
                info!(target: "audit", "session {n} of {} was closed", "operator");
                std::thread::sleep(Duration::from_millis(20));
            }
        })?;
        Ok::<_, std::io::Error>(())
    })?;
    let stats = log.stats();
    log.close()?;
    if stats.lost > 0 {
        return Err(format!("{} records were lost", stats.lost).into());
    }
    Ok(u128::from(last_hundredth.into_inner()))
}

fn record(random: &mut fastrand::Rng, worker: u64, n: u64, each: u64) {
    let id = random.u64(..);
    if n % ERROR_EVERY == ERROR_EVERY / 2 {
        let file = format!("/var/lib/app/segment-{:08}.log", id % 5000);
        error!(target: "app::disk", device = "nvme0n1", code = 5_i32, "write to {file} failed: {}", "I/O error");
        return;
    }
    if n % (each * WORKERS / RARE_RECORDS) == worker * 1000 + 7 {
        request(id, &format!("/v1/tenants/{RARE}/objects/{:06}", id % 1_000_000), 200);
        return;
    }
    let small = (id >> 32) as u32 % 100_000;
    match id % 16 {
        0 | 1 => info!(target: "app::gc", "Starting backup replica garbage collector thread"),
        2 | 3 => {
            let peer =
                format!("tcp:host=10.0.{}.{},port={:05}", id >> 60, id >> 48 & 255, small % 4096);
            info!(target: "app::net", "Opened session with coordinator at {peer}");
        }
        4 => debug!(target: "app::disk", "Backup storage speeds (min): {} MB/s read", small as i32),
        5 | 6 => debug!(
            target: "app::disk",
            "Backup storage speeds (avg): {} MB/s read, {} MB/s write", small, small ^ 0x55
        ),
        7 | 8 => debug!(
            target: "app::balance",
            "Using tombstone ratio balancer with ratio = {:.6}", f64::from(small) * 0.37
        ),
        9 | 10 => info!(
            target: "app::net",
            "Initialized InfUdDriver buffers: {} receive buffers ({} MB), {} transmit buffers ({} MB), took {:.1} ms",
            u64::from(small) * 50_000, small, small ^ 7, small ^ 11, f64::from(small) * 0.26
        ),
        11 if id >> 8 & 63 == 0 => warn!(
            target: "app::net",
            retries = id >> 20 & 7, "peer {} answers slowly, after {:?}",
            "10.0.3.7:9042", Duration::from_micros(u64::from(small))
        ),
        _ => {
            let kind = ["objects", "users", "orders", "carts", "sessions"][(id >> 5) as usize % 5];
            let path =
                format!("/v1/tenants/t{:04}/{kind}/{:06}", id >> 10 & 1023, id >> 20 & 0xf_ffff);
            request(id, &path, if id >> 40 & 1023 == 0 { 503 } else { 200 });
        }
    }
}

fn request(id: u64, path: &str, status: u16) {
    let method = if id >> 4 & 3 == 0 { "POST" } else { "GET" };
    let latency_us = id >> 44 & 0xffff;
    info!(target: "app::http", method, path, status, latency_us, "request");
}
