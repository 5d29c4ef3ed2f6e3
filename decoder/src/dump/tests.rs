mod refresh;

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::*;
use crate::testing::{DumpBuilder, Open, Rec, loss, messages, n, str_bytes};
use crate::{Decoder, Entry, Filter, Format, RenderOptions, Renderer};
use stenolog_format::frame::{FrameHeader, FrameKind};

/// A dump with all kinds of frames, two threads, and both encodings.
fn builder() -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    let statement = Rec(1, 45, loss(45, [0, 0, 3, 0, 0]).encode()[8..].to_vec());
    builder.block(1, &[n(10, 1), n(30, 3), Rec(17, 40, str_bytes("ann"))]);
    builder.frame(FrameKind::Watermark, &[0; 8]);
    builder.raw_block(2, &[n(20, 2), Rec(17, 25, str_bytes("bob")), n(50, 5)]);
    builder.clock(1_000, crate::testing::START + 1_000);
    builder.block(1, &[statement, n(60, 6)]);
    builder.loss(2, loss(70, [0, 0, 0, 1, 0]));
    builder.raw_block(2, &[n(80, 8), Rec(18, 90, vec![])]);
    builder.seal(4);
    builder
}

/// The numbers and messages of each ring's records.
fn by_ring(dump: &Dump) -> BTreeMap<u32, Vec<(u64, String)>> {
    let mut rings: BTreeMap<u32, Vec<(u64, String)>> = BTreeMap::new();
    let flow = Decoder::new(std::slice::from_ref(dump)).for_each(|entry| {
        if let Entry::Record(record) = entry {
            let mut message = String::new();
            record.write_message(&mut message);
            rings.entry(record.ring()).or_default().push((record.number(), message));
        }
        ControlFlow::Continue(())
    });
    assert!(flow.is_continue());
    rings
}

/// Everything that can be done with a dump, for the sake of not panicking.
fn exercise(dump: &Dump) {
    let _ = crate::info(dump);
    let _ = crate::verify(dump);
    for format in Format::ALL {
        let mut renderer = Renderer::new(format, RenderOptions::default().with_color(true));
        let mut out = String::new();
        let mut decoder = Decoder::new(std::slice::from_ref(dump));
        let _ = decoder.for_each(|entry| {
            renderer.write(entry, &mut out);
            ControlFlow::Continue(())
        });
        for damage in decoder.summary().damage {
            out.push_str(&damage.to_string());
        }
    }
}

#[test]
fn every_prefix_of_a_dump_decodes_to_a_prefix_of_its_records() {
    let builder = builder();
    let whole = by_ring(&builder.dump());
    let mut most = 0;
    for length in 0..builder.bytes().len() {
        let Ok(dump) = Dump::from_bytes("cut", builder.bytes()[..length].to_vec()) else {
            assert!(length < FileHeader::BYTES, "cut at {length}");
            continue;
        };
        exercise(&dump);
        assert!(dump.damage().is_empty(), "cut at {length}: {:?}", dump.damage());
        let rings = by_ring(&dump);
        for (ring, records) in &rings {
            assert!(whole[ring].starts_with(records), "cut at {length}: {records:?}");
        }
        // A longer prefix never shows less.
        let records = rings.values().map(Vec::len).sum();
        assert!(records >= most, "cut at {length}");
        most = records;
    }
    assert_eq!(most, 9);
}

