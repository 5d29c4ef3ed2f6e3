//! A program that logs by `log`, `tracing` and macros in one dump, after a change of its set-up alone.

use std::time::Duration;

use stenolog::{Builder, StartError};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

#[tracing::instrument(skip(secret), fields(extra = 1), err, ret)]
async fn serve(path: &str, secret: u32) -> Result<u32, std::num::ParseIntError> {
    tokio::time::sleep(Duration::from_millis(1)).await;
    log::info!(bytes = 17; "served {path}");
    let n: u32 = path.trim_start_matches('/').parse()?;
    Ok(n + secret)
}

/// `tracing` and `log` have one global each, so this is one test.
#[test]
fn one_dump_has_them_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("app.steno");
    let log = Builder::new(&path).filter("info").capture_log().capture_tracing().start();
    let log = log.expect("the logger starts");

    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    runtime.expect("a runtime").block_on(async {
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let span = tracing::info_span!("task", n);
                tokio::spawn(
                    async move {
                        let path = if n == 7 { "/x".to_owned() } else { format!("/{n}") };
                        let _ = serve(&path, 1).await;
                        stenolog::info!("done {n}");
                    }
                    .instrument(span),
                )
            })
            .collect();
        for task in tasks {
            task.await.expect("a task");
        }
    });
    // With its feature `log-always`, `tracing` makes records of `log` from its events, which arrive already.
    let span = tracing::info_span!("again");
    let metadata = span.metadata().expect("it is enabled");
    let mut again = log::Record::builder();
    again.level(log::Level::Error).target(metadata.target()).args(format_args!("again"));
    log::logger().log(&again.file(metadata.file()).line(metadata.line()).build());
    tracing::debug!("not wanted");
    log.set_filter("debug").expect("a filter");
    tracing::debug!("wanted");
    log::debug!("wanted");
    log.close().expect("the dump is sealed");
    tracing::error!("after the logger");
    assert!(!tracing::enabled!(tracing::Level::ERROR), "nothing is of interest without a logger");

    let (records, summary) = stenolog_tests::read(&path);
    assert!(summary.is_complete(), "{summary:?}");
    for n in 0..8 {
        let of_task: Vec<_> =
            records.iter().filter(|record| record["spans"][0]["fields"]["n"] == n).collect();
        // One by `log`, the result by `#[instrument]`, one by a macro.
        assert_eq!(of_task.len(), 3, "{of_task:?}");
        assert_eq!(of_task[0]["fields"]["bytes"], 17);
        let inner = &of_task[0]["spans"][1];
        assert_eq!(inner["name"], "serve");
        let path = if n == 7 { "/x".to_owned() } else { format!("/{n}") };
        assert_eq!(inner["fields"], serde_json::json!({"path": path, "extra": 1}));
        if n == 7 {
            assert_eq!(of_task[1]["level"], "ERROR");
            let error = of_task[1]["fields"]["error"].as_str().expect("an error");
            assert!(error.contains("invalid digit"), "{error}");
        } else {
            assert_eq!(of_task[1]["fields"]["return"], format!("{}", n + 1));
        }
        assert_eq!(of_task[2]["message"], format!("done {n}"));
        assert_eq!(of_task[2]["spans"].as_array().expect("spans").len(), 1);
    }
    let wanted = records.iter().filter(|record| record["message"] == "wanted").count();
    assert_eq!((wanted, records.len()), (2, 26));
}

/// In a process of its own: what another program has installed stays.
#[test]
fn what_is_installed_by_others_is_an_error() {
    const WORD: &str = "STENOLOG_TEST_INSTALLED_BY_OTHERS";
    if std::env::var_os(WORD).is_none() {
        let name = "what_is_installed_by_others_is_an_error";
        let mut child = std::process::Command::new(std::env::current_exe().expect("a test"));
        let output = child.args(["--exact", name]).env(WORD, "").output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let builder = || Builder::new(folder.path().join("app.steno"));
    tracing_log::LogTracer::init().expect("no logger yet");
    let subscriber = tracing_subscriber::registry().with(stenolog::tracing_layer());
    tracing::subscriber::set_global_default(subscriber).expect("no subscriber yet");
    let error = builder().capture_log().start().expect_err("a logger is installed");
    assert!(
        matches!(error, StartError::LogTaken { .. }) && error.to_string().contains("log_bridge")
    );
    let error = builder().capture_tracing().start().expect_err("a subscriber is installed");
    assert!(matches!(error, StartError::TracingTaken { .. }), "{error}");
    assert!(error.to_string().contains("tracing_layer"), "{error}");
    assert!(!folder.path().join("app.steno").exists(), "nothing was begun");

    // What is composed works: `log` comes through `tracing-log`, once and with its own place.
    let log = builder().filter("info").start().expect("the logger starts");
    let line = line!() + 1;
    log::warn!(target: "lib::net", "by {}", "log");
    tracing::info!("by tracing");
    log::debug!("not wanted");
    log.close().expect("the dump is sealed");
    let (records, _) = stenolog_tests::read(&folder.path().join("app.steno"));
    assert_eq!(records.len(), 2, "{records:?}");
    assert_eq!(records[0]["message"], "by log");
    assert_eq!(records[0]["target"], "lib::net");
    assert_eq!(records[0]["level"], "WARN");
    assert_eq!(records[0]["line"], line);
    assert!(records[0]["file"].as_str().expect("a file").ends_with("bridge_capture.rs"));
}
