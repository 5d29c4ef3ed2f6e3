//! Rings and file together show each record once.

use super::*;

#[test]
fn what_the_file_lacks_comes_from_the_rings() {
    let rig = Rig::new();
    let builder = blocks(&[5]);
    rig.progress(builder.bytes().len() as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..8));
    ring.free(5 * N_BYTES, 5);
    let (text, summary) = rig.decode(builder.bytes());
    assert_eq!(text, lines(0..8));
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!((summary.records, summary.recovered, summary.duplicates), (8, 3, 0));
}

#[test]
fn records_that_both_hold_are_shown_once() {
    // Written, and not freed yet: by all, or by some of the blocks.
    for freed in [0_u32, 2, 5] {
        let rig = Rig::new();
        let builder = blocks(&[2, 5, 6]);
        rig.progress(builder.bytes().len() as u64);
        let mut ring = rig.ring("ring-0", words(1, 1));
        ring.push_all(&numbered(0..9));
        ring.free(u64::from(freed) * N_BYTES, freed.into());
        let (text, summary) = rig.decode(builder.bytes());
        assert_eq!(text, lines(0..9), "freed to {freed}");
        assert!(summary.is_complete(), "{summary:?}");
        assert_eq!(summary.recovered, 3);
    }
}

#[test]
fn every_torn_write_behind_what_was_written_is_made_good() {
    let rig = Rig::new();
    let written = blocks(&[2]).bytes().len();
    let whole = blocks(&[2, 5, 9]);
    rig.progress(written as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..9));
    ring.free(2 * N_BYTES, 2);
    for end in written..=whole.bytes().len() {
        let (text, summary) = rig.decode(&whole.bytes()[..end]);
        assert_eq!(text, lines(0..9), "cut at {end}");
        assert!(summary.is_complete(), "cut at {end}: {summary:?}");
        // As after a loss of power: the file is long enough, and its end was never written.
        let mut bytes = whole.bytes()[..end].to_vec();
        bytes.resize(whole.bytes().len(), 0);
        let (text, summary) = rig.decode(&bytes);
        assert_eq!(text, lines(0..9), "zeros from {end}");
        assert!(summary.is_complete(), "zeros from {end}: {summary:?}");
    }
}

#[test]
fn what_was_written_and_is_gone_is_missing() {
    let rig = Rig::new();
    let builder = blocks(&[2, 5]);
    rig.progress(builder.bytes().len() as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..7));
    ring.free(5 * N_BYTES, 5);
    // The file was cut after the writer had freed the records.
    let (text, summary) = rig.decode(&builder.bytes()[..blocks(&[2]).bytes().len()]);
    let expected =
        lines(0..2) + "1: 3 records missing: numbers 2 to 4 of their ring\n" + &lines(5..7);
    assert_eq!(text, expected);
    assert_eq!((summary.missing, summary.is_complete()), (3, false));
    assert!(
        summary.damage.iter().any(|damage| matches!(damage.cause, DamageCause::Shortened { .. }))
    );
}

#[test]
fn an_empty_ring_tells_what_the_file_should_have() {
    let rig = Rig::new();
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..4));
    ring.free(4 * N_BYTES, 4);
    let (text, summary) = rig.decode(DumpBuilder::new().bytes());
    assert_eq!(text, "1: 4 records missing: numbers 0 to 3 of their ring\n");
    assert_eq!(summary.missing, 4);
}

#[test]
fn a_damaged_block_is_replaced_by_the_ring() {
    let rig = Rig::new();
    let written = blocks(&[2, 5]).bytes().len();
    let mut bytes = blocks(&[2, 5, 9]).bytes().to_vec();
    rig.progress(bytes.len() as u64);
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..12));
    ring.free(2 * N_BYTES, 2);
    // In the payload of the block of records 5 to 8.
    bytes[written + 120] ^= 1;
    let (text, summary) = rig.decode(&bytes);
    assert_eq!(text, lines(0..12));
    // All records are there; but bytes that had been written are not what they were.
    assert_eq!((summary.missing, summary.damage.len()), (0, 1), "{summary:?}");
    // The same in the last write, which no one has said to be whole.
    rig.progress(written as u64);
    let (text, summary) = rig.decode(&bytes);
    assert_eq!(text, lines(0..12));
    assert!(summary.is_complete(), "{summary:?}");
    // And in the first block of several that the ring still has.
    bytes[written + 120] ^= 1;
    let first = blocks(&[2]).bytes().len();
    bytes[first + 120] ^= 1;
    rig.progress(first as u64);
    let (text, summary) = rig.decode(&bytes);
    assert_eq!(text, lines(0..12));
    assert!(summary.is_complete(), "{summary:?}");
}

