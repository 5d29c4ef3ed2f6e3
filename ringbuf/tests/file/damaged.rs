//! A damaged ring file is an error or a prefix, never a panic.

use std::fs;
use std::sync::LazyLock;

use proptest::prelude::*;
use stenolog_ringbuf::file::{Damage, Options, RecoverError, Recovered};

use crate::{
    CAPACITY, HEADER, bytes, create_mpsc, create_spsc, pushed, records, recover, used_mpsc,
    used_spsc, vouch, word,
};

#[test]
fn any_byte_may_change() {
    for fill in [used_spsc, used_mpsc] {
        let dir = tempfile::tempdir().unwrap();
        let expected = fill(&dir);
        let whole = bytes(&dir);
        for at in 0..whole.len() {
            for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
                let mut bytes = whole.clone();
                bytes[at] ^= flip;
                match recover(&bytes) {
                    Ok(recovered) => {
                        assert!(at >= 64, "byte {at} of the header is guarded");
                        let records = records(&recovered);
                        if (144..256).contains(&at) || (264..HEADER).contains(&at) {
                            assert_eq!(records, expected, "byte {at} means nothing");
                        }
                    }
                    Err(error) => assert!(at < HEADER, "byte {at}: {error}"),
                }
            }
        }
    }
}

/// A checksum is no proof that the fields make sense.
#[test]
fn absurd_fields_are_errors_whatever_the_checksum() {
    let dir = tempfile::tempdir().unwrap();
    used_spsc(&dir);
    let whole = bytes(&dir);
    let absurd = [0, 1, 2, 8, 15, 17, 511, 1 << 31, 1 << 32, 1 << 63, u64::MAX];
    for (at, values) in [(16, &absurd[..]), (24, &[0, 1, 4095, 4097, 1 << 40, u64::MAX])] {
        for value in values {
            let mut bytes = whole.clone();
            bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
            vouch(&mut bytes);
            let error = recover(&bytes).unwrap_err();
            assert!(matches!(error, RecoverError::Field { value: found, .. } if found == *value));
        }
    }
    for kind in [2_u32, 256, 1 << 31, u32::MAX] {
        let mut bytes = whole.clone();
        bytes[12..16].copy_from_slice(&kind.to_le_bytes());
        vouch(&mut bytes);
        assert!(matches!(recover(&bytes), Err(RecoverError::Field { field: "kind", .. })));
    }
}

/// A header may claim any capacity that a ring can have; memory is taken for what is there.
#[test]
fn a_capacity_that_the_file_does_not_have_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let expected = used_spsc(&dir);
    let whole = bytes(&dir);
    for shift in 4..=30 {
        let mut bytes = whole.clone();
        bytes[16..24].copy_from_slice(&(1_u64 << shift).to_le_bytes());
        vouch(&mut bytes);
        match recover(&bytes) {
            Ok(recovered) => {
                assert_eq!(recovered.capacity(), 1 << shift);
                assert!(records(&recovered).len() <= CAPACITY / 16);
                assert!(1 << shift != CAPACITY || records(&recovered) == expected);
            }
            Err(error) => assert!(matches!(error, RecoverError::Positions { .. }), "{error}"),
        }
    }
}

/// A ring of one kind that is said to be of the other.
#[test]
fn the_other_kind_does_no_harm() {
    for fill in [used_spsc, used_mpsc] {
        let dir = tempfile::tempdir().unwrap();
        let expected = fill(&dir);
        let mut bytes = bytes(&dir);
        bytes[12] ^= 1;
        let head = word(&bytes, 128);
        for tail in (0..=CAPACITY as u64).step_by(8) {
            bytes[256..264].copy_from_slice(&(head + tail).to_le_bytes());
            vouch(&mut bytes);
            if let Ok(recovered) = recover(&bytes) {
                let records = records(&recovered);
                assert!(expected.starts_with(&records) || records.starts_with(&expected));
            }
        }
    }
}

/// At both ends of what a position can be, and with any pair of them in disagreement.
#[test]
fn absurd_positions_are_errors_or_no_records() {
    let dir = tempfile::tempdir().unwrap();
    let mut values: Vec<u64> = [0, 1 << 31, 1 << 32, 1 << 63, u64::MAX - 7]
        .into_iter()
        .flat_map(|at: u64| {
            [-1024, -512, -504, -8, -1, 0, 1, 8, 504, 512, 1024].map(|d| at.wrapping_add_signed(d))
        })
        .collect();
    values.sort_unstable();
    values.dedup();
    for fill in [used_spsc, used_mpsc] {
        let dir_of_one = tempfile::tempdir_in(dir.path()).unwrap();
        fill(&dir_of_one);
        let mut bytes = bytes(&dir_of_one);
        for &head in &values {
            for &consumed in &values {
                for tail in
                    [head.wrapping_sub(8), head, consumed, head.wrapping_add(512), 0, u64::MAX]
                {
                    for (at, value) in [(128, head), (136, consumed), (256, tail)] {
                        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
                    }
                    let _ = recover(&bytes);
                }
            }
        }
    }
}

