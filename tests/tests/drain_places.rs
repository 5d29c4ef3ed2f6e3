//! The drain runs where it is told to: on a thread of its own, placed as the builder says, or in the
//! hands of the caller.

use std::sync::Mutex;
use std::time::Duration;

use stenolog::{Builder, FlushError, info};

/// Both tests look at the threads of this process.
static ALONE: Mutex<()> = Mutex::new(());

/// What the system says of the drain's threads: the cores on which each may run, and its niceness.
#[cfg(target_os = "linux")]
fn drains() -> Vec<(String, i64)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    tasks
        .map(|task| task.unwrap().path())
        .filter(|task| read(task.join("comm")).starts_with("stenolog-drain"))
        .map(|task| {
            let status = read(task.join("status"));
            let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
            let stat = read(task.join("stat"));
            // Field 19, the second one being a name in brackets.
            let (_, fields) = stat.rsplit_once(") ").unwrap();
            let nice = fields.split(' ').nth(16).unwrap().parse().unwrap();
            (cores.unwrap().trim().to_owned(), nice)
        })
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn the_thread_is_where_and_as_nice_as_the_builder_says() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let cores = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    let first: String = cores.trim().chars().take_while(char::is_ascii_digit).collect();
    let core = first.parse().unwrap();
    let log = Builder::new(&path).drain_core(core).drain_nice(7).start_detached().unwrap();
    assert_eq!(drains(), [(first, 7)]);
    log.close().unwrap();
    let log = Builder::new(&path).drain_nice(19).start_detached().unwrap();
    assert_eq!(drains(), [(cores.trim().to_owned(), 19)]);
    log.close().unwrap();
    // This thread stays as it was, and a core that no machine has is an error.
    for core in [1_000, 1 << 40] {
        let error = Builder::new(&path).drain_core(core).start_detached().unwrap_err().to_string();
        assert!(error.starts_with("cannot run the drain thread for "), "{error}");
    }
    assert_eq!(drains(), []);
    assert_eq!(
        std::fs::read_to_string("/proc/self/status")
            .unwrap()
            .lines()
            .find_map(|line| line.strip_prefix("Cpus_allowed_list:")),
        Some(cores)
    );
}

#[test]
fn a_drain_in_hand_writes_when_it_is_polled() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let start = || Builder::new(&path).filter("trace").deliver_within(Duration::from_millis(40));
    let (log, mut drain) = start().start_manual().unwrap();
    #[cfg(target_os = "linux")]
    assert_eq!(drains(), []);
    info!("one");
    assert_eq!(log.stats().records, 0);
    assert!(drain.poll() <= Duration::from_millis(40));
    assert_eq!(log.stats().records, 1);
    // This thread's own calls are heard again.
    info!("two");
    drain.flush().unwrap();
    assert_eq!(log.stats().records, 2);
    drain.sync().unwrap();
    // Who waits for a flush waits for a poll.
    std::thread::scope(|threads| {
        let flush = threads.spawn(|| {
            info!("three");
            log.flush()
        });
        while !flush.is_finished() {
            drain.poll();
        }
        flush.join().unwrap().unwrap();
    });
    assert_eq!(log.stats().records, 3);
    info!("four");
    // From another thread: the drain is not bound to the one that started it.
    let drain = std::thread::spawn(move || {
        drain.poll();
        drain
    });
    let mut drain = drain.join().unwrap();
    info!("five");
    log.close().unwrap();
    // There was no poll since.
    assert_eq!(stenolog_tests::read(&path).0.len(), 4);
    assert_eq!(drain.poll(), Duration::MAX);
    assert!(matches!(drain.flush(), Err(FlushError::Ended { .. })));
    drain.close().unwrap();
    let (entries, summary) = stenolog_tests::read(&path);
    let found: Vec<_> = entries.iter().map(|entry| entry["message"].as_str().unwrap()).collect();
    assert_eq!(found, ["one", "two", "three", "four", "five"]);
    assert!(summary.is_complete(), "{summary:?}");

    // The other way round: without a drain no call waits, and calls come too late.
    let (log, drain) = start().start_manual().unwrap();
    info!("one");
    drop(drain);
    assert!(matches!(log.flush(), Err(FlushError::Ended { .. })));
    log.close().unwrap();
    let (entries, summary) = stenolog_tests::read(&path);
    assert_eq!((entries.len(), summary.is_complete()), (1, true));
    // There is room for another logger.
    let (log, drain) = start().start_manual().unwrap();
    drop((drain, log));
}

/// A drain that is dropped, or polled, while its thread unwinds has not panicked itself.
#[test]
fn a_drain_in_hand_seals_the_dump_when_its_owner_panics() {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let told = std::sync::Arc::new(Mutex::new(Vec::new()));
    let teller = std::sync::Arc::clone(&told);
    let unwound = std::panic::catch_unwind(|| {
        let on_error = move |error: &stenolog::DrainError| {
            teller.lock().unwrap().push(error.to_string());
        };
        let (_log, _drain) = Builder::new(&path).on_error(on_error).start_manual().unwrap();
        info!("before the panic");
        panic!("on purpose");
    });
    assert!(unwound.is_err());
    assert_eq!(*told.lock().unwrap(), [""; 0]);
    let (entries, summary) = stenolog_tests::read(&path);
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!(entries.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_drain_in_hand_outlives_a_limit_of_the_file_size() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let _ = stenolog_tests::scenario!("drain_places/file-size-in-hand", &path).run();
    let (entries, summary) = stenolog_tests::read(&path);
    assert!(summary.is_complete(), "{summary:?}");
    let messages: Vec<_> = entries.iter().map(stenolog_tests::message).collect();
    assert_eq!(messages, ["before", "during", "after"]);
}
