//! Rings in files: what was committed is read back, and no bytes whatever do harm.

/// Writes a record whose payload is `len` times its tag.
macro_rules! push {
    ($producer:expr, $len:expr, $tag:expr) => {{
        let mut claim = $producer.try_claim($len).unwrap();
        claim.fill($tag as u8);
        claim.commit_tagged($tag);
    }};
}

mod creating;
mod damaged;
mod reading;

use std::{fs, mem};

use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::file::{Options, RecoverError, Recovered};
use stenolog_ringbuf::queue::{mpsc, spsc};
use tempfile::TempDir;

const HEADER: usize = 4096;

const CAPACITY: usize = 512;

type Records = Vec<(u32, Vec<u8>)>;

fn records(recovered: &Recovered) -> Records {
    let records = recovered.records();
    let len = records.len();
    let records: Vec<_> = records.map(|record| (record.tag(), record.payload().to_vec())).collect();
    assert_eq!(records.len(), len);
    records
}

/// Reads the bytes, and checks what must hold whatever they are.
fn recover(bytes: &[u8]) -> Result<Recovered, RecoverError> {
    let recovered = Recovered::from_bytes(bytes)?;
    let mut reached = recovered.start();
    for record in recovered.records() {
        assert!(record.position() >= reached);
        assert!(!record.payload().is_empty());
        reached = record.position() + 8 + record.payload().len() as u64;
    }
    assert!(reached <= recovered.end().next_multiple_of(8));
    assert!(recovered.end() - recovered.start() <= recovered.capacity() as u64);
    Ok(recovered)
}

fn create_spsc(dir: &TempDir) -> (spsc::Producer, Consumer) {
    Options::new(CAPACITY).create_spsc(dir.path().join("ring")).unwrap()
}

fn create_mpsc(dir: &TempDir) -> (mpsc::Producer, Consumer) {
    Options::new(CAPACITY).create_mpsc(dir.path().join("ring")).unwrap()
}

fn bytes(dir: &TempDir) -> Vec<u8> {
    fs::read(dir.path().join("ring")).unwrap()
}

/// What records pushed with these lengths and tags look like.
fn pushed(records: &[(usize, u32)]) -> Records {
    records.iter().map(|&(len, tag)| (tag, vec![tag as u8; len])).collect()
}

/// A ring that wrapped, with records freed, aborted and truncated.
fn used_spsc(dir: &TempDir) -> Records {
    let (mut producer, mut consumer) = create_spsc(dir);
    for tag in 1..=30 {
        push!(producer, 1 + tag as usize * 7 % 40, tag);
        if tag % 5 == 0 {
            drop(producer.try_claim(20).unwrap());
        }
        if tag % 3 == 0 {
            consumer.drain(usize::MAX, |_| ());
        }
    }
    let mut expected = Vec::new();
    for tag in 31..=37 {
        push!(producer, 2 + tag as usize % 30, tag);
        expected.push((2 + tag as usize % 30, tag));
    }
    let mut claim = producer.try_claim(40).unwrap();
    claim.fill(38);
    claim.set_tag(38);
    claim.commit_truncated(3);
    expected.push((3, 38));
    pushed(&expected)
}

/// The same with many producers, and claims left open in the middle.
fn used_mpsc(dir: &TempDir) -> Records {
    let (mut producer, mut consumer) = create_mpsc(dir);
    for tag in 1..=30 {
        push!(producer, 1 + tag as usize * 7 % 40, tag);
        consumer.drain(usize::MAX, |_| ());
    }
    push!(producer, 9, 31);
    mem::forget(producer.try_claim(33).unwrap());
    push!(producer, 17, 32);
    drop(producer.try_claim(33).unwrap());
    let mut half_filled = producer.clone();
    half_filled.try_claim(50).map(|mut claim| claim[..20].fill(0xff)).unwrap();
    mem::forget(half_filled.try_claim(70).map(|mut claim| {
        claim[..40].fill(0xff);
        claim
    }));
    push!(producer, 50, 33);
    mem::forget(producer.try_claim(8).unwrap());
    pushed(&[(9, 31), (17, 32), (50, 33)])
}

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// Sets the checksum to what the header before it demands.
fn vouch(bytes: &mut [u8]) {
    let checksum = bytes[..56].iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    bytes[56..64].copy_from_slice(&checksum.to_le_bytes());
}
