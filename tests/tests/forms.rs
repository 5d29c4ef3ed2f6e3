//! A call takes what `log` and `tracing` take, and messages that macros make.

use serde_json::{Value, json};
use stenolog::{
    Level, debug, enabled, error, event, event_enabled, info, log, log_enabled, trace, warn,
};
use stenolog_tests::LogFixture;

const KEY: &str = "key";
const TARGET: &str = "constant";

/// Message, fields and target of each record.
fn read(fixture: &mut LogFixture) -> Vec<(String, Value, String)> {
    let records = fixture.finish();
    let read = |record: &Value| {
        let message = record.get("message").and_then(Value::as_str).expect("a message").to_owned();
        let fields = record.get("fields").cloned().unwrap_or(json!({}));
        (message, fields, record["target"].as_str().expect("a target").to_owned())
    };
    records.iter().map(read).collect()
}

macro_rules! table {
    ($fixture:ident: $($call:expr => $message:expr, $fields:tt;)+) => {
        let mut expected = Vec::new();
        $($call; expected.push(($message.to_owned(), json!($fields)));)+
        let found: Vec<_> = read(&mut $fixture).into_iter().map(|(message, fields, _)| (message, fields)).collect();
        assert_eq!(found, expected);
    };
}

#[test]
fn forms_of_tracing() {
    let mut fixture = LogFixture::new();
    let (n, s, pair) = (3_u32, String::from("x"), (1_u8, 2_u8));
    table! { fixture:
        info!(leader = display(&s), now = debug(&s), "x") => "x", {"leader": "x", "now": "x"};
        info!({ n, s = %s }, "hello {}", 1) => "hello 1", {"n": 3, "s": "x", "0": 1};
        info!({ n, ?s, "with space" = 1, }, "hello") => "hello", {"n": 3, "s": "x", "with space": 1};
        info!({ n }) => "", {"n": 3};
        info!({ KEY } = n, { super_key() } = 2, "x") => "x", {"key": 3, "super": 2};
        info!(name: "evt", n, "x") => "x", {"n": 3};
        info!(parent: None, n, "x") => "x", {"n": 3};
        info!(parent: &pair, name: "evt", target: "t", { n }, "x {n}") => "x 3", {"n": 3, "0": 3};
        info!(name: "evt", target: TARGET, parent: &pair, "x") => "x", {};
        info!() => "", {};
        info!(target: "t") => "", {};
        event!(Level::INFO, n) => "", {"n": 3};
        event!(name: "evt", target: "t", parent: None, Level::INFO, { n }, "x") => "x", {"n": 3};
        event!(Level::INFO, "user id" = n, a.b = ?pair, "{}", 1) => "1", {"user id": 3, "a.b": [1, 2], "0": 1};
        debug!(%s, ?pair, n = n + 1) => "", {"s": "x", "pair": [1, 2], "n": 4};
        trace!(r#type = 1, "x") => "x", {"type": 1};
        warn!(n; "x") => "x", {"n": 3};
        error!("x",) => "x", {};
    }
}

const fn super_key() -> &'static str {
    "super"
}

#[test]
fn forms_of_log() {
    let mut fixture = LogFixture::new();
    let (n, s) = (3_u32, String::from("x"));
    let e = std::fmt::Error;
    let text = std::fmt::Error.to_string();
    table! { fixture:
        info!(a = 1, b = n; "x {}", n) => "x 3", {"a": 1, "b": 3, "n": 3};
        info!(a:? = s; "x") => "x", {"a": "x"};
        info!(a:% = s, b:debug = n, c:display = s; "x {s}") => "x x", {"a": "x", "b": 3, "c": "x", "s": "x"};
        info!(a:err = e; "x") => "x", {"a": {"message": (text), "sources": []}};
        info!(a:error = e, b:serde = n, c:sval = n; "x") => "x", {"a": {"message": (text), "sources": []}, "b": 3, "c": 3};
        info!(n, s:%; "x") => "x", {"n": 3, "s": "x"};
        info!("quoted key" = n, "other":? = s; "x") => "x", {"quoted key": 3, "other": "x"};
        info!(target: "t", n = 1; "x {}", 2) => "x 2", {"n": 1, "0": 2};
        log!(Level::Info, "x {}", n) => "x 3", {"n": 3};
        log!(target: "t", Level::Warn, a = 1; "x") => "x", {"a": 1};
        log!(if n > 2 { Level::Error } else { Level::Info }, "x {n}") => "x 3", {"n": 3};
    }
}

