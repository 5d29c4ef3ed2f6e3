//! `steno export --to steno`: the same dump in fewer bytes.

use std::fs;

use crate::dump::{Dump, tick};
use crate::program::Workspace;

/// A dump of many small blocks of two rings, and a loss.
fn dump() -> Dump {
    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    dump.thread(2, "other");
    for at in 0..30 {
        dump.block(1, at * 128, at * 2, &[tick(at * 10), tick(at * 10 + 1)]);
        dump.block(2, at * 64, at, &[tick(at * 10 + 2)]);
    }
    dump.loss(1, 30 * 128, 1_000, 7);
    dump
}

#[test]
fn the_same_records_come_out_of_fewer_bytes() {
    let workspace = Workspace::with("app.steno", dump().sealed_with_losses(7));
    let said = workspace
        .run(&["export", "--to", "steno", "--zstd", "19", "app.steno", "-o", "small.steno"])
        .ok();
    assert!(said.starts_with("small.steno: 90 records in 1 block, "), "{said}");
    assert_eq!(
        workspace.run(&["verify", "small.steno"]).code,
        workspace.run(&["verify", "app.steno"]).code
    );
    for form in ["json", "verbose"] {
        let [before, after] = ["app.steno", "small.steno"]
            .map(|file| workspace.run(&[file, "--utc", "-o", form]).stdout);
        assert_eq!(before.lines().count(), after.lines().count());
        assert_eq!(before, after);
    }
    let length = |name| fs::metadata(workspace.path().join(name)).unwrap().len();
    assert!(length("small.steno") < length("app.steno") / 4);
}

#[test]
fn it_goes_from_standard_input_to_standard_output() {
    let workspace = Workspace::with("app.steno", dump().sealed_with_losses(7));
    workspace.run(&["export", "--to", "steno", "app.steno", "-o", "small.steno"]).ok();
    let args = ["export", "--to", "steno", "-", "-o", "-"];
    let mut command = workspace.command(&args);
    let input = fs::File::open(workspace.path().join("app.steno")).unwrap();
    let output = command.stdin(input).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty());
    assert_eq!(output.stdout, fs::read(workspace.path().join("small.steno")).unwrap());
}

#[test]
fn nothing_is_replaced_without_force() {
    let workspace = Workspace::with("app.steno", dump().sealed_with_losses(7));
    workspace.write("there", "precious");
    let args = ["export", "--to", "steno", "app.steno", "-o", "there"];
    assert_eq!(
        workspace.run(&args).fails(1),
        "steno: there: exists; name another file, or replace it with --force\n"
    );
    assert_eq!(fs::read(workspace.path().join("there")).unwrap(), b"precious");
    workspace.run(&[&args[..], &["--force"]].concat()).ok();
    workspace.run(&["there"]);
    assert_ne!(fs::read(workspace.path().join("there")).unwrap(), b"precious");
    let itself = ["export", "--to", "steno", "app.steno", "-o", "./app.steno", "--force"];
    assert_eq!(
        workspace.run(&itself).fails(1),
        "steno: ./app.steno: is the file to export; name another file\n"
    );
}

#[test]
fn a_damaged_dump_is_exported_only_with_allow_damage() {
    let mut bytes = dump().sealed_with_losses(7);
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    let workspace = Workspace::with("app.steno", bytes);
    workspace.write("open.steno", dump().unsealed());
    for (name, records) in [("app.steno", "89"), ("open.steno", "90")] {
        let args = ["export", "--to", "steno", name, "-o", "small.steno", "--force"];
        let complaint = workspace.run(&args).fails(3);
        assert!(complaint.contains("is damaged or incomplete: see `steno verify"), "{complaint}");
        assert!(!workspace.path().join("small.steno").exists());
        let run = workspace.run(&[&args[..], &["--allow-damage"]].concat());
        assert_eq!(run.code, Some(3));
        let counts = ["88", "89", records].map(|count| format!("small.steno: {count} records"));
        assert!(counts.iter().any(|count| run.stdout.starts_with(count)), "{}", run.stdout);
        fs::remove_file(workspace.path().join("small.steno")).unwrap();
    }
}

#[test]
fn several_dumps_are_not_one() {
    let workspace = Workspace::with("a.steno", dump().sealed_with_losses(7));
    workspace.write("b.steno", dump().sealed_with_losses(7));
    let complaint = workspace.run(&["export", "--to", "steno", ".", "-o", "small"]).fails(1);
    assert!(complaint.contains("is not a single dump; name a file"), "{complaint}");
}
