//! A logger survives what is done to its file, and refuses what it must not write over.
#![cfg(unix)]

use std::fs;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use stenolog::{
    Builder, DrainError, Event, Existing, FileEvent, IfBusy, Logger, Scope, StartError, info,
};
use stenolog_decoder::{Decoder, Dump, Summary};
use stenolog_tests::{read, scenario};

/// A logger whose file is there to be tampered with.
struct Victim {
    scope: Option<Scope>,
    logger: Option<Logger>,
    told: Arc<Mutex<Vec<Event>>>,
    path: PathBuf,
    folder: tempfile::TempDir,
}

impl Victim {
    fn new() -> Self {
        Self::at("app.steno")
    }

    fn at(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let told = Arc::<Mutex<Vec<_>>>::default();
        let hears = Arc::clone(&told);
        let logger = Builder::new(&path)
            .filter("trace")
            // So that dumps are as long as the tests cut them.
            .compression(stenolog::Compression::None)
            .on_event(move |event| {
                let is_about_file = matches!(
                    event,
                    Event::Dump(_) | Event::Resumed { .. } | Event::Replaced { .. }
                );
                if is_about_file {
                    hears.lock().unwrap().push(event.clone());
                }
            })
            .start_detached()
            .unwrap();
        let scope = Some(logger.enter());
        let victim = Self { scope, logger: Some(logger), told, path, folder };
        victim.log(0..10);
        victim.flush();
        victim
    }

    #[expect(clippy::unused_self, reason = "it is the logger that this thread has entered")]
    fn log(&self, numbers: std::ops::Range<u32>) {
        numbers.for_each(|n| info!("record {n}"));
    }

    #[track_caller]
    fn flush(&self) {
        self.logger.as_ref().unwrap().flush().unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    #[track_caller]
    fn close(&mut self) -> Vec<Event> {
        self.scope = None;
        self.logger.take().unwrap().close().unwrap();
        self.told.lock().unwrap().clone()
    }
}

/// The messages of several files, read as one.
#[track_caller]
fn messages(paths: &[&Path]) -> (Vec<String>, Summary) {
    let open = |path: &&Path| Dump::open(path).unwrap_or_else(|error| panic!("{error}"));
    let dumps: Vec<_> = paths.iter().map(open).collect();
    let mut decoder = Decoder::new(&dumps);
    let mut messages = Vec::new();
    let _ = decoder.for_each(|entry| {
        let mut text = String::new();
        match entry {
            stenolog_decoder::Entry::Record(record) => record.write_message(&mut text),
            stenolog_decoder::Entry::Loss(loss) => text = loss.to_string(),
            _ => {}
        }
        messages.push(text);
        ControlFlow::Continue(())
    });
    (messages, decoder.summary())
}

fn records(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|n| format!("record {n}")).collect()
}

