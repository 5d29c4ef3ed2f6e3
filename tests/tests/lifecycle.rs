//! Loggers come and go, threads come and go, and calls that nobody hears do no harm.

use std::path::Path;
use std::process::Command;

use stenolog::{Builder, Existing, StartError, info};
use stenolog_tests::{Scene, message, read};

/// Runs a scene of the child, and returns what it reported.
#[track_caller]
fn child(scene: &str, arguments: &[&Path]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_child"));
    command.env_remove("STENOLOG").env_remove("RUST_LOG").arg(scene).args(arguments);
    let output = command.output().expect("the child starts");
    assert!(output.status.success(), "{scene}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[track_caller]
fn messages(path: &Path) -> Vec<String> {
    let (records, summary) = read(path);
    assert!(summary.is_complete(), "{summary:?}");
    records.iter().map(|record| message(record).to_owned()).collect()
}

#[test]
fn a_second_global_logger_is_refused_and_one_after_the_other_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first.steno", "second.steno"].map(|name| folder.path().join(name));
    let reports = child("restart", &[&first, &second]);
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
    let reports = child("unheard", &[&path]);
    assert_eq!(reports[0], "3");
    assert!(reports[1].contains("no logger runs"), "{}", reports[1]);
    assert_eq!(reports[2], "5");
    assert_eq!(messages(&path), ["called"]);
}

#[test]
fn destructors_of_thread_locals_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = child("destructors", &[&path]);
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

#[cfg(unix)]
#[test]
fn a_forked_child_is_silent_and_never_waits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = child("fork", &[&path]);
    assert_eq!(reports[0], "100000");
    for report in &reports[1..] {
        assert!(report.contains("forked child"), "{report}");
    }
    assert_eq!(messages(&path), ["before the fork", "after the fork, child ended with 0"]);
    assert_eq!(messages(&folder.path().join("app.child.steno")), ["the child's own"]);
}

#[cfg(unix)]
#[test]
fn a_forked_child_gets_a_dump_of_its_own_if_asked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = child("fork-own", &[&path]);
    let of_parent = messages(&path);
    assert_eq!(of_parent.len(), 1002);
    assert_eq!(of_parent[0], "before the fork");
    assert!(of_parent[1..1001].iter().all(|message| message.starts_with("parent ")));
    let of_child = messages(&folder.path().join(format!("app.{}.steno", reports[0])));
    let expected: Vec<_> = (0..1000).map(|n| format!("child {n}")).collect();
    assert_eq!(of_child, expected);
    // And so does the child's child.
    let name = format!("app.{}.{}.steno", reports[0], reports[1]);
    assert_eq!(messages(&folder.path().join(name)), ["grandchild"]);
}

#[cfg(unix)]
#[test]
fn a_child_that_lives_on_does_not_make_its_killed_parent_seem_alive() {
    use std::io::BufRead;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let mut parent = Command::new(env!("CARGO_BIN_EXE_child"))
        .arg("orphan")
        .arg(&path)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Both, as a child that has not run yet has all that its parent had.
    let reports = std::io::BufReader::new(parent.stdout.take().unwrap());
    let mut reports: Vec<_> = reports.lines().take(2).map(Result::unwrap).collect();
    reports.sort();
    assert_eq!(reports, ["child", "parent"]);
    // The child waits until this is dropped.
    let orphan = parent.stdin.take();
    parent.wait().unwrap();
    let dump = stenolog_decoder::Dump::open(&path).unwrap();
    assert_eq!(dump.writer_is_alive(), Some(false));
    drop(orphan);
}

#[cfg(unix)]
#[test]
fn handlers_log_between_the_calls_of_their_thread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = child("signals", &[&path]);
    let [logged, handled, unheard] = [0, 1, 2].map(|at: usize| reports[at].parse::<u64>().unwrap());
    let messages = messages(&path);
    let of = |who: &str| {
        let numbers = messages.iter().filter_map(|message| message.strip_prefix(who));
        numbers.map(|number| number.parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of("thread "), (0..logged).collect::<Vec<_>>());
    let mut heard = of("handler ");
    assert_eq!(heard.remove(0), u64::MAX);
    assert!(heard.is_sorted_by(|a, b| a < b));
    assert_eq!(heard.len() as u64 + unheard, handled, "each call is in the dump or counted");
}

#[cfg(unix)]
#[test]
fn a_handler_may_be_the_first_to_log_to_a_new_logger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let mut most = 0;
    for (round, report) in child("replaced", &[&path]).iter().enumerate() {
        let (calls, _) = report.split_once(' ').unwrap();
        let calls: usize = calls.parse().unwrap();
        let messages = messages(&path.with_extension(format!("{}.steno", 2 * round + 1)));
        let heard = messages.iter().filter(|message| message.starts_with("call")).count();
        // The call that was stopped goes to the one or the other.
        assert!(heard + 1 >= calls && heard <= calls, "{heard} of {calls} calls");
        most = most.max(calls);
    }
    assert!(most > 100, "the signals came too late");
}

