//! A word that is neither a file nor a filter: nothing is shown, and what was meant is asked.

use crate::dump::{five, ticks};
use crate::program::Scene;

/// Checks what is said of words beside a good dump, of which nothing may be shown.
#[track_caller]
fn check(words: &[&str], code: i32, expected: &[&str]) {
    let scene = Scene::with("app.steno", five().sealed());
    for args in [words.to_vec(), [words, &["app.steno"]].concat(), [&["app.steno"], words].concat()]
    {
        let expected: String = expected.iter().map(|line| format!("steno: {line}\n")).collect();
        assert_eq!(scene.run(&args).fails(code), expected, "{args:?}");
    }
}

const COMMANDS: &str = "commands are decode, info, verify, recover, clean, export, completions, man, help; \
                        see `steno --help`";

const NEITHER: &str = "neither a command, nor a file, nor a filter (NAME=VALUE)";

#[test]
fn a_word_that_looks_like_a_command() {
    check(&["stats"], 2, &[&format!("stats: {NEITHER}; {COMMANDS}")]);
    check(&["verfy"], 2, &[&format!("verfy: {NEITHER}; did you mean steno verify?")]);
    check(
        &["stats", "nonsense"],
        2,
        &[&format!("stats: {NEITHER}; {COMMANDS}"), &format!("nonsense: {NEITHER}; {COMMANDS}")],
    );
    let scene = Scene::with("app.steno", five().sealed());
    let said = scene.run(&["app.steno", "verify"]).fails(2);
    assert_eq!(said, "steno: verify: no such file; a command comes first: `steno verify FILE`\n");
}

#[test]
fn an_expression() {
    let text = |example| {
        format!(
            "an expression, which this steno cannot filter by (there is no --where yet): a filter is \
             NAME=VALUE, such as {example}; -g REGEX searches the text"
        )
    };
    check(&["latency_us>1000"], 2, &[&format!("latency_us>1000: {}", text("latency_us=1000"))]);
    check(&["order_id >= 2"], 2, &[&format!("order_id >= 2: {}", text("order_id=2"))]);
    check(&["order_id!=2"], 2, &[&format!("order_id!=2: {}", text("order_id=2"))]);
    check(&["size ~ /a b/"], 2, &[&format!("size ~ /a b/: {}", text("'size=/a b/'"))]);
    check(&["size like 'a*'"], 2, &[&format!("size like 'a*': {}", text("'size=a*'"))]);
    check(&["a or not exists(b)"], 2, &[&format!("a or not exists(b): {}", text("user.id=42"))]);
    let option = "neither a file nor a filter by a field; did you mean";
    check(&["level >= warn"], 2, &[&format!("level >= warn: {option} -l warn?")]);
    check(&["message ~ /a b/"], 2, &[&format!("message ~ /a b/: {option} -g '/a b/'?")]);
}

#[test]
fn a_filter_that_is_misspelt() {
    let scene = Scene::with("app.steno", five().sealed());
    let said = |args: &[&str]| scene.run(args).fails(2);
    let filter = "neither a file nor a filter, which is NAME=VALUE";
    for (word, meant) in [
        ("user.name:ann", "user.name=ann"),
        ("usr.name:ann", "user.name=ann"),
        ("order_id==2", "order_id=2"),
        ("order_id = 2", "order_id=2"),
        ("user.name = Bob B", "'user.name=Bob B'"),
    ] {
        let expected = format!("steno: {word}: {filter}; did you mean {meant}?\n");
        assert_eq!(said(&["app.steno", word]), expected);
    }
    for (word, meant) in [
        ("order_id", "order_id=VALUE"),
        ("usr.name", "user.name=VALUE"),
        ("warn", "-l warn"),
        ("ERROR", "-l error"),
        ("json", "--json"),
        ("csv", "-o csv"),
        ("never", "--color never"),
    ] {
        let expected = format!("steno: {word}: {NEITHER}; did you mean {meant}?\n");
        assert_eq!(said(&["app.steno", word]), expected);
    }
    assert_eq!(said(&["app.steno", ""]), format!("steno: '': {NEITHER}; {COMMANDS}\n"));
}

#[test]
fn a_field_that_no_call_site_has() {
    let scene = Scene::with("app.steno", five().sealed());
    for (word, meant) in [
        ("usr.name=ann", "user.name=VALUE"),
        ("orderid=1", "order_id=VALUE"),
        ("level=warn", "-l LEVEL"),
        ("thread=main", "--thread NAME"),
    ] {
        let run = scene.run(&["app.steno", word]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
        let asked = format!("; did you mean {meant}?\n");
        assert!(run.stderr.ends_with(&asked), "{word}: {}", run.stderr);
    }
}

#[test]
fn other_commands_take_no_filters() {
    let scene = Scene::with("app.steno", five().sealed());
    for command in ["info", "verify"] {
        let said = scene.run(&[command, "app.steno", "order_id=1"]).fails(2);
        assert_eq!(said, "steno: order_id=1: no such file; only `steno decode` takes filters\n");
        scene.run(&[command, "app.steno", "nonsense"]).fails(2);
        scene.run(&[command, "app.steno", "gone.steno"]).fails(1);
    }
    scene.run(&["recover", "nonsense", "--to", "out.steno"]).fails(2);
    scene.run(&["export", "--to", "steno", "nonsense", "-o", "out.steno"]).fails(2);
}

#[test]
fn patterns_and_files_with_an_equals_sign_are_files() {
    let scene = Scene::with("logs/date=2026-11-29/app.steno", ticks(1, 3).sealed());
    scene.write("logs/date=2026-11-30/app.steno", ticks(2, 2).sealed());
    scene.write("date=30/app.steno", ticks(3, 4).sealed());
    scene.write("order_id=1", five().sealed());
    let count = |word: &str| scene.run(&[word, "--json"]).ok().lines().count();
    assert_eq!(count("logs/date=2026-*/app.steno"), 5);
    assert_eq!(count("logs/date=*"), 5);
    assert_eq!(count("date=*/app.steno"), 4);
    assert_eq!(count("date=30/app.steno"), 4);
    assert_eq!(count("date=30"), 4);
    assert_eq!(count("order_id=?"), 5);
    assert_eq!(count("order_id=1"), 5);
    // A value with an asterisk that no file has is a filter.
    let run = scene.run(&["order_id=1", "user.name=a*", "--json"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
}

#[test]
fn help_is_a_command() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["help"]).ok(), scene.run(&["--help"]).ok());
    for command in ["decode", "info", "verify", "recover", "export", "completions", "man"] {
        let help = scene.run(&["help", command]).ok();
        assert_eq!(help, scene.run(&[command, "--help"]).ok());
        assert!(help.contains(&format!("Usage: steno {command}")), "{help}");
    }
    let said = scene.run(&["help", "stats"]).fails(2);
    assert!(said.starts_with("steno: unrecognized subcommand 'stats'"), "{said}");
    scene.write("help", five().sealed());
    assert_eq!(scene.run(&["./help", "--json"]).ok().lines().count(), 5);
}
