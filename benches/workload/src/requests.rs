//! Requests: the records of a request on its way through the threads.

use std::sync::Arc;
use std::time::Duration;

use crate::texts;
use crate::threads::{AUDIT, DATABASES, FIX, GATEWAYS, WORKERS};
use crate::trade::{Audit, Fill, Trade};
use crate::workload::{Session, Workload};
use crate::{Edge, Store, What, Work, background, pools};

/// A request on its way.
struct Request<'a> {
    workload: &'a mut Workload,
    trace: Arc<str>,
    session: Session,
    path: String,
    gateway: usize,
    worker: usize,
    database: usize,
    began_ns: u64,
    at_ns: u64,
}

/// All records of a request that begins at a time.
pub(crate) fn request(workload: &mut Workload, at_ns: u64) {
    let random = &mut workload.random;
    let trace: Arc<str> = random.hex(32).into();
    let (gateway, worker, database) =
        (random.pick(&GATEWAYS), random.pick(&WORKERS), random.pick(&DATABASES));
    let path = texts::path(random);
    let chosen = random.below(workload.sessions.len() as u64) as usize;
    if workload.random.chance(0.02) {
        sign_in(workload, chosen, at_ns);
    }
    let session = workload.sessions[chosen].clone();
    let mut request = Request {
        workload,
        trace,
        session,
        path,
        gateway,
        worker,
        database,
        began_ns: at_ns,
        at_ns,
    };
    request.arrive();
    request.handle();
    request.query();
    if request.chance(0.3) {
        request.order();
    }
    request.answer();
    if workload.random.chance(0.4) {
        background::record(workload, at_ns);
    }
}

/// A user's new session.
fn sign_in(workload: &mut Workload, at: usize, at_ns: u64) {
    let random = &mut workload.random;
    let session = Session { id: random.uuid(), user: random.pick_skewed(pools::users()) };
    let event =
        Audit::LoggedIn { user: session.user, ip: random.ip(), session: Arc::clone(&session.id) };
    workload.sessions[at] = session;
    workload.push(at_ns, AUDIT, event);
}

