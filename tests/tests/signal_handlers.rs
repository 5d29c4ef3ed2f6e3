//! Signal handlers that log: from the first call of their call site on.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use stenolog::{Builder, info};
use stenolog_decoder::{Decoder, Dump, Entry, Limits, LossKind, RingDir};
use stenolog_tests::{message, messages, read, scenario};

/// Only one logger can be the global one, and handlers are the process's.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn handle(signal: i32, handler: extern "C" fn(i32)) {
    // SAFETY: the handlers of this file do nothing but log, as a handler may.
    let before = unsafe { libc::signal(signal, handler as *const () as libc::sighandler_t) };
    assert_ne!(before, libc::SIG_ERR);
}

fn raise(signal: i32) {
    // SAFETY: the signal has a handler that returns.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

/// How often each message occurs.
fn counts(path: &Path) -> BTreeMap<String, usize> {
    let (records, summary) = read(path);
    assert!(summary.is_complete(), "{summary:?}");
    let mut counts = BTreeMap::new();
    records.iter().for_each(|record| *counts.entry(message(record).to_owned()).or_default() += 1);
    counts
}

/// The example of the documentation. No other call comes to its call site, and the drain tells it its id at
/// some time, or, in hand, never.
#[test]
fn a_call_site_that_only_a_handler_has_is_heard_from_its_first_call() {
    extern "C" fn on_signal(signal: i32) {
        stenolog::in_signal_handler(|| info!("signal {signal}"));
    }
    let _alone = alone();
    handle(libc::SIGUSR1, on_signal);
    let expected = BTreeMap::from([
        ("begin".to_owned(), 1),
        (format!("signal {}", libc::SIGUSR1), 1000),
        ("between".to_owned(), 1000),
    ]);
    let work = || {
        info!("begin");
        for _ in 0..1000 {
            raise(libc::SIGUSR1);
            info!("between");
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("in-hand.steno");
    let (logger, mut drain) = Builder::new(&path).filter("info").start_manual().unwrap();
    let unheard = logger.stats().unheard;
    work();
    // Now its calls are as quick as any.
    drain.poll();
    assert_eq!(logger.stats().records, 2001);
    assert_eq!(logger.stats().unheard, unheard);
    drop(logger);
    drain.close().unwrap();
    assert_eq!(counts(&path), expected);

    // Another logger, which the process's call sites are new to.
    let path = folder.path().join("thread.steno");
    let logger = Builder::new(&path).filter("info").start().unwrap();
    work();
    assert_eq!(logger.stats().unheard, unheard);
    logger.close().unwrap();
    assert_eq!(counts(&path), expected);
}

/// The filter decides for handlers too, and what it leaves out is not counted as unheard.
#[test]
fn a_handler_is_filtered() {
    extern "C" fn on_signal(_: i32) {
        stenolog::in_signal_handler(|| {
            stenolog::debug!("not wanted");
            stenolog::warn!("wanted");
        });
    }
    let _alone = alone();
    handle(libc::SIGUSR2, on_signal);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let logger = Builder::new(&path).filter("info").start().unwrap();
    let unheard = logger.stats().unheard;
    info!("begin");
    raise(libc::SIGUSR2);
    assert_eq!(logger.stats().unheard, unheard);
    logger.close().unwrap();
    assert_eq!(counts(&path).into_keys().collect::<Vec<_>>(), ["begin", "wanted"]);
}

/// Without [`stenolog::prepare_call_sites`] a call site is explained by the drain: should the process die
/// before that, its records are of an unknown call site. With it, they are read.
#[test]
fn a_call_site_that_was_prepared_is_explained_before_its_first_record() {
    extern "C" fn prepared(signal: i32) {
        stenolog::in_signal_handler(|| stenolog::error!("prepared {signal}"));
    }
    extern "C" fn unprepared(signal: i32) {
        stenolog::in_signal_handler(|| stenolog::error!("unprepared {signal}"));
    }
    let _alone = alone();
    handle(libc::SIGUSR1, prepared);
    handle(libc::SIGUSR2, unprepared);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let (logger, drain) = Builder::new(&path).filter("info").start_manual().unwrap();
    let sites = logger.stats().call_sites;
    stenolog::prepare_call_sites(|| {
        assert!(stenolog::prepare_thread());
        prepared(0);
    });
    assert_eq!(logger.stats().call_sites, sites + 1);
    raise(libc::SIGUSR1);
    raise(libc::SIGUSR2);
    // The drain has not run. What would be left if the process died now:
    let copy = folder.path().join("copy");
    std::fs::create_dir(&copy).unwrap();
    for entry in std::fs::read_dir(logger.ring_dir().unwrap()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    std::fs::copy(&path, folder.path().join("copy.steno")).unwrap();
    let dump = Dump::open(folder.path().join("copy.steno")).unwrap();
    let recovery = RingDir::open(&copy).unwrap().read(Some(&dump), &Limits::default()).unwrap();
    let dumps = [recovery.dump, dump];
    let mut found = Vec::new();
    let mut decoder = Decoder::new(&dumps);
    let _ = decoder.for_each(|entry| {
        let mut text = String::new();
        match entry {
            Entry::Record(record) => record.write_message(&mut text),
            Entry::Loss(loss) => text = format!("{:?}", loss.kind()),
            _ => {}
        }
        found.push(text);
        std::ops::ControlFlow::Continue(())
    });
    let message = |name: &str, signal| format!("{name} {signal}");
    assert_eq!(found, [message("prepared", libc::SIGUSR1), "UnknownCallSite".into()]);
    assert_eq!(decoder.summary().by_cause, BTreeMap::from([(LossKind::UnknownCallSite, 1)]));
    drop(logger);
    drain.close().unwrap();
    let expected =
        [(message("prepared", libc::SIGUSR1), 1), (message("unprepared", libc::SIGUSR2), 1)];
    assert_eq!(counts(&path), BTreeMap::from(expected));
}

#[test]
fn handlers_log_between_the_calls_of_their_thread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let reports = scenario!("signal_handlers/signals", &path).run();
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

#[test]
fn a_handler_may_be_the_first_to_log_to_a_new_logger() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let mut most = 0;
    for (round, report) in scenario!("signal_handlers/replaced", &path).run().iter().enumerate() {
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
