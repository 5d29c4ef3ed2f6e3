//! Filters by target and level.
//!
//! The syntax is that of `RUST_LOG`, restricted to targets and levels. As with `steno -t`, a target
//! matches itself and its submodules, or is a pattern. Programs share the variable, so directives that
//! only other loggers understand do not keep this one from starting.

use std::env;

use stenolog_format::dictionary::Level;

/// Directives in the syntax of `RUST_LOG`: `info,my_crate::net=trace,noisy=off`.
#[derive(Debug)]
pub(crate) struct Filter {
    /// From the least to the most specific one.
    directives: Vec<Directive>,
}

/// The least severe level of some targets.
#[derive(Debug)]
struct Directive {
    /// A target with its submodules, or a pattern. An empty one matches every target.
    target: Box<str>,
    /// `None` if it is off.
    level: Option<Level>,
}

/// A filter that cannot be parsed, and why.
///
/// ```
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("app.steno");
/// let log = stenolog::Builder::new(path).start_detached()?;
/// let error: stenolog::FilterError = log.set_filter("app=loud").unwrap_err();
/// assert!(error.to_string().contains("`loud`"));
/// # log.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot parse the filter `{text}`: {reason} (it should look like `info,my_crate::net=trace`)"
)]
pub struct FilterError {
    text: String,
    reason: String,
}

/// A part of a filter that cannot be parsed, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ignored {
    pub(crate) part: String,
    pub(crate) reason: String,
}

/// A filter from an environment variable.
#[derive(Debug)]
pub(crate) struct FromEnv {
    /// `None` if the variable is not set or none of it can be parsed.
    pub(crate) filter: Option<Filter>,
    pub(crate) ignored: Vec<Ignored>,
}

impl Filter {
    pub(crate) fn everything() -> Self {
        Self::of(vec![Directive { target: "".into(), level: Some(Level::Trace) }])
    }

    pub(crate) fn parse(text: &str) -> Result<Self, FilterError> {
        let (mut directives, ignored) = parse(text);
        if let Some(Ignored { part, reason }) = ignored.into_iter().next() {
            let reason = if part == text { reason } else { format!("`{part}`: {reason}") };
            return Err(FilterError { text: text.to_owned(), reason });
        }
        if directives.is_empty() {
            directives.push(Directive { target: "".into(), level: Some(Level::Error) });
        }
        Ok(Self::of(directives))
    }

    /// Parses an environment variable, as far as possible.
    pub(crate) fn from_env(name: &str) -> FromEnv {
        let Some(value) = env::var_os(name) else {
            return FromEnv { filter: None, ignored: Vec::new() };
        };
        let Some(text) = value.to_str() else {
            let part = value.to_string_lossy().into_owned();
            let reason = "it is no Unicode text".to_owned();
            return FromEnv { filter: None, ignored: vec![Ignored { part, reason }] };
        };
        let (directives, ignored) = parse(text);
        let filter = (!directives.is_empty()).then(|| Self::of(directives));
        FromEnv { filter, ignored }
    }

    fn of(mut directives: Vec<Directive>) -> Self {
        // Of equally long ones the last counts.
        directives.sort_by_key(|directive| directive.target.len());
        Self { directives }
    }

    /// The least severe level that any target may have.
    #[cfg(any(feature = "log", feature = "tracing"))]
    pub(crate) fn max_level(&self) -> Option<Level> {
        self.directives
            .iter()
            .filter_map(|directive| directive.level)
            .max_by_key(|level| level.index())
    }

    pub(crate) fn allows(&self, level: Level, target: &str) -> bool {
        let of_target = self.directives.iter().rev().find(|directive| directive.matches(target));
        let limit = of_target.and_then(|directive| directive.level);
        limit.is_some_and(|limit| level.index() <= limit.index())
    }
}

impl Directive {
    fn matches(&self, target: &str) -> bool {
        if self.target.contains(['*', '?']) {
            return is_like(&self.target, target);
        }
        let rest = target.strip_prefix(&*self.target);
        self.target.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    }
}

