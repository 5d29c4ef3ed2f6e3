//! What a field records that is no plain value: errors with their sources, options of what is only
//! formatted, types that say themselves what is recorded of them, collections, and nothing at all.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use stenolog::{AsRecord, Empty, Record, info};
use stenolog_decoder::Format;
use stenolog_tests::Scene;

/// The fields of the only record.
#[track_caller]
fn only_fields(scene: &mut Scene) -> Value {
    let records = scene.finish();
    let [record] = &records[..] else { panic!("one record, not {records:?}") };
    record["fields"].clone()
}

/// The fields of the only record as text.
#[track_caller]
fn only_text(scene: &mut Scene) -> String {
    let path = scene.path().to_owned();
    scene.finish();
    let (text, _) = stenolog_tests::render(&path, Format::Short);
    let (_, fields) = text.trim_end().split_once(" values: ").expect("a target");
    fields.to_owned()
}

#[derive(Debug)]
struct Inner(&'static str);

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Inner {}

#[derive(Debug)]
struct Outer(Inner);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("load failed")
    }
}

impl Error for Outer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// Its source is itself.
#[derive(Debug)]
struct Endless;

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("again")
    }
}

impl Error for Endless {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&Self)
    }
}

/// As `anyhow::Error`: no error, but what it derefs to is one.
#[derive(Debug)]
struct Anyhow(Box<dyn Error + Send + Sync>);

impl std::ops::Deref for Anyhow {
    type Target = dyn Error + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Display for Anyhow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

fn outer() -> Outer {
    Outer(Inner("disk on fire"))
}

#[test]
fn errors_keep_their_sources() {
    let mut scene = Scene::new();
    let err = outer();
    let dynamic: &(dyn Error + 'static) = &err;
    let boxed: Box<dyn Error> = Box::new(outer());
    let sent: Box<dyn Error + Send + Sync> = Box::new(outer());
    let shared: Arc<dyn Error> = Arc::new(outer());
    let anyhow = Anyhow(Box::new(outer()));
    info!(
        err,
        %boxed,
        shown = %err,
        dynamic,
        sent,
        reference = &sent,
        shared,
        anyhow,
        percent = %anyhow,
        alone = Inner("disk on fire"),
        io = std::io::Error::other(outer()),
        none = None::<Outer>,
        some = Some(outer()),
        some_boxed = Some(Box::new(outer()) as Box<dyn Error + Send + Sync>),
        some_borrowed = Some(&boxed),
        some_anyhow = Some(Anyhow(Box::new(outer()))),
        none_boxed = None::<Box<dyn Error>>,
        debug = ?err,
        "{} {:?} {err}", err, dynamic,
    );
    let records = scene.finish();
    let chain = json!({"message": "load failed", "sources": ["disk on fire"]});
    let fields = &records[0]["fields"];
    for name in [
        "err",
        "boxed",
        "shown",
        "dynamic",
        "sent",
        "reference",
        "shared",
        "anyhow",
        "percent",
        "some",
        "some_boxed",
        "some_borrowed",
        "some_anyhow",
    ] {
        assert_eq!(fields[name], chain, "{name}");
    }
    assert_eq!(fields["alone"], json!({"message": "disk on fire", "sources": []}));
    assert_eq!(fields["io"]["message"], "load failed");
    assert_eq!(fields["none"], Value::Null);
    assert_eq!(fields["none_boxed"], Value::Null);
    assert_eq!(fields["debug"], "Outer(Inner(\"disk on fire\"))");
    assert_eq!(stenolog_tests::message(&records[0]), format!("{} {:?} {err}", err, dynamic));
}

#[test]
fn an_error_reads_as_a_line() {
    let mut scene = Scene::new();
    info!(
        err = outer(),
        same = Outer(Inner("load failed")),
        word = Inner("word"),
        some = Some(Inner("no room")),
        endless = Endless,
    );
    let again = format!("again: {}", "again: ".repeat(0));
    let text = only_text(&mut scene);
    assert_eq!(
        text,
        format!(
            "err=\"load failed: disk on fire\" same=\"load failed\" word=word some=Some(no room) \
             endless=\"{again}…\""
        )
    );
}

#[test]
fn options_of_what_is_only_formatted_are_options() {
    #[derive(Debug)]
    struct Shown;
    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a \"b\"")
        }
    }
    #[derive(Debug)]
    struct Opaque {
        _a: f32,
    }
    macro_rules! log {
        () => {
            info!(
                path = Some(PathBuf::from("/x")),
                shown = Some(Shown),
                opaque = Some(Opaque { _a: 1.5 }),
                reference = &Some(Shown),
                question = ?Some(Opaque { _a: 1.5 }),
                no_path = None::<PathBuf>,
                no_shown = None::<Shown>,
                no_opaque = ?None::<Opaque>,
                number = Some(1),
                no_number = None::<u8>,
            )
        };
    }
    let mut scene = Scene::new();
    log!();
    assert_eq!(
        only_fields(&mut scene),
        json!({
            "path": "\"/x\"",
            "shown": "a \"b\"",
            "opaque": "Opaque { _a: 1.5 }",
            "reference": "a \"b\"",
            "question": "Opaque { _a: 1.5 }",
            "no_path": null,
            "no_shown": null,
            "no_opaque": null,
            "number": 1,
            "no_number": null,
        })
    );
    let mut scene = Scene::new();
    log!();
    assert_eq!(
        only_text(&mut scene),
        "path=Some(\"/x\") shown=Some(\"a \\\"b\\\"\") opaque=Some(Opaque { _a: 1.5 }) \
         reference=Some(\"a \\\"b\\\"\") question=Some(Opaque { _a: 1.5 }) no_path=None no_shown=None \
         no_opaque=None number=Some(1) no_number=None"
    );
}

