//! Loggers and threads come and go, and calls without a logger do no harm.

use std::path::Path;
use std::process::Command;

use stenolog::{Builder, Existing, StartError, info};
use stenolog_tests::{LogFixture, message, messages, read, scenario};

#[test]
fn a_second_global_logger_is_refused_and_one_after_the_other_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first.steno", "second.steno"].map(|name| folder.path().join(name));
    let reports = scenario!("lifecycle/restart", &first, &second).run();
    assert_eq!(reports.len(), 2);
    for report in &reports {
        assert!(report.contains("cannot start a second global logger"), "{report}");
    }
    assert_eq!(messages(&first), ["main in round 0", "thread in round 0"]);
    assert_eq!(messages(&second), ["main in round 1", "thread in round 1"]);
}

#[test]
fn calls_without_a_logger_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = scenario!("lifecycle/unheard", &path).run();
    assert_eq!(reports[0], "3");
    assert!(reports[1].contains("no logger is running"), "{}", reports[1]);
    assert_eq!(reports[2], "5");
    assert_eq!(messages(&path), ["called"]);
}

#[test]
fn destructors_of_thread_locals_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = scenario!("lifecycle/destructors", &path).run();
    let (records, summary) = read(&path);
    assert!(summary.is_complete(), "{summary:?}");
    let mut found: Vec<_> = records.iter().map(message).collect();
    found.sort_unstable();
    assert_eq!(
        found,
        ["alive", "destructor registered after the ring", "destructor registered before the ring",]
    );
    assert_eq!(reports, ["0"]);
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_program_and_a_library_that_it_loads_have_loggers_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let built = Path::new(env!("CARGO_BIN_EXE_child")).with_file_name("deps");
    let reports =
        scenario!("lifecycle/plugin", &path, &built.join("libstenolog_tests_plugin.so")).run();
    assert_eq!(reports, ["1", "0"], "the program's path is refused, another one is not");
    for (who, path) in [("program", &path), ("plugin", &path.with_extension("plugin.steno"))] {
        let expected: Vec<_> = (0..10_000).map(|n| format!("{who} {n}")).collect();
        assert_eq!(messages(path), expected);
    }
}

#[test]
fn an_allocator_that_logs_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    scenario!("lifecycle/allocator", &path).run();
    let beside = messages(&path.with_extension("beside.steno"));
    let records = beside.iter().filter(|message| message.starts_with("beside")).count();
    assert_eq!(records, 1000);
    assert!(read(&path).1.damage.is_empty());
}

#[test]
fn every_call_around_a_start_or_an_end_is_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let report = scenario!("lifecycle/account", &path).run();
    let (calls, without_dump) = report[0].split_once(' ').unwrap();
    let mut recorded = 0;
    for round in 0..50 {
        let (records, summary) = read(&path.with_extension(format!("{round}.steno")));
        assert!(summary.is_complete(), "{summary:?}");
        recorded += records.len();
    }
    let without_dump: usize = without_dump.parse().unwrap();
    assert_eq!(recorded + without_dump, calls.parse::<usize>().unwrap());
}

#[test]
fn scopes_may_be_opened_in_destructors_of_thread_locals() {
    struct Enters(std::cell::RefCell<Option<std::sync::Arc<stenolog::Logger>>>);
    impl Drop for Enters {
        fn drop(&mut self) {
            let logger = self.0.take().unwrap();
            let _scope = logger.enter();
            info!("from a destructor");
        }
    }
    thread_local! {
        static ENTERS: Enters = const { Enters(std::cell::RefCell::new(None)) };
    }
    let folder = tempfile::tempdir().unwrap();
    let logger = Builder::new(folder.path().join("app.steno")).start_detached().unwrap();
    let logger = std::sync::Arc::new(logger);
    let in_thread = std::sync::Arc::clone(&logger);
    let thread = std::thread::spawn(move || {
        ENTERS.with(|enters| *enters.0.borrow_mut() = Some(in_thread));
        info!("a ring is registered after the destructor");
    });
    thread.join().unwrap();
}

#[test]
fn extreme_durations_are_taken() {
    let forever = std::time::Duration::MAX;
    let mut fixture = LogFixture::with(|builder| {
        builder.ring_capacity_bytes(1 << 12).block_timeout(forever).deliver_within(forever)
    });
    for n in 0..1000 {
        stenolog::error!("record {n}");
    }
    for _ in 0..200 {
        fixture.logger().flush().unwrap();
    }
    assert_eq!(fixture.messages().len(), 1000);
}

