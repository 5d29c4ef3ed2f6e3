//! Committed records are read back, whenever the process ended.

use std::mem;

use stenolog_ringbuf::file::{Options, RecoverError, Recovered};

use crate::{
    CAPACITY, HEADER, bytes, create_mpsc, create_spsc, pushed, records, recover, used_mpsc,
    used_spsc, vouch, word,
};

#[test]
fn what_is_committed_is_read_back_while_the_ring_is_used_and_after() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let (mut producer, mut consumer) = create_spsc(&dir);
    assert_eq!(records(&Recovered::open(&path).unwrap()), []);
    push!(producer, 5, 1);
    push!(producer, 50, 2);
    let open = producer.try_claim(9).unwrap();
    assert_eq!(records(&Recovered::open(&path).unwrap()), pushed(&[(5, 1), (50, 2)]));
    open.commit_tagged(3);
    assert_eq!(consumer.try_claim().unwrap().tag(), 1);
    drop((producer, consumer));
    let recovered = Recovered::open(&path).unwrap();
    assert_eq!(records(&recovered), [(2, vec![2; 50]), (3, vec![0; 9])]);
    assert_eq!((recovered.start(), recovered.end(), recovered.damage()), (16, 104, None));
}

#[test]
fn used_rings_are_read_back() {
    let dir = tempfile::tempdir().unwrap();
    let expected = used_spsc(&dir);
    let recovered = recover(&bytes(&dir)).unwrap();
    assert_eq!((records(&recovered), recovered.damage()), (expected, None));

    let dir = tempfile::tempdir().unwrap();
    let expected = used_mpsc(&dir);
    let recovered = recover(&bytes(&dir)).unwrap();
    assert_eq!((records(&recovered), recovered.damage()), (expected, None));
    assert_eq!(recovered.open_claims(), 3, "one was dropped half filled, three were leaked");
}

#[test]
fn a_full_ring_is_read_to_the_last_byte_and_no_further() {
    for many in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = Vec::new();
        macro_rules! fill {
            ($ends:expr) => {{
                let (mut producer, mut consumer) = $ends;
                push!(producer, 24, 1);
                push!(producer, 24, 2);
                consumer.drain(usize::MAX, |_| ());
                for tag in 3..19 {
                    push!(producer, 24, tag);
                    expected.push((24, tag));
                }
                assert!(producer.try_claim(1).is_err());
            }};
        }
        if many {
            fill!(create_mpsc(&dir))
        } else {
            fill!(create_spsc(&dir))
        }
        let recovered = recover(&bytes(&dir)).unwrap();
        assert_eq!((records(&recovered), recovered.damage()), (pushed(&expected), None));
    }
}

/// A consumer that died in a release: `consumed` is ahead of `head`, and any part is cleared.
#[test]
fn a_release_cut_short_loses_nothing_behind_it() {
    for many in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        macro_rules! fill {
            ($ends:expr) => {{
                let (mut producer, _consumer) = $ends;
                for tag in 1..=16 {
                    push!(producer, 24, tag);
                }
            }};
        }
        if many {
            fill!(create_mpsc(&dir))
        } else {
            fill!(create_spsc(&dir))
        }
        let whole = bytes(&dir);
        let expected: Vec<_> = (5..=16).map(|tag| (24, tag)).collect();
        for cleared in (0..=128).step_by(8) {
            let mut bytes = whole.clone();
            bytes[136..144].copy_from_slice(&128u64.to_le_bytes());
            bytes[HEADER..HEADER + cleared].fill(0);
            let recovered = recover(&bytes).unwrap();
            assert_eq!((records(&recovered), recovered.damage()), (pushed(&expected), None));
        }
    }
}

/// A producer that died between moving the tail and marking its claim.
#[test]
fn a_claim_without_a_mark_is_stepped_over() {
    let dir = tempfile::tempdir().unwrap();
    let (mut producer, _consumer) = create_mpsc(&dir);
    push!(producer, 24, 1);
    mem::forget(producer.try_claim(100).unwrap());
    push!(producer, 24, 2);
    mem::forget(producer.try_claim(100).unwrap());
    let mut bytes = bytes(&dir);
    for mark in [32, 176] {
        assert_eq!(bytes[HEADER + mark..][..8], [0, 0, 0, 0, 100, 0, 0, 0]);
        bytes[HEADER + mark..][..8].fill(0);
    }
    let recovered = recover(&bytes).unwrap();
    assert_eq!((records(&recovered), recovered.damage()), (pushed(&[(24, 1), (24, 2)]), None));
}

/// A producer that died between claiming the ring's end and marking it dead. One producer has
/// nothing after that.
#[test]
fn an_end_without_a_mark_is_stepped_over() {
    for many in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        macro_rules! fill {
            ($ends:expr) => {{
                let (mut producer, mut consumer) = $ends;
                push!(producer, 440, 1);
                consumer.drain(usize::MAX, |_| ());
                push!(producer, 8, 2);
                push!(producer, 100, 3);
            }};
        }
        if many {
            fill!(create_mpsc(&dir))
        } else {
            fill!(create_spsc(&dir))
        }
        let mut bytes = bytes(&dir);
        assert_eq!(word(&bytes, HEADER + 464), 1 << 31 | 40);
        bytes[HEADER + 464..][..8].fill(0);
        let expected = if many { &[(8, 2), (100, 3)][..] } else { &[(8, 2)] };
        let recovered = recover(&bytes).unwrap();
        assert_eq!((records(&recovered), recovered.damage()), (pushed(expected), None));
    }
}