#[test]
fn what_is_empty_is_left_out() {
    let mut scene = Scene::new();
    info!(a = 1, empty = Empty, b = 2, "message");
    assert_eq!(only_fields(&mut scene), json!({"a": 1, "b": 2}));
    let mut scene = Scene::new();
    info!(a = 1, empty = Empty);
    assert_eq!(only_text(&mut scene), "a=1");
}

#[test]
fn collections_are_nested_however_they_are_logged() {
    let mut scene = Scene::new();
    let hash: HashMap<&str, u32> = [("a", 1)].into();
    let tree = BTreeMap::from([((1, 'x'), BTreeSet::from([2, 1]))]);
    let by_number = BTreeMap::from([(Some(1_u8), Some(1.5)), (None, None)]);
    info!(
        hash,
        tree,
        by_number,
        q = ?hash,
        deque = VecDeque::from([1, 2]),
        dq = ?VecDeque::from([1, 2]),
        "{:?} {:?}", hash, tree,
    );
    let records = scene.finish();
    let fields = &records[0]["fields"];
    assert_eq!(fields["hash"], json!({"a": 1}));
    assert_eq!(fields["q"], json!({"a": 1}));
    assert_eq!(fields["tree"], json!({"(1, 'x')": [1, 2]}));
    assert_eq!(fields["by_number"], json!({"1": 1.5, "None": null}));
    assert_eq!(fields["deque"], json!([1, 2]));
    assert_eq!(fields["dq"], json!([1, 2]));
    assert_eq!(stenolog_tests::message(&records[0]), format!("{hash:?} {tree:?}"));
}

#[derive(Debug)]
struct Foreign {
    ticks: u64,
    name: String,
}

impl AsRecord for Foreign {
    type As<'a> = (u64, &'a str);

    fn as_record(&self) -> Self::As<'_> {
        (self.ticks * 2, &self.name)
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.ticks, self.name)
    }
}

fn foreign(ticks: u64) -> Foreign {
    Foreign { ticks, name: "x".into() }
}

