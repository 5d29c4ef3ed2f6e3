//! Suggestions for words that are neither a file nor a filter.
//!
//! With such a word nothing is shown: a misspelt filter would show everything that it should hide.

use std::fmt;
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use clap::{CommandFactory as _, ValueEnum as _};
use stenolog_decoder::{Dump, Level, Limits};

use super::InputError;
use crate::cli::args::{Args, ColorWhen};
use crate::cli::exit::{UNREADABLE, USAGE};

/// How alike two words must be for one to be a slip of the other, by Jaro's measure.
const ALIKE: f64 = 0.8;

const EXPRESSION: &str = "an expression, which this steno cannot filter by (there is no --where yet): \
                          a filter is NAME=VALUE";

/// How many of the named dumps to search for field names.
const MAX_DUMPS: usize = 8;

/// How many entries of a folder to search for a similar name.
const MAX_NAMES: usize = 4096;

/// What a comparison can be written with. The longest first.
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

/// What else only expressions have.
const OF_EXPRESSIONS: [&str; 6] = [" and ", " or ", " && ", " || ", "not ", "exists("];

/// Words of the command line that stand for nothing.
#[derive(Debug)]
pub(crate) struct Strays {
    lines: Vec<String>,
    code: u8,
}

/// What is known of the command line beside the word.
pub(super) struct Around<'a> {
    /// The files that the other words name.
    pub(super) files: &'a [PathBuf],
    /// Whether words can be filters.
    pub(super) takes_filters: bool,
}

impl Strays {
    /// Explains each of the words, of which there is one at least.
    pub(super) fn new(errors: &[InputError], around: &Around<'_>) -> Self {
        let fields = around.fields();
        let explain = |error: &InputError| match error {
            InputError::Missing(path) if !is_path(path) => {
                let word = path.to_string_lossy();
                format!("{}: {}", shown(&word), around.explain(&word, &fields))
            }
            InputError::NoMatch(path) if is_expression(&path.to_string_lossy()) => {
                let word = path.to_string_lossy();
                format!("{word}: {}", around.explain(&word, &fields))
            }
            InputError::Missing(path) => match similar_file(path) {
                Some(file) => {
                    format!("{}: no such file or directory; {}", path.display(), ask(&file))
                }
                None => error.to_string(),
            },
            _ => error.to_string(),
        };
        let is_word = |error: &InputError| match error {
            InputError::Missing(path) | InputError::NoMatch(path) => !is_path(path),
            _ => false,
        };
        let code = if errors.iter().any(is_word) { USAGE } else { UNREADABLE };
        Self { lines: errors.iter().map(explain).collect(), code }
    }

    /// A line for each word.
    pub(crate) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The exit code: a path that leads nowhere is an input that cannot be read, all else wrong usage.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl std::error::Error for Strays {}

impl fmt::Display for Strays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines.join("; "))
    }
}

