//! Files that were rotated or packed: found in directories, read, and each record shown once.

use std::io::Write as _;
use std::process::Stdio;

use crate::dump::{five, ticks};
use crate::program::Workspace;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

/// How many records are shown, of a run that went well.
#[track_caller]
fn count(workspace: &Workspace, args: &[&str]) -> usize {
    workspace.run(&[args, &["--json"]].concat()).ok().lines().count()
}

#[test]
fn a_directory_has_rotated_and_packed_files_too() {
    let workspace = Workspace::new();
    let names = [
        "app.steno",
        "app.steno.1",
        "app.steno.2.gz",
        "app.steno.3.zst",
        "app.steno.2026-11-30",
        "app.steno-20261129",
        "app.steno-20261128.gz",
        "app.steno.bak",
        "app.steno.old.gz",
        "app.20261130T104149Z.000017.steno",
    ];
    let mut all = 0;
    for (number, name) in (1..).zip(names) {
        let dump = ticks(number, number.into()).sealed();
        all += usize::from(number);
        workspace.write(
            &format!("logs/{name}"),
            match name.rsplit_once('.') {
                Some((_, "gz")) => gzip(&dump),
                Some((_, "zst")) => zstd(&dump),
                _ => dump,
            },
        );
    }
    assert_eq!(count(&workspace, &["logs"]), all);
    assert_eq!(count(&workspace, &["logs/*"]), all);
    assert_eq!(workspace.run(&["info", "--json", "logs"]).ok().lines().count(), names.len());
    assert_eq!(workspace.run(&["verify", "--json", "logs"]).ok().lines().count(), names.len());
}

#[test]
fn what_is_passed_over_is_said() {
    let workspace = Workspace::with("logs/app.steno", ticks(1, 3).sealed());
    workspace.write("logs/app.steno.md5", "0123456789abcdef");
    workspace.write("logs/notes.txt", "text");
    workspace.write("logs/trace.bin", ticks(2, 3).sealed());
    workspace.write("logs/.tmp0001", ticks(3, 3).sealed());
    let run = workspace.run(&["logs", "--json"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 3));
    assert_eq!(
        run.stderr,
        "steno: logs/app.steno.md5: skipped: is not a dump\n\
         steno: logs/trace.bin: skipped: is a dump, but its name has no .steno; name it to \
         read it\n"
    );
    // Named, it is read; and what is named and no dump is an error.
    assert_eq!(count(&workspace, &["logs/trace.bin"]), 3);
    workspace.run(&["logs/app.steno.md5"]).fails(1);

    std::fs::remove_file(workspace.path().join("logs/app.steno")).unwrap();
    let said = workspace.run(&["logs"]).fails(1);
    assert!(said.ends_with("one by one: logs/app.steno.md5 logs/trace.bin\n"), "{said}");
}

#[test]
fn a_rotated_file_that_is_damaged_is_an_error() {
    let workspace = Workspace::with("logs/app.steno", ticks(1, 3).sealed());
    for bytes in [&b"not a dump at all"[..], b"", &ticks(2, 3).sealed()[..20]] {
        workspace.write("logs/app.steno.1", bytes);
        let run = workspace.run(&["logs", "--json"]);
        assert_eq!((run.code, run.stdout.lines().count()), (Some(1), 3), "{}", run.stderr);
        assert!(run.stderr.starts_with("steno: logs/app.steno.1: "), "{}", run.stderr);
    }
}

