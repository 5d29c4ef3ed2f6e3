//! Resolution of a word to files: one, those in a directory, or those that match a glob.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use stenolog_decoder::format::frame::{FileHeader, MAGIC};
use stenolog_session::layout::tail_session_of;

use super::InputError;
use super::unpack::{Wrapping, unpacker_of};

/// Part of the names of dumps; rotation appends to it.
const EXTENSION: &str = ".steno";

/// The files that a word names, in the order of their names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) files: Vec<PathBuf>,
    /// Files in a directory that could have been meant but are not read, and why.
    pub(super) passed_over: Vec<(PathBuf, &'static str)>,
}

/// The kind of a file in a directory, judged by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    /// A dump, perhaps rotated or compressed: anything wrong with it is an error.
    Dump,
    /// A dump or something that belongs to one; its first bytes decide.
    Doubtful,
    /// Something else.
    Other,
}

/// The files that `path` names.
pub(super) fn expand(path: &Path) -> Result<Found, InputError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => dumps_in(path),
        Err(error) if is_absence(error.kind()) => expand_pattern(path),
        // Opening it says why it cannot be read.
        Ok(_) | Err(_) => Ok(Found { files: vec![path.to_owned()], ..Found::default() }),
    }
}

/// Whether no such file exists, or no file can have this name.
const fn is_absence(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::NotFound
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::InvalidFilename
            | io::ErrorKind::InvalidInput
    )
}

/// Whether `text` is a glob that some file matches.
pub(super) fn is_pattern_of_files(text: &str) -> bool {
    is_pattern(text) && glob::glob(text).is_ok_and(|mut found| found.next().is_some())
}

fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn expand_pattern(path: &Path) -> Result<Found, InputError> {
    let missing = || InputError::Missing(path.to_owned());
    let pattern = path.to_str().filter(|text| is_pattern(text)).ok_or_else(missing)?;
    // An invalid glob is a file name.
    let matches = glob::glob(pattern).map_err(|_| missing())?;
    let mut all = Found::default();
    for found in matches {
        match found {
            Ok(found) if found.is_dir() => all.append(dumps_in(&found)?),
            Ok(found) => all.files.push(found),
            Err(error) => {
                let path = error.path().to_owned();
                return Err(InputError::Directory { path, source: error.into() });
            }
        }
    }
    if all.files.is_empty() { Err(InputError::NoMatch(path.to_owned())) } else { Ok(all) }
}

impl Found {
    fn append(&mut self, mut other: Self) {
        self.files.append(&mut other.files);
        self.passed_over.append(&mut other.passed_over);
    }
}

/// The dumps in a directory, without those in subdirectories.
fn dumps_in(directory: &Path) -> Result<Found, InputError> {
    let failed = |source| InputError::Directory { path: directory.to_owned(), source };
    let (mut found, mut tails) = (Found::default(), Vec::new());
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (name, is_hidden) = (judge(&name), name.starts_with('.'));
        if !path.is_file() {
            continue;
        }
        match (name, name != Name::Dump && begins_as_dump(&path)) {
            // Hidden files are work in progress.
            (Name::Doubtful, true) if is_hidden => {
                found.passed_over.push((path, "is hidden; name it to read it"));
            }
            (Name::Other, true) if is_hidden => {}
            (Name::Dump, _) | (Name::Doubtful, true) => found.files.push(path),
            (Name::Doubtful, false) => {
                let unpacker = File::open(&path).and_then(|mut file| unpacker_of(&mut file));
                let why = match unpacker {
                    Ok(Some(_)) => "is compressed in a format that steno does not support",
                    _ => "is not a dump",
                };
                found.passed_over.push((path, why));
            }
            (Name::Other, true) if session_of_tail(&path).is_some() => tails.push(path),
            (Name::Other, true) => found
                .passed_over
                .push((path, "is a dump, but its name has no .steno; name it to read it")),
            (Name::Other, false) => {}
        }
    }
    if !tails.is_empty() {
        // Reading a dump reads its tail.
        let sessions: Vec<_> =
            found.files.iter().filter_map(|path| session_of_dump(path)).collect();
        tails.retain(|tail| session_of_tail(tail).is_none_or(|of| !sessions.contains(&of)));
        let why = "has the last records of a dump that is not here; name it to read them";
        found.passed_over.extend(tails.into_iter().map(|tail| (tail, why)));
    }
    found.files.sort_unstable();
    found.passed_over.sort_unstable();
    if !found.files.is_empty() {
        return Ok(found);
    }
    let path = directory.to_owned();
    let there = found.passed_over.into_iter().map(|(path, _)| path).collect();
    Err(InputError::NoDumps { path, there })
}

fn judge(name: &str) -> Name {
    let Some((stem, suffix)) = name.rsplit_once(EXTENSION) else { return Name::Other };
    let packed = [".gz", ".zst"].into_iter().find_map(|extension| suffix.strip_suffix(extension));
    let rotation = packed.unwrap_or(suffix);
    let is_of_rotation =
        |c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '_' | ':' | '+' | 'T' | 'Z');
    match rotation.chars().next() {
        _ if stem.is_empty() => Name::Other,
        Some(c) if c.is_alphabetic() => Name::Other,
        _ if rotation.chars().all(is_of_rotation) => Name::Dump,
        _ => Name::Doubtful,
    }
}

