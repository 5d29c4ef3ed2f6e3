//! Calls and rings keep their promises while no drain runs: the tests poll it, and know what it has seen.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stenolog::{Builder, Drain, Logger, OnFull, error, info, warn};
use stenolog_tests::{message, read};

/// Only one logger can be the global one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn start(path: &Path) -> (Logger, Drain) {
    let builder = Builder::new(path).filter("trace").ring_capacity_bytes(1 << 16);
    builder.on_full(OnFull::Drop).start_manual().unwrap()
}

/// Logs until there is no room for a record that is no warning; returns how many found some.
fn fill(logger: &Logger) -> u64 {
    let before = logger.stats().lost;
    (0..)
        .take_while(|n| {
            info!("record {n}");
            logger.stats().lost == before
        })
        .count() as u64
}

fn messages(path: &Path) -> Vec<String> {
    read(path).0.iter().map(|record| message(record).to_owned()).collect()
}

#[test]
fn the_last_eighth_of_a_ring_is_for_warnings_and_errors() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let (logger, drain) = start(&path);
    let records = fill(&logger);
    // An eighth holds 341 records of 24 bytes, less the statement of what was lost.
    for n in 0..150 {
        warn!("warning {n}");
        error!("error {n}");
    }
    assert_eq!(logger.stats().lost, 1);
    // For others there is no more room than before.
    info!("not recorded");
    assert_eq!(logger.stats().lost, 2);
    drop(logger);
    drain.close().unwrap();
    let messages = messages(&path);
    let count = |what: &str| messages.iter().filter(|message| message.starts_with(what)).count();
    assert_eq!(count("record ") as u64, records);
    assert_eq!((count("warning "), count("error ")), (150, 150));
}

/// The last thing that its thread did was to lose records: no record follows that would say so.
#[test]
fn a_ring_that_owes_a_loss_is_not_let_go_of_before_it_is_stated() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let (logger, mut drain) = start(&path);
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            fill(&logger);
            (0..6).for_each(|_| info!("lost"));
        });
        // The end of the scope alone does not wait for the thread's destructors, which give its ring back.
        thread.join().unwrap();
    });
    // This one takes records, and so leaves it to the thread to state what was lost.
    drain.poll();
    // Another thread takes the ring, if it is free.
    std::thread::spawn(|| info!("another thread")).join().unwrap();
    drain.poll();
    drop(logger);
    drain.close().unwrap();
    let (_, summary) = read(&path);
    assert_eq!(summary.lost, 7, "{summary:?}");
}

/// A drain that is polled closes this thread's way to the global logger, and opens it again only if it was
/// open: not within another logger's scope.
#[test]
fn a_poll_within_another_loggers_scope_changes_nothing() {
    fn log(n: u32) {
        info!("record {n}");
    }
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let [global, other] = ["global.steno", "other.steno"].map(|name| folder.path().join(name));
    let (logger, mut drain) = start(&global);
    log(0);
    let inner = Builder::new(&other).filter("trace").start_detached().unwrap();
    // The call site knows the global logger again, which a new logger has it forget.
    log(1);
    {
        let _scope = inner.enter();
        log(2);
        drain.poll();
        log(3);
    }
    log(4);
    inner.close().unwrap();
    drop(logger);
    drain.close().unwrap();
    assert_eq!(messages(&global), ["record 0", "record 1", "record 4"]);
    assert_eq!(messages(&other), ["record 2", "record 3"]);
}

/// The records of all users of the machine are in one folder as a rule.
#[cfg(unix)]
#[test]
fn the_directory_of_the_rings_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (logger, drain) = start(&folder.path().join("app.steno"));
    info!("there is a ring");
    let rings = logger.ring_dir().unwrap().to_owned();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&rings), 0o700);
    for entry in std::fs::read_dir(&rings).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    drop(logger);
    drain.close().unwrap();
}
