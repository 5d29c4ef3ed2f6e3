//! A process that writes to rings is killed at random moments. What it had reported as committed
//! is in the file, unless it had reported that as read.
//!
//! The child is this same program. It reports on its standard error, eight bytes an event.

#![cfg(unix)]

use std::collections::HashSet;
use std::env;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use stenolog_ringbuf::file::{Kind, Options, Recovered};
use stenolog_ringbuf::{Consumer, TryClaimError, WriteClaim};

const PATH: &str = "RING_TO_BE_KILLED";
const PRODUCERS: &str = "RING_PRODUCERS";

const COMMITTED: u64 = 0;
const READ: u64 = 1;

/// What a record is known by: its producer and its number, in its tag.
fn tag(producer: u32, number: u32) -> u32 {
    producer << 28 | number
}

fn len(tag: u32) -> usize {
    1 + (u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as usize % 90
}

fn byte(tag: u32, at: usize) -> u8 {
    // Never zero, so a store that is missing shows.
    (tag as usize).wrapping_mul(31).wrapping_add(at) as u8 | 1
}

fn report(event: u64, tag: u32) {
    // One call to the system, and small enough to be atomic.
    io::stderr().write_all(&(event << 32 | u64::from(tag)).to_le_bytes()).unwrap();
}

fn write(
    producer: u32,
    mut try_claim: impl FnMut(usize, &mut dyn FnMut(WriteClaim<'_>)) -> Result<(), TryClaimError>,
) {
    for number in 0.. {
        let tag = tag(producer, number);
        if number % 7 == 0 {
            let _ = try_claim(30, &mut |claim| drop(claim));
        }
        while try_claim(len(tag), &mut |mut claim| {
            for (at, to) in claim.iter_mut().enumerate() {
                *to = byte(tag, at);
            }
            claim.commit_tagged(tag);
        })
        .is_err()
        {
            thread::yield_now();
        }
        if number % 3 == 0 {
            report(COMMITTED, tag);
        }
    }
}

fn read(consumer: &mut Consumer) {
    loop {
        let position = consumer.position();
        let end = consumer.scan_from(position, 700, |record| report(READ, record.tag()));
        consumer.release_to(end);
        thread::yield_now();
    }
}

/// Not a test by itself.
#[test]
fn child() {
    let (Some(path), Ok(producers)) = (env::var_os(PATH), env::var(PRODUCERS)) else { return };
    let options = Options::new(4096);
    if producers == "one" {
        let (mut producer, mut consumer) = options.create_spsc(path).unwrap();
        thread::spawn(move || {
            write(0, |len, fill| producer.try_claim(len).map(fill));
        });
        read(&mut consumer);
    } else {
        let (producer, mut consumer) = options.create_mpsc(path).unwrap();
        for index in 0..3 {
            let mut producer = producer.clone();
            thread::spawn(move || {
                write(index, |len, fill| producer.try_claim(len).map(fill));
            });
        }
        read(&mut consumer);
    }
}

/// Runs the child, and kills it after it reported `events`.
fn run(path: &Path, producers: &str, events: usize) -> Vec<u8> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env(PATH, path)
        .env(PRODUCERS, producers)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stderr.take().unwrap();
    let mut reports = vec![0; events * 8];
    pipe.read_exact(&mut reports).unwrap();
    child.kill().unwrap();
    pipe.read_to_end(&mut reports).unwrap();
    child.wait().unwrap();
    reports
}

fn check(producers: &str, kind: Kind) {
    let dir = tempfile::tempdir().unwrap();
    let mut open_claims = 0;
    for round in 0..40 {
        let path: PathBuf = dir.path().join(round.to_string());
        let reports = run(&path, producers, 1 + round * 37 % 800);
        let (mut committed, mut read) = (HashSet::new(), HashSet::new());
        assert!(reports.len().is_multiple_of(8), "a report is whole or not there");
        for report in reports.chunks_exact(8) {
            let report = u64::from_le_bytes(report.try_into().unwrap());
            let tags = if report >> 32 == READ { &mut read } else { &mut committed };
            assert!(tags.insert(report as u32), "reported twice");
        }

        let recovered = Recovered::open(&path).unwrap();
        assert_eq!((recovered.kind(), recovered.damage()), (kind, None));
        open_claims += recovered.open_claims();
        let mut next = [None; 3];
        let not_read = |producer| {
            let read = read.iter().filter(|&&tag| tag >> 28 == producer).max();
            read.map_or(tag(producer, 0), |read| read + 1)
        };
        for record in recovered.records() {
            let tag = record.tag();
            assert_eq!(record.payload().len(), len(tag));
            for (at, &found) in record.payload().iter().enumerate() {
                assert_eq!(found, byte(tag, at), "byte {at} of {tag:#x}");
            }
            let next = &mut next[(tag >> 28) as usize];
            match *next {
                Some(next) => assert_eq!(tag, next, "a gap in the ring"),
                None => assert!(tag <= not_read(tag >> 28), "a gap before {tag:#x}"),
            }
            *next = Some(tag + 1);
            committed.remove(&tag);
        }
        committed.retain(|tag| !read.contains(tag));
        assert!(committed.is_empty(), "committed, not read, and lost: {committed:x?}");
    }
    if kind == Kind::OneProducer {
        assert_eq!(open_claims, 0);
    }
}

#[test]
fn what_one_producer_committed_survives() {
    check("one", Kind::OneProducer);
}

#[test]
fn what_many_producers_committed_survives() {
    check("many", Kind::ManyProducers);
}
