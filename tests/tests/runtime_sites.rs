//! A call site that is described at run time logs as one that a macro made.

use std::sync::Barrier;
use std::thread;

use stenolog::{Builder, DynamicSite, Level};

fn describe() -> DynamicSite {
    let (message, names) = (Some("got {what}"), ["what", "peer"]);
    DynamicSite::new(Level::Info, "plugin", "plugin::net", "net.py", 12, message, &names)
}

/// In a process of its own, because it has a global logger.
#[test]
fn threads_log_values_of_changing_types_to_the_global_logger() {
    const THREADS: usize = 4;
    const RECORDS: u16 = 500;

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.steno");
    let site = describe();
    // It is dropped: no logger runs.
    site.log(&[0_u16.into(), "early".into()]);
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
                    let site = describe();
                    let (peer, text) = (format!("thread {t}"), n.to_string());
                    let what = match n % 3 {
                        0 => u64::from(n).into(),
                        1 => i64::from(n).into(),
                        _ => (&text).into(),
                    };
                    site.log(&[what, (&peer).into()]);
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