#[test]
fn a_changed_byte_costs_only_the_frame_that_it_is_in() {
    let builder = builder();
    let dump = builder.dump();
    let whole = by_ring(&dump);
    let blocks: Vec<_> = dump.blocks().iter().collect();
    let metadata_ends = blocks[0].offset as usize;
    let mut bytes = builder.bytes().to_vec();
    for at in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff, bytes[at]] {
            bytes[at] ^= change;
            match Dump::from_bytes("changed", bytes.clone()) {
                // The length of the header may lie about where frames begin; they are found.
                Err(error) => panic!("byte {at} ^ {change:#x}: {error}"),
                Ok(dump) => {
                    exercise(&dump);
                    let rings = by_ring(&dump);
                    for block in blocks.iter().filter(|_| at >= metadata_ends) {
                        let frame = block.offset..block.offset + block.frame_bytes();
                        if frame.contains(&(at as u64)) {
                            continue;
                        }
                        let numbers = block.header.first_record..;
                        for number in numbers.take(block.header.count as usize) {
                            let of = |rings: &BTreeMap<u32, Vec<(u64, String)>>| {
                                let records = rings.get(&block.header.ring)?;
                                records.iter().find(|record| record.0 == number).cloned()
                            };
                            assert_eq!(of(&rings), of(&whole), "byte {at} ^ {change:#x}");
                        }
                    }
                }
            }
            bytes[at] ^= change;
        }
    }
}

#[test]
fn rubbish_between_frames_is_passed_over() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    let place = builder.bytes().len();
    builder.block(1, &[n(20, 2)]);
    let mut bytes = builder.bytes().to_vec();
    // Not a multiple of the alignment, and with a false beginning.
    bytes.splice(place..place, b"rubbish \xF5\x9Dst rubbish".iter().copied());
    let dump = Dump::from_bytes("test.steno", bytes).unwrap();
    let (text, summary) = messages(&[dump], Filter::default());
    assert_eq!(text, "1: n 1\n1: n 2\n");
    insta::assert_snapshot!(summary.damage[0], @"test.steno: byte 480: no frame begins here (20 bytes lost)");
    assert_eq!(summary.damage.len(), 1);
}

#[test]
fn a_frame_that_was_cut_and_begun_again_hides_nothing() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(20, 2), n(30, 3)]);
    let place = builder.dump().blocks().get(0).unwrap().offset as usize;
    builder.block(2, &[n(40, 4)]);
    let mut bytes = builder.bytes().to_vec();
    // A long block of which the disk took only the beginning, and then all of it.
    let frame =
        FrameHeader { payload_bytes: 1 << 20, ..FrameHeader::decode(&bytes[place..]).unwrap() };
    let mut cut = frame.encode().to_vec();
    cut.extend_from_slice(&bytes[place + FrameHeader::BYTES..][..80]);
    bytes.splice(place..place, cut);
    let dump = Dump::from_bytes("test.steno", bytes).unwrap();
    let (text, summary) = messages(&[dump], Filter::default());
    assert_eq!(text, "1: n 1\n1: n 2\n1: n 3\n2: n 4\n");
    insta::assert_snapshot!(summary.damage[0], @"test.steno: byte 376: a frame of 1048576 bytes is cut short, and another follows (104 bytes lost)");
    assert_eq!(summary.damage.len(), 1);
}

#[test]
fn tails() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    assert_eq!(builder.dump().tail(), Tail::Unfinished);
    let whole = builder.bytes().len();
    builder.seal(0);
    assert_eq!(builder.dump().tail(), Tail::Sealed);
    let cut = Dump::from_bytes("test", builder.bytes()[..whole + 9].to_vec()).unwrap();
    assert_eq!(cut.tail(), Tail::Torn { offset: whole as u64, bytes: 9 });
    let mut zeros = builder.bytes()[..whole].to_vec();
    zeros.resize(whole + 4096, 0);
    let zeros = Dump::from_bytes("test", zeros).unwrap();
    assert_eq!(zeros.tail(), Tail::Torn { offset: whole as u64, bytes: 4096 });
}

#[test]
fn what_was_put_behind_the_end_is_damage_and_leaves_the_dump_sealed() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    let start_of_block = builder.dump().blocks().get(0).unwrap().offset as usize;
    builder.seal(0);
    let sealed = builder.bytes().to_vec();
    let cut_frame = &sealed[start_of_block..start_of_block + FrameHeader::BYTES + 4];
    for appended in [&b"\n"[..], &[0; 4096], b"rubbish \xF5\x9Dst rubbish", cut_frame] {
        let bytes = [&sealed, appended].concat();
        let dump = Dump::from_bytes("test", bytes).unwrap();
        assert_eq!(dump.tail(), Tail::Sealed, "{appended:?}");
        let places: Vec<_> = dump.damage().iter().map(|of| (of.offset, of.bytes)).collect();
        assert!(places.contains(&(sealed.len() as u64, appended.len() as u64)), "{places:?}");
    }
}

