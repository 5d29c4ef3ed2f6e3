//! Help, version, completions and the manual page.

use crate::program::Workspace;

#[test]
fn help_is_as_reviewed() {
    let workspace = Workspace::new();
    for (name, args) in [
        ("help", &["--help"][..]),
        ("help-short", &["-h"]),
        ("help-decode", &["decode", "-h"]),
        ("help-info", &["info", "-h"]),
        ("help-verify", &["verify", "-h"]),
    ] {
        insta::assert_snapshot!(name, workspace.run(args).ok());
    }
}

#[test]
fn a_bare_call_is_answered_with_help() {
    let run = Workspace::new().run(&[]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
    assert!(run.stderr.contains("Usage: steno"), "{}", run.stderr);
}

#[test]
fn version() {
    let expected = format!("steno {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(Workspace::new().run(&["--version"]).ok(), expected);
    assert_eq!(Workspace::new().run(&["-V"]).ok(), expected);
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Workspace::new().run(&["completions", shell]).ok();
        assert!(script.contains("exit-status"), "{shell}");
    }
    let line = Workspace::new().run(&["completions", "tcsh"]).fails(2);
    assert!(line.starts_with("steno: invalid value 'tcsh' for '<SHELL>'"), "{line}");
}

#[test]
fn the_manual_page_is_roff() {
    let page = Workspace::new().run(&["man"]).ok();
    assert!(page.contains(".TH steno 1"), "{page}");
    assert!(page.contains("exit\\-status"), "{page}");
    // All is on this page: there is no other to refer to.
    assert!(page.contains("\\fBsteno verify [OPTIONS] <FILE>...\\fR"), "{page}");
    assert!(!page.contains("steno\\-verify(1)"), "{page}");
}
