use super::*;
use crate::testing::{DumpBuilder, Open, Rec, compress, messages, n, str_bytes};
use crate::{DamageCause, Dump, Filter, LossKind, Summary, verify};

const CODECS: [Codec; 3] = [Codec::None, Codec::Lz4, Codec::Zstd];

/// Blocks of two rings by turns, all of them compressed alike.
fn builder(codec: Codec) -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    for round in 0..20 {
        let at = u64::from(round) * 1000;
        let records = |ring: u64| [n(at + ring, round), Rec(17, at + 9 + ring, str_bytes("ann"))];
        let many: Vec<_> = (0..10).flat_map(|_| records(1)).collect();
        builder.compressed_block(1, &many, codec);
        builder.compressed_block(2, &records(2), codec);
    }
    builder.seal(0);
    builder
}

#[test]
fn what_was_compressed_is_read_as_if_it_were_not() {
    let (plain, _) = messages(&[builder(Codec::None).dump()], Filter::default());
    assert_eq!(plain.lines().count(), 20 * 22);
    for codec in CODECS {
        let dump = builder(codec).dump();
        assert!(verify(&dump).is_intact(), "{codec:?}: {:?}", verify(&dump).damage);
        let (text, summary) = messages(&[dump], Filter::default());
        assert_eq!(text, plain, "{codec:?}");
        assert!(summary.is_complete());
    }
}

/// A dump with a block of three records between two others; the middle one is what `change` makes of
/// its header and its compressed body.
fn with_block(
    codec: Codec,
    change: impl FnOnce(&mut BlockHeader, &mut Vec<u8>),
) -> (String, Summary, Dump) {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1)]);
    let mut other = DumpBuilder::new();
    other.skip(1, 1);
    other.block(1, &[n(20, 2), n(30, 3), n(40, 4)]);
    let dump = other.dump();
    let block = dump.blocks().get(0).unwrap();
    let stored = dump.stored_body(&block).unwrap();
    let mut header = BlockHeader { codec: codec.number(), ..block.header };
    let mut body = compress(stored.bytes, codec);
    change(&mut header, &mut body);
    builder.put_block(header, &[&header.encode()[..], &body].concat());
    builder.compressed_block(1, &[n(50, 5)], codec);
    builder.seal(0);
    let dumps = [builder.dump()];
    let (text, summary) = messages(&dumps, Filter::default());
    let [dump] = dumps;
    (text, summary, dump)
}

/// The middle block is damage, for that reason, and costs nothing but its own records.
#[track_caller]
fn check_refused(
    codec: Codec,
    expected: BlockError,
    change: impl FnOnce(&mut BlockHeader, &mut Vec<u8>),
) {
    let (text, summary, dump) = with_block(codec, change);
    let loss = "3 records lost: the bytes there cannot be read; numbers 1 to 3 of their ring";
    assert_eq!(text, format!("1: n 1\n1: {loss}\n1: n 5\n"), "{codec:?}");
    let damage: Vec<_> = summary.damage.iter().map(|damage| damage.cause.clone()).collect();
    assert_eq!(damage, [DamageCause::Block { ring: 1, lost: 3, why: expected }], "{codec:?}");
    let verified = verify(&dump);
    assert_eq!(verified.damage[0].cause, damage[0], "{codec:?}");
    assert_eq!(verified.by_cause.get(&LossKind::Unreadable), Some(&3), "{codec:?}");
}

#[test]
fn a_body_of_another_length_than_stated_is_refused() {
    for codec in [Codec::Lz4, Codec::Zstd] {
        let (text, summary, _) = with_block(codec, |_, _| {});
        assert_eq!((text.lines().count(), summary.is_complete()), (5, true), "{codec:?}");
        for difference in [-1, 1, 1000] {
            let mut stated = 0;
            let (_, summary, _) = with_block(codec, |header, _| {
                stated = header.body_bytes.saturating_add_signed(difference);
                header.body_bytes = stated;
            });
            let why = BlockError::Compressed { bytes: stated };
            let cause = DamageCause::Block { ring: 1, lost: 3, why };
            assert_eq!(summary.damage[0].cause, cause, "{codec:?}");
        }
    }
}

