//! Edge: what the gateways log of connections and requests.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::sites::sites;

sites! {
    /// Call sites of the gateways.
    Edge {
        Accepted { trace: Arc<str>, peer: IpAddr, port: u16, cipher: &'static str }
            debug "edge::listener" [trace_id = trace, peer = peer, port = port, cipher = cipher]
            "connection accepted";
        Request {
            trace: Arc<str>, method: &'static str, path: String, agent: &'static str, ip: String,
        }
            info "edge::http"
            [trace_id = trace, method = method, path = path, user_agent = agent, client_ip = ip]
            "request";
        Authenticated { trace: Arc<str>, session: Arc<str>, user: &'static str }
            debug "edge::auth" [trace_id = trace, session_id = session, user = user]
            "session resumed";
        Response { trace: Arc<str>, status: u16, kind: &'static str, bytes: u64, latency_us: f64 }
            info "edge::http"
            [
                trace_id = trace, status = status, content_type = kind, bytes = bytes,
                latency_us = latency_us,
            ]
            "response";
        Slow { trace: Arc<str>, path: String, ms: f64, limit_ms: u32 }
            warn "edge::http" [trace_id = trace, path = path]
            "slow request: {ms:.3} ms, limit {limit_ms} ms";
        RateLimited { ip: IpAddr, limit: u32, window: Duration, agent: &'static str }
            warn "edge::limits" [client_ip = ip, limit = limit, window = window, user_agent = agent]
            "rate limit reached";
        Closed { peer: IpAddr, port: u16, requests: u32, open: Duration }
            debug "edge::listener" [peer = peer, port = port, requests = requests, open = open]
            "connection closed";
        Redirected { trace: Arc<str>, path: String, to: String }
            info "edge::routes" [trace_id = trace, location = to]
            "{path} has moved";
        BadRequest { trace: Arc<str>, body: String, column: u32 }
            warn "edge::http" [trace_id = trace, body = body]
            "malformed JSON at column {column}";
        TlsFailed { peer: IpAddr, reason: &'static str }
            info "edge::tls" [peer = peer]
            "handshake failed: {reason}";
        Headers { trace: Arc<str>, count: u8, bytes: u16 }
            trace "edge::http" [trace_id = trace]
            "{count} headers in {bytes} bytes";
        Uploaded { trace: Arc<str>, path: String, bytes: u64, parts: [u32; 4] }
            info "edge::upload" [trace_id = trace, path = path, bytes = bytes, parts = parts]
            "upload complete";
        Upstream { trace: Arc<str>, upstream: &'static str, attempt: u8, connect_us: f64 }
            debug "edge::proxy"
            [trace_id = trace, upstream = upstream, attempt = attempt, connect_us = connect_us]
            "upstream chosen";
    }
}
