use std::ops::ControlFlow;
use std::path::Path;

use stenolog_decoder::{Decoder, Dump, Entry};
use stenolog_format::dictionary::{Level, Role};
use stenolog_format::types::{Fields, Shape, Type};

use super::RuntimeSite;
use crate::call::time::{Now, at};
use crate::registry::runtime::{SiteDescription, SiteRefused};
use crate::{Builder, Logger};

const SITE: SiteDescription<'_> = SiteDescription {
    level: Level::Info,
    target: "script",
    module: "game::ai",
    file: "ai.lua",
    line: 7,
    template: Some("{0} attacks"),
    slots: &[("unit", Role::Argument), ("damage", Role::Field)],
};

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat()
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
    let site = RuntimeSite::new(&SITE).unwrap();
    let orc = text("orc");
    // One list of types, then another, then the first again.
    for damage in [3_u8, 4] {
        site.log(Now, &[Type::Str, Type::U8], &[&orc[..], &[damage]].concat()).unwrap();
    }
    let point = Fields {
        name: "Damage".to_owned(),
        shape: Shape::Struct,
        fields: vec![("fire".to_owned(), Type::Bool)],
    };
    site.log(Now, &[Type::Str, Type::Struct(point)], &[&orc[..], &[1]].concat()).unwrap();
    site.log(at(1_700_000_000_000_000_000_u64), &[Type::Str, Type::U8], &[&orc[..], &[5]].concat())
        .unwrap();
    // The same description is the same call site.
    let template = "{0} attacks".to_owned();
    let again = SiteDescription { template: Some(&template), ..SITE };
    let again = RuntimeSite::new(&again).unwrap();
    assert!(std::ptr::eq(site.site, again.site));
    again.log(Now, &[Type::Str, Type::U8], &[&text("elf")[..], &[6]].concat()).unwrap();
    drop(scope);
    log.close().unwrap();
    let lines = read(folder.path());
    let expected = [
        "orc attacks | unit=Str(\"orc\") damage=U8(3)",
        "orc attacks | unit=Str(\"orc\") damage=U8(4)",
        "orc attacks | unit=Str(\"orc\") damage=Struct",
        "orc attacks | unit=Str(\"orc\") damage=U8(5)",
        "elf attacks | unit=Str(\"elf\") damage=U8(6)",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("INFO script ai.lua:7 {expected}")), "{lines:#?}");
    }
    assert!(lines[2].contains("fire"), "{lines:#?}");
}

#[test]
fn filters_apply_and_can_change() {
    let folder = tempfile::tempdir().unwrap();
    let log = start(folder.path());
    let scope = log.enter();
    let description = SiteDescription { line: 8, slots: &[], template: Some("tick"), ..SITE };
    let site = RuntimeSite::new(&description).unwrap();
    log.set_filter("script=warn").unwrap();
    assert!(!site.is_enabled());
    site.log(Now, &[], &[]).unwrap();
    log.set_filter("script=info").unwrap();
    assert!(site.is_enabled());
    site.log(Now, &[], &[]).unwrap();
    drop(scope);
    log.close().unwrap();
    assert_eq!(read(folder.path()), ["INFO script ai.lua:8 tick | "]);
}

#[test]
fn a_handle_that_is_dropped_and_made_again_leaves_one_entry() {
    let folder = tempfile::tempdir().unwrap();
    let log = start(folder.path());
    let scope = log.enter();
    for n in 0..5_000_u32 {
        let template = format!("{} of {{0}}", "step");
        let description = SiteDescription {
            line: 9,
            template: Some(&template),
            slots: &[("n", Role::Argument)],
            ..SITE
        };
        let site = RuntimeSite::new(&description).unwrap();
        site.log(Now, &[Type::U32], &n.to_le_bytes()).unwrap();
    }
    drop(scope);
    log.close().unwrap();
    let dump = Dump::open(folder.path().join("app.steno")).unwrap();
    assert_eq!(dump.sites().count(), 1);
    assert_eq!(read(folder.path()).len(), 5_000);
}

#[test]
fn a_record_that_does_not_fit_its_call_site_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let log = start(folder.path());
    let scope = log.enter();
    let site = RuntimeSite::new(&SiteDescription { line: 10, ..SITE }).unwrap();
    let refused = site.log(Now, &[Type::U8], &[1]);
    assert_eq!(refused, Err(SiteRefused::Count { slots: 2, values: 1 }));
    drop(scope);
    log.close().unwrap();
    assert!(read(folder.path()).is_empty());
}

#[test]
fn a_signal_handler_logs_what_is_known_and_waits_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = start(folder.path());
    let scope = log.enter();
    let site = RuntimeSite::new(&SiteDescription { line: 11, slots: &[], ..SITE }).unwrap();
    let before = log.stats().unheard;
    crate::in_signal_handler(|| site.log(Now, &[], &[])).unwrap();
    assert!(log.stats().unheard > before, "it had to be registered first");
    drop(scope);
    log.close().unwrap();
}
