use super::*;
use crate::testing::{DumpBuilder, Open, Rec, loss, n};
use crate::verify::verify;

/// Records of two rings with a gap, and losses that frames and records state.
fn builder() -> DumpBuilder {
    let mut builder = DumpBuilder::new();
    builder.block(1, &[n(10, 1), n(20, 2)]);
    let stated = loss(25, [0, 0, 3, 0, 0]).encode();
    builder.block(1, &[n(25, 3), Rec(CallSite::LOSS_ID, 25, stated[8..].to_vec())]);
    builder.block(2, &[n(12, 1)]);
    builder.loss(2, loss(30, [0, 0, 0, 0, 4]));
    builder.skip(1, 5);
    builder.block(1, &[n(40, 9), n(50, 10)]);
    builder
}

#[test]
fn what_is_missing_is_counted_without_reading_the_records() {
    let info = info(&builder().dump());
    assert_eq!((info.lost, info.missing, info.gone), (7, 5, 0));
    assert!(!info.is_complete());
    let mut whole = DumpBuilder::new();
    whole.block(1, &[n(10, 1)]);
    whole.seal(0);
    assert!(super::info(&whole.dump()).is_complete());
}

/// Whatever is changed, also in summaries, the index and the end.
#[test]
fn it_says_what_verify_says_of_every_changed_byte() {
    let mut sealed = builder();
    sealed.seal(7);
    let mut whole = DumpBuilder::new();
    whole.block(1, &[n(10, 1), n(20, 2)]);
    whole.summary();
    whole.seal(0);
    for builder in [builder(), sealed, whole] {
        let bytes = builder.bytes();
        for (at, bit) in (0..bytes.len()).flat_map(|at| [1, 0x20, 0x80].map(|bit| (at, bit))) {
            let mut changed = bytes.to_vec();
            changed[at] ^= bit;
            let Ok(dump) = Dump::from_bytes("test", changed) else { continue };
            let (info, verified) = (info(&dump), verify(&dump));
            assert_eq!(info.missing, verified.missing, "byte {at}, bit {bit}");
            assert!(info.lost >= verified.lost, "byte {at}: {} {}", info.lost, verified.lost);
            assert_eq!(info.is_complete(), verified.is_complete(), "byte {at}, bit {bit}");
        }
        for length in 64..bytes.len() {
            let Ok(dump) = Dump::from_bytes("test", bytes[..length].to_vec()) else { continue };
            let (info, verified) = (info(&dump), verify(&dump));
            assert_eq!((info.missing, info.is_complete()), (verified.missing, false), "{length}");
        }
    }
}
