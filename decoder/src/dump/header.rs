//! Headers of files: intact, damaged, or gone with the beginning of the file.

use std::path::Path;

use stenolog_format::frame::{FileHeader, FileHeaderError, FrameHeader, MAGIC, VERSION};

use crate::error::OpenError;

/// Reads the header; returns it with the offset of the first frame, and what is wrong with it.
///
/// A file with a frame is a dump, even if its header is damaged or gone. A damaged header is taken as it is;
/// nothing is known of one that is gone.
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
        // A damaged header without a frame after it, such as that of a file cut at the first frame.
        FileHeaderError::Checksum { .. } | FileHeaderError::Magic { .. } | _ => {
            OpenError::NoDump { path, source }
        }
    })
}

/// How many bytes to search for a frame, after leading zeros.
const MOST_LOOKED_AT: usize = 64 << 20;

/// The session of a file that does not state it is a checksum of this many bytes from the first frame on.
const SESSION_OF_BYTES: usize = 64 << 10;

/// A header that states nothing, if there is a frame.
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

/// A session that copies of the file share, made from its first bytes; `None` without a frame.
fn unknown_session(bytes: &[u8]) -> Option<[u8; 16]> {
    let begin = bytes.iter().position(|&byte| byte != 0)?;
    let rest = &bytes[begin..bytes.len().min(begin.saturating_add(MOST_LOOKED_AT))];
    let first = rest.get(FrameHeader::find(rest)?..)?;
    let frame = FrameHeader::decode(first)?;
    let crc = crc32fast::hash(&first[..first.len().min(SESSION_OF_BYTES)]);
    let parts = [frame.sequence, frame.payload_bytes, frame.payload_crc, crc];
    parts.map(u32::to_le_bytes).as_flattened().try_into().ok()
}

/// The header as it is in the file, if only its checksum, its magic or its version is wrong.
fn damaged(bytes: &[u8]) -> Option<FileHeader> {
    let mut header: [u8; FileHeader::BYTES] = *bytes.first_chunk()?;
    // If one begins before that, there is no header at all.
    let first = FrameHeader::find(bytes.get(..FileHeader::BYTES + FrameHeader::BYTES)?);
    first.filter(|&first| first == FileHeader::BYTES)?;
    let (content, stated) = header.split_last_chunk::<4>()?;
    let crc = crc32fast::hash(content);
    // A newer version has the right checksum: it is not damaged.
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