impl Around<'_> {
    fn explain(&self, word: &str, fields: &[String]) -> String {
        let commands = commands();
        if commands.iter().any(|command| command == word) {
            return format!("no such file; a command comes first: `steno {word} FILE`");
        }
        if word.starts_with('-') && word.len() > 1 {
            return "no such file; options come before `--`".to_owned();
        }
        if let Some((name, operator, value)) = comparison(word) {
            return self.explain_comparison(name, operator, value, fields);
        }
        if is_expression(word) {
            return format!("{EXPRESSION}, such as user.id=42; -g REGEX searches the text");
        }
        let what = "neither a command, nor a file, nor a filter (NAME=VALUE)";
        let meant = level(word)
            .or_else(|| option(word))
            .or_else(|| Some(ask(&format!("steno {}", nearest(word, &commands)?))))
            .or_else(|| Some(ask(&format!("{}=VALUE", nearest(word, fields)?))))
            .or_else(|| Some(ask(&similar_file(Path::new(word))?)));
        match meant {
            Some(meant) => format!("{what}; {meant}"),
            None => format!("{what}; commands are {}; see `steno --help`", commands.join(", ")),
        }
    }

    fn explain_comparison(
        &self,
        name: &str,
        operator: &str,
        value: &str,
        fields: &[String],
    ) -> String {
        if !self.takes_filters {
            return "no such file; only `steno decode` takes filters".to_owned();
        }
        if let Some(option) = built_in(name).filter(|_| !fields.iter().any(|field| field == name)) {
            let option = option.split(' ').next().unwrap_or_default();
            let what = "neither a file nor a filter by a field";
            return format!("{what}; {}", ask(&format!("{option} {}", quoted(unquoted(value)))));
        }
        let name = nearest(name, fields).unwrap_or(name);
        let filter = quoted(&format!("{name}={}", unquoted(value)));
        match operator {
            "=" | "==" | ":" if super::is_field_name(name) => {
                format!("neither a file nor a filter, which is NAME=VALUE; {}", ask(&filter))
            }
            "=" | "==" | ":" => format!(
                "neither a file nor a filter; a field of any name is asked for by -F {filter}"
            ),
            _ => format!("{EXPRESSION}, such as {filter}; -g REGEX searches the text"),
        }
    }

    /// The names of fields in the dumps that are there.
    fn fields(&self) -> Vec<String> {
        let mut names = Vec::new();
        for path in self.files.iter().take(MAX_DUMPS) {
            let Ok(dump) = Dump::open_within(path, &Limits::default()) else { continue };
            let slots = dump.sites().flat_map(|site| &site.call_site().slots);
            names.extend(
                slots.filter(|slot| !slot.name.is_empty()).map(|slot| slot.name.to_string()),
            );
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// What a misspelt or foreign name of a field was probably meant to be.
pub(crate) fn similar_field(name: &str, fields: &[String]) -> Option<String> {
    let field = || nearest(name, fields).map(|field| ask(&format!("{field}=VALUE")));
    built_in(name).map(ask).or_else(field)
}

/// The option for what each record has beside its fields.
fn built_in(name: &str) -> Option<&'static str> {
    Some(match name {
        "level" | "lvl" | "severity" => "-l LEVEL",
        "target" | "module" | "logger" => "-t TARGET",
        "thread" | "thread_id" | "tid" => "--thread NAME",
        "message" | "msg" => "-g REGEX",
        _ => return None,
    })
}

/// Whether the word is what a later `--where` would take.
fn is_expression(word: &str) -> bool {
    let mut parts = OPERATORS.into_iter().chain(OF_EXPRESSIONS);
    parts.any(|part| part != ":" && word.contains(part))
}

/// The value without the quotes that expressions have.
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
        // The first one, and of those the longest.
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

/// An option whose dashes were forgotten, or the value of one.
fn option(word: &str) -> Option<String> {
    let command = Args::command();
    let mut options = command.get_arguments().filter_map(|option| option.get_long());
    let format = stenolog_decoder::Format::ALL.iter().any(|format| format.as_str() == word);
    if let Some(option) = options.find(|option| *option == word) {
        return Some(ask(&format!("--{option}")));
    }
    let when = ColorWhen::value_variants().iter().filter_map(ColorWhen::to_possible_value);
    let is_when = when.into_iter().any(|value| value.get_name() == word);
    match (format, is_when) {
        (true, _) => Some(ask(&format!("-o {word}"))),
        (_, true) => Some(ask(&format!("--color {word}"))),
        _ => None,
    }
}

/// The commands that there are.
fn commands() -> Vec<String> {
    let command = Args::command();
    let names = command.get_subcommands().map(|command| command.get_name().to_owned());
    names.chain(["help".to_owned()]).collect()
}

/// A file beside the one that is missing, whose name is much the same.
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

/// The candidate that is most like the word, if it is like it.
fn nearest<'c>(word: &str, candidates: &'c [String]) -> Option<&'c str> {
    let likeness = |candidate: &&String| strsim::jaro(word, candidate);
    let best = candidates.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(&best) >= ALIKE).then_some(best.as_str())
}

fn ask(meant: &str) -> String {
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
    use super::*;

    #[track_caller]
    fn check(word: &str, expected: &str) {
        let fields = ["order_id", "user.id", "latency_us"].map(str::to_owned);
        let around = Around { files: &[], takes_filters: true };
        assert_eq!(around.explain(word, &fields), expected, "{word}");
    }

    #[test]
    fn what_was_probably_meant() {
        let neither = "neither a command, nor a file, nor a filter (NAME=VALUE)";
        check("verfy", &format!("{neither}; did you mean steno verify?"));
        check(
            "jsn",
            &format!("{neither}; commands are {}; see `steno --help`", commands().join(", ")),
        );
        check("json", &format!("{neither}; did you mean --json?"));
        check("logfmt", &format!("{neither}; did you mean -o logfmt?"));
        check("warn", &format!("{neither}; did you mean -l warn?"));
        check("order-id", &format!("{neither}; did you mean order_id=VALUE?"));
        check("info", "no such file; a command comes first: `steno info FILE`");
        check(
            "user-id:42",
            "neither a file nor a filter, which is NAME=VALUE; did you mean user.id=42?",
        );
        check(
            "user.id == 42",
            "neither a file nor a filter, which is NAME=VALUE; did you mean user.id=42?",
        );
        check(
            "a[0]=b c",
            "neither a file nor a filter; a field of any name is asked for by -F 'a[0]=b c'",
        );
        check("level>=warn", "neither a file nor a filter by a field; did you mean -l warn?");
        check(
            "thread == \"a b\"",
            "neither a file nor a filter by a field; did you mean --thread 'a b'?",
        );
        for word in ["a and b", "not x", "exists(f)"] {
            check(
                word,
                "an expression, which this steno cannot filter by (there is no --where yet): a filter \
                 is NAME=VALUE, such as user.id=42; -g REGEX searches the text",
            );
        }
        check(
            "latency_us>1000",
            "an expression, which this steno cannot filter by (there is no --where yet): a filter is \
             NAME=VALUE, such as latency_us=1000; -g REGEX searches the text",
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