macro_rules! prefixed {
    ($format:literal $($rest:tt)*) => { info!(concat!("[net] ", $format) $($rest)*) };
}

macro_rules! failed {
    ($condition:expr) => {
        info!(concat!("failed: ", stringify!($condition)))
    };
}

macro_rules! passed_on {
    ($($arg:tt)*) => { info!($($arg)*) };
}

macro_rules! expression {
    ($message:expr) => { info!($message) };
    ($message:expr, $($arg:expr),+) => { info!($message, $($arg),+) };
}

macro_rules! literal {
    () => {
        "made {} and {:>4}"
    };
}

#[test]
fn messages_that_macros_make() {
    let mut fixture = LogFixture::new();
    let (a, b) = (2, 1.5);
    let package = env!("CARGO_PKG_NAME");
    prefixed!("sent {} bytes", 5);
    prefixed!("{}", a);
    failed!(a < 1 && b > 2.0);
    info!(env!("CARGO_PKG_NAME"));
    info!(concat!("one ", "{}"), a);
    info!(std::concat!("{:", "?} ", 5, 'c', true, 1.5, " {x:.2}"), a, x = b);
    info!(concat!(env!("CARGO_PKG_NAME"), " {1} {0:?} {{}}"), a, b);
    info!(stringify!(a b c));
    info!(include_str!("ui/message.txt"));
    info!(a, concat!(concat!("x", "{}"), stringify!(y), "{:>1$}"), b, 6);
    passed_on!(concat!("p", "{}"), a);
    passed_on!(a, stringify!(q));
    expression!(concat!("e", "{}"), b);
    expression!(concat!("e"));
    expression!("e {}", a);
    info!(literal!(), a, b);
    info!(concat!(literal!(), "!"), a, b);
    error!(target: "t", concat!("a ", "b {}"), a);
    let expected = [
        "[net] sent 5 bytes".to_owned(),
        "[net] 2".to_owned(),
        format!("failed: {}", stringify!(a < 1 && b > 2.0)),
        package.to_owned(),
        "one 2".to_owned(),
        format!(std::concat!("{:", "?} ", 5, 'c', true, 1.5, " {x:.2}"), a, x = b),
        format!(concat!(env!("CARGO_PKG_NAME"), " {1} {0:?} {{}}"), a, b),
        stringify!(a b c).to_owned(),
        format_args!(include_str!("ui/message.txt")).to_string(),
        format!(concat!(concat!("x", "{}"), stringify!(y), "{:>1$}"), b, 6),
        "p2".to_owned(),
        stringify!(q).to_owned(),
        "e1.5".to_owned(),
        "e".to_owned(),
        "e 2".to_owned(),
        format!(literal!(), a, b),
        format!(concat!(literal!(), "!"), a, b),
        "a b 2".to_owned(),
    ];
    let found = read(&mut fixture);
    let messages: Vec<_> = found.iter().map(|(message, ..)| message.clone()).collect();
    assert_eq!(messages, expected);
    // What can be typed is; a message without placeholders is a template.
    assert_eq!(found[0].1, json!({"0": 5}));
    assert_eq!(found[3].1, json!({}));
    assert_eq!(found[6].1, json!({"a": 2, "b": 1.5}));
}

struct Component;

impl Component {
    const NAME: &'static str = "component";

    fn log(&self) {
        info!(target: Self::NAME, "x");
    }
}

fn generic<T: Named>() {
    info!(target: T::NAME, "x");
}

trait Named {
    const NAME: &'static str;
}

impl Named for u8 {
    const NAME: &'static str = "u8";
}

impl Named for u16 {
    const NAME: &'static str = "u16";
}

#[test]
fn targets_are_known_when_the_program_runs() {
    let mut fixture = LogFixture::with(|builder| builder.filter("trace,quiet=off"));
    let name: &'static str = "static";
    let owned = String::from("owned");
    info!(target: name, "x");
    info!(target: &owned, "x");
    info!(target: &format!("made {}", 1), "x {}", 1);
    info!(target: owned.as_str(), "x");
    Component.log();
    generic::<u8>();
    generic::<u16>();
    generic::<u8>();
    info!(target: TARGET, "x");
    info!(target: concat!("con", "cat"), "x");
    for target in ["one", "two", "quiet", "one"] {
        let level = if target == "one" { Level::Warn } else { Level::Info };
        event!(target: target, level, "x");
        assert_eq!(log_enabled!(target: target, Level::Info), target != "quiet");
    }
    let targets: Vec<_> = read(&mut fixture).into_iter().map(|(.., target)| target).collect();
    assert_eq!(
        targets,
        [
            "static",
            "owned",
            "made 1",
            "owned",
            "component",
            "u8",
            "u16",
            "u8",
            "constant",
            "concat",
            "one",
            "two",
            "one",
        ]
    );
}

