//! Store: what the database threads log.

use std::sync::Arc;
use std::time::Duration;

use crate::sites::sites;

sites! {
    /// Call sites of the database threads.
    Store {
        Query { trace: Arc<str>, sql: String, took_us: f64 }
            debug "store::sql" [trace_id = trace, took_us = took_us]
            "{sql}";
        SlowQuery { trace: Arc<str>, sql: String, took_ms: f64, plan: &'static str }
            warn "store::sql" [trace_id = trace, sql = sql, plan = plan]
            "slow query: {took_ms:.3} ms";
        Committed { trace: Arc<str>, tx: u64, rows: u32 }
            debug "store::tx" [trace_id = trace]
            "transaction {tx} committed, {rows} rows";
        RolledBack { tx: u64, reason: &'static str }
            warn "store::tx" [reason = reason]
            "transaction {tx} rolled back";
        Pool { busy: u16, idle: u16, waiting: u16 }
            debug "store::pool" [busy = busy, idle = idle, waiting = waiting]
            "connections";
        Deadlock { tx: u64, other: u64, relation: &'static str }
            error "store::tx" [relation = relation]
            "transactions {tx} and {other} wait for each other";
        Page { file: String, block: u32, hit: bool }
            trace "store::buffer" [file = file, block = block, hit = hit]
            "page read";
        Wal { lsn: String, bytes: u32, sync_us: f64 }
            debug "store::wal" [lsn = lsn, bytes = bytes, sync_us = sync_us]
            "log flushed";
        Prepared { name: String, params: u8 }
            trace "store::sql" [statement = name]
            "prepared with {params} parameters";
        Vacuumed { table: &'static str, dead: u64, took: Duration }
            info "store::vacuum" [table = table, dead_rows = dead, took = took]
            "vacuum finished";
    }
}