#[test]
fn two_dumps_in_one_file_are_told_apart() {
    let mut bytes = builder().bytes().to_vec();
    let first = bytes.len() as u64;
    bytes.extend_from_slice(builder().bytes());
    let dump = Dump::from_bytes("test", bytes).unwrap();
    assert_eq!(by_ring(&dump), by_ring(&builder().dump()));
    let damage = dump.damage();
    assert_eq!((damage.len(), damage[0].offset), (1, first));
}

#[test]
fn frames_of_later_versions_are_passed_over() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    let mut bytes = builder.bytes().to_vec();
    let header = FrameHeader {
        kind: 77,
        sequence: 7,
        payload_bytes: 5,
        payload_crc: crc32fast::hash(b"later"),
    };
    bytes.extend(header.encode());
    bytes.extend(b"later\0\0\0");
    let dump = Dump::from_bytes("test", bytes).unwrap();
    assert_eq!((dump.frames().unknown, dump.damage().len()), (1, 0), "{:?}", dump.damage());
}

#[test]
fn what_cannot_be_opened_is_named() {
    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let error = Dump::from_bytes("x.steno", bytes.to_vec()).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    check(b"", "x.steno: is empty; its logger wrote nothing, or has not started yet");
    check(
        b"hello, world",
        "x.steno: not a stenolog dump: it begins with \"hello, w\"; \
         name a file that a stenolog logger wrote",
    );
    check(
        &DumpBuilder::new().bytes()[..20],
        "x.steno: is cut: the file ends within its header, after 20 of 64 bytes; \
         nothing was recorded before the cut",
    );
    let mut newer = DumpBuilder::new().bytes().to_vec();
    newer[8] = 2;
    let crc = crc32fast::hash(&newer[..60]);
    newer[60..64].copy_from_slice(&crc.to_le_bytes());
    check(&newer, "x.steno: format version 2.5 is newer than this reader (1.5): use a newer steno");
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(Dump::open(directory.path()), Err(OpenError::Directory { .. })));
    let missing = directory.path().join("none.steno");
    assert!(matches!(Dump::open(missing), Err(OpenError::Io { .. })));
}

#[test]
fn a_writer_that_holds_its_lock_is_seen() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.steno");
    std::fs::write(&path, DumpBuilder::new().bytes()).unwrap();
    let writer = File::open(&path).unwrap();
    let dump = Dump::open(&path).unwrap();
    if cfg!(unix) {
        let dead = [dump];
        assert_eq!(dead[0].writer_is_alive(), Some(false));
        assert!(!Decoder::new(&dead).summary().is_complete());
        writer.lock().unwrap();
        let alive = [Dump::open(&path).unwrap()];
        drop(writer);
        assert_eq!(alive[0].writer_is_alive(), Some(true), "as it was when it was opened");
        assert!(Decoder::new(&alive).summary().is_complete());
    }
}

#[test]
fn call_sites_that_are_defined_again_must_be_the_same() {
    use stenolog_format::dictionary::Level;
    let mut builder = DumpBuilder::new();
    builder.prelude();
    assert_eq!(builder.dump().damage(), []);
    builder.site(16, Level::Trace, "other", None, &[]);
    let damage = builder.dump().damage().to_vec();
    assert!(matches!(damage[..], [Damage { cause: DamageCause::Redefined { id: 16 }, .. }]));
    assert_eq!(builder.dump().site(16).unwrap().call_site().level, Level::Info);
    // An id from the other end of the world costs no memory.
    builder.site(u32::MAX, Level::Trace, "other", Some("{7}"), &[]);
    let dump = builder.dump();
    assert!(dump.site(u32::MAX).is_some());
    assert!(matches!(dump.damage()[1].cause, DamageCause::Template { id: u32::MAX, .. }));
}

