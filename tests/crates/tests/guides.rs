//! The guides: their programs are those of this package, and log what the guides show.

use std::path::Path;

use stenolog_tests_crates::{Program, blocks, page, shows, text, untimed};

macro_rules! program {
    ($name:literal) => {
        Program::new(env!(concat!("CARGO_BIN_EXE_", $name)))
    };
}

/// The source of a program, without its first line and the blank line after it.
fn source(name: &str) -> String {
    let source = page(&format!("tests/crates/src/bin/{name}.rs"));
    source.split_once("\n\n").expect("a program begins with a header").1.to_owned()
}

#[track_caller]
fn has_program(guide: &str, name: &str) {
    let is_there = blocks(&page(guide), "rust").contains(&source(name));
    assert!(is_there, "{guide} does not have the source of {name}:\n{}", source(name));
}

/// Applies the lines of a guide's block of differences to a program.
#[track_caller]
fn changed(before: &str, difference: &str) -> String {
    let mut program = before.to_owned();
    let lines_of = |sign: char| -> String {
        let lines = difference.lines().filter_map(|line| line.strip_prefix(sign));
        lines.map(|line| format!("{line}\n")).collect()
    };
    let (old, new) = (lines_of('-'), lines_of('+'));
    assert_eq!(program.matches(&old).count(), 1, "the lines to replace:\n{old}");
    program = program.replace(&old, &new);
    program
}

/// A guide that shows a program before, and what changes.
#[track_caller]
fn is_ported(guide: &str, before: &str, after: &str) {
    has_program(guide, before);
    let page = page(guide);
    let differences = blocks(&page, "diff");
    let of_program = differences.last().expect("the guide shows what changes");
    assert_eq!(changed(&source(before), of_program), source(after), "{after}");
}

#[test]
fn a_program_of_log_changes_its_set_up() {
    let guide = "docs/from-log.md";
    is_ported(guide, "mailer_before", "mailer");
    let (_, printed) = program!("mailer_before").run();
    shows(guide, &untimed(&printed.replace("_before", "")), &[]);
    let mut after = program!("mailer");
    assert_eq!(after.run(), (String::new(), String::new()));
    shows(guide, &text(&after.file("mailer.steno")), &[]);
}

#[test]
fn a_program_of_tracing_changes_its_set_up() {
    let guide = "docs/from-tracing.md";
    is_ported(guide, "importer_before", "importer");
    let (printed, _) = program!("importer_before").run();
    shows(guide, &untimed(&printed.replace("_before", "")), &[]);
    let mut after = program!("importer");
    assert_eq!(after.run(), (String::new(), String::new()));
    shows(guide, &text(&after.file("importer.steno")), &[]);
}

#[test]
fn a_program_that_printed_logs() {
    let guide = "docs/from-println.md";
    has_program(guide, "thermostat_before");
    has_program(guide, "thermostat");
    let (printed, complaints) = program!("thermostat_before").run();
    let mut after = program!("thermostat");
    let (stdout, console) = after.run();
    let log = text(&after.file("thermostat.steno"));
    assert_eq!(stdout, "");
    assert_eq!(untimed(&console), log.lines().last().unwrap().to_owned() + "\n");
    shows(guide, &log, &[]);
    // What was printed is in the log, line for line.
    for (line, logged) in printed.lines().zip(log.lines()) {
        assert!(logged.ends_with(line), "{logged}");
    }
    assert_eq!(complaints, "hall: warm already\n");
}

#[test]
fn a_game_logs_frames() {
    let guide = "docs/guides/games.md";
    has_program(guide, "game");
    let mut game = program!("game");
    game.run();
    shows(guide, &text(&game.file("game.steno")), &[]);
}

#[test]
fn a_gateway_shares_readings_of_the_clock() {
    let guide = "docs/guides/low-latency.md";
    has_program(guide, "gateway");
    let mut gateway = program!("gateway");
    gateway.run();
    shows(guide, &text(&gateway.file("gateway.steno")), &["waited"]);
}

#[test]
fn a_worker_logs_to_standard_output_or_to_a_volume() {
    let guide = "docs/guides/containers.md";
    has_program(guide, "worker");
    let mut alone = program!("worker");
    let (all, events) = alone.run();
    assert_eq!((all.lines().count(), events.as_str()), (3, ""));

    let volume = tempfile::tempdir().unwrap();
    let path = volume.path().join("logs/worker-{pid}.steno");
    let logs = volume.path().join("logs");
    let mut worker = program!("worker")
        .env("STENOLOG_PATH", path.to_str().unwrap())
        .env("STENOLOG_RINGS_IN", logs.to_str().unwrap());
    let (severe, events) = worker.run();
    assert_eq!((severe.lines().count(), events.as_str()), (1, ""));
    let dumps = std::fs::read_dir(&logs).unwrap();
    let dumps: Vec<_> = dumps.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(dumps.len(), 1, "{dumps:?}");
    shows(guide, &text(&dumps[0]), &[]);
}

#[test]
fn the_tests_of_the_guide_are_run() {
    let guide = page("docs/guides/tests.md");
    let source = page("tests/crates/tests/captured.rs");
    let source = source.split_once("\n\n").unwrap().1;
    for block in blocks(&guide, "rust") {
        assert!(source.contains(&block), "tests/captured.rs does not have:\n{block}");
    }
}

/// A page that is not in the list would have code that nothing compiles.
#[test]
fn every_page_with_code_is_compiled() {
    let compiled = page("tests/crates/src/lib.rs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = 0;
    for folder in ["docs", "docs/guides"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let name = format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap());
            if name.ends_with(".md") && !blocks(&page(&name), "rust").is_empty() {
                assert!(compiled.contains(&format!("/{name}\"")), "{name} is not compiled");
                pages += 1;
            }
        }
    }
    assert!(pages >= 8, "{pages}");
}
