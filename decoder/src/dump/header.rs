//! The file's header: what is tolerated, and what is refused.

use std::path::Path;

use stenolog_format::frame::{FileHeader, FileHeaderError, FrameHeader, MAGIC, VERSION};

use crate::error::OpenError;

/// Reads the header and says where the frames begin.
///
/// A header that is damaged does not make its records worthless: if a frame stands behind it, the
/// file is a dump, and its header is taken as it stands, with the error.
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

/// The header as it stands, if only its checksum, its magic or its version is wrong.
fn damaged(bytes: &[u8]) -> Option<FileHeader> {
    let mut header: [u8; FileHeader::BYTES] = *bytes.first_chunk()?;
    FrameHeader::decode(bytes.get(FileHeader::BYTES..)?)?;
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
    FileHeader::decode(&header).ok().map(|(header, _)| header)
}
