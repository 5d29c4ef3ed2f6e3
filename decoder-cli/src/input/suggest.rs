//! Suggestions for words that are neither a file nor a filter.
//!
//! With such a word nothing is shown: a misspelt filter would show everything that it should hide.

use std::fmt;
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use stenolog_decoder::{Dump, Level, Limits};

use super::InputError;
use crate::cli::exit::{UNREADABLE, USAGE};

/// The least Jaro similarity of a word and a suggestion for it.
const MIN_SIMILARITY: f64 = 0.8;

const EXPRESSION: &str =
    "expressions are not supported yet (there is no --where); filter by NAME=VALUE";

/// How many of the named dumps to search for field names.
const MAX_DUMPS: usize = 8;

/// How many entries of a directory to search for a similar name.
const MAX_NAMES: usize = 4096;

/// Operators of comparisons, the longest first.
const OPERATORS: [&str; 16] = [
    "==",
    "!=",
    ">=",
    "<=",
    "=~",
    "!~",
    "~=",
    "=",
    ">",
    "<",
    "~",
    ":",
    " in ",
    " like ",
    " contains ",
    " matches ",
];

/// Other parts that only expressions have.
const EXPRESSION_PARTS: [&str; 6] = [" and ", " or ", " && ", " || ", "not ", "exists("];

/// Words on the command line that name nothing.
#[derive(Debug)]
pub(crate) struct UnknownWords {
    /// Why each word names nothing.
    pub(super) errors: Vec<InputError>,
    /// The files that the other words name.
    pub(super) files: Vec<PathBuf>,
    /// Whether words can be filters.
    pub(super) takes_filters: bool,
}

/// The words that a mistyped word could mean.
struct Vocabulary<'a> {
    program: &'a clap::Command,
    /// Names of fields in the named dumps.
    fields: Vec<String>,
    takes_filters: bool,
}

impl UnknownWords {
    /// A line for each word: what is wrong, and what was probably meant.
    pub(crate) fn explain(&self, program: &clap::Command) -> Vec<String> {
        let fields = fields_of(&self.files);
        let vocabulary = Vocabulary { program, fields, takes_filters: self.takes_filters };
        let explain = |error: &InputError| match error {
            InputError::Missing(path) if !is_path(path) => {
                let word = path.to_string_lossy();
                format!("{}: {}", shown(&word), vocabulary.explain(&word))
            }
            InputError::NoMatch(path) if is_expression(&path.to_string_lossy()) => {
                let word = path.to_string_lossy();
                format!("{word}: {}", vocabulary.explain(&word))
            }
            InputError::Missing(path) => match similar_file(path) {
                Some(file) => {
                    format!("{}: no such file or directory; {}", path.display(), ask(&file))
                }
                None => error.to_string(),
            },
            _ => error.to_string(),
        };
        self.errors.iter().map(explain).collect()
    }

    /// The exit code: a path that does not exist is an input that cannot be read; any other word is wrong
    /// usage.
    pub(crate) fn code(&self) -> u8 {
        let is_word = |error: &InputError| match error {
            InputError::Missing(path) | InputError::NoMatch(path) => !is_path(path),
            _ => false,
        };
        if self.errors.iter().any(is_word) { USAGE } else { UNREADABLE }
    }
}

impl std::error::Error for UnknownWords {}

impl fmt::Display for UnknownWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors: Vec<_> = self.errors.iter().map(ToString::to_string).collect();
        f.write_str(&errors.join("; "))
    }
}

