//! A logger survives another program that writes to the file of a ring in use: it goes on, the dump says
//! that something is missing, and threads get rings that are intact.
#![cfg(unix)]
#![forbid(unsafe_code)]

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stenolog::{Builder, Drain, DrainError, Level, Logger, OnFull, info};
use stenolog_decoder::Summary;
use stenolog_tests::{message, read};

/// Where the records begin in a ring's file.
const DATA: u64 = 4096;

/// A header that claims a gigabyte less a bit.
const GIGABYTE: u64 = 16 << 32 | 0x3fff_fff0;

/// Only one logger can be the global one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A global logger whose drain is in hand.
struct Victim {
    logger: Logger,
    drain: Drain,
    told: Arc<Mutex<Vec<DrainError>>>,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Victim {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.steno");
        let told = Arc::<Mutex<Vec<_>>>::default();
        let hears = Arc::clone(&told);
        let (logger, drain) = Builder::new(&path)
            .filter("trace")
            .ring_capacity_bytes(64 * 1024)
            .on_error(move |error| hears.lock().unwrap().push(error.clone()))
            .on_full_at(Level::Info, OnFull::Block)
            .block_timeout(Duration::from_millis(1))
            .start_manual()
            .unwrap();
        Self { logger, drain, told, path, _folder: folder }
    }

    fn rings(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(self.logger.ring_dir().unwrap()).unwrap();
        let paths = files.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.file_name().unwrap().as_encoded_bytes().starts_with(b"ring-"))
            .collect()
    }

    /// Writes the words to all rings, one after the other.
    fn write(&self, at: u64, words: &[u64]) {
        let bytes: Vec<_> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        for ring in self.rings() {
            let file = OpenOptions::new().write(true).open(ring).unwrap();
            file.write_all_at(&bytes, at).unwrap();
        }
    }

    #[track_caller]
    fn close(self) -> (Vec<String>, Summary, Vec<DrainError>) {
        drop(self.logger);
        self.drain.close().unwrap();
        let (records, summary) = read(&self.path);
        let messages = records.iter().map(|record| message(record).to_owned()).collect();
        let told = std::mem::take(&mut *self.told.lock().unwrap());
        (messages, summary, told)
    }
}

fn log(numbers: std::ops::Range<u32>) {
    numbers.for_each(|n| info!("record {n}"));
}

const GONE: &str =
    "1 record lost: another program wrote to their ring's file; there may be more (number ";

#[track_caller]
fn check_told(told: &[DrainError]) {
    assert!(matches!(told, [DrainError::RingOverwritten { position: 0.., .. }]), "{told:?}");
}

#[test]
fn a_false_length_costs_the_ring_and_nothing_else() {
    let _alone = alone();
    let mut victim = Victim::new();
    log(0..3);
    victim.drain.flush().unwrap();
    log(3..6);
    victim.write(DATA, &[GIGABYTE; 512]);
    victim.drain.flush().unwrap();
    // This thread finds out at its next call, and what it logs from then on is there.
    log(6..9);
    victim.drain.flush().unwrap();
    assert_eq!(victim.logger.stats().lost, 1);
    let (messages, summary, told) = victim.close();
    check_told(&told);
    assert!(!summary.is_complete());
    let [first, second, third, gone, rest @ ..] = &messages[..] else { panic!("{messages:?}") };
    assert_eq!([first, second, third], ["record 0", "record 1", "record 2"]);
    assert_eq!(*gone, format!("{GONE}3 of its ring)"));
    assert_eq!(rest, ["record 6", "record 7", "record 8"]);
}

/// Without a length there is nothing to be read, and nothing that looks wrong: but the thread has
/// committed more when it finds its ring full.
#[test]
fn a_length_that_is_taken_away_is_noticed_when_the_ring_is_full() {
    let _alone = alone();
    let mut victim = Victim::new();
    log(0..3);
    victim.drain.flush().unwrap();
    log(3..4);
    // Three records of 24 bytes: header, time, number.
    victim.write(DATA + 3 * 24, &[0]);
    // Their ring holds 2389 of these.
    log(4..2400);
    victim.drain.flush().unwrap();
    victim.drain.flush().unwrap();
    log(2400..2403);
    let (messages, summary, told) = victim.close();
    check_told(&told);
    assert!(!summary.is_complete());
    assert_eq!(messages[..3], ["record 0", "record 1", "record 2"]);
    assert!(messages.contains(&format!("{GONE}3 of its ring)")), "{messages:?}");
    assert_eq!(messages[messages.len() - 3..], ["record 2400", "record 2401", "record 2402"]);
}

