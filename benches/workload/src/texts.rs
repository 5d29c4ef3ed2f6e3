//! Texts: paths, FIX, SQL, JSON, and long errors, with values in them.

use std::fmt::Write as _;

use crate::pools;
use crate::random::Random;

/// The path of a request.
pub fn path(random: &mut Random) -> String {
    let (route, id) = (random.pick_skewed(pools::ROUTES), random.below(4_000_000));
    match random.below(5) {
        0 => format!("/v1/{route}?limit={}&cursor={}", random.pick(&[20, 50, 100]), random.hex(12)),
        1 => format!("/v1/accounts/{}/{route}", random.pick_skewed(pools::accounts())),
        2 => format!("/v1/{route}/{id}/history"),
        _ => format!("/v1/{route}/{id}"),
    }
}

/// The path of a file that the service writes.
pub fn file(random: &mut Random) -> String {
    let (kind, id) = (random.pick(pools::KINDS), random.below(1_000_000));
    format!("/srv/uploads/2026/11/30/{kind}-{id:06}.parquet")
}

/// The file of a table.
pub fn relation_file(random: &mut Random) -> String {
    format!("base/16384/{}", 16_385 + random.below(60))
}

/// What a cached value is found by.
pub fn cache_key(random: &mut Random, user: &str) -> String {
    match random.below(3) {
        0 => format!("quote:{}", random.pick_skewed(pools::SYMBOLS)),
        1 => format!("user:{user}"),
        _ => format!("page:{}", random.below(50_000)),
    }
}

/// A statement with its values.
pub fn sql(random: &mut Random, user: &str) -> String {
    let (table, column) = (random.pick_skewed(pools::TABLES), random.pick(pools::COLUMNS));
    let (account, symbol) =
        (random.pick_skewed(pools::accounts()), random.pick_skewed(pools::SYMBOLS));
    let id = random.below(4_000_000);
    match random.below(6) {
        0 => format!(
            "SELECT t.id, t.{column}, t.version, t.updated_at FROM trading.{table} AS t WHERE t.account_id = '{account}' AND t.deleted_at IS NULL ORDER BY t.id DESC LIMIT {}",
            random.pick(&[10, 50, 100])
        ),
        1 => format!(
            "SELECT id, name, roles, last_seen_at FROM trading.users WHERE name = '{user}' AND deleted_at IS NULL"
        ),
        2 => format!(
            "UPDATE trading.{table} SET {column} = '{symbol}', version = version + 1, updated_at = now() WHERE id = {id} AND version = {}",
            random.below(40)
        ),
        3 => {
            let price = random.log_normal(140.0, 0.6);
            format!(
                "INSERT INTO trading.executions (order_id, symbol, price, quantity) VALUES ({id}, '{symbol}', {price:.2}, {})",
                random.below(40) * 25
            )
        }
        4 => format!(
            "SELECT count(*) FROM trading.{table} WHERE {column} = '{symbol}' AND id > {id}"
        ),
        _ => format!("SELECT {column}, version FROM trading.{table} WHERE id = {id} FOR UPDATE"),
    }
}

/// A small document.
pub fn json(random: &mut Random) -> String {
    let (symbol, account) =
        (random.pick_skewed(pools::SYMBOLS), random.pick_skewed(pools::accounts()));
    let mut text = format!(
        r#"{{"account":"{account}","symbol":"{symbol}","quantity":{},"limit":{:.2},"tags":["{}","{}"]"#,
        random.below(40) * 25,
        random.log_normal(140.0, 0.6),
        random.pick(pools::KINDS),
        random.pick(pools::FLAGS),
    );
    if random.chance(0.4) {
        let _ = write!(text, r#","client_id":"{}""#, random.uuid());
    }
    text.push('}');
    text
}

/// An error with all its causes and a backtrace.
pub fn long_error(random: &mut Random) -> String {
    let mut text = format!(
        "the request could not be completed: {}: connection to {} was lost\nbacktrace:",
        random.pick(pools::CAUSES),
        random.pick(pools::UPSTREAMS)
    );
    let base = 0x55d0_0000_0000 | random.below(1 << 28) << 4;
    for frame in 0..10 + random.below(16) {
        let _ = write!(
            text,
            "\n  {frame:>2}: {:#x} - trading::{}::h{}\n             at /build/src/{}.rs:{}",
            base + random.below(1 << 22),
            random.pick(pools::HANDLERS),
            random.hex(16),
            random.pick(pools::ROUTES),
            random.below(900) + 1
        );
    }
    text
}

/// What a message of FIX begins with.
pub struct FixHead {
    pub kind: &'static str,
    pub venue: &'static str,
    pub sequence: u64,
    pub at_ns: u64,
}

/// A message of FIX, with bars where the wire has a control character.
pub fn fix(
    head: &FixHead,
    order: u64,
    symbol: &str,
    is_buy: bool,
    quantity: u32,
    price: f64,
) -> String {
    let FixHead { kind, venue, sequence, at_ns } = head;
    let ms = at_ns / 1_000_000;
    let time = format!(
        "20261130-{:02}:{:02}:{:02}.{:03}",
        ms / 3_600_000 % 24,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    );
    let body = format!(
        "35={kind}|49=STENO|56={venue}|34={sequence}|52={time}|11={order}|21=1|55={symbol}|54={}|60={time}|38={quantity}|40=2|44={price:.2}|59=0|",
        if is_buy { 1 } else { 2 }
    );
    let mut text = format!("8=FIX.4.4|9={}|{body}", body.len());
    let sum: u32 = text.bytes().map(|byte| if byte == b'|' { 1 } else { u32::from(byte) }).sum();
    let _ = write!(text, "10={:03}|", sum % 256);
    text
}
