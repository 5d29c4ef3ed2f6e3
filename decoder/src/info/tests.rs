use super::*;
use crate::scene::{Rec, Scene, loss, n};
use crate::verify::verify;

/// Records of two rings with a gap, and losses that frames and records state.
fn scene() -> Scene {
    let mut scene = Scene::new();
    scene.block(1, &[n(10, 1), n(20, 2)]);
    let stated = loss(25, [0, 0, 3, 0, 0]).encode();
    scene.block(1, &[n(25, 3), Rec(CallSite::LOSS_ID, 25, stated[8..].to_vec())]);
    scene.block(2, &[n(12, 1)]);
    scene.loss(2, loss(30, [0, 0, 0, 0, 4]));
    scene.skip(1, 5);
    scene.block(1, &[n(40, 9), n(50, 10)]);
    scene
}

#[test]
fn what_is_missing_is_counted_without_reading_the_records() {
    let info = info(&scene().dump());
    assert_eq!((info.lost, info.missing, info.gone), (7, 5, 0));
    assert!(!info.is_complete());
    let mut whole = Scene::new();
    whole.block(1, &[n(10, 1)]);
    whole.seal(0);
    assert!(super::info(&whole.dump()).is_complete());
}

/// Whatever is changed, also in summaries, the index and the end.
#[test]
fn it_says_what_verify_says_of_every_changed_byte() {
    let mut sealed = scene();
    sealed.seal(7);
    let mut whole = Scene::new();
    whole.block(1, &[n(10, 1), n(20, 2)]);
    whole.summary();
    whole.seal(0);
    for scene in [scene(), sealed, whole] {
        let bytes = scene.bytes();
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