#[test]
fn a_type_says_itself_what_is_recorded_of_it() {
    #[derive(Debug, Record)]
    struct Order<'a, T> {
        id: u8,
        one: Foreign,
        maybe: Option<Foreign>,
        many: Vec<Foreign>,
        pair: (u8, &'a Foreign),
        two: [Foreign; 2],
        map: BTreeMap<u8, Foreign>,
        boxed: Box<[Foreign]>,
        rest: T,
        plain: Option<&'a str>,
    }
    #[derive(Debug, Record)]
    enum Side {
        Unit,
        Unnamed(Foreign, u8),
        Named { it: Foreign },
    }
    let mut scene = Scene::new();
    let order = Order {
        id: 1,
        one: foreign(1),
        maybe: None,
        many: vec![foreign(2)],
        pair: (3, &foreign(3)),
        two: [foreign(4), foreign(5)],
        map: [(6, foreign(6))].into(),
        boxed: Box::new([]),
        rest: Some(foreign(7)),
        plain: Some("p"),
    };
    let (one, list) = (foreign(1), vec![foreign(2)]);
    info!(
        one,
        list,
        some = Some(&one),
        nested = (1, [Some(foreign(3)), None]),
        order,
        sides = [Side::Unit, Side::Unnamed(foreign(1), 2), Side::Named { it: foreign(3) }],
        question = ?one,
        percent = %one,
        "{one} {:?} {:?}", one, list,
    );
    let records = scene.finish();
    let fields = &records[0]["fields"];
    assert_eq!(fields["one"], json!([2, "x"]));
    assert_eq!(fields["list"], json!([[4, "x"]]));
    assert_eq!(fields["some"], json!([2, "x"]));
    assert_eq!(fields["nested"], json!([1, [[6, "x"], null]]));
    assert_eq!(
        fields["order"],
        json!({
            "id": 1,
            "one": [2, "x"],
            "maybe": null,
            "many": [[4, "x"]],
            "pair": [3, [6, "x"]],
            "two": [[8, "x"], [10, "x"]],
            "map": {"6": [12, "x"]},
            "boxed": [],
            "rest": [14, "x"],
            "plain": "p",
        })
    );
    assert_eq!(
        fields["sides"],
        json!(["Unit", {"Unnamed": [[2, "x"], 2]}, {"Named": {"it": [6, "x"]}}])
    );
    assert_eq!(fields["question"], format!("{one:?}"));
    assert_eq!(fields["percent"], "1 of x");
    // Messages are what `format!` writes.
    assert_eq!(stenolog_tests::message(&records[0]), format!("{one} {one:?} {list:?}"));
}