#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_program_and_a_library_that_it_loads_have_loggers_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let built = Path::new(env!("CARGO_BIN_EXE_child")).with_file_name("deps");
    let reports = child("plugin", &[&path, &built.join("libstenolog_tests_plugin.so")]);
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
    child("allocator", &[&path]);
    let beside = messages(&path.with_extension("beside.steno"));
    let records = beside.iter().filter(|message| message.starts_with("beside")).count();
    assert_eq!(records, 1000);
    assert!(read(&path).1.damage.is_empty());
}

#[test]
fn every_call_around_a_start_or_an_end_is_accounted_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let report = child("account", &[&path]);
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
    let mut scene = Scene::with(|builder| {
        builder.ring_capacity_bytes(1 << 12).block_timeout(forever).deliver_within(forever)
    });
    for n in 0..1000 {
        stenolog::error!("record {n}");
    }
    for _ in 0..200 {
        scene.logger().flush().unwrap();
    }
    assert_eq!(scene.messages().len(), 1000);
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
    let mut scene = Scene::new();
    for batch in 0..100_u32 {
        std::thread::scope(|scope| {
            for n in 0..10_u32 {
                let logger = scene.logger();
                scope.spawn(move || {
                    let _scope = logger.enter();
                    info!("thread {}", batch * 10 + n);
                });
            }
        });
    }
    let mut found = scene.messages();
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
        // The rings are empty, and nobody's.
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

#[cfg(target_os = "linux")]
#[test]
fn a_child_that_no_handler_has_seen_is_silent() {
    for how in ["main", "thread"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clone.steno");
        child("clone", &[&path, Path::new(how)]);
        let before = (0..4).map(|n| format!("parent before {n}"));
        let after = (0..4).map(|n| format!("parent after {n}"));
        let end = ["child", "other"].map(|who| format!("the {who} ended with 0"));
        assert_eq!(messages(&path), before.chain(after).chain(end).collect::<Vec<_>>(), "{how}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{how}: no other dump");
    }
}

#[cfg(unix)]
#[test]
fn a_logger_in_a_static_is_sealed_when_the_process_ends() {
    let all = ["thread", "main", "thread-local"];
    let handlers = ["registered after the start", "registered before the start"];
    for how in ["return", "exit", "child"] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kept.steno");
        let lines = child("kept", &[&path, Path::new(how)]);
        let mut expected = all[..2].to_vec();
        if how == "child" {
            expected.push("the child ended with 0");
        }
        // Destructors of thread-locals and handlers of `atexit` are heard, whenever they were made known.
        expected.extend(
            [all[2]].iter().chain(handlers.iter().take(if cfg!(target_os = "linux") {
                2
            } else {
                1
            })),
        );
        assert_eq!(messages(&path), expected, "{how}");
        assert!(!Path::new(&lines[0]).exists(), "{how}: the rings are gone");
    }
    // Who ends the process so leaves the rings, which have everything.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kept.steno");
    let lines = child("kept", &[&path, Path::new("_exit")]);
    assert!(Path::new(&lines[0]).exists());
    std::fs::remove_dir_all(&lines[0]).unwrap();
}

#[test]
fn scopes_nest_and_end() {
    let mut outer = Scene::new();
    let mut inner = Scene::new();
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
    check(&folder.path().join("missing/app.steno"), "create its folder first");
    check(folder.path(), "directory");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "do not lose me").unwrap();
    check(&text, "not a stenolog dump");
    assert_eq!(std::fs::read_to_string(&text).unwrap(), "do not lose me");
}

#[cfg(unix)]
#[test]
fn two_loggers_never_share_a_file() {
    let scene = Scene::new();
    let error = Builder::new(scene.path()).start_detached().unwrap_err();
    assert!(matches!(error, StartError::Busy { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn dumps_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |scene: &Scene| std::fs::metadata(scene.path()).unwrap().permissions().mode();
    assert_eq!(mode(&Scene::new()) & 0o777, 0o600);
    assert_eq!(mode(&Scene::with(|builder| builder.mode(0o640))) & 0o777, 0o640);
}

#[test]
fn a_filter_that_is_none_is_an_error_of_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let error = Builder::new(&path).filter("app=loud").start_detached().unwrap_err().to_string();
    assert!(error.contains("app=loud"), "{error}");
    assert!(!path.exists(), "nothing is created for a logger that cannot start");
}