impl Vocabulary<'_> {
    fn explain(&self, word: &str) -> String {
        let commands = self.commands();
        if commands.iter().any(|command| command == word) {
            return format!("no such file; a command must come first: `steno {word} FILE`");
        }
        if word.starts_with('-') && word.len() > 1 {
            return "no such file; options must come before `--`".to_owned();
        }
        if let Some((name, operator, value)) = comparison(word) {
            return self.explain_comparison(name, operator, value);
        }
        if is_expression(word) {
            return format!("{EXPRESSION}, such as user.id=42, or search the text with -g REGEX");
        }
        let what = "not a command, a file or a filter (NAME=VALUE)";
        let meant = level(word)
            .or_else(|| self.option(word))
            .or_else(|| Some(ask(&format!("steno {}", nearest(word, &commands)?))))
            .or_else(|| Some(ask(&format!("{}=VALUE", nearest(word, &self.fields)?))))
            .or_else(|| Some(ask(&similar_file(Path::new(word))?)));
        match meant {
            Some(meant) => format!("{what}; {meant}"),
            None => format!("{what}; commands are {}; see `steno --help`", commands.join(", ")),
        }
    }

    fn explain_comparison(&self, name: &str, operator: &str, value: &str) -> String {
        let fields = &self.fields;
        if !self.takes_filters {
            return "no such file; only `steno decode` takes filters".to_owned();
        }
        if let Some(option) = built_in(name).filter(|_| !fields.iter().any(|field| field == name)) {
            let option = option.split(' ').next().unwrap_or_default();
            let what = "not a file or a field";
            return format!("{what}; {}", ask(&format!("{option} {}", quoted(unquoted(value)))));
        }
        let name = nearest(name, fields).unwrap_or(name);
        let filter = quoted(&format!("{name}={}", unquoted(value)));
        match operator {
            "=" | "==" | ":" if super::is_field_name(name) => {
                format!("not a file or a filter (NAME=VALUE); {}", ask(&filter))
            }
            "=" | "==" | ":" => format!(
                "not a file or a filter; to filter by a field of this name, use -F {filter}"
            ),
            _ => format!("{EXPRESSION}, such as {filter}, or search the text with -g REGEX"),
        }
    }

    /// An option without its dashes, or the value of one.
    fn option(&self, word: &str) -> Option<String> {
        let options = || self.program.get_arguments().filter(|arg| arg.get_long().is_some());
        if options().any(|option| option.get_long() == Some(word)) {
            return Some(ask(&format!("--{word}")));
        }
        let takes = |option: &&clap::Arg| {
            option.get_possible_values().iter().any(|value| value.get_name() == word)
        };
        let option = options().find(takes)?;
        Some(ask(&match (option.get_short(), option.get_long()) {
            (Some(short), _) => format!("-{short} {word}"),
            (None, long) => format!("--{} {word}", long.unwrap_or_default()),
        }))
    }

    /// The names of all commands.
    fn commands(&self) -> Vec<String> {
        let names = self.program.get_subcommands().map(|command| command.get_name().to_owned());
        let names = names.filter(|name| name != "help");
        names.chain(["help".to_owned()]).collect()
    }
}

/// The names of fields in the first of these dumps.
fn fields_of(files: &[PathBuf]) -> Vec<String> {
    let mut names = Vec::new();
    for path in files.iter().take(MAX_DUMPS) {
        let Ok(dump) = Dump::open_within(path, &Limits::default()) else { continue };
        let slots = dump.sites().flat_map(|site| &site.call_site().slots);
        names.extend(slots.filter(|slot| !slot.name.is_empty()).map(|slot| slot.name.to_string()));
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// The most likely intended name of a field that does not exist.
pub(crate) fn similar_field(name: &str, fields: &[String]) -> Option<String> {
    let field = || nearest(name, fields).map(|field| ask(&format!("{field}=VALUE")));
    built_in(name).map(ask).or_else(field)
}

/// The option for a property that every record has.
fn built_in(name: &str) -> Option<&'static str> {
    Some(match name {
        "level" | "lvl" | "severity" => "-l LEVEL",
        "target" | "module" | "logger" => "-t TARGET",
        "thread" | "thread_id" | "tid" => "--thread NAME",
        "message" | "msg" => "-g REGEX",
        _ => return None,
    })
}

/// Whether the word looks like an expression.
fn is_expression(word: &str) -> bool {
    let mut parts = OPERATORS.into_iter().chain(EXPRESSION_PARTS);
    parts.any(|part| part != ":" && word.contains(part))
}

/// The value without quotes.
fn unquoted(value: &str) -> &str {
    let within = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(value)
}

/// Whether the word looks like the path of a dump, or of anything in another folder.
fn is_path(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let has_separator = text.contains(['/', MAIN_SEPARATOR]);
    let ends_as_one = [".gz", ".zst"].iter().any(|end| text.ends_with(end));
    (has_separator && !(is_expression(&text) && text.contains(' ')))
        || ends_as_one
        || text.contains(".steno")
}

/// A name, an operator and a value, if the word is a comparison or several.
fn comparison(word: &str) -> Option<(&str, &str, &str)> {
    let first = OPERATORS
        .iter()
        .filter_map(|operator| Some((word.find(operator)?, *operator)))
        // The first in the word; the longest of those.
        .min_by_key(|&(at, operator)| (at, std::cmp::Reverse(operator.len())));
    let (at, operator) = first?;
    let (name, value) = (word.get(..at)?.trim(), word.get(at + operator.len()..)?.trim());
    if operator == ":" && !super::is_field_name(name) {
        return None;
    }
    (!name.is_empty() || !value.is_empty()).then_some((name, operator, value))
}

fn level(word: &str) -> Option<String> {
    let level: Level = word.parse().ok()?;
    Some(ask(&format!("-l {}", level.to_string().to_lowercase())))
}

/// A file with a similar name in the same directory.
fn similar_file(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = fs::read_dir(folder.unwrap_or_else(|| Path::new("."))).ok()?;
    let names =
        entries.take(MAX_NAMES).filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    let found = nearest(name, &names)?;
    Some(folder.map_or_else(|| found.to_owned(), |folder| folder.join(found).display().to_string()))
}

/// The most similar candidate, if it is similar enough.
pub(crate) fn nearest<'c>(word: &str, candidates: &'c [String]) -> Option<&'c str> {
    let likeness = |candidate: &&String| strsim::jaro(word, candidate);
    let best = candidates.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) >= MIN_SIMILARITY).then_some(best.as_str())
}

