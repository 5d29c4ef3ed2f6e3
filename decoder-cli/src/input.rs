//! Inputs: from the words on the command line to open dumps.

mod find;
pub(crate) mod rings;
pub(crate) mod suggest;
mod unpack;

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use stenolog_decoder::{Dump, DumpState, Limits, RingDir};

use crate::cli::args::{InputArgs, LimitArgs};
use crate::output::messages::warn;
use find::Found;
use suggest::UnknownWords;
use unpack::{UnpackFault, Wrapping};

/// The name of standard input in messages.
const STDIN: &str = "<stdin>";

/// A word on the command line that names something to read.
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

impl From<InputArgs> for Vec<Input> {
    fn from(args: InputArgs) -> Self {
        args.inputs.iter().map(|word| Input::from(word.as_os_str())).collect()
    }
}

/// Returns the word if it is a field filter among the inputs: `user.id=42`.
///
/// A file of that name takes precedence, as do files that the word is a glob for; `./user=42` is never a
/// filter. Two equals signs are an expression rather than a value that begins with one.
pub(crate) fn field_filter(word: &OsString) -> Option<&str> {
    let text = word.to_str()?;
    let (name, value) = text.split_once('=')?;
    let is_filter = is_field_name(name) && !value.starts_with('=');
    (is_filter && !Path::new(word).exists() && !find::is_pattern_of_files(text)).then_some(text)
}

/// Whether a field of this name can be filtered by without an option.
fn is_field_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ':' | '-'))
}

