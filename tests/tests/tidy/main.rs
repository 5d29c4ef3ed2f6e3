//! House rules of the whole tree that no compiler checks: sizes, arrows between folders, constants of
//! the format, wording, and links.
//!
//! Exceptions are in `exceptions.txt`, as `rule: what`. One that is no longer needed fails too, so the
//! list only shrinks.

mod arrows;
mod constants;
mod documents;
mod files;
mod sizes;
mod wording;

use std::collections::BTreeSet;

const EXCEPTIONS: &str = include_str!("exceptions.txt");

/// Compares what violates a rule with the exceptions: both must be the same.
#[track_caller]
fn check(rule: &str, found: impl IntoIterator<Item = String>) {
    let found: BTreeSet<String> = found.into_iter().map(|what| format!("{rule}: {what}")).collect();
    let is_of_rule =
        |line: &&str| line.strip_prefix(rule).is_some_and(|rest| rest.starts_with(": "));
    let exceptions: BTreeSet<String> =
        EXCEPTIONS.lines().filter(is_of_rule).map(str::to_owned).collect();
    let lines = |set: Vec<&String>| set.iter().map(|line| format!("\n{line}")).collect::<String>();
    let new = lines(found.difference(&exceptions).collect());
    let done = lines(exceptions.difference(&found).collect());
    assert!(new.is_empty() && done.is_empty(), "to be mended:{new}\nexceptions that can go:{done}");
}
