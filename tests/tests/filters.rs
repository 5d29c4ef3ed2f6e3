//! Which records are wanted: by the builder, by the environment, and changed while running.

use std::process::Command;

use stenolog::{Level, debug, error, event, info, trace, warn};
use stenolog_tests::{Scene, message, read};

/// The messages of a child that logs once at each level, under these variables.
fn logged_under(variables: &[(&str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let mut command = Command::new(env!("CARGO_BIN_EXE_child"));
    command.env_remove("STENOLOG").env_remove("RUST_LOG").envs(variables.iter().copied());
    let status = command.arg("levels").arg(&path).status().unwrap();
    assert!(status.success());
    read(&path).0.iter().map(|record| message(record).to_owned()).collect()
}

#[test]
fn without_a_filter_all_is_logged() {
    assert_eq!(logged_under(&[]), ["error", "warn", "info", "debug", "trace", "elsewhere"]);
}

#[test]
fn the_environment_filters_and_its_own_variable_comes_first() {
    assert_eq!(logged_under(&[("RUST_LOG", "warn")]), ["error", "warn"]);
    assert_eq!(logged_under(&[("STENOLOG", "error"), ("RUST_LOG", "trace")]), ["error"]);
    assert_eq!(logged_under(&[("STENOLOG", "off,other=trace")]), ["elsewhere"]);
    assert_eq!(logged_under(&[("STENOLOG", ""), ("RUST_LOG", "error")]), ["error"]);
}

#[test]
fn a_filter_changes_while_running() {
    let mut scene = Scene::with(|builder| builder.filter("warn"));
    let log_all = |round: u32| {
        error!("error {round}");
        warn!("warn {round}");
        info!("info {round}");
        debug!("debug {round}");
        trace!("trace {round}");
    };
    log_all(0);
    scene.logger().set_filter("debug").unwrap();
    log_all(1);
    let refused = scene.logger().set_filter("nonsense=very").unwrap_err();
    assert!(refused.to_string().contains("nonsense=very"), "{refused}");
    scene.logger().set_filter("off").unwrap();
    log_all(2);
    assert_eq!(scene.messages(), ["error 0", "warn 0", "error 1", "warn 1", "info 1", "debug 1"]);
}

#[test]
fn levels_known_at_run_time_are_filtered_too() {
    let mut scene = Scene::with(|builder| builder.filter("info"));
    for level in Level::ALL {
        event!(level, "at {level}");
    }
    let records = scene.finish();
    let levels: Vec<_> = records.iter().map(|record| record["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["ERROR", "WARN", "INFO"]);
    assert_eq!(message(&records[2]), "at INFO");
}

#[test]
fn arguments_of_disabled_calls_are_not_evaluated() {
    let mut scene = Scene::with(|builder| builder.filter("info"));
    let mut evaluated = 0;
    let mut count = || {
        evaluated += 1;
        evaluated
    };
    for _ in 0..3 {
        debug!("{}", count());
        info!("{}", count());
    }
    assert_eq!(scene.messages(), ["1", "2", "3"]);
}
