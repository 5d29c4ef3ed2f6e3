//! Spans: shown around records, searched for, and their events on request.

use serde_json::Value;
use stenolog_testkit::{SpanBlocks, SpanProgram};

use crate::program::{Run, Workspace};

/// Two requests, one of them with a query.
fn requests() -> Workspace {
    let mut program = SpanProgram::new(SpanBlocks::Groups);
    program.request(1, 1, 0, "/x");
    program.enter(1, 1);
    program.log(1, 1);
    program.flush();
    program.query(1, 2, 3);
    program.log(1, 2);
    program.exit_close(1, 2);
    program.request(2, 3, 0, "/y");
    program.enter(2, 3);
    program.log(2, 3);
    program.flush();
    program.exit(1, 1);
    program.close(1, 1);
    program.log(1, 4);
    program.flush();
    program.dump.seal(0);
    Workspace::with("app.steno", program.dump.into_bytes())
}

/// What follows the target in each line, and what is said besides.
#[track_caller]
fn shown(args: &[&str]) -> (Vec<String>, String) {
    let Run { code, stdout, stderr } = requests().run(&[&["app.steno"], args].concat());
    assert_eq!(code, Some(0), "{stderr}");
    let message = |line: &str| {
        let (_, rest) = line.split_once(" app").expect("the target");
        rest.split_once(": ").expect("a message").1.to_owned()
    };
    (stdout.lines().map(message).collect(), stderr)
}

const FIRST: &str = "request{path=\"/x\"}: n 1";
const IN_QUERY: &str = "request{path=\"/x\"}:query{n=3}: n 2";
const OF_OTHER: &str = "request{path=\"/y\"}: n 3";

#[test]
fn records_are_shown_in_their_spans_and_found_by_them() {
    assert_eq!(shown(&[]).0, [FIRST, IN_QUERY, OF_OTHER, "n 4"]);
    assert_eq!(shown(&["-n", "2"]).0, [OF_OTHER, "n 4"]);
    assert_eq!(shown(&["span.path=/x"]).0, [FIRST, IN_QUERY]);
    assert_eq!(shown(&["span.path=/x", "n=2"]).0, [IN_QUERY]);
    assert_eq!(shown(&["span.name=query"]).0, [IN_QUERY]);
    assert_eq!(shown(&["span.id=3"]).0, [OF_OTHER]);
    // The message alone is searched.
    assert_eq!(shown(&["-g", "n [0-9]"]).0.len(), 4);
    assert_eq!(shown(&["-g", "request"]).0.len(), 0);
}

#[test]
fn events_are_shown_if_asked_for() {
    let (lines, _) = shown(&["--spans", "span.path=/x"]);
    let expected = [
        "request{path=\"/x\"}: new",
        "request{path=\"/x\"}: enter",
        FIRST,
        "request{path=\"/x\"}:query{n=3}: new",
        "request{path=\"/x\"}:query{n=3}: enter",
        IN_QUERY,
        "request{path=\"/x\"}:query{n=3}: exit",
        "request{path=\"/x\"}:query{n=3}: close busy=20ns total=20ns",
        "request{path=\"/x\"}: exit",
        "request{path=\"/x\"}: close busy=80ns total=100ns",
    ];
    assert_eq!(lines, expected);
    let run = requests().run(&["app.steno", "--spans", "--json", "-t", "app::http"]);
    let kinds = run.stdout.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["span_event"].as_str().unwrap().to_owned()
    });
    let expected = "new enter new enter exit close new enter exit close";
    assert_eq!(kinds.collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn names_that_no_span_has_are_explained() {
    let (lines, stderr) = shown(&["span.pat=/x"]);
    assert_eq!(lines.len(), 0);
    assert!(stderr.contains("; did you mean span.path=VALUE?"), "{stderr}");
    let (_, stderr) = shown(&["path=/x"]);
    assert!(
        stderr.contains("path: only spans have this field; did you mean span.path=VALUE?"),
        "{stderr}"
    );
}

#[test]
fn reports_count_events_apart() {
    let workspace = requests();
    let report = |command: &str| -> Value {
        let run = workspace.run(&[command, "app.steno", "--json"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    };
    let (info, verified) = (report("info"), report("verify"));
    assert_eq!((&info["records"], &info["spans"]), (&4.into(), &8.into()));
    assert_eq!((&verified["records"], &verified["spans"]), (&4.into(), &8.into()));
    assert_eq!(verified["complete"], true);
    assert_eq!(info["frames"]["context"], 3);
    let text = |command| workspace.run(&[command, "app.steno"]).stdout;
    assert!(text("info").contains("spans:      8 events of spans"), "{}", text("info"));
    assert!(text("verify").contains("4 records, 8 span events, 2 rings"), "{}", text("verify"));
}

#[test]
fn a_smaller_dump_has_the_same_spans() {
    let workspace = requests();
    let run = workspace.run(&["export", "--to", "steno", "app.steno", "-o", "small.steno"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    for args in [&["--spans"][..], &["--json"], &["-n", "2"]] {
        let of = |file| workspace.run(&[&[file], args].concat()).stdout;
        assert_eq!(of("small.steno"), of("app.steno"));
    }
}
