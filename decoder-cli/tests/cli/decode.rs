//! Inputs, formats and filters.

use std::process::Stdio;

use crate::dump::{self, Dump, five, tick, ticks};
use crate::program::Workspace;

fn workspace() -> Workspace {
    Workspace::with("app.steno", five().sealed())
}

/// The messages that are shown, in order.
#[track_caller]
fn messages(workspace: &Workspace, args: &[&str]) -> Vec<String> {
    let args = [args, &["--json"]].concat();
    let lines = workspace.run(&args).ok();
    let message = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        value["message"].as_str().unwrap().to_owned()
    };
    lines.lines().map(message).collect()
}

const ALL: [&str; 5] =
    ["order 1 filled", "tick", "limit 500 exceeded", "Lost peer", "order 2 filled"];

/// Checks that of the five records those with these numbers are shown.
#[track_caller]
fn check(args: &[&str], expected: &[usize]) {
    let expected: Vec<_> = expected.iter().map(|&at| ALL[at]).collect();
    assert_eq!(messages(&workspace(), &[&["app.steno"], args].concat()), expected, "{args:?}");
}

#[test]
fn records_come_ordered_by_time() {
    check(&[], &[0, 1, 2, 3, 4]);
}

#[test]
fn unordered_goes_through_the_file() {
    let mut shown = messages(&workspace(), &["app.steno", "--unordered"]);
    assert_eq!(shown, [ALL[0], ALL[2], ALL[4], ALL[1], ALL[3]]);
    shown.sort_unstable();
    assert_eq!(shown.len(), 5);
}

#[test]
fn short_is_for_reading_and_escapes() {
    let text = workspace().run(&["app.steno", "--utc"]).ok();
    insta::assert_snapshot!("short", text);
    assert!(!text.contains('\u{1b}'));
    assert_eq!(workspace().run(&["decode", "app.steno", "-o", "short", "--utc"]).ok(), text);
}

#[test]
fn every_format() {
    let workspace = workspace();
    for format in ["verbose", "json", "json-pretty", "logfmt", "csv"] {
        insta::assert_snapshot!(format, workspace.run(&["app.steno", "-o", format, "--utc"]).ok());
    }
    let json = workspace.run(&["app.steno", "-o", "json"]).ok();
    assert_eq!(workspace.run(&["app.steno", "--json"]).ok(), json);
}

#[test]
fn jq_accepts_every_line() {
    let workspace = workspace();
    let mut steno = workspace.command(&["app.steno", "--json"]);
    let mut steno = steno.stdout(Stdio::piped()).spawn().unwrap();
    let jq = std::process::Command::new("jq")
        .args(["-c", "."])
        .stdin(steno.stdout.take().unwrap())
        .output();
    let json = workspace.run(&["app.steno", "--json"]).ok();
    // Where there is no jq, the other tests parse each line all the same.
    if let Ok(jq) = jq {
        assert!(jq.status.success());
        assert_eq!(jq.stdout.iter().filter(|&&byte| byte == b'\n').count(), json.lines().count());
    }
    assert!(steno.wait().unwrap().success());
}

#[test]
fn levels_and_more_severe_ones() {
    check(&["-l", "error"], &[3]);
    check(&["--level", "WARN"], &[2, 3]);
    check(&["-l", "debug"], &[0, 1, 2, 3, 4]);
}

#[test]
fn targets_have_what_is_below_them() {
    check(&["-t", "app"], &[0, 1, 2, 3, 4]);
    check(&["-t", "app::net"], &[0, 1, 4]);
    check(&["-t", "app::risk,app::net"], &[0, 1, 2, 4]);
    check(&["-t", "app::risk", "--target", "app::n*"], &[0, 1, 2, 4]);
}

#[test]
fn threads_by_name_and_id() {
    check(&["--thread", "worker"], &[1, 3]);
    check(&["--thread", "4001"], &[0, 2, 4]);
    check(&["--thread", "w*,main"], &[0, 1, 2, 3, 4]);
}