#[test]
fn rings_merge_by_time_and_their_losses_count_once() {
    let rig = Rig::new();
    let mut builder = DumpBuilder::new();
    builder.raw_block(1, &[n(10, 1)]);
    builder.loss(1, loss(15, [0, 0, 0, 2, 0]));
    let mut first = rig.ring("ring-0", {
        let mut words = words(1, 1);
        words[8 + 3] = 5;
        words[18] = 45;
        words
    });
    first.push_all(&[n(10, 1), n(30, 3)]);
    first.free(N_BYTES, 1);
    let mut second = rig.ring("ring-1", words(1, 2));
    second.push_all(&[n(20, 2), Rec(17, 40, str_bytes("ann"))]);
    let (text, summary) = rig.decode(builder.bytes());
    insta::assert_snapshot!(text, @r"
    1: n 1
    1: 2 records lost: ring full (2 DEBUG)
    2: n 2
    1: n 3
    2: text
    1: 3 records lost: ring full (3 DEBUG)
    ");
    assert_eq!((summary.lost, summary.recovered), (5, 3));
    assert!(summary.damage.is_empty() && summary.unfinished.is_empty(), "{summary:?}");
}

#[test]
fn rings_alone_show_what_they_hold() {
    let rig = Rig::new();
    let mut ring = rig.ring("ring-0", words(1, 1));
    ring.push_all(&numbered(0..3));
    assert!(RingDir::is_at(&rig.rings()));
    let rings = RingDir::open(rig.rings()).unwrap().read(None, &Limits::default()).unwrap();
    assert_eq!(rings.records, 3);
    assert_eq!(messages(&[rings.dump], Filter::default()).0, lines(0..3));
}

#[test]
fn a_number_that_no_pair_states_is_told_by_the_dump() {
    for (ends, expected) in [(vec![5], lines(0..8)), (vec![3, 6], lines(0..8))] {
        let rig = Rig::new();
        let mut ring = rig.ring("ring-0", words(1, 1));
        ring.push_all(&numbered(0..8));
        ring.consumer.release_to(u64::from(*ends.first().unwrap()) * N_BYTES);
        let (text, summary) = rig.decode(blocks(&ends).bytes());
        assert_eq!(text, expected);
        assert_eq!(summary.damage.len(), 1, "{summary:?}");
        assert!(summary.damage[0].to_string().contains("does not say which number"));
    }
}

#[test]
fn a_running_writer_keeps_its_rings() {
    let rig = Rig::new();
    let dump = rig.dump(DumpBuilder::new().bytes());
    let meta = File::open(rig.rings().join("meta.steno")).unwrap();
    meta.try_lock().unwrap();
    let found = || RingDir::find(&dump, &[]).found.unwrap();
    let read = found().read(Some(&dump), &Limits::default());
    assert!(matches!(read, Err(RingsError::Alive { .. })), "{read:?}");
    assert!(matches!(found().remove(), Err(RingsError::Alive { .. })));
    drop(meta);
    assert!(found().read(Some(&dump), &Limits::default()).is_ok());
}

#[test]
fn every_prefix_of_the_explanations_is_read() {
    let rig = Rig::new();
    rig.ring("ring-0", words(1, 1)).push_all(&numbered(0..3));
    let dump = rig.dump(DumpBuilder::new().bytes());
    let meta = fs::read(rig.rings().join("meta.steno")).unwrap();
    for end in 0..=meta.len() {
        rig.file("meta.steno", &meta[..end]);
        // The dump has the call sites too.
        assert_eq!(exercise(&rig, &dump).unwrap().records, 3, "{end} bytes");
    }
    let mut torn = meta.clone();
    let mut builder = DumpBuilder::bare(1, u32::MAX);
    builder.prelude();
    builder.frame(FrameKind::Clock, &[0; 20]);
    torn.extend(&builder.bytes()[meta.len()..builder.bytes().len() - 3]);
    rig.file("meta.steno", &torn);
    assert_eq!(exercise(&rig, &dump).unwrap().damage(), [], "a torn last frame is no damage");
}
