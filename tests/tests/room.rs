//! A dump that was moved away keeps no room on the disk that it does not use.
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;

use stenolog::{Builder, Compression, OnFull, info};

#[test]
fn a_dump_that_was_moved_gives_its_room_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, rotated) = (folder.path().join("app.steno"), folder.path().join("app.steno.1"));
    let log = Builder::new(&path)
        .compression(Compression::None)
        .on_full(OnFull::Block)
        .start_detached()
        .unwrap();
    let _entered = log.enter();
    let text = "0123456789abcdef".repeat(1 << 8);
    // Enough that the drain writes long pieces, for which it takes room.
    (0..2000).for_each(|n| info!("{n} {text}"));
    log.flush().unwrap();
    fs::rename(&path, &rotated).unwrap();
    info!("into the next file");
    log.flush().unwrap();
    // Its writer lives on: what it leaves, it has left by now.
    assert!(path.exists());
    File::open(&rotated).unwrap().sync_all().unwrap();
    let found = fs::metadata(&rotated).unwrap();
    let (length, on_disk) = (found.len(), found.blocks() * 512);
    assert!(length > 8_000_000, "{length}");
    assert!(on_disk < length + (1 << 18), "{on_disk} for {length}");
}
