use std::ops::ControlFlow;
use std::path::Path;

use stenolog_decoder::{Decoder, Dump, Entry};

use super::{DynamicSite, DynamicValue};
use crate::{Builder, Level, Logger};

fn site() -> DynamicSite {
    let names = ["unit", "damage"];
    let message = Some("{unit} attacks");
    DynamicSite::new(Level::Info, "script", "game::ai", "ai.lua", 7, message, &names)
}

fn start(folder: &Path) -> Logger {
    Builder::new(folder.join("app.steno")).filter("trace").start_detached().unwrap()
}

/// The records of a sealed dump: where they come from, and their messages and fields.
fn read(folder: &Path) -> Vec<String> {
    let dumps = [Dump::open(folder.join("app.steno")).unwrap()];
    let mut lines = Vec::new();
    let mut decoder = Decoder::new(&dumps);
    let _ = decoder.for_each(|entry| {
        let Entry::Record(record) = entry else { panic!("{entry:?}") };
        let mut message = String::new();
        record.write_message(&mut message);
        let site = record.call_site();
        let fields: Vec<_> = (record.values().iter().zip(&site.slots))
            .map(|(value, slot)| format!("{}={value:?}", slot.name))
            .collect();
        let (level, target, file, line) = (site.level, &site.target, &site.file, site.line);
        lines.push(format!("{level} {target} {file}:{line} {message} | {}", fields.join(" ")));
        ControlFlow::Continue(())
    });
    assert!(decoder.summary().damage.is_empty());
    lines
}

#[test]
fn what_is_described_at_run_time_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let log = start(folder.path());
    let scope = log.enter();
    let site = site();
    // One list of types, then another, then the first again.
    for damage in [3_u8, 4] {
        site.log(&["orc".into(), damage.into()]);
        site.log_at(5_u64, &['o'.into(), (-0.5).into()]);
    }
    site.log(&["orc".into(), None::<u8>.into()]);
    drop(scope);
    log.close().unwrap();
    let place = "INFO script ai.lua:7";
    let mut expected = [
        format!("{place} o attacks | unit=Char('o') damage=F64(-0.5)"),
        format!("{place} o attacks | unit=Char('o') damage=F64(-0.5)"),
        format!("{place} orc attacks | unit=Str(\"orc\") damage=U64(3)"),
        format!("{place} orc attacks | unit=Str(\"orc\") damage=U64(4)"),
    ];
    expected.sort();
    let mut lines = read(folder.path());
    let last = lines.pop().unwrap();
    lines.sort();
    assert_eq!(lines, expected);
    assert!(last.contains("orc attacks"), "{last}");
}

#[test]
fn call_sites_follow_the_filter() {
    let folder = tempfile::tempdir().unwrap();
    let log = start(folder.path());
    let scope = log.enter();
    let site = DynamicSite::new(Level::Debug, "script", "m", "f", 0, None, &["n"]);
    assert!(site.is_enabled());
    log.set_filter("script=info").unwrap();
    assert!(!site.is_enabled());
    site.log(&[1_u8.into()]);
    log.set_filter("script=debug").unwrap();
    site.log(&[2_u8.into()]);
    drop(scope);
    log.close().unwrap();
    assert_eq!(read(folder.path()), ["DEBUG script f:0  | n=U64(2)"]);
}

#[test]
fn values_of_every_kind_are_shown_as_the_standard_library_shows_them() {
    let folder = tempfile::tempdir().unwrap();
    let log = start(folder.path());
    let scope = log.enter();
    let error = std::io::Error::other("disk");
    let long = "x".repeat(100_000);
    let values: Vec<DynamicValue<'_>> = vec![
        true.into(),
        i128::MIN.into(),
        u128::MAX.into(),
        1.5_f32.into(),
        'ß'.into(),
        (&long).into(),
        DynamicValue::Bytes(&[1, 2]),
        DynamicValue::Display(&"d"),
        DynamicValue::Debug(&"d"),
        DynamicValue::Error(&error),
        u64::MAX.into(),
        i64::MIN.into(),
    ];
    let message = "{} {} {} {} {} {} {:?} {} {} {} {:>21} {}";
    let site = DynamicSite::new(Level::Warn, "t", "", "", 0, Some(message), &[]);
    site.log(&values);
    drop(scope);
    log.close().unwrap();
    let expected = format!(
        "true {} {} 1.5 ß {long} [1, 2] d \"d\" disk {:>21} {} |",
        i128::MIN,
        u128::MAX,
        u64::MAX,
        i64::MIN
    );
    let lines = read(folder.path());
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(&expected), "{}", lines[0]);
}

#[test]
fn a_formatter_may_log_at_the_same_call_site() {
    struct Logs<'a>(&'a DynamicSite);

    impl std::fmt::Display for Logs<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.log(&["inner".into()]);
            f.write_str("outer")
        }
    }

    let folder = tempfile::tempdir().unwrap();
    let log = start(folder.path());
    let scope = log.enter();
    let site = DynamicSite::new(Level::Info, "t", "", "", 0, Some("{}"), &[]);
    site.log(&[DynamicValue::Display(&Logs(&site))]);
    drop(scope);
    log.close().unwrap();
    let messages: Vec<_> = read(folder.path());
    assert!(messages[0].contains(" inner |") && messages[1].contains(" outer |"), "{messages:?}");
}

/// In this process a call site with too many shapes, not too many call sites: others need theirs.
#[test]
fn records_beyond_a_limit_are_kept_as_text_and_the_operator_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (send, told) = std::sync::mpsc::channel();
    let log = Builder::new(folder.path().join("app.steno"))
        .on_event(move |event| _ = send.send(event.to_string()))
        .start_detached()
        .unwrap();
    let scope = log.enter();
    let site = DynamicSite::new(Level::Warn, "many", "m", "f.py", 3, Some("many"), &["first"]);
    for n in 0..100 {
        let values: Vec<DynamicValue<'_>> = (0..n).map(DynamicValue::from).collect();
        site.log(&values);
    }
    drop(scope);
    log.close().unwrap();
    let lines = read(folder.path());
    assert_eq!(lines.len(), 100);
    let text = "WARN many :0 many 0 1 2 3";
    assert!(lines[99].starts_with(text) && lines[99].contains("97 first=98"), "{}", lines[99]);
    assert!(lines[10].starts_with("WARN many f.py:3 many | 0=I64(0)"), "{}", lines[10]);
    let told: Vec<String> = told.try_iter().collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("exceed their limits"), "{told:?}");
}