/// Why an input cannot be read.
#[derive(Debug, thiserror::Error)]
enum InputError {
    #[error("{}: no such file or directory; check the path", .0.display())]
    Missing(PathBuf),
    #[error("{}: no file matches this pattern; check it, and quote it if the shell should not expand it", .0.display())]
    NoMatch(PathBuf),
    #[error("{}: no dumps in this directory: looked for *.steno and for rotated or compressed copies (app.steno.1, app.steno.gz); name other files one by one{}", path.display(), listed(there))]
    NoDumps {
        path: PathBuf,
        /// Files that could have been meant.
        there: Vec<PathBuf>,
    },
    #[error("{}: the directory cannot be read: {source}; check its permissions", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("{STDIN}: is a terminal; pipe a dump into it or name a file")]
    Terminal,
    #[error("{}: cannot be copied to {}: {source}; set TMPDIR to a directory with enough space", name.display(), std::env::temp_dir().display())]
    Spool { name: PathBuf, source: io::Error },
    #[error("{}: {fault}", name.display())]
    Packed { name: PathBuf, fault: UnpackFault },
    #[error("{}: is compressed in a format that steno does not support; decompress it first: {unpacker} FILE | steno -", name.display())]
    OtherPacking { name: PathBuf, unpacker: &'static str },
    #[error("{0}")]
    Open(#[from] stenolog_decoder::OpenError),
}

/// Files that were skipped, for the end of an error.
fn listed(paths: &[PathBuf]) -> String {
    let names = paths.iter().take(3).map(|path| format!(" {}", path.display()));
    let dots = if paths.len() > 3 { " …" } else { "" };
    match names.collect::<Vec<_>>() {
        names if names.is_empty() => String::new(),
        names => format!(":{}{dots}", names.concat()),
    }
}

/// A part of dumps that is read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Part {
    /// Everything, frame by frame.
    #[default]
    Frames,
    /// Records from the beginning on.
    Records,
    /// As many records from the end.
    Last(u64),
}

/// Bounds on what is read.
#[derive(Clone, Debug, Default)]
pub(crate) struct InputLimits {
    /// Bounds for each dump.
    pub(crate) dump: Limits,
    /// The most bytes that a compressed copy may unpack to; by default it depends on its length.
    pub(crate) unpacked_bytes: Option<u64>,
    /// Which part of the dumps will be read.
    pub(crate) part: Part,
}

impl From<LimitArgs> for InputLimits {
    fn from(args: LimitArgs) -> Self {
        let LimitArgs { max_metadata, max_ring_files, max_ring_bytes, max_unpacked } = args;
        let mut limits = Limits::default();
        if let Some(bytes) = max_metadata {
            let bytes_here = usize::try_from(bytes).unwrap_or(usize::MAX);
            limits = limits.with_metadata_bytes(bytes_here).with_ring_metadata_bytes(bytes);
        }
        if let Some(files) = max_ring_files {
            limits = limits.with_ring_files(files);
        }
        if let Some(bytes) = max_ring_bytes {
            limits = limits.with_ring_bytes(bytes);
        }
        Self { dump: limits, unpacked_bytes: max_unpacked, part: Part::default() }
    }
}

/// The inputs that could be opened.
#[derive(Debug, Default)]
pub(crate) struct Inputs {
    /// The dumps, each with the name that the user gave it.
    pub(crate) dumps: Vec<Dump>,
    /// Ring directories among the inputs.
    pub(crate) ring_dirs: Vec<PathBuf>,
    /// Whether an input could not be opened.
    pub(crate) unreadable: bool,
    /// Whether a compressed copy could not be unpacked to its end.
    pub(crate) incomplete: bool,
}

/// Opens all `inputs`, each file once, and reports on standard error what cannot be opened.
/// `takes_filters` tells whether a word that is not an input could be a filter.
///
/// # Errors
/// If words name nothing. Nothing is opened then.
pub(crate) fn open(
    inputs: &[Input],
    limits: &InputLimits,
    takes_filters: bool,
) -> Result<Inputs, UnknownWords> {
    let found: Vec<_> = inputs.iter().map(find).collect();
    let found = check_words(found, takes_filters)?;
    let mut opened = Inputs::default();
    let mut seen = HashSet::new();
    let mut files = Vec::new();
    for place in &found {
        if let Ok(InputPlace::Files(found)) = place {
            // The `latest` link of a rotated set names one of its files again.
            let is_new = |path: &&PathBuf| {
                seen.insert(path.canonicalize().unwrap_or_else(|_| (*path).clone()))
            };
            files.extend(found.files.iter().filter(is_new));
        }
    }
    let mut dumps = open_files(&files, limits).into_iter();
    let mut files = files.into_iter().peekable();
    for place in &found {
        match place {
            Ok(InputPlace::Stdin) => {
                if seen.insert(PathBuf::from("-")) {
                    opened.take(open_stdin(limits));
                }
            }
            Ok(InputPlace::FoundRings(path)) => opened.ring_dirs.push(path.clone()),
            Ok(InputPlace::Files(found)) => {
                for (path, why) in &found.passed_over {
                    warn(format_args!("{}: skipped: {why}", path.display()));
                }
                for path in &found.files {
                    if files.next_if(|next| std::ptr::eq(*next, path)).is_some() {
                        dumps.next().into_iter().for_each(|dump| opened.take(dump));
                    }
                }
            }
            Err(error) => opened.fail(error),
        }
    }
    Ok(opened)
}

/// Opens files on all cores: the headers of the frames of each are read.
fn open_files(paths: &[&PathBuf], limits: &InputLimits) -> Vec<Result<Unpacked, InputError>> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let opened = Mutex::new(Vec::new());
    let open_some = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(at) else { return };
            let dump = open_file(path, limits);
            opened.lock().unwrap_or_else(PoisonError::into_inner).push((at, dump));
        }
    };
    thread::scope(|scope| {
        for _ in 1..cores.min(paths.len()) {
            // Without another thread, this one opens all.
            let _ = thread::Builder::new().spawn_scoped(scope, open_some);
        }
        open_some();
    });
    let mut opened = opened.into_inner().unwrap_or_else(PoisonError::into_inner);
    opened.sort_by_key(|(at, _)| *at);
    opened.into_iter().map(|(_, dump)| dump).collect()
}

/// Fails if words name nothing.
fn check_words(
    found: Vec<Result<InputPlace, InputError>>,
    takes_filters: bool,
) -> Result<Vec<Result<InputPlace, InputError>>, UnknownWords> {
    let is_unknown =
        |error: &InputError| matches!(error, InputError::Missing(_) | InputError::NoMatch(_));
    if !found.iter().any(|found| found.as_ref().is_err_and(is_unknown)) {
        return Ok(found);
    }
    let (mut files, mut errors) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(InputPlace::Files(found)) => files.extend(found.files),
            Err(error) if is_unknown(&error) => errors.push(error),
            Ok(_) | Err(_) => {}
        }
    }
    Err(UnknownWords { errors, files, takes_filters })
}

/// The kind of an input.
enum InputPlace {
    Stdin,
    FoundRings(PathBuf),
    Files(Found),
}

fn find(input: &Input) -> Result<InputPlace, InputError> {
    match input {
        Input::Stdin => Ok(InputPlace::Stdin),
        Input::Path(path) if RingDir::is_at(path) => Ok(InputPlace::FoundRings(path.clone())),
        Input::Path(path) => find::expand(path).map(InputPlace::Files),
    }
}

/// A dump, and why it is incomplete if it was not unpacked to its end.
type Unpacked = (Dump, Option<InputError>);