/// Whether `text` matches the pattern, in which `*` is any text and `?` is any character.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut of) = (0, 0);
    // The last asterisk, and up to where it has taken the text.
    let mut asterisk = None;
    while of < text.len() {
        match pattern.get(at) {
            Some('*') => {
                asterisk = Some((at, of));
                at += 1;
            }
            Some(&c) if c == '?' || c == text[of] => {
                at += 1;
                of += 1;
            }
            _ => match &mut asterisk {
                Some((place, taken)) => {
                    *taken += 1;
                    (at, of) = (*place + 1, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|&c| c == '*')
}

/// The directives of a filter, and the parts that are not directives.
fn parse(text: &str) -> (Vec<Directive>, Vec<Ignored>) {
    let (mut directives, mut ignored) = (Vec::new(), Vec::new());
    let (text, regex) = split_regex(text);
    for part in parts(text).map(str::trim).filter(|part| !part.is_empty()) {
        match directive(part) {
            Ok(directive) => directives.push(directive),
            Err(reason) => ignored.push(Ignored { part: part.to_owned(), reason }),
        }
    }
    if let Some(regex) = regex {
        let reason = "messages cannot be filtered before they are formatted".to_owned();
        ignored.push(Ignored { part: regex.to_owned(), reason });
    }
    (directives, ignored)
}

fn directive(text: &str) -> Result<Directive, String> {
    if text.contains(['[', ']', '{', '}', '"']) {
        return Err("there is no filtering by spans and their fields".to_owned());
    }
    let (target, level) = match text.split_once('=') {
        None => match level(text) {
            Some(level) => ("", level),
            None => (text, Some(Level::Trace)),
        },
        Some((target, "")) => (target.trim_end(), Some(Level::Trace)),
        Some((target, name)) => {
            let level = level(name.trim()).ok_or_else(|| {
                format!(
                    "`{}` is not a level: use off, error, warn, info, debug or trace",
                    name.trim()
                )
            })?;
            (target.trim_end(), level)
        }
    };
    if target.contains(char::is_whitespace) {
        return Err("directives are parted by commas".to_owned());
    }
    Ok(Directive { target: target.into(), level })
}

/// The least severe wanted level; `Some(None)` if it is off.
fn level(text: &str) -> Option<Option<Level>> {
    if text.eq_ignore_ascii_case("off") || text == "0" {
        return Some(None);
    }
    text.parse().ok().map(Some)
}

/// Splits off the message expression that `env_logger` supports: `info/expression`.
fn split_regex(text: &str) -> (&str, Option<&str>) {
    let mut depth = 0_usize;
    let slash = text.char_indices().find(|&(_, c)| {
        depth = depth_after(c, depth);
        c == '/' && depth == 0
    });
    match slash {
        Some((at, _)) => (&text[..at], Some(&text[at..])),
        None => (text, None),
    }
}

/// The parts between commas, except for commas within the brackets of other loggers.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let ends_within = text.chars().fold(0, |depth, c| depth_after(c, depth)) > 0;
    let mut depth = 0;
    text.split(move |c| {
        depth = depth_after(c, depth);
        c == ',' && (depth == 0 || ends_within)
    })
}

const fn depth_after(c: char, depth: usize) -> usize {
    match c {
        '[' | '{' => depth + 1,
        ']' | '}' => depth.saturating_sub(1),
        _ => depth,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_go_by_target_and_level() {
        let filter = Filter::parse("warn,app=info,app::net=trace,noisy=off").unwrap();
        assert!(filter.allows(Level::Trace, "app::net::tcp"));
        assert!(filter.allows(Level::Info, "app::disk"));
        assert!(!filter.allows(Level::Debug, "app::disk"));
        assert!(filter.allows(Level::Warn, "other"));
        assert!(!filter.allows(Level::Info, "other"));
        assert!(!filter.allows(Level::Error, "noisy"));
    }

    #[track_caller]
    fn check(filter: &str, allowed: &[&str], refused: &[&str]) {
        let filter = Filter::parse(filter).unwrap();
        for target in allowed {
            assert!(filter.allows(Level::Info, target), "{target}");
        }
        for target in refused {
            assert!(!filter.allows(Level::Info, target), "{target}");
        }
    }

    #[test]
    fn a_target_is_itself_and_what_is_below_it() {
        let others = ["network", "network::net", "ne", "net:tcp", "net_x", "xnet", ""];
        check("info,net=off", &others, &["net", "net::tcp", "net::tcp::x"]);
        check("off,net=info", &["net", "net::tcp"], &others);
        check("net", &["net", "net::tcp"], &others);
        check("info,tokio=off", &["tokio_postgres"], &["tokio", "tokio::net"]);
        check("off,größe=info", &["größe", "größe::x"], &["größer"]);
    }

    #[test]
    fn patterns_are_those_of_steno() {
        check("off,net*=info", &["net", "network", "net::tcp"], &["xnet", "ne"]);
        check("off,*::tcp=info", &["net::tcp", "a::b::tcp"], &["tcp", "net::tcp::x"]);
        check("off,n?t=info", &["net", "nät"], &["nt", "neet", "net::x"]);
        check("off,a*b*c=info", &["abc", "aXbbYbc"], &["ab", "abcd"]);
        // The longest one that matches counts, and of equally long ones the last.
        check("info,net*=off,network::x=info", &["network::x", "x"], &["network", "net"]);
        check("net=off,net=info", &["net"], &[]);
    }

    #[test]
    fn levels_in_all_spellings() {
        check("INFO", &["x"], &[]);
        check("3", &["x"], &[]);
        check("0,x=5", &["x"], &["y"]);
        check(" off , x = Info ,, y=", &["x", "y"], &["z"]);
        check("warning", &[], &["x"]);
        assert!(Filter::parse("").unwrap().allows(Level::Error, "x"));
        check("", &[], &["x"]);
    }

    #[test]
    fn what_is_no_filter_is_named() {
        let error = Filter::parse("app=loud").unwrap_err().to_string();
        assert!(error.contains("app=loud"), "{error}");
        let error = Filter::parse("info,app=loud").unwrap_err().to_string();
        assert!(
            error.contains("cannot parse the filter `info,app=loud`: `app=loud`: `loud`"),
            "{error}"
        );
        for text in ["info/needle", "app[req{id=1}]=debug", "a=b=c", "info app=debug", "[", "x=1=2"]
        {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_leaves_the_rest() {
        #[track_caller]
        fn check(text: &str, expected: usize, parts: &[&str]) {
            let (directives, ignored) = parse(text);
            let ignored: Vec<_> = ignored.iter().map(|ignored| ignored.part.as_str()).collect();
            assert_eq!((directives.len(), &*ignored), (expected, parts), "{text}");
        }
        check("info/regex", 1, &["/regex"]);
        check("info,app=debug/a,b/c", 2, &["/a,b/c"]);
        check("app[req{id=1}]=debug", 0, &["app[req{id=1}]=debug"]);
        check("info,app[req{id=1,path=/x}]=debug,net=off", 2, &["app[req{id=1,path=/x}]=debug"]);
        check("info,app[req=debug,net=off", 2, &["app[req=debug"]);
        check("info,[{user=\"a b\"}]=trace", 1, &["[{user=\"a b\"}]=trace"]);
        check("info,app=loud,net=off,=?", 2, &["app=loud", "=?"]);
        check("info app=debug", 0, &["info app=debug"]);
        check("", 0, &[]);
    }
}