#[test]
fn grep_has_smart_case() {
    check(&["-g", "lost"], &[3]);
    check(&["-g", "LOST"], &[]);
    check(&["-g", "LOST", "-i"], &[3]);
    check(&["-g", "order|tick"], &[0, 1, 4]);
    check(&["-g", "order", "-g", "2"], &[4]);
    check(&["-g", "order", "-v"], &[1, 2, 3]);
    check(&["--grep", "-x"], &[]);
    check(&["-g", "^order 1"], &[0]);
}

#[test]
fn fields_by_value() {
    check(&["user.name=ann"], &[0]);
    check(&["order_id=2"], &[4]);
    check(&["-F", "order_id=1"], &[0]);
    check(&["--field", "user.name=Bob B"], &[4]);
    check(&["order_id=1", "user.name=Bob B"], &[]);
}

#[test]
fn an_unknown_field_is_named() {
    let run = workspace().run(&["app.steno", "nobody=1", "user.name=x"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""));
    assert_eq!(
        run.stderr,
        "steno: nobody: no call site has this field, and there is no file nobody=…\n"
    );
    assert_eq!(workspace().run(&["app.steno", "user.name=x"]).ok(), "");
}

#[test]
fn a_file_with_an_equals_sign_is_a_file() {
    let workspace = Workspace::with("order_id=2", five().sealed());
    assert_eq!(messages(&workspace, &["order_id=2"]).len(), 5);
    assert_eq!(messages(&workspace, &["./order_id=2"]).len(), 5);
}

#[test]
fn times_bound_on_both_sides() {
    check(&["-S", "2026-05-31 12:00:01", "--utc"], &[2, 3, 4]);
    check(&["-U", "2026-05-31 12:00:01", "--utc"], &[0, 1, 2]);
    check(&["-S", "2026-05-31T12:00:00.5Z", "-U", "@1780228802"], &[1, 2, 3]);
    check(&["-S", "2026-05-31 14:00:02", "--time-zone", "Europe/Berlin"], &[3, 4]);
    check(&["-U", "-2h", "-S", "-9000d"], if is_past() { &[0, 1, 2, 3, 4] } else { &[] });
    check(&["-S", "+1000w"], &[]);
}

/// With a wrong clock, the dumps are in the future.
fn is_past() -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_nanos() as i64 > dump::NOON_NS + 3 * 3_600_000_000_000
}

