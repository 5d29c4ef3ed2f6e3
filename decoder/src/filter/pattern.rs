//! Patterns for targets and threads.

use regex::Regex;
use stenolog_format::dictionary::Thread;

/// A target, or a pattern with `*` and `?`.
#[derive(Clone, Debug)]
pub(super) enum TargetPattern {
    Prefix(Box<str>),
    Glob(Regex),
}

impl TargetPattern {
    pub(super) fn new(pattern: &str) -> Self {
        glob(pattern).map_or_else(|| Self::Prefix(pattern.into()), Self::Glob)
    }

    pub(super) fn matches(&self, target: &str) -> bool {
        match self {
            Self::Prefix(prefix) => target
                .strip_prefix(&**prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::")),
            Self::Glob(regex) => regex.is_match(target),
        }
    }
}

/// A thread's name, a pattern for it, or its id.
#[derive(Clone, Debug)]
pub(super) struct ThreadPattern {
    name: Box<str>,
    glob: Option<Regex>,
    os_id: Option<u64>,
}

impl ThreadPattern {
    pub(super) fn new(pattern: &str) -> Self {
        Self { name: pattern.into(), glob: glob(pattern), os_id: pattern.parse().ok() }
    }

    pub(super) fn matches(&self, name: &str, thread: Option<&Thread>) -> bool {
        *self.name == *name
            || self.glob.as_ref().is_some_and(|regex| regex.is_match(name))
            || self.os_id.is_some_and(|id| thread.is_some_and(|thread| thread.os_id == id))
    }
}

/// The pattern as a regex, if it contains `*` or `?`. A regex takes linear time for any pattern.
fn glob(pattern: &str) -> Option<Regex> {
    if !pattern.contains(['*', '?']) {
        return None;
    }
    let regex = regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", ".");
    // Only a pattern that is too long fails: it is then a plain name.
    Regex::new(&format!("^(?s:{regex})$")).ok()
}
