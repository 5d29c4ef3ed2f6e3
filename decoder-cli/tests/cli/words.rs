//! A word that is neither a file nor a filter: nothing is shown but a suggestion.

use crate::dump::{Dump, five, tick, ticks};
use crate::program::Workspace;

/// Checks the messages about words beside a good dump, of which nothing may be shown.
#[track_caller]
fn check(words: &[&str], code: i32, expected: &[&str]) {
    let workspace = Workspace::with("app.steno", five().sealed());
    for args in [words.to_vec(), [words, &["app.steno"]].concat(), [&["app.steno"], words].concat()]
    {
        let expected: String = expected.iter().map(|line| format!("steno: {line}\n")).collect();
        assert_eq!(workspace.run(&args).fails(code), expected, "{args:?}");
    }
}

const COMMANDS: &str = "commands are decode, info, verify, dict, recover, clean, export, completions, man, help; \
                        see `steno --help`";

const NEITHER: &str = "not a command, a file or a filter (NAME=VALUE)";

#[test]
fn a_word_that_looks_like_a_command() {
    check(&["stats"], 2, &[&format!("stats: {NEITHER}; {COMMANDS}")]);
    check(&["verfy"], 2, &[&format!("verfy: {NEITHER}; did you mean steno verify?")]);
    check(
        &["stats", "nonsense"],
        2,
        &[&format!("stats: {NEITHER}; {COMMANDS}"), &format!("nonsense: {NEITHER}; {COMMANDS}")],
    );
    let workspace = Workspace::with("app.steno", five().sealed());
    let said = workspace.run(&["app.steno", "verify"]).fails(2);
    assert_eq!(
        said,
        "steno: verify: no such file; a command must come first: `steno verify FILE`\n"
    );
}

#[test]
fn an_expression() {
    let text = |example| {
        format!(
            "expressions are not supported yet (there is no --where); filter by NAME=VALUE, such as \
             {example}, or search the text with -g REGEX"
        )
    };
    check(&["latency_us>1000"], 2, &[&format!("latency_us>1000: {}", text("latency_us=1000"))]);
    check(&["order_id >= 2"], 2, &[&format!("order_id >= 2: {}", text("order_id=2"))]);
    check(&["order_id!=2"], 2, &[&format!("order_id!=2: {}", text("order_id=2"))]);
    check(&["size ~ /a b/"], 2, &[&format!("size ~ /a b/: {}", text("'size=/a b/'"))]);
    check(&["size like 'a*'"], 2, &[&format!("size like 'a*': {}", text("'size=a*'"))]);
    check(&["a or not exists(b)"], 2, &[&format!("a or not exists(b): {}", text("user.id=42"))]);
    let option = "not a file or a field; did you mean";
    check(&["level >= warn"], 2, &[&format!("level >= warn: {option} -l warn?")]);
    check(&["message ~ /a b/"], 2, &[&format!("message ~ /a b/: {option} -g '/a b/'?")]);
}

#[test]
fn a_filter_that_is_misspelt() {
    let workspace = Workspace::with("app.steno", five().sealed());
    let said = |args: &[&str]| workspace.run(args).fails(2);
    let filter = "not a file or a filter (NAME=VALUE)";
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
    let workspace = Workspace::with("app.steno", five().sealed());
    for (word, meant) in [
        ("usr.name=ann", "user.name=VALUE"),
        ("orderid=1", "order_id=VALUE"),
        ("level=warn", "-l LEVEL"),
        ("thread=main", "--thread NAME"),
    ] {
        let run = workspace.run(&["app.steno", word]);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
        let asked = format!("; did you mean {meant}?\n");
        assert!(run.stderr.ends_with(&asked), "{word}: {}", run.stderr);
    }
}

#[test]
fn other_commands_take_no_filters() {
    let workspace = Workspace::with("app.steno", five().sealed());
    for command in ["info", "verify"] {
        let said = workspace.run(&[command, "app.steno", "order_id=1"]).fails(2);
        assert_eq!(said, "steno: order_id=1: no such file; only `steno decode` takes filters\n");
        workspace.run(&[command, "app.steno", "nonsense"]).fails(2);
        workspace.run(&[command, "app.steno", "gone.steno"]).fails(1);
    }
    workspace.run(&["recover", "nonsense", "--to", "out.steno"]).fails(2);
    workspace.run(&["export", "--to", "steno", "nonsense", "-o", "out.steno"]).fails(2);
}