#[test]
fn the_zone_is_shown() {
    let workspace = workspace();
    let line = |args: &[&str]| {
        let args = [&["app.steno", "-n1"], args].concat();
        workspace.run(&args).ok().lines().next_back().unwrap().to_owned()
    };
    assert!(line(&["--utc"]).starts_with("2026-05-31T12:00:03.000000Z"), "{}", line(&["--utc"]));
    assert!(line(&["--time-zone", "Asia/Tokyo"]).starts_with("2026-05-31T21:00:03.000000+09:00"));
    assert!(line(&["--time-zone", "-03:30"]).starts_with("2026-05-31T08:30:03.000000-03:30"));
    assert!(line(&["--json"]).contains(r#""2026-05-31T12:00:03.000000000Z""#));
}

/// The clocks of New York went from 02:00 back to 01:00 at 06:00 UTC.
#[cfg(unix)]
#[test]
fn the_hour_that_comes_twice_is_taken_whole() {
    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    // 05:30, 06:30 and 07:30 UTC on 2026-11-01: 01:30 in summer, 01:30 in winter, 02:30.
    let ms = |utc_seconds: u64| (utc_seconds * 1_000) - dump::NOON_NS as u64 / 1_000_000;
    let ticks = [1_793_511_000, 1_793_514_600, 1_793_518_200].map(|utc| tick(ms(utc)));
    dump.block(1, 0, 0, &ticks);
    let workspace = Workspace::with("app.steno", dump.sealed());
    let check = |args: &[&str], expected: &[&str]| {
        for zone in [None, Some("America/New_York")] {
            let args = [&["app.steno"], args, &["--time-zone", zone.unwrap_or("local")]].concat();
            let mut command = workspace.command(&args);
            let output = command.env("TZ", "America/New_York").output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            let times: Vec<_> = text.lines().map(|l| [&l[11..16], &l[26..32]].concat()).collect();
            assert_eq!(times, expected, "{args:?}");
        }
    };
    let all = ["01:30-04:00", "01:30-05:00", "02:30-05:00"];
    check(&[], &all);
    check(&["-U", "2026-11-01 02:00"], &all[..2]);
    check(&["-U", "2026-11-01 01:45"], &all[..2]);
    check(&["-U", "2026-11-01 01:00"], &all[..1]);
    check(&["-S", "2026-11-01 01:00"], &all);
    check(&["-S", "2026-11-01 01:45"], &all[1..]);
    check(&["-S", "2026-11-01 02:00"], &all[2..]);
    check(&["-S", "2026-11-01T01:30:00-05:00"], &all[1..]);
}

#[test]
fn the_last_records() {
    check(&["-n", "2"], &[3, 4]);
    check(&["-n0"], &[]);
    check(&["--lines", "99"], &[0, 1, 2, 3, 4]);
    check(&["-n", "1", "-l", "warn"], &[3]);
}

#[test]
fn damage_before_the_last_records_is_not_told() {
    let mut dump = Dump::new(1);
    dump.thread(1, "main");
    for at in 0..40 {
        dump.block(1, at * 128, at * 2, &[tick(at * 10), tick(at * 10 + 1)]);
    }
    let mut bytes = dump.sealed();
    let workspace = Workspace::with("whole.steno", &bytes);
    // Within the records of the first block.
    let first = bytes.windows(4).position(|four| four == [0xf5, 0x9d, 0x73, 0x74]);
    let blocks = (first.unwrap()..bytes.len()).step_by(8);
    let mut blocks = blocks.filter(|&at| bytes[at..].starts_with(&[0xf5, 0x9d, 0x73, 0x74, 4]));
    let in_block = blocks.next().unwrap() + 24 + 72 + 1;
    bytes[in_block] ^= 1;
    workspace.write("damaged.steno", &bytes);
    let of_whole = workspace.run(&["whole.steno", "-n", "3"]).ok();
    assert_eq!(of_whole.lines().count(), 3);
    assert_eq!(workspace.run(&["damaged.steno", "-n", "3"]).ok(), of_whole);
    let all = workspace.run(&["damaged.steno", "-n", "99"]);
    assert_eq!((all.code, all.stdout.lines().count()), (Some(3), 79), "{}", all.stderr);
    assert_eq!(workspace.run(&["damaged.steno"]).code, Some(3));
}

#[test]
fn exit_status_tells_whether_something_matched() {
    let workspace = workspace();
    assert_eq!(workspace.run(&["app.steno", "-e", "-l", "error"]).code, Some(0));
    assert_eq!(workspace.run(&["app.steno", "-e", "-g", "nothing"]).fails(1), "");
    assert_eq!(workspace.run(&["app.steno", "-g", "nothing"]).ok(), "");
    // A record that -n hides has matched all the same.
    assert_eq!(workspace.run(&["app.steno", "-e", "-n0"]).ok(), "");
}

#[test]
fn colour_only_when_wanted() {
    let workspace = workspace();
    let is_coloured = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = workspace.command(&[&["app.steno"], args].concat());
        let output = command.envs(variables.iter().copied()).output().unwrap();
        assert!(output.status.success());
        output.stdout.contains(&0x1b)
    };
    assert!(!is_coloured(&[], &[]));
    assert!(is_coloured(&["--color", "always"], &[]));
    assert!(is_coloured(&["--color=always"], &[("NO_COLOR", "1")]));
    assert!(!is_coloured(&["--color", "auto"], &[]));
    assert!(!is_coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(is_coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!is_coloured(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(!is_coloured(&["--json", "--color", "always"], &[]));
}

/// `script` gives the program a terminal, where there is one.
#[cfg(target_os = "linux")]
#[test]
fn plain_terminals_get_no_colour() {
    let workspace = workspace();
    let is_coloured = |args: &[&str], variables: &[(&str, &str)]| {
        let steno = format!("{} app.steno {}", env!("CARGO_BIN_EXE_steno"), args.join(" "));
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &steno, "/dev/null"]).current_dir(workspace.path());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm").envs(variables.iter().copied()).stdin(Stdio::null());
        let output = command.output().ok()?;
        assert!(output.status.success(), "{variables:?}");
        Some(output.stdout.contains(&0x1b))
    };
    let Some(true) = is_coloured(&[], &[]) else {
        assert_eq!(is_coloured(&[], &[]), None);
        return;
    };
    for plain in [("TERM", "dumb"), ("CLICOLOR", "0"), ("NO_COLOR", "1")] {
        assert_eq!(is_coloured(&[], &[plain]), Some(false), "{plain:?}");
        assert_eq!(is_coloured(&["--color", "always"], &[plain]), Some(true), "{plain:?}");
    }
    assert_eq!(is_coloured(&[], &[("CLICOLOR", "1")]), Some(true));
    assert_eq!(is_coloured(&[], &[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")]), Some(true));
    assert_eq!(is_coloured(&[], &[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")]), Some(true));
    assert_eq!(is_coloured(&["--color", "never"], &[]), Some(false));
}

#[test]
fn several_inputs_are_one_log() {
    let workspace = Workspace::with("logs/a.steno", ticks(1, 3).sealed());
    workspace.write("logs/b.steno", ticks(2, 2).sealed());
    workspace.write("logs/c.txt", "no dump, and not looked at");
    let lines = |args: &[&str]| {
        let run = workspace.run(&[args, &["--utc", "-o", "logfmt"]].concat());
        run.ok().lines().map(|line| line[..27].to_owned()).collect::<Vec<_>>()
    };
    let both = lines(&["logs/a.steno", "logs/b.steno"]);
    assert_eq!(both.len(), 5);
    assert!(both.is_sorted(), "{both:?}");
    assert_eq!(lines(&["logs"]), both);
    assert_eq!(lines(&["logs/*.steno"]), both);
    assert_eq!(lines(&["logs/?.steno", "logs/a.steno", "logs/../logs/a.steno"]), both);
    assert_eq!(lines(&["logs/a.steno"]).len(), 3);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_dump_gives_no_second_copy() {
    let workspace = Workspace::with("app.1.steno", ticks(1, 3).sealed());
    std::os::unix::fs::symlink("app.1.steno", workspace.path().join("app.steno")).unwrap();
    assert_eq!(messages(&workspace, &["."]).len(), 3);
    assert_eq!(messages(&workspace, &["app.steno"]).len(), 3);
}

#[test]
fn standard_input_is_a_file_too() {
    let workspace = Workspace::with("b.steno", ticks(2, 2).sealed());
    let run = workspace.run_with_input(&["-", "--json"], five().sealed());
    assert_eq!(run.ok().lines().count(), 5);
    let run = workspace.run_with_input(&["b.steno", "-", "--json", "-"], five().sealed());
    assert_eq!(run.ok().lines().count(), 7);
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let workspace = Workspace::with("app.steno", ticks(1, 20_000).sealed());
    for args in [&["app.steno"][..], &["app.steno", "--json"], &["man"]] {
        let mut child =
            workspace.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The next write finds the pipe closed.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}

/// A signal would say nothing. The pipe holds the program up in the middle of the file.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_another_program_empties_meanwhile_is_named() {
    let workspace = Workspace::with("app.steno", ticks(1, 200_000).sealed());
    let mut child = workspace
        .command(&["app.steno", "--threads", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut first = [0; 100];
    std::io::Read::read_exact(&mut stdout, &mut first).unwrap();
    let file =
        std::fs::File::options().write(true).open(workspace.path().join("app.steno")).unwrap();
    file.set_len(0).unwrap();
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("app.steno: byte ") && told.contains("another program shortened the file"),
        "{told}"
    );
    assert_eq!(output.status.code(), Some(3), "{told}");
}