#[test]
fn what_no_codec_made_is_refused() {
    for codec in [Codec::Lz4, Codec::Zstd] {
        let (_, _, dump) = with_block(codec, |_, _| {});
        let why = BlockError::Compressed { bytes: dump.blocks().get(1).unwrap().header.body_bytes };
        check_refused(codec, why, |_, body| body.truncate(body.len() - 1));
        check_refused(codec, why, |_, body| body.clear());
        check_refused(codec, why, |_, body| body.fill(0xff));
        check_refused(codec, why, |_, body| body.insert(0, 0x55));
    }
    // The other codec's.
    let (_, _, dump) = with_block(Codec::Lz4, |_, _| {});
    let why = BlockError::Compressed { bytes: dump.blocks().get(1).unwrap().header.body_bytes };
    check_refused(Codec::Lz4, why, |header, _| header.codec = Codec::Zstd.number());
    check_refused(Codec::Lz4, BlockError::Codec { codec: 77 }, |header, _| header.codec = 77);
}

#[test]
fn bombs_are_refused_before_they_take_memory() {
    let zeros = vec![0; 8 << 20];
    // Far more than a thousand times as long as what is stored.
    let stored = compress(&zeros, Codec::Zstd);
    let why = BlockError::TooLong { bytes: zeros.len() as u32, stored: stored.len() };
    check_refused(Codec::Zstd, why, |header, body| {
        header.body_bytes = zeros.len() as u32;
        body.clone_from(&stored);
    });
    // The header keeps to the limit, the codec's bytes do not.
    check_refused(Codec::Zstd, BlockError::Compressed { bytes: 4096 }, |header, body| {
        header.body_bytes = 4096;
        body.clone_from(&stored);
    });
    for codec in [Codec::Lz4, Codec::Zstd] {
        for bytes in [(16 << 20) + 1, u32::MAX] {
            let noise: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
            let why = BlockError::TooLong { bytes, stored: noise.len() };
            check_refused(codec, why, |header, body| {
                header.body_bytes = bytes;
                *body = noise;
            });
        }
    }
    let dump = builder(Codec::None).dump();
    let block = dump.blocks().get(0).unwrap();
    let header = BlockHeader { codec: 2, body_bytes: 1 << 24, ..block.header };
    let mut unpacker = Unpacker::default();
    let of_block = dump.stored_unchecked(&block);
    let refused = unpacker.unpack(&Stored { header, bytes: &stored, ..of_block });
    assert!(matches!(refused, Err(BlockError::TooLong { .. })));
    assert!(unpacker.spares.is_empty(), "no buffer was taken");
}

#[test]
fn one_buffer_serves_all_blocks_that_are_open_one_after_the_other() {
    let long = compress(&[7; 10_000], Codec::Lz4);
    let short = compress(&[8; 10], Codec::Zstd);
    let dump = builder(Codec::None).dump();
    let block = dump.blocks().get(0).unwrap();
    let of_block = dump.stored_unchecked(&block);
    let stored = |bytes, codec: Codec, body_bytes| Stored {
        header: BlockHeader { codec: codec.number(), body_bytes, ..block.header },
        bytes,
        ..of_block
    };
    let mut unpacker = Unpacker::default();
    for _ in 0..3 {
        let body = unpacker.unpack(&stored(&long, Codec::Lz4, 10_000)).unwrap();
        assert_eq!(*body, [7; 10_000]);
        unpacker.take_back(body);
        let body = unpacker.unpack(&stored(&short, Codec::Zstd, 10)).unwrap();
        assert_eq!(*body, [8; 10], "nothing of the longer one is left");
        unpacker.take_back(body);
        let capacities: Vec<_> = unpacker.spares.iter().map(Vec::capacity).collect();
        assert_eq!(capacities, [10_000]);
    }
}

#[test]
fn of_a_compressed_block_that_is_cut_nothing_is_shown() {
    for codec in [Codec::Lz4, Codec::Zstd] {
        let mut builder = DumpBuilder::new();
        builder.block(1, &[n(10, 1)]);
        let start = builder.bytes().len();
        builder.compressed_block(1, &[n(20, 2), n(30, 3)], codec);
        let payload = builder.dump().blocks().get(1).unwrap().payload_bytes as usize;
        for cut in start + 24 + BlockHeader::BYTES..start + 24 + payload {
            let dump = Dump::from_bytes("cut", builder.bytes()[..cut].to_vec()).unwrap();
            let verified = verify(&dump);
            assert_eq!(verified.by_cause.get(&LossKind::TornFrame), Some(&2), "{codec:?}");
            assert_eq!(verified.damage, []);
            let (text, summary) = messages(&[dump], Filter::default());
            let loss = "2 records lost: their frame is cut; numbers 1 to 2 of their ring";
            assert_eq!(text, format!("1: n 1\n1: {loss}\n"), "{codec:?}, cut at {cut}");
            assert_eq!(summary.damage, []);
            assert_eq!(summary.by_cause.get(&LossKind::TornFrame), Some(&2));
            assert!(!summary.is_complete());
        }
    }
}
