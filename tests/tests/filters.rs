//! Filters decide which records are logged: the builder's, the environment's, and those set while running.

use std::ffi::OsStr;

use stenolog::{Builder, Level, StartError, debug, error, event, info, trace, warn};
use stenolog_tests::{LogFixture, message, read, scenario};

/// The messages of a child that logs once at each level, under these variables.
fn logged_under(variables: &[(&str, &str)]) -> Vec<String> {
    let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_ref())).collect();
    run_under(&variables).0
}

/// The same, and what its operator is told.
fn run_under(variables: &[(&str, &OsStr)]) -> (Vec<String>, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let levels = scenario!("filters/levels", &path);
    let told = variables.iter().fold(levels, |levels, (name, value)| levels.env(name, value)).run();
    (read(&path).0.iter().map(|record| message(record).to_owned()).collect(), told)
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

/// The variables are shared with loggers that understand more.
#[test]
fn what_others_understand_is_told_and_ignored() {
    #[track_caller]
    fn check(variables: &[(&str, &str)], logged: &[&str], told: &[&str]) {
        let variables: Vec<_> = variables.iter().map(|(n, value)| (*n, value.as_ref())).collect();
        let (messages, events) = run_under(&variables);
        assert_eq!(messages, logged, "{variables:?}: {events:?}");
        assert_eq!(events.len(), told.len(), "{events:?}");
        for (event, told) in events.iter().zip(told) {
            assert!(event.starts_with(told) && event.contains("app.steno"), "{event}");
        }
    }
    const ALL: [&str; 6] = ["error", "warn", "info", "debug", "trace", "elsewhere"];
    const IN_RUST_LOG: &str = "in the environment variable RUST_LOG is ignored for the dump ";
    let told = |part: &str| format!("`{part}` {IN_RUST_LOG}");
    check(&[("RUST_LOG", "warn/regex")], &ALL[..2], &[&told("/regex")]);
    check(
        &[("RUST_LOG", "app[req{id=1}]=debug,error,[span]=trace")],
        &ALL[..1],
        &[&told("app[req{id=1}]=debug"), &told("[span]=trace")],
    );
    check(&[("RUST_LOG", "info,x=loud")], &ALL[..3], &[&told("x=loud")]);
    // Of which nothing is understood is as one that is not set.
    check(&[("RUST_LOG", "app[req]")], &ALL, &[&told("app[req]")]);
    let stenolog = "`x=loud` in the environment variable STENOLOG is ignored";
    check(&[("STENOLOG", "x=loud"), ("RUST_LOG", "error")], &ALL[..1], &[stenolog]);
    check(&[("STENOLOG", "warn"), ("RUST_LOG", "x=loud")], &ALL[..2], &[]);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let (logged, told) = run_under(&[("RUST_LOG", OsStr::from_bytes(b"warn\xff"))]);
        assert_eq!((logged.len(), told.len()), (6, 1), "{told:?}");
    }
}

#[test]
fn directives_in_code_are_strict() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || Builder::new(folder.path().join("app.steno"));
    for directives in ["info/regex", "app[req{id=1}]=debug", "info,x=loud"] {
        for builder in [
            builder().filter(directives),
            builder().default_filter(directives),
            builder().filter("info").default_filter(directives),
        ] {
            let refused = builder.start_detached().map(drop).unwrap_err();
            assert!(matches!(refused, StartError::Filter { variable: None, .. }), "{refused}");
            assert!(refused.to_string().contains(directives), "{refused}");
        }
    }
}

/// `net=off` is not about `network`, as `steno -t net` is not, neither at the start nor later.
#[test]
fn a_target_is_itself_and_what_is_below_it() {
    let mut fixture = LogFixture::with(|builder| builder.filter("info,net=off"));
    let log_all = |round: u32| {
        info!(target: "net", "net {round}");
        info!(target: "net::tcp", "net::tcp {round}");
        info!(target: "network", "network {round}");
        info!(target: "network::tcp", "network::tcp {round}");
    };
    log_all(0);
    fixture.logger().set_filter("off,net=info").unwrap();
    log_all(1);
    fixture.logger().set_filter("off,net*=info").unwrap();
    log_all(2);
    let expected = [
        "network 0",
        "network::tcp 0",
        "net 1",
        "net::tcp 1",
        "net 2",
        "net::tcp 2",
        "network 2",
        "network::tcp 2",
    ];
    assert_eq!(fixture.messages(), expected);
}

#[test]
fn a_filter_changes_while_running() {
    let mut fixture = LogFixture::with(|builder| builder.filter("warn"));
    let log_all = |round: u32| {
        error!("error {round}");
        warn!("warn {round}");
        info!("info {round}");
        debug!("debug {round}");
        trace!("trace {round}");
    };
    log_all(0);
    fixture.logger().set_filter("debug").unwrap();
    log_all(1);
    let refused = fixture.logger().set_filter("nonsense=very").unwrap_err();
    assert!(refused.to_string().contains("nonsense=very"), "{refused}");
    fixture.logger().set_filter("off").unwrap();
    log_all(2);
    assert_eq!(fixture.messages(), ["error 0", "warn 0", "error 1", "warn 1", "info 1", "debug 1"]);
}

#[test]
fn levels_known_at_run_time_are_filtered_too() {
    let mut fixture = LogFixture::with(|builder| builder.filter("info"));
    for level in Level::ALL {
        event!(level, "at {level}");
    }
    let records = fixture.finish();
    let levels: Vec<_> = records.iter().map(|record| record["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["ERROR", "WARN", "INFO"]);
    assert_eq!(message(&records[2]), "at INFO");
}

#[test]
fn arguments_of_disabled_calls_are_not_evaluated() {
    let mut fixture = LogFixture::with(|builder| builder.filter("info"));
    let mut evaluated = 0;
    let mut count = || {
        evaluated += 1;
        evaluated
    };
    for _ in 0..3 {
        debug!("{}", count());
        info!("{}", count());
    }
    assert_eq!(fixture.messages(), ["1", "2", "3"]);
}