#[cfg(unix)]
#[test]
fn pipes_are_refused_rather_than_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let status = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(status.success());
    let error = Builder::new(&path).start_detached().unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
}

#[test]
fn threads_by_the_thousand_reuse_rings() {
    let mut fixture = LogFixture::new();
    for batch in 0..100_u32 {
        std::thread::scope(|scope| {
            for n in 0..10_u32 {
                let logger = fixture.logger();
                scope.spawn(move || {
                    let _scope = logger.enter();
                    info!("thread {}", batch * 10 + n);
                });
            }
        });
    }
    let mut found = fixture.messages();
    let mut expected: Vec<_> = (0..1000).map(|n| format!("thread {n}")).collect();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[cfg(unix)]
#[test]
fn explanations_of_threads_that_have_gone_do_not_pile_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("churn.steno");
    let log = Builder::new(&path).rings_in(folder.path()).start_detached().unwrap();
    let meta = log.ring_dir().unwrap().join("meta.steno");
    let mut lengths = Vec::new();
    for round in 0..20 {
        for n in 0..20 {
            let _ = std::thread::scope(|scope| {
                let thread = std::thread::Builder::new().name(format!("{}", 1000 * round + n));
                let call = || {
                    let _scope = log.enter();
                    info!("{n}");
                };
                thread.spawn_scoped(scope, call).unwrap().join()
            });
        }
        // The rings are empty and have no owner.
        log.flush().unwrap();
        lengths.push(std::fs::metadata(&meta).unwrap().len());
    }
    assert!(lengths[19] < lengths[0] + 20 * 64, "{lengths:?}");
    log.close().unwrap();
    let (records, _) = read(&path);
    let names: std::collections::BTreeSet<_> =
        records.iter().map(|r| r["thread"].to_string()).collect();
    assert_eq!((records.len(), names.len()), (400, 400));
}

#[test]
fn scopes_nest_and_end() {
    let mut outer = LogFixture::new();
    let mut inner = LogFixture::new();
    info!("inner");
    let scope = outer.logger().enter();
    info!("outer");
    drop(scope);
    info!("inner again");
    assert_eq!(inner.messages(), ["inner", "inner again"]);
    info!("outer again");
    assert_eq!(outer.messages(), ["outer", "outer again"]);
}

#[test]
fn an_earlier_dump_is_kept_unless_it_is_to_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let run = |existing, text: &str| {
        let log = Builder::new(&path).existing(existing).start_detached().unwrap();
        let scope = log.enter();
        info!("{text}");
        drop(scope);
        log.close().unwrap();
    };
    run(Existing::Keep, "first");
    run(Existing::Keep, "second");
    run(Existing::Keep, "third");
    run(Existing::Replace, "fourth");
    assert_eq!(messages(&folder.path().join("app.1.steno")), ["first"]);
    assert_eq!(messages(&folder.path().join("app.2.steno")), ["second"]);
    assert_eq!(messages(&path), ["fourth"]);
}

#[test]
fn paths_that_cannot_be_written_are_named() {
    #[track_caller]
    fn check(path: &Path, expected: &str) {
        let error = Builder::new(path).start_detached().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains(&path.display().to_string()), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    check(&folder.path().join("{apps}.steno"), "unknown placeholder `{apps}`");
    check(folder.path(), "directory");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "do not lose me").unwrap();
    check(&text, "not a stenolog dump");
    check(&text.join("app.steno"), "cannot create the folder");
    assert_eq!(std::fs::read_to_string(&text).unwrap(), "do not lose me");
}

#[cfg(unix)]
#[test]
fn two_loggers_never_share_a_file() {
    let fixture = LogFixture::new();
    let error = Builder::new(fixture.path()).start_detached().unwrap_err();
    assert!(matches!(error, StartError::Busy { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn dumps_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode =
        |fixture: &LogFixture| std::fs::metadata(fixture.path()).unwrap().permissions().mode();
    assert_eq!(mode(&LogFixture::new()) & 0o777, 0o600);
    assert_eq!(mode(&LogFixture::with(|builder| builder.mode(0o640))) & 0o777, 0o640);
}

#[test]
fn a_filter_that_is_none_is_an_error_of_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let error = Builder::new(&path).filter("app=loud").start_detached().unwrap_err().to_string();
    assert!(error.contains("app=loud"), "{error}");
    assert!(!path.exists(), "nothing is created for a logger that cannot start");
}
