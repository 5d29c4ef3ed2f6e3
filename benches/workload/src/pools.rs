//! Pools: texts that a service repeats.

use std::sync::OnceLock;

use crate::random::Random;

/// How many users there are.
const USERS: usize = 10_000;

/// How many programs ask.
const AGENTS: usize = 50;

pub const METHODS: &[&str] =
    &["GET", "GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "PATCH"];
pub const CIPHERS: &[&str] =
    &["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
pub const CONTENT_TYPES: &[&str] = &[
    "application/json; charset=utf-8",
    "application/problem+json; charset=utf-8",
    "text/csv; charset=utf-8",
    "application/octet-stream",
    "text/event-stream",
];
pub const SYMBOLS: &[&str] = &[
    "AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "BRK.B", "LLY", "AVGO", "TSLA", "JPM", "V",
    "XOM", "UNH", "MA", "PG", "COST", "JNJ", "HD", "MRK", "ABBV", "CVX", "CRM", "BAC", "NFLX",
    "AMD", "PEP", "KO", "TMO", "WMT", "ADBE", "LIN", "DIS", "MCD", "ABT", "CSCO", "QCOM", "INTU",
    "VZ", "IBM",
];
pub const VENUES: &[&str] = &["XNAS", "XNYS", "BATS", "ARCX", "IEXG", "MEMX", "XPHL"];
pub const HANDLERS: &[&str] = &[
    "orders::create",
    "orders::cancel",
    "orders::list",
    "quotes::stream",
    "accounts::show",
    "positions::list",
    "reports::daily",
    "search::suggest",
    "files::upload",
    "users::profile",
];
pub const TABLES: &[&str] =
    &["orders", "executions", "accounts", "positions", "users", "sessions", "audit_log", "quotes"];
pub const UPSTREAMS: &[&str] = &[
    "10.20.0.11:8443",
    "10.20.0.12:8443",
    "10.20.0.13:8443",
    "10.20.1.11:8443",
    "10.20.1.12:8443",
];
pub const CAUSES: &[&str] = &[
    "connection reset by peer",
    "deadline has elapsed",
    "upstream returned 503",
    "broken pipe",
    "temporary failure in name resolution",
];
pub const ACTIONS: &[&str] = &["create", "amend", "cancel", "approve", "release", "assign"];
pub const PLANS: &[&str] = &[
    "Seq Scan on executions (cost=0.00..35811.00 rows=1000000 width=244)",
    "Nested Loop (cost=0.43..2310.12 rows=288 width=96)",
    "Bitmap Heap Scan on orders (cost=5.07..229.20 rows=101 width=244)",
];
pub const ROUTES: &[&str] =
    &["orders", "accounts", "positions", "quotes", "users", "reports", "files"];
pub const KINDS: &[&str] = &["report", "settlement", "reindex", "mail", "thumbnail", "export"];
pub const FLAGS: &[&str] = &["new-checkout", "fast-quotes", "dark-mode", "beta-search", "two-step"];
pub const MODELS: &[&str] = &["black-scholes", "binomial-256", "heston", "sabr"];
pub const METRICS: &[&str] = &[
    "http.server.duration",
    "db.client.duration",
    "queue.depth",
    "cache.lookup.duration",
    "fix.round_trip",
    "pool.wait",
    "gc.pause",
    "rpc.client.duration",
];
pub const MOUNTS: &[&str] = &["/", "/var/lib/postgresql", "/var/log", "/srv/uploads"];
pub const PEERS: &[&str] = &["ntp-1.internal", "ntp-2.internal", "ntp-3.internal"];
pub const COLUMNS: &[&str] = &["symbol", "account_id", "status", "created_at", "venue", "price"];

/// The names of all users, as they are written in the log.
pub fn users() -> &'static [&'static str] {
    static USERS_ONCE: OnceLock<Vec<&'static str>> = OnceLock::new();
    USERS_ONCE.get_or_init(|| {
        const FIRST: &[&str] = &[
            "alice",
            "benjamin",
            "carla",
            "dmitri",
            "elena",
            "farid",
            "grace",
            "hiroshi",
            "ingrid",
            "joão",
            "katarzyna",
            "liam",
            "maria",
            "nikhil",
            "olga",
            "peter",
            "qing",
            "rosa",
            "samuel",
            "tomasz",
            "uma",
            "victor",
            "wendy",
            "xavier",
            "yusuf",
            "zoë",
        ];
        const LAST: &[&str] = &[
            "andersson",
            "baker",
            "castillo",
            "dubois",
            "eriksen",
            "fischer",
            "gupta",
            "hernández",
            "ivanova",
            "johnson",
            "kowalska",
            "lindqvist",
            "moreau",
            "nakamura",
            "okafor",
            "petrov",
            "rossi",
            "schneider",
            "tanaka",
            "weber",
        ];
        let mut random = Random::new(0x7573_6572);
        let name = |_| {
            let (first, last) = (random.pick(FIRST), random.pick(LAST));
            leak(format!("{first}.{last}{}", random.below(1000)))
        };
        (0..USERS).map(name).collect()
    })
}

/// What browsers and programs call themselves.
pub fn agents() -> &'static [&'static str] {
    static AGENTS_ONCE: OnceLock<Vec<&'static str>> = OnceLock::new();
    AGENTS_ONCE.get_or_init(|| {
        const SYSTEMS: &[&str] = &[
            "Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64",
            "iPhone; CPU iPhone OS 17_5 like Mac OS X", "Linux; Android 14; Pixel 8",
        ];
        let mut random = Random::new(0x6167_656e);
        let agent = |n| {
            let (system, major) = (random.pick(SYSTEMS), 118 + random.below(13));
            leak(match n % 5 {
                0 => format!("Mozilla/5.0 ({system}; rv:{major}.0) Gecko/20100101 Firefox/{major}.0"),
                1 => format!("okhttp/4.{}.{} (trading-app {major}.2)", major % 13, major % 7),
                _ => format!(
                    "Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.{}.{} Safari/537.36",
                    6000 + random.below(600),
                    random.below(200)
                ),
            })
        };
        (0..AGENTS).map(agent).collect()
    })
}

/// Accounts, as short as programs have them.
pub fn accounts() -> &'static [&'static str] {
    static ACCOUNTS_ONCE: OnceLock<Vec<&'static str>> = OnceLock::new();
    ACCOUNTS_ONCE.get_or_init(|| {
        let mut random = Random::new(0x6163_6374);
        (0..2000).map(|_| leak(format!("ACC-{:07}", random.below(10_000_000)))).collect()
    })
}

/// Pools live as long as the program.
fn leak(text: String) -> &'static str {
    String::leak(text)
}
