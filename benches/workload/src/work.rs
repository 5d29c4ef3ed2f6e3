//! Work: what the workers log of the requests that they handle.

use std::sync::Arc;
use std::time::Duration;

use crate::sites::sites;

sites! {
    /// Call sites of the workers.
    Work {
        Started { trace: Arc<str>, handler: &'static str, queued_us: f64 }
            debug "work::pool" [trace_id = trace, handler = handler, queued_us = queued_us]
            "task started";
        Cached { trace: Arc<str>, key: String, age: Duration }
            debug "work::cache" [trace_id = trace, key = key, age = age]
            "cache hit";
        Missed { trace: Arc<str>, key: String, ttl_s: u32 }
            debug "work::cache" [trace_id = trace, key = key]
            "cache miss, kept for {ttl_s} s";
        OrderPlaced {
            trace: Arc<str>, order: u64, user: &'static str, side: &'static str, qty: u32,
            symbol: &'static str, price: f64,
        }
            info "work::orders" [trace_id = trace, order_id = order, user = user]
            "order {order}: {side} {qty} {symbol} @ {price:.2}";
        ClientOrder { trace: Arc<str>, client_order: u64, account: &'static str, venue: &'static str }
            info "work::orders"
            [trace_id = trace, client_order_id = client_order, account = account, venue = venue]
            "order routed";
        Priced { order: u64, model: &'static str, price: f64, edge: f64, greeks: [f64; 3] }
            debug "work::pricing"
            [order_id = order, model = model, price = price, edge = edge, greeks = greeks]
            "priced";
        Validated { trace: Arc<str>, session: Arc<str>, rules: u16, took_us: f64 }
            debug "work::rules" [trace_id = trace, session_id = session]
            "{rules} rules passed in {took_us:.1} us";
        Finished { trace: Arc<str>, took_us: f64, rows: Option<u32>, allocated: u64 }
            info "work::pool"
            [trace_id = trace, took_us = took_us, rows = rows, allocated_bytes = allocated]
            "task finished";
        Scored { user: &'static str, score: f64, features: [f64; 4], version: &'static str }
            debug "work::risk" [user = user, score = score, features = features]
            "scored by model {version}";
        Payload { trace: Arc<str>, json: String }
            trace "work::api" [trace_id = trace]
            "payload {json}";
        Retry { trace: Arc<str>, attempt: u8, after: Duration, cause: &'static str }
            warn "work::retry" [trace_id = trace, attempt = attempt, after = after]
            "will retry: {cause}";
        Failed { trace: Arc<str>, error: String, code: i32 }
            error "work::pool" [trace_id = trace, code = code]
            "task failed: {error}";
        Queued { job: u64, kind: &'static str, depth: u32 }
            info "work::jobs" [job_id = job, kind = kind, depth = depth]
            "job queued";
        Done { job: u64, kind: &'static str, took_ms: f64, output: String }
            info "work::jobs" [job_id = job, output = output]
            "{kind} done in {took_ms:.2} ms";
        Flag { user: &'static str, flag: &'static str, on: bool }
            trace "work::flags" [user = user, flag = flag, on = on]
            "feature flag";
        Inventory { sku: String, left: i64, delta: i32 }
            info "work::stock" [sku = sku, left = left, delta = delta]
            "stock changed";
    }
}