#[test]
fn a_deleted_dump_is_followed_by_a_new_one_that_says_what_is_gone() {
    let mut victim = Victim::new();
    fs::remove_file(&victim.path).unwrap();
    victim.log(10..20);
    let told = victim.close();
    assert!(
        matches!(&told[..], [Event::Replaced { cause: FileEvent::Removed, lost: 10, to, .. }] if *to == victim.path),
        "{told:?}"
    );
    let (found, summary) = messages(&[&victim.path]);
    assert!(found[0].starts_with("10 records lost: the file that had them was deleted"));
    assert_eq!(found[1..], records(10..20));
    assert_eq!(summary.missing, 10);
    let mode = fs::metadata(&victim.path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_dump_that_another_file_was_moved_over_is_begun_beside_it() {
    let mut victim = Victim::new();
    let other = victim.file("other");
    fs::write(&other, "another program's").unwrap();
    fs::rename(&other, &victim.path).unwrap();
    victim.log(10..20);
    let told = victim.close();
    let beside = victim.file("app.1.steno");
    assert!(
        matches!(&told[..], [Event::Replaced { cause: FileEvent::Removed, lost: 10, to, .. }] if *to == beside),
        "{told:?}"
    );
    assert_eq!(fs::read_to_string(&victim.path).unwrap(), "another program's");
    assert_eq!(messages(&[&beside]).0[1..], records(10..20));
}

#[test]
fn a_dump_that_was_moved_is_sealed_where_it_is() {
    let mut victim = Victim::new();
    let rotated = victim.file("app.steno.1");
    fs::rename(&victim.path, &rotated).unwrap();
    victim.log(10..20);
    let told = victim.close();
    assert!(
        matches!(told[..], [Event::Replaced { cause: FileEvent::Moved, lost: 0, .. }]),
        "{told:?}"
    );
    let (found, summary) = messages(&[&victim.path, &rotated]);
    assert_eq!(found, records(0..20));
    assert!(summary.is_complete(), "{summary:?}");
    let first = Dump::open(&rotated).unwrap();
    assert!(first.end().is_some_and(|end| end.continues));
}

/// It has another name still, under which it is sealed.
#[test]
fn a_dump_whose_path_leads_to_another_file_was_moved() {
    let mut victim = Victim::new();
    let kept = victim.file("kept.steno");
    fs::hard_link(&victim.path, &kept).unwrap();
    let other = victim.file("other");
    fs::write(&other, "another program's").unwrap();
    fs::rename(&other, &victim.path).unwrap();
    victim.log(10..20);
    victim.flush();
    victim.log(20..30);
    let told = victim.close();
    let beside = victim.file("app.1.steno");
    assert!(
        matches!(&told[..], [Event::Replaced { cause: FileEvent::Moved, lost: 0, to, .. }] if *to == beside),
        "{told:?}"
    );
    assert_eq!(fs::read_to_string(&victim.path).unwrap(), "another program's");
    assert!(Dump::open(&kept).unwrap().end().is_some_and(|end| end.continues));
    let (found, summary) = messages(&[&kept, &beside]);
    assert_eq!(found, records(0..30));
    assert!(summary.is_complete(), "{summary:?}");
}

#[test]
fn a_truncated_dump_keeps_what_is_left_of_it() {
    for length in [0, 40, 5000] {
        let mut victim = Victim::new();
        victim.log(10..2000);
        victim.flush();
        assert!(fs::metadata(&victim.path).unwrap().len() > 5000);
        let file = fs::File::options().write(true).open(&victim.path).unwrap();
        file.set_len(length).unwrap();
        victim.log(2000..2010);
        let told = victim.close();
        assert!(
            matches!(told[..], [Event::Replaced { cause: FileEvent::Truncated, .. }]),
            "{told:?}"
        );
        let rest = victim.file("app.1.steno");
        let both = [rest.as_path(), &victim.path];
        let (found, summary) = messages(if length < 64 { &both[1..] } else { &both });
        assert!(found.ends_with(&records(2000..2010)));
        let shown = found.iter().filter(|message| message.starts_with("record ")).count();
        assert_eq!(shown as u64 + summary.missing, 2010, "cut to {length}");
        assert_eq!(rest.exists(), length >= 64);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_path_of_a_truncated_dump_always_leads_to_a_file() {
    let mut victim = Victim::new();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (path, is_over_too) = (&victim.path, &is_over);
        let looks = scope.spawn(move || {
            let mut looks = 0_u64;
            while !is_over_too.load(Ordering::Relaxed) {
                fs::metadata(path).unwrap();
                looks += 1;
            }
            looks
        });
        for round in 0..200_u32 {
            victim.log(round * 100..(round + 1) * 100);
            victim.flush();
            let file = fs::File::options().write(true).open(&victim.path).unwrap();
            // What is left is kept under another name, or there is nothing left.
            file.set_len(if round % 2 == 0 { 100 } else { 0 }).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(looks.join().unwrap() > 0);
    });
    assert_eq!(victim.close().len(), 200);
    let names = fs::read_dir(victim.path.parent().unwrap()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 101, "{names:?}");
}

/// As `copytruncate` does beside a busy logger, which may be about to write: what it writes then makes
/// the file as long as before, with a hole in it.
#[test]
fn a_truncation_at_any_moment_is_noticed_by_the_next_flush() {
    let mut victim = Victim::new();
    let is_over = AtomicBool::new(false);
    let begins = std::thread::scope(|scope| {
        let (logger, is_over) = (victim.logger.as_ref().unwrap(), &is_over);
        scope.spawn(move || {
            let _scope = logger.enter();
            let mut n = 0_u64;
            while !is_over.load(Ordering::Relaxed) {
                info!("busy {n} {}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                n += 1;
            }
        });
        let mut rounds = (0..1000_u64).map(|round| {
            // At any point of the drain's work.
            (0..round * 7919 % 20_000).for_each(|_| std::hint::spin_loop());
            let file = fs::File::options().write(true).open(&victim.path).unwrap();
            file.set_len(0).unwrap();
            logger.flush().unwrap();
            fs::read(&victim.path).unwrap().get(..8).unwrap_or_default().to_vec()
        });
        let begins = rounds.find(|begins| begins != b"\x89STENO\r\n");
        is_over.store(true, Ordering::Relaxed);
        begins
    });
    assert_eq!(begins, None);
    victim.close();
    let dump = Dump::open(&victim.path).unwrap();
    assert!(dump.damage().is_empty() && dump.end().is_some(), "{:?}", dump.damage());
}

/// By a logger that was killed before it could notice.
#[test]
fn a_dump_without_its_beginning_does_not_keep_a_logger_from_starting() {
    for existing in [Existing::Keep, Existing::Replace] {
        let mut victim = Victim::new();
        victim.close();
        let mut bytes = fs::read(&victim.path).unwrap();
        bytes[..100].fill(0);
        bytes.splice(0..0, vec![0; 1 << 20]);
        fs::write(&victim.path, &bytes).unwrap();
        let start = |path: &Path| Builder::new(path).existing(existing).start_detached();
        start(&victim.path).unwrap().close().unwrap();
        assert!(fs::read(victim.file("app.1.steno")).unwrap() == bytes);
        // Zeros alone may be anything.
        fs::write(&victim.path, [0; 5000]).unwrap();
        let error = start(&victim.path).unwrap_err();
        assert!(matches!(error, StartError::NotADump { .. }), "{error}");
    }
}

#[test]
fn a_folder_that_was_deleted_is_waited_for() {
    let mut victim = Victim::at("logs/app.steno");
    let folder = victim.file("logs");
    fs::remove_dir_all(&folder).unwrap();
    victim.log(10..20);
    let error = victim.logger.as_ref().unwrap().flush().unwrap_err().to_string();
    assert!(error.contains("create its folder again"), "{error}");
    fs::create_dir(&folder).unwrap();
    victim.flush();
    let told = victim.close();
    assert!(
        matches!(
            told[..],
            [
                Event::Dump(DrainError::Replace { .. }),
                Event::Replaced { lost: 10, .. },
                Event::Resumed { .. }
            ]
        ),
        "{told:?}"
    );
    assert_eq!(messages(&[&victim.path]).0[1..], records(10..20));
}

/// Nothing is written through a link, whatever it leads to.
#[test]
fn a_symbolic_link_at_the_path_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let dump = at("dump.steno");
    Builder::new(&dump).start_detached().unwrap().close().unwrap();
    fs::write(at("notes.txt"), "do not lose me").unwrap();
    fs::write(at("empty"), "").unwrap();
    for target in ["dump.steno", "notes.txt", "empty", "nowhere", "/dev/null", "."] {
        let path = at("app.steno");
        symlink(if target.starts_with('/') { target.into() } else { at(target) }, &path).unwrap();
        let before = fs::read(at(target)).ok();
        for existing in [Existing::Keep, Existing::Replace] {
            let error = Builder::new(&path).existing(existing).start_detached().unwrap_err();
            assert!(matches!(error, StartError::Symlink { .. }), "{target}: {error}");
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
        }
        assert_eq!(fs::read(at(target)).ok(), before, "{target}");
        assert!(!at("nowhere").exists());
        fs::remove_file(&path).unwrap();
    }
}

/// Nor is one that was planted while the logger runs.
#[test]
fn a_symbolic_link_in_place_of_a_running_dump_is_not_followed() {
    let mut victim = Victim::new();
    let target = victim.file("target");
    fs::write(&target, "").unwrap();
    fs::remove_file(&victim.path).unwrap();
    symlink(&target, &victim.path).unwrap();
    victim.log(10..20);
    victim.close();
    assert_eq!(fs::read(&target).unwrap(), b"");
    assert_eq!(messages(&[&victim.file("app.1.steno")]).0[1..], records(10..20));
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    for path in [&socket, Path::new("/dev/null"), Path::new("/dev/full")] {
        if !path.exists() {
            continue;
        }
        let error = Builder::new(path).start_detached().unwrap_err();
        assert!(matches!(error, StartError::NotAFile { .. }), "{path:?}: {error}");
    }
    let error = Builder::new(folder.path()).start_detached().unwrap_err();
    assert!(
        matches!(&error, StartError::Create { source, .. } if source.kind() == ErrorKind::IsADirectory),
        "{error}"
    );
}

#[test]
fn a_file_that_is_written_over_keeps_no_permissions_and_no_other_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    fs::write(at("app.steno"), "").unwrap();
    fs::set_permissions(at("app.steno"), fs::Permissions::from_mode(0o666)).unwrap();
    Builder::new(at("app.steno")).start_detached().unwrap().close().unwrap();
    assert_eq!(mode(&at("app.steno")), 0o600);
    // Another name of the same file may belong to someone else.
    fs::hard_link(at("app.steno"), at("kept")).unwrap();
    let before = fs::read(at("kept")).unwrap();
    let replace = Builder::new(at("app.steno")).existing(Existing::Replace);
    replace.start_detached().unwrap().close().unwrap();
    assert_eq!(fs::read(at("kept")).unwrap(), before);
    assert_ne!(fs::read(at("app.steno")).unwrap(), before);
}

/// Those look whether a writer lives, for which they once took its lock.
#[test]
fn a_logger_starts_beside_any_number_of_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let start = || Builder::new(&path).existing(Existing::Replace).start_detached();
    start().unwrap().close().unwrap();
    let is_over = AtomicBool::new(false);
    let results: Vec<_> = std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let _ = Dump::open(&path);
                }
            });
        }
        let results = (0..200).map(|_| start().map(|logger| logger.close().unwrap())).collect();
        is_over.store(true, Ordering::Relaxed);
        results
    });
    let failed: Vec<_> = results.into_iter().filter_map(Result::err).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_reader_sees_a_writer_and_takes_no_lock_for_that() {
    let victim = Victim::new();
    let is_alive = || Dump::open(&victim.path).unwrap().writer_is_alive();
    assert_eq!(is_alive(), Some(true));
    // By the mark alone, if there are such locks, as a reader that was stopped keeps the other from the
    // writer.
    if cfg!(target_os = "linux") {
        let path = victim.file("other.steno");
        fs::write(&path, "").unwrap();
        let reader = fs::File::open(&path).unwrap();
        reader.lock_shared().unwrap();
        let logger = Builder::new(&path).start_detached().unwrap();
        assert_eq!(Dump::open(&path).unwrap().writer_is_alive(), Some(true));
        let busy = Builder::new(&path).start_detached();
        assert!(matches!(busy, Err(StartError::Busy { .. })));
        logger.close().unwrap();
        assert_eq!(Dump::open(&path).unwrap().writer_is_alive(), Some(false));
    }
}

