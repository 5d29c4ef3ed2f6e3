//! House rules of the whole tree that no compiler checks: sizes, arrows between folders, constants of
//! the format, wording, and links.

mod arrows;
mod constants;
mod documents;
mod files;
mod sizes;
mod wording;

use std::collections::BTreeSet;

/// Fails with a line for each violation of a rule.
#[track_caller]
fn check(rule: &str, found: impl IntoIterator<Item = String>) {
    let found: BTreeSet<String> =
        found.into_iter().map(|what| format!("\n{rule}: {what}")).collect();
    assert!(found.is_empty(), "to be mended:{}", found.into_iter().collect::<String>());
}
