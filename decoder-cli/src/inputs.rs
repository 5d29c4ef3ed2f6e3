//! From the words on the command line to open dumps.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use stenolog_decoder::{Damage, Dump, Limits, OpenError, RingDir};
use tempfile::{NamedTempFile, TempPath};

use crate::output::complain;

/// What standard input is called in messages.
const STDIN: &str = "<stdin>";

/// What files must end in to be found in a directory.
const EXTENSION: &str = "steno";

/// Something to read, as it was named.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Input {
    /// Standard input.
    Stdin,
    /// A file, a directory or a pattern.
    Path(PathBuf),
}

impl From<&OsStr> for Input {
    fn from(word: &OsStr) -> Self {
        if word == "-" { Self::Stdin } else { Self::Path(word.into()) }
    }
}

/// Whether a word among the inputs is a field filter: `user.id=42`.
///
/// A file of that name takes precedence; one that does not exist yet can be written `./user=42`.
pub(crate) fn field_filter(word: &OsString) -> Option<&str> {
    let text = word.to_str()?;
    let (name, _) = text.split_once('=')?;
    let mut chars = name.chars();
    let begins = |c: char| c.is_alphabetic() || c == '_';
    let is_name = chars.next().is_some_and(begins)
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':'));
    (is_name && !Path::new(word).exists()).then_some(text)
}

/// Why an input gives nothing to read.
#[derive(Debug, thiserror::Error)]
enum InputError {
    #[error("{}: no such file or directory; check the path", .0.display())]
    Missing(PathBuf),
    #[error("{0}: no such file; a command comes first: `steno {0} FILE`")]
    Command(&'static str),
    #[error("{}: no file matches this pattern; check it, and quote it if the shell should not expand it", .0.display())]
    NoMatch(PathBuf),
    #[error("{}: no dumps in this directory: looked for files that end in .{EXTENSION}; name other files one by one", .0.display())]
    NoDumps(PathBuf),
    #[error("{}: the directory cannot be read: {source}; check its permissions", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("{STDIN}: is a terminal; pipe a dump into it, or name a file")]
    Terminal,
    #[error("{STDIN}: cannot be kept in {}: {source}; set TMPDIR to a directory with enough room", std::env::temp_dir().display())]
    Spool { source: io::Error },
    #[error("{0}")]
    Open(String),
}

/// Dumps that could be opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) dumps: Vec<Dump>,
    /// Directories that are no places of dumps but hold the rings of one.
    pub(crate) ring_dirs: Vec<PathBuf>,
    /// Whether there were inputs that could not.
    pub(crate) unreadable: bool,
    /// Holds what came from standard input; deleted with this value.
    spool: Option<TempPath>,
}

/// Opens what `inputs` name, each file once; says on standard error what cannot be opened.
pub(crate) fn open(inputs: &[Input], limits: &Limits) -> Opened {
    let mut opened =
        Opened { dumps: Vec::new(), ring_dirs: Vec::new(), unreadable: false, spool: None };
    let mut seen = HashSet::new();
    for input in inputs {
        let found = match input {
            Input::Stdin if !seen.insert(PathBuf::from("-")) => Ok(Vec::new()),
            Input::Stdin => opened.open_stdin(),
            Input::Path(path) if RingDir::is_at(path) => {
                opened.ring_dirs.push(path.clone());
                Ok(Vec::new())
            }
            Input::Path(path) => expand(path).map(|paths| {
                // The `latest` link of a rotated set names one of its files again.
                let first = |path: &PathBuf| {
                    seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone()))
                };
                paths.into_iter().filter(first).collect()
            }),
        };
        match found {
            Ok(paths) => paths.iter().for_each(|path| opened.open_file(path, limits)),
            Err(error) => opened.cannot(error),
        }
    }
    opened
}

impl Opened {
    /// Says what cannot be read.
    pub(crate) fn cannot(&mut self, error: impl std::fmt::Display) {
        self.unreadable = true;
        complain(error);
    }

    fn open_file(&mut self, path: &Path, limits: &Limits) {
        match Dump::open_within(path, limits) {
            Ok(dump) => self.dumps.push(dump),
            Err(error) => {
                let error = self.open_error(path, &error);
                self.cannot(error);
            }
        }
    }

    fn open_error(&self, path: &Path, error: &OpenError) -> InputError {
        let text = error.to_string();
        let named = path.display().to_string();
        InputError::Open(match text.strip_prefix(&named) {
            Some(rest) => self.name(path) + rest,
            None => text,
        })
    }

