use clap::Parser as _;

use super::*;
use crate::commands;

fn args(line: &str) -> Args {
    let words = std::iter::once("steno").chain(line.split_whitespace());
    match commands::CommandLine::try_parse_from(words).unwrap().into_command() {
        commands::Command::Decode(args) => args,
        other => panic!("another command: {other:?}"),
    }
}

#[track_caller]
fn decode(line: &str) -> Plan {
    Plan::new(args(line), &Environment::EMPTY).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn check_inputs(line: &str, expected: &[&str]) {
    let expected: Vec<_> = expected.iter().map(|&name| Input::from(name.as_ref())).collect();
    assert_eq!(decode(line).inputs, expected, "{line}");
}

#[track_caller]
fn check_error(line: &str, expected: &str) {
    let error = Plan::new(args(line), &Environment::EMPTY).map(drop).unwrap_err();
    assert_eq!(error.to_string(), expected, "{line}");
}

#[test]
fn decode_is_implied() {
    check_inputs("a.steno", &["a.steno"]);
    check_inputs("decode a.steno", &["a.steno"]);
    check_inputs("--json a.steno b.steno -n 3", &["a.steno", "b.steno"]);
    check_inputs("- a.steno", &["-", "a.steno"]);
}

#[test]
fn files_may_be_named_like_commands() {
    check_inputs("./info", &["./info"]);
    check_inputs("decode info", &["info"]);
    check_inputs("-- info", &["info"]);
    check_inputs("a.steno info", &["a.steno", "info"]);
    check_inputs("-- -a.steno", &["-a.steno"]);
}

#[test]
fn field_filters_stand_among_the_files() {
    check_inputs("a.steno user=7 b.steno", &["a.steno", "b.steno"]);
    check_inputs("./user=7", &["./user=7"]);
    check_error(
        "user=7",
        "only filters are given; add a file, a directory or - for standard input",
    );
}

#[test]
fn what_is_shown_and_how() {
    let plan = decode("a -n 5 -e");
    assert!(matches!((plan.format, plan.order), (Format::Short, Order::Time)));
    assert_eq!((plan.last, plan.exit_status), (Some(5), true));
    assert!(matches!(decode("a --json").format, Format::Json));
    assert!(matches!(decode("a -o csv").format, Format::Csv));
    assert!(matches!(decode("a --unordered").order, Order::File));
}

#[test]
fn people_read_local_time_and_programs_utc() {
    assert_eq!(decode("a").zone, Zone::LOCAL);
    assert_eq!(decode("a -o verbose").zone, Zone::LOCAL);
    assert_eq!(decode("a --json").zone, Zone::UTC);
    assert_eq!(decode("a -o csv --time-zone local").zone, Zone::LOCAL);
    assert_eq!(decode("a --utc").zone, Zone::UTC);
    assert_eq!(decode("a --time-zone -03:30").zone, Zone::fixed(-12_600).unwrap());
    let berlin = Zone::named("Europe/Berlin").unwrap();
    assert_eq!(decode("a --json --time-zone Europe/Berlin").zone, berlin);
}

#[test]
fn colours_follow_the_flag_then_the_environment_then_the_terminal() {
    #[track_caller]
    fn check(flags: &str, set: [bool; 3], expected: bool) {
        check_with(flags, set, false, expected);
    }
    #[track_caller]
    fn check_with(
        flags: &str,
        [terminal, no_color, force_color]: [bool; 3],
        terminal_is_plain: bool,
        expected: bool,
    ) {
        let environment = Environment {
            stdout_is_terminal: terminal,
            terminal_is_plain,
            no_color,
            force_color,
            ..Environment::EMPTY
        };
        let plan = Plan::new(args(&format!("a {flags}")), &environment).unwrap();
        assert_eq!(plan.color, expected, "{flags} {terminal} {no_color} {force_color}");
    }
    check("", [false, false, false], false);
    check("", [true, false, false], true);
    check("", [true, true, false], false);
    check("", [false, false, true], true);
    check("", [true, true, true], false);
    check("--color auto", [true, false, false], true);
    check("--color never", [true, false, true], false);
    check("--color always", [false, true, false], true);
    check_with("", [true, false, false], true, false);
    check_with("", [true, false, true], true, true);
    check_with("--color always", [true, false, false], true, true);
    check_with("--color auto", [true, false, false], true, false);
}

#[test]
fn capitals_make_the_search_exact() {
    #[track_caller]
    fn check(pattern: &str, ignore_case: bool, text: &str, expected: bool) {
        let ignore_case = ignores_case(pattern, ignore_case);
        let regex =
            regex::RegexBuilder::new(pattern).case_insensitive(ignore_case).build().unwrap();
        assert_eq!(regex.is_match(text), expected, "{pattern}");
    }
    check("error", false, "ERROR", true);
    check("Error", false, "ERROR", false);
    check("Error", true, "ERROR", true);
    check(r"\Serror", false, "xERROR", true);
    check(r"\p{Greek}a", false, "λA", true);
    check(r"\\Sa", false, r"\sa", false);
    check("ärger", false, "ÄRGER", true);
}

#[test]
fn nonsense_is_named() {
    check_error(
        "a -g (x",
        "--grep '(x' is not a valid regular expression: unclosed group; see https://docs.rs/regex/#syntax",
    );
    check_error(
        "a -S soon",
        "--since 'soon' is not a time: use '2026-05-31 14:30', '14:30', 'yesterday', '-2h', \
         '@1780000000' or RFC 3339",
    );
    check_error(
        "a -U -2",
        "--until '-2' has a number without a known unit: use ns, us, ms, s, m, h, d or w, as in \
         '-1h30m'",
    );
    check_error("a -S -1h -U -2h", "--since (-1h) is after --until (-2h), so no record can match");
}
