//! A damaged dump by way of the real `steno`: what is intact is printed, what is not is named, and the exit code is 3.

use std::path::Path;
use std::process::{Command, Output};

use stenolog::{Builder, info};

const RECORDS: usize = 6;

/// A dump of two blocks.
fn dump(folder: &Path) -> Vec<u8> {
    let path = folder.join("whole.steno");
    let logger = Builder::new(&path).filter("trace").start_detached().unwrap();
    let scope = logger.enter();
    (0..RECORDS / 2).for_each(|n| info!("record {n}"));
    logger.flush().unwrap();
    (RECORDS / 2..RECORDS).for_each(|n| info!("record {n}"));
    drop(scope);
    logger.close().unwrap();
    std::fs::read(path).unwrap()
}

fn steno(folder: &Path, arguments: &[&str], bytes: &[u8]) -> Output {
    std::fs::write(folder.join("app.steno"), bytes).unwrap();
    Command::new(env!("CARGO_BIN_EXE_steno"))
        .args(arguments)
        .arg("app.steno")
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .output()
        .expect("steno starts")
}

/// Checks what both commands make of a damaged dump, of whose damage they must say `cause`.
#[track_caller]
fn check(folder: &Path, bytes: &[u8], at: usize, is_decoded: bool, cause: &str) {
    let place = format!("app.steno: byte {at}: ");
    let decoded = steno(folder, &[], bytes);
    let said = String::from_utf8(decoded.stderr).unwrap();
    let lines = String::from_utf8(decoded.stdout).unwrap();
    if is_decoded {
        assert_eq!(decoded.status.code(), Some(3), "{said}");
        assert!(said.lines().any(|line| line.contains(&place) && line.contains(cause)), "{said}");
        assert!(said.lines().last().unwrap().starts_with("steno: incomplete: "), "{said}");
    } else {
        assert_eq!((decoded.status.code(), &*said), (Some(0), ""));
    }
    // Whatever is printed was logged, each record once and in order.
    let numbers = lines.lines().filter_map(|line| line.split_once("record ")?.1.parse().ok());
    let numbers: Vec<usize> = numbers.collect();
    assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.iter().all(|&n| n < RECORDS), "{lines}");
    // What `verify` finds without reading values, `info` finds too.
    let info = steno(folder, &["info"], bytes);
    assert_eq!(info.status.code(), Some(3), "{}", String::from_utf8_lossy(&info.stdout));
    let verified = steno(folder, &["verify"], bytes);
    let (code, out) = (verified.status.code(), String::from_utf8(verified.stdout).unwrap());
    let said = out + &String::from_utf8(verified.stderr).unwrap();
    assert_eq!(code, Some(3), "{said}");
    assert!(said.contains(&format!("byte {at}")) || said.contains("not sealed"), "{said}");
}

/// The frames of an undamaged dump: where each begins, where its payload ends, and its kind.
fn frames(bytes: &[u8]) -> Vec<(usize, usize, u8)> {
    let mut frames = Vec::new();
    let mut at = 64;
    while at < bytes.len() {
        let length = u32::from_le_bytes(bytes[at + 12..at + 16].try_into().unwrap()) as usize;
        frames.push((at, at + 24 + length, bytes[at + 4]));
        at = (at + 24 + length).next_multiple_of(8);
    }
    frames
}

#[test]
fn damage_is_named_with_file_offset_and_cause_and_exits_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let whole = dump(folder);
    let frames = frames(&whole);
    for (n, &(start, end, kind)) in frames.iter().enumerate() {
        let (is_index, is_last) = (kind == 7, n + 1 == frames.len());
        // In the header, at the payload's beginning, and at its end.
        for at in [start + 3, start + 24, end - 1] {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x40;
            match at - start {
                // Only the end is not there: the file ends within a frame.
                3 if is_last => check(folder, &bytes, start, true, "ends within a frame"),
                3 => check(folder, &bytes, start, true, "no frame begins here"),
                // Decoding reads no index.
                _ => check(folder, &bytes, start, !is_index, "the checksum of a"),
            }
        }
        // Cut before the frame, in its header, and in its payload.
        check(folder, &whole[..start], start, true, "ends without an end mark");
        check(folder, &whole[..start + 9], start, true, "ends within a frame");
        check(folder, &whole[..end - 1], start, true, "ends within a frame");
    }
    let mut bytes = whole.clone();
    bytes[20] ^= 1;
    check(folder, &bytes, 0, true, "the file header is damaged");
}
