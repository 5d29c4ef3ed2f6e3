//! Trade: what the FIX session and the audit log.

use std::net::IpAddr;
use std::sync::Arc;

use crate::sites::sites;

/// An execution, as the exchange reports it.
#[derive(Clone, Debug, stenolog::Record)]
pub struct Fill {
    pub order_id: u64,
    pub venue: &'static str,
    pub price: f64,
    pub quantity: u32,
    pub is_maker: bool,
}

sites! {
    /// Call sites of the FIX session.
    Trade {
        Sent { order: u64, message: String }
            debug "fix::out" [order_id = order]
            "{message}";
        Received { order: String, message: String }
            debug "fix::in" [cl_ord_id = order]
            "{message}";
        Filled { fill: Fill, fee: f64 }
            info "fix::fills" [fill = fill, fee = fee]
            "filled";
        Acknowledged { order: u64, exchange: u64, latency_us: f64 }
            info "fix::orders" [exchange_id = exchange]
            "order {order} acknowledged after {latency_us:.3} us";
        Heartbeat { session: &'static str, sequence: u64 }
            trace "fix::session" [session = session]
            "heartbeat {sequence}";
        Rejected { order: u64, code: u16, reason: &'static str }
            warn "fix::orders" [order_id = order, code = code]
            "order rejected: {reason}";
        Book { symbol: &'static str, bids: [f64; 3], asks: [f64; 3] }
            trace "fix::market" [symbol = symbol, bids = bids, asks = asks]
            "book";
    }
}

sites! {
    /// Call sites of the audit.
    Audit {
        LoggedIn { user: &'static str, ip: IpAddr, session: Arc<str> }
            info "audit" [user = user, client_ip = ip, session_id = session]
            "logged in";
        Changed { trace: Arc<str>, order: String, user: &'static str, action: &'static str }
            info "audit" [trace_id = trace, user = user, action = action]
            "order {order} changed";
        Denied { trace: Arc<str>, user: &'static str, path: String }
            warn "audit" [trace_id = trace, user = user, path = path]
            "access denied";
        Exported { user: &'static str, rows: u64, file: String }
            info "audit" [user = user, rows = rows]
            "exported to {file}";
    }
}
