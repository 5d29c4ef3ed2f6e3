//! Rings in files: what was committed is read back, and no bytes whatever do harm.

use proptest::prelude::*;
use std::fs;
use std::mem;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use stenolog_ringbuf::Consumer;
use stenolog_ringbuf::file::{Damage, Kind, Options, RecoverError, Recovered};
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

/// Writes a record whose payload is `len` times its tag.
macro_rules! push {
    ($producer:expr, $len:expr, $tag:expr) => {{
        let mut claim = $producer.try_claim($len).unwrap();
        claim.fill($tag as u8);
        claim.commit_tagged($tag);
    }};
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
fn the_header_says_what_was_put_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let options = Options::new(1000).ring_id(7).thread_id(u64::MAX).user_words([9; 24]);
    let (producer, consumer) = options.create_mpsc(&path).unwrap();
    producer.set_user_word(0, 1);
    consumer.set_user_word(23, 2);
    let recovered = Recovered::open(&path).unwrap();
    assert_eq!((recovered.kind(), recovered.capacity()), (Kind::ManyProducers, 1024));
    assert_eq!((recovered.ring_id(), recovered.thread_id()), (7, u64::MAX));
    assert_eq!(recovered.process_id(), u64::from(std::process::id()));
    let mut expected = [9; 24];
    (expected[0], expected[23]) = (1, 2);
    assert_eq!(recovered.user_words(), expected);
    assert_eq!(fs::metadata(&path).unwrap().len(), 4096 + 1024);
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let _ring = Options::new(1 << 20).create_spsc(&path).unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert!(metadata.blocks() * 512 >= 1 << 20, "its blocks are reserved");
}

#[test]
fn a_file_that_exists_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    fs::write(&path, "precious").unwrap();
    assert!(Options::new(512).create_spsc(&path).is_err());
    assert_eq!(fs::read(&path).unwrap(), b"precious");
}

/// Neither is what the link leads to, whether it exists or not.
#[cfg(unix)]
#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (link, target) = (dir.path().join("ring"), dir.path().join("target"));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    for content in [None, Some("precious")] {
        if let Some(content) = content {
            fs::write(&target, content).unwrap();
        }
        let error = Options::new(512).create_mpsc(&link).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&target).ok().as_deref(), content.map(str::as_bytes));
    }
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[test]
fn no_directory_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Options::new(512).create_spsc(dir.path().join("none/ring")).is_err());
    assert!(Options::new(512).create_spsc(dir.path()).is_err());
    assert!(matches!(Recovered::open(dir.path()), Err(RecoverError::Io(_))));
}

/// Not a test by itself: creates a ring under a limit on the size of files, whose signal it has not
/// asked to be spared.
#[test]
fn child_without_room() {
    let Some(path) = std::env::var_os("RING_WITHOUT_ROOM") else { return };
    let error = Options::new(1 << 20).create_spsc(Path::new(&path)).unwrap_err();
    assert!(error.raw_os_error().is_some(), "{error}");
}

#[cfg(unix)]
#[test]
fn no_room_is_an_error_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let status = Command::new("sh")
        .args(["-c", "ulimit -f 64; exec \"$0\" --exact child_without_room -q"])
        .arg(std::env::current_exe().unwrap())
        .env("RING_WITHOUT_ROOM", &path)
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    assert!(!path.exists());
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
/// nothing behind that.
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

/// As in memory: one producer leaves no mark, so nothing behind its leak is found.
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
    // A record of 3 bytes, a claim of 9, dead space of 24 behind its header.
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

#[test]
fn too_large_a_capacity_panics() {
    assert!(std::panic::catch_unwind(|| Options::new((1 << 30) + 1)).is_err());
}

#[test]
fn user_words_that_are_none_panic() {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    let panics = |f: &dyn Fn()| catch_unwind(AssertUnwindSafe(f)).is_err();
    let (producer, consumer) = spsc::new(64);
    assert!(
        !panics(&|| producer.set_user_word(23, 1)) && panics(&|| producer.set_user_word(24, 1))
    );
    assert!(
        !panics(&|| consumer.set_user_word(23, 1)) && panics(&|| consumer.set_user_word(24, 1))
    );
    let (producer, _consumer) = mpsc::new(64);
    assert!(
        !panics(&|| producer.set_user_word(23, 1)) && panics(&|| producer.set_user_word(24, 1))
    );
    spsc::Producer::disconnected().set_user_word(24, 1);
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
                            // Somebody passed each time.
                            Err(RecoverError::Positions { .. } | RecoverError::InUse) => continue,
                            Err(error) => panic!("{error}"),
                        };
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

/// No claim waits for a page, nor for a block.
#[cfg(target_os = "linux")]
#[test]
fn the_pages_of_a_new_ring_are_mapped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring");
    let _ring = Options::new(4 << 20).create_spsc(&path).unwrap();
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let (_, ours) = maps.split_once(path.to_str().unwrap()).expect("it is mapped");
    let resident = ours.lines().find_map(|line| line.strip_prefix("Rss:")).unwrap();
    let resident = resident.trim().strip_suffix(" kB").unwrap();
    assert_eq!(resident.parse(), Ok(4 * 1024 + 4));
}

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

/// Sets the checksum to what the header before it demands.
fn vouch(bytes: &mut [u8]) {
    let checksum = bytes[..56].iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    bytes[56..64].copy_from_slice(&checksum.to_le_bytes());
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

fn word(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
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

/// What a reader in another process finds while somebody, against the rules, cuts the file.
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