/// Copies standard input to a temporary file, which bounds memory regardless of its length.
fn open_stdin(limits: &InputLimits) -> Result<Unpacked, InputError> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        return Err(InputError::Terminal);
    }
    let name = PathBuf::from(STDIN);
    match unpack::spool(&mut stdin) {
        Ok(file) => unpack(name, file, limits),
        Err(source) => Err(InputError::Spool { name, source }),
    }
}

fn open_file(path: &Path, limits: &InputLimits) -> Result<Unpacked, InputError> {
    let as_it_is = || {
        let dump = match limits.part {
            Part::Last(records) => Dump::open_last(path, &limits.dump, records)?,
            Part::Records => Dump::open_by_index(path, &limits.dump)?,
            Part::Frames => Dump::open_within(path, &limits.dump)?,
        };
        Ok((dump, None))
    };
    // Opening it as a dump says why it cannot be opened.
    let Ok(mut file) = File::open(path) else { return as_it_is() };
    let name = path.to_owned();
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => match Wrapping::of(&mut file) {
            Ok(Some(_)) => unpack(name, file, limits),
            Ok(None) => match unpack::unpacker_of(&mut file) {
                Ok(Some(unpacker)) => Err(InputError::OtherPacking { name, unpacker }),
                Ok(None) | Err(_) => as_it_is(),
            },
            Err(_) => as_it_is(),
        },
        Ok(metadata) if !metadata.is_dir() => match unpack::spool(&mut file) {
            Ok(file) => unpack(name, file, limits),
            Err(source) => Err(InputError::Spool { name, source }),
        },
        _ => as_it_is(),
    }
}

/// Opens a file that may be compressed.
fn unpack(name: PathBuf, mut file: File, limits: &InputLimits) -> Result<Unpacked, InputError> {
    let failed = |source| InputError::Spool { name: name.clone(), source };
    let Some(packing) = Wrapping::of(&mut file).map_err(failed)? else {
        if let Some(unpacker) = unpack::unpacker_of(&mut file).map_err(failed)? {
            return Err(InputError::OtherPacking { name, unpacker });
        }
        return Ok((Dump::from_file(name, file, &limits.dump)?, None));
    };
    let (file, fault) = packing.unpack(file, limits.unpacked_bytes).map_err(failed)?;
    let fault = fault.map(|fault| InputError::Packed { name: name.clone(), fault });
    match (Dump::from_file(name, file, &limits.dump), fault) {
        (Ok(dump), fault) => Ok((dump, fault)),
        // Because it is cut, it is not a dump.
        (Err(_), Some(fault)) => Err(fault),
        (Err(error), None) => Err(error.into()),
    }
}

impl Inputs {
    /// Reports an input that cannot be read.
    pub(crate) fn fail(&mut self, error: impl std::fmt::Display) {
        self.unreadable = true;
        warn(error);
    }

    fn take(&mut self, dump: Result<Unpacked, InputError>) {
        match dump {
            Ok((dump, fault)) => {
                self.dumps.push(dump);
                if let Some(fault) = fault {
                    self.incomplete = true;
                    warn(fault);
                }
            }
            Err(error) => self.fail(error),
        }
    }

    /// Removes dumps that are copies of others or of their beginnings: a rotated file and its compressed copy
    /// are shown once.
    pub(crate) fn remove_copies(&mut self) {
        let rank = |dump: &Dump| (dump.len_bytes(), dump.state() == DumpState::Growing);
        let is_copy = |at: usize, dump: &Dump| {
            self.dumps.iter().enumerate().any(|(other_at, other)| {
                let is_better = rank(other).cmp(&rank(dump)).then(at.cmp(&other_at)).is_gt();
                other_at != at && is_better && dump.is_beginning_of(other)
            })
        };
        let copies: Vec<_> =
            self.dumps.iter().enumerate().map(|(at, dump)| is_copy(at, dump)).collect();
        let mut copies = copies.into_iter();
        self.dumps.retain(|_| !copies.next().unwrap_or(false));
    }
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
        for word in ["a=1", "user.id=42", "user-id=42", "_x=", "größe=1=2", "type=a*b?"] {
            check_filter(word, true);
        }
        for word in
            ["app.steno", "./a=1", "/tmp/a=1", "=1", "1=1", "-x=1", "a b=1", "a==1", "a>=1", "*=1"]
        {
            check_filter(word, false);
        }
    }

    #[test]
    fn a_file_of_that_name_is_no_filter() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a=1");
        check_filter(path.to_str().unwrap(), false);
        std::fs::write(&path, "").unwrap();
        check_filter(path.to_str().unwrap(), false);
    }
}