    /// Copies standard input into a file, so that memory is bounded however long it is.
    fn open_stdin(&mut self) -> Result<Vec<PathBuf>, InputError> {
        let mut stdin = io::stdin().lock();
        if stdin.is_terminal() {
            return Err(InputError::Terminal);
        }
        let failed = |source| InputError::Spool { source };
        let mut file = NamedTempFile::new().map_err(failed)?;
        io::copy(&mut stdin, &mut file).map_err(failed)?;
        let path = file.into_temp_path();
        let paths = vec![path.to_path_buf()];
        self.spool = Some(path);
        Ok(paths)
    }

    /// What the user calls the file at `path`.
    pub(crate) fn name(&self, path: &Path) -> String {
        match &self.spool {
            Some(spool) if **spool == *path => STDIN.to_owned(),
            _ => path.display().to_string(),
        }
    }

    /// The damage, with the name that the user knows.
    pub(crate) fn renamed(&self, damage: &Damage) -> Damage {
        let name = self.name(&damage.file);
        Damage { file: Path::new(&name).into(), ..damage.clone() }
    }
}

/// The files that `path` stands for.
fn expand(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => dumps_in(path),
        Err(error) if error.kind() == io::ErrorKind::NotFound => expand_pattern(path),
        // Opening it tells why it cannot be read.
        Ok(_) | Err(_) => Ok(vec![path.to_owned()]),
    }
}

fn expand_pattern(path: &Path) -> Result<Vec<PathBuf>, InputError> {
    let pattern = match path.to_str() {
        Some(text) if text.contains(['*', '?', '[']) => text,
        Some(text) => {
            let command = ["decode", "info", "verify", "recover", "export", "completions", "man"];
            return Err(match command.into_iter().find(|&command| command == text) {
                Some(command) => InputError::Command(command),
                None => InputError::Missing(path.to_owned()),
            });
        }
        None => return Err(InputError::Missing(path.to_owned())),
    };
    // What is no pattern is a strange name.
    let matches = glob::glob(pattern).map_err(|_| InputError::Missing(path.to_owned()))?;
    let mut files = Vec::new();
    for found in matches {
        match found {
            Ok(found) if found.is_dir() => files.extend(dumps_in(&found)?),
            Ok(found) => files.push(found),
            Err(error) => {
                let path = error.path().to_owned();
                return Err(InputError::Directory { path, source: error.into() });
            }
        }
    }
    if files.is_empty() { Err(InputError::NoMatch(path.to_owned())) } else { Ok(files) }
}

/// The dumps in a directory, sorted by name; directories in it are left alone.
fn dumps_in(directory: &Path) -> Result<Vec<PathBuf>, InputError> {
    let failed = |source| InputError::Directory { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == EXTENSION) && path.is_file() {
            files.push(path);
        }
    }
    files.sort_unstable();
    if files.is_empty() { Err(InputError::NoDumps(directory.to_owned())) } else { Ok(files) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_filter(word: &str, is_filter: bool) {
        assert_eq!(field_filter(&word.into()).is_some(), is_filter, "{word}");
    }

    #[test]
    fn words_with_a_name_before_the_equals_sign_are_filters() {
        for word in ["a=1", "user.id=42", "_x=", "größe=1=2", "r#type=1".trim_start_matches("r#")]
        {
            check_filter(word, true);
        }
        for word in ["app.steno", "./a=1", "/tmp/a=1", "=1", "1=1", "-x=1", "a b=1"] {
            check_filter(word, false);
        }
    }

    #[test]
    fn a_file_of_that_name_is_no_filter() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a=1");
        check_filter(path.to_str().unwrap(), false);
        fs::write(&path, "").unwrap();
        check_filter(path.to_str().unwrap(), false);
    }

    #[test]
    fn directories_and_patterns_give_sorted_dumps() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        assert!(matches!(expand(directory.path()), Err(InputError::NoDumps(_))));
        for name in ["b.steno", "a.steno", "notes.txt"] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("deep.steno")).unwrap();
        assert_eq!(expand(directory.path()).unwrap(), [at("a.steno"), at("b.steno")]);
        assert_eq!(expand(&at("[ab].steno")).unwrap(), [at("a.steno"), at("b.steno")]);
        assert!(matches!(expand(&at("c*")), Err(InputError::NoMatch(_))));
        assert!(matches!(expand(&at("c[")), Err(InputError::Missing(_))));
        assert!(matches!(expand(&at("c")), Err(InputError::Missing(_))));
    }

    #[test]
    fn a_misplaced_command_is_recognised() {
        assert!(matches!(expand(Path::new("verify")), Err(InputError::Command("verify"))));
    }
}
