//! Set-up of a logger: names with placeholders, settings as data and from the environment, a filter in a
//! file, panics.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use stenolog::{Builder, Config, Event, IfBusy, OnFull, debug, info, trace};
use stenolog_tests::{LogFixture, message, messages, read, scenario};

/// Longer than anything takes, for events that must come.
const COMES: Duration = Duration::from_secs(120);

#[test]
fn a_name_has_placeholders_and_its_folder_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let log =
        Builder::new(folder.path().join("{host}/a/{app}-{pid}.steno")).start_detached().unwrap();
    let path = log.path().to_owned();
    let name = path.file_name().unwrap().to_str().unwrap();
    let app = std::env::current_exe().unwrap();
    let app = app.file_stem().unwrap().to_str().unwrap();
    assert_eq!(name, format!("{app}-{}.steno", std::process::id()));
    let host = std::process::Command::new("uname").arg("-n").output().unwrap().stdout;
    let host = String::from_utf8(host).unwrap();
    assert_eq!(path, folder.path().join(host.trim()).join("a").join(name));
    log.close().unwrap();
    assert!(path.exists());
}

#[test]
fn settings_are_data() {
    let text = r#"{
        "filter": "debug", "on_full": "block", "block_timeout": "2s", "ring_capacity": "256KiB",
        "rings": "memory", "prefault": true, "deliver_within": "20ms", "compression": "none", "drain_nice": 3,
        "existing": "replace", "if_busy": "numbered_path", "unread_rings": "keep", "mode": "640"
    }"#;
    let config: Config = serde_json::from_str(text).unwrap();
    assert_eq!(config.on_full, Some(OnFull::Block));
    assert_eq!(config.block_timeout, Some(Duration::from_secs(2)));
    assert_eq!(config.ring_capacity, Some(256 << 10));
    assert_eq!(config.if_busy, Some(IfBusy::NumberedPath));
    assert_eq!(
        (config.mode, config.prefault, config.drain_nice),
        (Some(0o640), Some(true), Some(3))
    );
    assert_eq!(config.path, None);
    let again: Config = serde_json::from_str(&serde_json::to_string(&config).unwrap()).unwrap();
    assert_eq!(again, config);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let start = || Builder::new(&path).configure(&config).start_detached().unwrap();
    let (first, second) = (start(), start());
    assert_eq!(first.ring_dir(), None);
    assert_eq!(second.path(), folder.path().join("app.1.steno"));
    {
        let _scope = first.enter();
        debug!("kept");
        trace!("dropped");
    }
    first.close().unwrap();
    second.close().unwrap();
    assert_eq!(messages(&path), ["kept"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }
}

#[test]
fn settings_that_are_wrong_are_named() {
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = serde_json::from_str::<Config>(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    check(r#"{"if_bussy": "error"}"#, "unknown field `if_bussy`");
    check(r#"{"if_busy": "wait"}"#, "`wait` is not one of `error`, `numbered_path`");
    check(r#"{"deliver_within": "soon"}"#, "`soon` is not a duration such as `100ms`");
    check(r#"{"ring_capacity": "much"}"#, "`much` is not a size such as `1MiB`");
    check(r#"{"mode": 416}"#, "a mode is a text of octal digits");
    check(r#"{"mode": "999"}"#, "`999` is not a mode in octal digits such as `640`");
}

#[test]
fn the_environment_configures_a_logger_that_asks_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let other = folder.path().join("new/other.steno");
    let child = scenario!("setup/env", &path)
        .env("STENOLOG_PATH", &other)
        .env("STENOLOG_RINGS", "memory")
        .env("STENOLOG_MODE", "rwx")
        .env("STENOLOG", "info");
    let lines = child.run();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("STENOLOG_MODE=`rwx` is ignored"), "{lines:?}");
    assert_eq!(lines[1], format!("{} false", other.display()));
    assert_eq!(messages(&other), ["configured"]);
    assert!(!path.exists());
}

/// A logger with a filter file, and what it is told about the file.
fn with_filter_file(file: &Path) -> (LogFixture, Receiver<Event>) {
    let (told, events) = channel();
    let fixture = LogFixture::with(|builder| {
        let told = std::sync::Mutex::new(told);
        builder.filter("warn").filter_file(file).on_event(move |event| {
            // Not what is told about rings of other programs.
            if matches!(event, Event::FilterChanged { .. } | Event::FilterFileIgnored { .. }) {
                let _ = told.lock().unwrap().send(event.clone());
            }
        })
    });
    (fixture, events)
}

#[test]
fn a_filter_in_a_file_is_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("filter");
    std::fs::write(&file, "# what is interesting\nwarn\nsetup=info # this test\n").unwrap();
    let (mut fixture, events) = with_filter_file(&file);
    // The first one holds from the first call on.
    let first = events.recv_timeout(COMES).unwrap();
    assert!(
        matches!(&first, Event::FilterChanged { directives, .. } if directives == "warn,setup=info"),
        "{first}"
    );
    info!("as the file says");
    debug!("not yet");
    std::fs::write(&file, "debug").unwrap();
    let second = events.recv_timeout(COMES).unwrap();
    assert!(
        matches!(&second, Event::FilterChanged { directives, .. } if directives == "debug"),
        "{second}"
    );
    debug!("now");
    std::fs::write(&file, "setup=loud").unwrap();
    let third = events.recv_timeout(COMES).unwrap();
    assert!(matches!(&third, Event::FilterFileIgnored { .. }), "{third}");
    assert!(third.to_string().contains("`loud`"), "{third}");
    debug!("as before");
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, "off").unwrap();
    events.recv_timeout(COMES).unwrap();
    info!("off");
    assert_eq!(fixture.messages(), ["as the file says", "now", "as before"]);
}

#[test]
fn without_the_file_the_other_filter_applies() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none");
    let (mut fixture, events) = with_filter_file(&file);
    info!("no");
    std::fs::write(&file, "info").unwrap();
    let event = events.recv_timeout(COMES).unwrap();
    assert!(matches!(&event, Event::FilterChanged { .. }), "{event}");
    info!("yes");
    assert_eq!(fixture.messages(), ["yes"]);
}

#[cfg(unix)]
#[test]
fn a_panic_is_logged_and_the_hook_before_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let output = scenario!("setup/panic", &path).env("RUST_BACKTRACE", "0").output();
    assert!(!output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.lines().collect::<Vec<_>>(), ["before: thread 7", "before: main"]);
    // The process was aborted, so only what was flushed is in the file.
    let (records, _) = read(&path);
    let texts: Vec<_> = records.iter().map(message).collect();
    assert_eq!(texts, ["panicked: thread 7", "panicked: main"]);
    for record in &records {
        assert_eq!(
            (record["level"].as_str(), record["target"].as_str()),
            (Some("ERROR"), Some("panic"))
        );
        assert!(record["fields"]["file"].as_str().unwrap().ends_with("setup.rs"), "{record}");
    }
}