/// Nor does a ring whose thread has ended pass for one that is empty.
#[test]
fn a_ring_whose_thread_has_ended_is_not_used_again() {
    let _alone = alone();
    let mut victim = Victim::new();
    std::thread::spawn(|| log(0..3)).join().unwrap();
    victim.write(DATA, &[0]);
    victim.drain.flush().unwrap();
    victim.drain.flush().unwrap();
    assert!(victim.rings().is_empty());
    std::thread::spawn(|| log(3..5)).join().unwrap();
    let (messages, _, told) = victim.close();
    check_told(&told);
    assert_eq!(messages, [format!("{GONE}0 of its ring)"), "record 3".into(), "record 4".into()]);
}

/// What was said of a ring is said again in the file that follows one that was taken away.
#[test]
fn the_next_file_says_it_too() {
    let _alone = alone();
    let mut victim = Victim::new();
    log(0..3);
    victim.write(DATA, &[GIGABYTE; 512]);
    victim.drain.flush().unwrap();
    std::fs::remove_file(&victim.path).unwrap();
    log(3..5);
    let (mut messages, _, told) = victim.close();
    assert_eq!(told.len(), 2, "{told:?}");
    // By time: it is said when the new file is begun.
    messages.sort();
    assert!(
        messages[0].starts_with("1 record lost: the file that had them was deleted (number 0 "),
        "{messages:?}"
    );
    assert_eq!(messages[1..], ["record 3", "record 4"]);
}

/// Whatever is written to whichever word, the logger goes on.
#[test]
fn each_word_of_a_ring() {
    let words =
        (128..=256).step_by(8).chain((384..576).step_by(8)).chain((DATA..DATA + 256).step_by(8));
    let values = [0, 1, 0x8000_0000, 0xffff_ffff, GIGABYTE, u64::MAX, 0x0123_4567_89ab_cdef];
    let _alone = alone();
    let mut victim = Victim::new();
    for (value, at) in words.flat_map(|at| values.map(|value| (value, at))) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                log(0..3);
                victim.drain.flush().unwrap();
                log(3..6);
                victim.write(at, &[value]);
                victim.drain.flush().unwrap();
                log(6..9);
                victim.drain.flush().unwrap();
            });
        });
    }
    victim.drain.flush().unwrap();
    log(0..1);
    let (messages, ..) = victim.close();
    assert_eq!(messages.last().map(String::as_str), Some("record 0"));
}

/// The tail has the records by then, and the dump does not.
#[test]
fn records_that_were_copied_to_the_tail_are_missed() {
    for is_gigabyte in [false, true] {
        let _alone = alone();
        let mut victim = Victim::new();
        log(0..3);
        victim.drain.flush().unwrap();
        // It found nothing: what follows does not come fast.
        victim.drain.poll();
        log(3..6);
        victim.drain.poll();
        assert!(stenolog_decoder::Dump::open(&victim.path).unwrap().tail_dump().is_some());
        victim.write(DATA, &[if is_gigabyte { GIGABYTE } else { 0 }; 512]);
        victim.drain.poll();
        victim.drain.flush().unwrap();
        log(6..9);
        victim.drain.flush().unwrap();
        let (messages, summary, told) = victim.close();
        check_told(&told);
        assert!(!summary.is_complete());
        let [first, second, third, gone, rest @ ..] = &messages[..] else { panic!("{messages:?}") };
        assert_eq!([first, second, third], ["record 0", "record 1", "record 2"]);
        assert_eq!(*gone, format!("{GONE}3 of its ring)"));
        assert_eq!(rest, ["record 6", "record 7", "record 8"]);
    }
}
