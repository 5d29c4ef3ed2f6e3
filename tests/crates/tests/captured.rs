//! The tests of docs/guides/tests.md.

use std::time::Duration;

use stenolog::testing::Captured;
use stenolog::{Level, info, warn};

/// Tries until it succeeds, and returns how often it had to.
fn retry(mut attempt: impl FnMut() -> Result<(), &'static str>) -> u32 {
    for tries in 1.. {
        match attempt() {
            Ok(()) => {
                info!(tries, "succeeded");
                return tries;
            }
            Err(reason) => warn!(tries, reason, "failed, waits"),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    unreachable!()
}

#[stenolog::test]
fn each_failure_is_logged_with_its_reason(log: Captured) {
    let mut answers = [Err("refused"), Err("timed out"), Ok(())].into_iter();
    assert_eq!(retry(|| answers.next().unwrap()), 3);

    assert_eq!(log.messages(), ["failed, waits", "failed, waits", "succeeded"]);
    assert_eq!(log.count(Level::Warn), 2);
    assert_eq!(log.records()[1].field("reason").as_deref(), Some("timed out"));
}

#[stenolog::test]
fn other_threads_are_captured_too(log: Captured) -> Result<(), std::io::Error> {
    let worker = std::thread::Builder::new().name("worker".into());
    worker.spawn(|| info!(target: "work", part = 2, "done"))?.join().expect("it ends");

    let records = log.records();
    assert_eq!((&*records[0].thread, &*records[0].target), ("worker", "work"));
    Ok(())
}

#[tokio::test]
async fn tests_with_another_attribute_call_capture() {
    let log = stenolog::testing::capture();
    tokio::spawn(async { info!(part = 1, "done") }).await.unwrap();
    assert!(log.contains("done part=1"));
}

#[test]
fn events_of_tracing_are_captured_in_a_scope() {
    let log = stenolog::testing::capture();
    tracing::subscriber::with_default(stenolog::tracing_subscriber(), || {
        let _request = tracing::info_span!("request", path = "/x").entered();
        tracing::info!(bytes = 17, "served");
    });
    assert!(log.contains(r#"request{path="/x"}: served bytes=17"#), "{}", log.text());
}

#[test]
fn a_console_prints_what_the_harness_shows() -> Result<(), Box<dyn std::error::Error>> {
    use stenolog::{Builder, Console};

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("test.steno");
    let log = Builder::new(path).console(Console::test()).start_detached()?;
    let entered = log.enter(); // this thread logs here; other tests are not disturbed
    info!("shown if the test fails");
    drop(entered);
    log.close()?;
    Ok(())
}

#[test]
fn records_of_log_come_through_a_bridge_that_is_installed_once() {
    static BRIDGE: std::sync::Once = std::sync::Once::new();
    BRIDGE.call_once(|| {
        log::set_boxed_logger(Box::new(stenolog::log_bridge())).expect("no other logger");
        log::set_max_level(log::LevelFilter::Trace);
    });
    let log = stenolog::testing::capture();
    log::info!(bytes = 17; "served");
    assert!(log.contains("served bytes=17"), "{}", log.text());
}