#[test]
fn ids_that_stand_for_something_else_are_no_call_sites() {
    use stenolog_format::dictionary::Level;
    for id in [0, 1, 15] {
        let mut builder = DumpBuilder::new();
        builder.site(id, Level::Info, "app", None, &[]);
        let dump = builder.dump();
        assert!(dump.site(id).is_none());
        let causes: Vec<_> = dump.damage().iter().map(|damage| damage.cause.to_string()).collect();
        assert_eq!(causes, [format!("call site {id} has a reserved id")]);
    }
}

#[test]
fn a_ring_belongs_to_the_thread_that_was_named_first() {
    let mut builder = DumpBuilder::new();
    builder.thread(1, 1234, "main");
    assert_eq!(builder.dump().damage(), []);
    builder.thread(1, 99, "other");
    let dump = builder.dump();
    assert!(matches!(dump.damage()[0].cause, DamageCause::RedefinedThread { ring: 1 }));
    assert_eq!((dump.damage().len(), &*dump.thread(1).unwrap().name), (1, "main"));
}

#[test]
fn metadata_beyond_the_limit_is_damage_and_the_rest_is_read() {
    let mut builder = DumpBuilder::bare(1, 0);
    builder.prelude();
    for id in 100..200 {
        let name = "x".repeat(1000);
        builder.site(id, stenolog_format::dictionary::Level::Info, &name, None, &[]);
    }
    // A process may have had any number of threads.
    (100..1000).for_each(|ring| builder.thread(ring, 0, "a name of some thirty characters"));
    builder.block(1, &[n(10, 1)]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    std::fs::write(&path, builder.bytes()).unwrap();
    let limits = Limits::default().with_metadata_bytes(10_000);
    let dump = Dump::open_within(&path, &limits).unwrap();
    // The first three, and four with two long names each.
    assert_eq!(dump.sites().count(), 3 + 4);
    assert_eq!((dump.damage().len(), dump.threads().count()), (96, 902));
    let text = dump.damage()[0].to_string();
    assert!(text.contains("the limit is 1783"), "{text}");
    assert_eq!(dump.damage()[0].cause.exceeded_limit(), Some(crate::Limit::MetadataBytes));
    assert_eq!(messages(&[dump], Filter::default()).0, "1: n 1\n");
    assert!(Dump::open(&path).unwrap().damage().is_empty());
}

#[test]
fn a_dump_that_has_lost_its_beginning_is_read_from_its_first_whole_frame_on() {
    let mut builder = DumpBuilder::new();
    builder.prelude();
    let frames = builder.bytes().len();
    builder.block(1, &[n(10, 1)]);
    let second = builder.bytes().len();
    builder.block(1, &[n(20, 2)]);
    let header = builder.bytes()[..FileHeader::BYTES].to_vec();
    let without = builder.bytes().to_vec();
    builder.frame(FrameKind::Header, &header);
    builder.seal(2);
    let with = builder.bytes().to_vec();
    for (bytes, is_stated) in [(&without, false), (&with, true)] {
        for lost in 1..=second {
            let zeros = [&vec![0; lost][..], &bytes[lost..]].concat();
            let zeros_before = [&vec![0; 1000][..], &bytes[lost..]].concat();
            for damaged in [zeros, bytes[lost..].to_vec(), zeros_before] {
                let dump = Dump::from_bytes("test", damaged).unwrap();
                exercise(&dump);
                assert!(!dump.damage().is_empty(), "{lost} bytes");
                assert_eq!(dump.is_session_known(), is_stated, "{lost} bytes");
                if is_stated {
                    assert_eq!(dump.header().session, builder.dump().header().session);
                }
                assert_eq!(dump.blocks().len(), 2 - usize::from(lost > frames), "{lost} bytes");
                let (text, _) = messages(&[dump], Filter::default());
                if lost <= FileHeader::BYTES {
                    assert!(text.ends_with("1: n 1\n1: n 2\n"), "{lost} bytes: {text}");
                }
            }
        }
    }
}

#[test]
fn files_that_have_lost_their_beginnings_are_not_taken_for_one_log() {
    let lost = |number| {
        let mut builder = DumpBuilder::new();
        builder.block(1, &[n(10, number)]);
        Dump::from_bytes("test", builder.bytes()[FileHeader::BYTES..].to_vec()).unwrap()
    };
    let [one, copy, other] = [1, 1, 2].map(|number| lost(number).header().session);
    assert_eq!(one, copy);
    assert_ne!(one, other);
}

/// By another program. What is gone is damage, and the process lives.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_file_that_shrinks_while_it_is_read_is_damaged() {
    crate::survive_shrinking_files().unwrap();
    let mut builder = DumpBuilder::new();
    for number in 0..2000_u32 {
        builder.block(1, &[n(10 + u64::from(number), number)]);
    }
    builder.seal(0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.steno");
    for left in [0, 100, 4096, 20_000, 100_000] {
        std::fs::write(&path, builder.bytes()).unwrap();
        let length = builder.bytes().len() as u64;
        assert!(length > 150_000);
        let (dump, copy) = (
            Dump::open(&path).unwrap(),
            Dump::open_within(&path, &Limits::default().with_copies(true)).unwrap(),
        );
        File::options().write(true).open(&path).unwrap().set_len(left).unwrap();
        let found = crate::verify(&dump);
        let shrunk = found.damage.iter().find(|damage| damage.cause == DamageCause::Shrunk);
        let shrunk = shrunk.unwrap_or_else(|| panic!("cut to {left}: {found:?}"));
        // Of the last page that is there, the rest is zeros.
        assert!((left..left + (64 << 10)).contains(&shrunk.offset), "cut to {left}: {shrunk}");
        assert!(!found.is_intact());
        let dumps = [dump];
        let mut decoder = Decoder::new(&dumps);
        let _ = decoder.for_each(|_| ControlFlow::Continue(()));
        assert!(decoder.summary().damage.contains(shrunk));
        assert!(crate::verify(&copy).is_intact());
        assert_eq!(copy.writer_is_alive(), Some(false));
    }
}

#[test]
fn a_dump_shows_the_name_that_it_was_given() {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    let mut bytes = builder.bytes().to_vec();
    bytes.splice(FileHeader::BYTES..FileHeader::BYTES, [7; 8]);
    let dump = Dump::from_bytes("app.steno", bytes).unwrap();
    let copy = dump.clone().with_name("archive/app.steno");
    assert_eq!((copy.name(), copy.path()), (Path::new("archive/app.steno"), dump.path()));
    assert!(copy.damage()[0].to_string().starts_with("archive/app.steno: byte 64: "));
    assert!(dump.damage()[0].to_string().starts_with("app.steno: byte 64: "));
    // Blocks and tables are shared with a clone.
    assert!(std::ptr::eq(dump.tables(), dump.clone().tables()));
}

#[test]
fn a_dump_is_sealed_growing_or_unfinished() {
    use DumpState::{Growing, Sealed, Unfinished};
    let torn = Tail::Torn { offset: 64, bytes: 9 };
    for (tail, is_alive, state) in [
        (Tail::Sealed, Some(true), Sealed),
        (Tail::Sealed, None, Sealed),
        (Tail::Unfinished, Some(true), Growing),
        (torn, Some(true), Growing),
        (Tail::Unfinished, Some(false), Unfinished),
        (torn, None, Unfinished),
    ] {
        assert_eq!(DumpState::new(tail, is_alive), state, "{tail:?}, {is_alive:?}");
    }
    let mut builder = DumpBuilder::new();
    assert_eq!(builder.dump().state(), Unfinished);
    builder.seal(0);
    assert_eq!(builder.dump().state(), Sealed);
}
