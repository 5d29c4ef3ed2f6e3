//! The JSON of reports, byte for byte: programs rely on its keys, their order and the values.

use std::fs;

use crate::dump::{Dump, five, tick, ticks};
use crate::program::Workspace;
use crate::rings::{crashed, rings};

/// Compares the lines that `info --json` and `verify --json` print with the reviewed ones.
#[track_caller]
fn check(name: &str, workspace: &Workspace, args: &[&str]) {
    for command in ["info", "verify"] {
        let run = workspace.run(&[&[command, "--json"], args].concat());
        let folder = workspace.path().canonicalize().unwrap();
        let text = run.stdout.replace(folder.to_str().unwrap(), "[folder]");
        let text = format!("exit code {:?}\n{text}", run.code);
        insta::assert_snapshot!(format!("{name}-{command}"), text);
    }
}

#[test]
fn a_sealed_dump() {
    check("sealed", &Workspace::with("app.steno", five().sealed()), &["app.steno"]);
}

#[test]
fn several_dumps_are_one_line_each() {
    let workspace = Workspace::with("a.steno", five().sealed());
    workspace.write("b.steno", ticks(2, 300).sealed());
    check("several", &workspace, &["."]);
}

#[test]
fn an_unsealed_dump() {
    check("unsealed", &Workspace::with("app.steno", five().unsealed()), &["app.steno"]);
}

#[test]
fn a_dump_with_losses_and_a_gap() {
    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    dump.block(1, 0, 0, &[tick(0), tick(1)]);
    dump.block(1, 4_058 * 64, 4_058, &[tick(5)]);
    dump.loss(1, 4_059 * 64, 5, 17);
    check("losses", &Workspace::with("app.steno", dump.sealed_with_losses(17)), &["app.steno"]);
}

#[test]
fn a_damaged_dump() {
    let mut bytes = ticks(1, 300).sealed();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    bytes.truncate(bytes.len() - 20);
    check("damaged", &Workspace::with("app.steno", bytes), &["app.steno"]);
}

#[test]
fn a_dump_that_rings_complete() {
    let workspace = crashed();
    check("rings", &workspace, &["app.steno"]);
    let ring = rings(&workspace).join("ring-0");
    let mut bytes = fs::read(&ring).unwrap();
    bytes[4096 + 64] ^= 0xff;
    bytes[4096 + 67] ^= 0x40;
    fs::write(&ring, bytes).unwrap();
    check("damaged-rings", &workspace, &["app.steno"]);
    fs::remove_file(workspace.path().join("app.steno")).unwrap();
    let name = rings(&workspace);
    check("rings-alone", &workspace, &[name.file_name().unwrap().to_str().unwrap()]);
}

#[test]
fn what_is_beyond_a_limit() {
    let workspace = crashed();
    check("max-metadata", &workspace, &["app.steno", "--max-metadata", "64"]);
    check("max-ring-bytes", &workspace, &["app.steno", "--max-ring-bytes", "4K"]);
    check("max-ring-files", &workspace, &["app.steno", "--max-ring-files", "0"]);
}

#[cfg(unix)]
#[test]
fn ring_directories() {
    use crate::clean::{dump_of, left};

    let workspace = Workspace::new();
    left(&workspace, 1, "sealed.steno", true);
    workspace.write("sealed.steno", dump_of(1, true).sealed());
    left(&workspace, 2, "gone.steno", false);
    fs::remove_file(workspace.path().join("gone.steno")).unwrap();
    left(&workspace, 3, "read.steno", true);
    left(&workspace, 4, "unread.steno", false);
    let nameless = left(&workspace, 5, "nameless.steno", false);
    fs::remove_file(workspace.path().join("nameless.steno")).unwrap();
    fs::remove_file(nameless.join("dump")).unwrap();
    for (name, args) in [("clean", &[][..]), ("clean-remove", &["--remove", "--unread"])] {
        let run = workspace.run(&[&["clean", "rings", "--json"], args].concat());
        let folder = workspace.path().to_str().unwrap().to_owned();
        let mut text = format!("exit code {:?}\n", run.code);
        for line in run.stdout.replace(&folder, "[folder]").lines() {
            // What a file takes on its file system, and how long ago it was written, vary.
            let (before, rest) = line.split_once("\"bytes\":").unwrap();
            let (_, after) = rest.split_once("\"may_go\":").unwrap();
            text.push_str(&format!("{before}\"bytes\":N,\"age_s\":N,\"may_go\":{after}\n"));
        }
        insta::assert_snapshot!(name, text);
    }
}