pub(crate) fn ask(meant: &str) -> String {
    format!("did you mean {meant}?")
}

/// The word as the user has to type it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_.:=/@%+,-".contains(c);
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn shown(word: &str) -> String {
    if word.is_empty() { "''".to_owned() } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::commands::CommandLine;

    #[track_caller]
    fn check(word: &str, expected: &str) {
        let fields = ["order_id", "user.id", "latency_us"].map(str::to_owned).to_vec();
        let program = &CommandLine::command();
        let vocabulary = Vocabulary { program, fields, takes_filters: true };
        assert_eq!(vocabulary.explain(word), expected, "{word}");
    }

    #[test]
    fn what_was_probably_meant() {
        const COMMANDS: &str =
            "decode, info, verify, dict, recover, clean, export, completions, man, help";
        let neither = "not a command, a file or a filter (NAME=VALUE)";
        check("verfy", &format!("{neither}; did you mean steno verify?"));
        check("jsn", &format!("{neither}; commands are {COMMANDS}; see `steno --help`"));
        check("json", &format!("{neither}; did you mean --json?"));
        check("logfmt", &format!("{neither}; did you mean -o logfmt?"));
        check("warn", &format!("{neither}; did you mean -l warn?"));
        check("order-id", &format!("{neither}; did you mean order_id=VALUE?"));
        check("info", "no such file; a command must come first: `steno info FILE`");
        check("user-id:42", "not a file or a filter (NAME=VALUE); did you mean user.id=42?");
        check("user.id == 42", "not a file or a filter (NAME=VALUE); did you mean user.id=42?");
        check(
            "a[0]=b c",
            "not a file or a filter; to filter by a field of this name, use -F 'a[0]=b c'",
        );
        check("level>=warn", "not a file or a field; did you mean -l warn?");
        check("thread == \"a b\"", "not a file or a field; did you mean --thread 'a b'?");
        for word in ["a and b", "not x", "exists(f)"] {
            check(
                word,
                "expressions are not supported yet (there is no --where); filter by NAME=VALUE, such as \
                 user.id=42, or search the text with -g REGEX",
            );
        }
        check(
            "latency_us>1000",
            "expressions are not supported yet (there is no --where); filter by NAME=VALUE, such as \
             latency_us=1000, or search the text with -g REGEX",
        );
    }

    #[test]
    fn words_that_look_like_paths() {
        for path in
            ["a/b", "app.steno", "app.steno.1", "x.gz", "logs/date=2026-*/a.steno", "/tmp/a=1"]
        {
            assert!(is_path(Path::new(path)), "{path}");
        }
        for word in ["stats", "a>1", "latency_us >= 5", "a / b > 3", "", "user.id:42", "*"] {
            assert!(!is_path(Path::new(word)), "{word}");
        }
    }
}
