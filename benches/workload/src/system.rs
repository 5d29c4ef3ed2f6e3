//! System: what the main thread and the timer log.

use std::time::Duration;

use crate::sites::sites;

sites! {
    /// Call sites of the main thread and the timer.
    System {
        Starting { version: &'static str, cores: u16, config: &'static str }
            info "app" [cores = cores, config = config]
            "service {version} starts";
        Memory { rss: u64, heap: u64, share: f64 }
            info "app::memory" [rss_bytes = rss, heap_bytes = heap, share = share]
            "memory";
        Collected { freed: u64, took: Duration }
            debug "app::gc" [freed_bytes = freed, took = took]
            "garbage collected";
        Load { averages: [f64; 3], tasks: u32 }
            info "app::load" [averages = averages, tasks = tasks]
            "load";
        Disk { mount: &'static str, free: u64, used_percent: f64 }
            info "app::disk" [free_bytes = free]
            "{mount} is {used_percent:.1} % full";
        Reloaded { file: &'static str, version: u32, digest: String }
            info "app::config" [version = version, digest = digest]
            "{file} was read again";
        Skew { peer: &'static str, offset_ms: f64, round_trip_ms: f64 }
            debug "app::clock"
            [peer = peer, offset_ms = offset_ms, round_trip_ms = round_trip_ms]
            "clock compared";
        Metric { name: &'static str, count: u64, p50: f64, p99: f64 }
            info "app::metrics" [metric = name, count = count, p50 = p50, p99 = p99]
            "metric";
        Certificate { host: &'static str, days: i32 }
            warn "app::tls" [host = host]
            "certificate ends in {days} days";
    }
}
