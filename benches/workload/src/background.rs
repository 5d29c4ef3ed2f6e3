//! Background: records that belong to no request.

use std::time::Duration;

use crate::random::Random;
use crate::threads::{AUDIT, DATABASES, FIX, GATEWAYS, MAIN, TIMER, WORKERS};
use crate::trade::{Audit, Trade};
use crate::workload::Workload;
use crate::{Edge, Store, System, What, Work, pools, texts};

/// The records of a start.
pub(crate) fn start(workload: &mut Workload) {
    let config = "/etc/trading/service.toml";
    workload.push(0, MAIN, System::Starting { version: "4.18.2", cores: 16, config });
}

/// A record of the service itself, or of a thread that handles no request.
pub(crate) fn record(workload: &mut Workload, at_ns: u64) {
    let (thread, what): (usize, What) = if workload.random.chance(0.58) {
        let (thread, what) = system(&mut workload.random);
        (thread, what.into())
    } else {
        part(workload)
    };
    workload.push(at_ns, thread, what);
}

fn system(random: &mut Random) -> (usize, System) {
    match random.below(25) {
        0..=4 => {
            let (rss, heap) = (random.log_normal(9e8, 0.05), random.log_normal(6e8, 0.1));
            (TIMER, System::Memory { rss: rss as u64, heap: heap as u64, share: heap / rss })
        }
        5..=8 => {
            let freed = random.log_normal(3e6, 1.0) as u64;
            let took = Duration::from_nanos(random.log_normal(2e6, 0.8) as u64);
            (TIMER, System::Collected { freed, took })
        }
        9..=11 => {
            let averages = [(); 3].map(|()| (random.log_normal(3.0, 0.3) * 100.0).round() / 100.0);
            (MAIN, System::Load { averages, tasks: random.below(900) as u32 })
        }
        12..=18 => {
            let (name, count) =
                (random.pick(pools::METRICS), random.log_normal(4000.0, 1.0) as u64);
            let p50 = random.log_normal(800.0, 0.4);
            let p99 = p50 * random.log_normal(9.0, 0.3);
            (TIMER, System::Metric { name, count, p50, p99 })
        }
        19..=20 => {
            let (mount, free) = (random.pick(pools::MOUNTS), random.log_normal(4e11, 0.01) as u64);
            (MAIN, System::Disk { mount, free, used_percent: random.log_normal(61.0, 0.02) })
        }
        21..=22 => {
            let (peer, offset_ms) = (random.pick(pools::PEERS), random.normal() * 0.4);
            (TIMER, System::Skew { peer, offset_ms, round_trip_ms: random.log_normal(1.7, 0.3) })
        }
        23 => {
            let (version, digest) = (random.below(900) as u32, random.hex(64));
            (MAIN, System::Reloaded { file: "/etc/trading/limits.toml", version, digest })
        }
        _ => (MAIN, System::Certificate { host: "api.trading.example", days: 21 }),
    }
}

fn part(workload: &mut Workload) -> (usize, What) {
    let random = &mut workload.random;
    match random.below(16) {
        0..=2 => {
            let (busy, waiting) = (random.below(32) as u16, random.exponential(0.7) as u16);
            (DATABASES[0], Store::Pool { busy, idle: 32 - busy, waiting }.into())
        }
        3..=5 => {
            workload.fix_sequence += 1;
            let sequence = workload.fix_sequence;
            (FIX, Trade::Heartbeat { session: "STENO->XNAS", sequence }.into())
        }
        6..=8 => {
            let sku = format!("{}-{:06}", random.pick(&["EQ", "FX", "BD"]), random.below(4000));
            let (left, delta) = (random.log_normal(500.0, 1.0) as i64, -(random.below(20) as i32));
            (WORKERS[0], Work::Inventory { sku, left, delta }.into())
        }
        9..=10 => {
            let (job, kind) = (random.u64(), random.pick(pools::KINDS));
            (WORKERS[1], Work::Queued { job, kind, depth: random.below(300) as u32 }.into())
        }
        11..=12 => {
            let (job, kind, output) =
                (random.u64(), random.pick(pools::KINDS), texts::file(random));
            let took_ms = random.log_normal(900.0, 1.3);
            (WORKERS[2], Work::Done { job, kind, took_ms, output }.into())
        }
        13 => {
            let (user, file) = (random.pick_skewed(pools::users()), texts::file(random));
            let rows = random.log_normal(9e3, 1.5) as u64;
            (AUDIT, Audit::Exported { user, rows, file }.into())
        }
        14 => {
            let (table, dead) = (random.pick(pools::TABLES), random.log_normal(2e4, 1.0) as u64);
            let took = Duration::from_nanos(random.log_normal(2e9, 1.0) as u64);
            (DATABASES[1], Store::Vacuumed { table, dead, took }.into())
        }
        _ => {
            let (peer, reason) = (random.ip(), random.pick(pools::CAUSES));
            (GATEWAYS[0], Edge::TlsFailed { peer, reason }.into())
        }
    }
}
