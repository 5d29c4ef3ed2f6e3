//! Another process writes to a ring's file from safe code: readers may get other records than those that
//! were committed, or none, but never access memory outside the ring, never panic, and always end.

#![cfg(unix)]
#![forbid(unsafe_code)]

use std::fs::{File, OpenOptions};
use std::hint::black_box;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use stenolog_ringbuf::file::{Damage, Options, Recovered};
use stenolog_ringbuf::queue::{mpsc, spsc};
use stenolog_ringbuf::{Consumer, TryClaimError};

const CAPACITY: usize = 256;

/// As 8 bytes anywhere in the file: lengths around the ring's and the largest, skips, marks, absurd
/// positions.
const HOSTILE: [u64; 16] = [
    0,
    1,
    7,
    CAPACITY as u64 - 8,
    CAPACITY as u64,
    0x3fff_fff0,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    1 << 32,
    (CAPACITY as u64) << 32,
    0x7fff_ffff << 32,
    1 << 62,
    u64::MAX - 7,
    u64::MAX,
    0x0123_4567_89ab_cdef,
];

/// Either producer: commits a record, or drops a claim, or finds no room.
trait Write: Sized {
    fn create(path: &Path) -> (Self, Consumer);
    fn write(&mut self, len: usize, commit: bool) -> Result<(), TryClaimError>;
}

macro_rules! write {
    ($kind:ident, $create:ident) => {
        impl Write for $kind::Producer {
            fn create(path: &Path) -> (Self, Consumer) {
                Options::new(CAPACITY).$create(path).unwrap()
            }

            fn write(&mut self, len: usize, commit: bool) -> Result<(), TryClaimError> {
                black_box(self.used_bytes());
                let mut claim = self.try_claim(len)?;
                claim.fill(len as u8);
                if commit {
                    claim.commit_tagged(len as u32);
                }
                Ok(())
            }
        }
    };
}
write!(spsc, create_spsc);
write!(mpsc, create_mpsc);

/// Looks at all bytes, which must be the ring's: another length would be caught by no check but a
/// memory's.
fn read(bytes: &[u8]) {
    assert!(bytes.len() <= CAPACITY, "{} bytes in a ring of {CAPACITY}", bytes.len());
    black_box(bytes.iter().map(|&byte| u64::from(byte)).sum::<u64>());
}

/// All that a consumer can do.
fn consume(consumer: &mut Consumer) {
    black_box((consumer.readable_bytes(), consumer.readable_end(), consumer.is_empty()));
    black_box(consumer.is_end(consumer.position()));
    black_box(consumer.damage_at(consumer.position()));
    let batch = consumer.batch(usize::MAX);
    let (first, second) = batch.raw_slices();
    assert!(first.len() + second.len() <= CAPACITY);
    read(first);
    read(second);
    batch.records().for_each(|record| read(record.payload()));
    let (start, end) = (batch.start(), batch.end());
    drop(batch);
    let scanned = consumer.scan_from(start, CAPACITY / 2, |record| read(record.payload()));
    let rest = consumer.batch_from(scanned, 64);
    rest.records().for_each(|record| read(record.payload()));
    drop(rest);
    black_box((consumer.is_end(end), consumer.damage_at(end)));
    if let Some(record) = consumer.try_claim() {
        read(&record);
    }
    consumer.drain(100, |record| read(record.payload()));
    black_box(consumer.unblock());
    let position = consumer.position();
    let end = consumer.scan_from(position, usize::MAX, |record| read(record.payload()));
    consumer.release_to(end);
}

fn reopened(path: &Path) -> File {
    OpenOptions::new().write(true).open(path).unwrap()
}

fn each_word_of_a_ring_in_use<W: Write>() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    for at in (0..4096 + CAPACITY as u64).step_by(8) {
        // The positions, the first of what is unused, the user words, and the records.
        if (600..4096).contains(&at) {
            continue;
        }
        for value in HOSTILE {
            let (mut producer, mut consumer) = W::create(&path);
            let file = reopened(&path);
            // Something was read, and something is there; the next record may have to wrap.
            for len in [40, 9, 60] {
                producer.write(len, len != 9).unwrap();
            }
            drop(consumer.try_claim());
            producer.write(33, true).unwrap();
            file.write_all_at(&value.to_le_bytes(), at).unwrap();
            for len in [1, 24, 100, 17, 8] {
                let _ = producer.write(len, len != 24);
            }
            consume(&mut consumer);
            for len in [8, 50, 90, 120] {
                let _ = producer.write(len, true);
                file.write_all_at(&value.to_le_bytes(), at).unwrap();
                consume(&mut consumer);
            }
            if let Ok(recovered) = Recovered::open(&path) {
                recovered.records().for_each(|record| read(record.payload()));
            }
            std::fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn each_word_of_a_ring_of_one_producer() {
    each_word_of_a_ring_in_use::<spsc::Producer>();
}

#[test]
fn each_word_of_a_ring_of_many_producers() {
    each_word_of_a_ring_in_use::<mpsc::Producer>();
}

/// While all ends are at work.
fn someone_who_writes_all_the_time<W: Write + Send>() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..20_u64 {
        let path = dir.path().join(format!("ring-{round}"));
        let (mut producer, mut consumer) = W::create(&path);
        let file = reopened(&path);
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
                while !is_done.load(Ordering::Relaxed) {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    let at = match random % 4 {
                        0 => 128 + 8 * (random >> 32) % 256,
                        _ => 4096 + 8 * (random >> 32) % CAPACITY as u64,
                    };
                    let value = HOSTILE[(random >> 16) as usize % HOSTILE.len()];
                    file.write_all_at(&value.to_le_bytes(), at).unwrap();
                }
            });
            scope.spawn(|| {
                for len in (1..50).cycle().take(20_000) {
                    let _ = producer.write(len, len % 7 != 0);
                }
            });
            for _ in 0..500 {
                consume(&mut consumer);
            }
            is_done.store(true, Ordering::Relaxed);
        });
    }
}

#[test]
fn someone_who_writes_all_the_time_to_a_ring_of_one_producer() {
    someone_who_writes_all_the_time::<spsc::Producer>();
}

#[test]
fn someone_who_writes_all_the_time_to_a_ring_of_many_producers() {
    someone_who_writes_all_the_time::<mpsc::Producer>();
}

/// The consumer tells what it stopped at, once, and for ever.
#[test]
fn what_is_no_record_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let (mut producer, mut consumer) = spsc::Producer::create(&path);
    producer.write(8, true).unwrap();
    producer.write(8, true).unwrap();
    // The second one claims to go on to the end of the ring and beyond.
    let word = 5 << 32 | CAPACITY as u64;
    reopened(&path).write_all_at(&word.to_le_bytes(), 4096 + 16).unwrap();
    assert_eq!(consumer.damage_at(0), None);
    let end = consumer.scan_from(0, usize::MAX, |record| assert_eq!(record.payload(), [8; 8]));
    assert_eq!(end, 16);
    assert!(!consumer.is_end(end) && consumer.batch_from(end, usize::MAX).is_empty());
    assert_eq!(consumer.damage_at(end), Some(Damage::Header { position: 16, word }));
    consumer.release_to(end);
    assert!(consumer.try_claim().is_none() && consumer.is_empty());
    assert_eq!(consumer.damage_at(end), Some(Damage::Header { position: 16, word }));
}