#[test]
fn packed_copies_are_read_wherever_they_come_from() {
    let dump = five().sealed();
    let (first, second) = dump.split_at(300);
    for packed in [gzip(&dump), [gzip(first), gzip(second)].concat(), zstd(&dump)] {
        // The name does not count, only the content.
        let workspace = Workspace::with("copy", &packed);
        assert_eq!(count(&workspace, &["copy"]), 5);
        let run = workspace.run_with_input(&["-", "--json"], packed.clone());
        assert_eq!(run.ok().lines().count(), 5);
        assert!(workspace.run(&["info", "copy"]).ok().starts_with("copy\n  state:      sealed\n"));
        assert!(workspace.run(&["verify", "copy"]).ok().starts_with("copy: complete: 5 records, "));
        let run = workspace.run(&["export", "--to", "steno", "copy", "-o", "small.steno"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        assert_eq!(count(&workspace, &["small.steno"]), 5);
    }
}

#[test]
fn other_packings_are_named() {
    let xz = b"\xfd7zXZ\0\0\x04";
    let workspace = Workspace::with("logs/app.steno.xz", xz);
    workspace.write("logs/app.steno", five().sealed());
    let run = workspace.run(&["logs", "--json"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 5));
    let packed = "is compressed in a format that steno does not support";
    assert_eq!(run.stderr, format!("steno: logs/app.steno.xz: skipped: {packed}\n"));
    let told =
        |name| format!("steno: {name}: {packed}; decompress it first: xzcat FILE | steno -\n");
    assert_eq!(workspace.run(&["logs/app.steno.xz"]).fails(1), told("logs/app.steno.xz"));
    assert_eq!(workspace.run_with_input(&["-"], xz.to_vec()).fails(1), told("<stdin>"));
}

#[cfg(unix)]
#[test]
fn a_named_pipe_is_read_to_its_end() {
    let workspace = Workspace::new();
    let pipe = workspace.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let child = workspace.command(&["pipe", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
    std::fs::write(&pipe, gzip(&five().sealed())).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 5);
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_copy_that_is_cut_or_damaged_shows_what_is_there() {
    let dump = ticks(1, 30_000).sealed();
    for (name, packed) in [("app.steno.gz", gzip(&dump)), ("app.steno.zst", zstd(&dump))] {
        let workspace = Workspace::with(name, &packed[..packed.len() - 3]);
        let run = workspace.run(&[name, "--json"]);
        assert_eq!(run.code, Some(3), "{}", run.stderr);
        assert!(
            run.stderr.starts_with(&format!("steno: {name}: the compressed copy is ")),
            "{}",
            run.stderr
        );
        for command in ["info", "verify"] {
            assert_eq!(workspace.run(&[command, name]).code, Some(3));
        }
        let half = Workspace::with(name, &packed[..20]);
        half.run(&[name]).fails(1);
    }
    // Only the checksum of a copy is wrong: all is there, and it is told.
    let mut packed = gzip(&dump);
    let at = packed.len() - 6;
    packed[at] ^= 1;
    let workspace = Workspace::with("app.steno.gz", packed);
    let run = workspace.run(&["app.steno.gz", "--json"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 30_000), "{}", run.stderr);
    assert!(run.stderr.contains("the compressed copy is damaged"), "{}", run.stderr);
}

#[test]
fn a_bomb_is_bounded() {
    let mut dump = five().sealed();
    dump.resize(64 << 20, 0);
    let workspace = Workspace::with("app.steno.gz", gzip(&dump));
    let run = workspace.run(&["app.steno.gz", "--json", "--max-unpacked", "1M"]);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(3), 5));
    assert!(
        run.stderr.starts_with("steno: app.steno.gz: unpacks to more than 1.0 MiB; the rest is not read (--max-unpacked SIZE)\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_dump_and_its_packed_copy_are_shown_once() {
    let dump = ticks(1, 300).sealed();
    let workspace = Workspace::with("logs/app.steno.1", &dump);
    workspace.write("logs/app.steno.1.gz", gzip(&dump));
    workspace.write("logs/app.steno.1.zst", zstd(&dump));
    // What was copied when there was less of it.
    workspace.write("logs/app.steno.bak", &dump[..dump.len() / 2]);
    assert_eq!(count(&workspace, &["logs"]), 300);
    assert_eq!(count(&workspace, &["logs", "--unordered"]), 300);
    assert_eq!(count(&workspace, &["logs", "-n", "5"]), 5);
    let run = workspace.run_with_input(&["logs/app.steno.1.gz", "-", "--json"], zstd(&dump));
    assert_eq!(run.ok().lines().count(), 300);
    // A damaged copy takes nothing from a whole one.
    let mut damaged = dump.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x55;
    workspace.write("logs/app.steno.0", damaged);
    let run = workspace.run(&["logs", "--json"]);
    let records = run.stdout.lines().filter(|line| line.contains("\"message\"")).count();
    assert_eq!((run.code, records), (Some(3), 300), "{}", run.stderr);
}