/// The session of a tail, by its name.
fn session_of_tail(path: &Path) -> Option<[u8; 16]> {
    tail_session_of(path.file_name()?.to_str()?)
}

/// The session of the dump in a file, which may be compressed.
fn session_of_dump(path: &Path) -> Option<[u8; 16]> {
    FileHeader::decode(&beginning(path, FileHeader::BYTES)).ok().map(|(header, _)| header.session)
}

/// Whether the file, or its decompressed content, begins like a dump.
fn begins_as_dump(path: &Path) -> bool {
    beginning(path, MAGIC.len()) == MAGIC
}

/// As many of the first bytes of the file, or of its decompressed content; fewer if they cannot be read.
fn beginning(path: &Path, count: usize) -> Vec<u8> {
    let mut start = Vec::new();
    let Ok(mut file) = File::open(path) else { return start };
    match Wrapping::of(&mut file) {
        Ok(Some(packing)) => return packing.beginning(file, count as u64),
        // A file that cannot be read is not listed.
        Ok(None) => _ = file.take(count as u64).read_to_end(&mut start),
        Err(_) => {}
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &str, expected: Name) {
        for name in names.split_whitespace() {
            assert_eq!(judge(name), expected, "{name}");
        }
    }

    #[test]
    fn names_of_dumps() {
        check("a.steno a.steno.gz a.steno.zst .a.steno a.b.steno a.steno.steno", Name::Dump);
        check("a.steno.1 a.steno.17.gz a.steno.2026-11-30 a.steno.2026-11-30.zst", Name::Dump);
        check("a.steno-20261130 a.steno-20261130.gz a.steno.20261130T104149Z.gz", Name::Dump);
        check("a.20261130T104149Z.000017.steno a-20261130.steno.gz", Name::Dump);
        check(
            "a.steno.bak a.steno.old.gz a.steno~ a.steno.1.md5 a.steno.xz a.steno.gz.part",
            Name::Doubtful,
        );
        check("a.log a.gz .steno a.stenography steno a.stenolog.1", Name::Other);
    }

    #[test]
    fn directories_and_patterns_give_sorted_dumps() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        assert!(matches!(expand(directory.path()), Err(InputError::NoDumps { .. })));
        for name in ["b.steno", "a.steno", "notes.txt"] {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("deep.steno")).unwrap();
        let files = |path: &Path| expand(path).unwrap().files;
        assert_eq!(files(directory.path()), [at("a.steno"), at("b.steno")]);
        assert_eq!(files(&at("[ab].steno")), [at("a.steno"), at("b.steno")]);
        assert!(matches!(expand(&at("c*")), Err(InputError::NoMatch(_))));
        assert!(matches!(expand(&at("c[")), Err(InputError::Missing(_))));
        assert!(matches!(expand(&at("c")), Err(InputError::Missing(_))));
        assert!(matches!(expand(&at("a.steno/c")), Err(InputError::Missing(_))));
        assert!(matches!(expand(&at(&"x".repeat(300))), Err(InputError::Missing(_))));
    }

    #[test]
    fn a_tail_is_passed_over_in_silence_beside_its_dump() {
        use stenolog_decoder::format::frame::VERSION;
        use stenolog_session::layout::tail_file;

        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let header = |session: u8| FileHeader {
            version: VERSION,
            session: [session; 16],
            created_unix_ns: 0,
            sequence: 0,
            process_id: 1,
            counter_hz: 1,
        };
        fs::write(at("a.steno"), header(1).encode()).unwrap();
        for session in [1, 2] {
            fs::write(at(&tail_file(&[session; 16])), header(session).encode()).unwrap();
        }
        let found = expand(directory.path()).unwrap();
        assert_eq!(found.files, [at("a.steno")]);
        let passed_over: Vec<_> = found.passed_over.into_iter().map(|(path, _)| path).collect();
        assert_eq!(passed_over, [at(&tail_file(&[2; 16]))]);
    }

    #[test]
    fn what_could_have_been_meant_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for (name, bytes) in [
            ("a.steno", &MAGIC[..]),
            ("a.steno.old", &MAGIC),
            ("a.steno.md5", b"0123"),
            ("a.bin", &MAGIC),
            (".a.tmp", &MAGIC),
            (".a.steno.Xy7", &MAGIC),
            ("a.log", b"text"),
        ] {
            fs::write(at(name), bytes).unwrap();
        }
        let found = expand(directory.path()).unwrap();
        assert_eq!(found.files, [at("a.steno"), at("a.steno.old")]);
        let names: Vec<_> = found.passed_over.iter().map(|(path, _)| path.clone()).collect();
        assert_eq!(names, [at(".a.steno.Xy7"), at("a.bin"), at("a.steno.md5")]);
    }
}