/// As in memory: one producer leaves no mark, so nothing after its leak is found.
#[test]
fn what_one_producer_commits_behind_a_leak_is_not_found() {
    let dir = tempfile::tempdir().unwrap();
    let (mut producer, mut consumer) = create_spsc(&dir);
    push!(producer, 24, 1);
    mem::forget(producer.try_claim(8).unwrap());
    push!(producer, 24, 2);
    let recovered = recover(&bytes(&dir)).unwrap();
    assert_eq!((records(&recovered), recovered.damage()), (pushed(&[(24, 1)]), None));
    assert_eq!((recovered.open_claims(), recovered.end()), (0, 32));
    assert_eq!(consumer.drain(usize::MAX, |_| ()), 1);
}

/// The table in the documentation, read by nothing but that.
#[test]
fn the_layout_is_what_the_documentation_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let options = Options::new(CAPACITY).thread_id(5).ring_id(6);
    let (mut producer, mut consumer) = options.create_mpsc(&path).unwrap();
    push!(producer, 8, 1);
    let mut claim = producer.try_claim(3).unwrap();
    claim.fill(4);
    claim.commit_tagged(0x0102_0304);
    mem::forget(producer.try_claim(9).unwrap());
    drop(producer.try_claim(20).unwrap());
    assert_eq!(consumer.try_claim().unwrap().len(), 8);
    (0..24).for_each(|index| producer.set_user_word(index, 100 + index as u64));
    let mut bytes = bytes(&dir);
    assert_eq!(bytes[..8], [0x93, 0x52, 0x49, 0x4e, 0x47, 0x0d, 0x0a, 0x1a]);
    assert_eq!(bytes[8..16], [1, 0, 0, 0, 1, 0, 0, 0]);
    let fixed = [16, 24, 32, 40, 48].map(|at| word(&bytes, at));
    assert_eq!(fixed, [CAPACITY as u64, 4096, u64::from(std::process::id()), 5, 6]);
    assert_eq!([128, 136, 256].map(|at| word(&bytes, at)), [16, 16, 88]);
    assert!((0..24).all(|index| word(&bytes, 384 + 8 * index) == 100 + index as u64));
    assert_eq!(bytes.len(), 4096 + CAPACITY);
    // A record of 3 bytes, a claim of 9, dead space of 24 after its header.
    assert_eq!(bytes[4096 + 16..][..11], [3, 0, 0, 0, 4, 3, 2, 1, 4, 4, 4]);
    assert_eq!(word(&bytes, 4096 + 32), 9 << 32);
    assert_eq!(word(&bytes, 4096 + 56), 1 << 31 | 24);
    let before = bytes.clone();
    vouch(&mut bytes);
    assert_eq!(bytes, before);
}

#[test]
fn payload_that_was_changed_is_read_as_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (mut producer, _consumer) = create_spsc(&dir);
    push!(producer, 3, 1);
    let mut bytes = bytes(&dir);
    bytes[HEADER + 8] = 9;
    let recovered = recover(&bytes).unwrap();
    assert_eq!((records(&recovered), recovered.damage()), (vec![(1, vec![9, 1, 1])], None));
}

/// The records follow one another, from no later than the consumer says that it has freed.
fn check_while_in_use(recovered: &Recovered) {
    assert_eq!(recovered.damage(), None);
    let user_words = recovered.user_words();
    assert!(user_words[0] >= recovered.start());
    let mut next = None;
    for record in recovered.records() {
        let tag = record.tag();
        assert!(u64::from(tag) <= user_words[1] || next.is_some());
        assert!(next.is_none_or(|next| tag == next), "a gap before {tag}");
        assert_eq!(record.payload(), vec![tag as u8; 1 + tag as usize % 60]);
        next = Some(tag + 1);
    }
}

/// While the ring is in use: records are whole and without gaps, and the user words are at least as
/// new as what was freed.
#[test]
fn a_ring_that_is_in_use_is_read_exactly() {
    use std::sync::atomic::{AtomicBool, Ordering};
    /// Ends the threads, also when an assertion fails.
    struct Done<'a>(&'a AtomicBool);
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    for many in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ring");
        let done = AtomicBool::new(false);
        macro_rules! run {
            ($ends:expr) => {{
                let (mut producer, mut consumer) = $ends;
                std::thread::scope(|scope| {
                    let done = &done;
                    scope.spawn(move || {
                        let mut tag = 0;
                        while !done.load(Ordering::Relaxed) {
                            if let Ok(mut claim) = producer.try_claim(1 + tag as usize % 60) {
                                claim.fill(tag as u8);
                                claim.commit_tagged(tag);
                                tag += 1;
                            } else {
                                std::thread::yield_now();
                            }
                        }
                    });
                    scope.spawn(move || {
                        let mut freed = 0;
                        while !done.load(Ordering::Relaxed) {
                            let position = consumer.position();
                            let end = consumer.scan_from(position, 200, |_| freed += 1);
                            consumer.set_user_word(0, end);
                            consumer.set_user_word(1, freed);
                            consumer.release_to(end);
                            std::thread::yield_now();
                        }
                    });
                    let _done = Done(done);
                    for _ in 0..1000 {
                        let recovered = match Recovered::open(&path) {
                            Ok(recovered) => recovered,
                            // One passed each time.
                            Err(RecoverError::Positions { .. } | RecoverError::InUse) => continue,
                            Err(error) => panic!("{error}"),
                        };
                        check_while_in_use(&recovered);
                    }
                });
            }};
        }
        if many {
            run!(Options::new(CAPACITY).create_mpsc(&path).unwrap())
        } else {
            run!(Options::new(CAPACITY).create_spsc(&path).unwrap())
        }
    }
}
