//! A call site that is described at run time logs as one that a macro made.

use std::sync::Barrier;
use std::thread;

use stenolog::__private::runtime::{RuntimeSite, SiteDescription};
use stenolog::__private::{Now, Role, Type};
use stenolog::{Builder, Level};

const SITE: SiteDescription<'_> = SiteDescription {
    level: Level::Info,
    target: "plugin",
    module: "plugin::net",
    file: "net.py",
    line: 12,
    template: Some("got {0}"),
    slots: &[("what", Role::Argument), ("peer", Role::Field)],
};

fn text(text: &str) -> Vec<u8> {
    let len = u32::try_from(text.len()).expect("a short text");
    [&len.to_le_bytes(), text.as_bytes()].concat()
}

/// In a process of its own, because it has a global logger.
#[test]
fn threads_log_values_of_changing_types_to_the_global_logger() {
    const THREADS: usize = 4;
    const RECORDS: u16 = 500;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.steno");
    let site = RuntimeSite::new(&SITE).expect("one call site is not too many");
    site.log(Now, &[Type::U16, Type::Str], &[&0_u16.to_le_bytes()[..], &text("early")].concat())
        .expect("it is dropped without an error: no logger runs");
    assert_eq!(stenolog::stats().unheard, 1);

    let log = Builder::new(&path).filter("info").start().expect("the logger starts");
    let barrier = Barrier::new(THREADS);
    thread::scope(|scope| {
        for t in 0..THREADS {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                for n in 0..RECORDS {
                    // Described again each time, as by a caller that keeps nothing.
                    let site = RuntimeSite::new(&SITE).expect("it is known");
                    let peer = text(&format!("thread {t}"));
                    let (ty, what) = match n % 3 {
                        0 => (Type::U16, n.to_le_bytes().to_vec()),
                        1 => (Type::I64, i64::from(n).to_le_bytes().to_vec()),
                        _ => (Type::Str, text(&n.to_string())),
                    };
                    site.log(Now, &[ty, Type::Str], &[what, peer].concat()).expect("three lists");
                    stenolog::debug!("not wanted");
                }
            });
        }
    });
    assert_eq!(log.stats().call_sites, 3, "one entry for each list of types");
    log.close().expect("the dump is sealed");

    let (records, summary) = stenolog_tests::read(&path);
    assert!(summary.is_complete(), "{summary:?}");
    for t in 0..THREADS {
        let name = format!("thread {t}");
        let of_thread: Vec<_> =
            records.iter().filter(|record| record["fields"]["peer"] == *name).collect();
        assert_eq!(of_thread.len(), usize::from(RECORDS));
        for (n, record) in of_thread.iter().enumerate() {
            assert_eq!(record["message"], format!("got {n}"));
            assert_eq!(record["target"], "plugin");
            assert_eq!(record["level"], "INFO");
            assert_eq!(record["line"], 12);
        }
    }
}
