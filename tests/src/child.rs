//! A program of scenarios: what it does cannot be undone in a test's own process (environment variables,
//! limits, forks, the global logger).
//!
//! `child PROMISE/SCENARIO DUMP [ARGUMENTS]`. `PROMISE` is a file of `scenarios/`, named like the test
//! file that runs it; a scenario reports on standard output, a line each. Tests start it by
//! `stenolog_tests::scenario!`.
#![expect(clippy::print_stdout, reason = "its output is what the tests read")]

mod scenarios;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    scenarios::run(&arguments)
}
