//! Each mistake and each damage gets a clear line that names the file, and the right exit code.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use stenolog_format::frame::{FileHeader, Version};

use crate::dump::{Dump, five, tick, ticks};
use crate::program::Workspace;

/// A whole header of a version that is to come.
fn newer() -> Vec<u8> {
    let whole = five().sealed();
    let (header, _) = FileHeader::decode(&whole).unwrap();
    FileHeader { version: Version { major: 9, minor: 0 }, ..header }.encode().to_vec()
}

/// Checks all that is said when the file cannot be read.
#[track_caller]
fn check(bytes: &[u8], expected: &str) {
    let workspace = Workspace::with("app.steno", bytes);
    for command in [&["app.steno"][..], &["info", "app.steno"], &["verify", "app.steno"]] {
        assert_eq!(workspace.run(command).fails(1), expected, "{command:?}");
    }
}

#[test]
fn a_file_that_is_not_a_dump() {
    check(
        b"hello, world",
        "steno: app.steno: not a stenolog dump: it begins with \"hello, w\"; \
         name a file that a stenolog logger wrote\n",
    );
}

#[test]
fn an_empty_file() {
    check(b"", "steno: app.steno: is empty; its logger wrote nothing, or has not started yet\n");
}

#[test]
fn a_cut_header() {
    check(
        &five().sealed()[..40],
        "steno: app.steno: is cut: the file ends within its header, after 40 of 64 bytes; nothing \
         was recorded before the cut\n",
    );
}

#[test]
fn a_newer_version() {
    check(
        &newer(),
        "steno: app.steno: format version 9.0 is newer than this reader (1.5): use a newer steno\n",
    );
}

#[test]
fn a_missing_file() {
    let workspace = Workspace::new();
    assert_eq!(
        workspace.run(&["no/app.steno"]).fails(1),
        "steno: no/app.steno: no such file or directory; check the path\n"
    );
    assert_eq!(
        workspace.run(&["no*.steno"]).fails(1),
        "steno: no*.steno: no file matches this pattern; check it, and quote it if the shell should \
         not expand it\n"
    );
    assert_eq!(
        workspace.run(&["no/\u{1b}[2J\nsteno: all is well"]).fails(1),
        "steno: no/\\u{1b}[2J\\nsteno: all is well: no such file or directory; check the path\n"
    );
}

#[test]
fn a_misplaced_command() {
    assert_eq!(
        Workspace::new().run(&["--json", "info"]).fails(2),
        "steno: info: no such file; a command must come first: `steno info FILE`\n"
    );
}