#[test]
fn fields_are_formatted_as_their_attributes_say() {
    fn length(text: &str) -> usize {
        text.len()
    }
    fn first(text: &str) -> &str {
        &text[..1]
    }
    #[derive(Debug, Record)]
    struct Packet<'a, T> {
        #[record(display)]
        shown: Foreign,
        #[record(debug, rename = "debugged")]
        opaque: Option<PathBuf>,
        #[record(hex)]
        flags: u16,
        #[record(hex)]
        mac: [u8; 3],
        #[record(ascii)]
        body: &'a [u8],
        #[record(with = length)]
        name: String,
        #[record(with = first, rename = "initial")]
        other: String,
        #[record(display)]
        generic: T,
        #[record(redact)]
        _secret: T,
        plain: u8,
    }
    #[derive(Record)]
    enum Either {
        Text(#[record(display)] Foreign, u8),
        Named {
            #[record(redact)]
            _secret: Foreign,
            #[record(debug)]
            it: PathBuf,
        },
    }
    let mut scene = Scene::new();
    let packet = Packet {
        shown: foreign(1),
        opaque: Some(PathBuf::from("/x")),
        flags: 0xab,
        mac: [1, 0xfe, 3],
        body: b"a\n\xff",
        name: "name".into(),
        other: "other".into(),
        generic: 'g',
        _secret: 's',
        plain: 7,
    };
    let either = [
        Either::Text(foreign(2), 3),
        Either::Named { _secret: foreign(3), it: PathBuf::from("/y") },
    ];
    info!(packet, either = either.as_slice(), "{:?} {:?}", packet, Some(&packet));
    let records = scene.finish();
    let fields = &records[0]["fields"];
    assert_eq!(
        fields["packet"],
        json!({
            "shown": "1 of x",
            "debugged": "Some(\"/x\")",
            "flags": "0xab",
            "mac": "01fe03",
            "body": "a\\n\\xff",
            "name": 4,
            "initial": "o",
            "generic": "g",
            "_secret": "[redacted]",
            "plain": 7,
        })
    );
    assert_eq!(
        fields["either"],
        json!([{"Text": ["2 of x", 3]}, {"Named": {"_secret": "[redacted]", "it": "\"/y\""}}])
    );
    // By `{:?}` too a record shows what is recorded of it, and no more.
    let shown = "Packet { shown: 1 of x, debugged: Some(\"/x\"), flags: 0xab, mac: 01fe03, \
                 body: a\\n\\xff, name: 4, initial: \"o\", generic: g, _secret: [redacted], plain: 7 }";
    assert_eq!(stenolog_tests::message(&records[0]), format!("{shown} Some({shown})"));
}

#[test]
fn a_type_that_panics_leaves_no_record_and_no_harm() {
    struct Panics;
    impl AsRecord for Panics {
        type As<'a> = u8;

        fn as_record(&self) -> u8 {
            panic!("in as_record")
        }
    }
    struct Logs;
    impl AsRecord for Logs {
        type As<'a> = u8;

        fn as_record(&self) -> u8 {
            info!("within");
            1
        }
    }
    let mut scene = Scene::new();
    assert!(std::panic::catch_unwind(|| info!(panics = vec![Panics], "never")).is_err());
    info!(logs = [Logs, Logs], "logged");
    assert_eq!(scene.messages(), ["within", "within", "logged"]);
}

#[test]
fn what_no_reader_takes_is_a_text_or_counted() {
    macro_rules! deep {
        ($value:expr;) => { $value };
        ($value:expr; $_:tt $($rest:tt)*) => {
            deep!(Some(Some(Some(Some(Some(Some(Some(Some($value)))))))); $($rest)*)
        };
    }
    let scene = Scene::new();
    info!("{:?}", [(); 65_000]);
    info!("{:?} {}", [(); 70_000], 1);
    info!(deep = deep!(1_u8; 1 2 3 4 5 6 7 8), after = 2, "{:?}", [[(); 4096]; 17]);
    info!("{:?}", vec![vec![(); 4096]; 15]);
    info!("{:?}", vec![vec![(); 4096]; 17]);
    info!("after");
    scene.logger().flush().unwrap();
    assert_eq!(scene.logger().stats().lost, 1);
    let (records, summary) = stenolog_tests::read(scene.path());
    assert!(summary.damage.is_empty(), "{summary:?}");
    let many = "<not recorded: too many elements without bytes>";
    assert_eq!(stenolog_tests::message(&records[0]), format!("{:?}", [(); 65_000]));
    assert_eq!(stenolog_tests::message(&records[1]), format!("{many} 1"));
    assert_eq!(stenolog_tests::message(&records[2]), many);
    assert_eq!(records[2]["fields"]["deep"], "<not recorded: a type nested deeper than 64 levels>");
    assert_eq!(records[2]["fields"]["after"], 2);
    assert_eq!(stenolog_tests::message(&records[3]), format!("{:?}", vec![vec![(); 4096]; 15]));
    assert_eq!(records[4]["fields"]["cause"], "too_large", "{}", records[4]);
    assert_eq!(stenolog_tests::message(&records[5]), "after");
}