/// A reader in another process goes on while the file is cut, against the rules.
#[test]
fn a_file_that_is_cut_while_it_is_mapped_is_read_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let (mut producer, consumer) = create_spsc(&dir);
    push!(producer, 100, 1);
    push!(producer, 100, 2);
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(HEADER as u64 + 150).unwrap();
    let recovered = Recovered::open(&path).unwrap();
    assert_eq!(records(&recovered), pushed(&[(100, 1)]));
    assert_eq!(recovered.damage(), Some(Damage::Truncated { position: 112 }));
    file.set_len(10).unwrap();
    assert!(matches!(Recovered::open(&path), Err(RecoverError::Truncated { found: 10 })));
    // The ends unmap what is no longer there, and touch none of it.
    fs::remove_file(&path).unwrap();
    drop((producer, consumer));
}

/// The header of the largest ring there can be, over a file that is all hole.
#[test]
fn a_ring_that_is_all_hole_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    drop(Options::new(CAPACITY).create_spsc(&path).unwrap());
    let mut header = fs::read(&path).unwrap();
    header.truncate(HEADER);
    header[16..24].copy_from_slice(&(1_u64 << 24).to_le_bytes());
    vouch(&mut header);
    for kind in [0, 1] {
        header[12] = kind;
        let tail = if kind == 0 { 0 } else { 1_u64 << 24 };
        header[256..264].copy_from_slice(&tail.to_le_bytes());
        vouch(&mut header);
        fs::write(&path, &header).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(HEADER as u64 + (1 << 24)).unwrap();
        let recovered = Recovered::open(&path).unwrap();
        assert_eq!((records(&recovered), recovered.damage()), (vec![], None));
    }
}

#[test]
fn any_truncation_yields_a_prefix() {
    for fill in [used_spsc, used_mpsc] {
        let dir = tempfile::tempdir().unwrap();
        let expected = fill(&dir);
        let whole = bytes(&dir);
        for len in 0..whole.len() {
            match recover(&whole[..len]) {
                Ok(recovered) => {
                    let records = records(&recovered);
                    assert!(expected.starts_with(&records), "{len} bytes gave other records");
                    if records.len() < expected.len() {
                        assert!(matches!(recovered.damage(), Some(Damage::Truncated { .. })));
                    }
                }
                Err(RecoverError::Truncated { found }) => {
                    assert!(len < HEADER);
                    assert_eq!(found, len);
                }
                Err(error) => panic!("{len} bytes: {error}"),
            }
        }
    }
}

#[test]
fn what_is_no_ring_is_called_that() {
    let dir = tempfile::tempdir().unwrap();
    let _ring = create_spsc(&dir);
    let whole = bytes(&dir);
    assert!(matches!(recover(b""), Err(RecoverError::Truncated { found: 0 })));
    assert!(matches!(recover(b"#!/bin/sh\n"), Err(RecoverError::Magic { found: _ })));
    let mut newer = whole.clone();
    newer[8] = 2;
    assert!(matches!(recover(&newer), Err(RecoverError::Version { found: 2, known: 1 })));
    let mut damaged = whole;
    damaged[20] ^= 1;
    assert!(matches!(recover(&damaged), Err(RecoverError::Checksum)));
    assert!(matches!(Recovered::open(dir.path().join("none")), Err(RecoverError::Io(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn any_bytes_are_read_without_harm(
        many in any::<bool>(),
        head in 0u64..2000,
        consumed in 0u64..600,
        tail in 0u64..600,
        words in prop::collection::vec(prop_oneof![
            Just(0u64),
            any::<u64>(),
            (0u64..80, any::<u32>()).prop_map(|(len, tag)| u64::from(tag) << 32 | len),
            (0u64..80).prop_map(|len| len << 32),
            (0u64..80).prop_map(|len| (1 << 31) | (len * 8)),
        ], 64),
        len in 0usize..=CAPACITY,
    ) {
        static EMPTY: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
            let dirs = [(); 2].map(|()| tempfile::tempdir().unwrap());
            drop((create_spsc(&dirs[0]), create_mpsc(&dirs[1])));
            [bytes(&dirs[0]), bytes(&dirs[1])]
        });
        let mut bytes = EMPTY[usize::from(many)].clone();
        let head = head * 8;
        for (at, value) in [(128, head), (136, head + consumed), (256, head + tail)] {
            bytes[at..at + 8].copy_from_slice(&(value & !7).to_le_bytes());
        }
        for (index, word) in words.iter().enumerate() {
            bytes[HEADER + index * 8..][..8].copy_from_slice(&word.to_le_bytes());
        }
        let _ = recover(&bytes[..HEADER + len]);
        let _ = recover(&bytes);
    }
}