#[test]
fn a_directory_without_dumps() {
    let workspace = Workspace::with("logs/app.log", "text");
    assert_eq!(
        workspace.run(&["logs"]).fails(1),
        "steno: logs: no dumps in this directory: looked for *.steno and for rotated or compressed \
         copies (app.steno.1, app.steno.gz); name other files one by one\n"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read() {
    use std::fs::{Permissions, copy, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    let workspace = Workspace::with("app.steno", five().sealed());
    set_permissions(workspace.path(), Permissions::from_mode(0o755)).unwrap();
    set_permissions(workspace.path().join("app.steno"), Permissions::from_mode(0o000)).unwrap();
    let program = workspace.path().join("steno");
    copy(env!("CARGO_BIN_EXE_steno"), &program).unwrap();
    let mut command = std::process::Command::new(program);
    command.arg("app.steno").current_dir(workspace.path());
    if File::open(workspace.path().join("app.steno")).is_ok() {
        // Root may read everything: run as another user.
        command.uid(65_534);
    }
    let output = loop {
        match command.output() {
            // A process that another test has just forked holds the copy open, until it runs another program.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            output => break output.unwrap(),
        }
    };
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "steno: app.steno: cannot be read: Permission denied (os error 13); check the path and its \
         permissions\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn other_files_are_still_shown() {
    let workspace = Workspace::with("good.steno", ticks(1, 3).sealed());
    workspace.write("bad.steno", "text");
    let run = workspace.run(&["bad.steno", "good.steno", "--json"]);
    assert_eq!(run.code, Some(1));
    assert_eq!(run.stdout.lines().count(), 3);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    // What is not there is told before anything is shown.
    let said = workspace.run(&["bad.steno", "good.steno", "god.steno", "--json"]).fails(1);
    assert_eq!(said, "steno: god.steno: no such file or directory; did you mean good.steno?\n");
}

#[test]
fn wrong_words() {
    #[track_caller]
    fn check(args: &[&str], expected: &str) {
        let workspace = Workspace::with("app.steno", five().sealed());
        let args = [&["app.steno"], args].concat();
        assert_eq!(workspace.run(&args).fails(2), format!("steno: {expected}\n"), "{args:?}");
    }
    check(&["--colour"], "unexpected argument '--colour'; did you mean --color?");
    check(
        &["-S", "soon"],
        "--since 'soon' is not a time: use '2026-05-31 14:30', '14:30', 'yesterday', '-2h', \
         '@1780000000' or RFC 3339",
    );
    check(
        &["-U", "-2y"],
        "--until '-2y' has a number without a known unit: use ns, us, ms, s, m, h, d or w, as in \
         '-1h30m'",
    );
    check(
        &["-g", "[a"],
        "--grep '[a' is not a valid regular expression: unclosed character class; \
         see https://docs.rs/regex/#syntax",
    );
    check(&["-F", "x"], "`x` is not a filter: write NAME=VALUE");
    check(
        &["--time-zone", "Mars"],
        "--time-zone `Mars` is not a time zone: use utc, local, an offset (+02:00) or a name \
         (Europe/Berlin)",
    );
    check(
        &["-n", "many"],
        "invalid value 'many' for '--lines <N>': not a whole number; see `steno --help`",
    );
}

#[test]
fn a_damaged_block_costs_only_itself() {
    let whole = ticks(1, 300).sealed();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    let workspace = Workspace::with("app.steno", &bytes);
    let run = workspace.run(&["app.steno", "--json"]);
    assert_eq!(run.code, Some(3));
    assert_eq!(run.stdout.lines().count(), 201, "two blocks, and the gap between them");
    assert_eq!(
        run.stderr,
        "steno: app.steno: byte 1248: the checksum of a block frame is wrong (800 bytes lost)\n\
         steno: incomplete: 1 damaged place, 100 records lost: wrong checksum; 200 records read\n"
    );
}

fn unsealed(name: &str, folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap();
    let folder = folder.display();
    let memory = if cfg!(unix) { ", /dev/shm" } else { "" };
    format!(
        "steno: {name}: byte 752: the file ends without an end mark; it is not sealed: its \
         writer was killed or did not close it, and records that it had not written are missing; its rings are not in \
         {folder}{memory} (--rings DIR looks elsewhere)\n\
         steno: incomplete: 1 unsealed dump; 5 records read\n"
    )
}

#[test]
fn a_dump_that_is_not_sealed() {
    let workspace = Workspace::with("app.steno", five().unsealed());
    let run = workspace.run(&["app.steno", "--json"]);
    assert_eq!(run.code, Some(3));
    assert_eq!(run.stdout.lines().count(), 5);
    assert_eq!(run.stderr, unsealed("app.steno", workspace.path()));
}

#[test]
fn a_dump_that_is_still_written_is_fine() {
    let workspace = Workspace::with("app.steno", five().unsealed());
    let writer = File::open(workspace.path().join("app.steno")).unwrap();
    writer.lock().unwrap();
    assert_eq!(workspace.run(&["app.steno", "--json"]).ok().lines().count(), 5);
    assert_eq!(workspace.run(&["verify", "app.steno"]).code, Some(0));
}

#[test]
fn a_dump_that_is_cut_anywhere() {
    let whole = five().sealed();
    let workspace = Workspace::new();
    let mut most = 0;
    // The library's tests cut everywhere; a step of 5 meets each place within the words of 8 bytes.
    for length in (64..whole.len()).step_by(5) {
        workspace.write("app.steno", &whole[..length]);
        let run = workspace.run(&["app.steno", "--json"]);
        assert_eq!(run.code, Some(3), "cut at {length}: {}", run.stderr);
        assert!(run.stderr.starts_with("steno: app.steno: "), "cut at {length}: {}", run.stderr);
        assert!(run.stderr.ends_with(" read\n"), "cut at {length}: {}", run.stderr);
        let records = run.stdout.lines().count();
        assert!(records >= most, "cut at {length} shows less than a shorter cut");
        most = records;
    }
    assert_eq!(most, 5);
}

#[test]
fn losses_are_shown_and_summed_up() {
    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    dump.block(1, 0, 0, &[tick(0), tick(1)]);
    dump.loss(1, 128, 5, 17);
    let workspace = Workspace::with("app.steno", dump.sealed_with_losses(17));
    let run = workspace.run(&["app.steno", "--utc"]);
    assert_eq!(run.code, Some(3));
    assert!(run.stdout.contains("17 records lost: ring full (17 DEBUG)"), "{}", run.stdout);
    assert_eq!(
        run.stderr,
        "steno: incomplete: 17 records lost when logged: ring full; 2 records read\n"
    );
}

#[test]
fn noise_does_not_flood_standard_error() {
    let workspace = Workspace::new();
    let mut bytes = ticks(1, 10_000).sealed();
    for byte in bytes.iter_mut().skip(2_000).step_by(97) {
        *byte ^= 0xff;
    }
    workspace.write("app.steno", bytes);
    let run = workspace.run(&["app.steno", "--json"]);
    assert_eq!(run.code, Some(3));
    assert!(run.stderr.lines().count() <= 25, "{}", run.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let workspace = Workspace::with("app.steno", five().sealed());
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = workspace.command(&["app.steno"]).stdout(full).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "steno: standard output: cannot be written: No space left on device (os error 28)\n"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn bad_standard_input() {
    let workspace = Workspace::new();
    assert_eq!(
        workspace.run(&["-"]).fails(1),
        "steno: <stdin>: is empty; its logger wrote nothing, or has not started yet\n"
    );
    assert_eq!(
        workspace.run_with_input(&["-"], newer()).fails(1),
        "steno: <stdin>: format version 9.0 is newer than this reader (1.5): use a newer steno\n"
    );
    let run = workspace.run_with_input(&["-", "--json"], five().unsealed());
    assert_eq!(run.code, Some(3));
    assert_eq!(run.stderr, unsealed("<stdin>", workspace.path()));
}
