//! Dumps, as bytes or as lists of frames.

use stenolog_decoder::Dump;
use stenolog_decoder::format::frame::{ALIGNMENT, FileHeader, FrameHeader, VERSION};

use super::input::Input;
use super::read::read;

/// Opens and reads a dump, or several of one session.
///
/// | first byte | what follows |
/// |---|---|
/// | even | the bytes of a file |
/// | odd | when the file was begun and the counter's frequency (8 bytes each); then frames, of each: how (bits, for what is wrong with it), kind, length (2 bytes), payload |
///
/// # Panics
/// If the decoder breaks a promise.
pub fn dump(bytes: &[u8]) {
    let mut input = Input(bytes);
    let files = if input.u8() % 2 == 0 { vec![input.0.to_vec()] } else { files(&mut input) };
    let length = files.iter().map(Vec::len).sum();
    let mut dumps = Vec::new();
    for file in files {
        match Dump::from_bytes("fuzz.steno", file) {
            Ok(dump) => dumps.push(dump),
            Err(error) => drop(error.to_string()),
        }
    }
    read(&dumps, length);
}

/// The frame begins another file of the session.
pub(super) const FRAME_IS_NEW_FILE: u8 = 1;
/// The payload's checksum is wrong.
const FRAME_IS_DAMAGED: u8 = 2;
/// The number before the frame's own is left out.
const FRAME_IS_AFTER_GAP: u8 = 4;
/// The frame states a longer payload than it has.
const FRAME_IS_CUT: u8 = 8;
/// There is no frame, only the payload.
const FRAME_IS_RUBBISH: u8 = 16;

/// Puts frames together, with checksums.
fn files(input: &mut Input<'_>) -> Vec<Vec<u8>> {
    let mut header = FileHeader {
        version: VERSION,
        session: [7; 16],
        created_unix_ns: input.u64() as i64,
        sequence: 0,
        process_id: 7,
        counter_hz: input.u64(),
    };
    let mut files = Vec::new();
    let mut file = header.encode().to_vec();
    let mut sequence = 0;
    while !input.is_empty() {
        let how = input.u8();
        let kind = input.u8();
        let length = input.u16();
        let payload = input.bytes(length.into());
        if how & FRAME_IS_NEW_FILE != 0 {
            header.sequence += 1;
            files.push(std::mem::replace(&mut file, header.encode().to_vec()));
            sequence = 0;
        }
        if how & FRAME_IS_RUBBISH != 0 {
            file.extend_from_slice(payload);
            continue;
        }
        sequence += u32::from(how & FRAME_IS_AFTER_GAP != 0);
        let frame = FrameHeader {
            kind,
            sequence,
            payload_bytes: payload.len() as u32 + if how & FRAME_IS_CUT != 0 { 1 << 20 } else { 0 },
            payload_crc: crc32fast::hash(payload) ^ u32::from(how & FRAME_IS_DAMAGED),
        };
        sequence += 1;
        file.extend_from_slice(&frame.encode());
        file.extend_from_slice(payload);
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
    }
    files.push(file);
    files
}
