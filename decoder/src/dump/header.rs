//! The file's header: what is tolerated, and what is refused.

use std::path::Path;

use memchr::memmem;
use stenolog_format::frame::{FileHeader, FileHeaderError, FrameHeader, MAGIC, SYNC, VERSION};

use crate::error::OpenError;

/// Reads the header and says where the frames begin.
///
/// A header that is damaged, or gone with the beginning of the file, does not make its records
/// worthless: if there is a frame, the file is a dump. A header that stands where it should is taken as
/// it is, with the error; of one that is gone nothing is known.
pub(super) fn read(
    path: &Path,
    bytes: &[u8],
) -> Result<(FileHeader, usize, Option<FileHeaderError>), OpenError> {
    if bytes.is_empty() {
        return Err(OpenError::Empty { path: path.to_owned() });
    }
    let source = match FileHeader::decode(bytes) {
        Ok((header, length)) => return Ok((header, length, None)),
        Err(error) => error,
    };
    if let Some(header) = damaged(bytes) {
        return Ok((header, FileHeader::BYTES, Some(source)));
    }
    // A newer version may mean other things by the same bytes.
    let is_newer = matches!(source, FileHeaderError::Version { .. });
    if let Some(header) = gone(bytes).filter(|_| !is_newer) {
        return Ok((header, 0, Some(source)));
    }
    let path = path.to_owned();
    Err(match source {
        FileHeaderError::Short { .. } => OpenError::Cut { path, source },
        FileHeaderError::Version { .. } => OpenError::Newer { path, source },
        // A damaged header without a frame behind it, such as a file cut at the first frame.
        FileHeaderError::Checksum { .. } | FileHeaderError::Magic { .. } | _ => {
            OpenError::NoDump { path, source }
        }
    })
}

/// How many bytes to search for a frame, not counting zeros before it.
const MOST_LOOKED_AT: usize = 64 << 20;

/// How many bytes, from the beginning of the first frame on, make up the session of a file that does not
/// state it.
const SESSION_OF_BYTES: usize = 64 << 10;

/// A header that says nothing, if there is a frame.
fn gone(bytes: &[u8]) -> Option<FileHeader> {
    Some(FileHeader {
        version: VERSION,
        session: unknown_session(bytes)?,
        created_unix_ns: 0,
        sequence: 0,
        process_id: 0,
        counter_hz: 0,
    })
}

/// A session that only copies of the file have, made of what it begins with; `None` without a frame.
fn unknown_session(bytes: &[u8]) -> Option<[u8; 16]> {
    let begin = bytes.iter().position(|&byte| byte != 0)?;
    let rest = &bytes[begin..bytes.len().min(begin.saturating_add(MOST_LOOKED_AT))];
    let frames = memmem::find_iter(rest, &SYNC).map(|at| &rest[at..]);
    let first = frames.filter_map(|at| Some((FrameHeader::decode(at)?, at))).next();
    let (frame, at) = first?;
    let crc = crc32fast::hash(&at[..at.len().min(SESSION_OF_BYTES)]);
    let parts = [frame.sequence, frame.payload_bytes, frame.payload_crc, crc];
    parts.map(u32::to_le_bytes).as_flattened().try_into().ok()
}

/// The header as it stands, if only its checksum, its magic or its version is wrong.
fn damaged(bytes: &[u8]) -> Option<FileHeader> {
    let mut header: [u8; FileHeader::BYTES] = *bytes.first_chunk()?;
    // If one begins before that, there is no header at all.
    let first = FrameHeader::find(bytes.get(..FileHeader::BYTES + FrameHeader::BYTES)?);
    first.filter(|&first| first == FileHeader::BYTES)?;
    let (content, stated) = header.split_last_chunk::<4>()?;
    let crc = crc32fast::hash(content);
    // A newer version states its own checksum rightly: it is not damaged.
    if crc == u32::from_le_bytes(*stated) && header.starts_with(&MAGIC) {
        return None;
    }
    header[..8].copy_from_slice(&MAGIC);
    header[8..10].copy_from_slice(&VERSION.major.to_le_bytes());
    let crc = crc32fast::hash(&header[..FileHeader::BYTES - 4]);
    header[FileHeader::BYTES - 4..].copy_from_slice(&crc.to_le_bytes());
    let (mut header, _) = FileHeader::decode(&header).ok()?;
    if header.session == [0; 16] {
        header.session = unknown_session(bytes)?;
    }
    Some(header)
}