impl Request<'_> {
    fn chance(&mut self, share: f64) -> bool {
        self.workload.random.chance(share)
    }

    fn trace(&self) -> Arc<str> {
        Arc::clone(&self.trace)
    }

    /// A record of a thread, some time after the one before.
    fn push(&mut self, thread: usize, after_us: f64, what: impl Into<What>) {
        self.at_ns += (self.workload.random.log_normal(after_us, 0.8) * 1e3) as u64;
        self.workload.push(self.at_ns, thread, what);
    }

    fn arrive(&mut self) {
        let (trace, gateway) = (self.trace(), self.gateway);
        let random = &mut self.workload.random;
        let (peer, port) = (random.ip(), random.below(28_000) as u16 + 32_768);
        let cipher = random.pick_skewed(pools::CIPHERS);
        if random.chance(0.3) {
            let trace = Arc::clone(&trace);
            self.push(gateway, 20.0, Edge::Accepted { trace, peer, port, cipher });
        }
        let random = &mut self.workload.random;
        let method = random.pick(pools::METHODS);
        let agent = random.pick_skewed(pools::agents());
        let (path, ip) = (self.path.clone(), peer.to_string());
        let request = Edge::Request { trace: Arc::clone(&trace), method, path, agent, ip };
        self.push(gateway, 30.0, request);
        if self.chance(0.3) {
            let count = self.workload.random.below(18) as u8 + 4;
            let bytes = u16::from(count) * 37 + self.workload.random.below(90) as u16;
            self.push(gateway, 4.0, Edge::Headers { trace: self.trace(), count, bytes });
        }
        if self.chance(0.8) {
            let (session, user) = (Arc::clone(&self.session.id), self.session.user);
            self.push(gateway, 25.0, Edge::Authenticated { trace, session, user });
        }
        let random = &mut self.workload.random;
        if random.chance(0.01) {
            let (window, limit) = (Duration::from_secs(10), 200);
            let limited = Edge::RateLimited { ip: peer, limit, window, agent };
            self.push(gateway, 5.0, limited);
        }
        if self.chance(0.005) {
            let random = &mut self.workload.random;
            let (body, column) = (texts::json(random), random.below(300) as u32);
            let trace = self.trace();
            self.push(gateway, 9.0, Edge::BadRequest { trace, body, column });
        }
        if self.chance(0.25) {
            let open = self.workload.random.log_normal(3e9, 1.5) as u64;
            let requests = self.workload.random.below(60) as u32 + 1;
            let open = Duration::from_nanos(open);
            self.push(gateway, 15.0, Edge::Closed { peer, port, requests, open });
        }
    }

    fn handle(&mut self) {
        let worker = self.worker;
        let random = &mut self.workload.random;
        let (handler, queued_us) =
            (random.pick_skewed(pools::HANDLERS), random.log_normal(18.0, 1.2));
        let trace = self.trace();
        self.push(worker, 20.0, Work::Started { trace, handler, queued_us });
        let random = &mut self.workload.random;
        let key = texts::cache_key(random, self.session.user);
        let trace = self.trace();
        if self.chance(0.7) {
            let age = Duration::from_micros(self.workload.random.log_normal(4e6, 1.8) as u64);
            self.push(worker, 6.0, Work::Cached { trace, key, age });
        } else {
            let ttl_s = self.workload.random.pick(&[30, 60, 300, 3600]);
            self.push(worker, 6.0, Work::Missed { trace, key, ttl_s });
        }
        if self.chance(0.4) {
            let random = &mut self.workload.random;
            let (rules, took_us) = (random.below(40) as u16 + 10, random.log_normal(60.0, 0.7));
            let session = Arc::clone(&self.session.id);
            let trace = self.trace();
            self.push(worker, 60.0, Work::Validated { trace, session, rules, took_us });
        }
        if self.chance(0.25) {
            let json = texts::json(&mut self.workload.random);
            let trace = self.trace();
            self.push(worker, 8.0, Work::Payload { trace, json });
        }
        if self.chance(0.15) {
            let random = &mut self.workload.random;
            let (upstream, attempt) = (random.pick(pools::UPSTREAMS), random.chance(0.05).into());
            let connect_us = random.log_normal(210.0, 0.9);
            let trace = self.trace();
            let chosen = Edge::Upstream { trace, upstream, attempt, connect_us };
            self.push(self.gateway, 12.0, chosen);
        }
        self.decide();
    }

    /// What depends on the user.
    fn decide(&mut self) {
        let (worker, user) = (self.worker, self.session.user);
        if self.chance(0.2) {
            let (flag, on) = (self.workload.random.pick(pools::FLAGS), self.chance(0.3));
            self.push(worker, 2.0, Work::Flag { user, flag, on });
        }
        if self.chance(0.15) {
            let random = &mut self.workload.random;
            let features = [(); 4].map(|()| random.normal());
            let score = 1.0 / (1.0 + features.iter().sum::<f64>().exp());
            let scored = Work::Scored { user, score, features, version: "2026-11-r3" };
            self.push(worker, 90.0, scored);
        }
        if self.chance(0.01) {
            let random = &mut self.workload.random;
            let attempt = random.below(3) as u8 + 1;
            let after = Duration::from_micros(random.log_normal(50_000.0, 0.5) as u64);
            let cause = random.pick(pools::CAUSES);
            let trace = self.trace();
            self.push(worker, 40.0, Work::Retry { trace, attempt, after, cause });
        }
        if self.chance(0.02) {
            let (trace, path) = (self.trace(), self.path.clone());
            self.push(AUDIT, 20.0, Audit::Denied { trace, user, path });
        }
        if self.chance(0.005) {
            let (trace, error) = (self.trace(), texts::long_error(&mut self.workload.random));
            let code = self.workload.random.pick(&[-110, -104, -32, 5, 17]);
            self.push(worker, 30.0, Work::Failed { trace, error, code });
        }
    }

    fn query(&mut self) {
        let database = self.database;
        for _ in 0..1 + self.workload.random.below(3) {
            let sql = texts::sql(&mut self.workload.random, self.session.user);
            let took_us = self.workload.random.log_normal(340.0, 1.1);
            let trace = self.trace();
            if took_us > 12_000.0 {
                let (plan, took_ms) = (self.workload.random.pick(pools::PLANS), took_us / 1e3);
                self.push(database, took_us, Store::SlowQuery { trace, sql, took_ms, plan });
            } else {
                self.push(database, took_us, Store::Query { trace, sql, took_us });
            }
        }
        if self.chance(0.3) {
            let random = &mut self.workload.random;
            let (file, hit) = (texts::relation_file(random), random.chance(0.9));
            let block = random.below(1 << 20) as u32;
            self.push(database, 5.0, Store::Page { file, block, hit });
        }
        if self.chance(0.1) {
            let name = format!("s{:04}", self.workload.random.below(300));
            let params = self.workload.random.below(9) as u8;
            self.push(database, 9.0, Store::Prepared { name, params });
        }
        if self.chance(0.35) {
            self.workload.next_transaction += 1;
            let (trace, tx) = (self.trace(), self.workload.next_transaction);
            let rows = self.workload.random.log_normal(3.0, 1.0) as u32 + 1;
            self.push(database, 60.0, Store::Committed { trace, tx, rows });
            if self.chance(0.5) {
                let bytes = self.workload.random.log_normal(900.0, 0.9) as u32;
                self.workload.log_position += u64::from(bytes);
                let position = self.workload.log_position;
                let lsn = format!("{:X}/{:08X}", position >> 32, position as u32);
                let sync_us = self.workload.random.log_normal(420.0, 0.6);
                self.push(database, 300.0, Store::Wal { lsn, bytes, sync_us });
            }
        }
        if self.chance(0.004) {
            self.workload.next_transaction += 1;
            let tx = self.workload.next_transaction;
            if self.chance(0.3) {
                let (other, relation) = (tx - 7, self.workload.random.pick(pools::TABLES));
                self.push(database, 1000.0, Store::Deadlock { tx, other, relation });
            }
            let reason = "could not serialize access due to concurrent update";
            self.push(database, 100.0, Store::RolledBack { tx, reason });
        }
    }

    fn order(&mut self) {
        let (worker, user) = (self.worker, self.session.user);
        let order = self.workload.next_order;
        self.workload.next_order += 1 + self.workload.random.below(3);
        let random = &mut self.workload.random;
        let (symbol, venue) =
            (random.pick_skewed(pools::SYMBOLS), random.pick_skewed(pools::VENUES));
        let (side, qty) = (random.pick(&["buy", "sell"]), random.below(40) as u32 * 25 + 25);
        // A price has two decimals.
        let price = (random.log_normal(140.0, 0.6) * 100.0).round() / 100.0;
        let (client_order, account) = (random.u64(), random.pick_skewed(pools::accounts()));
        let trace = self.trace();
        let placed = Work::OrderPlaced { trace, order, user, side, qty, symbol, price };
        self.push(worker, 30.0, placed);
        let trace = self.trace();
        self.push(worker, 10.0, Work::ClientOrder { trace, client_order, account, venue });
        if self.chance(0.6) {
            let random = &mut self.workload.random;
            let (model, edge) = (random.pick(pools::MODELS), random.normal() * 0.02);
            let greeks = [random.share(), random.normal() * 0.05, -random.log_normal(0.02, 0.9)];
            let price = price + random.normal() * 0.03;
            self.push(worker, 25.0, Work::Priced { order, model, price, edge, greeks });
        }
        self.exchange(order, symbol, venue, side == "buy", qty, price);
        let action = self.workload.random.pick(pools::ACTIONS);
        let (trace, order) = (self.trace(), order.to_string());
        self.push(AUDIT, 40.0, Audit::Changed { trace, order, user, action });
    }

    /// What the exchange is told, and what it answers.
    fn exchange(
        &mut self,
        order: u64,
        symbol: &'static str,
        venue: &'static str,
        is_buy: bool,
        quantity: u32,
        price: f64,
    ) {
        let mut fix = |kind, at_ns| {
            self.workload.fix_sequence += 1;
            let head = texts::FixHead { kind, venue, sequence: self.workload.fix_sequence, at_ns };
            texts::fix(&head, order, symbol, is_buy, quantity, price)
        };
        let (sent, received) = (fix("D", self.at_ns), fix("8", self.at_ns + 900_000));
        self.push(FIX, 15.0, Trade::Sent { order, message: sent });
        self.push(FIX, 700.0, Trade::Received { order: order.to_string(), message: received });
        if self.chance(0.04) {
            let reason = "price is outside of the band";
            self.push(FIX, 5.0, Trade::Rejected { order, code: 99, reason });
            return;
        }
        let random = &mut self.workload.random;
        let (exchange, latency_us) = (random.u64(), random.log_normal(780.0, 0.4));
        self.push(FIX, 5.0, Trade::Acknowledged { order, exchange, latency_us });
        if self.chance(0.7) {
            let is_maker = self.chance(0.4);
            let fill = Fill { order_id: order, venue, price, quantity, is_maker };
            let fee = price * f64::from(quantity) * 0.000_12;
            self.push(FIX, 400.0, Trade::Filled { fill, fee });
        }
        if self.chance(0.3) {
            let random = &mut self.workload.random;
            let levels = [(); 3].map(|()| (random.exponential(3.0) * 100.0).round() / 100.0);
            let (bids, asks) = (levels.map(|d| price - d), levels.map(|d| price + d));
            self.push(FIX, 30.0, Trade::Book { symbol, bids, asks });
        }
    }

    fn answer(&mut self) {
        let random = &mut self.workload.random;
        let (took_us, allocated) =
            (random.log_normal(1300.0, 0.9), random.log_normal(48_000.0, 1.1));
        let rows = random.chance(0.6).then(|| random.log_normal(12.0, 1.2) as u32);
        let trace = self.trace();
        let finished = Work::Finished { trace, took_us, rows, allocated: allocated as u64 };
        self.push(self.worker, 15.0, finished);
        let random = &mut self.workload.random;
        let status = match random.below(1000) {
            0..=1 => 503,
            2..=9 => 500,
            10..=39 => 404,
            40..=59 => 304,
            60..=119 => 201,
            _ => 200,
        };
        let (kind, bytes) =
            (random.pick_skewed(pools::CONTENT_TYPES), random.log_normal(2400.0, 1.4));
        let trace = self.trace();
        let latency_us = (self.at_ns - self.began_ns) as f64 / 1e3 + self.workload.random.share();
        let response = Edge::Response { trace, status, kind, bytes: bytes as u64, latency_us };
        self.push(self.gateway, 25.0, response);
        if latency_us > 15_000.0 {
            let (trace, path) = (self.trace(), self.path.clone());
            let ms = latency_us / 1e3;
            self.push(self.gateway, 3.0, Edge::Slow { trace, path, ms, limit_ms: 15 });
        }
        if self.chance(0.01) {
            let (trace, path) = (self.trace(), self.path.clone());
            let to = path.replace("/v1/", "/v2/");
            self.push(self.gateway, 3.0, Edge::Redirected { trace, path, to });
        }
        if self.chance(0.02) {
            let random = &mut self.workload.random;
            let (path, parts) =
                (texts::file(random), [(); 4].map(|()| random.below(1 << 20) as u32));
            let bytes = parts.iter().map(|part| u64::from(*part)).sum();
            let trace = self.trace();
            self.push(self.gateway, 300.0, Edge::Uploaded { trace, path, bytes, parts });
        }
    }
}