#[test]
fn patterns_and_files_with_an_equals_sign_are_files() {
    let workspace = Workspace::with("logs/date=2026-11-29/app.steno", ticks(1, 3).sealed());
    workspace.write("logs/date=2026-11-30/app.steno", ticks(2, 2).sealed());
    workspace.write("date=30/app.steno", ticks(3, 4).sealed());
    workspace.write("order_id=1", five().sealed());
    let count = |word: &str| workspace.run(&[word, "--json"]).ok().lines().count();
    assert_eq!(count("logs/date=2026-*/app.steno"), 5);
    assert_eq!(count("logs/date=*"), 5);
    assert_eq!(count("date=*/app.steno"), 4);
    assert_eq!(count("date=30/app.steno"), 4);
    assert_eq!(count("date=30"), 4);
    assert_eq!(count("order_id=?"), 5);
    assert_eq!(count("order_id=1"), 5);
    // A value with an asterisk that no file has is a filter.
    let run = workspace.run(&["order_id=1", "user.name=a*", "--json"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{}", run.stderr);
}

#[test]
fn help_is_a_command() {
    let workspace = Workspace::new();
    assert_eq!(workspace.run(&["help"]).ok(), workspace.run(&["--help"]).ok());
    for command in ["decode", "info", "verify", "dict", "recover", "export", "completions", "man"] {
        let help = workspace.run(&["help", command]).ok();
        assert_eq!(help, workspace.run(&[command, "--help"]).ok());
        assert!(help.contains(&format!("Usage: steno {command}")), "{help}");
    }
    let said = workspace.run(&["help", "stats"]).fails(2);
    assert!(said.starts_with("steno: unknown command 'stats'"), "{said}");
    workspace.write("help", five().sealed());
    assert_eq!(workspace.run(&["./help", "--json"]).ok().lines().count(), 5);
}

#[test]
fn a_target_or_thread_that_nothing_has() {
    let workspace = Workspace::with("app.steno", five().sealed());
    #[track_caller]
    fn check(workspace: &Workspace, args: &[&str], records: usize, expected: &str) {
        let run = workspace.run(&[&["app.steno", "--json"], args].concat());
        assert_eq!((run.code, run.stdout.lines().count()), (Some(0), records), "{args:?}");
        assert_eq!(run.stderr, expected, "{args:?}");
    }
    let target = "no call site has this target";
    let thread = "no thread has this name or id";
    check(&workspace, &["-t", "nosuch"], 0, &format!("steno: nosuch: {target}\n"));
    check(&workspace, &["-t", "ap"], 0, &format!("steno: ap: {target}; did you mean app?\n"));
    // Other targets match, so records are shown.
    let meant = "did you mean app::net?";
    check(
        &workspace,
        &["-t", "app::ned,app::risk"],
        1,
        &format!("steno: app::ned: {target}; {meant}\n"),
    );
    check(&workspace, &["-t", "x*"], 0, &format!("steno: x*: {target}\n"));
    check(&workspace, &["--thread", "nosuch"], 0, &format!("steno: nosuch: {thread}\n"));
    let meant = "did you mean worker?";
    check(&workspace, &["--thread", "wroker"], 0, &format!("steno: wroker: {thread}; {meant}\n"));
    check(&workspace, &["--thread", "4711"], 0, &format!("steno: 4711: {thread}\n"));
    // What exists is no mistake, even if nothing matches.
    check(&workspace, &["-t", "app::risk", "--thread", "worker"], 0, "");
    check(&workspace, &["-t", "app", "--thread", "4002", "-g", "nothing"], 0, "");
    check(&workspace, &["-t", "stenolog"], 0, "");
}

/// A thread without a name, and a ring without a thread, go by the names that are shown.
#[test]
fn threads_without_a_name_are_known() {
    let mut dump = Dump::new(1);
    dump.thread(1, "");
    dump.block(1, 0, 0, &[tick(0)]);
    dump.block(2, 0, 0, &[tick(1)]);
    let workspace = Workspace::with("app.steno", dump.sealed());
    for name in ["thread-4001", "4001", "ring-2"] {
        let shown = workspace.run(&["app.steno", "--thread", name]).ok();
        assert_eq!(shown.lines().count(), 1, "{name}: {shown}");
    }
}