#[test]
fn a_call_site_tells_a_thousand_targets_apart_and_logs_the_rest_under_its_module() {
    let mut fixture = LogFixture::new();
    for number in 0..1100 {
        info!(target: &format!("t{number}"), number);
    }
    let targets: Vec<_> = read(&mut fixture).into_iter().map(|(.., target)| target).collect();
    assert_eq!(targets.len(), 1100);
    assert_eq!(targets[1023], "t1023");
    assert!(targets[1024..].iter().all(|target| target == module_path!()), "{targets:?}");
}

#[test]
fn a_program_can_ask_before_it_logs() {
    let _fixture = LogFixture::with(|builder| builder.filter("info,risk=debug"));
    let (level, target) = (Level::Trace, String::from("risk"));
    assert!(enabled!(Level::Info) && !enabled!(Level::Debug) && !enabled!(level));
    assert!(enabled!(target: "risk", Level::Debug) && !enabled!(target: "risk", Level::Trace));
    assert!(
        event_enabled!(target: &target, Level::DEBUG) && event_enabled!(Level::INFO, n, user.id)
    );
    assert!(log_enabled!(Level::Error) && !log_enabled!(target: "other", Level::Debug));
    if enabled!(Level::Debug) {
        debug!("not reached");
    }
}

#[test]
fn calls_have_many_fields_and_arguments() {
    macro_rules! all {
        ($($name:ident)+) => {
            info!($($name = 1_u32,)+ "fields");
            info!(concat!($("{", stringify!($name), "}"),+), $($name = stringify!($name).len()),+);
        };
    }

    let mut fixture = LogFixture::new();
    all! {
            f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 f20 f21 f22 f23
            f24 f25 f26 f27 f28 f29 f30 f31 f32 f33 f34 f35 f36 f37 f38 f39 f40 f41 f42 f43 f44 f45
            f46 f47 f48 f49 f50 f51 f52 f53 f54 f55 f56 f57 f58 f59 f60 f61 f62 f63 f64 f65 f66 f67
            f68 f69 f70 f71 f72 f73 f74 f75 f76 f77 f78 f79 f80 f81 f82 f83 f84 f85 f86 f87 f88 f89
            f90 f91 f92 f93 f94 f95 f96 f97 f98 f99 f100 f101 f102 f103 f104 f105 f106 f107 f108
            f109 f110 f111 f112 f113 f114 f115 f116 f117 f118 f119 f120 f121 f122 f123 f124 f125
            f126 f127 f128 f129 f130 f131 f132 f133 f134 f135 f136 f137 f138 f139 f140 f141 f142
            f143 f144 f145 f146 f147 f148 f149 f150 f151 f152 f153 f154 f155 f156 f157 f158 f159
            f160 f161 f162 f163 f164 f165 f166 f167 f168 f169 f170 f171 f172 f173 f174 f175 f176
            f177 f178 f179 f180 f181 f182 f183 f184 f185 f186 f187 f188 f189 f190 f191 f192 f193
            f194 f195 f196 f197 f198 f199 f200 f201 f202 f203 f204 f205 f206 f207 f208 f209 f210
            f211 f212 f213 f214 f215 f216 f217 f218 f219 f220 f221 f222 f223 f224 f225 f226 f227
            f228 f229 f230 f231 f232 f233 f234 f235 f236 f237 f238 f239 f240 f241 f242 f243 f244
            f245 f246 f247 f248 f249 f250 f251 f252 f253 f254 f255
    }
    let found = read(&mut fixture);
    assert_eq!(found[0].1.as_object().map(serde_json::Map::len), Some(256));
    assert!(found[0].1.as_object().is_some_and(|fields| fields.values().all(|it| *it == 1)));
    assert_eq!(found[1].0, format!("{}{}{}", "2".repeat(10), "3".repeat(90), "4".repeat(156)));
}