#[test]
fn a_logger_that_finds_its_path_busy_takes_a_numbered_one_if_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("app.2.steno"), "somebody's").unwrap();
    let start = || Builder::new(&path).if_busy(IfBusy::NumberedPath).start_detached().unwrap();
    let loggers: Vec<_> = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    let mut paths: Vec<_> = loggers.iter().map(|logger| logger.path().to_owned()).collect();
    for logger in &loggers {
        let _scope = logger.enter();
        info!("to {}", logger.path().display());
    }
    let told = Builder::new(&path).start_detached().unwrap_err();
    assert!(told.to_string().contains("if_busy"), "{told}");
    // One that is deleted is begun again at its path.
    let beside = loggers.iter().find(|logger| logger.path() != path).unwrap();
    fs::remove_file(beside.path()).unwrap();
    beside.flush().unwrap();
    assert!(beside.path().exists());
    loggers.into_iter().for_each(|logger| logger.close().unwrap());
    paths.sort();
    let names = ["app.1.steno", "app.3.steno", "app.4.steno", "app.steno"];
    assert_eq!(paths, names.map(at));
    for path in paths {
        let (found, _) = messages(&[&path]);
        let is_right = |message: &String| {
            *message == format!("to {}", path.display()) || message.contains("was deleted")
        };
        assert!(found.len() == 1 && found.iter().all(is_right), "{found:?}");
    }
    assert_eq!(fs::read_to_string(at("app.2.steno")).unwrap(), "somebody's");
    // What is free is taken as always.
    start().close().unwrap();
    assert!(at("app.5.steno").exists(), "the earlier dump was kept");
}

/// `SIGXFSZ` ends a process that does not expect it. The drain's thread has it blocked.
#[test]
fn a_limit_of_the_file_size_does_not_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    let text = scenario!("faults/file-size", &path).run().join("\n");
    assert!(text.contains("cannot create the dump"), "{text}");
    assert!(text.contains("raise the limit of the file size"), "{text}");
    let (entries, summary) = read(&path);
    assert!(summary.damage.is_empty(), "{summary:?}");
    let last = entries.last().unwrap()["message"].as_str();
    assert_eq!(last, Some("after"));
}

#[test]
fn a_change_of_the_working_folder_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let _ = scenario!("faults/change-folder", "app.steno").in_folder(folder.path()).run();
    let (found, summary) = messages(&[&folder.path().join("app.steno")]);
    assert_eq!(found, ["before", "after"]);
    assert!(summary.is_complete(), "{summary:?}");
}
